/* A whole request: what endpoints of several options answer, and everything that can be seen of it afterwards. The
 * input is like HTTP: a line "POST /v1/traces", lines "Name: value", an empty line, the body. */
#include "capture.h"
#include "endpoint.h"
#include "fuzz.h"
#include "inflate.h"
#include "look.h"
#include "oracle.h"

#define HEADERS_MAX 16
#define BODY_MAX ((size_t)1 << 20)

/* Cuts a line off; what stands before the newline, as a string of the capture's. */
static char *take_line(struct capture *c, const uint8_t **data, size_t *size)
{
    const uint8_t *newline = *size ? memchr(*data, '\n', *size) : NULL;
    size_t length = newline ? (size_t)(newline - *data) : *size;
    char *line = otk_arena_string(&c->arena, (const char *)*data, length);
    must(line != NULL);
    *data += length + (newline != NULL);
    *size -= length + (newline != NULL);
    return line;
}

/* Ends the string at `separator`; what stands behind it, without leading spaces. */
static char *split(char *line, char separator)
{
    char *at = strchr(line, separator);
    if (!at)
        return line + strlen(line);
    *at++ = '\0';
    return at + strspn(at, " ");
}

static void read_head(struct capture *c, const uint8_t **data, size_t *size)
{
    char *line = take_line(c, data, size);
    c->pub.target = split(line, ' ');
    c->pub.method = line;
    otk_header *headers = otk_arena_alloc(&c->arena, HEADERS_MAX * sizeof *headers);
    must(headers != NULL);
    while (c->pub.headers.count < HEADERS_MAX && *(line = take_line(c, data, size))) {
        const char *value = split(line, ':');
        headers[c->pub.headers.count++] = (otk_header){line, value};
    }
    c->pub.headers.items = headers;
}

/* An answer's body is what its headers say. */
static void check_body(const otk_capture *c)
{
    const char *type = otk_headers_get(&c->answer_headers, "Content-Type");
    struct otk_buffer plain = OTK_BUFFER_INIT(BODY_MAX);
    char what[128];
    must(type != NULL);
    must(otk_inflate(&plain, otk_coding_of(otk_headers_get(&c->answer_headers, "Content-Encoding")), c->answer.data,
                     c->answer.size, what) == 0);
    must(c->status < 400 || plain.size > 0);
    if (strcmp(type, "application/json") == 0)
        must_hold(oracle_is_json((const char *)plain.data, plain.size));
    else
        must_hold(oracle_is_message(c->status < 400 ? OTK_MESSAGE_TRACES_RESPONSE : OTK_MESSAGE_STATUS, plain.data,
                                    plain.size));
    otk_buffer_clear(&plain);
}

static void check_answer(const otk_capture *c)
{
    must(c->status == 200 || c->status == 204 || (c->status >= 400 && c->status < 500));
    must((c->status >= 400) == (*c->reason != '\0'));
    if (c->status == 204)
        must(c->answer.size == 0);
    else
        check_body(c);
}

static void serve(const otk_receiver_options *options, const uint8_t *data, size_t size)
{
    struct otk_endpoint endpoint = {0};
    struct capture *c = otk_capture_new();
    must(c != NULL && otk_endpoint_init(&endpoint, options, NULL) == 0);
    endpoint.url = "http://127.0.0.1:4318";
    read_head(c, &data, &size);
    must(otk_capture_reserve(c, size ? size : 1) == 0 && otk_buffer_append(&c->body, data, size) == 0);
    c->pub.body_size = size;
    otk_capture_end_body(c);
    enum otk_served served = otk_endpoint_serve(&endpoint, c);
    if (served != OTK_SERVED_QUESTION)
        check_answer(&c->pub);
    if (served == OTK_SERVED_TELEMETRY)
        look_at_capture(&c->pub);
    must(otk_capture_weight(c) >= size);
    otk_capture_free(c);
    otk_endpoint_clear(&endpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const otk_path paths[] = {{"/api/spans", OTK_SIGNAL_TRACES}, {"/", OTK_SIGNAL_LOGS}};
    otk_receiver_options usual = OTK_RECEIVER_OPTIONS_INIT;
    usual.max_request_bytes = BODY_MAX;
    otk_receiver_options strict = usual, guarded = usual;
    strict.strict = true;
    strict.max_response_bytes = 256;
    strict.paths = paths;
    strict.path_count = sizeof paths / sizeof *paths;
    guarded.authorization = "t";
    guarded.cors_origins = "http://a:*,https://*.b";
    serve(&usual, data, size);
    serve(&strict, data, size);
    serve(&guarded, data, size);
    return 0;
}
