/* otlpkit/sdk.h - spans, metrics and log records out of a C program
 *
 * A small OpenTelemetry SDK. What is recorded is copied and queued; one
 * background thread encodes it and sends it as OTLP (protobuf over HTTP).
 * Everything is configured as OpenTelemetry says: by the OTEL_* environment
 * variables.
 *
 *     #include <otlpkit/sdk.h>
 *
 *     int main(void)
 *     {
 *         otk_sdk *sdk = otk_sdk_start(NULL, NULL);
 *         otk_tracer *tracer = otk_sdk_tracer(sdk, "shop", NULL);
 *         otk_span *span = otk_span_start(tracer, "checkout", NULL);
 *         otk_span_set_string(span, "user.id", "ada");
 *         otk_span_end(span);
 *         otk_span_free(span);
 *         otk_sdk_stop(sdk);
 *     }
 *
 * Lifetime: tracers, meters, loggers and counters belong to their SDK and live
 * until otk_sdk_stop(); a span belongs to the caller, who frees it before that.
 * Whatever is passed in is copied, or only read during the call.
 *
 * Threads: every call may be made from any thread at any time; only
 * otk_span_free() must be the last call on its span, and otk_sdk_stop() the
 * last of all. Nothing here waits for the network except force flush, shutdown
 * and stop.
 *
 * Errors: recording never fails in the caller's face. NULL is accepted
 * everywhere and does nothing, what cannot be kept is counted (otk_sdk_stats),
 * and what a person should know goes to the warning handler.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLPKIT_SDK_H
#define OTLPKIT_SDK_H

#include <otlpkit/otlp.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, such as "0.1.0". */
OTK_API const char *otk_sdk_version(void);

/* ---- Attributes ------------------------------------------------------ */

/* Values of each kind; they point at what they are given. A NULL text gives
 * the empty value; NULL instead of several gives none. Sizes and counts are
 * believed everywhere else. */
static inline otk_value otk_value_string(const char *text)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    if (text) {
        value.type = OTK_VALUE_STRING;
        value.as.string_value.data = text;
        value.as.string_value.size = strlen(text);
    }
    return value;
}

static inline otk_value otk_value_bool(bool truth)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    value.type = OTK_VALUE_BOOL;
    value.as.bool_value = truth;
    return value;
}

static inline otk_value otk_value_int(int64_t number)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    value.type = OTK_VALUE_INT;
    value.as.int_value = number;
    return value;
}

static inline otk_value otk_value_double(double number)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    value.type = OTK_VALUE_DOUBLE;
    value.as.double_value = number;
    return value;
}

static inline otk_value otk_value_bytes(const void *data, size_t size)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    value.type = OTK_VALUE_BYTES;
    value.as.bytes_value.data = (const uint8_t *)data;
    value.as.bytes_value.size = data ? size : 0;
    return value;
}

static inline otk_value otk_value_array(const otk_value *values, size_t count)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    value.type = OTK_VALUE_ARRAY;
    value.as.array_value.values = values;
    value.as.array_value.count = values ? count : 0;
    return value;
}

static inline otk_value otk_value_kvlist(const otk_attribute *items, size_t count)
{
    otk_value value;
    memset(&value, 0, sizeof value);
    value.type = OTK_VALUE_KVLIST;
    value.as.kvlist_value.items = items;
    value.as.kvlist_value.count = items ? count : 0;
    return value;
}

static inline otk_string otk_string_of(const char *text)
{
    otk_string string;
    string.data = text;
    string.size = text ? strlen(text) : 0;
    return string;
}

static inline otk_attribute otk_attribute_of(const char *key, otk_value value)
{
    otk_attribute attribute;
    attribute.key = otk_string_of(key);
    attribute.value = value;
    return attribute;
}

static inline otk_attribute otk_attribute_string(const char *key, const char *text)
{
    return otk_attribute_of(key, otk_value_string(text));
}

static inline otk_attribute otk_attribute_bool(const char *key, bool truth)
{
    return otk_attribute_of(key, otk_value_bool(truth));
}

static inline otk_attribute otk_attribute_int(const char *key, int64_t number)
{
    return otk_attribute_of(key, otk_value_int(number));
}

