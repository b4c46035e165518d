/* Captures as OTLP/JSON: to a stream, to memory, and as jansson's trees. */
#include "json.h"
#include "store.h"
#include "view.h"

#include <jansson.h>
#include <stdlib.h>

/* One byte of a message becomes 27 characters at most: a key such as "droppedAttributesCount" takes two. */
#define JSON_GROWTH 32
#define JSON_SLACK 1024

static struct otk_buffer buffer_for(size_t message_size)
{
    size_t limit =
        message_size > (SIZE_MAX - JSON_SLACK) / JSON_GROWTH ? SIZE_MAX : message_size * JSON_GROWTH + JSON_SLACK;
    return OTK_BUFFER_INIT(limit);
}

static int append(struct otk_buffer *out, const otk_capture *c)
{
    return otk_json_write(out, otk_schema((enum otk_message_id)c->signal), c->message.data, c->message.size);
}

static int append_line(struct otk_buffer *out, const otk_capture *c)
{
    if (!otk_capture_accepted(c))
        return 0;
    int rc = append(out, c);
    return rc ? rc : otk_buffer_byte(out, '\n');
}

int otk_capture_write_json(const otk_capture *capture, FILE *to)
{
    struct otk_buffer line = buffer_for(capture->message.size);
    int rc = append_line(&line, capture);
    if (!rc && line.size && fwrite(line.data, 1, line.size, to) != line.size)
        rc = OTK_ESYSTEM;
    otk_buffer_clear(&line);
    return rc;
}

typedef int visit_fn(const otk_capture *c, void *arg);

/* Visits the captures in order, holding on to each while it is looked at: the oldest may be dropped meanwhile. */
static int visit_all(otk_receiver *rx, visit_fn *visit, void *arg)
{
    struct otk_store *store = otk_receiver_store(rx);
    uint64_t number = 0;
    struct capture *c;
    int rc = 0;
    while (!rc && (c = otk_store_next(store, number))) {
        number = c->pub.number;
        rc = visit(&c->pub, arg);
        otk_capture_free(c);
    }
    return rc;
}

static int visit_file(const otk_capture *c, void *arg)
{
    return otk_capture_write_json(c, arg);
}

int otk_receiver_write_json(otk_receiver *rx, FILE *to)
{
    int rc = visit_all(rx, visit_file, to);
    return rc ? rc : fflush(to) ? OTK_ESYSTEM : 0;
}

static int visit_buffer(const otk_capture *c, void *arg)
{
    return append_line(arg, c);
}

char *otk_receiver_json(otk_receiver *rx, size_t *size)
{
    struct otk_buffer all = buffer_for(SIZE_MAX);
    if (visit_all(rx, visit_buffer, &all) || !otk_buffer_string(&all)) {
        otk_buffer_clear(&all);
        return NULL;
    }
    if (size)
        *size = all.size;
    return (char *)all.data;
}

/* ---- Trees ----------------------------------------------------------- */

/* The end of the number that starts at `p`, and whether it is an integer beyond what json_int_t surely holds. */
static const uint8_t *number_end(const uint8_t *p, const uint8_t *end, bool *wide)
{
    const uint8_t *start = p;
    bool integral = true;
    for (; p < end && strchr("+-.eE0123456789", *p) && *p; p++)
        integral = integral && !strchr(".eE", *p);
    *wide = integral && p - start > 18;
    return p;
}

static const uint8_t *string_end(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p < end ? p + 1 : end;
}

/* Doubles such as 1e20 are written as integers, which jansson refuses when they exceed its own. A fraction of zero
 * makes them reals without changing their value. */
static int mark_wide_numbers(struct otk_buffer *out, const struct otk_buffer *text)
{
    const uint8_t *p = text->data, *end = text->data + text->size;
    while (p < end && !out->failed) {
        bool wide = false;
        const uint8_t *next = *p == '"'                               ? string_end(p, end)
                              : *p == '-' || (*p >= '0' && *p <= '9') ? number_end(p, end, &wide)
                                                                      : p + 1;
        otk_buffer_append(out, p, (size_t)(next - p));
        if (wide)
            otk_buffer_text(out, ".0");
        p = next;
    }
    return out->failed;
}

static json_t *load_tree(const struct otk_buffer *text)
{
    json_error_t error;
    json_t *tree = json_loadb((const char *)text->data, text->size, JSON_ALLOW_NUL, &error);
    if (tree || json_error_code(&error) != json_error_numeric_overflow)
        return tree;
    struct otk_buffer marked = OTK_BUFFER_INIT(text->size * 2);
    if (!mark_wide_numbers(&marked, text))
        tree = json_loadb((const char *)marked.data, marked.size, JSON_ALLOW_NUL, &error);
    otk_buffer_clear(&marked);
    return tree;
}

json_t *otk_capture_json_tree(const otk_capture *capture)
{
    if (!otk_capture_accepted(capture))
        return NULL;
    struct otk_buffer text = buffer_for(capture->message.size);
    json_t *tree = append(&text, capture) ? NULL : load_tree(&text);
    otk_buffer_clear(&text);
    return tree;
}

static int visit_tree(const otk_capture *c, void *arg)
{
    if (!otk_capture_accepted(c))
        return 0;
    return json_array_append_new(arg, otk_capture_json_tree(c)) ? OTK_ENOMEM : 0;
}

json_t *otk_receiver_json_tree(otk_receiver *rx)
{
    json_t *all = json_array();
    if (all && visit_all(rx, visit_tree, all)) {
        json_decref(all);
        all = NULL;
    }
    return all;
}
