#include "http.h"

#include "endpoint.h"
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The daemon clears as much for each request of a kept-alive connection. */
#define CONNECTION_MEMORY ((size_t)32 * 1024)
#define EVENTS_AT_ONCE 16
#define ACCEPT_AT_ONCE 64

/* What a Content-Length may reserve before a byte of it has come. */
#define BODY_ROOM_ON_TRUST ((size_t)1 << 20)

/* A full receiver, or one out of descriptors, looks again after this time, and
 * closes a connection that was idle for that long. */
#define ACCEPT_PAUSE_MS 100
#define SPARE_AFTER_MS 1000

/* How long a connection that is being closed may go on sending unread. */
#define LINGER_MS 2000

/* Rounds that stop spends on what has arrived already. */
#define ROUNDS_AT_STOP 100

struct otk_http;

/* Something the loop polls. */
struct source {
    void (*ready)(struct otk_http *h, struct source *s);
    int fd;
};

/* A place in a queue whose entries all get the same time, so that the first is
 * always the first to be due. */
struct entry {
    struct entry *previous, *next;
    uint64_t due_ms;
};

struct queue {
    struct entry *first, *last;
    unsigned time_ms;
};

/* A connection, and the request that is being read from it. */
struct conn {
    struct entry entry; /* in `idle` or `busy` */
    struct source source;
    struct queue *queue;
    struct otk_http *http;
    struct MHD_Connection *mhd;
    struct capture *capture; /* from the request line to the end of the body */
    int fd;
    bool begun; /* its headers were read */
    char peer[INET6_ADDRSTRLEN + 9];
};

/* A connection that is answered and closed on our side, while what the client
 * still sends is thrown away: closing at once would reset the connection and could destroy the
 * answer on its way (RFC 9112, section 9.6). */
struct lingering {
    struct entry entry;
    struct source source;
};

struct otk_http {
    struct otk_store *store;
    struct otk_endpoint endpoint;
    otk_capture_fn *on_capture;
    void *on_capture_arg;
    unsigned max_connections;

    struct otk_listener listener;
    struct source listening[OTK_LISTENER_SOCKETS];
    struct source daemon_source;
    struct source stop_source;
    struct MHD_Daemon *daemon;
    struct MHD_Response *success[OTK_ENCODING_JSON + 1];
    int epoll;
    pthread_t thread;
    bool thread_runs;

    /* The thread's own. */
    bool stopping;
    uint64_t now_ms;
    uint64_t accept_at_ms; /* 0, or when a paused receiver accepts again */
    unsigned connections;
    unsigned arriving; /* accepted, and not yet begun by the daemon: it may put that off to its next round */
    struct queue idle, busy, leaving;
};

/* ---- Time and queues ------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void queue_push(struct otk_http *h, struct queue *q, struct entry *e)
{
    *e = (struct entry){.previous = q->last, .due_ms = h->now_ms + q->time_ms};
    if (q->last)
        q->last->next = e;
    else
        q->first = e;
    q->last = e;
}

static void queue_remove(struct queue *q, struct entry *e)
{
    if (e->previous)
        e->previous->next = e->next;
    else
        q->first = e->next;
    if (e->next)
        e->next->previous = e->previous;
    else
        q->last = e->previous;
}

static void move_to(struct conn *n, struct queue *q)
{
    if (n->queue)
        queue_remove(n->queue, &n->entry);
    n->queue = q;
    queue_push(n->http, q, &n->entry);
}

static struct entry *due(const struct queue *q, uint64_t now_ms)
{
    return q->first && q->first->due_ms <= now_ms ? q->first : NULL;
}

static bool watch(struct otk_http *h, struct source *s, int fd, uint32_t events,
                  void (*ready)(struct otk_http *h, struct source *s))
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    *s = (struct source){ready, fd};
    return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* ---- Closing with an answer on its way ------------------------------- */

static struct lingering *lingering_of(struct source *s)
{
    return (struct lingering *)(void *)((char *)s - offsetof(struct lingering, source));
}

static void end_lingering(struct otk_http *h, struct lingering *l)
{
    queue_remove(&h->leaving, &l->entry);
    epoll_ctl(h->epoll, EPOLL_CTL_DEL, l->source.fd, NULL); /* the daemon may still hold the socket open */
    close(l->source.fd);
    free(l);
}

