#include "wait.h"

#include "report.h"
#include "watch.h"

#include <stdlib.h>
#include <time.h>

struct waiter {
    struct waiter *next, *previous;
    struct otk_watch watch;
    uint64_t sleeps_until_ns;
    pthread_cond_t woken;
    bool busy;  /* the leader is feeding it: the watch is the leader's */
    bool awake; /* it waits for the end of that */
};

struct otk_waits {
    struct otk_store *store;
    pthread_mutex_t lock; /* guards all below, and the watches of those in the list but for who is busy */
    struct waiter *first, *last;
    bool led;
    uint64_t number; /* up to where everyone in the list has seen everything */
};

struct otk_waits *otk_waits_new(struct otk_store *store)
{
    struct otk_waits *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->store = store;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

void otk_waits_free(struct otk_waits *waits)
{
    if (!waits)
        return;
    pthread_mutex_destroy(&waits->lock);
    free(waits);
}

/* Looks at all that came, or as much of it as settles the matter. */
static void catch_up(struct otk_waits *waits, struct otk_watch *w)
{
    while (otk_watch_look(w, waits->store) && !otk_watch_is_settled(w))
        ;
}

/* ---- Leading --------------------------------------------------------- */

static bool concerns(const struct otk_watch *w, const struct otk_news *news)
{
    if (w->resets < news->resets || news->last)
        return true;
    for (size_t i = 0; i < news->count; i++)
        if (news->items[i]->pub.number > w->number && otk_expectation_concerns(w->what, news->items[i]))
            return true;
    return false;
}

/* With the lock; lets go of it while it feeds. A busy watch stays in the list. */
static void feed_follower(struct otk_waits *waits, struct waiter *w, const struct otk_news *news)
{
    if (!concerns(&w->watch, news)) {
        w->watch.number = news->number > w->watch.number ? news->number : w->watch.number;
        return;
    }
    w->busy = true;
    pthread_mutex_unlock(&waits->lock);
    otk_watch_feed(&w->watch, news);
    pthread_mutex_lock(&waits->lock);
    w->busy = false;
    if (otk_watch_is_settled(&w->watch) || otk_watch_next_ns(&w->watch) < w->sleeps_until_ns || w->awake)
        pthread_cond_signal(&w->woken);
}

static void feed_followers(struct otk_waits *waits, const struct waiter *me, const struct otk_news *news)
{
    for (struct waiter *w = waits->first; w; w = w->next)
        if (w != me && !otk_watch_is_settled(&w->watch))
            feed_follower(waits, w, news);
    waits->number = news->number;
}

/* With the lock. Returns when the leader's own matter is settled or its time has passed. */
static void lead(struct otk_waits *waits, struct waiter *me)
{
    struct otk_news news;
    waits->led = true;
    while (!otk_watch_is_settled(&me->watch) && otk_now_ns() < me->watch.deadline_ns) {
        uint64_t number = waits->number, resets = me->watch.resets, until_ns = otk_watch_next_ns(&me->watch);
        pthread_mutex_unlock(&waits->lock);
        otk_store_listen(waits->store, number, resets, until_ns);
        otk_store_news(waits->store, number, &news);
        otk_watch_feed(&me->watch, &news);
        pthread_mutex_lock(&waits->lock);
        /* A leader that is done goes at once; the next one looks at the same news again. */
        if (!otk_watch_is_settled(&me->watch))
            feed_followers(waits, me, &news);
        otk_news_release(&news);
    }
    waits->led = false;
}

static void follow(struct otk_waits *waits, struct waiter *me)
{
    me->sleeps_until_ns = otk_watch_next_ns(&me->watch);
    struct timespec until = {(time_t)(me->sleeps_until_ns / 1000000000), (long)(me->sleeps_until_ns % 1000000000)};
    pthread_cond_timedwait(&me->woken, &waits->lock, &until);
    me->awake = true;
    while (me->busy)
        pthread_cond_wait(&me->woken, &waits->lock);
    me->awake = false;
    if (!otk_watch_is_settled(&me->watch))
        otk_watch_judge(&me->watch);
}

/* ---- Coming and going ------------------------------------------------ */

/* At the end: a leader that is on its way through the list comes by. */
static void join(struct otk_waits *waits, struct waiter *me)
{
    if (!waits->first)
        waits->number = me->watch.number;
    me->previous = waits->last;
    *(me->previous ? &me->previous->next : &waits->first) = me;
    waits->last = me;
}

static void leave(struct otk_waits *waits, struct waiter *me)
{
    *(me->previous ? &me->previous->next : &waits->first) = me->next;
    *(me->next ? &me->next->previous : &waits->last) = me->previous;
    for (struct waiter *w = waits->led ? NULL : waits->first; w; w = w->next) {
        if (otk_watch_is_settled(&w->watch))
            continue;
        pthread_cond_signal(&w->woken);
        break;
    }
}

/* Comes back settled, or at the deadline. */
static void stay(struct otk_waits *waits, struct waiter *me)
{
    pthread_mutex_lock(&waits->lock);
    while (waits->first && me->watch.number < waits->number && !otk_watch_is_settled(&me->watch)) {
        pthread_mutex_unlock(&waits->lock);
        catch_up(waits, &me->watch);
        pthread_mutex_lock(&waits->lock);
    }
    join(waits, me);
    while (!otk_watch_is_settled(&me->watch) && otk_now_ns() < me->watch.deadline_ns) {
        if (waits->led)
            follow(waits, me);
        else
            lead(waits, me);
    }
    leave(waits, me);
    pthread_mutex_unlock(&waits->lock);
}

static void init_waiter(struct waiter *w, struct otk_expectation *e, unsigned timeout_ms)
{
    pthread_condattr_t monotonic;
    *w = (struct waiter){0};
    otk_watch_init(&w->watch, e, timeout_ms);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Blocks until `e`, not fed before, holds: 0; until it is hopeless or the deadline passes: OTK_ETIMEOUT and whether it
 * was hopeless; or until it cannot go on: OTK_ENOMEM, OTK_ELIMIT. */
static int wait_on(struct otk_waits *waits, struct otk_expectation *e, unsigned timeout_ms, bool *hopeless)
{
    struct waiter w;
    init_waiter(&w, e, timeout_ms);
    catch_up(waits, &w.watch);
    if (!otk_watch_is_settled(&w.watch))
        stay(waits, &w);
    /* What came up to the deadline counts, even where the leader had no time for it yet. */
    if (!otk_watch_is_settled(&w.watch))
        catch_up(waits, &w.watch);
    pthread_cond_destroy(&w.woken);
    return otk_watch_end(&w.watch, hopeless);
}

/* ---- Public ---------------------------------------------------------- */

static int wait_for(otk_receiver *rx, const otk_condition *condition, unsigned timeout_ms, otk_report **report,
                    bool report_when_met)
{
    struct otk_expectation e;
    otk_error error;
    bool hopeless = false;
    struct otk_beginning at = {otk_store_newest(otk_receiver_store(rx)), otk_now_ns(), otk_receiver_baseline(rx)};
    int rc = otk_expectation_init(&e, condition, &at, &error);
    if (!rc) {
        rc = wait_on(otk_receiver_waits(rx), &e, timeout_ms, &hopeless);
        error.code = rc;
        strcpy(error.message, rc == OTK_ELIMIT ? "a regular expression is too costly for what came" : "out of memory");
    }
    if (report)
        *report = rc && rc != OTK_ETIMEOUT ? otk_report_of_error(&error, condition)
                  : rc || report_when_met  ? otk_report_of_wait(rx, &e, rc, hopeless, timeout_ms)
                                           : NULL;
    otk_expectation_clear(&e);
    return rc;
}

int otk_receiver_wait(otk_receiver *rx, const otk_condition *condition, unsigned timeout_ms, otk_report **report)
{
    return wait_for(rx, condition, timeout_ms, report, true);
}

otk_report *otk_expect(otk_receiver *rx, otk_condition condition, unsigned timeout_ms)
{
    otk_report *report;
    if (wait_for(rx, &condition, timeout_ms, &report, false) == 0)
        return NULL;
    return report ? report : otk_report_out_of_memory();
}
