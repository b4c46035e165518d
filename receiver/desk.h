/* The desk: where questions about what came are answered.
 *
 * A question is a request to the HTTP face whose connection is held meanwhile.
 * It is worked on in steps, all of them on the desk's one thread or, when
 * little waits there, by the thread that stored what was waited for. A step is
 * short, a few dozen captures, so that neither a long dump nor a thousand waits
 * hold up what comes.
 */
#ifndef OTLPKIT_DESK_H
#define OTLPKIT_DESK_H

#include "arguments.h"
#include "capture.h"

enum otk_step {
    OTK_STEP_DONE,  /* the answer is whole */
    OTK_STEP_AGAIN, /* there is more to do, once what is in `out` has gone */
    OTK_STEP_IDLE   /* nothing to do before something comes in its session, or the time is `again_ns` */
};

/* Where a question is. */
enum otk_place {
    OTK_PLACE_OUTSIDE, /* with its connection */
    OTK_PLACE_QUEUE,   /* a step is due */
    OTK_PLACE_WORK,    /* in a step: all but its seat belongs to the thread that does it */
    OTK_PLACE_IDLE,
    OTK_PLACE_ANSWERS  /* its connection is to look at it */
};

struct otk_seat {
    void *holder;    /* the connection */
    otk_string path; /* without query and session */
    struct otk_question *next, *previous; /* in its place */
    struct otk_question *next_of_all, *previous_of_all;
    enum otk_place place;
    uint64_t news;   /* that had come when its last step began */
    bool opened;     /* its page was found, and is to be closed */
    bool begun;
    bool waited;     /* it was idle */
    bool done;       /* what is in `out` is the last of it */
    bool end_asked;  /* becomes `ending` */
    bool left;       /* its connection has gone; to be closed */
};

struct otk_question {
    otk_receiver *rx;        /* the receiver or session that is asked */
    struct capture *request; /* target, headers and body */
    struct otk_arguments arguments; /* the target's query */
    const struct otk_page *page;
    otk_string rest; /* of the path, behind the page's */
    void *state;     /* the page's own: `state_size` bytes, zero at first */

    /* The answer. Status and headers are settled with the first step that leaves something in `out` or is done. When
     * `out` has failed, the question is at its end: 503 where nothing has left yet, else the connection is cut, so that
     * nobody takes the part for the whole. */
    unsigned status;          /* 200 */
    const char *content_type; /* application/json */
    const char *allow;        /* goes with a 405: its Allow header; else NULL */
    struct otk_buffer out;
    uint64_t again_ns; /* of CLOCK_MONOTONIC; UINT64_MAX: no time */

    /* Nothing more comes: what waits is judged as at its end, and an idle step is the last one. */
    bool ending;

    struct otk_seat seat; /* the desk's own */
};

/* What a question is asked of. */
struct otk_page {
    const char *method; /* GET serves HEAD, too */
    const char *path;   /* /otlpkit/wait; one that ends with '/' stands for all that follows, see `rest` */
    const char *const *arguments; /* those it knows, ended by NULL; any other is refused with 400 */

    size_t state_size;

    /* Each step appends to q->out, which is empty then. `open` (may be NULL) comes first, `close` (may be NULL) last,
     * also when the client has gone away and when `open` returned false, as it does once it has answered by
     * otk_question_refuse(). */
    bool (*open)(struct otk_question *q);
    enum otk_step (*step)(struct otk_question *q);
    void (*close)(struct otk_question *q);

    /* May be NULL: whether a new capture could matter to an idle question at all. */
    bool (*concerns)(struct otk_question *q, const struct capture *c);
};

/* ---- Of pages.c ------------------------------------------------------ */

/* Settles `page`, `rest` and `arguments` by the request's method, its query, and `path`: the target's without query and
 * session, /otlpkit/wait. Returns false once it has answered by otk_question_refuse(): 404, 405 or 400. */
bool otk_question_route(struct otk_question *q, otk_string path);

/* An answer of {"code":…,"message":…} in place of what was said so far. For `open`, and for a first step that then
 * returns OTK_STEP_DONE. */
void otk_question_refuse(struct otk_question *q, unsigned status, const char *message);

/* ---- The desk -------------------------------------------------------- */

struct otk_desk;

struct otk_list {
    struct otk_question *first, *last;
};

/* The questions that wait for something to come into one receiver or session. */
struct otk_audience {
    atomic_uint_fast64_t news;       /* how often something came, or all was forgotten */
    atomic_uint count;               /* of those in `idle` */
    struct otk_list idle;            /* these by the desk's lock */
    uint64_t heard;                  /* the news that its questions were told of */
    struct otk_audience *next, *previous; /* among those that have idle questions */
};

/* `wake_fd`: an eventfd that is written to when otk_desk_next_answer() has something new. */
struct otk_desk *otk_desk_new(int wake_fd);

/* Ends the thread and closes what is still asked. No connection may look at its question any more, nor ask. */
void otk_desk_stop(struct otk_desk *d);
void otk_desk_free(struct otk_desk *d);

/* A new question of `rx`: /otlpkit/wait and the like. It holds references to `rx` and to `request`, in whose memory the
 * path lies. NULL when memory ran out, or no thread can be had. The caller keeps it until otk_desk_leave(). */
struct otk_question *otk_desk_ask(struct otk_desk *d, otk_receiver *rx, otk_string path, struct capture *request,
                                  void *holder);

/* The next question whose `out` or `seat.done` its holder is to look at; or NULL. It is the caller's until
 * otk_desk_go_on() or otk_desk_leave(). */
struct otk_question *otk_desk_next_answer(struct otk_desk *d);

/* What was in `out` has been taken. */
void otk_desk_go_on(struct otk_desk *d, struct otk_question *q);

/* The connection is done with the question, which is closed and freed. */
void otk_desk_leave(struct otk_desk *d, struct otk_question *q);

/* `c` was stored in `rx`, or, with NULL, all in there was forgotten. Called by the thread that takes the answers, the
 * former; by any thread, the latter. */
void otk_desk_news(struct otk_desk *d, otk_receiver *rx, const struct capture *c);

/* Nothing more comes into `rx`; NULL: into any. */
void otk_desk_end(struct otk_desk *d, const otk_receiver *rx);

struct otk_audience *otk_receiver_audience(otk_receiver *rx);

#endif