static void drain(struct otk_http *h, struct source *s)
{
    char unread[16384];
    ssize_t n = recv(s->fd, unread, sizeof unread, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        end_lingering(h, lingering_of(s));
}

/* Holds the socket open beyond the daemon's own closing. */
static void linger(struct otk_http *h, int fd)
{
    struct lingering *l = calloc(1, sizeof *l);
    int held = l ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (held < 0) {
        free(l);
        return;
    }
    queue_push(h, &h->leaving, &l->entry);
    shutdown(held, SHUT_WR);
    if (!watch(h, &l->source, held, EPOLLIN, drain))
        end_lingering(h, l);
}

/* ---- Answers --------------------------------------------------------- */

static struct MHD_Response *make_response(otk_bytes body, otk_headers headers, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.data, mode);
    for (size_t i = 0; r && i < headers.count; i++) {
        if (MHD_add_response_header(r, headers.items[i].name, headers.items[i].value) == MHD_YES)
            continue;
        MHD_destroy_response(r);
        r = NULL;
    }
    return r;
}

/* Past the daemon, which takes no answer while a body is arriving. */
static void respond_early(struct conn *n, const otk_capture *c)
{
    struct otk_buffer out = OTK_BUFFER_INIT((size_t)1 << 20);
    otk_buffer_printf(&out, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n", c->status,
                      MHD_get_reason_phrase_for(c->status), c->answer.size);
    for (size_t i = 0; i < c->answer_headers.count; i++)
        otk_buffer_printf(&out, "%s: %s\r\n", c->answer_headers.items[i].name, c->answer_headers.items[i].value);
    otk_buffer_text(&out, "\r\n");
    otk_buffer_append(&out, c->answer.data, c->answer.size);
    if (!out.failed && send(n->fd, out.data, out.size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)out.size)
        linger(n->http, n->fd);
    otk_buffer_clear(&out);
}

/* Nearly every answer is the same, and made already. */
static bool is_plain_success(const otk_capture *c)
{
    return c->status == 200 && c->answer_headers.count == 1 && c->answer.size == (c->encoding == OTK_ENCODING_JSON ? 2 : 0);
}

static enum MHD_Result respond(struct conn *n, const otk_capture *c, bool telemetry)
{
    if (telemetry && is_plain_success(c))
        return MHD_queue_response(n->mhd, 200, n->http->success[c->encoding]);
    struct MHD_Response *made = make_response(c->answer, c->answer_headers, MHD_RESPMEM_MUST_COPY);
    if (!made) {
        respond_early(n, c);
        return MHD_NO;
    }
    enum MHD_Result rc = MHD_queue_response(n->mhd, c->status, made);
    MHD_destroy_response(made);
    return rc;
}

/* No memory even to read the request: an answer that takes none. */
static enum MHD_Result give_up(struct conn *n)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
                                 "Content-Type: application/json\r\nContent-Length: 37\r\n\r\n"
                                 "{\"code\":14,\"message\":\"out of memory\"}";
    otk_store_count_lost(n->http->store);
    if (send(n->fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof answer - 1)
        linger(n->http, n->fd);
    return MHD_NO;
}

/* ---- Captures -------------------------------------------------------- */

/* Into the store, and if there is no room, with that as its answer. */
static void keep(struct otk_http *h, struct capture *c)
{
    int rc = otk_store_add(h->store, c);
    if (rc && c->pub.status == 200) {
        otk_endpoint_refuse(&h->endpoint, c, 503, rc == OTK_ELIMIT ? "the receiver is full: it holds as many bytes of captures as "
                                                       "max_capture_bytes allows; reset it or raise that limit"
                                                     : "out of memory");
        otk_store_add(h->store, c);
    }
    if (h->on_capture)
        h->on_capture(&c->pub, h->on_capture_arg);
}

static void end_body(struct capture *c)
{
    otk_capture_end_body(c);
    c->pub.time_unix_nano = clock_ns(CLOCK_REALTIME);
}

/* Hands over the request that `n` was reading. */
static struct capture *take_capture(struct conn *n)
{
    struct capture *c = n->capture;
    n->capture = NULL;
    n->begun = false;
    end_body(c);
    return c;
}