static inline otk_attribute otk_attribute_double(const char *key, double number)
{
    return otk_attribute_of(key, otk_value_double(number));
}

static inline otk_attribute otk_attribute_bytes(const char *key, const void *data, size_t size)
{
    return otk_attribute_of(key, otk_value_bytes(data, size));
}

/* A collection on the spot, for C:
 *     OTK_ATTRIBUTES(otk_attribute_string("route", "/pay"), otk_attribute_int("attempt", 2)) */
#define OTK_ATTRIBUTES(...)                         \
    (&(const otk_attributes){                       \
        (const otk_attribute[]){__VA_ARGS__},       \
        sizeof((const otk_attribute[]){__VA_ARGS__}) / sizeof(otk_attribute)})

/* ---- Start and stop -------------------------------------------------- */

/* The variables that are read, with OpenTelemetry's names and defaults:
 *
 *     OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
 *     OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: (parentbased_)always_on,
 *         always_off or traceidratio
 *     OTEL_PROPAGATORS: tracecontext, baggage or none
 *     OTEL_{TRACES,METRICS,LOGS}_EXPORTER: otlp or none; another name exports
 *         nothing, and is warned about
 *     OTEL_EXPORTER_OTLP_{ENDPOINT,HEADERS,TIMEOUT,COMPRESSION,PROTOCOL,
 *         CERTIFICATE,CLIENT_KEY,CLIENT_CERTIFICATE}, and for one signal
 *         OTEL_EXPORTER_OTLP_TRACES_ENDPOINT …; the protocol is http/protobuf
 *         or http/json; where grpc was asked for it is the first, with a warning
 *     OTEL_{BSP,BLRP}_{SCHEDULE_DELAY,EXPORT_TIMEOUT,MAX_QUEUE_SIZE,
 *         MAX_EXPORT_BATCH_SIZE}, OTEL_METRIC_EXPORT_{INTERVAL,TIMEOUT}
 *     OTEL_{,SPAN_,LOGRECORD_}ATTRIBUTE_{COUNT,VALUE_LENGTH}_LIMIT,
 *     OTEL_{EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT, OTEL_SPAN_{EVENT,LINK}_COUNT_LIMIT
 *
 * and of our own
 *
 *     OTEL_C_EXPORTER_RETRY_DELAY (1000): milliseconds before the first retry;
 *         it grows by half each time, up to five times that
 *     OTEL_C_EXPORTER_MAX_REQUEST_BYTES (67108864), before compression
 *     OTEL_C_EXPORTER_MAX_RESPONSE_BYTES (4194304) */

typedef struct otk_sdk otk_sdk;

/* Takes one sentence, without a newline. May be called from any thread, never
 * twice with the same sentence. */
typedef void otk_warning_fn(const char *message, void *arg);

typedef struct otk_span otk_span;
struct otk_span_context;

/* Fills an id of `size` bytes, 16 for a trace and 8 for a span. All zero is no
 * id: it is asked again. */
typedef void otk_generate_id_fn(uint8_t *out, size_t size, void *arg);

/* Nanoseconds since the epoch. */
typedef uint64_t otk_clock_fn(void *arg);

/* Sees every span that records, on the thread that starts or ends it. Each
 * member may be NULL, and may be called from several threads at once. */
typedef struct otk_span_processor {
    /* `parent` NULL: a root. The span may be changed. */
    void (*on_start)(otk_span *span, const struct otk_span_context *parent, void *arg);
    void (*on_end)(otk_span *span, void *arg); /* otk_span_read() shows it; before it is queued for export */
    int (*force_flush)(unsigned timeout_ms, void *arg); /* 0, or a code that otk_sdk_force_flush() returns, too */
    int (*shutdown)(unsigned timeout_ms, void *arg);    /* once; nothing else is called after it */
    void *arg;
} otk_span_processor;

/* What a resource is told of without being asked: attributes of the semantic
 * conventions. */
enum {
    OTK_DETECT_SERVICE = 1, /* service.instance.id, drawn at random */
    OTK_DETECT_PROCESS = 2, /* process.pid, .executable.name, .executable.path, .command_args … */
    OTK_DETECT_HOST = 4     /* host.name, host.arch, os.type, os.version */
};

