#include "endpoint.h"

#include "answer.h"
#include "inflate.h"
#include "json.h"
#include "utf8.h"

#include <stdio.h>
#include <strings.h>

#define REASON_MAX 1024
#define ALL_PATHS "/v1/traces, /v1/metrics or /v1/logs"

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

static bool find_signal(otk_string path, otk_signal *out)
{
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (is(path, signal_paths[i])) {
            *out = (otk_signal)i;
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

void otk_endpoint_recognize(struct capture *c)
{
    c->pub.has_signal = find_signal(path_of(c->pub.target), &c->pub.signal);
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

static void set_answer(struct capture *c, unsigned status, const otk_header *extra)
{
    static const otk_header success[][1] = {
        [OTK_ENCODING_PROTOBUF] = {{"Content-Type", type_protobuf}},
        [OTK_ENCODING_JSON] = {{"Content-Type", type_json}},
    };
    c->pub.status = status;
    c->pub.answer = (otk_bytes){c->answer.data, c->answer.size};
    bool protobuf = c->pub.encoding == OTK_ENCODING_PROTOBUF;
    c->pub.answer_headers = (otk_headers){success[protobuf ? OTK_ENCODING_PROTOBUF : OTK_ENCODING_JSON], 1};
    otk_header *both = extra ? otk_arena_alloc(&c->arena, 2 * sizeof *both) : NULL;
    if (!both)
        return;
    both[0] = c->pub.answer_headers.items[0];
    both[1] = *extra;
    c->pub.answer_headers = (otk_headers){both, 2};
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

static void refuse(struct capture *c, unsigned status, const char *reason, const otk_header *extra,
                   struct otk_fault *fault)
{
    otk_capture_drop_message(c);
    otk_buffer_clear(&c->answer);
    char *kept = otk_arena_string(&c->arena, reason, strlen(reason));
    if (!kept && status != 503) {
        otk_endpoint_refuse(c, 503, "out of memory");
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
    set_answer(c, status, extra);
}

void otk_endpoint_refuse(struct capture *c, unsigned status, const char *reason)
{
    const otk_header *extra = NULL;
    for (size_t i = 0; i < sizeof refusal_headers / sizeof *refusal_headers; i++)
        if (refusal_headers[i].status == status)
            extra = &refusal_headers[i].header;
    refuse(c, status, reason, extra, NULL);
}

static void accept(struct capture *c)
{
    if (otk_answer_success(&c->answer, c->pub.encoding))
        otk_endpoint_refuse(c, 503, "out of memory");
    else
        set_answer(c, 200, NULL);
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
} pages[] = {
    {"/v1/info", tell_info},
    {"/healthz", tell_health},
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
            refuse(c, 405, "this page is read by GET", &allow, NULL);
        } else {
            pages[i].tell(e, &c->answer);
            set_answer(c, 200, NULL);
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

static void refuse_path(struct capture *c)
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
    snprintf(reason, sizeof reason, "no such path: %.*s; %s", path.size < 200 ? (int)path.size : 200, path.data, advice);
    otk_endpoint_refuse(c, 404, reason);
}

static void refuse_type(struct capture *c)
{
    char reason[REASON_MAX];
    const char *type = otk_headers_get(&c->pub.headers, "Content-Type");
    if (type)
        snprintf(reason, sizeof reason, "Content-Type %.100s is not OTLP; send %s or %s", type, type_protobuf, type_json);
    else
        snprintf(reason, sizeof reason, "Content-Type is missing; send %s or %s", type_protobuf, type_json);
    refuse(c, 415, reason, NULL, NULL);
}

static void refuse_coding(struct capture *c, const char *coding)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason, "Content-Encoding %.100s is not known; send gzip, deflate, zstd or none", coding);
    otk_endpoint_refuse(c, 415, reason);
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
static bool find_other_signal(const struct otk_endpoint *e, const struct capture *c, const char *coding, otk_signal *out)
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
    refuse(c, 400, reason, NULL, fault);
}

static void refuse_size(const struct otk_endpoint *e, struct capture *c)
{
    char reason[REASON_MAX];
    snprintf(reason, sizeof reason, "the body inflates to more than %zu bytes, the receiver's limit; send smaller batches",
             e->max_request_bytes);
    otk_endpoint_refuse(c, 413, reason);
}

static void judge(const struct otk_endpoint *e, struct capture *c, const char *coding, int rc, struct otk_fault *fault)
{
    otk_signal other;
    if (rc == OTK_EDATA) {
        refuse_data(e, c, coding, fault);
    } else if (rc == OTK_ELIMIT) {
        refuse_size(e, c);
    } else if (rc) {
        otk_endpoint_refuse(c, 503, "out of memory");
    } else if (c->pub.unknown_field_count && find_other_signal(e, c, coding, &other)) {
        *fault = (struct otk_fault){0};
        snprintf(fault->what, sizeof fault->what, "not a %s request", signal_names[c->pub.signal]);
        refuse_data(e, c, coding, fault);
    } else {
        accept(c);
    }
}

bool otk_endpoint_serve(const struct otk_endpoint *e, struct capture *c)
{
    struct otk_fault fault = {0};
    if (serve_page(e, c))
        return false;
    otk_endpoint_recognize(c);
    if (!c->pub.has_signal) {
        refuse_path(c);
        return true;
    }
    if (strcmp(c->pub.method, "POST")) {
        otk_endpoint_refuse(c, 405, "telemetry arrives by POST");
        return true;
    }
    const char *coding = otk_headers_get(&c->pub.headers, "Content-Encoding");
    if (c->pub.encoding == OTK_ENCODING_UNKNOWN)
        refuse_type(c);
    else if (otk_coding_of(coding) == OTK_CODING_UNKNOWN)
        refuse_coding(c, coding);
    else
        judge(e, c, coding, otk_capture_decode(c, coding, e->max_request_bytes, &fault), &fault);
    return true;
}
