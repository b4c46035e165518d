#include "client.h"

#include "inflate.h"
#include "json.h"

#include <jansson.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct client client_open_at(const char *host, uint16_t port)
{
    char service[8];
    int on = 1;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    snprintf(service, sizeof service, "%u", port);
    assert_int_equal(getaddrinfo(host, service, &hints, &found), 0);
    struct client c = {.fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = OTK_BUFFER_INIT(1 << 24)};
    assert_true(c.fd >= 0);
    assert_int_equal(connect(c.fd, found->ai_addr, found->ai_addrlen), 0);
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    freeaddrinfo(found);
    return c;
}

struct client client_open(uint16_t port)
{
    return client_open_at("127.0.0.1", port);
}

void client_close(struct client *c)
{
    close(c->fd);
    otk_buffer_clear(&c->in);
}

bool client_send(struct client *c, const void *data, size_t size)
{
    const char *p = data;
    while (size) {
        ssize_t n = send(c->fd, p, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

bool client_print(struct client *c, const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(n, 0, sizeof text - 1);
    return client_send(c, text, (size_t)n);
}

/* Receives some more; false at the end of the connection. */
static bool receive(struct client *c)
{
    struct pollfd readable = {.fd = c->fd, .events = POLLIN};
    if (poll(&readable, 1, PATIENCE_MS) != 1)
        return false;
    uint8_t *to = otk_buffer_reserve(&c->in, 4096);
    assert_non_null(to);
    ssize_t n = recv(c->fd, to, 4096, 0);
    if (n <= 0)
        return false;
    c->in.size += (size_t)n;
    return true;
}

static void consume(struct client *c, size_t size)
{
    memmove(c->in.data, c->in.data + size, c->in.size - size);
    c->in.size -= size;
}

/* Splits the head into lines that end with a NUL. */
static void split_head(struct response *r)
{
    for (size_t i = 0; i + 1 < r->head_size; i++)
        if (r->head[i] == '\r' && r->head[i + 1] == '\n')
            r->head[i] = r->head[i + 1] = '\0';
    assert_int_equal(sscanf(r->head, "HTTP/1.1 %u", &r->status), 1);
}

const char *response_header(const struct response *r, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = r->head; line < r->head + r->head_size; line += strlen(line) + 1)
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            return line + size + 1 + strspn(line + size + 1, " ");
    return NULL;
}

static bool read_bytes(struct client *c, size_t size, struct otk_buffer *out)
{
    while (c->in.size < size)
        if (!receive(c))
            return false;
    if (size)
        assert_int_equal(otk_buffer_append(out, c->in.data, size), 0);
    consume(c, size);
    return true;
}

/* RFC 9112, section 7.1, without trailers and extensions. */
static bool read_chunks(struct client *c, struct response *out)
{
    assert_string_equal(response_header(out, "Transfer-Encoding"), "chunked");
    for (;;) {
        const uint8_t *end;
        char size_line[32] = "";
        while (!c->in.size || !(end = memmem(c->in.data, c->in.size, "\r\n", 2)))
            if (!receive(c))
                return false;
        assert_true((size_t)(end - c->in.data) < sizeof size_line);
        memcpy(size_line, c->in.data, (size_t)(end - c->in.data));
        consume(c, strlen(size_line) + 2);
        size_t size = strtoul(size_line, NULL, 16);
        if (!read_bytes(c, size, &out->body) || !client_sees(c, "\r\n"))
            return false;
        if (!size)
            return true;
    }
}

bool client_read(struct client *c, struct response *out)
{
    *out = (struct response){.body = OTK_BUFFER_INIT(1 << 24)};
    const uint8_t *end;
    while (!c->in.size || !(end = memmem(c->in.data, c->in.size, "\r\n\r\n", 4)))
        if (!receive(c))
            return false;
    out->head_size = (size_t)(end - c->in.data) + 2;
    assert_true(out->head_size < sizeof out->head);
    memcpy(out->head, c->in.data, out->head_size);
    consume(c, out->head_size + 2);
    split_head(out);
    if (out->status / 100 == 1 || out->status == 204)
        return true;
    const char *length = response_header(out, "Content-Length");
    return length ? read_bytes(c, strtoul(length, NULL, 10), &out->body) : read_chunks(c, out);
}

bool client_sees(struct client *c, const char *text)
{
    const uint8_t *found;
    while (!c->in.size || !(found = memmem(c->in.data, c->in.size, text, strlen(text))))
        if (!receive(c))
            return false;
    consume(c, (size_t)(found - c->in.data) + strlen(text));
    return true;
}

bool client_sees_end(struct client *c)
{
    while (receive(c))
        c->in.size = 0;
    char byte;
    return recv(c->fd, &byte, 1, MSG_DONTWAIT) <= 0 && poll(&(struct pollfd){.fd = c->fd, .events = POLLIN}, 1, 0) == 1;
}

void response_clear(struct response *r)
{
    otk_buffer_clear(&r->body);
}

/* The body without its Content-Encoding. */
static struct otk_buffer plain_body(const struct response *r)
{
    char what[128];
    struct otk_buffer plain = OTK_BUFFER_INIT(1 << 24);
    const char *coding = response_header(r, "Content-Encoding");
    assert_int_equal(otk_inflate(&plain, otk_coding_of(coding), r->body.data, r->body.size, what), 0);
    return plain;
}

json_t *response_message(const struct response *r, enum otk_message_id type)
{
    struct otk_buffer plain = plain_body(r), text = OTK_BUFFER_INIT(1 << 24);
    struct otk_index index = {0};
    struct otk_fault fault;
    if (strcmp(response_header(r, "Content-Type"), "application/json") == 0) {
        assert_int_equal(otk_buffer_append(&text, plain.data, plain.size), 0);
    } else {
        assert_string_equal(response_header(r, "Content-Type"), "application/x-protobuf");
        assert_int_equal(otk_wire_read(&index, otk_schema(type), plain.data, plain.size, &fault), 0);
        assert_int_equal(otk_json_write(&text, otk_schema(type), plain.data, plain.size), 0);
    }
    json_t *message = json_loadb((const char *)text.data, text.size, 0, NULL);
    assert_non_null(message);
    otk_index_clear(&index);
    otk_buffer_clear(&plain);
    otk_buffer_clear(&text);
    return message;
}

struct response client_post(struct client *c, struct post p)
{
    struct response r;
    const char *type = p.type ? p.type : "application/x-protobuf";
    client_print(c, "%s %s HTTP/1.1\r\nHost: test\r\n", p.method ? p.method : "POST", p.target ? p.target : "/v1/traces");
    if (*type)
        client_print(c, "Content-Type: %s\r\n", type);
    if (p.coding)
        client_print(c, "Content-Encoding: %s\r\n", p.coding);
    client_print(c, "%sContent-Length: %zu\r\n\r\n", p.extra ? p.extra : "", p.size);
    client_send(c, p.body, p.size);
    assert_true(client_read(c, &r));
    return r;
}

void client_send_question(struct client *c, const char *what, const char *extra, const char *body)
{
    const char *target = strchr(what, ' ');
    const char *host = extra && strstr(extra, "Host:") ? "" : "Host: localhost\r\n";
    client_print(c, "%.*s%s HTTP/1.1\r\n%s%s", (int)(target - what), what, target, host, extra ? extra : "");
    if (body)
        client_print(c, "Content-Length: %zu\r\n", strlen(body));
    client_send(c, "\r\n", 2);
    if (body)
        client_send(c, body, strlen(body));
}

struct response client_ask(struct client *c, const char *what, const char *extra, const char *body)
{
    struct response r;
    client_send_question(c, what, extra, body);
    assert_true(client_read(c, &r));
    return r;
}

const char *response_text(struct response *r)
{
    const char *text = otk_buffer_string(&r->body);
    assert_non_null(text);
    return text;
}