/* What is set here wins over the environment; zero and NULL leave it to the
 * environment, and then to OpenTelemetry's defaults. */
typedef struct otk_sdk_options {
    const char *service_name;
    const char *endpoint;           /* base URL, as OTEL_EXPORTER_OTLP_ENDPOINT: wins over per-signal variables too */
    const char *headers;            /* as OTEL_EXPORTER_OTLP_HEADERS: "key=value,key=value", values percent-encoded */
    const otk_attributes *resource; /* attributes of the resource */
    const char *const *settings;    /* any variable, "OTEL_BSP_SCHEDULE_DELAY=200", NULL at the end */
    bool ignore_environment;        /* look at these options only */
    otk_warning_fn *on_warning;     /* NULL: a line on stderr */
    void *on_warning_arg;
    const struct otk_sampler *sampler; /* copied, not what it points to; NULL: OTEL_TRACES_SAMPLER */
    const otk_span_processor *processors; /* copied; called in this order */
    size_t processor_count;
    bool export_each_span;           /* at once, not in batches: OpenTelemetry's simple processor */
    bool no_flush_at_exit;           /* drop what is queued; to export it takes up to 3 seconds */
    unsigned detectors;              /* OTK_DETECT_…, put together by | */
    otk_generate_id_fn *generate_id; /* NULL: random ones */
    void *generate_id_arg;
    otk_clock_fn *clock; /* of spans, events and log records; NULL: the system's */
    void *clock_arg;
} otk_sdk_options;

#define OTK_SDK_OPTIONS_INIT                                                                                       \
    {NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, 0, false, false, 0, NULL, NULL, NULL, NULL}

/* Starts an SDK; any number may run in one process. `options` may be NULL: the
 * environment decides. What is wrong in the environment is warned about and
 * does not keep it from starting. Returns NULL and fills `error` (may be NULL)
 * with OTK_EINVAL for a setting that has no such name, OTK_ESYSTEM when there
 * is no thread to be had, OTK_ENOMEM. */
OTK_API otk_sdk *otk_sdk_start(const otk_sdk_options *options, otk_error *error);

/* Exports everything that was recorded before this call. Returns 0 when all of
 * it was delivered, OTK_ESYSTEM when some was refused or lost (otk_sdk_stats_get
 * tells), OTK_ETIMEOUT when `timeout_ms` passed first, OTK_ESHUTDOWN after
 * shutdown. */
OTK_API int otk_sdk_force_flush(otk_sdk *sdk, unsigned timeout_ms);

/* Does a last force flush without waiting for retries, and ends the thread.
 * What is recorded later is dropped and counted. Returns as force flush does;
 * when `timeout_ms` passes, what is left is dropped. */
OTK_API int otk_sdk_shutdown(otk_sdk *sdk, unsigned timeout_ms);

/* Shuts down with a timeout of 10 seconds, if that was not done before, and
 * frees everything. */
OTK_API void otk_sdk_stop(otk_sdk *sdk);

/* A program that exits without a word to its SDKs shuts them down by atexit(),
 * in at most 3 seconds. In a forked child an SDK starts clean: what was recorded
 * before is the parent's to export, open spans included. */

/* An SDK for code that is handed none; NULL when none was set, or when it was
 * stopped. It still belongs to who started it. */
OTK_API void otk_sdk_set_global(otk_sdk *sdk);
OTK_API otk_sdk *otk_sdk_global(void);

/* Prints where each signal goes, and every variable with the value that is in
 * force and its origin (code, environment, default). Of secrets it shows only
 * that there are some. */
OTK_API void otk_sdk_print_config(const otk_sdk *sdk, FILE *to);

/* The same for an SDK in a program that has this environment ("NAME=value",
 * NULL at the end), with the warnings that it would give in front. Returns how
 * many these are, or OTK_ENOMEM. */
OTK_API int otk_sdk_print_environment(const char *const *environment, FILE *to);

/* Prints every variable, its default, and what it is for. */
OTK_API void otk_sdk_print_variables(FILE *to);

/* ---- Accounting ------------------------------------------------------ */

