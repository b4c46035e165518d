#include "endpoint.h"

#include "accept.h"
#include "answer.h"
#include "cors.h"
#include "inflate.h"
#include "json.h"
#include "strict.h"
#include "target.h"
#include "visible.h"

#include <stdio.h>
#include <strings.h>

#define REASON_MAX 1024
#define ALL_PATHS "/v1/traces, /v1/metrics or /v1/logs"

/* Content-Type, one for the status, one against guessing, those of compression and of CORS. */
#define ANSWER_HEADERS_MAX (5 + OTK_CORS_HEADERS_MAX)

/* A smaller answer is not compressed: it fits into a packet as it is. */
#define GZIP_MIN 64

/* More than a strict look has to say, with the notes behind it. */
#define NEWS_MAX ((size_t)64 << 10)

static const char *const signal_paths[OTK_SIGNAL_COUNT] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
static const char *const signal_names[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

static const char type_protobuf[] = "application/x-protobuf";
static const char type_json[] = "application/json";

static const char questions[] = "/otlpkit";
static const char question_methods[] = "GET, HEAD, POST, DELETE";

/* ---- Reading the request's head -------------------------------------- */

static bool is(otk_string text, const char *what)
{
    return text.size == strlen(what) && memcmp(text.data, what, text.size) == 0;
}

static bool has(otk_string text, const char *what)
{
    return memmem(text.data, text.size, what, strlen(what)) != NULL;
}

static bool find_signal(const struct otk_endpoint *e, otk_string path, otk_signal *out)
{
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (is(path, signal_paths[i])) {
            *out = (otk_signal)i;
            return true;
        }
    for (size_t i = 0; i < e->path_count; i++)
        if (is(path, e->paths[i].path)) {
            *out = e->paths[i].signal;
            return true;
        }
    return false;
}

static otk_encoding encoding_of(const char *content_type)
{
    if (!content_type)
        return OTK_ENCODING_UNKNOWN;
    content_type += strspn(content_type, " \t");
    size_t size = strcspn(content_type, "; \t");
    if (size == sizeof type_protobuf - 1 && strncasecmp(content_type, type_protobuf, size) == 0)
        return OTK_ENCODING_PROTOBUF;
    if (size == sizeof type_json - 1 && strncasecmp(content_type, type_json, size) == 0)
        return OTK_ENCODING_JSON;
    return OTK_ENCODING_UNKNOWN;
}

void otk_endpoint_recognize(const struct otk_endpoint *e, struct capture *c)
{
    c->pub.has_signal = find_signal(e, otk_target_path(c->pub.target, NULL), &c->pub.signal);
    c->pub.encoding = encoding_of(otk_headers_get(&c->pub.headers, "Content-Type"));
}

bool otk_endpoint_is_question(const struct capture *c)
{
    const size_t size = sizeof questions - 1;
    otk_string session, path = otk_target_path(c->pub.target, &session);
    if (session.data && path.size <= 1)
        return strcmp(c->pub.method, "DELETE") == 0;
    return path.size >= size && memcmp(path.data, questions, size) == 0 &&
           (path.size == size || path.data[size] == '/');
}

/* ---- Answers --------------------------------------------------------- */

/* What each refusal says besides its Status. */
static const struct {
    unsigned status;
    otk_header header;
} refusal_headers[] = {
    {405, {"Allow", "POST"}},
    {415, {"Accept-Encoding", "gzip, deflate, zstd, identity"}}, /* RFC 9110, section 12.5.3 */
    {503, {"Retry-After", "1"}},
};

/* Puts the compressed answer in place of the plain one; false when it is not smaller, or there is no memory for it. */
static bool compress_answer(struct capture *c)
{
    struct otk_buffer small = OTK_BUFFER_INIT(c->answer.size + 1024);
    if (otk_gzip(&small, c->answer.data, c->answer.size) || small.size >= c->answer.size) {
        otk_buffer_clear(&small);
        return false;
    }
    otk_buffer_clear(&c->answer);
    c->answer = small;
    return true;
}

/* A fault may yet change the answer. */
static bool wants_compression(const struct capture *c)
{
    return !c->fault && c->answer.size >= GZIP_MIN &&
           otk_accepts_gzip(otk_headers_get(&c->pub.headers, "Accept-Encoding"));
}

/* With `type` as its Content-Type and up to two headers more, which may be NULL. */
static void set_headers(const struct otk_endpoint *e, struct capture *c, const otk_header *type,
                        const otk_header *extra, const otk_header *more)
{
    bool browser = otk_is_let_in(&e->admission, &c->pub), compress = wants_compression(c);
    otk_header *all =
        extra || more || browser || compress ? otk_arena_alloc(&c->arena, ANSWER_HEADERS_MAX * sizeof *all) : NULL;
    size_t n = 0;
    c->pub.answer_headers = (otk_headers){type, 1};
    if (all) {
        all[n++] = *type;
        if (extra)
            all[n++] = *extra;
        if (more)
            all[n++] = *more;
        if (browser)
            n += otk_cors_headers(&c->pub, "POST", all + n);
        if (compress && compress_answer(c)) {
            all[n++] = (otk_header){"Content-Encoding", "gzip"};
            all[n++] = (otk_header){"Vary", "Accept-Encoding"};
        }
        c->pub.answer_headers = (otk_headers){all, n};
    }
    c->pub.answer = (otk_bytes){c->answer.data, c->answer.size};
}

static void set_answer(const struct otk_endpoint *e, struct capture *c, unsigned status, const otk_header *extra)
{
    static const otk_header types[] = {
        [OTK_ENCODING_UNKNOWN] = {"Content-Type", type_json},
        [OTK_ENCODING_PROTOBUF] = {"Content-Type", type_protobuf},
        [OTK_ENCODING_JSON] = {"Content-Type", type_json},
    };
    c->pub.status = status;
    set_headers(e, c, &types[c->pub.encoding], extra, NULL);
}

/* What was captured may read as anything: a browser is not to guess. */
void otk_endpoint_answer(const struct otk_endpoint *e, struct capture *c, unsigned status, const char *content_type,
                         const char *allow)
{
    static const otk_header no_guess = {"X-Content-Type-Options", "nosniff"};
    otk_header *kept = otk_arena_alloc(&c->arena, 2 * sizeof *kept);
    if (!kept) {
        otk_endpoint_refuse(e, c, 503, "out of memory");
        return;
    }
    kept[0] = (otk_header){"Content-Type", content_type};
    kept[1] = (otk_header){"Allow", allow};
    c->pub.status = status;
    set_headers(e, c, &kept[0], &no_guess, allow ? &kept[1] : NULL);
}

static void refuse(const struct otk_endpoint *e, struct capture *c, unsigned status, const char *reason,
                   const otk_header *extra, struct otk_fault *fault)
{
    otk_capture_drop_message(c);
    c->pub.rejected_count = 0;
    otk_buffer_clear(&c->answer);
    c->answer.limit = e->max_response_bytes;
    char *kept = otk_arena_string(&c->arena, reason, strlen(reason));
    if (!kept && status != 503) {
        otk_endpoint_refuse(e, c, 503, "out of memory");
        return;
    }
    if (kept)
        otk_make_text(kept);
    if (fault) {
        otk_make_text(fault->path);
        otk_make_text(fault->what);
    }
    c->pub.reason = kept ? kept : "out of memory";
    if (otk_answer_failure(&c->answer, c->pub.encoding, status, c->pub.reason, fault))
        otk_buffer_clear(&c->answer);
    set_answer(e, c, status, extra);
}

void otk_endpoint_refuse(const struct otk_endpoint *e, struct capture *c, unsigned status, const char *reason)
{
    const otk_header *extra = NULL;
    for (size_t i = 0; i < sizeof refusal_headers / sizeof *refusal_headers; i++)
        if (refusal_headers[i].status == status)
            extra = &refusal_headers[i].header;
    refuse(e, c, status, reason, extra, NULL);
}

/* The answer of a strict backend, with its news as far as there is any and it fits. */
static int answer_strictly(struct capture *c)
{
    struct otk_buffer news = OTK_BUFFER_INIT(NEWS_MAX);
    int rc = otk_strict_judge(c, &news);
    if (!rc && news.size && !otk_buffer_string(&news))
        rc = OTK_ENOMEM;
    if (!rc && news.size) {
        otk_make_text((char *)news.data);
        rc = otk_answer_partial(&c->answer, c->pub.encoding, c->pub.signal, c->pub.rejected_count, (char *)news.data);
    } else if (!rc) {
        rc = otk_answer_success(&c->answer, c->pub.encoding);
    }
    otk_buffer_clear(&news);
    return rc;
}

static void accept(const struct otk_endpoint *e, struct capture *c)
{
    c->answer.limit = e->max_response_bytes;
    int rc = e->strict ? answer_strictly(c) : otk_answer_success(&c->answer, c->pub.encoding);
    if (rc == OTK_ELIMIT)
        otk_endpoint_refuse(e, c, 500, "the answer is larger than max_response_bytes allows; raise that limit");
    else if (rc)
        otk_endpoint_refuse(e, c, 503, "out of memory");
    else
        set_answer(e, c, 200, NULL);
}

/* ---- Who may send, and ask ------------------------------------------- */

static void refuse_unauthorized(const struct otk_endpoint *e, struct capture *c)
{
    const char *reason = "the Authorization header is not the one that this receiver was started with";
    if (!otk_headers_get(&c->pub.headers, "Authorization"))
        reason = "the Authorization header is missing; set it in the exporter, by OTEL_EXPORTER_OTLP_HEADERS for one";
    refuse(e, c, 401, reason, &e->admission.challenge, NULL);
}

static void refuse_origin(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    const char *listed = e->admission.cors_origins;
    snprintf(reason, sizeof reason, "the origin %.200s is not among those that are let in by cors_origins: %.200s",
             otk_headers_get(&c->pub.headers, "Origin"), listed ? listed : "none");
    otk_endpoint_refuse(e, c, 403, reason);
}

/* A browser's question. The answer has no body and is no news; a refusal is. Returns whether it was refused. */
static bool serve_preflight(const struct otk_endpoint *e, struct capture *c, const char *methods)
{
    otk_header *headers = otk_arena_alloc(&c->arena, OTK_CORS_HEADERS_MAX * sizeof *headers);
    if (!headers) {
        otk_endpoint_refuse(e, c, 503, "out of memory");
        return true;
    }
    if (!otk_is_let_in(&e->admission, &c->pub)) {
        refuse_origin(e, c);
        return true;
    }
    c->pub.status = 204;
    c->pub.answer_headers = (otk_headers){headers, otk_cors_headers(&c->pub, methods, headers)};
    return false;
}

/* ---- Questions ------------------------------------------------------- */

static void refuse_host(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason,
             "the Host %.200s is no name of this machine; if it is meant to be one, let it in by allowed_hosts "
             "(otlpkit serve --allow-host)",
             otk_headers_get(&c->pub.headers, "Host"));
    otk_endpoint_refuse(e, c, 403, reason);
}

