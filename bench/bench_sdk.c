/* The SDK: spans against two clock reads, three random numbers and a copy of four attributes; memory; encoding against
 * protobuf-c; a POST against a raw socket's. */
#include "batch.h"
#include "clock.h"
#include "draft.h"
#include "exporter.h"
#include "measure.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "payload.h"
#include "server.h"
#include "span_record.h"
#include "warning.h"
#include "writer.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SPANS_A_ROUND = 2000, ROUNDS = 101, PRODUCERS_MAX = 2 };

/* ---- The floor ------------------------------------------------------- */

static const char *const keys[] = {"http.request.method", "http.route", "user.id", "http.response.status_code"};
static const char *const texts[] = {"GET", "/checkout/{cart}", "ada-4711"};

struct record {
    uint64_t start, end, ids[3];
    char text[192];
    size_t size;
};

static uint64_t random_state[PRODUCERS_MAX + 1] = {88172645463325252u, 362436069u, 521288629u};

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static void copy_text(struct record *r, const char *text)
{
    size_t size = strlen(text);
    memcpy(r->text + r->size, text, size);
    r->size += size;
}

__attribute__((noinline)) static void floor_span(struct record *r, uint64_t *state, int64_t status)
{
    r->start = otk_clock_read(CLOCK_MONOTONIC);
    for (size_t i = 0; i < 3; i++)
        r->ids[i] = next_random(state);
    r->size = 0;
    for (size_t i = 0; i < 3; i++) {
        copy_text(r, keys[i]);
        copy_text(r, texts[i]);
    }
    copy_text(r, keys[3]);
    memcpy(r->text + r->size, &status, sizeof status);
    r->end = otk_clock_read(CLOCK_MONOTONIC);
    __asm__ volatile("" : : "r"(r) : "memory");
}

static double floor_ns(uint64_t *state)
{
    static _Thread_local struct record record;
    double before = bench_thread_seconds();
    for (int64_t i = 0; i < SPANS_A_ROUND; i++)
        floor_span(&record, state, i);
    return (bench_thread_seconds() - before) / SPANS_A_ROUND * 1e9;
}

/* ---- Spans ----------------------------------------------------------- */

static void span(otk_tracer *tracer, int64_t status)
{
    otk_span *s = otk_span_start(tracer, "GET /checkout/{cart}", NULL);
    for (size_t i = 0; i < 3; i++)
        otk_span_set_string(s, keys[i], texts[i]);
    otk_span_set_int(s, keys[3], status);
    otk_span_end(s);
    otk_span_free(s);
}

static double spans_ns(otk_tracer *tracer, size_t count)
{
    double before = bench_thread_seconds();
    for (size_t i = 0; i < count; i++)
        span(tracer, (int64_t)i);
    return (bench_thread_seconds() - before) / (double)count * 1e9;
}

static uint16_t port_of(const struct bench_server *s)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getpeername(s->fd, (struct sockaddr *)&address, &size))
        exit(2);
    return ntohs(address.sin_port);
}

static void keep_quiet(const char *message, void *arg)
{
    (void)message, (void)arg;
}

static otk_sdk *start_sdk(uint16_t port, const char *const *settings)
{
    char url[64];
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    options.endpoint = url;
    options.settings = settings;
    options.ignore_environment = true;
    options.on_warning = keep_quiet;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    if (!sdk)
        exit(2);
    return sdk;
}

struct producer {
    otk_tracer *tracer;
    pthread_barrier_t *barrier;
    double ns;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    pthread_barrier_wait(p->barrier);
    p->ns = spans_ns(p->tracer, SPANS_A_ROUND / PRODUCERS_MAX);
    return NULL;
}

static double both_ns(otk_tracer *tracer)
{
    pthread_t threads[PRODUCERS_MAX];
    struct producer producers[PRODUCERS_MAX];
    pthread_barrier_t barrier;
    double sum = 0;
    pthread_barrier_init(&barrier, NULL, PRODUCERS_MAX);
    for (size_t i = 0; i < PRODUCERS_MAX; i++) {
        producers[i] = (struct producer){tracer, &barrier, 0};
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    for (size_t i = 0; i < PRODUCERS_MAX; i++) {
        pthread_join(threads[i], NULL);
        sum += producers[i].ns;
    }
    pthread_barrier_destroy(&barrier);
    return sum / PRODUCERS_MAX;
}

static double one_ns(otk_tracer *tracer)
{
    return spans_ns(tracer, SPANS_A_ROUND);
}

/* Rounds that fit the queue, so that no span is dropped, which would be cheaper; it is emptied between them. */
static void measure_spans(const char *what, uint16_t port, const char *const *settings,
                          double (*round)(otk_tracer *tracer), double bound)
{
    double ours[ROUNDS], floor[ROUNDS];
    otk_sdk_stats stats;
    otk_sdk *sdk = start_sdk(port, settings);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "bench", NULL);
    round(tracer);
    for (size_t i = 0; i < ROUNDS; i++) {
        otk_sdk_force_flush(sdk, 10000);
        floor[i] = floor_ns(&random_state[0]);
        ours[i] = round(tracer);
    }
    otk_sdk_stats_get(sdk, &stats);
    otk_sdk_stop(sdk);
    if (stats.signals[OTK_SIGNAL_TRACES].dropped[OTK_DROP_QUEUE_FULL]) {
        fputs("spans were dropped\n", stderr);
        exit(2);
    }
    double median = bench_median(floor, ROUNDS), own = bench_median(ours, ROUNDS);
    bench_row(what, "start + 4 attributes + end / floor", own / median, true, bound);
    printf("  (%.1f ns; floor %.1f ns)\n", own, median);
}

