#include "writer.h"

#include <stdlib.h>

static uint8_t *put_tag(uint8_t *to, unsigned number, enum otk_wire_type wire_type)
{
    return otk_varint_put(to, (uint64_t)number << 3 | wire_type);
}

static void put_done(struct otk_buffer *b, const uint8_t *end)
{
    b->size = (size_t)(end - b->data);
}

void otk_write_varint(struct otk_buffer *b, unsigned number, uint64_t value)
{
    uint8_t *to = otk_buffer_reserve(b, 2 * OTK_VARINT_MAX);
    if (to)
        put_done(b, otk_varint_put(put_tag(to, number, OTK_WIRE_VARINT), value));
}

void otk_write_fixed32(struct otk_buffer *b, unsigned number, uint32_t value)
{
    uint8_t *to = otk_buffer_reserve(b, OTK_VARINT_MAX + sizeof value);
    if (to)
        put_done(b, otk_fixed32_put(put_tag(to, number, OTK_WIRE_I32), value));
}

void otk_write_fixed64(struct otk_buffer *b, unsigned number, uint64_t value)
{
    uint8_t *to = otk_buffer_reserve(b, OTK_VARINT_MAX + sizeof value);
    if (to)
        put_done(b, otk_fixed64_put(put_tag(to, number, OTK_WIRE_I64), value));
}

void otk_write_double(struct otk_buffer *b, unsigned number, double value)
{
    uint64_t raw;
    memcpy(&raw, &value, sizeof raw);
    otk_write_fixed64(b, number, raw);
}

static void write_head(struct otk_buffer *b, unsigned number, size_t size)
{
    uint8_t *to = otk_buffer_reserve(b, 2 * OTK_VARINT_MAX);
    if (to)
        put_done(b, otk_varint_put(put_tag(to, number, OTK_WIRE_LEN), size));
}

void otk_write_bytes(struct otk_buffer *b, unsigned number, const void *data, size_t size)
{
    write_head(b, number, size);
    otk_buffer_append(b, data, size);
}

/* ---- Values ---------------------------------------------------------- */

/* Field numbers of AnyValue, KeyValue, ArrayValue and KeyValueList. */
enum {
    ANY_STRING = 1,
    ANY_BOOL = 2,
    ANY_INT = 3,
    ANY_DOUBLE = 4,
    ANY_ARRAY = 5,
    ANY_KVLIST = 6,
    ANY_BYTES = 7,
    ANY_STRING_STRINDEX = 8,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    LIST_VALUES = 1
};

static size_t record_size(size_t content)
{
    return 1 + otk_varint_size(content) + content;
}

static size_t attribute_size(const otk_attribute *attribute)
{
    return record_size(attribute->key.size) + record_size(otk_value_size(&attribute->value));
}

static size_t array_size(const otk_array *array)
{
    size_t size = 0;
    for (size_t i = 0; i < array->count; i++)
        size += record_size(otk_value_size(&array->values[i]));
    return size;
}

static size_t kvlist_size(const otk_attributes *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->count; i++)
        size += record_size(attribute_size(&list->items[i]));
    return size;
}

size_t otk_value_size(const otk_value *value)
{
    switch (value->type) {
    case OTK_VALUE_EMPTY:
        return 0;
    case OTK_VALUE_STRING:
        return record_size(value->as.string_value.size);
    case OTK_VALUE_BYTES:
        return record_size(value->as.bytes_value.size);
    case OTK_VALUE_BOOL:
        return 2;
    case OTK_VALUE_INT:
        return 1 + otk_varint_size((uint64_t)value->as.int_value);
    case OTK_VALUE_DOUBLE:
        return 9;
    case OTK_VALUE_ARRAY:
        return record_size(array_size(&value->as.array_value));
    case OTK_VALUE_KVLIST:
        return record_size(kvlist_size(&value->as.kvlist_value));
    case OTK_VALUE_STRING_STRINDEX:
        return 1 + otk_varint_size((uint64_t)(int64_t)value->as.string_value_strindex);
    }
    return 0;
}

void otk_write_attribute(struct otk_buffer *b, unsigned number, const otk_attribute *attribute)
{
    write_head(b, number, attribute_size(attribute));
    otk_write_bytes(b, KEY_VALUE_KEY, attribute->key.data, attribute->key.size);
    write_head(b, KEY_VALUE_VALUE, otk_value_size(&attribute->value));
    otk_write_value(b, &attribute->value);
}