static bool is_read(const struct capture *c)
{
    return strcmp(c->pub.method, "GET") == 0 || strcmp(c->pub.method, "HEAD") == 0;
}

/* Whether the question may be asked; else it is answered. */
static bool admit_question(const struct otk_endpoint *e, struct capture *c)
{
    c->pub.encoding = OTK_ENCODING_JSON;
    if (!otk_is_host_known(&e->admission, &c->pub))
        refuse_host(e, c);
    else if (otk_cors_is_preflight(&c->pub))
        serve_preflight(e, c, question_methods);
    else if (!is_read(c) && !otk_may_write(&e->admission, &c->pub))
        refuse_origin(e, c);
    else if (!otk_is_authorized(&e->admission, &c->pub))
        refuse_unauthorized(e, c);
    else if (otk_coding_of(otk_headers_get(&c->pub.headers, "Content-Encoding")) != OTK_CODING_IDENTITY)
        otk_endpoint_refuse(e, c, 415, "a question's body is read as it is; send it without a Content-Encoding");
    else
        return true;
    return false;
}

/* ---- The receiver's own pages ---------------------------------------- */

/* What Logfire's token mode asks for before it sends. */
static void tell_info(const struct otk_endpoint *e, struct otk_buffer *out)
{
    otk_buffer_text(out, "{\"project_name\":\"otlpkit\",\"project_url\":");
    otk_json_string(out, e->url, strlen(e->url));
    otk_buffer_text(out, "}");
}

