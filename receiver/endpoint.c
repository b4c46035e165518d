#include "endpoint.h"

#include "accept.h"
#include "answer.h"
#include "cors.h"
#include "inflate.h"
#include "json.h"
#include "strict.h"
#include "utf8.h"

#include <stdio.h>
#include <strings.h>

#define REASON_MAX 1024
#define ALL_PATHS "/v1/traces, /v1/metrics or /v1/logs"

/* Content-Type, one for the status, those of compression and of CORS. */
#define ANSWER_HEADERS_MAX (4 + OTK_CORS_HEADERS_MAX)

/* A smaller answer is not compressed: it fits into a packet as it is. */
#define GZIP_MIN 64

/* More than a strict look has to say, with the notes behind it. */
#define NEWS_MAX ((size_t)64 << 10)

static const char *const signal_paths[OTK_SIGNAL_COUNT] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
static const char *const signal_names[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

static const char type_protobuf[] = "application/x-protobuf";
static const char type_json[] = "application/json";

/* ---- Reading the request's head -------------------------------------- */

/* The target's path: without its query and, in absolute form, without scheme
 * and authority (RFC 9112, section 3.2.2). */
static otk_string path_of(const char *target)
{
    const char *start = target;
    const char *authority = strstr(target, "://");
    if (*target != '/' && authority) {
        start = authority + 3;
        start += strcspn(start, "/?#");
    }
    return (otk_string){start, strcspn(start, "?#")};
}

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
    c->pub.has_signal = find_signal(e, path_of(c->pub.target), &c->pub.signal);
    c->pub.encoding = encoding_of(otk_headers_get(&c->pub.headers, "Content-Type"));
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

static bool is_let_in(const struct otk_endpoint *e, const struct capture *c)
{
    const char *origin = e->cors_origins ? otk_headers_get(&c->pub.headers, "Origin") : NULL;
    return origin && otk_cors_allows(e->cors_origins, origin);
}

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

static bool wants_compression(const struct capture *c)
{
    return c->answer.size >= GZIP_MIN && otk_accepts_gzip(otk_headers_get(&c->pub.headers, "Accept-Encoding"));
}

static void set_answer(const struct otk_endpoint *e, struct capture *c, unsigned status, const otk_header *extra)
{
    static const otk_header success[][1] = {
        [OTK_ENCODING_PROTOBUF] = {{"Content-Type", type_protobuf}},
        [OTK_ENCODING_JSON] = {{"Content-Type", type_json}},
    };
    bool browser = is_let_in(e, c), compress = wants_compression(c);
    otk_header *all =
        extra || browser || compress ? otk_arena_alloc(&c->arena, ANSWER_HEADERS_MAX * sizeof *all) : NULL;
    size_t n = 0;
    bool protobuf = c->pub.encoding == OTK_ENCODING_PROTOBUF;
    c->pub.status = status;
    c->pub.answer_headers = (otk_headers){success[protobuf ? OTK_ENCODING_PROTOBUF : OTK_ENCODING_JSON], 1};
    if (all) {
        all[n++] = c->pub.answer_headers.items[0];
        if (extra)
            all[n++] = *extra;
        if (browser)
            n += otk_cors_headers(&c->pub, all + n);
        if (compress && compress_answer(c)) {
            all[n++] = (otk_header){"Content-Encoding", "gzip"};
            all[n++] = (otk_header){"Vary", "Accept-Encoding"};
        }
        c->pub.answer_headers = (otk_headers){all, n};
    }
    c->pub.answer = (otk_bytes){c->answer.data, c->answer.size};
}

/* Sentences quote what the client sent, which need not be text. */
static void make_text(char *sentence)
{
    uint8_t *p = (uint8_t *)sentence;
    size_t size = strlen(sentence);
    bool valid = otk_utf8_valid(p, size) == size;
    for (size_t i = 0; i < size; i++)
        if (p[i] < 0x20 || p[i] == 0x7f || (p[i] >= 0x80 && !valid))
            p[i] = '?';
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
        make_text(kept);
    if (fault) {
        make_text(fault->path);
        make_text(fault->what);
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
        make_text((char *)news.data);
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

/* ---- Who may send ---------------------------------------------------- */

/* Takes the same time wherever the two begin to differ. */
static bool are_equal(const char *secret, const char *told)
{
    size_t size = strlen(secret), told_size = strlen(told);
    unsigned char difference = size != told_size;
    for (size_t i = 0; i < told_size; i++)
        difference |= (unsigned char)(told[i] ^ secret[size ? i % size : 0]);
    return !difference;
}

static bool is_authorized(const struct otk_endpoint *e, const struct capture *c)
{
    const char *told = otk_headers_get(&c->pub.headers, "Authorization");
    return !e->authorization || (told && are_equal(e->authorization, told));
}

static void refuse_unauthorized(const struct otk_endpoint *e, struct capture *c)
{
    const char *reason = "the Authorization header is not the one that this receiver was started with";
    if (!otk_headers_get(&c->pub.headers, "Authorization"))
        reason = "the Authorization header is missing; set it in the exporter, by OTEL_EXPORTER_OTLP_HEADERS for one";
    refuse(e, c, 401, reason, &e->challenge, NULL);
}

/* A browser's question. The answer has no body and is no news; a refusal is. Returns whether it belongs into the
 * store. */
static bool serve_preflight(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    otk_header *headers = otk_arena_alloc(&c->arena, OTK_CORS_HEADERS_MAX * sizeof *headers);
    if (!headers) {
        otk_endpoint_refuse(e, c, 503, "out of memory");
        return true;
    }
    if (!is_let_in(e, c)) {
        snprintf(reason, sizeof reason, "the origin %.200s is not among those that may send: %.200s",
                 otk_headers_get(&c->pub.headers, "Origin"), e->cors_origins);
        otk_endpoint_refuse(e, c, 403, reason);
        return true;
    }
    c->pub.status = 204;
    c->pub.answer_headers = (otk_headers){headers, otk_cors_headers(&c->pub, headers)};
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
    otk_string path = path_of(c->pub.target);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!is(path, pages[i].path))
            continue;
        c->pub.encoding = OTK_ENCODING_JSON;
        if (strcmp(c->pub.method, "GET") && strcmp(c->pub.method, "HEAD")) {
            refuse(e, c, 405, "this page is read by GET", &allow, NULL);
        } else if (pages[i].guarded && !is_authorized(e, c)) {
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
    otk_string path = path_of(c->pub.target);
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
    if (is_page(whole))
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

/* A copy of an option that goes into, or is compared with, a header. */
static int keep_text(struct otk_endpoint *e, const char *what, const char *text, const char **out, otk_error *error)
{
    if (!text)
        return 0;
    if (!*text || strpbrk(text, "\r\n\t"))
        return fail(error, what, text, "cannot be: it is empty or more than a line");
    *out = otk_arena_string(&e->arena, text, strlen(text));
    return *out ? 0 : OTK_ENOMEM;
}

/* Names the scheme that is asked for; RFC 9110, section 11.6.1, wants one even where it is none. */
static int write_challenge(struct otk_endpoint *e)
{
    static const char realm[] = " realm=\"otlpkit\"";
    const char *scheme = "Bearer";
    size_t size = strlen(scheme);
    if (!e->authorization)
        return 0;
    if (strchr(e->authorization, ' ')) {
        scheme = e->authorization;
        size = strcspn(scheme, " ");
    }
    char *value = otk_arena_alloc(&e->arena, size + sizeof realm);
    if (!value)
        return OTK_ENOMEM;
    memcpy(value, scheme, size);
    memcpy(value + size, realm, sizeof realm);
    e->challenge = (otk_header){"WWW-Authenticate", value};
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
    int rc = keep_text(e, "the authorization", options->authorization, &e->authorization, error);
    if (!rc)
        rc = write_challenge(e);
    if (!rc)
        rc = keep_text(e, "the list of origins", options->cors_origins, &e->cors_origins, error);
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

bool otk_endpoint_serve(const struct otk_endpoint *e, struct capture *c)
{
    struct otk_fault fault = {0};
    if (serve_page(e, c))
        return false;
    otk_endpoint_recognize(e, c);
    if (!c->pub.has_signal) {
        refuse_path(e, c);
        return true;
    }
    if (e->cors_origins && otk_cors_is_preflight(&c->pub))
        return serve_preflight(e, c);
    if (strcmp(c->pub.method, "POST")) {
        otk_endpoint_refuse(e, c, 405, "telemetry arrives by POST");
        return true;
    }
    if (!is_authorized(e, c)) {
        refuse_unauthorized(e, c);
        return true;
    }
    const char *coding = otk_headers_get(&c->pub.headers, "Content-Encoding");
    if (c->pub.encoding == OTK_ENCODING_UNKNOWN)
        refuse_type(e, c);
    else if (otk_coding_of(coding) == OTK_CODING_UNKNOWN)
        refuse_coding(e, c, coding);
    else
        judge(e, c, coding, otk_capture_decode(c, coding, e->max_request_bytes, &fault), &fault);
    return true;
}