/* Refuses a request that is not whole, answers at once, and gives the connection up. */
static enum MHD_Result cut(struct conn *n, unsigned status, const char *reason)
{
    struct capture *c = take_capture(n);
    otk_endpoint_recognize(&n->http->endpoint, c);
    otk_endpoint_refuse(&n->http->endpoint, c, status, reason);
    keep(n->http, c);
    respond_early(n, &c->pub);
    otk_capture_free(c);
    return MHD_NO;
}

static enum MHD_Result cut_large(struct conn *n)
{
    char reason[160];
    snprintf(reason, sizeof reason, "the body is larger than %zu bytes, the receiver's limit; send smaller batches",
             n->http->endpoint.max_request_bytes);
    return cut(n, 413, reason);
}

/* The client went away in the middle of a request: it is kept, with no answer. */
static void keep_unfinished(struct conn *n)
{
    char reason[128];
    bool begun = n->begun;
    struct capture *c = take_capture(n);
    if (begun && !n->http->stopping) {
        otk_endpoint_recognize(&n->http->endpoint, c);
        snprintf(reason, sizeof reason, "the connection closed after %zu bytes of body, before the request was whole",
                 c->pub.body.size);
        const char *kept = otk_arena_string(&c->arena, reason, strlen(reason));
        c->pub.reason = kept ? kept : "the connection closed before the request was whole";
        keep(n->http, c);
    }
    otk_capture_free(c);
}

/* ---- Reading a request ----------------------------------------------- */

struct gathering {
    struct otk_arena *arena;
    otk_header *items;
    size_t count, capacity;
};

static enum MHD_Result gather(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct gathering *g = arg;
    (void)kind;
    if (g->count == g->capacity)
        return MHD_NO;
    otk_header *header = &g->items[g->count];
    header->name = otk_arena_string(g->arena, name, strlen(name));
    header->value = otk_arena_string(g->arena, value ? value : "", value ? strlen(value) : 0);
    if (!header->name || !header->value)
        return MHD_NO;
    g->count++;
    return MHD_YES;
}

static bool keep_text(struct capture *c, const char **out, const char *text)
{
    const char *kept = otk_arena_string(&c->arena, text, strlen(text));
    if (kept)
        *out = kept;
    return kept != NULL;
}

static bool read_headers(struct conn *n, struct capture *c)
{
    int count = MHD_get_connection_values(n->mhd, MHD_HEADER_KIND, NULL, NULL);
    if (count <= 0)
        return true;
    struct gathering g = {.arena = &c->arena, .capacity = (size_t)count};
    g.items = otk_arena_alloc(&c->arena, g.capacity * sizeof *g.items);
    if (g.items)
        MHD_get_connection_values(n->mhd, MHD_HEADER_KIND, gather, &g);
    c->pub.headers = (otk_headers){g.items, g.count};
    return g.items && g.count == g.capacity;
}

static bool read_head(struct conn *n, struct capture *c, const char *method, const char *version)
{
    return keep_text(c, &c->pub.method, method) && keep_text(c, &c->pub.http_version, version) &&
           keep_text(c, &c->pub.peer, n->peer) && read_headers(n, c);
}

static enum MHD_Result begin(struct conn *n, const char *method, const char *version)
{
    struct capture *c = n->capture;
    size_t limit = n->http->endpoint.max_request_bytes;
    n->begun = true;
    if (!read_head(n, c, method, version))
        return cut(n, 503, "out of memory");
    const char *length = otk_headers_get(&c->pub.headers, "Content-Length");
    unsigned long long announced = length ? strtoull(length, NULL, 10) : 0;
    if (announced > limit)
        return cut_large(n);
    c->body.limit = limit;
    if (announced && otk_capture_reserve(c, announced < BODY_ROOM_ON_TRUST ? (size_t)announced : BODY_ROOM_ON_TRUST))
        return cut(n, 503, "out of memory");
    return MHD_YES;
}

static enum MHD_Result read_body(struct conn *n, const char *data, size_t size)
{
    struct capture *c = n->capture;
    size_t room = c->body.limit - c->body.size;
    c->pub.body_size += size;
    if (otk_buffer_append(&c->body, data, size < room ? size : room))
        return cut(n, 503, "out of memory");
    return size > room ? cut_large(n) : MHD_YES;
}

