#include "play.h"

#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Slow reading takes what it may in so long, and lets no more wait in the kernel than this. */
#define PACE_MS 20
#define SLOW_BUFFER 4096

#define NEVER UINT64_MAX

enum stage {
    STAGE_READING, /* the body is still to come */
    STAGE_DELAYED, /* the answer is still to come */
    STAGE_HANGING,
    STAGE_WRITING, /* up to `until`, past the daemon */
    STAGE_STALLED, /* in the middle of that */
    STAGE_OVER,    /* to be closed */
    STAGE_IDLE     /* answered; to be closed if nothing more comes */
};

struct otk_play {
    struct otk_play *next, *previous; /* of the same receiver */
    struct otk_conn *conn;
    struct capture *capture; /* which holds the step */
    enum stage stage;
    uint64_t due_ms;
    struct otk_buffer answer; /* as written past the daemon */
    size_t sent, until;
    struct otk_source source; /* the socket, while it takes no more of the answer; fd is -1 before */
};

static const struct otk_fault_step *step_of(const struct otk_play *p)
{
    return p->capture->fault;
}

static void set_due(struct otk_play *p, uint64_t in_ms)
{
    p->due_ms = p->conn->http->loop.now_ms + in_ms;
}

/* ---- Life ------------------------------------------------------------ */

bool otk_play_begin(struct otk_conn *n)
{
    static const int small = SLOW_BUFFER;
    struct otk_play *p = calloc(1, sizeof *p);
    if (!p)
        return false;
    *p = (struct otk_play){.conn = n, .capture = n->capture, .due_ms = NEVER, .source.fd = -1, .next = n->http->plays};
    atomic_fetch_add(&p->capture->references, 1);
    p->answer = OTK_BUFFER_INIT(SIZE_MAX);
    if (p->next)
        p->next->previous = p;
    n->http->plays = p;
    n->play = p;
    if (step_of(p)->slow)
        setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    return true;
}

void otk_play_end(struct otk_conn *n)
{
    struct otk_play *p = n->play;
    if (!p)
        return;
    *(p->previous ? &p->previous->next : &n->http->plays) = p->next;
    if (p->next)
        p->next->previous = p->previous;
    if (p->source.fd >= 0) {
        otk_loop_forget(&n->http->loop, &p->source);
        close(p->source.fd);
    }
    otk_buffer_clear(&p->answer);
    otk_capture_free(p->capture);
    free(p);
    n->play = NULL;
}

/* ---- While it is read ------------------------------------------------ */

size_t otk_play_pace(struct otk_conn *n, size_t offered)
{
    struct otk_play *p = n->play;
    uint64_t rate = p ? step_of(p)->slow : 0, most = rate * PACE_MS / 1000 + 1;
    if (otk_play_breaks(n, OTK_FAULT_WHILE))
        return (offered + 1) / 2;
    if (!rate)
        return offered;
    size_t taken = offered < most ? offered : (size_t)most;
    set_due(p, (taken * 1000 + rate - 1) / rate);
    otk_conn_hold(n);
    return taken;
}

bool otk_play_breaks(const struct otk_conn *n, enum otk_fault_when when)
{
    const struct otk_fault_step *step = n->play ? step_of(n->play) : NULL;
    return step && step->act == OTK_FAULT_RESET && step->reset == when;
}

/* To unconnect a socket sends a reset and throws away what is on its way. To close it would say goodbye before. */
void otk_play_reset(struct otk_conn *n)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    connect(n->fd, &nobody, sizeof nobody);
}

/* ---- Writing past the daemon ----------------------------------------- */