typedef enum otk_drop_reason {
    OTK_DROP_QUEUE_FULL = 0, /* recorded faster than exported */
    OTK_DROP_REFUSED,        /* the server's answer says that a retry is of no use */
    OTK_DROP_UNREACHABLE,    /* no answer, or only answers to be retried, until the timeout */
    OTK_DROP_TOO_LARGE,      /* one item alone exceeds the request limit */
    OTK_DROP_NO_MEMORY,
    OTK_DROP_SHUTDOWN        /* recorded after shutdown, or left over at its deadline */
} otk_drop_reason;

#define OTK_DROP_COUNT 6

/* "queue full", "refused" … */
OTK_API const char *otk_drop_reason_name(otk_drop_reason reason);

/* Counts spans, metric data points (each time they are exported) and log
 * records. At every moment
 * accepted = delivered + rejected + all of dropped + queued. */
typedef struct otk_signal_stats {
    uint64_t accepted;                /* ended spans, collected points, emitted records */
    uint64_t delivered;
    uint64_t rejected;                /* taken back by a partial success */
    uint64_t dropped[OTK_DROP_COUNT]; /* by otk_drop_reason */
    uint64_t queued;                  /* waiting, or on their way */
    uint64_t requests;                /* exports that got their final answer, or none */
    uint64_t retries;
    uint64_t invalid;                 /* recordings that could not be: a negative count, no memory */
} otk_signal_stats;

typedef struct otk_sdk_stats {
    otk_signal_stats signals[OTK_SIGNAL_COUNT]; /* by otk_signal */
} otk_sdk_stats;

OTK_API void otk_sdk_stats_get(otk_sdk *sdk, otk_sdk_stats *out);

/* ---- Tracers, meters, loggers ---------------------------------------- */

typedef struct otk_tracer otk_tracer;
typedef struct otk_meter otk_meter;
typedef struct otk_logger otk_logger;

/* What an instrumentation scope has besides its name. */
typedef struct otk_scope_options {
    const char *version;
    const char *schema_url;
    const otk_attributes *attributes;
} otk_scope_options;

#define OTK_SCOPE_OPTIONS_INIT {NULL, NULL, NULL}

/* Each returns the one with this name and these options (may be NULL); asking
 * twice gives the same. NULL when memory ran out, which all calls take. */
OTK_API otk_tracer *otk_sdk_tracer(otk_sdk *sdk, const char *name, const otk_scope_options *options);
OTK_API otk_meter *otk_sdk_meter(otk_sdk *sdk, const char *name, const otk_scope_options *options);
OTK_API otk_logger *otk_sdk_logger(otk_sdk *sdk, const char *name, const otk_scope_options *options);

/* Whether a span of this tracer would be recorded for anybody: false without
 * an exporter or processor, and after shutdown. */
OTK_API bool otk_tracer_enabled(const otk_tracer *tracer);

/* ---- Spans ----------------------------------------------------------- */

/* A span's identity, which other spans, links and log records refer to. */
typedef struct otk_span_context {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t trace_flags;     /* 0x01: sampled */
    bool is_remote;          /* came from another process */
    const char *trace_state; /* the W3C header's value, or NULL */
} otk_span_context;

typedef struct otk_link {
    const otk_span_context *context;
    const otk_attributes *attributes; /* may be NULL */
} otk_link;

typedef struct otk_span_options {
    const otk_span_context *parent; /* NULL: the thread's current span, if there is one */
    bool root;                      /* start a new trace, whatever the parent */
    otk_span_kind kind;
    uint64_t start_time_unix_nano;    /* 0: now */
    const otk_attributes *attributes; /* may be NULL */
    const otk_link *links;
    size_t link_count;
} otk_span_options;

#define OTK_SPAN_OPTIONS_INIT {NULL, false, OTK_SPAN_KIND_INTERNAL, 0, NULL, NULL, 0}

/* Starts a span of kind INTERNAL, now. `parent` NULL makes it a child of the
 * thread's current span, and a root where there is none. NULL, which every call
 * takes, when memory ran out, and of an SDK that is disabled or was shut down,
 * unless there is a parent, whose identity is passed on. */
OTK_API otk_span *otk_span_begin(otk_tracer *tracer, otk_string name, const otk_span *parent);

static inline otk_span *otk_span_start(otk_tracer *tracer, const char *name, const otk_span *parent)
{
    return otk_span_begin(tracer, otk_string_of(name), parent);
}

