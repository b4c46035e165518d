/* otlpkit/receiver.h - an OTLP receiver inside your test
 *
 * A receiver listens on a port of its own, takes what programs export as OTLP
 * over HTTP (protobuf or JSON, compressed or plain), keeps every request as it
 * came, and shows its spans, metrics and log records as C structs or OTLP/JSON.
 *
 *     #include <otlpkit/receiver.h>
 *
 *     int main(void)
 *     {
 *         otk_error error;
 *         otk_receiver *rx = otk_receiver_start(NULL, &error);
 *         if (!rx)
 *             return fprintf(stderr, "%s\n", error.message), 1;
 *         run_program_under_test(otk_receiver_url(rx));
 *         if (otk_receiver_wait_spans(rx, 1, 5000) == 0)
 *             puts(otk_receiver_span(rx, 0)->name);
 *         otk_receiver_stop(rx);
 *     }
 *
 * Lifetime: what a call hands out (captures, captured spans, strings in them)
 * belongs to the receiver and is valid until the next otk_receiver_reset() or
 * otk_receiver_stop(). With `drop_oldest` it is valid only inside on_capture.
 *
 * Threads: every call may be made from any thread at any time, except that
 * reset and stop must not run while another thread still looks at something
 * that was handed out, and nothing may run after stop.
 *
 * Errors: calls return 0 or a negative code (enum otk_code); those that may
 * fail for reasons a person must read fill an otk_error as well.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLPKIT_RECEIVER_H
#define OTLPKIT_RECEIVER_H

#include <otlpkit/otlp.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, such as "0.1.0". */
OTK_API const char *otk_receiver_version(void);

/* ---- Requests as they came ------------------------------------------- */

typedef struct otk_header {
    const char *name; /* as spelled by the client */
    const char *value;
} otk_header;

typedef struct otk_headers {
    const otk_header *items; /* in the order of the request */
    size_t count;
} otk_headers;

/* The first value under `name`, without regard to case; or NULL. */
OTK_API const char *otk_headers_get(const otk_headers *headers, const char *name);

typedef enum otk_encoding {
    OTK_ENCODING_UNKNOWN = 0, /* refused before it mattered */
    OTK_ENCODING_PROTOBUF,
    OTK_ENCODING_JSON
} otk_encoding;

/* One request and the answer it got. Refused ones are kept as well: `status`
 * tells, `reason` says why. Strings are never NULL. */
typedef struct otk_capture {
    uint64_t number; /* 1 for the first request since start, then 2 … */

    const char *method;       /* POST */
    const char *target;       /* /v1/traces, as sent, with its query */
    const char *session;      /* that it was sent to; "" for none, see otk_receiver_session() */
    const char *http_version; /* HTTP/1.1 */
    otk_headers headers;
    const char *peer;            /* 127.0.0.1:51234 */
    uint64_t time_unix_nano;     /* when its last byte had arrived */
    otk_bytes body;              /* as on the wire, chunks joined; cut at the limit when refused for its size */
    uint64_t body_size;          /* how many bytes of body arrived, kept or not */

    bool has_signal;         /* false: refused before its path was understood */
    otk_signal signal;
    otk_encoding encoding;
    size_t inflated_size;    /* of the body without its Content-Encoding; 0 when it could not be inflated */
    otk_bytes message;       /* the Export…ServiceRequest as protobuf bytes, empty when refused. JSON arrives here
                              * converted, and records that protobuf says to merge are merged */
    size_t span_count;
    size_t metric_count;
    size_t data_point_count;
    size_t log_record_count;
    size_t unknown_field_count; /* fields (in JSON: keys) that OTLP 1.11.0 does not know */
    size_t rejected_count;   /* spans, data points or log records that the answer rejected; see `strict` */
    uint64_t repeat_of;      /* the number of the last request before it with the same bytes, or 0 */
    const char *notes;       /* what was odd but taken, a sentence each, joined by "; "; "" when nothing */

    unsigned status;         /* of the answer: 200, 400 …; 0 when the client left before there was one */
    otk_headers answer_headers;
    otk_bytes answer;        /* its body */
    const char *reason;      /* why it was refused; "" when accepted */
    const char *fault;       /* the step of the fault script that it met, as written; "" for none */
    bool unfinished;         /* the client, a limit or a fault cut it off before its end */
} otk_capture;

/* ---- Start and stop -------------------------------------------------- */

typedef struct otk_receiver otk_receiver;

/* Called for every request, accepted or refused, on the receiver's thread:
 * after it is stored and visible, before its answer leaves. */
typedef void otk_capture_fn(const otk_capture *capture, void *arg);

/* Called with a sentence about what no request tells: that a client spoke gRPC,
 * or TLS, and what to do about it. On the receiver's thread, once for each. */
typedef void otk_notice_fn(const char *sentence, void *arg);

