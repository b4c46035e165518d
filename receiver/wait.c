#include "wait.h"

#include "report.h"

#include <stdlib.h>
#include <time.h>

struct watch {
    struct watch *next, *previous;
    struct otk_expectation *what;
    uint64_t number; /* of the newest capture that it saw */
    uint64_t resets;
    uint64_t deadline_ns;
    uint64_t sleeps_until_ns;
    pthread_cond_t woken;
    bool busy;  /* the leader is feeding it: `what` and the verdict are the leader's */
    bool awake; /* it waits for the end of that */
    struct otk_judgement judgement;
    int rc;
};

struct otk_waits {
    struct otk_store *store;
    pthread_mutex_t lock; /* guards all below, and the watches in the list but for what is busy */
    struct watch *first, *last;
    bool led;
    uint64_t number; /* up to where every watch in the list has seen everything */
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

/* ---- One watch ------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool is_settled(const struct watch *w)
{
    return w->rc || w->judgement.verdict != OTK_VERDICT_OPEN;
}

/* A thread that is woken late judges as at its deadline: the quiet of the time after that does not count. */
static void judge(struct watch *w, uint64_t now_ns)
{
    now_ns = sooner(now_ns, w->deadline_ns);
    w->judgement = otk_expectation_judge(w->what, now_ns);
    w->what->judged_ns = now_ns;
}

/* Shows it the news that it has not seen. */
static void feed(struct watch *w, const struct otk_news *news)
{
    uint64_t now_ns = otk_now_ns();
    if (w->resets < news->resets && !w->rc)
        w->rc = otk_expectation_restart(w->what, now_ns);
    w->resets = news->resets > w->resets ? news->resets : w->resets;
    for (size_t i = 0; i < news->count && !w->rc; i++)
        if (news->items[i]->pub.number > w->number)
            w->rc = otk_expectation_feed(w->what, news->items[i], now_ns);
    w->number = news->number > w->number ? news->number : w->number;
    judge(w, now_ns);
}

static void release(struct otk_news *news)
{
    for (size_t i = 0; i < news->count; i++)
        otk_capture_free(news->items[i]);
}

/* Looks at all that came, or as much of it as settles the matter. */
static void catch_up(struct otk_waits *waits, struct watch *w)
{
    struct otk_news news;
    do {
        otk_store_news(waits->store, w->number, &news);
        feed(w, &news);
        release(&news);
    } while (news.count && !is_settled(w));
}

static uint64_t next_look_ns(const struct watch *w)
{
    return sooner(w->deadline_ns, w->judgement.again_ns);
}

/* ---- Leading --------------------------------------------------------- */

static bool concerns(const struct watch *w, const struct otk_news *news)
{
    if (w->resets < news->resets)
        return true;
    for (size_t i = 0; i < news->count; i++)
        if (news->items[i]->pub.number > w->number && otk_expectation_concerns(w->what, news->items[i]))
            return true;
    return false;
}

/* With the lock; lets go of it while it feeds. A busy watch stays in the list. */
static void feed_follower(struct otk_waits *waits, struct watch *w, const struct otk_news *news)
{
    if (!concerns(w, news)) {
        w->number = news->number > w->number ? news->number : w->number;
        return;
    }
    w->busy = true;
    pthread_mutex_unlock(&waits->lock);
    feed(w, news);
    pthread_mutex_lock(&waits->lock);
    w->busy = false;
    if (is_settled(w) || next_look_ns(w) < w->sleeps_until_ns || w->awake)
        pthread_cond_signal(&w->woken);
}

static void feed_followers(struct otk_waits *waits, const struct watch *me, const struct otk_news *news)
{
    for (struct watch *w = waits->first; w; w = w->next)
        if (w != me && !is_settled(w))
            feed_follower(waits, w, news);
    waits->number = news->number;
}

/* With the lock. Returns when the leader's own matter is settled or its time has passed. */
static void lead(struct otk_waits *waits, struct watch *me)
{
    struct otk_news news;
    waits->led = true;
    while (!is_settled(me) && otk_now_ns() < me->deadline_ns) {
        uint64_t number = waits->number, resets = me->resets, until_ns = next_look_ns(me);
        pthread_mutex_unlock(&waits->lock);
        otk_store_listen(waits->store, number, resets, until_ns);
        otk_store_news(waits->store, number, &news);
        feed(me, &news);
        pthread_mutex_lock(&waits->lock);
        /* A leader that is done goes at once; the next one looks at the same news again. */
        if (!is_settled(me))
            feed_followers(waits, me, &news);
        release(&news);
    }
    waits->led = false;
}

static void follow(struct otk_waits *waits, struct watch *me)
{
    me->sleeps_until_ns = next_look_ns(me);
    struct timespec until = {(time_t)(me->sleeps_until_ns / 1000000000), (long)(me->sleeps_until_ns % 1000000000)};
    pthread_cond_timedwait(&me->woken, &waits->lock, &until);
    me->awake = true;
    while (me->busy)
        pthread_cond_wait(&me->woken, &waits->lock);
    me->awake = false;
    if (!is_settled(me))
        judge(me, otk_now_ns());
}

/* ---- Coming and going ------------------------------------------------ */

/* At the end: a leader that is on its way through the list comes by. */
static void join(struct otk_waits *waits, struct watch *me)
{
    if (!waits->first)
        waits->number = me->number;
    me->previous = waits->last;
    *(me->previous ? &me->previous->next : &waits->first) = me;
    waits->last = me;
}

static void leave(struct otk_waits *waits, struct watch *me)
{
    *(me->previous ? &me->previous->next : &waits->first) = me->next;
    *(me->next ? &me->next->previous : &waits->last) = me->previous;
    for (struct watch *w = waits->led ? NULL : waits->first; w; w = w->next) {
        if (is_settled(w))
            continue;
        pthread_cond_signal(&w->woken);
        break;
    }
}

/* Comes back settled, or at the deadline. */
static void stay(struct otk_waits *waits, struct watch *me)
{
    pthread_mutex_lock(&waits->lock);
    while (waits->first && me->number < waits->number && !is_settled(me)) {
        pthread_mutex_unlock(&waits->lock);
        catch_up(waits, me);
        pthread_mutex_lock(&waits->lock);
    }
    join(waits, me);
    while (!is_settled(me) && otk_now_ns() < me->deadline_ns) {
        if (waits->led)
            follow(waits, me);
        else
            lead(waits, me);
    }
    leave(waits, me);
    pthread_mutex_unlock(&waits->lock);
}

static void watch_init(struct watch *w, struct otk_expectation *e, unsigned timeout_ms)
{
    pthread_condattr_t monotonic;
    *w = (struct watch){.what = e, .deadline_ns = otk_now_ns() + (uint64_t)timeout_ms * 1000000u};
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int otk_waits_wait(struct otk_waits *waits, struct otk_expectation *e, unsigned timeout_ms, bool *hopeless)
{
    struct watch w;
    watch_init(&w, e, timeout_ms);
    catch_up(waits, &w);
    if (!is_settled(&w))
        stay(waits, &w);
    /* What came up to the deadline counts, even where the leader had no time for it yet. */
    if (!is_settled(&w))
        catch_up(waits, &w);
    pthread_cond_destroy(&w.woken);
    *hopeless = !w.rc && w.judgement.verdict == OTK_VERDICT_HOPELESS;
    return w.rc ? w.rc : w.judgement.verdict == OTK_VERDICT_HOLDS ? 0 : OTK_ETIMEOUT;
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
        rc = otk_waits_wait(otk_receiver_waits(rx), &e, timeout_ms, &hopeless);
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
