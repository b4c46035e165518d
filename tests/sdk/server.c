#include "server.h"

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_MAX 64
#define HEAD_MAX 16384
#define FLOOD ((size_t)5 << 20)

const char server_hangs_up[] = "hangs up";
const char server_holds[] = "holds";
const char server_floods[] = "floods";

struct server {
    int listener;
    uint16_t port;
    char url[64];
    pthread_t thread;
    pthread_mutex_t mutex; /* covers what follows */
    pthread_cond_t changed;
    const char *const *script;
    struct request requests[REQUESTS_MAX];
    size_t request_count, connection_count;
    int connection;
    bool released, stopping;
};

static bool read_head(int fd, char *head)
{
    size_t size = 0;
    while (size < HEAD_MAX && recv(fd, head + size, 1, 0) == 1) {
        head[++size] = '\0';
        if (size >= 4 && memcmp(head + size - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static bool read_request(int fd, struct request *out)
{
    char length[32];
    out->head = calloc(1, HEAD_MAX + 1);
    if (!read_head(fd, out->head))
        return false;
    out->size = request_header(out, "Content-Length", length, sizeof length) ? strtoul(length, NULL, 10) : 0;
    out->body = calloc(1, out->size + 1);
    return out->size == 0 || recv(fd, out->body, out->size, MSG_WAITALL) == (ssize_t)out->size;
}

static void keep(struct server *s, const struct request *r, const char **reply)
{
    pthread_mutex_lock(&s->mutex);
    *reply = *s->script ? *s->script++ : SERVER_OK;
    if (s->request_count == REQUESTS_MAX)
        abort();
    s->requests[s->request_count++] = *r;
    pthread_cond_broadcast(&s->changed);
    while (*reply == server_holds && !s->released && !s->stopping)
        pthread_cond_wait(&s->changed, &s->mutex);
    if (*reply == server_holds)
        *reply = SERVER_OK;
    pthread_mutex_unlock(&s->mutex);
}

static void send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

static void send_flood(int fd)
{
    char *flood = calloc(1, FLOOD);
    const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 5242880\r\n\r\n";
    send_all(fd, head, strlen(head));
    send_all(fd, flood, FLOOD);
    free(flood);
}

static void serve_connection(struct server *s, int fd)
{
    for (;;) {
        struct request r = {0};
        const char *reply;
        if (!read_request(fd, &r)) {
            free(r.head);
            free(r.body);
            return;
        }
        keep(s, &r, &reply);
        if (reply == server_hangs_up)
            return;
        if (reply == server_floods)
            send_flood(fd);
        else
            send_all(fd, reply, strlen(reply));
    }
}

static bool set_connection(struct server *s, int fd)
{
    pthread_mutex_lock(&s->mutex);
    s->connection = fd;
    s->connection_count += fd >= 0;
    bool go_on = !s->stopping;
    pthread_mutex_unlock(&s->mutex);
    return go_on;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        if (set_connection(s, fd))
            serve_connection(s, fd);
        set_connection(s, -1);
        close(fd);
    }
    return NULL;
}

struct server *server_start(const char *const *script)
{
    static const char *const nothing[] = {NULL};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct server *s = calloc(1, sizeof *s);
    s->script = script ? script : nothing;
    s->connection = -1;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", s->port);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

void server_stop(struct server *s)
{
    pthread_mutex_lock(&s->mutex);
    s->stopping = true;
    if (s->connection >= 0)
        shutdown(s->connection, SHUT_RDWR);
    shutdown(s->listener, SHUT_RDWR);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    close(s->listener);
    for (size_t i = 0; i < s->request_count; i++) {
        free(s->requests[i].head);
        free(s->requests[i].body);
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const char *server_url(const struct server *s)
{
    return s->url;
}

uint16_t server_port(const struct server *s)
{
    return s->port;
}

void server_wait(struct server *s, size_t requests)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&s->mutex);
    while (s->request_count < requests && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&s->changed, &s->mutex, &until);
    size_t came = s->request_count;
    pthread_mutex_unlock(&s->mutex);
    if (came < requests)
        fail_msg("%zu requests came, not %zu", came, requests);
}

void server_release(struct server *s)
{
    pthread_mutex_lock(&s->mutex);
    s->released = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

size_t server_request_count(struct server *s)
{
    pthread_mutex_lock(&s->mutex);
    size_t count = s->request_count;
    pthread_mutex_unlock(&s->mutex);
    return count;
}

size_t server_connection_count(struct server *s)
{
    pthread_mutex_lock(&s->mutex);
    size_t count = s->connection_count;
    pthread_mutex_unlock(&s->mutex);
    return count;
}

const struct request *server_request(struct server *s, size_t i)
{
    assert_true(i < server_request_count(s));
    return &s->requests[i];
}

bool request_header(const struct request *r, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    for (const char *line = r->head; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        line += strspn(line, " ");
        snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line);
        return true;
    }
    return false;
}

bool request_begins(const struct request *r, const char *line)
{
    return strncmp(r->head, line, strlen(line)) == 0;
}