static enum MHD_Result finish(struct conn *n)
{
    struct otk_http *h = n->http;
    struct capture *c = take_capture(n);
    bool telemetry = otk_endpoint_serve(&h->endpoint, c);
    if (telemetry)
        keep(h, c);
    enum MHD_Result rc = respond(n, &c->pub, telemetry);
    otk_capture_free(c);
    move_to(n, &h->busy);
    return rc;
}

/* ---- What the daemon calls ------------------------------------------- */

/* At the request line: `target` is raw here, later the daemon has unescaped it. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *n = info ? info->socket_context : NULL;
    (void)arg;
    if (!n)
        return NULL;
    otk_capture_free(n->capture);
    n->capture = otk_capture_new();
    if (n->capture && !keep_text(n->capture, &n->capture->pub.target, target)) {
        otk_capture_free(n->capture);
        n->capture = NULL;
    }
    move_to(n, &n->http->busy);
    return n;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    struct conn *n = *context;
    (void)arg;
    (void)mhd;
    (void)url;
    if (!n)
        return MHD_NO;
    if (!n->capture)
        return give_up(n);
    if (!n->begun)
        return begin(n, method, version);
    if (*size == 0)
        return finish(n);
    size_t offered = *size;
    *size = 0;
    return read_body(n, data, offered);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why)
{
    struct conn *n = *context;
    (void)arg;
    (void)mhd;
    (void)why;
    if (!n)
        return;
    if (n->capture)
        keep_unfinished(n);
    move_to(n, &n->http->idle);
}

static void name_peer(struct conn *n, const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    bool is_v6 = address->sa_family == AF_INET6;
    inet_ntop(address->sa_family, is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host, sizeof host);
    snprintf(n->peer, sizeof n->peer, "%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

/* The daemon is woken by edges, and misses the end of a connection that came
 * together with its last bytes. This makes a new edge. */
static void end_reading(struct otk_http *h, struct source *s)
{
    (void)h;
    shutdown(s->fd, SHUT_RD);
}

static struct conn *new_conn(struct otk_http *h, struct MHD_Connection *mhd)
{
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct conn *n = calloc(1, sizeof *n);
    if (!n) {
        shutdown(fd, SHUT_RDWR);
        return NULL;
    }
    n->http = h;
    n->mhd = mhd;
    n->fd = fd;
    name_peer(n, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    watch(h, &n->source, n->fd, EPOLLRDHUP | EPOLLET, end_reading);
    move_to(n, &h->idle);
    h->connections++;
    return n;
}

static void free_conn(struct otk_http *h, struct conn *n)
{
    epoll_ctl(h->epoll, EPOLL_CTL_DEL, n->fd, NULL);
    queue_remove(n->queue, &n->entry);
    otk_capture_free(n->capture);
    free(n);
    h->connections--;
    if (h->accept_at_ms)
        h->accept_at_ms = h->now_ms;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode why)
{
    if (why == MHD_CONNECTION_NOTIFY_STARTED)
        *context = new_conn(arg, mhd);
    else if (*context)
        free_conn(arg, *context);
}

/* ---- Accepting ------------------------------------------------------- */

static void set_listening(struct otk_http *h, bool on)
{
    for (size_t i = 0; i < h->listener.count; i++) {
        struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = &h->listening[i]};
        epoll_ctl(h->epoll, EPOLL_CTL_MOD, h->listening[i].fd, &event);
    }
}

static bool is_full(const struct otk_http *h)
{
    return h->connections + h->arriving >= h->max_connections;
}

/* New connections wait in the kernel's queue. Kept-alive ones with nothing to
 * say do not hold the place of one that has. */
static void pause_accepting(struct otk_http *h)
{
    struct entry *oldest = h->idle.first;
    if (oldest && is_full(h) && oldest->due_ms - h->idle.time_ms + SPARE_AFTER_MS <= h->now_ms) {
        struct conn *n = (struct conn *)oldest;
        shutdown(n->fd, SHUT_RDWR);
        move_to(n, &h->busy);
    }
    if (!h->accept_at_ms)
        set_listening(h, false);
    h->accept_at_ms = h->now_ms + ACCEPT_PAUSE_MS;
}

