/* A web server with a trace for every request: it goes on where the client's began, and what happens below belongs to
 * the current span. Serves as many requests as it is told to. */
#include <arpa/inet.h>
#include <otlpkit/sdk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    char text[8192]; /* as it came */
    char method[16], path[256];
};

/* The `index`th header of that name, for otk_extract(). */
static const char *get_header(void *carrier, const char *name, size_t index)
{
    static _Thread_local char value[1024];
    const struct request *r = carrier;
    size_t size = strlen(name);
    for (const char *line = r->text; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, name, size) != 0 || line[size] != ':' || index-- != 0)
            continue;
        line += size + 1;
        line += strspn(line, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r"), line);
        return value;
    }
    return NULL;
}

static bool read_request(int fd, struct request *r)
{
    size_t have = 0;
    while (have < sizeof r->text - 1 && !strstr(r->text, "\r\n\r\n")) {
        ssize_t n = recv(fd, r->text + have, sizeof r->text - 1 - have, 0);
        if (n <= 0)
            return false;
        have += (size_t)n;
        r->text[have] = '\0';
    }
    return sscanf(r->text, "%15s %255s", r->method, r->path) == 2;
}

/* Knows nothing of the request's span, and yet its own is a child of it. */
static int look_up(otk_tracer *tracer, const char *path)
{
    OTK_SCOPED_SPAN(span, tracer, "look up");
    if (strcmp(path, "/cart") == 0)
        return 200;
    otk_span_record_error(span, "LookupError", "there is no such page", NULL, NULL);
    otk_message(tracer, OTK_SEVERITY_NUMBER_WARN, "nothing under {path}",
                OTK_ATTRIBUTES(otk_attribute_string("path", path)));
    return 404;
}

static int handle(otk_tracer *tracer, const struct request *r)
{
    int status = look_up(tracer, r->path);
    otk_span *span = otk_span_current();
    otk_span_set_int(span, "http.response.status_code", status);
    if (status >= 500)
        otk_span_set_status(span, OTK_STATUS_CODE_ERROR, NULL);
    return status;
}

static int handle_traced(otk_sdk *sdk, otk_tracer *tracer, struct request *r)
{
    otk_context *client = otk_extract(sdk, get_header, r);
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.kind = OTK_SPAN_KIND_SERVER;
    options.parent = otk_context_span(client);
    options.attributes = OTK_ATTRIBUTES(otk_attribute_string("http.request.method", r->method),
                                        otk_attribute_string("url.path", r->path));
    otk_span *span = otk_span_start_with(tracer, r->method, &options);
    otk_token token = otk_span_attach(span);
    int status = handle(tracer, r);
    otk_detach(token);
    otk_span_free(span);
    otk_context_free(client);
    return status;
}

static void serve(int fd, otk_sdk *sdk, otk_tracer *tracer)
{
    struct request r = {0};
    char answer[128];
    if (!read_request(fd, &r))
        return;
    int status = handle_traced(sdk, tracer, &r);
    int size =
        snprintf(answer, sizeof answer, "HTTP/1.1 %d -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    send(fd, answer, (size_t)size, MSG_NOSIGNAL);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        perror("web_server");
        exit(3);
    }
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    otk_sdk *sdk = otk_sdk_start(NULL, NULL);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "web_server", NULL);
    int listener = listen_on_loopback();
    for (int left = argc > 1 ? atoi(argv[1]) : 1; left > 0; left--) {
        int fd = accept(listener, NULL, NULL);
        serve(fd, sdk, tracer);
        close(fd);
    }
    close(listener);
    otk_sdk_stop(sdk);
    return 0;
}