/* The same with all there is to say; `options` may be NULL. */
OTK_API otk_span *otk_span_start_with(otk_tracer *tracer, const char *name, const otk_span_options *options);

/* Whether what is set on the span gets anywhere: false when it ended, and when
 * traces are not exported. Spans begin with the answer, so that what is set on
 * one that does not record costs no more than a look. */
static inline bool otk_span_is_recording(const otk_span *span)
{
    return span && __atomic_load_n((const bool *)span, __ATOMIC_ACQUIRE);
}

/* Put an attribute; a key that was put before gets the new value. The empty key
 * is refused. Texts need no NUL. */
OTK_API void otk_span_put(otk_span *span, const otk_attribute *attribute);
OTK_API void otk_span_put_string(otk_span *span, otk_string key, otk_string text);
OTK_API void otk_span_put_int(otk_span *span, otk_string key, int64_t number);

/* The same in C's own types. A NULL text gives the empty value. */
static inline void otk_span_set_string(otk_span *span, const char *key, const char *text)
{
    if (otk_span_is_recording(span))
        otk_span_put_string(span, otk_string_of(key), otk_string_of(text));
}

static inline void otk_span_set_int(otk_span *span, const char *key, int64_t number)
{
    if (otk_span_is_recording(span))
        otk_span_put_int(span, otk_string_of(key), number);
}

static inline void otk_span_set_value(otk_span *span, const char *key, otk_value value)
{
    if (otk_span_is_recording(span)) {
        const otk_attribute attribute = otk_attribute_of(key, value);
        otk_span_put(span, &attribute);
    }
}

static inline void otk_span_set_bool(otk_span *span, const char *key, bool truth)
{
    otk_span_set_value(span, key, otk_value_bool(truth));
}

static inline void otk_span_set_double(otk_span *span, const char *key, double number)
{
    otk_span_set_value(span, key, otk_value_double(number));
}

static inline void otk_span_set_bytes(otk_span *span, const char *key, const void *data, size_t size)
{
    otk_span_set_value(span, key, otk_value_bytes(data, size));
}

OTK_API void otk_span_set_attributes(otk_span *span, const otk_attributes *attributes);

/* Something that happened inside the span: now, or at the given time. */
OTK_API void otk_span_add_event(otk_span *span, const char *name, const otk_attributes *attributes);
OTK_API void otk_span_add_event_at(otk_span *span, const char *name, uint64_t time_unix_nano,
                                   const otk_attributes *attributes);

/* An event `exception` with what is known of an error (each may be NULL, but not
 * both type and message); your attributes win. The status stays as it is. */
OTK_API void otk_span_record_error(otk_span *span, const char *type, const char *message, const char *stacktrace,
                                   const otk_attributes *attributes);

/* A reference to a span of this or another trace. */
OTK_API void otk_span_add_link(otk_span *span, const otk_span_context *context, const otk_attributes *attributes);

/* OK is final, ERROR may be followed by either, UNSET changes nothing. The
 * description (may be NULL) goes with ERROR only. */
OTK_API void otk_span_set_status(otk_span *span, otk_status_code code, const char *description);

OTK_API void otk_span_update_name(otk_span *span, const char *name);

/* Ends the span at the given time, 0: now, and hands it to the exporter. Later
 * calls change nothing any more. */
OTK_API void otk_span_end_at(otk_span *span, uint64_t time_unix_nano);

static inline void otk_span_end(otk_span *span)
{
    if (otk_span_is_recording(span))
        otk_span_end_at(span, 0);
}

/* The span's identity, valid until otk_span_free(); it never changes. Of NULL:
 * one that is not valid. */
OTK_API const otk_span_context *otk_span_get_context(const otk_span *span);

/* Whether both ids are there. */
OTK_API bool otk_span_context_is_valid(const otk_span_context *context);

/* The ids as lowercase hex, with a NUL. */
OTK_API void otk_span_context_trace_id(const otk_span_context *context, char out[33]);
OTK_API void otk_span_context_span_id(const otk_span_context *context, char out[17]);

/* Lets go of the span. One that was not ended ends now. */
OTK_API void otk_span_free(otk_span *span);

