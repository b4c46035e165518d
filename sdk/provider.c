#include "provider.h"

#include "clock.h"
#include "host.h"
#include "processor.h"
#include "sampler.h"
#include "text.h"
#include "writer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define STOP_TIMEOUT_MS 10000
#define GRACE_MS 1000 /* that the worker gets to notice a deadline */

/* To wake a thread may cost the host's more than to record a hundred spans. So after this many items at once the worker
 * looks for more by itself, for a while, before it sleeps until it is woken. */
#define MANY 256
#define ALERT_NS 1000000
#define NAP_NS 50000

/* Waiting counts on the monotonic clock. */
static void init_conditions(otk_sdk *sdk)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sdk->work, &monotonic);
    pthread_cond_init(&sdk->progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* ---- Accounting ------------------------------------------------------ */

static const char *const drop_reasons[OTK_DROP_COUNT] = {
    [OTK_DROP_QUEUE_FULL] = "queue full", [OTK_DROP_REFUSED] = "refused",     [OTK_DROP_UNREACHABLE] = "unreachable",
    [OTK_DROP_TOO_LARGE] = "too large",   [OTK_DROP_NO_MEMORY] = "no memory", [OTK_DROP_SHUTDOWN] = "shutdown",
};

const char *otk_drop_reason_name(otk_drop_reason reason)
{
    return (unsigned)reason < OTK_DROP_COUNT ? drop_reasons[reason] : "unknown";
}

void otk_sdk_hold_queues(otk_sdk *sdk)
{
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        otk_lock_take(&sdk->pipelines[i].lock);
}

void otk_sdk_release_queues(otk_sdk *sdk)
{
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        otk_lock_release(&sdk->pipelines[i].lock);
}

void otk_sdk_stats_get(otk_sdk *sdk, otk_sdk_stats *out)
{
    if (out)
        memset(out, 0, sizeof *out);
    if (!sdk || !out)
        return;
    pthread_mutex_lock(&sdk->mutex);
    otk_sdk_hold_queues(sdk);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        const struct otk_pipeline *p = &sdk->pipelines[i];
        out->signals[i] = p->stats;
        out->signals[i].queued = p->queue.count + p->in_flight;
    }
    otk_sdk_release_queues(sdk);
    pthread_mutex_unlock(&sdk->mutex);
}

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

/* ---- Into the queue -------------------------------------------------- */

static size_t queued(struct otk_pipeline *p)
{
    otk_lock_take(&p->lock);
    size_t count = p->queue.count;
    otk_lock_release(&p->lock);
    return count;
}

/* Has the worker look after a queue: when the delay is over, at once for a whole batch, or not at all if `may_sleep` and
 * nothing is there. */
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

void otk_sdk_count_invalid(struct otk_scope *scope)
{
    pthread_mutex_lock(&scope->sdk->mutex);
    scope->sdk->pipelines[scope->signal].stats.invalid++;
    pthread_mutex_unlock(&scope->sdk->mutex);
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
    int rc = otk_batch_write(&sdk->own.body, &sdk->resource.bytes, items, count);
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
    size_t count = take_items(p, max < config->batch_size ? max : config->batch_size);
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

/* ---- The worker ------------------------------------------------------ */

static otk_signal first_due(const otk_sdk *sdk)
{
    otk_signal first = OTK_SIGNAL_TRACES;
    for (size_t i = 1; i < OTK_SIGNAL_COUNT; i++)
        if (sdk->pipelines[i].due < sdk->pipelines[first].due)
            first = (otk_signal)i;
    return first;
}

static void wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t time)
{
    if (time == OTK_FOREVER) {
        pthread_cond_wait(condition, mutex);
        return;
    }
    struct timespec until = {(time_t)(time / OTK_SECOND), (long)(time % OTK_SECOND)};
    pthread_cond_timedwait(condition, mutex, &until);
}

static void flush_all(otk_sdk *sdk)
{
    uint64_t wanted = sdk->flush_wanted;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        flush_signal(sdk, (otk_signal)i);
    sdk->flush_done = wanted;
    pthread_cond_broadcast(&sdk->progress);
}