/* ---- Memory ---------------------------------------------------------- */

/* Takes connections, by the kernel, and never answers. */
static void serve_silence(int port_pipe)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        exit(2);
    bench_tell_port(port_pipe, ntohs(address.sin_port));
    for (;;)
        pause();
}

static double resident_pages(void)
{
    size_t total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu %zu", &total, &resident) != 2)
        exit(2);
    fclose(file);
    return (double)resident;
}

static void measure_memory(void)
{
    static const char *const impatient[] = {"OTEL_EXPORTER_OTLP_TIMEOUT=200", "OTEL_C_EXPORTER_RETRY_DELAY=10", NULL};
    struct bench_server server = bench_server_start(serve_silence);
    otk_sdk *sdk = start_sdk(port_of(&server), impatient);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "bench", NULL);
    spans_ns(tracer, 100000);
    double before = resident_pages();
    spans_ns(tracer, 10000000 - 100000);
    bench_row("resident memory, 10 million spans, no answers", "at the end / after 100,000", resident_pages() / before,
              true, 1.05);
    otk_sdk_shutdown(sdk, 100);
    otk_sdk_stop(sdk);
    bench_server_stop(&server);
}

/* ---- Encoding -------------------------------------------------------- */

struct batch {
    Otk__Collector__Trace__ExportTraceServiceRequest *tree;
    struct otk_scope scope;
    struct otk_buffer *spans;
    struct otk_item *items;
    size_t count;
    struct otk_buffer messages, out;
};

enum { SPAN_EVENTS = 11 };

static void encode(void *arg)
{
    struct batch *b = arg;
    const struct otk_buffer resource = OTK_BUFFER_INIT(1);
    b->messages.size = b->out.size = 0;
    for (size_t i = 0; i < b->count; i++)
        b->items[i] = (struct otk_item){&b->scope, b->spans[i].data, b->spans[i].size, 1};
    if (otk_span_records_encode(&b->messages, b->items, b->count) ||
        otk_batch_write(&b->out, &resource, b->items, b->count))
        abort();
}

static ProtobufCMessage *new_message(size_t size, void (*init)(void *))
{
    void *message = malloc(size);
    init(message);
    return message;
}

static void init_span(void *m)
{
    otk__trace__span__init(m);
}

static void init_key_value(void *m)
{
    otk__common__key_value__init(m);
}

static void init_any_value(void *m)
{
    otk__common__any_value__init(m);
}

static void init_event(void *m)
{
    otk__trace__span__event__init(m);
}

static Otk__Common__KeyValue *copy_attribute(const Otk__Common__KeyValue *from)
{
    Otk__Common__KeyValue *pair = (void *)new_message(sizeof *pair, init_key_value);
    Otk__Common__AnyValue *value = (void *)new_message(sizeof *value, init_any_value);
    *value = *from->value;
    if (value->value_case == OTK__COMMON__ANY_VALUE__VALUE_STRING_VALUE)
        value->string_value = strdup(value->string_value);
    pair->key = strdup(from->key);
    pair->value = value;
    return pair;
}

static Otk__Common__KeyValue **copy_attributes(Otk__Common__KeyValue *const *from, size_t count)
{
    Otk__Common__KeyValue **pairs = malloc((count + 1) * sizeof *pairs);
    for (size_t i = 0; i < count; i++)
        pairs[i] = copy_attribute(from[i]);
    return pairs;
}

static void free_attributes(Otk__Common__KeyValue **pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i]->value->value_case == OTK__COMMON__ANY_VALUE__VALUE_STRING_VALUE)
            free(pairs[i]->value->string_value);
        free(pairs[i]->value);
        free(pairs[i]->key);
        free(pairs[i]);
    }
    free(pairs);
}

