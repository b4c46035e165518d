#include "span_record.h"

#include "draft.h"
#include "utf8.h"
#include "writer.h"

enum {
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_SPAN_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_DROPPED_ATTRIBUTES = 10,
    SPAN_FLAGS = 16,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
    ANY_STRING = 1,
    ANY_BOOL = 2,
    ANY_INT = 3,
    ANY_DOUBLE = 4,
    ANY_BYTES = 7
};

uint32_t otk_span_record_flags(uint8_t trace_flags, bool is_remote)
{
    return trace_flags | OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK |
           (is_remote ? OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK : 0);
}

/* ---- Pieces ---------------------------------------------------------- */

/* Of a varint; most are short. */
static inline size_t size_of(uint64_t number)
{
    return number < 0x80 ? 1 : otk_varint_size(number);
}

static uint8_t *put_tag(uint8_t *to, unsigned number, enum otk_wire_type type)
{
    return otk_varint_put(to, number << 3 | type);
}

static uint8_t *put_size(uint8_t *to, unsigned number, size_t size)
{
    return otk_varint_put(put_tag(to, number, OTK_WIRE_LEN), size);
}

static uint8_t *put_bytes(uint8_t *to, const void *data, size_t size)
{
    if (size)
        memcpy(to, data, size);
    return to + size;
}

static uint8_t *put_id(uint8_t *to, unsigned number, const uint8_t *id, size_t size)
{
    return put_bytes(put_size(to, number, size), id, size);
}

/* NULL when the text is not valid. */
static inline uint8_t *put_text(uint8_t *to, otk_string text)
{
    bool ascii = !(otk_text_copy_bits(to, text.data, text.size) & OTK_TEXT_HIGH_BITS);
    return ascii || otk_utf8_valid((const uint8_t *)text.data, text.size) == text.size ? to + text.size : NULL;
}

/* ---- Attributes ------------------------------------------------------ */

static uint64_t number_of(const struct otk_draft_item *item)
{
    uint64_t number = 0;
    memcpy(&number, item->content.data, item->content.size);
    return number;
}

/* Of the AnyValue. */
static inline size_t value_size(const struct otk_draft_item *item)
{
    switch (item->type) {
    case OTK_VALUE_STRING:
    case OTK_VALUE_BYTES:
        return 1 + size_of(item->content.size) + item->content.size;
    case OTK_VALUE_BOOL:
        return 2;
    case OTK_VALUE_INT:
        return 1 + size_of(number_of(item));
    case OTK_VALUE_DOUBLE:
        return 1 + sizeof(double);
    default:
        return item->content.size;
    }
}

static inline uint8_t *put_value(uint8_t *to, const struct otk_draft_item *item)
{
    const otk_bytes *content = &item->content;
    switch (item->type) {
    case OTK_VALUE_STRING:
        return put_text(put_size(to, ANY_STRING, content->size),
                        (otk_string){(const char *)content->data, content->size});
    case OTK_VALUE_BYTES:
        return put_bytes(put_size(to, ANY_BYTES, content->size), content->data, content->size);
    case OTK_VALUE_BOOL:
        return otk_varint_put(put_tag(to, ANY_BOOL, OTK_WIRE_VARINT), content->data[0]);
    case OTK_VALUE_INT:
        return otk_varint_put(put_tag(to, ANY_INT, OTK_WIRE_VARINT), number_of(item));
    case OTK_VALUE_DOUBLE:
        return otk_fixed64_put(put_tag(to, ANY_DOUBLE, OTK_WIRE_I64), number_of(item));
    default:
        return put_bytes(to, content->data, content->size);
    }
}

static inline uint8_t *put_attribute(uint8_t *to, const struct otk_draft_item *item)
{
    size_t size = value_size(item);
    size_t pair = 2 + size_of(item->key.size) + item->key.size + size_of(size) + size;
    to = put_text(put_size(put_size(to, SPAN_ATTRIBUTES, pair), PAIR_KEY, item->key.size), item->key);
    return to ? put_value(put_size(to, PAIR_VALUE, size), item) : NULL;
}

/* One bit for a key, not always another one. */
static uint64_t slot_of(const otk_string *key)
{
    return UINT64_C(1) << (((uint8_t)key->data[key->size - 1] + 7 * key->size) & 63);
}

static bool is_again(const struct otk_draft_item *item, const uint8_t *first, const uint8_t *at, uint64_t *slots)
{
    uint64_t slot = slot_of(&item->key);
    bool again = (*slots & slot) && otk_draft_find(first, at, &item->key);
    *slots |= slot;
    return again;
}

/* NULL when a text is not valid, or a key comes again. */
static uint8_t *put_attributes(uint8_t *to, const uint8_t *first, const uint8_t *end, bool keys_differ)
{
    uint64_t slots = 0;
    struct otk_draft_item item;
    for (const uint8_t *at = first, *next; at < end && to; at = next) {
        next = otk_draft_read(at, &item);
        to = !keys_differ && is_again(&item, first, at, &slots) ? NULL : put_attribute(to, &item);
    }
    return to;
}

/* ---- The span -------------------------------------------------------- */

/* Attributes take at most twice as many bytes encoded, all else that is not behind the record no more than this. */
enum { FRAME_BYTES = 160 };