static void wait_for_work(otk_sdk *sdk, uint64_t due)
{
    if (otk_clock_monotonic() >= sdk->own.alert_until) {
        wait_until(&sdk->work, &sdk->mutex, due);
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
static int start_worker(otk_sdk *sdk)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&sdk->worker, NULL, work, sdk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sdk->started = rc == 0;
    return rc ? OTK_ESYSTEM : 0;
}

static int start_exporting(otk_sdk *sdk)
{
    int rc = otk_exporter_new(&sdk->config, &sdk->warnings, &sdk->own.exporter);
    if (!rc)
        rc = otk_host_flush_at_exit();
    if (!rc)
        rc = start_worker(sdk);
    if (rc) {
        otk_exporter_free(sdk->own.exporter);
        sdk->own.exporter = NULL;
    }
    return rc;
}

/* ---- In a forked child ----------------------------------------------- */

void otk_sdk_wake(otk_sdk *sdk)
{
    if (!atomic_load_explicit(&sdk->dormant, memory_order_acquire))
        return;
    pthread_mutex_lock(&sdk->mutex);
    if (atomic_load(&sdk->dormant) && !atomic_load(&sdk->closed) && start_exporting(sdk) == 0)
        atomic_store(&sdk->dormant, false);
    pthread_mutex_unlock(&sdk->mutex);
}

static void init_workplace(otk_sdk *sdk)
{
    sdk->own = (struct otk_workplace){.spans = OTK_BUFFER_INIT(UINT32_MAX),
                                      .body = OTK_BUFFER_INIT(sdk->config.max_request_bytes)};
}

void otk_sdk_forget(otk_sdk *sdk)
{
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        struct otk_pipeline *p = &sdk->pipelines[i];
        otk_queue_clear(&p->queue);
        p->in_flight = 0;
        p->stats = (otk_signal_stats){0};
        p->sleeps = true;
        if (i != OTK_SIGNAL_METRICS)
            p->due = OTK_FOREVER;
    }
    for (struct otk_scope *meter = sdk->scopes[OTK_SIGNAL_METRICS]; meter; meter = meter->next)
        otk_meter_forget((otk_meter *)meter);
    sdk->parents = sdk->own;
    init_workplace(sdk);
    sdk->flush_wanted = sdk->flush_done = sdk->lost = 0;
    atomic_store(&sdk->dormant, sdk->started && !atomic_load(&sdk->closed));
    sdk->started = false;
    pthread_mutex_init(&sdk->warnings.mutex, NULL);
    init_conditions(sdk);
}

/* ---- Start ----------------------------------------------------------- */

const char *otk_sdk_version(void)
{
    return OTLPKIT_VERSION;
}

static int init_pipelines(otk_sdk *sdk)
{
    size_t largest = 1;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        const struct otk_signal_config *config = &sdk->config.signals[i];
        struct otk_pipeline *p = &sdk->pipelines[i];
        p->due = OTK_FOREVER;
        p->sleeps = true;
        if (!config->enabled)
            continue;
        if (i == OTK_SIGNAL_METRICS)
            p->due = otk_clock_deadline(config->delay_ms);
        else
            p->queue = OTK_QUEUE_INIT(config->queue_size);
        largest = config->batch_size > largest ? config->batch_size : largest;
    }
    sdk->batch = malloc(largest * sizeof *sdk->batch);
    return sdk->batch ? 0 : OTK_ENOMEM;
}

static bool exports_anything(const struct otk_config *config)
{
    bool any = false;
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        any = any || config->signals[i].enabled;
    return any && !config->disabled;
}

/* What the program brings instead of ours, or in addition. */
static int take_parts(otk_sdk *sdk, const otk_sdk_options *options)
{
    if (!options)
        return 0;
    sdk->generate_id = options->generate_id;
    sdk->generate_id_arg = options->generate_id_arg;
    sdk->clock = options->clock;
    sdk->clock_arg = options->clock_arg;
    sdk->quiet_exit = options->no_flush_at_exit;
    if (!options->processors || !options->processor_count)
        return 0;
    sdk->processors = malloc(options->processor_count * sizeof *sdk->processors);
    if (!sdk->processors)
        return OTK_ENOMEM;
    memcpy(sdk->processors, options->processors, options->processor_count * sizeof *sdk->processors);
    sdk->processor_count = options->processor_count;
    return 0;
}

static int start(otk_sdk *sdk, const otk_sdk_options *options, otk_error *error)
{
    int rc = otk_config_load(&sdk->config, options, &sdk->warnings, error);
    otk_lock_prepare();
    if (!rc)
        rc = otk_forks_watch();
    if (!rc)
        rc = take_parts(sdk, options);
    if (!rc)
        rc = otk_host_enter(sdk);
    if (!rc)
        sdk->asks_sampler = !otk_sampler_is_fixed(&sdk->config.sampler, &sdk->root_decision);
    if (!rc)
        rc = otk_resource_make(&sdk->resource, &sdk->config, options, &sdk->warnings);
    if (!rc && options && options->export_each_span)
        sdk->config.signals[OTK_SIGNAL_TRACES].batch_size = 1;
    if (rc || !exports_anything(&sdk->config))
        return rc;
    init_workplace(sdk);
    rc = init_pipelines(sdk);
    if (!rc)
        rc = start_exporting(sdk);
    sdk->exports = rc == 0;
    return rc;
}

