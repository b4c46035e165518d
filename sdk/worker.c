#include "worker.h"

#include "clock.h"

#include <signal.h>
#include <stdlib.h>

/* To wake a thread may cost the host's more than to record a hundred spans. So after this many items at once the worker
 * looks for more by itself, for a while, before it sleeps until it is woken. */
#define MANY 256
#define ALERT_NS 1000000
#define NAP_NS 50000

/* Of memory for a batch is kept what ordinary ones need. */
#define KEPT_BYTES ((size_t)1 << 20)

/* ---- Accounts -------------------------------------------------------- */

/* Takes `count` items out of flight: as delivered but for those rejected, or as dropped. */
static void settle(otk_sdk *sdk, otk_signal signal, uint64_t count, const struct otk_delivery *delivery)
{
    uint64_t rejected = delivery->rejected < count ? delivery->rejected : count;
    pthread_mutex_lock(&sdk->mutex);
    struct otk_pipeline *p = &sdk->pipelines[signal];
    otk_lock_take(&p->lock);
    p->in_flight -= count;
    p->stats.retries += delivery->retries;
    if (delivery->delivered) {
        p->stats.delivered += count - rejected;
        p->stats.rejected += rejected;
        sdk->lost += rejected;
    } else {
        p->stats.dropped[delivery->reason] += count;
        sdk->lost += count;
    }
    otk_lock_release(&p->lock);
    pthread_mutex_unlock(&sdk->mutex);
}

static void settle_dropped(otk_sdk *sdk, otk_signal signal, uint64_t count, otk_drop_reason reason)
{
    settle(sdk, signal, count, &(struct otk_delivery){.reason = reason});
}

/* ---- When there is work ---------------------------------------------- */

/* Has the worker look after a queue: when the delay is over, at once for a whole batch, or not at all if `may_sleep`
 * and nothing is there. */
static void schedule(struct otk_pipeline *p, const struct otk_signal_config *config, bool may_sleep)
{
    otk_lock_take(&p->lock);
    size_t count = p->queue.count;
    bool sleeps = p->sleeps = may_sleep && !count;
    otk_lock_release(&p->lock);
    uint64_t due = sleeps ? OTK_FOREVER : count >= config->batch_size ? 0 : otk_clock_deadline(config->delay_ms);
    if (due < p->due)
        p->due = due;
}

void otk_sdk_wake_worker(otk_sdk *sdk, otk_signal signal)
{
    pthread_mutex_lock(&sdk->mutex);
    schedule(&sdk->pipelines[signal], &sdk->config.signals[signal], false);
    pthread_mutex_unlock(&sdk->mutex);
    pthread_cond_signal(&sdk->work);
}

/* ---- Out of the queue ------------------------------------------------ */

static uint64_t points_of(const struct otk_item *items, size_t count)
{
    uint64_t points = 0;
    for (size_t i = 0; i < count; i++)
        points += items[i].count;
    return points;
}

static bool is_past_deadline(otk_sdk *sdk)
{
    pthread_mutex_lock(&sdk->mutex);
    uint64_t deadline = sdk->deadline;
    pthread_mutex_unlock(&sdk->mutex);
    return otk_clock_monotonic() >= deadline;
}

static void send_body(otk_sdk *sdk, otk_signal signal, uint64_t points)
{
    struct otk_delivery delivery;
    pthread_mutex_lock(&sdk->mutex);
    sdk->pipelines[signal].stats.requests++;
    pthread_mutex_unlock(&sdk->mutex);
    otk_exporter_send(sdk->own.exporter, signal, &delivery);
    settle(sdk, signal, points, &delivery);
}

