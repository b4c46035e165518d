/* A whole request: what the endpoint answers, and everything that can be seen of it afterwards. The input is like
 * HTTP: a line "POST /v1/traces", lines "Name: value", an empty line, the body. */
#include "capture.h"
#include "endpoint.h"
#include "fuzz.h"
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

static void check_answer(const otk_capture *c)
{
    if (c->status < 400) {
        must(c->status == 200 && !*c->reason);
    } else {
        must(c->status == 400 || c->status == 404 || c->status == 405 || c->status == 413 || c->status == 415);
        must(*c->reason && c->answer.size > 0);
    }
    must(c->answer_headers.count >= 1);
    if (strcmp(otk_headers_get(&c->answer_headers, "Content-Type"), "application/json") == 0)
        must_hold(oracle_is_json((const char *)c->answer.data, c->answer.size));
    else
        must_hold(oracle_is_message(c->status < 400 ? OTK_MESSAGE_TRACES_RESPONSE : OTK_MESSAGE_STATUS, c->answer.data,
                                    c->answer.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct otk_endpoint endpoint = {
        .max_request_bytes = BODY_MAX, .max_response_bytes = BODY_MAX, .url = "http://127.0.0.1:4318"};
    struct capture *c = otk_capture_new();
    must(c != NULL);
    read_head(c, &data, &size);
    must(otk_capture_reserve(c, size ? size : 1) == 0 && otk_buffer_append(&c->body, data, size) == 0);
    c->pub.body_size = size;
    otk_capture_end_body(c);
    bool kept = otk_endpoint_serve(&endpoint, c);
    check_answer(&c->pub);
    if (kept)
        look_at_capture(&c->pub);
    must(otk_capture_weight(c) >= size);
    otk_capture_free(c);
    return 0;
}