static void resume_accepting(struct otk_http *h)
{
    if (is_full(h)) {
        pause_accepting(h);
        return;
    }
    h->accept_at_ms = 0;
    set_listening(h, true);
}

static bool is_exhausted(int failed)
{
    return failed == EMFILE || failed == ENFILE || failed == ENOBUFS || failed == ENOMEM;
}

static void accept_some(struct otk_http *h, struct source *s)
{
    for (int i = 0; i < ACCEPT_AT_ONCE && !h->accept_at_ms; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        if (is_full(h)) {
            pause_accepting(h);
            return;
        }
        int fd = accept4(s->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && is_exhausted(errno))
            pause_accepting(h);
        if (fd < 0)
            return;
        unsigned before = h->connections;
        if (MHD_add_connection(h->daemon, fd, (struct sockaddr *)&address, size) == MHD_YES)
            h->arriving += h->connections == before;
    }
}

/* ---- The loop -------------------------------------------------------- */

static void run_daemon(struct otk_http *h, struct source *s)
{
    (void)h; /* every round of the loop runs it */
    (void)s;
}

static void begin_stop(struct otk_http *h, struct source *s)
{
    (void)s;
    h->stopping = true;
}

static void expire_busy(struct otk_http *h, struct conn *n)
{
    if (n->capture && n->begun) {
        char reason[128];
        snprintf(reason, sizeof reason, "the request did not arrive whole within %u ms", h->busy.time_ms);
        cut(n, 408, reason);
    }
    shutdown(n->fd, SHUT_RDWR);
    move_to(n, &h->busy);
}

static void expire(struct otk_http *h)
{
    struct entry *e;
    while ((e = due(&h->idle, h->now_ms))) {
        shutdown(((struct conn *)e)->fd, SHUT_RDWR);
        move_to((struct conn *)e, &h->busy);
    }
    while ((e = due(&h->busy, h->now_ms)))
        expire_busy(h, (struct conn *)e);
    while ((e = due(&h->leaving, h->now_ms)))
        end_lingering(h, (struct lingering *)e);
    if (h->accept_at_ms && h->accept_at_ms <= h->now_ms)
        resume_accepting(h);
}

static void earlier(uint64_t *next, uint64_t at)
{
    if (at < *next)
        *next = at;
}

/* Milliseconds until something is due, or -1. */
static int time_left(const struct otk_http *h)
{
    uint64_t next = UINT64_MAX;
    const struct queue *queues[] = {&h->idle, &h->busy, &h->leaving};
    MHD_UNSIGNED_LONG_LONG daemon_ms;
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        if (queues[i]->first)
            earlier(&next, queues[i]->first->due_ms);
    if (h->accept_at_ms)
        earlier(&next, h->accept_at_ms);
    if (MHD_get_timeout(h->daemon, &daemon_ms) == MHD_YES)
        earlier(&next, h->now_ms + daemon_ms);
    if (next == UINT64_MAX)
        return -1;
    uint64_t left = next > h->now_ms ? next - h->now_ms : 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

static int run_round(struct otk_http *h, int timeout_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(h->epoll, events, EVENTS_AT_ONCE, timeout_ms);
    h->now_ms = clock_ns(CLOCK_MONOTONIC) / 1000000u;
    for (int i = 0; i < n; i++) {
        struct source *s = events[i].data.ptr;
        s->ready(h, s);
    }
    MHD_run(h->daemon);
    h->arriving = 0;
    expire(h);
    return n;
}

static void *loop(void *arg)
{
    struct otk_http *h = arg;
    while (!h->stopping)
        run_round(h, time_left(h));
    epoll_ctl(h->epoll, EPOLL_CTL_DEL, h->stop_source.fd, NULL);
    for (int i = 0; i < ROUNDS_AT_STOP; i++)
        if (run_round(h, 0) <= 0 && time_left(h) != 0)
            break;
    return NULL;
}

/* ---- Start and stop -------------------------------------------------- */

static int fail(otk_error *error, int code, const char *what)
{
    error->code = code;
    if (code == OTK_ENOMEM)
        snprintf(error->message, sizeof error->message, "out of memory");
    else
        snprintf(error->message, sizeof error->message, "cannot start %s: %s", what, strerror(errno));
    return code;
}

static int start_daemon(struct otk_http *h, otk_error *error)
{
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, NULL,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
                                 MHD_OPTION_CONNECTION_LIMIT, h->max_connections,
                                 MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                                 MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
                                 MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                                 MHD_OPTION_END);
    if (!h->daemon)
        return fail(error, OTK_ESYSTEM, "the HTTP server");
    int fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return watch(h, &h->daemon_source, fd, EPOLLIN, run_daemon) ? 0 : fail(error, OTK_ESYSTEM, "the HTTP server");
}