/* A path that takes telemetry. */
typedef struct otk_path {
    const char *path;
    otk_signal signal;
} otk_path;

/* Strings are copied. */
typedef struct otk_receiver_options {
    const char *host;          /* an address or name to listen on; NULL: 127.0.0.1, and ::1 where there is one */
    uint16_t port;             /* 0: the kernel picks a free one */
    size_t max_request_bytes;  /* of one body, both as sent and inflated; more gets 413 */
    size_t max_capture_bytes;  /* of all captures together; beyond it new requests get 503, or see drop_oldest */
    bool drop_oldest;          /* make room by forgetting the oldest captures (they are counted) */
    unsigned max_connections;  /* at once; three quarters of them may be held by questions that wait */
    unsigned timeout_ms;       /* for a request to arrive whole, and for an idle connection */
    otk_capture_fn *on_capture;
    void *on_capture_arg;
    size_t max_response_bytes; /* of one answer's body; longer messages in it are cut */
    bool strict;               /* answer as a strict backend: items that OTLP calls invalid are rejected in a partial
                                * success, and what is odd gets a warning. Captures keep and count them all the same */
    const char *authorization; /* what requests must have as their Authorization header, else they get 401; NULL: any */
    const char *cors_origins;  /* the web pages whose scripts may send, comma-separated, "*" stands for anything in
                                * them: http://localhost:*,https://app.example; NULL: browsers are not let in */
    const otk_path *paths;     /* that take telemetry besides /v1/traces, /v1/metrics and /v1/logs */
    size_t path_count;
    unsigned max_sessions;     /* at once; see otk_receiver_session() */
    size_t max_session_bytes;  /* of the captures of one; those of all stay within max_capture_bytes as well */
    const char *allowed_hosts; /* further names, comma-separated, that the pages under /otlpkit/ may be asked for by: what
                                * a request has as its Host. NULL: this machine's own only, which keeps web pages out
                                * that have a name of theirs resolve to it */
    otk_notice_fn *on_notice;
    void *on_notice_arg;
} otk_receiver_options;

#define OTK_RECEIVER_OPTIONS_INIT \
    {NULL, 0, (size_t)64 << 20, (size_t)1 << 30, false, 2000, 60000, NULL, NULL, \
     (size_t)4 << 20, false, NULL, NULL, NULL, 0, 1000, (size_t)64 << 20, NULL, NULL, NULL}

/* Starts a receiver; it accepts connections when this returns. `options` may
 * be NULL for the defaults. Returns NULL and fills `error` (may be NULL) when
 * that cannot be: OTK_ESYSTEM for a port that is taken, OTK_EINVAL for a host
 * that is none, OTK_ENOMEM. Any number may run in one process. */
OTK_API otk_receiver *otk_receiver_start(const otk_receiver_options *options, otk_error *error);

/* Closes the port, answers what has arrived whole, and frees everything. NULL
 * does nothing. */
OTK_API void otk_receiver_stop(otk_receiver *rx);

/* The first half of that: closes the port, answers what has arrived whole, and
 * keeps what came. Nothing more can come then, so that no wait, now or later,
 * takes time: each is judged as if all its time had passed in silence. */
OTK_API void otk_receiver_close(otk_receiver *rx);

/* http://127.0.0.1:PORT, without a slash at the end: what
 * OTEL_EXPORTER_OTLP_ENDPOINT takes. */
OTK_API const char *otk_receiver_url(const otk_receiver *rx);

OTK_API uint16_t otk_receiver_port(const otk_receiver *rx);

/* ---- Sessions -------------------------------------------------------- */

/* A session is a receiver inside a receiver, one for each test that runs beside
 * others: every call takes it as it takes a receiver, and sees only what was
 * sent to the session's own URL, http://127.0.0.1:PORT/s/NAME, or with the
 * header X-Otlpkit-Session: NAME. The receiver itself sees what names none.
 *
 * This is the session of that name, 1 to 64 of A-Z a-z 0-9 . _ -, made by first
 * use, by this call or by a request. Asked for again it is the same, until
 * otk_receiver_stop() ends it and forgets it; stopping the receiver does so to
 * all that are left. When it is deleted over HTTP, a handle that somebody has
 * shows what came before, as after otk_receiver_close(). NULL and `error`:
 * OTK_EINVAL for such a name, OTK_ELIMIT beyond max_sessions, OTK_ENOMEM. */
OTK_API otk_receiver *otk_receiver_session(otk_receiver *rx, const char *name, otk_error *error);

/* ---- What came ------------------------------------------------------- */

/* Counts since start or the last reset. What is in here was stored before its
 * client got an answer. */