static Otk__Trace__Span__Event *copy_event(const Otk__Trace__Span__Event *from)
{
    Otk__Trace__Span__Event *event = (void *)new_message(sizeof *event, init_event);
    *event = *from;
    event->name = strdup(from->name);
    event->attributes = copy_attributes(from->attributes, from->n_attributes);
    return event;
}

/* What a recorder has to build for protobuf-c: a tree of messages, each on the heap. */
static Otk__Trace__Span *copy_span(const Otk__Trace__Span *from)
{
    Otk__Trace__Span *s = (void *)new_message(sizeof *s, init_span);
    *s = *from;
    s->name = strdup(from->name);
    s->attributes = copy_attributes(from->attributes, from->n_attributes);
    s->events = malloc((from->n_events + 1) * sizeof *s->events);
    for (size_t i = 0; i < from->n_events; i++)
        s->events[i] = copy_event(from->events[i]);
    return s;
}

static void free_span(Otk__Trace__Span *s)
{
    for (size_t i = 0; i < s->n_events; i++) {
        free_attributes(s->events[i]->attributes, s->events[i]->n_attributes);
        free(s->events[i]->name);
        free(s->events[i]);
    }
    free(s->events);
    free_attributes(s->attributes, s->n_attributes);
    free(s->name);
    free(s);
}

static void build_and_pack(void *arg)
{
    struct batch *b = arg;
    Otk__Trace__ScopeSpans *scope = b->tree->resource_spans[0]->scope_spans[0];
    Otk__Trace__Span **originals = scope->spans;
    scope->spans = malloc(scope->n_spans * sizeof *scope->spans);
    for (size_t i = 0; i < scope->n_spans; i++)
        scope->spans[i] = copy_span(originals[i]);
    uint8_t *packed = malloc(protobuf_c_message_get_packed_size(&b->tree->base));
    protobuf_c_message_pack(&b->tree->base, packed);
    free(packed);
    for (size_t i = 0; i < scope->n_spans; i++)
        free_span(scope->spans[i]);
    free(scope->spans);
    scope->spans = originals;
}

static otk_attribute read_attribute(const Otk__Common__KeyValue *pair)
{
    const Otk__Common__AnyValue *value = pair->value;
    switch (value->value_case) {
    case OTK__COMMON__ANY_VALUE__VALUE_STRING_VALUE:
        return otk_attribute_string(pair->key, value->string_value);
    case OTK__COMMON__ANY_VALUE__VALUE_INT_VALUE:
        return otk_attribute_int(pair->key, value->int_value);
    case OTK__COMMON__ANY_VALUE__VALUE_DOUBLE_VALUE:
        return otk_attribute_double(pair->key, value->double_value);
    case OTK__COMMON__ANY_VALUE__VALUE_BOOL_VALUE:
        return otk_attribute_bool(pair->key, value->bool_value);
    default:
        exit(2);
    }
}

/* The span as the queue holds it; its events are encoded when they are recorded. */
static struct otk_buffer recorded_span(const Otk__Trace__Span *s)
{
    struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 20)};
    struct otk_span_record record = {.name_size = (uint32_t)strlen(s->name)};
    record.start.kind = (uint8_t)s->kind;
    record.start.time_unix_nano = s->start_time_unix_nano;
    record.end_time_unix_nano = s->end_time_unix_nano;
    memcpy(record.start.context.trace_id, s->trace_id.data, s->trace_id.len);
    memcpy(record.start.context.span_id, s->span_id.data, s->span_id.len);
    otk_buffer_append(&draft.bytes, &record, sizeof record);
    otk_buffer_text(&draft.bytes, s->name);
    otk_draft_begin(&draft, &otk_draft_unlimited);
    for (size_t i = 0; i < s->n_attributes; i++) {
        const otk_attribute attribute = read_attribute(s->attributes[i]);
        otk_draft_put(&draft, &attribute);
    }
    record.attributes_size = (uint32_t)(draft.bytes.size - draft.from);
    size_t rest_at = draft.bytes.size;
    for (size_t i = 0; i < s->n_events; i++) {
        uint8_t packed[1024];
        otk_write_bytes(&draft.bytes, SPAN_EVENTS, packed, protobuf_c_message_pack(&s->events[i]->base, packed));
    }
    record.rest_size = (uint32_t)(draft.bytes.size - rest_at);
    memcpy(draft.bytes.data, &record, sizeof record);
    return draft.bytes;
}