/* What spans need to know at once. */
static void prepare_spans(otk_sdk *sdk)
{
    const struct otk_config *config = &sdk->config;
    sdk->keeps_spans = sdk->processor_count || otk_sdk_exports(sdk, OTK_SIGNAL_TRACES);
    sdk->span_limits = otk_draft_limit((struct otk_limits){config->span_attribute_length, config->span_attributes});
}

static void report(otk_error *error, int code)
{
    if (!error || (error->code == code && *error->message))
        return;
    error->code = code;
    snprintf(error->message, sizeof error->message, "%s",
             code == OTK_ESYSTEM ? "cannot start a thread" : "memory ran out");
}

otk_sdk *otk_sdk_start(const otk_sdk_options *options, otk_error *error)
{
    if (error)
        *error = (otk_error){0};
    otk_sdk *sdk = calloc(1, sizeof *sdk);
    if (!sdk) {
        report(error, OTK_ENOMEM);
        return NULL;
    }
    otk_warnings_init(&sdk->warnings, options ? options->on_warning : NULL, options ? options->on_warning_arg : NULL);
    pthread_mutex_init(&sdk->mutex, NULL);
    init_conditions(sdk);
    sdk->deadline = OTK_FOREVER;
    int rc = start(sdk, options, error);
    prepare_spans(sdk);
    if (rc) {
        report(error, rc);
        otk_sdk_stop(sdk);
        return NULL;
    }
    return sdk;
}

/* ---- Flush, shutdown, stop ------------------------------------------- */

/* Waits until the worker has done flush number `wanted`, or finished. */
static int wait_for_flush(otk_sdk *sdk, uint64_t wanted, uint64_t deadline)
{
    uint64_t lost = sdk->lost;
    while (sdk->flush_done < wanted && !sdk->finished) {
        if (otk_clock_monotonic() >= deadline)
            return OTK_ETIMEOUT;
        wait_until(&sdk->progress, &sdk->mutex, deadline);
    }
    return sdk->lost == lost ? 0 : OTK_ESYSTEM;
}

int otk_sdk_force_flush(otk_sdk *sdk, unsigned timeout_ms)
{
    if (!sdk)
        return 0;
    if (atomic_load(&sdk->closed))
        return OTK_ESHUTDOWN;
    uint64_t deadline = otk_clock_deadline(timeout_ms);
    int processors = otk_sdk_flush_processors(sdk, deadline), rc = 0;
    pthread_mutex_lock(&sdk->mutex);
    if (sdk->started) {
        pthread_cond_signal(&sdk->work);
        rc = wait_for_flush(sdk, ++sdk->flush_wanted, deadline);
    }
    pthread_mutex_unlock(&sdk->mutex);
    return rc ? rc : processors;
}

/* Waits until the worker has exported what is left, or dropped it at the deadline. */
static int finish(otk_sdk *sdk, uint64_t deadline)
{
    sdk->deadline = deadline;
    if (!sdk->started)
        return 0;
    otk_exporter_hurry(sdk->own.exporter, deadline);
    pthread_cond_signal(&sdk->work);
    int rc = wait_for_flush(sdk, UINT64_MAX, deadline + GRACE_MS * OTK_MS);
    return rc == OTK_ESYSTEM && otk_clock_monotonic() >= deadline ? OTK_ETIMEOUT : rc;
}

int otk_sdk_shutdown(otk_sdk *sdk, unsigned timeout_ms)
{
    if (!sdk)
        return 0;
    uint64_t deadline = otk_clock_deadline(timeout_ms);
    pthread_mutex_lock(&sdk->mutex);
    bool first = !atomic_exchange(&sdk->closed, true);
    int rc = first ? finish(sdk, deadline) : OTK_ESHUTDOWN;
    pthread_mutex_unlock(&sdk->mutex);
    int processors = first ? otk_sdk_shut_processors_down(sdk, deadline) : 0;
    return rc ? rc : processors;
}

/* ---- The global one -------------------------------------------------- */

static _Atomic(otk_sdk *) global;

void otk_sdk_set_global(otk_sdk *sdk)
{
    atomic_store(&global, sdk);
}

otk_sdk *otk_sdk_global(void)
{
    return atomic_load(&global);
}

/* ---- The end --------------------------------------------------------- */

static void free_scopes(struct otk_scope *scope, otk_signal signal)
{
    while (scope) {
        struct otk_scope *next = scope->next;
        if (signal == OTK_SIGNAL_METRICS)
            otk_meter_clear((otk_meter *)scope);
        otk_buffer_clear(&scope->content);
        otk_buffer_clear(&scope->schema_url);
        free(scope);
        scope = next;
    }
}