typedef struct otk_receiver_counts {
    uint64_t requests; /* accepted and refused */
    uint64_t refused;  /* answered with 4xx or 5xx, or cut off by the client */
    uint64_t spans;
    uint64_t metrics;
    uint64_t data_points;
    uint64_t log_records;
    uint64_t body_bytes;       /* as on the wire */
    uint64_t inflated_bytes;
    uint64_t unknown_fields;
    uint64_t dropped_captures; /* forgotten to make room, or refused ones beyond what is kept of those */
    uint64_t dropped_bytes;    /* what they held */
    uint64_t rejected;         /* items that answers rejected: spans, data points and log records */
    uint64_t repeated_requests; /* with the same bytes as one before that was still held */
    uint64_t unreadable_connections; /* that brought bytes, but no HTTP/1.1 request whose head could be read */
    uint64_t grpc_connections;       /* of these: they spoke HTTP/2, as gRPC does */
    uint64_t tls_connections;        /* of these */
} otk_receiver_counts;

OTK_API void otk_receiver_counts_get(otk_receiver *rx, otk_receiver_counts *out);

/* How many of the spans that are held came before with the same trace_id and span_id: a client that had no answer sends
 * again. Spans without ids do not count. Looks at all of them. Returns 0 or OTK_ENOMEM. */
OTK_API int otk_receiver_repeated_spans(otk_receiver *rx, uint64_t *out);

/* Forgets all captures and starts counting at zero. Keeps listening. */
OTK_API void otk_receiver_reset(otk_receiver *rx);

/* The request at position `i`, in order of arrival, refused ones included; or
 * NULL beyond the last. */
OTK_API const otk_capture *otk_receiver_request(otk_receiver *rx, size_t i);

/* ---- Spans, metrics, log records ------------------------------------- */

/* Fields carry OTLP's names. A field that was not on the wire has its has_…
 * false and is zero, "" or empty; ids are empty then. Strings end with a NUL
 * that is not in their size: use `.data` where a C string is wanted. */

typedef struct otk_captured_resource {
    otk_attributes attributes;
    uint32_t dropped_attributes_count;
    bool has_dropped_attributes_count;
    bool present;             /* false: the envelope had no resource at all */
    otk_string schema_url;    /* of the envelope */
    const char *service_name; /* of the attribute service.name when that is a string, else "" */
} otk_captured_resource;

typedef struct otk_captured_scope {
    otk_string name;
    otk_string version;
    otk_attributes attributes;
    uint32_t dropped_attributes_count;
    bool has_name, has_version, has_dropped_attributes_count;
    bool present;             /* false: the envelope had no scope at all */
    otk_string schema_url;    /* of the envelope */
} otk_captured_scope;

typedef struct otk_captured_event {
    uint64_t time_unix_nano;
    const char *name;
    otk_attributes attributes;
    uint32_t dropped_attributes_count;
    bool has_time_unix_nano, has_name, has_dropped_attributes_count;
} otk_captured_event;

typedef struct otk_captured_link {
    otk_bytes trace_id;
    otk_bytes span_id;
    const char *trace_state;
    otk_attributes attributes;
    uint32_t dropped_attributes_count;
    uint32_t flags;
    bool has_trace_state, has_dropped_attributes_count, has_flags;
} otk_captured_link;

typedef struct otk_captured_span {
    const otk_capture *capture;
    const otk_captured_resource *resource;
    const otk_captured_scope *scope;
    otk_bytes trace_id;       /* 16 bytes, or 0 when absent */
    otk_bytes span_id;        /* 8 bytes, or 0 */
    otk_bytes parent_span_id; /* 8 bytes, or 0 for a root */
    const char *trace_state;
    const char *name;
    int32_t kind; /* enum otk_span_kind, or a number of the future */
    uint64_t start_time_unix_nano;
    uint64_t end_time_unix_nano;
    otk_attributes attributes;
    const otk_captured_event *events;
    size_t event_count;
    const otk_captured_link *links;
    size_t link_count;
    int32_t status_code; /* enum otk_status_code; absent means UNSET */
    const char *status_message;
    uint32_t flags; /* as sent; mask with OTK_SPAN_FLAGS_…, or ask otk_flags_remote() */
    uint32_t dropped_attributes_count, dropped_events_count, dropped_links_count;
    bool has_trace_state, has_name, has_kind, has_start_time_unix_nano, has_end_time_unix_nano;
    bool has_status, has_status_code, has_status_message, has_flags;
    bool has_dropped_attributes_count, has_dropped_events_count, has_dropped_links_count;
} otk_captured_span;

/* The member of Metric.data that was set. */
typedef enum otk_metric_type {
    OTK_METRIC_TYPE_NONE = 0,
    OTK_METRIC_TYPE_GAUGE,
    OTK_METRIC_TYPE_SUM,
    OTK_METRIC_TYPE_HISTOGRAM,
    OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM,
    OTK_METRIC_TYPE_SUMMARY
} otk_metric_type;