static void tell_health(const struct otk_endpoint *e, struct otk_buffer *out)
{
    (void)e;
    otk_buffer_text(out, "{}");
}

static const struct {
    const char *path;
    void (*tell)(const struct otk_endpoint *e, struct otk_buffer *out);
    bool guarded; /* by the Authorization that telemetry needs */
} pages[] = {
    {"/v1/info", tell_info, true},
    {"/healthz", tell_health, false},
};

static bool serve_page(const struct otk_endpoint *e, struct capture *c)
{
    static const otk_header allow = {"Allow", "GET, HEAD"};
    otk_string path = otk_target_path(c->pub.target, NULL);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!is(path, pages[i].path))
            continue;
        c->pub.encoding = OTK_ENCODING_JSON;
        if (strcmp(c->pub.method, "GET") && strcmp(c->pub.method, "HEAD")) {
            refuse(e, c, 405, "this page is read by GET", &allow, NULL);
        } else if (pages[i].guarded && !otk_is_authorized(&e->admission, &c->pub)) {
            refuse_unauthorized(e, c);
        } else {
            pages[i].tell(e, &c->answer);
            set_answer(e, c, 200, NULL);
        }
        return true;
    }
    return false;
}

/* ---- Telemetry ------------------------------------------------------- */

/* Words in a wrong path, and what its sender probably meant. */
static const struct {
    const char *word;
    const char *advice;
} path_hints[] = {
    {"/opentelemetry.proto.", "that is gRPC; set the protocol to http/protobuf or http/json"},
    {"/v1/traces/v1/", "the base endpoint must end before /v1/traces, which is added to it"},
    {"profiles", "profiles are not received; POST traces, metrics and logs to " ALL_PATHS},
    {"trace", "POST traces to /v1/traces"},
    {"span", "POST traces to /v1/traces"},
    {"metric", "POST metrics to /v1/metrics"},
    {"log", "POST logs to /v1/logs"},
};

