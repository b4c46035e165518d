#include "value.h"

#include "text.h"
#include "writer.h"

enum { KEY = 1, VALUE = 2, ANY_STRING = 1, ANY_ARRAY = 5, ANY_KVLIST = 6, ANY_BYTES = 7, LIST_VALUES = 1 };

static bool same_key(const otk_string *a, const otk_string *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Whether a later entry has the same key, and so replaces this one. */
static bool is_replaced(const otk_attributes *list, size_t i)
{
    for (size_t later = i + 1; later < list->count; later++)
        if (same_key(&list->items[i].key, &list->items[later].key))
            return true;
    return false;
}

/* Where a value goes. */
struct out {
    struct otk_buffer *b;
    struct otk_gaps gaps;
    size_t value_length;
};

static void write_any(struct out *o, const otk_value *value, unsigned depth);

static void write_array(struct out *o, const otk_array *array, unsigned depth)
{
    struct otk_open list = otk_write_begin(o->b, &o->gaps, ANY_ARRAY);
    for (size_t i = 0; i < array->count; i++) {
        struct otk_open item = otk_write_begin(o->b, &o->gaps, LIST_VALUES);
        write_any(o, &array->values[i], depth);
        otk_write_end(o->b, &o->gaps, item);
    }
    otk_write_end(o->b, &o->gaps, list);
}

static void write_pair(struct out *o, const otk_attribute *attribute, unsigned depth)
{
    struct otk_open pair = otk_write_begin(o->b, &o->gaps, LIST_VALUES);
    otk_text_write(o->b, KEY, attribute->key.data, attribute->key.size, SIZE_MAX);
    struct otk_open value = otk_write_begin(o->b, &o->gaps, VALUE);
    write_any(o, &attribute->value, depth);
    otk_write_end(o->b, &o->gaps, value);
    otk_write_end(o->b, &o->gaps, pair);
}

static void write_kvlist(struct out *o, const otk_attributes *list, unsigned depth)
{
    struct otk_open open = otk_write_begin(o->b, &o->gaps, ANY_KVLIST);
    for (size_t i = 0; i < list->count; i++)
        if (!is_replaced(list, i))
            write_pair(o, &list->items[i], depth);
    otk_write_end(o->b, &o->gaps, open);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void write_any(struct out *o, const otk_value *value, unsigned depth)
{
    switch (value->type) {
    case OTK_VALUE_STRING:
        otk_text_write(o->b, ANY_STRING, value->as.string_value.data, value->as.string_value.size, o->value_length);
        break;
    case OTK_VALUE_BYTES:
        otk_write_bytes(o->b, ANY_BYTES, value->as.bytes_value.data,
                        smaller(value->as.bytes_value.size, o->value_length));
        break;
    case OTK_VALUE_ARRAY:
        if (depth < OTK_VALUE_DEPTH_MAX)
            write_array(o, &value->as.array_value, depth + 1);
        break;
    case OTK_VALUE_KVLIST:
        if (depth < OTK_VALUE_DEPTH_MAX)
            write_kvlist(o, &value->as.kvlist_value, depth + 1);
        break;
    case OTK_VALUE_STRING_STRINDEX: /* an index into a table that only profiles have */
        break;
    default:
        otk_write_value(o->b, value);
    }
}

void otk_value_write(struct otk_buffer *b, unsigned number, const otk_value *value, size_t value_length)
{
    struct out o = {b, OTK_GAPS_INIT, value_length};
    struct otk_open open = otk_write_begin(b, &o.gaps, number);
    write_any(&o, value, 0);
    otk_write_end(b, &o.gaps, open);
    otk_write_finish(b, &o.gaps);
}

void otk_value_write_content(struct otk_buffer *b, const otk_value *value, size_t value_length)
{
    struct out o = {b, OTK_GAPS_INIT, value_length};
    write_any(&o, value, 0);
    otk_write_finish(b, &o.gaps);
}
