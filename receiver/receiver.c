#include "fault.h"
#include "http.h"
#include "wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct otk_receiver {
    struct otk_store *store;
    struct otk_http *http;
    struct otk_waits *waits;
    struct otk_baseline *baseline; /* what cumulative metrics had reached at the last reset */
    struct otk_faults *faults;
};

const char *otk_receiver_version(void)
{
    return OTLPKIT_VERSION;
}

const char *otk_headers_get(const otk_headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++) {
        const char *other = headers->items[i].name;
        if ((*other | 0x20) == (*name | 0x20) && strcasecmp(other, name) == 0)
            return headers->items[i].value;
    }
    return NULL;
}

/* ---- Start and stop -------------------------------------------------- */

static otk_receiver *fail(otk_receiver *rx, otk_error *error, int code, const char *message)
{
    *error = (otk_error){.code = code};
    snprintf(error->message, sizeof error->message, "%s", message);
    otk_receiver_stop(rx);
    return NULL;
}

otk_receiver *otk_receiver_start(const otk_receiver_options *options, otk_error *error)
{
    static const otk_receiver_options defaults = OTK_RECEIVER_OPTIONS_INIT;
    otk_error unread;
    if (!options)
        options = &defaults;
    if (!error)
        error = &unread;
    if (!options->max_request_bytes || !options->max_response_bytes || !options->max_connections || !options->timeout_ms)
        return fail(NULL, error, OTK_EINVAL,
                    "max_request_bytes, max_response_bytes, max_connections and timeout_ms must not be 0");

    otk_receiver *rx = calloc(1, sizeof *rx);
    if (!rx)
        return fail(NULL, error, OTK_ENOMEM, "out of memory");
    rx->store = otk_store_new(options->max_capture_bytes, options->drop_oldest);
    rx->waits = rx->store ? otk_waits_new(rx->store) : NULL;
    rx->baseline = otk_baseline_new();
    rx->faults = otk_faults_new();
    if (!rx->waits || !rx->baseline || !rx->faults)
        return fail(rx, error, OTK_ENOMEM, "out of memory");
    rx->http = otk_http_start(options, rx->store, error);
    if (!rx->http) {
        otk_receiver_stop(rx);
        return NULL;
    }
    return rx;
}

void otk_receiver_stop(otk_receiver *rx)
{
    if (!rx)
        return;
    otk_http_stop(rx->http);
    otk_waits_free(rx->waits);
    otk_baseline_free(rx->baseline);
    otk_faults_free(rx->faults);
    otk_store_free(rx->store);
    free(rx);
}

const char *otk_receiver_url(const otk_receiver *rx)
{
    return otk_http_url(rx->http);
}

uint16_t otk_receiver_port(const otk_receiver *rx)
{
    return otk_http_port(rx->http);
}

struct otk_store *otk_receiver_store(otk_receiver *rx)
{
    return rx->store;
}

struct otk_waits *otk_receiver_waits(otk_receiver *rx)
{
    return rx->waits;
}

struct otk_baseline *otk_receiver_baseline(otk_receiver *rx)
{
    return rx->baseline;
}

struct otk_faults *otk_receiver_faults(otk_receiver *rx)
{
    return rx->faults;
}

/* ---- What came ------------------------------------------------------- */

void otk_receiver_counts_get(otk_receiver *rx, otk_receiver_counts *out)
{
    otk_store_counts(rx->store, out);
}

/* A series that finds no memory is counted from zero after the reset. */
static void keep_baseline(otk_receiver *rx)
{
    uint64_t number = 0;
    struct capture *c;
    while ((c = otk_store_next(rx->store, number))) {
        number = c->pub.number;
        otk_baseline_feed(rx->baseline, c);
        otk_capture_free(c);
    }
}

void otk_receiver_reset(otk_receiver *rx)
{
    keep_baseline(rx);
    otk_store_reset(rx->store);
}

const otk_capture *otk_receiver_request(otk_receiver *rx, size_t i)
{
    struct capture *c = otk_store_at(rx->store, i);
    return c ? &c->pub : NULL;
}

static const otk_capture *find(otk_receiver *rx, otk_signal signal, size_t i, size_t *place)
{
    struct capture *c = otk_store_find(rx->store, signal, i, place);
    return c ? &c->pub : NULL;
}

const otk_captured_span *otk_receiver_span(otk_receiver *rx, size_t i)
{
    size_t place;
    const otk_capture *c = find(rx, OTK_SIGNAL_TRACES, i, &place);
    return c ? otk_capture_span(c, place) : NULL;
}

const otk_captured_metric *otk_receiver_metric(otk_receiver *rx, size_t i)
{
    size_t place;
    const otk_capture *c = find(rx, OTK_SIGNAL_METRICS, i, &place);
    return c ? otk_capture_metric(c, place) : NULL;
}

const otk_captured_log *otk_receiver_log(otk_receiver *rx, size_t i)
{
    size_t place;
    const otk_capture *c = find(rx, OTK_SIGNAL_LOGS, i, &place);
    return c ? otk_capture_log(c, place) : NULL;
}

/* ---- Waiting --------------------------------------------------------- */

int otk_receiver_wait_spans(otk_receiver *rx, uint64_t count, unsigned timeout_ms)
{
    return otk_store_wait(rx->store, offsetof(otk_receiver_counts, spans), count, timeout_ms);
}

int otk_receiver_wait_metrics(otk_receiver *rx, uint64_t count, unsigned timeout_ms)
{
    return otk_store_wait(rx->store, offsetof(otk_receiver_counts, metrics), count, timeout_ms);
}

int otk_receiver_wait_logs(otk_receiver *rx, uint64_t count, unsigned timeout_ms)
{
    return otk_store_wait(rx->store, offsetof(otk_receiver_counts, log_records), count, timeout_ms);
}

int otk_receiver_wait_requests(otk_receiver *rx, uint64_t count, unsigned timeout_ms)
{
    return otk_store_wait(rx->store, offsetof(otk_receiver_counts, requests), count, timeout_ms);
}