static void refuse_path(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    otk_string path = otk_target_path(c->pub.target, NULL);
    const char *advice = "POST to " ALL_PATHS;
    if (path.size <= 1)
        advice = "POST to " ALL_PATHS "; an endpoint for one signal is used as it is and must name its path";
    for (size_t i = 0; i < sizeof path_hints / sizeof *path_hints; i++)
        if (has(path, path_hints[i].word)) {
            advice = path_hints[i].advice;
            break;
        }
    snprintf(reason, sizeof reason, "no such path: %.*s; %s", path.size < 200 ? (int)path.size : 200, path.data,
             advice);
    otk_endpoint_refuse(e, c, 404, reason);
}

static void refuse_type(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    const char *type = otk_headers_get(&c->pub.headers, "Content-Type");
    if (type)
        snprintf(reason, sizeof reason, "Content-Type %.100s is not OTLP; send %s or %s", type, type_protobuf,
                 type_json);
    else
        snprintf(reason, sizeof reason, "Content-Type is missing; send %s or %s", type_protobuf, type_json);
    refuse(e, c, 415, reason, NULL, NULL);
}

static void refuse_coding(const struct otk_endpoint *e, struct capture *c, const char *coding)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason, "Content-Encoding %.100s is not known; send gzip, deflate, zstd or none", coding);
    otk_endpoint_refuse(e, c, 415, reason);
}