/* A span that stands for one of elsewhere: it records nothing, and its context
 * is a copy of this one. NULL when memory ran out. */
OTK_API otk_span *otk_span_wrap(const otk_span_context *context);

/* What a processor sees of a span. Texts and bytes are valid until the span is
 * changed or freed. */
typedef struct otk_span_data {
    otk_string name;
    otk_span_kind kind;
    uint64_t start_time_unix_nano, end_time_unix_nano; /* the end is 0 as long as it records */
    uint8_t parent_span_id[8];                         /* zeros for a root */
    otk_status_code status;
    size_t attribute_count, event_count, link_count;
    otk_bytes message; /* OTLP's Span, when it has ended */
} otk_span_data;

/* All zero for a span that does not record, but for processors whose on_end
 * runs. */
OTK_API void otk_span_read(otk_span *span, otk_span_data *out);

/* The value under `key`, and true, if there is one that is neither array nor
 * map. */
OTK_API bool otk_span_get_attribute(otk_span *span, const char *key, otk_value *out);

/* ---- The current span ------------------------------------------------ */

/* Each thread has a current span and a current baggage; spans and log records
 * that are given no parent belong to that span. Work that goes on in another
 * thread attaches the span there, too. */

typedef struct otk_baggage otk_baggage;

/* What was current before; its members are nobody's business. */
typedef struct otk_token {
    otk_span *span;
    const otk_baggage *baggage;
    size_t depth;
} otk_token;

/* Make the span or the baggage current in this thread, until the token is
 * detached. They have to stay that long. */
OTK_API otk_token otk_span_attach(otk_span *span);
OTK_API otk_token otk_baggage_attach(const otk_baggage *baggage);

/* Makes current what was so before. False when something attached later has not
 * been detached, which is done then, too. */
OTK_API bool otk_detach(otk_token token);

/* NULL when there is none. */
OTK_API otk_span *otk_span_current(void);
OTK_API const otk_baggage *otk_baggage_current(void);

/* A span that is current until it ends. */
typedef struct otk_scoped_span {
    otk_span *span;
    otk_token token;
} otk_scoped_span;

OTK_API otk_scoped_span otk_scoped_span_start(otk_tracer *tracer, const char *name);
OTK_API void otk_scoped_span_end(otk_scoped_span *scoped);

/* The same to the end of the block, whichever way it is left (GCC, Clang):
 *
 *     OTK_SCOPED_SPAN(span, tracer, "checkout");
 *     otk_span_set_int(span, "items", 3); */
#if defined(__GNUC__)
#define OTK_SCOPED_SPAN(name_of_span, tracer, name)                             \
    __attribute__((cleanup(otk_scoped_span_end))) otk_scoped_span name_of_span##_scope = \
        otk_scoped_span_start(tracer, name);                                    \
    otk_span *name_of_span = name_of_span##_scope.span
#endif

/* ---- Messages -------------------------------------------------------- */

/* Spans that read as sentences, in the manner of Logfire: the template names the
 * span, "{key}" in it stands for an attribute's value, "{key=}" for both, and
 * "{{" for a brace. What comes out is the attribute logfire.msg; maps and arrays
 * among the attributes are sent as JSON. The level is a severity number (trace 1, debug 5,
 * info 9, notice 10, warn 13, error 17, fatal 21); from 17 on the span's status
 * is ERROR. */

/* A span without a duration, child of the current one. */
OTK_API void otk_message(otk_tracer *tracer, int level, const char *message_template, const otk_attributes *attributes);

/* A span to be ended; a `level` of 0 is none. */
OTK_API otk_span *otk_message_span(otk_tracer *tracer, int level, const char *message_template,
                                   const otk_attributes *attributes);

/* ---- Metrics --------------------------------------------------------- */

typedef struct otk_counter otk_counter;

/* A sum that only grows, exported as cumulative. Asking twice gives the same
 * one. `unit` and `description` may be NULL. */
OTK_API otk_counter *otk_meter_counter(otk_meter *meter, const char *name, const char *unit, const char *description);

/* Adds to the sum of these attributes (may be NULL). A negative value is
 * refused, warned about, and counted as invalid. */
