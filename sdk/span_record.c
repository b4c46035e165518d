#include "span_record.h"

#include "draft.h"
#include "put.h"

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
    SPAN_FLAGS = 16
};

uint32_t otk_span_record_flags(uint8_t trace_flags, bool is_remote)
{
    return trace_flags | OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK |
           (is_remote ? OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK : 0);
}

/* ---- The span -------------------------------------------------------- */

static uint8_t *put_id(uint8_t *to, unsigned number, const uint8_t *id, size_t size)
{
    return otk_put_bytes(otk_put_size(to, number, size), id, size);
}

/* Attributes take at most twice as many bytes encoded, all else that is not behind the record no more than this. */
enum { FRAME_BYTES = 160 };

static uint8_t *put_head(uint8_t *to, const struct otk_span_record *r, const uint8_t *name, const uint8_t *trace_state)
{
    to = put_id(to, SPAN_TRACE_ID, r->start.context.trace_id, sizeof r->start.context.trace_id);
    to = put_id(to, SPAN_SPAN_ID, r->start.context.span_id, sizeof r->start.context.span_id);
    if (r->trace_state_size)
        to = otk_put_text(otk_put_size(to, SPAN_TRACE_STATE, r->trace_state_size),
                          (otk_string){(const char *)trace_state, r->trace_state_size});
    if (to && r->start.has_parent)
        to = put_id(to, SPAN_PARENT_SPAN_ID, r->start.parent_span_id, sizeof r->start.parent_span_id);
    if (to)
        to = otk_put_text(otk_put_size(to, SPAN_NAME, r->name_size), (otk_string){(const char *)name, r->name_size});
    if (!to)
        return NULL;
    to = otk_varint_put(otk_put_tag(to, SPAN_KIND, OTK_WIRE_VARINT), r->start.kind);
    to = otk_fixed64_put(otk_put_tag(to, SPAN_START, OTK_WIRE_I64), r->start.time_unix_nano);
    return otk_fixed64_put(otk_put_tag(to, SPAN_END, OTK_WIRE_I64), r->end_time_unix_nano);
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
        to = otk_draft_encode(to, SPAN_ATTRIBUTES, attributes, trace_state, r->keys_differ);
    if (!to)
        return false;
    if (r->dropped_attributes)
        to = otk_varint_put(otk_put_tag(to, SPAN_DROPPED_ATTRIBUTES, OTK_WIRE_VARINT), r->dropped_attributes);
    to = otk_put_bytes(to, rest, r->rest_size);
    to = otk_put_tag(to, SPAN_FLAGS, OTK_WIRE_I32);
    to = otk_fixed32_put(to, otk_span_record_flags(r->start.context.trace_flags, r->start.parent_is_remote));
    b->size = (size_t)(to - b->data);
    return true;
}

static uint32_t append_text(struct otk_buffer *b, const uint8_t *text, size_t size)
{
    size_t before = b->size;
    otk_text_append(b, (const char *)text, size, OTK_TEXT_UNLIMITED);
    return (uint32_t)(b->size - before);
}

/* A byte that is not valid becomes three. */
static size_t room_to_repair(const struct otk_span_record *r)
{
    return 3 * ((size_t)r->name_size + r->attributes_size + r->trace_state_size) + r->rest_size;
}

/* Encodes a copy that is as it should be. */
static void encode_repaired(const struct otk_span_record *r, struct otk_buffer *b)
{
    const uint8_t *name = (const uint8_t *)(r + 1), *attributes = name + r->name_size;
    const uint8_t *trace_state = attributes + r->attributes_size;
    struct otk_span_record copy = *r;
    struct otk_draft set = {.bytes = OTK_BUFFER_INIT(UINT32_MAX)};
    if (!otk_buffer_reserve(&set.bytes, room_to_repair(r))) {
        b->failed = set.bytes.failed;
        return;
    }
    copy.name_size = append_text(&set.bytes, name, r->name_size);
    otk_draft_begin(&set, &otk_draft_unlimited);
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

int otk_span_records_encode(struct otk_buffer *b, struct otk_item *items, size_t count)
{
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