/* Whether `c`'s plain bytes are, with nothing unknown, a request of `signal`. */
static bool reads_as(const struct capture *c, otk_bytes plain, otk_signal signal)
{
    struct otk_index index = {0};
    struct otk_fault fault;
    if (c->pub.encoding == OTK_ENCODING_JSON) {
        otk_signal shown;
        return otk_json_signal((const char *)plain.data, plain.size, &shown) == 0 && shown == signal;
    }
    bool reads = otk_wire_read(&index, otk_schema((enum otk_message_id)signal), plain.data, plain.size, &fault) == 0 &&
                 index.item_count > 0 && index.unknown_count == 0;
    otk_index_clear(&index);
    return reads;
}

/* Looks for the signal that a body really holds when it is not that of its path. */
static bool find_other_signal(const struct otk_endpoint *e, const struct capture *c, const char *coding,
                              otk_signal *out)
{
    char what[128];
    struct otk_buffer inflated = OTK_BUFFER_INIT(e->max_request_bytes);
    otk_bytes plain = c->pub.body;
    bool found = false;
    if (otk_coding_of(coding) != OTK_CODING_IDENTITY) {
        if (otk_inflate(&inflated, otk_coding_of(coding), plain.data, plain.size, what))
            goto out;
        plain = (otk_bytes){inflated.data, inflated.size};
    }
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT && plain.size && !found; i++)
        if (i != (unsigned)c->pub.signal && reads_as(c, plain, (otk_signal)i)) {
            *out = (otk_signal)i;
            found = true;
        }
out:
    otk_buffer_clear(&inflated);
    return found;
}

static const char *sniffed_coding(const struct capture *c)
{
    static const char *const names[] = {[OTK_CODING_GZIP] = "gzip", [OTK_CODING_ZSTD] = "zstd"};
    enum otk_coding coding = otk_coding_sniff(c->pub.body.data, c->pub.body.size);
    return coding == OTK_CODING_GZIP || coding == OTK_CODING_ZSTD ? names[coding] : NULL;
}

static void refuse_data(const struct otk_endpoint *e, struct capture *c, const char *coding, struct otk_fault *fault)
{
    char reason[REASON_MAX];
    otk_signal other;
    const char *sniffed = otk_coding_of(coding) == OTK_CODING_IDENTITY ? sniffed_coding(c) : NULL;
    otk_fault_sentence(fault, reason, sizeof reason / 2);
    size_t n = strlen(reason);
    if (sniffed)
        snprintf(reason + n, sizeof reason - n, "; the body looks like %s: say so in Content-Encoding", sniffed);
    else if (find_other_signal(e, c, coding, &other))
        snprintf(reason + n, sizeof reason - n, "; this looks like a %s request: POST it to %s", signal_names[other],
                 signal_paths[other]);
    refuse(e, c, 400, reason, NULL, fault);
}

static void refuse_size(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason,
             "the body inflates to more than %zu bytes, the receiver's limit; send smaller batches",
             e->max_request_bytes);
    otk_endpoint_refuse(e, c, 413, reason);
}

static void judge(const struct otk_endpoint *e, struct capture *c, const char *coding, int rc, struct otk_fault *fault)
{
    otk_signal other;
    if (rc == OTK_EDATA) {
        refuse_data(e, c, coding, fault);
    } else if (rc == OTK_ELIMIT) {
        refuse_size(e, c);
    } else if (rc) {
        otk_endpoint_refuse(e, c, 503, "out of memory");
    } else if (c->pub.unknown_field_count && find_other_signal(e, c, coding, &other)) {
        *fault = (struct otk_fault){0};
        snprintf(fault->what, sizeof fault->what, "not a %s request", signal_names[c->pub.signal]);
        refuse_data(e, c, coding, fault);
    } else {
        accept(e, c);
    }
}

/* ---- Start ----------------------------------------------------------- */

static int fail(otk_error *error, const char *what, const char *text, const char *why)
{
    *error = (otk_error){.code = OTK_EINVAL};
    snprintf(error->message, sizeof error->message, "%s '%.200s' %s", what, text, why);
    return OTK_EINVAL;
}

static int fail_path(otk_error *error, const char *path, const char *why)
{
    return fail(error, "the path", path, why);
}

static bool is_page(otk_string path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (is(path, pages[i].path))
            return true;
    return false;
}