/* Sends the items as one request, or as several where one would be too large. */
static void send_items(otk_sdk *sdk, otk_signal signal, const struct otk_item *items, size_t count)
{
    if (is_past_deadline(sdk)) {
        settle_dropped(sdk, signal, points_of(items, count), OTK_DROP_SHUTDOWN);
        return;
    }
    sdk->own.body.size = 0;
    sdk->own.body.failed = 0;
    int rc = otk_batch_write(&sdk->own.body, &sdk->resource, items, count);
    if (!rc)
        rc = otk_exporter_prepare(sdk->own.exporter, signal, &sdk->own.body);
    if (rc == OTK_ELIMIT && count > 1) {
        send_items(sdk, signal, items, count / 2);
        send_items(sdk, signal, items + count / 2, count - count / 2);
    } else if (rc) {
        settle_dropped(sdk, signal, points_of(items, count),
                       rc == OTK_ELIMIT ? OTK_DROP_TOO_LARGE : OTK_DROP_NO_MEMORY);
    } else {
        send_body(sdk, signal, points_of(items, count));
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t queued(struct otk_pipeline *p)
{
    otk_lock_take(&p->lock);
    size_t count = p->queue.count;
    otk_lock_release(&p->lock);
    return count;
}

/* How many of so many items a batch has room for. Called with the mutex held. */
static size_t make_room(otk_sdk *sdk, size_t count)
{
    struct otk_item *larger = NULL;
    if (count > sdk->batch_capacity)
        larger = realloc(sdk->batch, count * sizeof *larger);
    if (larger) {
        sdk->batch = larger;
        sdk->batch_capacity = count;
    }
    return smaller(count, sdk->batch_capacity);
}

/* Takes items out of a queue and into flight. */
static size_t take_items(struct otk_pipeline *p, size_t max)
{
    otk_lock_take(&p->lock);
    size_t count = otk_queue_take(&p->queue, max);
    p->in_flight += count;
    otk_lock_release(&p->lock);
    return count;
}

/* Exports up to `max` items of a queue, in one batch; returns how many. Called and left with the mutex held. */
static size_t export_batch(otk_sdk *sdk, otk_signal signal, size_t max)
{
    struct otk_pipeline *p = &sdk->pipelines[signal];
    const struct otk_signal_config *config = &sdk->config.signals[signal];
    size_t wanted = smaller(smaller(max, config->batch_size), queued(p));
    size_t count = take_items(p, make_room(sdk, wanted));
    if (count) {
        pthread_mutex_unlock(&sdk->mutex);
        struct otk_block *last = otk_queue_read(&p->queue, sdk->batch, count);
        if (signal == OTK_SIGNAL_TRACES && otk_span_records_encode(&sdk->own.spans, sdk->batch, count))
            settle_dropped(sdk, signal, count, OTK_DROP_NO_MEMORY);
        else
            send_items(sdk, signal, sdk->batch, count);
        otk_queue_release(&p->queue, &p->lock, last);
        pthread_mutex_lock(&sdk->mutex);
    }
    if (count >= MANY)
        sdk->own.alert_until = otk_clock_monotonic() + ALERT_NS;
    p->due = OTK_FOREVER;
    schedule(p, config, !count);
    return count;
}

static void free_items(struct otk_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(items[i].data);
}

/* Scopes are only ever put in front of the list, so that it may be walked without the mutex. */
static struct otk_item_list collect(struct otk_scope *meters)
{
    struct otk_item_list list = {0};
    uint64_t now = otk_clock_unix();
    for (struct otk_scope *meter = meters; meter; meter = meter->next)
        otk_meter_collect((otk_meter *)meter, now, &list);
    return list;
}

static void export_metrics(otk_sdk *sdk)
{
    struct otk_pipeline *p = &sdk->pipelines[OTK_SIGNAL_METRICS];
    struct otk_scope *meters = sdk->scopes[OTK_SIGNAL_METRICS];
    p->due = otk_clock_deadline(sdk->config.signals[OTK_SIGNAL_METRICS].delay_ms);
    pthread_mutex_unlock(&sdk->mutex);
    struct otk_item_list list = collect(meters);
    pthread_mutex_lock(&sdk->mutex);
    p->stats.accepted += list.points + list.lost_points;
    p->stats.dropped[OTK_DROP_NO_MEMORY] += list.lost_points;
    sdk->lost += list.lost_points;
    p->in_flight += list.points;
    pthread_mutex_unlock(&sdk->mutex);
    if (list.count)
        send_items(sdk, OTK_SIGNAL_METRICS, list.items, list.count);
    free_items(list.items, list.count);
    free(list.items);
    pthread_mutex_lock(&sdk->mutex);
}

static void export_due(otk_sdk *sdk, otk_signal signal)
{
    if (signal == OTK_SIGNAL_METRICS)
        export_metrics(sdk);
    else
        export_batch(sdk, signal, SIZE_MAX);
}

/* Exports all that is there at this moment. */
static void flush_signal(otk_sdk *sdk, otk_signal signal)
{
    if (!sdk->config.signals[signal].enabled)
        return;
    if (signal == OTK_SIGNAL_METRICS) {
        export_metrics(sdk);
        return;
    }
    size_t left = queued(&sdk->pipelines[signal]);
    while (left)
        left -= export_batch(sdk, signal, left);
}

/* ---- The thread ------------------------------------------------------ */

void otk_worker_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t time)
{
    if (time == OTK_FOREVER) {
        pthread_cond_wait(condition, mutex);
        return;
    }
    struct timespec until = {(time_t)(time / OTK_SECOND), (long)(time % OTK_SECOND)};
    pthread_cond_timedwait(condition, mutex, &until);
}

static otk_signal first_due(const otk_sdk *sdk)
{
    otk_signal first = OTK_SIGNAL_TRACES;
    for (size_t i = 1; i < OTK_SIGNAL_COUNT; i++)
        if (sdk->pipelines[i].due < sdk->pipelines[first].due)
            first = (otk_signal)i;
    return first;
}

static void flush_all(otk_sdk *sdk)
{
    uint64_t wanted = sdk->flush_wanted;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        flush_signal(sdk, (otk_signal)i);
    sdk->flush_done = wanted;
    pthread_cond_broadcast(&sdk->progress);
}

static void tidy_up(struct otk_buffer *b)
{
    if (b->capacity > KEPT_BYTES)
        otk_buffer_clear(b);
}

static void wait_for_work(otk_sdk *sdk, uint64_t due)
{
    if (otk_clock_monotonic() >= sdk->own.alert_until) {
        tidy_up(&sdk->own.spans);
        tidy_up(&sdk->own.body);
        otk_worker_wait_until(&sdk->work, &sdk->mutex, due);
        return;
    }
    pthread_mutex_unlock(&sdk->mutex);
    nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    pthread_mutex_lock(&sdk->mutex);
}

static void *work(void *arg)
{
    otk_sdk *sdk = arg;
    pthread_mutex_lock(&sdk->mutex);
    struct otk_exporter *exporter = sdk->own.exporter;
    while (!atomic_load(&sdk->closed)) {
        otk_signal signal = first_due(sdk);
        if (sdk->flush_wanted != sdk->flush_done)
            flush_all(sdk);
        else if (sdk->pipelines[signal].due <= otk_clock_monotonic())
            export_due(sdk, signal);
        else
            wait_for_work(sdk, sdk->pipelines[signal].due);
    }
    flush_all(sdk);
    sdk->own.exporter = NULL;
    pthread_mutex_unlock(&sdk->mutex);
    otk_exporter_free(exporter); /* here, where no SIGPIPE comes from its connections, and before the host may exit */
    pthread_mutex_lock(&sdk->mutex);
    sdk->finished = true;
    pthread_cond_broadcast(&sdk->progress);
    pthread_mutex_unlock(&sdk->mutex);
    return NULL;
}

/* The host's signals are for the host's threads, and a broken TLS connection must not raise SIGPIPE. */
int otk_worker_start(otk_sdk *sdk)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&sdk->worker, NULL, work, sdk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sdk->started = rc == 0;
    return rc ? OTK_ESYSTEM : 0;
}
