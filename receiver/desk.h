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

struct otk_question {
    otk_receiver *rx;        /* the receiver or session that is asked */
    struct capture *request; /* target, headers and body */
    struct otk_arguments arguments; /* the target's query */
    const struct otk_page *page;
    otk_string rest; /* of the path, behind the page's */
    void *state;     /* the page's own */

    /* The answer. Status and headers are settled with the first step that leaves something in `out` or is done. When
     * `out` has failed, the question is at its end: 503 where nothing has left yet, else the connection is cut, so that
     * nobody takes the part for the whole. */
    unsigned status;          /* 200 */
    const char *content_type; /* application/json */
    const char *allow;        /* goes with a 405: its Allow header; else NULL */
    struct otk_buffer out;
    uint64_t again_ns; /* of CLOCK_MONOTONIC; UINT64_MAX: no time */
};

/* What a question is asked of. */
struct otk_page {
    const char *method; /* GET serves HEAD, too */
    const char *path;   /* /otlpkit/wait; one that ends with '/' stands for all that follows, see `rest` */
    const char *const *arguments; /* those it knows, ended by NULL; any other is refused with 400 */

    /* Each step appends to q->out, which is empty then. `open` (may be NULL) comes first, `close` (may be NULL) last,
     * also when the client has gone away. `open` returns false once it has answered by otk_question_refuse(). */
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

#endif
