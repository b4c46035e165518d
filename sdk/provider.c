#include "provider.h"

#include "clock.h"
#include "host.h"
#include "processor.h"
#include "sampler.h"
#include "scopes.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>

#define STOP_TIMEOUT_MS 10000
#define GRACE_MS 1000 /* that the worker gets to notice a deadline */

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

void otk_sdk_count_invalid(struct otk_scope *scope)
{
    pthread_mutex_lock(&scope->sdk->mutex);
    scope->sdk->pipelines[scope->signal].stats.invalid++;
    pthread_mutex_unlock(&scope->sdk->mutex);
}

/* ---- Exporting ------------------------------------------------------- */

static int start_exporting(otk_sdk *sdk)
{
    int rc = otk_exporter_new(&sdk->config, &sdk->warnings, &sdk->own.exporter);
    if (!rc)
        rc = otk_host_flush_at_exit();
    if (!rc)
        rc = otk_worker_start(sdk);
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
    atomic_store(&sdk->dormant, sdk->exports && !atomic_load(&sdk->closed));
    sdk->started = false;
    pthread_mutex_init(&sdk->warnings.mutex, NULL);
    init_conditions(sdk);
}

/* ---- Start ----------------------------------------------------------- */

const char *otk_sdk_version(void)
{
    return OTLPKIT_VERSION;
}

/* Larger ones find room when they are there. */
enum { FIRST_BATCH = 512 };

static int init_pipelines(otk_sdk *sdk)
{
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
    }
    sdk->batch_capacity = FIRST_BATCH;
    sdk->batch = malloc(FIRST_BATCH * sizeof *sdk->batch);
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

/* What recording needs to know at once. */
static void prepare_recording(otk_sdk *sdk)
{
    const struct otk_config *config = &sdk->config;
    sdk->keeps_spans = sdk->processor_count || otk_sdk_exports(sdk, OTK_SIGNAL_TRACES);
    sdk->span_limits = otk_draft_limit((struct otk_limits){config->span_attribute_length, config->span_attributes});
    sdk->event_limits = otk_draft_limit((struct otk_limits){config->span_attribute_length, config->event_attributes});
    sdk->link_limits = otk_draft_limit((struct otk_limits){config->span_attribute_length, config->link_attributes});
    sdk->log_limits = otk_draft_limit((struct otk_limits){config->log_attribute_length, config->log_attributes});
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
    prepare_recording(sdk);
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
        otk_worker_wait_until(&sdk->progress, &sdk->mutex, deadline);
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
        otk_scopes_free(sdk->scopes[i], (otk_signal)i);
    }
    otk_buffer_clear(&sdk->own.body);
    otk_buffer_clear(&sdk->own.spans);
    free(sdk->batch);
    free(sdk->processors);
    otk_buffer_clear(&sdk->resource);
    otk_config_clear(&sdk->config);
    otk_warnings_clear(&sdk->warnings);
    pthread_cond_destroy(&sdk->progress);
    pthread_cond_destroy(&sdk->work);
    pthread_mutex_destroy(&sdk->mutex);
    free(sdk);
}