static void measure_encoding(void)
{
    struct otk_buffer payload = bench_payload(512, true);
    struct batch b = {.messages = OTK_BUFFER_INIT((size_t)1 << 28), .out = OTK_BUFFER_INIT((size_t)1 << 28)};
    b.tree = otk__collector__trace__export_trace_service_request__unpack(NULL, payload.size, payload.data);
    const Otk__Trace__ScopeSpans *scope = b.tree->resource_spans[0]->scope_spans[0];
    b.count = scope->n_spans;
    b.items = malloc(b.count * sizeof *b.items);
    b.spans = malloc(b.count * sizeof *b.spans);
    for (size_t i = 0; i < b.count; i++)
        b.spans[i] = recorded_span(scope->spans[i]);
    struct bench_pair pair = bench_compare(encode, build_and_pack, &b);
    bench_row("encoding 512 spans", "ours / protobuf-c tree + pack", pair.ours / pair.floor, true, 0.05);
    printf("  (%zu bytes; %.1f us, protobuf-c %.1f us)\n", b.out.size, pair.ours, pair.floor);
    for (size_t i = 0; i < b.count; i++)
        otk_buffer_clear(&b.spans[i]);
    free(b.spans);
    free(b.items);
    otk_buffer_clear(&b.messages);
    otk_buffer_clear(&b.out);
    otk__collector__trace__export_trace_service_request__free_unpacked(b.tree, NULL);
    otk_buffer_clear(&payload);
}

/* ---- Round trips ----------------------------------------------------- */

static double post_us(struct otk_exporter *e, const struct otk_buffer *body)
{
    struct otk_delivery delivery;
    double before = bench_wall_seconds();
    if (otk_exporter_prepare(e, OTK_SIGNAL_TRACES, body))
        exit(2);
    otk_exporter_send(e, OTK_SIGNAL_TRACES, &delivery);
    if (!delivery.delivered)
        exit(2);
    return (bench_wall_seconds() - before) * 1e6;
}

/* Sleeps for the answer, as the exporter does. */
static double raw_us(int fd, const struct otk_buffer *request)
{
    char answer[1024];
    size_t have = 0;
    double before = bench_wall_seconds();
    for (size_t sent = 0; sent < request->size;) {
        ssize_t n = send(fd, request->data + sent, request->size - sent, MSG_NOSIGNAL);
        if (n <= 0)
            exit(2);
        sent += (size_t)n;
    }
    while (have < 4 || memcmp(answer + have - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = recv(fd, answer + have, sizeof answer - have, 0);
        if (n <= 0)
            exit(2);
        have += (size_t)n;
    }
    return (bench_wall_seconds() - before) * 1e6;
}

enum { TRIPS = 1001 };

static void measure_post(uint16_t port, size_t spans)
{
    double ours[TRIPS], raw[TRIPS];
    char what[64], endpoint[64];
    snprintf(endpoint, sizeof endpoint, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%u", port);
    const char *const settings[] = {endpoint, NULL};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.settings = settings;
    options.ignore_environment = true;
    struct otk_warnings warnings;
    struct otk_config config;
    struct otk_exporter *e;
    otk_warnings_init(&warnings, NULL, NULL);
    if (otk_config_load(&config, &options, &warnings, NULL) || otk_exporter_new(&config, &warnings, &e))
        exit(2);
    struct otk_buffer body = bench_payload(spans, false);
    struct otk_buffer request = bench_request(&body);
    int fd = bench_connect(port);
    for (size_t i = 0; i < TRIPS; i++) {
        ours[i] = post_us(e, &body);
        raw[i] = raw_us(fd, &request);
    }
    double own = bench_median(ours, TRIPS), floor = bench_median(raw, TRIPS);
    snprintf(what, sizeof what, "POST and answer, %zu span%s", spans, spans == 1 ? "" : "s");
    bench_row(what, "ours / raw socket", own / floor, true, 1.35);
    printf("  (%.1f us; raw %.1f us)\n", own, floor);
    close(fd);
    otk_buffer_clear(&request);
    otk_buffer_clear(&body);
    otk_exporter_free(e);
    otk_config_clear(&config);
    otk_warnings_clear(&warnings);
}

int main(void)
{
    static const char *const plain[] = {"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none", NULL};
    static const char *const unsampled[] = {"OTEL_TRACES_SAMPLER=always_off", NULL};
    static const char *const disabled[] = {"OTEL_SDK_DISABLED=true", NULL};
    struct bench_server server = bench_server_start(bench_serve_null);
    uint16_t port = port_of(&server);
    measure_spans("span, one producer", port, plain, one_ns, 1.5);
    measure_spans("span, two producers", port, plain, both_ns, 3);
    measure_spans("unsampled span", port, unsampled, one_ns, 0.3);
    measure_spans("span of a disabled SDK", port, disabled, one_ns, 0.1);
    measure_memory();
    measure_encoding();
    measure_post(port, 1);
    measure_post(port, 100);
    bench_server_stop(&server);
    return bench_exit();
}