static int prepare_answers(struct otk_http *h, otk_error *error)
{
    static const otk_header protobuf = {"Content-Type", "application/x-protobuf"};
    static const otk_header json = {"Content-Type", "application/json"};
    h->success[OTK_ENCODING_PROTOBUF] =
        make_response((otk_bytes){(const uint8_t *)"", 0}, (otk_headers){&protobuf, 1}, MHD_RESPMEM_PERSISTENT);
    h->success[OTK_ENCODING_JSON] =
        make_response((otk_bytes){(const uint8_t *)"{}", 2}, (otk_headers){&json, 1}, MHD_RESPMEM_PERSISTENT);
    return h->success[OTK_ENCODING_PROTOBUF] && h->success[OTK_ENCODING_JSON] ? 0 : fail(error, OTK_ENOMEM, NULL);
}

static int watch_sources(struct otk_http *h, otk_error *error)
{
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    int stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop >= 0)
        h->stop_source.fd = stop;
    if (h->epoll < 0 || stop < 0 || !watch(h, &h->stop_source, stop, EPOLLIN, begin_stop))
        return fail(error, OTK_ESYSTEM, "the event loop");
    for (size_t i = 0; i < h->listener.count; i++)
        if (!watch(h, &h->listening[i], h->listener.sockets[i], EPOLLIN, accept_some))
            return fail(error, OTK_ESYSTEM, "the event loop");
    return 0;
}

/* Signals are the program's: none is handled on this thread, and SIGPIPE stays
 * away from the daemon's writes. */
static int start_thread(struct otk_http *h, otk_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&h->thread, NULL, loop, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    h->thread_runs = rc == 0;
    errno = rc;
    return rc ? fail(error, OTK_ESYSTEM, "the receiver's thread") : 0;
}

struct otk_http *otk_http_start(const otk_receiver_options *options, struct otk_store *store, otk_error *error)
{
    struct otk_http *h = calloc(1, sizeof *h);
    if (!h) {
        fail(error, OTK_ENOMEM, NULL);
        return NULL;
    }
    h->store = store;
    h->on_capture = options->on_capture;
    h->on_capture_arg = options->on_capture_arg;
    h->max_connections = options->max_connections;
    h->idle.time_ms = h->busy.time_ms = options->timeout_ms;
    h->leaving.time_ms = LINGER_MS;
    h->now_ms = clock_ns(CLOCK_MONOTONIC) / 1000000u;
    h->epoll = h->stop_source.fd = -1;
    int rc = otk_endpoint_init(&h->endpoint, options, error);
    if (!rc)
        rc = otk_listener_open(&h->listener, options->host, options->port, error);
    h->endpoint.url = h->listener.url;
    if (!rc)
        rc = watch_sources(h, error);
    if (!rc)
        rc = start_daemon(h, error);
    if (!rc)
        rc = prepare_answers(h, error);
    if (!rc)
        rc = start_thread(h, error);
    if (!rc)
        return h;
    otk_http_stop(h);
    return NULL;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void otk_http_stop(struct otk_http *h)
{
    if (!h)
        return;
    if (h->thread_runs) {
        eventfd_write(h->stop_source.fd, 1);
        pthread_join(h->thread, NULL);
    }
    h->stopping = true;
    otk_listener_close(&h->listener);
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    while (h->leaving.first)
        end_lingering(h, (struct lingering *)h->leaving.first);
    for (size_t i = 0; i <= OTK_ENCODING_JSON; i++)
        if (h->success[i])
            MHD_destroy_response(h->success[i]);
    otk_endpoint_clear(&h->endpoint);
    close_fd(h->stop_source.fd);
    close_fd(h->epoll);
    free(h);
}

const char *otk_http_url(const struct otk_http *h)
{
    return h->listener.url;
}

uint16_t otk_http_port(const struct otk_http *h)
{
    return h->listener.port;
}
