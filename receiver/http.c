#include "http.h"

#include "connection.h"
#include "thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* The daemon clears as much for each request of a kept-alive connection. */
#define CONNECTION_MEMORY ((size_t)32 * 1024)
#define ACCEPT_AT_ONCE 64

/* A full receiver, or one out of descriptors, looks again after this time, and
 * closes a connection that was idle for that long. */
#define ACCEPT_PAUSE_MS 100
#define SPARE_AFTER_MS 1000

/* How long a connection that is being closed may go on sending unread. */
#define LINGER_MS 2000

/* Rounds that closing spends on what has arrived already, and how long on answers that are being made. */
#define ROUNDS_AT_CLOSE 100
#define CLOSE_MS 1000

/* ---- What the daemon calls ------------------------------------------- */

/* At the request line: `target` is raw here, later the daemon has unescaped it. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct otk_conn *n = info ? info->socket_context : NULL;
    (void)arg;
    if (n)
        otk_conn_begin(n, target);
    return n;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    (void)arg;
    (void)mhd;
    (void)url;
    return *context ? otk_conn_read(*context, method, version, data, size) : MHD_NO;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why)
{
    (void)arg;
    (void)mhd;
    (void)why;
    if (*context)
        otk_conn_complete(*context);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode why)
{
    if (why == MHD_CONNECTION_NOTIFY_STARTED)
        *context = otk_conn_new(arg, mhd);
    else if (*context)
        otk_conn_free(*context);
}

/* ---- Accepting ------------------------------------------------------- */

static void set_listening(struct otk_http *h, bool on)
{
    for (size_t i = 0; i < h->listener.count; i++)
        otk_loop_change(&h->loop, &h->listening[i], on ? EPOLLIN : 0);
}

static bool is_full(const struct otk_http *h)
{
    return h->connections + h->arriving + h->door.count >= h->max_connections;
}

static bool is_spare(const struct otk_http *h, const struct otk_deadlines *q)
{
    return q->first && q->first->due_ms - q->time_ms + SPARE_AFTER_MS <= h->loop.now_ms;
}

/* New connections wait in the kernel's queue. Those with nothing to say do not
 * hold the place of one that has. */