static uint8_t *put_head(uint8_t *to, const struct otk_span_record *r, const uint8_t *name, const uint8_t *trace_state)
{
    to = put_id(to, SPAN_TRACE_ID, r->start.context.trace_id, sizeof r->start.context.trace_id);
    to = put_id(to, SPAN_SPAN_ID, r->start.context.span_id, sizeof r->start.context.span_id);
    if (r->trace_state_size)
        to = put_text(put_size(to, SPAN_TRACE_STATE, r->trace_state_size),
                      (otk_string){(const char *)trace_state, r->trace_state_size});
    if (to && r->start.has_parent)
        to = put_id(to, SPAN_PARENT_SPAN_ID, r->start.parent_span_id, sizeof r->start.parent_span_id);
    if (to)
        to = put_text(put_size(to, SPAN_NAME, r->name_size), (otk_string){(const char *)name, r->name_size});
    if (!to)
        return NULL;
    to = otk_varint_put(put_tag(to, SPAN_KIND, OTK_WIRE_VARINT), r->start.kind);
    to = otk_fixed64_put(put_tag(to, SPAN_START, OTK_WIRE_I64), r->start.time_unix_nano);
    return otk_fixed64_put(put_tag(to, SPAN_END, OTK_WIRE_I64), r->end_time_unix_nano);
}

/* False when something has to be repaired; then nothing is appended. */
static bool encode(const struct otk_span_record *r, const uint8_t *behind, struct otk_buffer *b)
{
    const uint8_t *attributes = behind + r->name_size;
    const uint8_t *trace_state = attributes + r->attributes_size;
    const uint8_t *rest = trace_state + r->trace_state_size;
    uint8_t *to = otk_buffer_reserve(b, FRAME_BYTES + r->name_size + 2 * (size_t)r->attributes_size +
                                            r->trace_state_size + r->rest_size);
    if (!to)
        return true;
    to = put_head(to, r, behind, trace_state);
    if (to)
        to = put_attributes(to, attributes, trace_state, r->keys_differ);
    if (!to)
        return false;
    if (r->dropped_attributes)
        to = otk_varint_put(put_tag(to, SPAN_DROPPED_ATTRIBUTES, OTK_WIRE_VARINT), r->dropped_attributes);
    to = put_bytes(to, rest, r->rest_size);
    to = put_tag(to, SPAN_FLAGS, OTK_WIRE_I32);
    to = otk_fixed32_put(to, otk_span_record_flags(r->start.context.trace_flags, r->start.parent_is_remote));
    b->size = (size_t)(to - b->data);
    return true;
}

/* Where there is room for it. */
static uint32_t append_text(struct otk_buffer *b, const uint8_t *text, size_t size)
{
    size_t repaired = otk_text_repair((char *)b->data + b->size, (const char *)text, size, OTK_TEXT_UNLIMITED);
    b->size += repaired;
    return (uint32_t)repaired;
}

/* A byte that is not valid becomes three. */
static size_t room_to_repair(const struct otk_span_record *r)
{
    return 3 * ((size_t)r->name_size + r->attributes_size + r->trace_state_size) + r->rest_size;
}

/* Encodes a copy that is as it should be. */
static void encode_repaired(const struct otk_span_record *r, struct otk_buffer *b)
{
    const struct otk_draft_limits none = otk_draft_limit(OTK_LIMITS_NONE);
    const uint8_t *name = (const uint8_t *)(r + 1), *attributes = name + r->name_size;
    const uint8_t *trace_state = attributes + r->attributes_size;
    struct otk_span_record copy = *r;
    struct otk_draft set = {.bytes = OTK_BUFFER_INIT(UINT32_MAX)};
    if (!otk_buffer_reserve(&set.bytes, room_to_repair(r))) {
        b->failed = set.bytes.failed;
        return;
    }
    copy.name_size = append_text(&set.bytes, name, r->name_size);
    otk_draft_begin(&set, &none);
    otk_draft_clean(&set, attributes, trace_state);
    copy.attributes_size = (uint32_t)(set.bytes.size - copy.name_size);
    copy.keys_differ = true;
    copy.trace_state_size = append_text(&set.bytes, trace_state, r->trace_state_size);
    otk_buffer_append(&set.bytes, trace_state + r->trace_state_size, r->rest_size);
    encode(&copy, set.bytes.data, b);
    otk_buffer_clear(&set.bytes);
}

void otk_span_record_encode(const struct otk_span_record *record, struct otk_buffer *b)
{
    if (!encode(record, (const uint8_t *)(record + 1), b))
        encode_repaired(record, b);
}

/* ---- A batch --------------------------------------------------------- */

/* What one of ordinary spans needs. */
#define KEPT_BYTES ((size_t)1 << 20)

int otk_span_records_encode(struct otk_buffer *b, struct otk_item *items, size_t count)
{
    if (b->capacity > KEPT_BYTES)
        otk_buffer_clear(b);
    b->size = 0;
    b->failed = 0;
    for (size_t i = 0; i < count; i++) {
        size_t before = b->size;
        otk_span_record_encode((const void *)items[i].data, b);
        items[i].size = b->size - before;
    }
    uint8_t *at = b->data; /* from now on it stays where it is */
    for (size_t i = 0; i < count && !b->failed; at += items[i++].size)
        items[i].data = at;
    return b->failed;
}