void otk_sdk_stop(otk_sdk *sdk)
{
    if (!sdk)
        return;
    otk_sdk *self = sdk;
    atomic_compare_exchange_strong(&global, &self, NULL);
    otk_sdk_shutdown(sdk, STOP_TIMEOUT_MS);
    otk_host_leave(sdk);
    if (sdk->started)
        pthread_join(sdk->worker, NULL);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        otk_queue_clear(&sdk->pipelines[i].queue);
        free_scopes(sdk->scopes[i], (otk_signal)i);
    }
    otk_buffer_clear(&sdk->own.body);
    otk_buffer_clear(&sdk->own.spans);
    free(sdk->batch);
    free(sdk->processors);
    otk_attribute_set_clear(&sdk->resource);
    otk_config_clear(&sdk->config);
    otk_warnings_clear(&sdk->warnings);
    pthread_cond_destroy(&sdk->progress);
    pthread_cond_destroy(&sdk->work);
    pthread_mutex_destroy(&sdk->mutex);
    free(sdk);
}

/* ---- Scopes ---------------------------------------------------------- */

enum { SCOPE_NAME = 1, SCOPE_VERSION = 2, SCOPE_ATTRIBUTES = 3, ENVELOPE_SCHEMA_URL = 3, SCOPE_MAX_BYTES = 1 << 20 };

static void write_optional(struct otk_buffer *b, unsigned number, const char *text)
{
    if (text && *text)
        otk_text_write(b, number, text, strlen(text), OTK_TEXT_UNLIMITED);
}

/* Equal scopes give equal bytes. */
static int encode_scope(struct otk_scope *scope, const char *name, const otk_scope_options *options)
{
    struct otk_attribute_set set;
    otk_attribute_set_init(&set, SCOPE_ATTRIBUTES, OTK_LIMITS_NONE, SCOPE_MAX_BYTES);
    otk_attribute_set_put_all(&set, options->attributes);
    int rc = set.dropped ? OTK_ENOMEM : otk_attribute_set_sort(&set);
    otk_text_write(&scope->content, SCOPE_NAME, name, strlen(name), OTK_TEXT_UNLIMITED);
    write_optional(&scope->content, SCOPE_VERSION, options->version);
    otk_buffer_append(&scope->content, set.bytes.data, set.bytes.size);
    write_optional(&scope->schema_url, ENVELOPE_SCHEMA_URL, options->schema_url);
    otk_attribute_set_clear(&set);
    return rc || scope->content.failed || scope->schema_url.failed ? OTK_ENOMEM : 0;
}

static struct otk_scope *new_scope(otk_sdk *sdk, otk_signal signal, size_t size, const char *name,
                                   const otk_scope_options *options)
{
    struct otk_scope *scope = calloc(1, size);
    if (!scope)
        return NULL;
    scope->sdk = sdk;
    scope->signal = signal;
    scope->content = scope->schema_url = OTK_BUFFER_INIT(SCOPE_MAX_BYTES);
    if (encode_scope(scope, name, options)) {
        free_scopes(scope, signal);
        return NULL;
    }
    return scope;
}

static bool same_bytes(const struct otk_buffer *a, const struct otk_buffer *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Returns the known one that equals `scope`, or that itself, which is known from now on. */
static struct otk_scope *unify(otk_sdk *sdk, struct otk_scope *scope)
{
    struct otk_scope **known = &sdk->scopes[scope->signal];
    for (struct otk_scope *other = *known; other; other = other->next)
        if (same_bytes(&other->content, &scope->content) && same_bytes(&other->schema_url, &scope->schema_url))
            return other;
    scope->next = *known;
    *known = scope;
    return scope;
}

/* A handle of `size` bytes, which begins with its scope. */
static void *get_scope(otk_sdk *sdk, otk_signal signal, size_t size, const char *name, const otk_scope_options *options)
{
    static const otk_scope_options none = OTK_SCOPE_OPTIONS_INIT;
    if (!sdk)
        return NULL;
    if (!name || !*name)
        otk_warn(&sdk->warnings, "a tracer, meter or logger was asked for without a name");
    struct otk_scope *scope = new_scope(sdk, signal, size, name ? name : "", options ? options : &none);
    if (!scope)
        return NULL;
    pthread_mutex_lock(&sdk->mutex);
    struct otk_scope *found = unify(sdk, scope);
    pthread_mutex_unlock(&sdk->mutex);
    if (found != scope)
        free_scopes(scope, signal);
    return found;
}

otk_tracer *otk_sdk_tracer(otk_sdk *sdk, const char *name, const otk_scope_options *options)
{
    return get_scope(sdk, OTK_SIGNAL_TRACES, sizeof(otk_tracer), name, options);
}

otk_meter *otk_sdk_meter(otk_sdk *sdk, const char *name, const otk_scope_options *options)
{
    return get_scope(sdk, OTK_SIGNAL_METRICS, sizeof(otk_meter), name, options);
}

otk_logger *otk_sdk_logger(otk_sdk *sdk, const char *name, const otk_scope_options *options)
{
    return get_scope(sdk, OTK_SIGNAL_LOGS, sizeof(otk_logger), name, options);
}
