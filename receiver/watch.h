/* A watch over what comes: it feeds an expectation with what is new, and keeps the verdict. Not locked: one thread at a
 * time has it. */
#ifndef OTLPKIT_WATCH_H
#define OTLPKIT_WATCH_H

#include "expect.h"
#include "store.h"

struct otk_watch {
    struct otk_expectation *what;
    uint64_t number; /* of the newest capture that it saw */
    uint64_t resets;
    uint64_t deadline_ns;
    bool over; /* it saw the last that comes */
    struct otk_judgement judgement;
    int rc;
};

/* `what` has not been fed before. */
void otk_watch_init(struct otk_watch *w, struct otk_expectation *what, unsigned timeout_ms);

/* Shows it the news that it has not seen. */
void otk_watch_feed(struct otk_watch *w, const struct otk_news *news);

/* Shows it what came next, a bounded number at a time; false when that was all. */
bool otk_watch_look(struct otk_watch *w, struct otk_store *store);

/* Time has passed. */
void otk_watch_judge(struct otk_watch *w);

/* Whether the verdict is final, before the deadline. */
bool otk_watch_is_settled(const struct otk_watch *w);

/* When it is to be judged again, though nothing comes. */
uint64_t otk_watch_next_ns(const struct otk_watch *w);

/* How it ended: 0, OTK_ETIMEOUT and whether it was hopeless, OTK_ENOMEM or OTK_ELIMIT. */
int otk_watch_end(const struct otk_watch *w, bool *hopeless);

#endif