typedef struct otk_captured_exemplar {
    uint64_t time_unix_nano;
    otk_value value; /* OTK_VALUE_INT (as_int), OTK_VALUE_DOUBLE (as_double) or OTK_VALUE_EMPTY */
    otk_bytes trace_id;
    otk_bytes span_id;
    otk_attributes filtered_attributes;
    bool has_time_unix_nano;
} otk_captured_exemplar;

typedef struct otk_captured_buckets {
    int32_t offset;
    const uint64_t *bucket_counts;
    size_t bucket_count_size;
    bool present, has_offset;
} otk_captured_buckets;

typedef struct otk_captured_quantile {
    double quantile;
    double value;
    bool has_quantile, has_value;
} otk_captured_quantile;

/* A data point of any metric type: each type fills the members it has. */
typedef struct otk_captured_point {
    otk_attributes attributes;
    uint64_t start_time_unix_nano;
    uint64_t time_unix_nano;
    otk_value value; /* gauge and sum: OTK_VALUE_INT, OTK_VALUE_DOUBLE or OTK_VALUE_EMPTY */
    uint64_t count;  /* histograms and summary */
    double sum, min, max;
    const uint64_t *bucket_counts; /* histogram */
    size_t bucket_count_size;
    const double *explicit_bounds;
    size_t explicit_bound_size;
    int32_t scale; /* exponential histogram */
    uint64_t zero_count;
    double zero_threshold;
    otk_captured_buckets positive, negative;
    const otk_captured_quantile *quantile_values; /* summary */
    size_t quantile_value_count;
    const otk_captured_exemplar *exemplars;
    size_t exemplar_count;
    uint32_t flags;
    bool has_start_time_unix_nano, has_time_unix_nano, has_count, has_sum, has_min, has_max;
    bool has_scale, has_zero_count, has_zero_threshold, has_flags;
} otk_captured_point;

typedef struct otk_captured_metric {
    const otk_capture *capture;
    const otk_captured_resource *resource;
    const otk_captured_scope *scope;
    const char *name;
    const char *description;
    const char *unit;
    otk_metric_type type;
    int32_t aggregation_temporality; /* enum otk_aggregation_temporality */
    bool is_monotonic;
    const otk_captured_point *points;
    size_t point_count;
    otk_attributes metadata;
    bool has_name, has_description, has_unit, has_aggregation_temporality, has_is_monotonic;
} otk_captured_metric;

typedef struct otk_captured_log {
    const otk_capture *capture;
    const otk_captured_resource *resource;
    const otk_captured_scope *scope;
    uint64_t time_unix_nano;
    uint64_t observed_time_unix_nano;
    int32_t severity_number; /* enum otk_severity_number and the levels between */
    const char *severity_text;
    otk_value body;
    otk_attributes attributes;
    uint32_t dropped_attributes_count;
    uint32_t flags;
    otk_bytes trace_id; /* 16 bytes; any other length is kept as it came and means no trace */
    otk_bytes span_id;  /* 8 bytes; likewise */
    const char *event_name;
    bool has_time_unix_nano, has_observed_time_unix_nano, has_severity_number, has_severity_text, has_body;
    bool has_dropped_attributes_count, has_flags, has_event_name;
} otk_captured_log;

/* The item at position `i` over all captures, in order of arrival; or NULL
 * beyond the last, and when memory ran out. */
OTK_API const otk_captured_span *otk_receiver_span(otk_receiver *rx, size_t i);
OTK_API const otk_captured_metric *otk_receiver_metric(otk_receiver *rx, size_t i);
OTK_API const otk_captured_log *otk_receiver_log(otk_receiver *rx, size_t i);

/* The items of one capture. */
OTK_API const otk_captured_span *otk_capture_span(const otk_capture *capture, size_t i);
OTK_API const otk_captured_metric *otk_capture_metric(const otk_capture *capture, size_t i);
OTK_API const otk_captured_log *otk_capture_log(const otk_capture *capture, size_t i);

/* ---- Selectors ------------------------------------------------------- */

/* A selector says which spans, metric points or log records are meant:
 * "{ name = \"charge\" && span.http.status_code >= 500 }". It is TraceQL where
 * that has a word for it; docs/selector.md tells all of it. */

/* How many items it selects of what came since start or the last reset.
 * Returns -1 and fills `error` (may be NULL) when the selector is wrong
 * (OTK_EINVAL) or memory ran out. */
OTK_API int64_t otk_receiver_count(otk_receiver *rx, const char *selector, otk_error *error);

/* Like otk_receiver_write_json(), with the selected items only: the requests
 * that they came in, without what was not selected. Of a metric all points are
 * written when one is selected. OTK_EINVAL fills `error` (may be NULL). */
OTK_API int otk_receiver_write_json_where(otk_receiver *rx, const char *selector, FILE *to, otk_error *error);