static void write_array(struct otk_buffer *b, const otk_array *array)
{
    write_head(b, ANY_ARRAY, array_size(array));
    for (size_t i = 0; i < array->count; i++) {
        write_head(b, LIST_VALUES, otk_value_size(&array->values[i]));
        otk_write_value(b, &array->values[i]);
    }
}

static void write_kvlist(struct otk_buffer *b, const otk_attributes *list)
{
    write_head(b, ANY_KVLIST, kvlist_size(list));
    for (size_t i = 0; i < list->count; i++)
        otk_write_attribute(b, LIST_VALUES, &list->items[i]);
}

void otk_write_value(struct otk_buffer *b, const otk_value *value)
{
    switch (value->type) {
    case OTK_VALUE_EMPTY:
        break;
    case OTK_VALUE_STRING:
        otk_write_bytes(b, ANY_STRING, value->as.string_value.data, value->as.string_value.size);
        break;
    case OTK_VALUE_BYTES:
        otk_write_bytes(b, ANY_BYTES, value->as.bytes_value.data, value->as.bytes_value.size);
        break;
    case OTK_VALUE_BOOL:
        otk_write_varint(b, ANY_BOOL, value->as.bool_value);
        break;
    case OTK_VALUE_INT:
        otk_write_varint(b, ANY_INT, (uint64_t)value->as.int_value);
        break;
    case OTK_VALUE_DOUBLE:
        otk_write_double(b, ANY_DOUBLE, value->as.double_value);
        break;
    case OTK_VALUE_ARRAY:
        write_array(b, &value->as.array_value);
        break;
    case OTK_VALUE_KVLIST:
        write_kvlist(b, &value->as.kvlist_value);
        break;
    case OTK_VALUE_STRING_STRINDEX:
        otk_write_varint(b, ANY_STRING_STRINDEX, (uint64_t)(int64_t)value->as.string_value_strindex);
        break;
    }
}

/* ---- Gaps ------------------------------------------------------------ */

/* A gap is as long as the longest length prefix of a message below 4 GiB; the prefix is written at its start. */
#define GAP_SIZE 5

static bool add_gap(struct otk_gaps *gaps, size_t at)
{
    if (gaps->count == gaps->capacity) {
        size_t capacity = gaps->capacity ? 2 * gaps->capacity : 64;
        uint32_t *grown = realloc(gaps->at, capacity * sizeof *grown);
        if (!grown)
            return false;
        gaps->at = grown;
        gaps->capacity = capacity;
    }
    gaps->at[gaps->count++] = (uint32_t)at;
    return true;
}

struct otk_open otk_write_begin(struct otk_buffer *b, struct otk_gaps *gaps, unsigned number)
{
    struct otk_open open = {0, gaps->closed};
    uint8_t *to = otk_buffer_reserve(b, OTK_VARINT_MAX + GAP_SIZE);
    if (!to)
        return open;
    to = put_tag(to, number, OTK_WIRE_LEN);
    open.at = (size_t)(to - b->data);
    if (!add_gap(gaps, open.at))
        b->failed = OTK_ENOMEM;
    else
        put_done(b, to + GAP_SIZE);
    return open;
}

void otk_write_end(struct otk_buffer *b, struct otk_gaps *gaps, struct otk_open open)
{
    if (b->failed)
        return;
    /* What the gaps inside this message give back is not part of its size. */
    size_t size = b->size - open.at - GAP_SIZE - (gaps->closed - open.closed);
    otk_varint_put(b->data + open.at, size);
    gaps->closed += GAP_SIZE - otk_varint_size(size);
}

static size_t prefix_size(const uint8_t *prefix)
{
    size_t size = 1;
    while (*prefix++ & 0x80)
        size++;
    return size;
}

static void close_gaps(struct otk_buffer *b, const struct otk_gaps *gaps)
{
    uint8_t *to = b->data + gaps->at[0];
    for (size_t i = 0; i < gaps->count; i++) {
        const uint8_t *gap = b->data + gaps->at[i];
        size_t prefix = prefix_size(gap);
        const uint8_t *next = b->data + (i + 1 < gaps->count ? gaps->at[i + 1] : b->size);
        size_t content = (size_t)(next - gap) - GAP_SIZE;
        memmove(to, gap, prefix);
        memmove(to + prefix, gap + GAP_SIZE, content);
        to += prefix + content;
    }
    put_done(b, to);
}

int otk_write_finish(struct otk_buffer *b, struct otk_gaps *gaps)
{
    if (!b->failed && gaps->count)
        close_gaps(b, gaps);
    free(gaps->at);
    *gaps = OTK_GAPS_INIT;
    return b->failed;
}
