/* What stands behind an otk_sdk: the queues and the worker that empties them.
 *
 * Always holds, for each signal: accepted = delivered + rejected + dropped +
 * queue.count + in_flight.
 */
#ifndef OTLPKIT_PROVIDER_H
#define OTLPKIT_PROVIDER_H

#include "config.h"
#include "exporter.h"
#include "lock.h"
#include "draft.h"
#include "queue.h"
#include "span_record.h"
#include "resource.h"

#include <pthread.h>
#include <stdatomic.h>

/* Who records takes the lock and no mutex; who takes both, the mutex first. */
struct otk_pipeline {
    struct otk_lock lock;   /* covers the queue, and what of the statistics changes with its length */
    struct otk_queue queue; /* metrics have none */
    uint64_t in_flight;
    bool sleeps;  /* there was nothing to do for a while: the first item has to wake the worker */
    uint64_t due; /* when the worker looks after it; the mutex covers it, and the statistics of the exporter */
    otk_signal_stats stats;
};

/* What the worker alone uses. */
struct otk_workplace {
    struct otk_exporter *exporter;
    struct otk_buffer spans; /* the messages of a batch */
    struct otk_buffer body;
    uint64_t alert_until; /* it looks for work without being woken */
};

struct otk_sdk {
    otk_sdk *next; /* in the host's list */
    struct otk_config config;
    struct otk_warnings warnings;
    struct otk_buffer resource; /* the content of its message */
    otk_span_processor *processors;
    size_t processor_count;
    otk_generate_id_fn *generate_id; /* NULL: our own */
    void *generate_id_arg;
    otk_clock_fn *clock; /* NULL: the system's */
    void *clock_arg;
    bool asks_sampler; /* about root spans, too */
    otk_sampling_decision root_decision;
    bool quiet_exit;
    bool exports;     /* anything at all */
    bool keeps_spans; /* for export or for processors */
    struct otk_draft_limits span_limits, event_limits, link_limits, log_limits;
    atomic_bool closed; /* shutdown has begun */
    atomic_bool told_of_ratio;
    atomic_bool dormant; /* in a forked child: there is no worker yet */

    pthread_t worker;
    struct otk_item *batch;
    size_t batch_capacity;
    struct otk_workplace own;
    struct otk_workplace parents; /* in a forked child, in whatever state its worker left it there */

    pthread_cond_t work;     /* for the worker: something is due */
    pthread_cond_t progress; /* for those who flush or shut down */
    pthread_mutex_t mutex;   /* covers what follows */
    struct otk_scope *scopes[OTK_SIGNAL_COUNT];
    struct otk_pipeline pipelines[OTK_SIGNAL_COUNT];
    uint64_t flush_wanted, flush_done;
    uint64_t lost;     /* items that an export could not deliver */
    uint64_t deadline; /* of the shutdown */
    bool started, finished;
};

struct otk_tracer {
    struct otk_scope scope;
};

struct otk_meter {
    struct otk_scope scope;
    _Atomic(otk_counter *) counters; /* put in front only, under the SDK's mutex */
};

struct otk_logger {
    struct otk_scope scope;
};

/* Whether items of this signal go anywhere. */
static inline bool otk_sdk_exports(const otk_sdk *sdk, otk_signal signal)
{
    return sdk->exports && sdk->config.signals[signal].enabled &&
           !atomic_load_explicit(&sdk->closed, memory_order_relaxed);
}

/* Called where something is recorded: in a forked child the first time starts
 * a worker. */
void otk_sdk_wake(otk_sdk *sdk);

/* Has the worker look at a queue that is new to it, or holds a batch. */
void otk_sdk_wake_worker(otk_sdk *sdk, otk_signal signal);

/* Returns OTK_DROP_COUNT when it is queued, or why not. */
static inline unsigned otk_sdk_queue(struct otk_queue *queue, struct otk_scope *scope, struct otk_buffer *item)
{
    if (item->failed)
        return OTK_DROP_NO_MEMORY;
    if (atomic_load_explicit(&scope->sdk->closed, memory_order_relaxed))
        return OTK_DROP_SHUTDOWN;
    return otk_queue_push(queue, scope, item) ? OTK_DROP_QUEUE_FULL : OTK_DROP_COUNT;
}

/* Counts an item and queues it: a struct otk_block, whose memory is exchanged for another one's. When the buffer
 * failed, it is lost. */
static inline void otk_sdk_submit(struct otk_scope *scope, otk_signal signal, struct otk_buffer *item)
{
    otk_sdk *sdk = scope->sdk;
    struct otk_pipeline *p = &sdk->pipelines[signal];
    if (atomic_load_explicit(&sdk->dormant, memory_order_acquire))
        otk_sdk_wake(sdk);
    if (item->capacity > OTK_QUEUE_SPARE_MAX)
        otk_queue_trim(item);
    otk_lock_take(&p->lock);
    unsigned dropped = otk_sdk_queue(&p->queue, scope, item);
    /* The worker has to know of a whole batch, and of the first item after a long time, which starts the delay. */
    bool wakes = p->queue.count == sdk->config.signals[signal].batch_size || p->sleeps;
    p->stats.accepted++;
    if (dropped < OTK_DROP_COUNT) {
        p->stats.dropped[dropped]++;
        wakes = false;
    }
    otk_lock_release(&p->lock);
    if (wakes)
        otk_sdk_wake_worker(sdk, signal);
}

/* Takes and releases the locks of the queues, with the mutex held. */
void otk_sdk_hold_queues(otk_sdk *sdk);
void otk_sdk_release_queues(otk_sdk *sdk);

/* In a forked child, with the mutex and the queues held: forgets all that the parent will
 * export, and its worker with what that was doing. */
void otk_sdk_forget(otk_sdk *sdk);

/* Counts a recording that could not be. */
void otk_sdk_count_invalid(struct otk_scope *scope);

/* In metrics.c: what a meter has to say now, as items of their own, appended to
 * the list. */
struct otk_item_list {
    struct otk_item *items;
    size_t count, capacity;
    uint64_t points;      /* in the items */
    uint64_t lost_points; /* that memory did not suffice for */
};

void otk_meter_collect(otk_meter *meter, uint64_t time_unix_nano, struct otk_item_list *list);
void otk_meter_clear(otk_meter *meter);

/* In a forked child: the sums are the parent's. */
void otk_meter_forget(otk_meter *meter);

#endif