/* NULL when the selector is right, or when memory ran out. Else what is wrong
 * with it: a sentence, the selector, and a caret below the place; free() it. */
OTK_API char *otk_selector_explain(const char *selector);

/* ---- Waiting --------------------------------------------------------- */

/* Each blocks until at least `count` have arrived since start or the last
 * reset, and returns 0 the moment they have; or OTK_ETIMEOUT when `timeout_ms`
 * passed first. No polling is done. */
OTK_API int otk_receiver_wait_spans(otk_receiver *rx, uint64_t count, unsigned timeout_ms);
OTK_API int otk_receiver_wait_metrics(otk_receiver *rx, uint64_t count, unsigned timeout_ms);
OTK_API int otk_receiver_wait_logs(otk_receiver *rx, uint64_t count, unsigned timeout_ms);
OTK_API int otk_receiver_wait_requests(otk_receiver *rx, uint64_t count, unsigned timeout_ms);

/* ---- Waiting and asserting ------------------------------------------- */

/* A request as a test describes it: what is left 0 or NULL is not looked at. */
typedef struct otk_request_match {
    const char *path;             /* /v1/traces, without a query */
    const char *header;           /* it is there … */
    const char *value;            /* … with this value */
    const char *content_encoding; /* gzip, zstd …; "identity": not compressed */
    otk_encoding encoding;
    unsigned status;              /* of the answer; 0 means 200 */
} otk_request_match;

#define OTK_STATUS_ANY 1u /* for `status`: accepted, refused or cut off */

/* What of metric points is compared. Sums and histograms count since start or
 * the last reset, whatever their temporality: deltas are added up, and from a
 * cumulative one is taken what it had reached at the reset. */
typedef enum otk_measure {
    OTK_MEASURE_SUM = 1,         /* the value of a sum, over all series that match */
    OTK_MEASURE_GAUGE,           /* the newest value of a gauge */
    OTK_MEASURE_HISTOGRAM_COUNT, /* these four: explicit and exponential histograms alike */
    OTK_MEASURE_HISTOGRAM_SUM,
    OTK_MEASURE_HISTOGRAM_BUCKET,  /* how many fell into the bucket that `argument` falls into */
    OTK_MEASURE_HISTOGRAM_QUANTILE /* `argument` 0.99: where in its bucket that quantile lies, interpolated */
} otk_measure;

typedef enum otk_condition_kind {
    OTK_CONDITION_MATCHES = 1,
    OTK_CONDITION_TRACE,
    OTK_CONDITION_REQUESTS,
    OTK_CONDITION_MEASURE,
    OTK_CONDITION_ALL,
    OTK_CONDITION_ANY,
    OTK_CONDITION_ATTEMPTS
} otk_condition_kind;

/* What of attempts is counted. */
typedef enum otk_tally {
    OTK_TALLY_RETRIES = 0, /* of the payload that has most of them */
    OTK_TALLY_WRONG,       /* attempts that should not have been made, or not yet */
    OTK_TALLY_LOST,        /* payloads that were not accepted */
    OTK_TALLY_NOT_ONCE     /* payloads that were not accepted, or more than once */
} otk_tally;

/* A condition says what must be true of all that came since start or the last
 * reset. It is a plain value, made by one of the calls below; programs that make
 * one from data fill in its members. The strings and lists in it are borrowed
 * while a wait runs. Selectors are told in docs/selector.md. */
typedef struct otk_condition {
    otk_condition_kind kind;
    const char *selector;
    otk_request_match request;
    bool truth; /* MATCHES: the selector as a whole holds; otherwise its matches are counted */
    uint64_t at_least, at_most;
    bool only_new;      /* REQUESTS: those that come after the wait began */
    unsigned quiet_ms;  /* it holds, and nothing that it looks at came for so long */
    unsigned within_ms; /* it must hold by then after the wait began; 0: the wait's timeout is enough */
    otk_measure measure;
    double argument, low, high;
    otk_tally tally; /* ATTEMPTS: lies within at_least and at_most */
    const struct otk_condition *conditions;
    size_t condition_count;
    const char *file; /* where it is written, for reports: "shop.expect"; NULL: nowhere */
    unsigned line;
} otk_condition;

/* The selector matches: at least one span, metric point or log record, or the
 * truth of its pipeline as in "{ status = error } | count() = 0". */
OTK_API otk_condition otk_seen(const char *selector);

/* It matches at least and at most so many times: 3, 3 is exactly three, and
 * UINT64_MAX is no upper bound. True as soon as it is so, whatever may follow;
 * with `quiet_ms` set in the condition only when nothing did for so long. */
OTK_API otk_condition otk_seen_times(const char *selector, uint64_t at_least, uint64_t at_most);

/* It matches nothing so far, and nothing in the coming `quiet_ms`. With NULL
 * for `selector` no request at all comes in that time. */