static void pause_accepting(struct otk_http *h)
{
    bool turn_away = is_full(h) && is_spare(h, &h->door.queue);
    if (turn_away)
        otk_door_turn_away(&h->door);
    else if (is_full(h) && is_spare(h, &h->idle))
        otk_conn_shut((struct otk_conn *)h->idle.first);
    if (!h->accept_at_ms)
        set_listening(h, false);
    h->accept_at_ms = h->loop.now_ms + (turn_away ? 0 : ACCEPT_PAUSE_MS);
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

/* Whose source it is. */
static struct otk_http *http_of(struct otk_source *s, size_t offset)
{
    return (struct otk_http *)(void *)((char *)s - offset);
}

static void admit(struct otk_http *h, const struct otk_caller *caller)
{
    unsigned before = h->connections;
    if (MHD_add_connection(h->daemon, caller->fd, (const struct sockaddr *)&caller->address, caller->size) == MHD_YES)
        h->arriving += h->connections == before;
}

/* A client that is not told what it does wrong tries again and again: it is said the first time. */
static void notice(struct otk_http *h, enum otk_speech speech)
{
    char sentence[160];
    if (!h->on_notice || h->noticed[speech])
        return;
    h->noticed[speech] = true;
    snprintf(sentence, sizeof sentence, "a client spoke %s", otk_speech_advice(speech));
    h->on_notice(sentence, h->on_notice_arg);
}

static void refuse(struct otk_http *h, int fd, enum otk_speech speech)
{
    otk_store_count(h->root->store, &(otk_receiver_counts){.unreadable_connections = 1,
                                                           .grpc_connections = speech == OTK_SPEECH_GRPC,
                                                           .tls_connections = speech == OTK_SPEECH_TLS});
    notice(h, speech);
    otk_leaving_add(&h->leaving, fd);
    close(fd);
    if (h->accept_at_ms)
        h->accept_at_ms = h->loop.now_ms;
}

static void enter(struct otk_door *door, const struct otk_caller *caller, enum otk_speech speech)
{
    struct otk_http *h = (struct otk_http *)(void *)((char *)door - offsetof(struct otk_http, door));
    if (speech == OTK_SPEECH_HTTP)
        admit(h, caller);
    else
        refuse(h, caller->fd, speech);
}

static void accept_some(struct otk_http *h, int listening)
{
    for (int i = 0; i < ACCEPT_AT_ONCE && !h->accept_at_ms; i++) {
        struct otk_caller caller = {.size = sizeof caller.address};
        if (is_full(h)) {
            pause_accepting(h);
            return;
        }
        caller.fd = accept4(listening, (struct sockaddr *)&caller.address, &caller.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (caller.fd < 0 && is_exhausted(errno))
            pause_accepting(h);
        if (caller.fd < 0)
            return;
        otk_door_add(&h->door, &caller);
    }
}

static void accept_first(struct otk_source *s)
{
    accept_some(http_of(s, offsetof(struct otk_http, listening[0])), s->fd);
}

static void accept_second(struct otk_source *s)
{
    accept_some(http_of(s, offsetof(struct otk_http, listening[1])), s->fd);
}

/* ---- The loop -------------------------------------------------------- */

static void run_daemon(struct otk_source *s)
{
    (void)s; /* every round of the loop runs it */
}

static void wake(struct otk_source *s)
{
    struct otk_http *h = http_of(s, offsetof(struct otk_http, wake_source));
    eventfd_t unread;
    eventfd_read(s->fd, &unread);
    h->stopping = atomic_load(&h->close_asked);
}

static void expire(struct otk_http *h)
{
    struct otk_entry *e;
    while ((e = otk_deadlines_due(&h->idle, h->loop.now_ms)))
        otk_conn_shut((struct otk_conn *)e);
    while ((e = otk_deadlines_due(&h->busy, h->loop.now_ms)))
        otk_conn_expire((struct otk_conn *)e);
    otk_door_expire(&h->door);
    otk_leaving_expire(&h->leaving);
    if (h->accept_at_ms && h->accept_at_ms <= h->loop.now_ms)
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
    const struct otk_deadlines *queues[] = {&h->idle, &h->busy, &h->door.queue, &h->leaving.queue};
    MHD_UNSIGNED_LONG_LONG daemon_ms;
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        if (queues[i]->first)
            earlier(&next, queues[i]->first->due_ms);
    earlier(&next, otk_plays_due(h));
    if (h->accept_at_ms)
        earlier(&next, h->accept_at_ms);
    if (MHD_get_timeout(h->daemon, &daemon_ms) == MHD_YES)
        earlier(&next, h->loop.now_ms + daemon_ms);
    if (next == UINT64_MAX)
        return -1;
    uint64_t left = next > h->loop.now_ms ? next - h->loop.now_ms : 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

/* Those whose questions have something to say. */
static void go_on_answering(struct otk_http *h)
{
    struct otk_question *q;
    while (h->questions && (q = otk_desk_next_answer(h->desk)))
        otk_conn_go_on(q->seat.holder);
}

/* What a request brings about for questions is said before the thread sleeps again. */
static int run_round(struct otk_http *h, int timeout_ms)
{
    int n = otk_loop_round(&h->loop, timeout_ms);
    otk_plays_expire(h);
    do {
        h->resumed = false;
        MHD_run(h->daemon);
        go_on_answering(h);
    } while (h->resumed);
    h->arriving = 0;
    expire(h);
    return n;
}

/* Questions end now: they get the time to say so, and what then still holds a connection is cut. */
static void end_questions(struct otk_http *h)
{
    uint64_t until_ms = h->loop.now_ms + CLOSE_MS;
    set_listening(h, false);
    otk_desk_end(h->desk, NULL);
    while (h->questions && h->loop.now_ms < until_ms)
        run_round(h, (int)(until_ms - h->loop.now_ms));
    while (h->held.first) {
        struct otk_conn *n = (struct otk_conn *)h->held.first;
        n->ended = true;
        otk_conn_go_on(n);
    }
}

static void *run(void *arg)
{
    struct otk_http *h = arg;
    while (!h->stopping)
        run_round(h, time_left(h));
    for (int i = 0; i < ROUNDS_AT_CLOSE; i++)
        if (run_round(h, 0) <= 0 && time_left(h) != 0)
            break;
    end_questions(h);
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
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                                 on_request, NULL,
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
    return otk_loop_watch(&h->loop, &h->daemon_source, fd, EPOLLIN, run_daemon)
               ? 0
               : fail(error, OTK_ESYSTEM, "the HTTP server");
}

static int prepare_answers(struct otk_http *h, otk_error *error)
{
    static const otk_header protobuf = {"Content-Type", "application/x-protobuf"};
    static const otk_header json = {"Content-Type", "application/json"};
    h->success[OTK_ENCODING_PROTOBUF] =
        otk_make_response((otk_bytes){(const uint8_t *)"", 0}, (otk_headers){&protobuf, 1}, MHD_RESPMEM_PERSISTENT);
    h->success[OTK_ENCODING_JSON] =
        otk_make_response((otk_bytes){(const uint8_t *)"{}", 2}, (otk_headers){&json, 1}, MHD_RESPMEM_PERSISTENT);
    return h->success[OTK_ENCODING_PROTOBUF] && h->success[OTK_ENCODING_JSON] ? 0 : fail(error, OTK_ENOMEM, NULL);
}

static int watch_sources(struct otk_http *h, otk_error *error)
{
    static void (*const accepts[OTK_LISTENER_SOCKETS])(struct otk_source *s) = {accept_first, accept_second};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd >= 0)
        h->wake_source.fd = fd;
    if (fd < 0 || !otk_loop_open(&h->loop) || !otk_loop_watch(&h->loop, &h->wake_source, fd, EPOLLIN, wake))
        return fail(error, OTK_ESYSTEM, "the event loop");
    for (size_t i = 0; i < h->listener.count; i++)
        if (!otk_loop_watch(&h->loop, &h->listening[i], h->listener.sockets[i], EPOLLIN, accepts[i]))
            return fail(error, OTK_ESYSTEM, "the event loop");
    return 0;
}

static int open_desk(struct otk_http *h, otk_error *error)
{
    h->desk = otk_desk_new(h->wake_source.fd);
    return h->desk ? 0 : fail(error, OTK_ENOMEM, NULL);
}

struct otk_http *otk_http_new(const otk_receiver_options *options, otk_receiver *root, otk_error *error)
{
    struct otk_http *h = calloc(1, sizeof *h);
    if (!h) {
        fail(error, OTK_ENOMEM, NULL);
        return NULL;
    }
    h->root = root;
    h->on_capture = options->on_capture;
    h->on_capture_arg = options->on_capture_arg;
    h->on_notice = options->on_notice;
    h->on_notice_arg = options->on_notice_arg;
    h->max_connections = options->max_connections;
    h->idle.time_ms = h->busy.time_ms = options->timeout_ms;
    h->door = (struct otk_door){.loop = &h->loop, .queue.time_ms = options->timeout_ms, .enter = enter};
    h->leaving = (struct otk_leaving){.loop = &h->loop, .queue.time_ms = LINGER_MS};
    h->loop.epoll = h->wake_source.fd = -1;
    int rc = otk_endpoint_init(&h->endpoint, options, error);
    if (!rc)
        rc = otk_listener_open(&h->listener, options->host, options->port, error);
    h->endpoint.url = h->listener.url;
    if (!rc)
        rc = watch_sources(h, error);
    if (!rc)
        rc = open_desk(h, error);
    if (!rc)
        rc = start_daemon(h, error);
    if (!rc)
        rc = prepare_answers(h, error);
    if (!rc)
        return h;
    otk_http_free(h);
    return NULL;
}

int otk_http_start(struct otk_http *h, otk_error *error)
{
    errno = otk_thread_start(&h->thread, run, h);
    h->thread_runs = errno == 0;
    return h->thread_runs ? 0 : fail(error, OTK_ESYSTEM, "the receiver's thread");
}

void otk_http_close(struct otk_http *h)
{
    if (h->thread_runs) {
        atomic_store(&h->close_asked, true);
        eventfd_write(h->wake_source.fd, 1);
        pthread_join(h->thread, NULL);
    }
    h->thread_runs = false;
    h->stopping = true;
    otk_listener_close(&h->listener);
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    h->daemon = NULL;
    otk_door_clear(&h->door);
    otk_leaving_clear(&h->leaving);
    if (h->desk)
        otk_desk_stop(h->desk);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void otk_http_free(struct otk_http *h)
{
    if (!h)
        return;
    otk_http_close(h);
    for (size_t i = 0; i <= OTK_ENCODING_JSON; i++)
        if (h->success[i])
            MHD_destroy_response(h->success[i]);
    otk_desk_free(h->desk);
    otk_endpoint_clear(&h->endpoint);
    close_fd(h->wake_source.fd);
    otk_loop_close(&h->loop);
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

struct otk_desk *otk_http_desk(const struct otk_http *h)
{
    return h->desk;
}