OTK_API void otk_counter_add(otk_counter *counter, int64_t value, const otk_attributes *attributes);

/* ---- Log records ----------------------------------------------------- */

typedef struct otk_log_record {
    uint64_t time_unix_nano;          /* 0: unknown */
    uint64_t observed_time_unix_nano; /* 0: now */
    int severity_number;              /* enum otk_severity_number, or a level between */
    const char *severity_text;
    otk_value body;
    const otk_attributes *attributes;
    const char *event_name;
    const otk_span_context *context; /* the span this belongs to; NULL: none */
} otk_log_record;

#define OTK_LOG_RECORD_INIT \
    {0, 0, OTK_SEVERITY_NUMBER_UNSPECIFIED, NULL, {OTK_VALUE_EMPTY, {{NULL, 0}}}, NULL, NULL, NULL}

OTK_API void otk_logger_emit(otk_logger *logger, const otk_log_record *record);

/* A text at a severity, now; `span` is the one it belongs to, NULL the thread's
 * current one. */
OTK_API void otk_logger_log(otk_logger *logger, int severity_number, const char *text, const otk_span *span);

/* ---- Sampling -------------------------------------------------------- */

/* Who decides which spans are recorded and exported: what OTEL_TRACES_SAMPLER
 * names, or what otk_sdk_options gives. */

typedef enum otk_sampling_decision {
    OTK_SAMPLING_DROP = 0,
    OTK_SAMPLING_RECORD_ONLY, /* not exported, and not marked as sampled */
    OTK_SAMPLING_RECORD_AND_SAMPLE
} otk_sampling_decision;

/* What is known of a span before it starts. */
typedef struct otk_sampling_input {
    const otk_span_context *parent; /* NULL: a root */
    const uint8_t *trace_id;        /* 16 bytes */
    otk_string name;                /* without a NUL */
    otk_span_kind kind;
    const otk_attributes *attributes; /* may be NULL */
    const otk_link *links;
    size_t link_count;
} otk_sampling_input;

typedef struct otk_sampling_result {
    otk_sampling_decision decision;
    const otk_attributes *attributes; /* added to the span's; NULL: none */
    const char *trace_state;          /* the span's; without a change the parent's */
} otk_sampling_result;

typedef struct otk_sampler otk_sampler;

/* May be called from several threads at once. What the result points to must
 * stay until the span has started. */
typedef otk_sampling_result otk_sample_fn(const otk_sampler *self, const otk_sampling_input *input);

/* A sampler is a value that does not change while it is used. One of your own
 * sets `sample`, `description`, and `arg` as it likes. */
struct otk_sampler {
    otk_sample_fn *sample;
    const char *description;
    void *arg;
    double ratio;            /* of all traces, 0 to 1 */
    const otk_sampler *root; /* who decides on roots; NULL: the ratio */
    const otk_sampler *remote_sampled, *remote_not_sampled, *local_sampled, *local_not_sampled; /* by the parent */
};

OTK_API const otk_sampler *otk_sampler_always_on(void);
OTK_API const otk_sampler *otk_sampler_always_off(void);

/* Takes this part of all traces, told from the trace id alone: all processes
 * that use it agree, and a higher ratio takes all that a lower one does. */
OTK_API otk_sampler otk_sampler_ratio(double ratio);

/* Does as the parent did, and asks `root` where there is none. The four members
 * for the kinds of parent may be replaced. */
OTK_API otk_sampler otk_sampler_parent_based(const otk_sampler *root);

/* "AlwaysOnSampler", "TraceIdRatioBased{0.250000}" … into `out`, cut to `size`. */
OTK_API void otk_sampler_describe(const otk_sampler *sampler, char *out, size_t size);

/* ---- Baggage --------------------------------------------------------- */

/* Names and values that travel with a trace. A baggage never changes; NULL is
 * the empty one. It works without an SDK. */
typedef struct otk_baggage_entry {
    const char *name;
    const char *value;    /* UTF-8 */
    const char *metadata; /* what follows a ';' in the header, as it is; "" when nothing does */
} otk_baggage_entry;

/* Return a new baggage, in which `name` has this value, or is missing; free it.
 * `metadata` may be NULL. Names are HTTP tokens, and differ by case; metadata
 * is printable ASCII without a comma: with anything else the new baggage is
 * like the old one. NULL when memory ran out, or when nothing is left. */
