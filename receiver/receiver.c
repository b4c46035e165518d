#include "receiver_inside.h"

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Refused requests: of a receiver, and as a part of a session. */
#define REFUSED_BYTES_MAX ((size_t)16 << 20)
#define REFUSED_PART 16

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

/* ---- Life ------------------------------------------------------------ */

static otk_receiver *fail(otk_receiver *rx, otk_error *error, int code, const char *message)
{
    *error = (otk_error){.code = code};
    snprintf(error->message, sizeof error->message, "%s", message);
    otk_receiver_stop(rx);
    return NULL;
}

void otk_receiver_free(otk_receiver *rx)
{
    otk_waits_free(rx->waits);
    otk_baseline_free(rx->baseline);
    otk_faults_free(rx->faults);
    otk_store_free(rx->store);
    free(rx->url);
    free(rx);
}

/* Inside of `root`, or with NULL one by itself. */
static otk_receiver *new_receiver(otk_receiver *root, struct otk_store_limits limits)
{
    otk_receiver *rx = calloc(1, sizeof *rx);
    if (!rx)
        return NULL;
    rx->root = root ? root : rx;
    rx->budget.max = limits.max_bytes;
    limits.shared = &rx->root->budget;
    atomic_init(&rx->session.references, 1);
    rx->store = otk_store_new(&limits);
    rx->waits = rx->store ? otk_waits_new(rx->store) : NULL;
    rx->baseline = otk_baseline_new();
    rx->faults = otk_faults_new();
    if (rx->waits && rx->baseline && rx->faults)
        return rx;
    otk_receiver_free(rx);
    return NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static otk_receiver *new_root(const otk_receiver_options *options)
{
    size_t of_session = smaller(options->max_session_bytes, options->max_capture_bytes);
    otk_receiver *rx = new_receiver(
        NULL, (struct otk_store_limits){options->max_capture_bytes, REFUSED_BYTES_MAX, options->drop_oldest, NULL});
    if (!rx)
        return NULL;
    rx->session_limits = (struct otk_store_limits){of_session, smaller(of_session / REFUSED_PART, REFUSED_BYTES_MAX),
                                                   options->drop_oldest, NULL};
    rx->options = *options;
    rx->sessions = otk_sessions_new(rx, options->max_sessions);
    if (rx->sessions)
        return rx;
    otk_receiver_free(rx);
    return NULL;
}

otk_receiver *otk_receiver_inside(otk_receiver *root, otk_string name)
{
    const char *url = otk_receiver_url(root);
    size_t room = strlen(url) + sizeof "/s/" + name.size;
    otk_receiver *rx = new_receiver(root, root->session_limits);
    if (!rx)
        return NULL;
    memcpy(rx->session.name, name.data, name.size);
    rx->url = malloc(room);
    if (!rx->url) {
        otk_receiver_free(rx);
        return NULL;
    }
    snprintf(rx->url, room, "%s/s/%s", url, rx->session.name);
    if (otk_store_is_closed(root->store))
        otk_store_close(rx->store);
    return rx;
}

/* ---- Start and stop -------------------------------------------------- */

otk_receiver *otk_receiver_start(const otk_receiver_options *options, otk_error *error)
{
    static const otk_receiver_options defaults = OTK_RECEIVER_OPTIONS_INIT;
    otk_error unread;
    if (!options)
        options = &defaults;
    if (!error)
        error = &unread;
    if (!options->max_request_bytes || !options->max_response_bytes || !options->max_connections ||
        !options->timeout_ms)
        return fail(NULL, error, OTK_EINVAL,
                    "max_request_bytes, max_response_bytes, max_connections and timeout_ms must not be 0");

    otk_receiver *rx = new_root(options);
    if (!rx)
        return fail(NULL, error, OTK_ENOMEM, "out of memory");
    rx->http = otk_http_new(options, rx, error);
    rx->url = rx->http ? strdup(otk_http_url(rx->http)) : NULL;
    if (rx->http && !rx->url)
        return fail(rx, error, OTK_ENOMEM, "out of memory");
    if (rx->http && otk_http_start(rx->http, error) == 0)
        return rx;
    otk_receiver_stop(rx);
    return NULL;
}

struct loading {
    otk_receiver *rx;
    int rc;
};

static void keep_loaded(const otk_capture *capture, void *arg)
{
    struct loading *l = arg;
    if (!l->rc)
        l->rc = otk_store_add(l->rx->store, otk_capture_of(capture));
}

otk_receiver *otk_receiver_open(const char *const *paths, size_t count, const otk_load_options *options,
                                otk_error *error)
{
    otk_receiver_options unlimited = OTK_RECEIVER_OPTIONS_INIT;
    otk_error unread;
    if (!error)
        error = &unread;
    unlimited.max_capture_bytes = SIZE_MAX;
    otk_receiver_counts lost = {0};
    struct loading l = {.rx = new_root(&unlimited)};
    if (!l.rx)
        return fail(NULL, error, OTK_ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (otk_load_all(paths[i], options, keep_loaded, &l, &lost, error)) {
            otk_receiver_stop(l.rx);
            return NULL;
        } else if (l.rc) {
            return fail(l.rx, error, l.rc, "out of memory");
        }
    otk_store_count(l.rx->store, &lost);
    otk_store_close(l.rx->store);
    return l.rx;
}

void otk_receiver_end(otk_receiver *rx)
{
    otk_store_close(rx->store);
    if (rx->root->http)
        otk_desk_end(otk_http_desk(rx->root->http), rx);
}

void otk_receiver_close(otk_receiver *rx)
{
    otk_receiver *session;
    if (rx != rx->root) {
        otk_session_end(rx);
        return;
    }
    if (rx->http)
        otk_http_close(rx->http);
    otk_receiver_end(rx);
    for (uint64_t number = 0; (session = otk_session_after(rx, number)); otk_session_release(session)) {
        number = session->session.number;
        otk_receiver_end(session);
    }
}

void otk_receiver_stop(otk_receiver *rx)
{
    if (!rx)
        return;
    if (rx != rx->root) {
        otk_session_take_back(rx);
        return;
    }
    otk_http_free(rx->http);
    otk_sessions_free(rx->sessions);
    otk_receiver_free(rx);
}

otk_receiver *otk_receiver_session(otk_receiver *rx, const char *name, otk_error *error)
{
    otk_receiver *session;
    otk_error unread;
    do {
        int rc = otk_sessions_use(rx->root->sessions, (otk_string){name, strlen(name)}, &session);
        if (rc)
            return fail(NULL, error ? error : &unread, rc, otk_session_refusal(rc));
    } while (!otk_session_hand_out(session));
    return session;
}

const char *otk_receiver_url(const otk_receiver *rx)
{
    return rx->url ? rx->url : "";
}

uint16_t otk_receiver_port(const otk_receiver *rx)
{
    return rx->root->http ? otk_http_port(rx->root->http) : 0;
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

struct otk_audience *otk_receiver_audience(otk_receiver *rx)
{
    return &rx->audience;
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
    if (rx->root->http)
        otk_desk_news(otk_http_desk(rx->root->http), rx, NULL);
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