static int add_path(struct otk_endpoint *e, const otk_path *path, otk_error *error)
{
    otk_signal taken;
    const char *text = path->path ? path->path : "";
    otk_string whole = {text, strlen(text)};
    if (*text != '/' || strpbrk(text, "?# "))
        return fail_path(error, text, "cannot be: it takes a / in front, and no query");
    if ((unsigned)path->signal >= OTK_SIGNAL_COUNT)
        return fail_path(error, text, "is of no signal");
    if (is_page(whole) || strncmp(text, "/s/", 3) == 0 || strncmp(text, "/otlpkit/", 9) == 0)
        return fail_path(error, text, "is a page of the receiver itself");
    if (find_signal(e, whole, &taken) && taken != path->signal)
        return fail_path(error, text, "is already taken by another signal");
    otk_path *added = &e->paths[e->path_count];
    *added = (otk_path){otk_arena_string(&e->arena, text, whole.size), path->signal};
    if (!added->path)
        return OTK_ENOMEM;
    e->path_count++;
    return 0;
}

static int keep_paths(struct otk_endpoint *e, const otk_path *paths, size_t count, otk_error *error)
{
    int rc = 0;
    e->paths = otk_arena_alloc(&e->arena, count * sizeof *e->paths);
    if (!e->paths)
        return OTK_ENOMEM;
    for (size_t i = 0; i < count && !rc; i++)
        rc = add_path(e, &paths[i], error);
    return rc;
}

int otk_endpoint_init(struct otk_endpoint *e, const otk_receiver_options *options, otk_error *error)
{
    *e = (struct otk_endpoint){
        .max_request_bytes = options->max_request_bytes < UINT32_MAX ? options->max_request_bytes : UINT32_MAX - 1,
        .max_response_bytes = options->max_response_bytes < UINT32_MAX ? options->max_response_bytes : UINT32_MAX - 1,
        .strict = options->strict,
    };
    int rc = otk_admission_init(&e->admission, options, &e->arena, error);
    if (!rc)
        rc = keep_paths(e, options->paths, options->path_count, error);
    if (rc == OTK_ENOMEM) {
        *error = (otk_error){.code = rc};
        snprintf(error->message, sizeof error->message, "out of memory");
    }
    return rc;
}

void otk_endpoint_clear(struct otk_endpoint *e)
{
    otk_arena_clear(&e->arena);
}

/* ---- Requests -------------------------------------------------------- */

enum otk_served otk_endpoint_serve(const struct otk_endpoint *e, struct capture *c)
{
    struct otk_fault fault = {0};
    if (otk_endpoint_is_question(c))
        return admit_question(e, c) ? OTK_SERVED_QUESTION : OTK_SERVED_PAGE;
    if (serve_page(e, c))
        return OTK_SERVED_PAGE;
    otk_endpoint_recognize(e, c);
    if (!c->pub.has_signal) {
        refuse_path(e, c);
        return OTK_SERVED_TELEMETRY;
    }
    if (e->admission.cors_origins && otk_cors_is_preflight(&c->pub))
        return serve_preflight(e, c, "POST") ? OTK_SERVED_TELEMETRY : OTK_SERVED_PAGE;
    if (strcmp(c->pub.method, "POST")) {
        otk_endpoint_refuse(e, c, 405, "telemetry arrives by POST");
        return OTK_SERVED_TELEMETRY;
    }
    if (!otk_is_authorized(&e->admission, &c->pub)) {
        refuse_unauthorized(e, c);
        return OTK_SERVED_TELEMETRY;
    }
    const char *coding = otk_headers_get(&c->pub.headers, "Content-Encoding");
    if (c->pub.encoding == OTK_ENCODING_UNKNOWN)
        refuse_type(e, c);
    else if (otk_coding_of(coding) == OTK_CODING_UNKNOWN)
        refuse_coding(e, c, coding);
    else
        judge(e, c, coding, otk_capture_decode(c, coding, e->max_request_bytes, &fault), &fault);
    return OTK_SERVED_TELEMETRY;
}