OTK_API otk_baggage *otk_baggage_set(const otk_baggage *baggage, const char *name, const char *value,
                                     const char *metadata);
OTK_API otk_baggage *otk_baggage_remove(const otk_baggage *baggage, const char *name);

/* The value under `name`, or NULL. */
OTK_API const char *otk_baggage_get(const otk_baggage *baggage, const char *name);

/* All of it, in the order in which the names came. */
OTK_API const otk_baggage_entry *otk_baggage_entries(const otk_baggage *baggage, size_t *count);

OTK_API void otk_baggage_free(otk_baggage *baggage);

/* ---- Trace state ----------------------------------------------------- */

/* What vendors add to a trace, in the form of the W3C header `tracestate`, as
 * in otk_span_context: "key=value,key=value", the latest change in front. */

/* The value under `key`; its data is NULL when there is none. */
OTK_API otk_string otk_trace_state_get(const char *trace_state, const char *key);

/* Return a new trace state, in which `key` has this value and stands in front
 * (a 33rd pushes out the last), or is missing; free() it. A key or value that
 * W3C does not allow changes nothing; a `trace_state` that cannot be read (or
 * NULL) counts as empty. NULL when memory ran out. */
OTK_API char *otk_trace_state_set(const char *trace_state, const char *key, const char *value);
OTK_API char *otk_trace_state_remove(const char *trace_state, const char *key);

/* ---- Propagation ----------------------------------------------------- */

/* How a trace goes on in another process: by the headers that OTEL_PROPAGATORS
 * names, which are those of W3C trace context and baggage when it is not set.
 * A server:
 *
 *     otk_context *context = otk_extract(sdk, get_header, request);
 *     otk_span_options options = OTK_SPAN_OPTIONS_INIT;
 *     options.parent = otk_context_span(context);
 *     otk_span *span = otk_span_start_with(tracer, "GET /cart", &options);
 *
 * and a client, or that server's own requests:
 *
 *     otk_inject(sdk, otk_span_get_context(span), otk_context_baggage(context), set_header, request); */

/* Gives the `index`th value, from 0, that the carrier (a request) has under
 * `name`, without regard to case; NULL behind the last. */
typedef const char *otk_get_header_fn(void *carrier, const char *name, size_t index);

/* Sets the carrier's value under `name`; copies what it keeps. */
typedef void otk_set_header_fn(void *carrier, const char *name, const char *value);

/* What came from another process. It never changes. */
typedef struct otk_context otk_context;

/* Reads the carrier's headers; what is malformed there counts as missing. Free
 * it when no span is started with it any more. NULL when memory ran out. */
OTK_API otk_context *otk_extract(const otk_sdk *sdk, otk_get_header_fn *get, void *carrier);

/* The remote span, to be a parent or linked; one that is not valid when none
 * came. */
OTK_API const otk_span_context *otk_context_span(const otk_context *context);

/* NULL when none came. */
OTK_API const otk_baggage *otk_context_baggage(const otk_context *context);

OTK_API void otk_context_free(otk_context *context);

/* Sets the headers that tell another process of the span and the baggage;
 * either may be NULL. Of a baggage at most 64 entries and 8192 bytes go out. */
OTK_API void otk_inject(const otk_sdk *sdk, const otk_span_context *span, const otk_baggage *baggage,
                        otk_set_header_fn *set, void *carrier);

/* The names of the headers that inject may set, NULL at the end. */
OTK_API const char *const *otk_propagation_fields(const otk_sdk *sdk);

/* The same by the environment: TRACEPARENT, TRACESTATE, BAGGAGE. The first
 * reads this process's; the second returns a copy of it for a child, to be
 * given to posix_spawn() or execve(), in which these are what the arguments
 * say. One free() frees that; it points into this process's environment, so
 * use it before that is changed. NULL when memory ran out. */
OTK_API otk_context *otk_extract_environment(const otk_sdk *sdk);
OTK_API char **otk_inject_environment(const otk_sdk *sdk, const otk_span_context *span, const otk_baggage *baggage);

#ifdef __cplusplus
}
#endif

#endif
