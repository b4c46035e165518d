#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((noreturn)) static void die(const char *what)
{
    perror(what);
    exit(2);
}

int bench_connect(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

struct bench_server bench_server_start(bench_serve *serve)
{
    int ends[2];
    uint16_t port;
    fflush(stdout);
    if (pipe(ends))
        die("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        serve(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &port, sizeof port) != sizeof port)
        die("server");
    close(ends[0]);
    return (struct bench_server){pid, bench_connect(port)};
}

void bench_server_stop(struct bench_server *s)
{
    close(s->fd);
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

double bench_server_seconds(const struct bench_server *s)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(s->pid, &clock) || clock_gettime(clock, &t))
        die("clock");
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct otk_buffer bench_request(const struct otk_buffer *body)
{
    struct otk_buffer b = OTK_BUFFER_INIT((size_t)1 << 28);
    otk_buffer_printf(&b,
                      "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\n"
                      "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                      body->size);
    otk_buffer_append(&b, body->data, body->size);
    return b;
}

static void send_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            die("send");
        data += n;
        size -= (size_t)n;
    }
}

/* Looks for data instead of sleeping for it: waking a client whose core went idle would be charged to the server, more
 * to one that takes longer, and on virtual machines it costs more than the request. */
static size_t recv_awake(int fd, char *to, size_t room)
{
    ssize_t n;
    do
        n = recv(fd, to, room, MSG_DONTWAIT);
    while (n < 0 && errno == EAGAIN);
    if (n <= 0)
        die("recv");
    return (size_t)n;
}

void bench_exchange(const struct bench_server *s, const struct otk_buffer *request)
{
    char answer[1024];
    size_t have = 0;
    send_all(s->fd, request->data, request->size);
    /* Every answer here has an empty body: it ends with its headers. */
    while (have < 4 || memcmp(answer + have - 4, "\r\n\r\n", 4) != 0) {
        have += recv_awake(s->fd, answer + have, sizeof answer - 1 - have);
    }
    answer[have] = '\0';
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        fputs(answer, stderr);
        exit(2);
    }
}

void bench_tell_port(int port_pipe, uint16_t port)
{
    if (write(port_pipe, &port, sizeof port) != sizeof port)
        die("pipe");
    close(port_pipe);
}

/* ---- The floors ------------------------------------------------------ */

/* Keeps each body in a malloc'd copy of exactly its size, in a list. */
struct kept {
    struct kept *next;
    struct otk_buffer body;
};

struct request {
    struct otk_buffer body;
    bool begun;
};

static struct MHD_Response *empty_answer(void)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "application/x-protobuf");
    return r;
}

static enum MHD_Result drain(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                             const char *version, const char *data, size_t *size, void **context)
{
    static int begun;
    (void)url, (void)method, (void)version, (void)data;
    if (!*context) {
        *context = &begun;
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    return MHD_queue_response(c, 200, arg);
}

static enum MHD_Result keep(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                            const char *version, const char *data, size_t *size, void **context)
{
    static struct kept *all;
    struct kept *k = *context;
    (void)url, (void)method, (void)version;
    if (!k) {
        const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
        *context = k = calloc(1, sizeof *k);
        k->body = OTK_BUFFER_INIT((size_t)1 << 28);
        k->body.data = malloc(strtoul(length, NULL, 10));
        k->body.capacity = strtoul(length, NULL, 10);
        return MHD_YES;
    }
    if (*size) {
        otk_buffer_append(&k->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    k->next = all;
    all = k;
    return MHD_queue_response(c, 200, arg);
}

static void start(int port_pipe, MHD_AccessHandlerCallback handler)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handler, empty_answer(), MHD_OPTION_SOCK_ADDR, &a,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)64 * 1024, MHD_OPTION_END);
    if (!d)
        die("libmicrohttpd");
    bench_tell_port(port_pipe, MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
}

void bench_start_null(int port_pipe)
{
    start(port_pipe, drain);
}

void bench_serve_null(int port_pipe)
{
    start(port_pipe, drain);
    for (;;)
        pause();
}

void bench_serve_keeping(int port_pipe)
{
    start(port_pipe, keep);
    for (;;)
        pause();
}