OTK_API otk_condition otk_none(const char *selector, unsigned quiet_ms);

/* Every trace that has a match is complete (and there is one): its root has
 * ended, every parent is there or declared remote, it has `span_count` spans
 * (0: any number), and none came for `quiet_ms`. NULL: every trace that came. */
OTK_API otk_condition otk_trace_complete(const char *selector, uint64_t span_count, unsigned quiet_ms);

/* At least and at most so many requests came that match. */
OTK_API otk_condition otk_requests(const otk_request_match *match, uint64_t at_least, uint64_t at_most);

/* The measure of what the selector matches lies within low and high, both
 * included. */
OTK_API otk_condition otk_measured(const char *selector, otk_measure measure, double argument, double low, double high);

/* How clients took failures, see "Attempts" below: what was sent again most
 * often was so at least and at most so many times. */
OTK_API otk_condition otk_retried(uint64_t at_least, uint64_t at_most);

/* Nothing was sent again after a final answer, nor before the Retry-After. */
OTK_API otk_condition otk_retried_rightly(void);

/* Something was sent, and every payload was accepted; `once`: none of them
 * twice. */
OTK_API otk_condition otk_delivered(bool once);

/* All, or any, of several conditions hold at the same time. */
OTK_API otk_condition otk_all_of(const otk_condition *conditions, size_t count);
OTK_API otk_condition otk_any_of(const otk_condition *conditions, size_t count);

/* A match of a selector: one span, one log record, or one point and its metric. */
typedef struct otk_found {
    otk_signal signal;
    const otk_captured_span *span;
    const otk_captured_metric *metric;
    const otk_captured_point *point;
    const otk_captured_log *log;
} otk_found;

/* The match at position `i`, in order of arrival. Returns 0; or fills `error`
 * (may be NULL): OTK_EDATA beyond the last, OTK_EINVAL for a wrong selector,
 * OTK_ENOMEM, OTK_ELIMIT. */
OTK_API int otk_receiver_find(otk_receiver *rx, const char *selector, uint64_t i, otk_found *out, otk_error *error);

/* The request at position `i` among those that match, or NULL beyond the last. */
OTK_API const otk_capture *otk_receiver_find_request(otk_receiver *rx, const otk_request_match *match, uint64_t i);

/* What was met, what is missing, what came that nothing asked for, and what
 * was refused on the way in. otk_report_free() it. */
typedef struct otk_report otk_report;

/* Blocks until the condition holds and returns 0 at that moment, woken by the
 * request that fulfils it before that is answered; or OTK_ETIMEOUT when
 * `timeout_ms` passed first or nothing that comes could make it true any more.
 * OTK_EINVAL: a condition or selector that cannot be; OTK_ENOMEM. Whatever it
 * returns, `*report` (`report` may be NULL) tells about it; it is NULL when not
 * even that found memory. */
OTK_API int otk_receiver_wait(otk_receiver *rx, const otk_condition *condition, unsigned timeout_ms,
                              otk_report **report);

/* The same for tests: NULL when the condition held, else the report. */
OTK_API otk_report *otk_expect(otk_receiver *rx, otk_condition condition, unsigned timeout_ms);

/* NULL when no request was refused, no item rejected, nothing dropped and no
 * connection unreadable since start or the last reset, else the report on that. */
OTK_API otk_report *otk_expect_nothing_lost(otk_receiver *rx);

/* Lines of expectations, each a condition: `never { status = error }`. They come
 * from files, command lines and requests; docs/expectations.md tells the
 * language. */
typedef struct otk_expectations otk_expectations;

/* NULL when memory ran out. */
OTK_API otk_expectations *otk_expectations_new(void);
OTK_API void otk_expectations_free(otk_expectations *e);

/* Adds the lines of `text`. `where` names them in errors and reports, as
 * "shop.expect" in "shop.expect:3"; NULL: they have no place. Returns 0; or adds
 * nothing and fills `error` (may be NULL) with the first thing that is wrong:
 * OTK_EINVAL, OTK_ELIMIT (1 MiB or 10,000 lines a text, 1,000 conditions in
 * all), OTK_ENOMEM. */
OTK_API int otk_expectations_add(otk_expectations *e, const char *text, const char *where, otk_error *error);

/* The same with what is in the file at `path`; "-" is standard input. Also
 * OTK_ESYSTEM, when it cannot be read. */
OTK_API int otk_expectations_add_file(otk_expectations *e, const char *path, otk_error *error);

/* The fault script of all `fault` lines, for otk_receiver_faults_set(); ""
 * when there are none. Valid until the next call with `e`. */
OTK_API const char *otk_expectations_faults(otk_expectations *e);

/* Where the first of these lines is, as "shop.expect:3"; "" when it has no
 * place, or there is none. */
OTK_API const char *otk_expectations_faults_at(const otk_expectations *e);

