/* A span as its processors see it, read back from its message. */
#include "span.h"

#include "wire.h"
#include "writer.h"

#include <endian.h>

enum { ANY_STRING = 1, ANY_BOOL = 2, ANY_INT = 3, ANY_DOUBLE = 4, ANY_ARRAY = 5, ANY_KVLIST = 6, ANY_BYTES = 7 };

/* Where the fixed part of the message has them, seen from the end's time: a tag of one byte before each. */
enum { START_BEFORE_END = 9, KIND_BEFORE_END = 11 };

static uint64_t read_fixed64(const uint8_t *at)
{
    uint64_t little;
    memcpy(&little, at, sizeof little);
    return le64toh(little);
}

/* The content of a record of text at `at`, behind its tag and length. */
static otk_string read_text(const uint8_t *at)
{
    at++;
    size_t size = (size_t)otk_wire_varint(&at);
    return (otk_string){(const char *)at, size};
}

static void read_message(const otk_span *span, otk_span_data *out)
{
    const struct otk_buffer *b = &span->attributes.bytes;
    const uint8_t *end = b->data + span->end_at;
    bool recording = atomic_load_explicit(&span->recording, memory_order_relaxed);
    out->name = read_text(b->data + span->name_at);
    out->kind = (otk_span_kind)end[-KIND_BEFORE_END];
    out->start_time_unix_nano = read_fixed64(end - START_BEFORE_END);
    out->end_time_unix_nano = recording ? 0 : read_fixed64(end);
    if (span->has_parent)
        memcpy(out->parent_span_id, span->parent_span_id, sizeof out->parent_span_id);
    out->status = span->status;
    out->attribute_count = span->attributes.count;
    out->event_count = span->events.count;
    out->link_count = span->links.count;
    if (!recording)
        out->message = (otk_bytes){b->data, b->size};
}

/* What did not record has no message, nor a lock. */
static bool was_recorded(const otk_span *span)
{
    return span->used && span->attributes.bytes.size;
}

void otk_span_read(otk_span *span, otk_span_data *out)
{
    if (out)
        memset(out, 0, sizeof *out);
    if (!span || !out || !was_recorded(span))
        return;
    otk_own_lock_take(&span->lock);
    read_message(span, out);
    otk_own_lock_release(&span->lock);
}

/* ---- Attributes ------------------------------------------------------ */

static bool read_value(const uint8_t *at, size_t size, otk_value *out)
{
    memset(out, 0, sizeof *out);
    if (!size)
        return true;
    unsigned number = *at >> 3;
    const uint8_t *content = at + 1;
    uint64_t raw;
    switch (number) {
    case ANY_STRING:
        out->type = OTK_VALUE_STRING;
        out->as.string_value = read_text(at);
        return true;
    case ANY_BYTES:
        out->type = OTK_VALUE_BYTES;
        out->as.bytes_value.size = (size_t)otk_wire_varint(&content);
        out->as.bytes_value.data = content;
        return true;
    case ANY_BOOL:
        out->type = OTK_VALUE_BOOL;
        out->as.bool_value = otk_wire_varint(&content) != 0;
        return true;
    case ANY_INT:
        out->type = OTK_VALUE_INT;
        out->as.int_value = (int64_t)otk_wire_varint(&content);
        return true;
    case ANY_DOUBLE:
        out->type = OTK_VALUE_DOUBLE;
        raw = read_fixed64(content);
        memcpy(&out->as.double_value, &raw, sizeof raw);
        return true;
    default:
        return false;
    }
}

static bool find(const struct otk_attribute_set *set, const char *key, otk_value *out)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < set->count; i++) {
        const struct otk_entry *entry = &set->entries[i];
        const uint8_t *at = set->bytes.data + entry->at + entry->key_at;
        if (entry->key_size != size || memcmp(at, key, size) != 0)
            continue;
        otk_string value = read_text(at + size);
        return read_value((const uint8_t *)value.data, value.size, out);
    }
    return false;
}

bool otk_span_get_attribute(otk_span *span, const char *key, otk_value *out)
{
    if (!span || !key || !out || !was_recorded(span))
        return false;
    otk_own_lock_take(&span->lock);
    bool found = find(&span->attributes, key, out);
    otk_own_lock_release(&span->lock);
    return found;
}
