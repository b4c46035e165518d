#include "json_view.h"

#include "view.h"

#include <jansson.h>

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
    struct otk_buffer text = otk_json_buffer(capture->message.size);
    json_t *tree = otk_json_append(&text, capture) ? NULL : load_tree(&text);
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
    if (all && otk_json_visit(rx, visit_tree, all)) {
        json_decref(all);
        all = NULL;
    }
    return all;
}