/* What was wrong with the lines that were added last, ten faults at most, each
 * with its line and a caret below the place; "" when nothing was. Valid until
 * the next call with `e`. */
OTK_API const char *otk_expectations_explain(otk_expectations *e);

/* Like otk_receiver_wait() for all of them at once; where there are none, they
 * hold. A line that cannot hold any more ends it, and then too the report tells
 * of every line. */
OTK_API int otk_receiver_judge(otk_receiver *rx, const otk_expectations *e, unsigned timeout_ms, otk_report **report);

/* Whether all of them, once they hold, hold whatever else comes: they ask for
 * spans, points and log records that are there, and for no bound. */
OTK_API bool otk_expectations_lasting(const otk_expectations *e);

/* 0, or the code that the wait returned. */
OTK_API int otk_report_code(const otk_report *report);

/* The report for people, lines with a newline each, and for machines, one JSON
 * object. Both belong to the report, and are a single line saying so when
 * memory ran out. */
OTK_API const char *otk_report_text(otk_report *report);
OTK_API const char *otk_report_json(otk_report *report);

typedef enum otk_report_format {
    OTK_REPORT_TEXT = 0, /* as otk_report_text() */
    OTK_REPORT_JSON,     /* as otk_report_json(), and a newline */
    OTK_REPORT_TAP,      /* TAP 14, a test point a condition */
    OTK_REPORT_JUNIT,    /* JUnit's XML */
    OTK_REPORT_GITHUB    /* workflow commands, which annotate files */
} otk_report_format;

/* Writes the report. Returns 0, OTK_ENOMEM, or OTK_ESYSTEM when `to` cannot be
 * written. */
OTK_API int otk_report_write(otk_report *report, otk_report_format format, FILE *to);

OTK_API void otk_report_free(otk_report *report);

/* What came of checks that a program makes itself, for the tools that show
 * tests. Whatever stands in the texts, what is written is well-formed. */
typedef enum otk_outcome { OTK_PASSED, OTK_FAILED, OTK_SKIPPED } otk_outcome;

typedef struct otk_result {
    const char *name;
    const char *file; /* where the check is written, or NULL */
    unsigned line;
    otk_outcome outcome;
    const char *message;  /* lines on why it failed or was skipped, or "" */
    uint64_t duration_ns; /* 0: not measured */
} otk_result;

typedef struct otk_results {
    const char *suite;
    const otk_result *items;
    size_t count;
    const char *notes; /* lines on all of them, or "" */
} otk_results;

/* Any format but OTK_REPORT_TEXT, which is OTK_EINVAL. Returns as
 * otk_report_write(). */
OTK_API int otk_results_write(const otk_results *results, otk_report_format format, FILE *to);

/* ---- Faults ---------------------------------------------------------- */

/* A fault script says how the next requests are answered, in place of being
 * accepted: "503 x2 retry-after=1, ok; logs: hang". When it is played to its
 * end, requests are accepted again. docs/faults.md tells all of it. */

/* In place of the script before. Returns 0, or fills `error` (may be NULL):
 * OTK_EINVAL for a script that cannot be, OTK_ENOMEM. */
OTK_API int otk_receiver_faults_set(otk_receiver *rx, const char *script, otk_error *error);

/* From now on requests are accepted. */
OTK_API void otk_receiver_faults_clear(otk_receiver *rx);

/* The steps that are left, as a JSON array; free() it. "[]" when the script
 * was played to its end. NULL when memory ran out. */
OTK_API char *otk_receiver_faults_left(otk_receiver *rx);

/* NULL when the script is right, or when memory ran out. Else what is wrong
 * with it: a sentence, the line, and a caret below the place; free() it. */
OTK_API char *otk_faults_explain(const char *script);

/* ---- Attempts -------------------------------------------------------- */

/* A client that has no success sends again. Requests with the same bytes, once
 * inflated, are attempts to deliver the same payload. */

/* What OTLP says that a client does after an answer. */
typedef enum otk_retry {
    OTK_RETRY_FINAL = 0, /* never sends that again: 200, 400, 500 … */
    OTK_RETRY_BACKOFF,   /* sends again, after a time of its own: 429, 502, 503, 504, and no answer */
    OTK_RETRY_AFTER,     /* sends again, not before the Retry-After of the answer has passed */
    OTK_RETRY_MAY        /* may: an answer that came late or was spoilt, a redirect */
} otk_retry;

typedef struct otk_attempt {
    uint64_t number;             /* of the request */
    uint64_t time_unix_nano;     /* when it had arrived */
    uint64_t gap_nano;           /* since the attempt before it; 0 for the first */
    unsigned status;             /* of the answer; 0: none */
    bool accepted;               /* the receiver has it, whatever the client could know */
    bool unfinished;             /* it was cut off, and is taken to be of this payload as it began like it */
    otk_retry retry;             /* what the client then had to do */
    uint64_t not_before_unix_nano; /* OTK_RETRY_AFTER */
    const char *wrong;           /* why this attempt should not have been made, or not yet; "" */
    const char *fault;           /* as in otk_capture */
} otk_attempt;