/* The middle of the body, or of the head when there is no body. */
static size_t middle(const struct otk_play *p)
{
    size_t body = p->capture->pub.answer.size, head = p->answer.size - body;
    return body ? head + body / 2 : head / 2;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static size_t end_of_answer(const struct otk_play *p)
{
    const struct otk_fault_step *step = step_of(p);
    if (!step->cuts)
        return p->answer.size;
    return step->cut == OTK_FAULT_HALF ? middle(p) : smaller(step->cut, p->answer.size);
}

static void write_on(struct otk_play *p);

static void on_writable(struct otk_source *s)
{
    write_on((struct otk_play *)(void *)((char *)s - offsetof(struct otk_play, source)));
}

/* Its own descriptor, as the connection's is watched for other things. */
static bool wait_for_room(struct otk_play *p)
{
    if (p->source.fd >= 0)
        return true;
    int fd = fcntl(p->conn->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool watched = otk_loop_watch(&p->conn->http->loop, &p->source, fd, EPOLLOUT | EPOLLET, on_writable);
    if (!watched) {
        close(fd);
        p->source.fd = -1;
    }
    return watched;
}

/* Those who go get the time to read what was sent. */
static void leave(struct otk_play *p)
{
    otk_leaving_add(&p->conn->http->leaving, p->conn->fd);
    p->stage = STAGE_OVER;
    otk_conn_go_on(p->conn);
}

static void write_on(struct otk_play *p)
{
    ssize_t n = 1;
    if (p->stage != STAGE_WRITING)
        return;
    while (p->sent < p->until && n > 0) {
        n = send(p->conn->fd, p->answer.data + p->sent, p->until - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        p->sent += n > 0 ? (size_t)n : 0;
    }
    if (n < 0 && errno == EAGAIN && wait_for_room(p))
        return;
    if (n > 0 && p->until < end_of_answer(p)) {
        p->stage = STAGE_STALLED;
        set_due(p, step_of(p)->stall_ms);
    } else {
        leave(p);
    }
}

static void begin_writing(struct otk_play *p)
{
    p->until = step_of(p)->stall_ms ? smaller(middle(p), end_of_answer(p)) : end_of_answer(p);
    p->stage = STAGE_WRITING;
    write_on(p);
}

/* ---- When it is whole ------------------------------------------------ */

const otk_capture *otk_play_held(const struct otk_conn *n)
{
    return n->play && n->play->stage != STAGE_READING ? &n->play->capture->pub : NULL;
}

static enum otk_play_order hold(struct otk_conn *n)
{
    otk_conn_hold(n);
    return OTK_PLAY_HOLD;
}

static enum otk_play_order answer(struct otk_conn *n)
{
    struct otk_play *p = n->play;
    const struct otk_fault_step *step = step_of(p);
    if (step->act == OTK_FAULT_RESET) {
        otk_play_reset(n);
        return OTK_PLAY_CLOSE;
    }
    if (n->ended)
        return OTK_PLAY_CLOSE;
    if (step->act == OTK_FAULT_HANG) {
        p->stage = STAGE_HANGING;
        return hold(n);
    }
    if (!step->cuts && !step->stall_ms)
        return OTK_PLAY_ANSWER;
    otk_conn_write_answer(&p->capture->pub, &p->answer);
    if (p->answer.failed)
        return OTK_PLAY_CLOSE;
    hold(n);
    begin_writing(p);
    return OTK_PLAY_HOLD;
}

enum otk_play_order otk_play_next(struct otk_conn *n)
{
    struct otk_play *p = n->play;
    uint64_t delay_ms = step_of(p)->delay_ms;
    p->due_ms = NEVER;
    if (p->stage == STAGE_OVER)
        return OTK_PLAY_CLOSE;
    if (p->stage == STAGE_DELAYED || !delay_ms)
        return answer(n);
    p->stage = STAGE_DELAYED;
    set_due(p, delay_ms);
    return hold(n);
}

/* Whoever waits for an answer and closes his side is taken to have gone, as the daemon does. */
void otk_play_unattend(struct otk_conn *n)
{
    struct otk_play *p = n->play;
    if (!p || p->stage == STAGE_READING || n->queue != &n->http->held)
        return;
    p->stage = STAGE_OVER;
    p->due_ms = NEVER;
    otk_conn_go_on(n);
}

void otk_play_complete(struct otk_conn *n)
{
    struct otk_play *p = n->play;
    if (!p || !step_of(p)->idle_ms) {
        otk_play_end(n);
        return;
    }
    p->stage = STAGE_IDLE;
    set_due(p, step_of(p)->idle_ms);
}

/* ---- Time ------------------------------------------------------------ */

uint64_t otk_plays_due(const struct otk_http *h)
{
    uint64_t due = NEVER;
    for (const struct otk_play *p = h->plays; p; p = p->next)
        due = p->due_ms < due ? p->due_ms : due;
    return due;
}

static void go_on(struct otk_play *p)
{
    p->due_ms = NEVER;
    if (p->stage == STAGE_IDLE) {
        otk_conn_shut(p->conn);
    } else if (p->stage == STAGE_STALLED) {
        p->until = end_of_answer(p);
        p->stage = STAGE_WRITING;
        write_on(p);
    } else {
        otk_conn_go_on(p->conn);
    }
}

void otk_plays_expire(struct otk_http *h)
{
    for (struct otk_play *p = h->plays; p; p = p->next)
        if (p->due_ms <= h->loop.now_ms)
            go_on(p);
}