typedef struct otk_payload {
    bool has_signal;
    otk_signal signal;
    size_t size; /* inflated; 0 when it is not known */
    const otk_attempt *attempts; /* in order of arrival */
    size_t attempt_count;
    size_t accepted_count; /* 0: lost, 1: delivered once, more: duplicated */
} otk_payload;

typedef struct otk_attempts otk_attempts;

/* All attempts since start or the last reset, as they stand now. NULL when
 * memory ran out. */
OTK_API otk_attempts *otk_receiver_attempts(otk_receiver *rx);
OTK_API void otk_attempts_free(otk_attempts *attempts);

/* The payload at position `i`, in order of first arrival; or NULL beyond the
 * last. Valid until otk_attempts_free(). */
OTK_API const otk_payload *otk_attempts_payload(const otk_attempts *attempts, size_t i);

/* One JSON object; or lines for people, with a time line of at most 100
 * columns. Return 0, OTK_ENOMEM, or OTK_ESYSTEM when `to` cannot be written. */
OTK_API int otk_attempts_write_json(const otk_attempts *attempts, FILE *to);
OTK_API int otk_attempts_write_text(const otk_attempts *attempts, FILE *to);

/* ---- OTLP/JSON and text ---------------------------------------------- */

struct json_t; /* jansson's */

/* All accepted requests as OTLP/JSON, one object a line, in order of arrival.
 * Returns 0, OTK_ENOMEM, or OTK_ESYSTEM when `to` cannot be written. */
OTK_API int otk_receiver_write_json(otk_receiver *rx, FILE *to);

/* The same as text, NUL-terminated, `*size` bytes long (may be NULL); free()
 * it. NULL when memory ran out. */
OTK_API char *otk_receiver_json(otk_receiver *rx, size_t *size);

/* The same as a new jansson array of request objects; json_decref() it. NULL
 * when memory ran out. */
OTK_API struct json_t *otk_receiver_json_tree(otk_receiver *rx);

/* One capture's request as one object and a newline; nothing when it was
 * refused. */
OTK_API int otk_capture_write_json(const otk_capture *capture, FILE *to);
OTK_API struct json_t *otk_capture_json_tree(const otk_capture *capture);

/* A readable line for every span, metric data point and log record of the
 * capture; for a refused one a line with the reason. Control characters are
 * escaped. With `color` errors stand out by ANSI colours. */
OTK_API int otk_capture_write_text(const otk_capture *capture, FILE *to, bool color);

/* ---- Bytes that lie on disk ------------------------------------------ */

typedef struct otk_load_options {
    bool has_signal; /* tell which signal protobuf bytes hold, where they alone do not */
    otk_signal signal;
    size_t max_request_bytes; /* of one request, inflated */
} otk_load_options;

#define OTK_LOAD_OPTIONS_INIT \
    {false, OTK_SIGNAL_TRACES, (size_t)64 << 20}

/* Reads `path` ("-": standard input) and calls `each` for every request in it.
 * It may hold one request body, protobuf or OTLP/JSON; JSON lines as the
 * Collector's file exporter writes them; or an archive of otk_archive; any of
 * them plain or compressed with gzip, zlib or zstd. The kind is told from the
 * bytes. A capture is valid inside the call. Returns 0, or fills `error`:
 * OTK_ESYSTEM (cannot be read), OTK_EDATA (is none of these; says where it
 * fails), OTK_EINVAL (needs has_signal), OTK_ELIMIT, OTK_ENOMEM. */
OTK_API int otk_load(const char *path, const otk_load_options *options, otk_capture_fn *each, void *arg,
                     otk_error *error);

/* A receiver that never listened: it holds what otk_load() finds in the files,
 * and is closed. All that looks at what came works on it; its URL is "". NULL
 * and `error` as otk_load(). */
OTK_API otk_receiver *otk_receiver_open(const char *const *paths, size_t count, const otk_load_options *options,
                                        otk_error *error);

/* A WARC/1.1 file (ISO 28500) that keeps requests and answers as they were. */
typedef struct otk_archive otk_archive;

/* Creates or truncates `path`. NULL and `error` when that cannot be. */
OTK_API otk_archive *otk_archive_open(const char *path, otk_error *error);

/* Appends the request and its answer and flushes them. Returns 0 or
 * OTK_ESYSTEM. */
OTK_API int otk_archive_add(otk_archive *archive, const otk_capture *capture);

/* Returns 0, or OTK_ESYSTEM when the file could not be completed. */
OTK_API int otk_archive_close(otk_archive *archive);

#ifdef __cplusplus
}
#endif

#endif
