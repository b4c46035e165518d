/* A span as its processors see it. */
#include "span.h"

/* Encoded when it is asked for. */
static otk_bytes message_of(otk_span *span)
{
    struct otk_buffer *b = &span->message;
    b->failed = 0;
    if (!b->size)
        otk_span_record_encode(otk_span_record_of(span), b);
    return (otk_bytes){b->data, b->size};
}

static const uint8_t *attributes_of(const otk_span *span)
{
    return span->attributes.bytes.data + span->attributes.from;
}

static const uint8_t *attributes_end(const otk_span *span)
{
    bool recording = atomic_load_explicit(&span->recording, memory_order_relaxed);
    const struct otk_buffer *b = &span->attributes.bytes;
    return recording ? b->data + b->size : attributes_of(span) + otk_span_record_of(span)->attributes_size;
}

/* With the lock. */
static bool is_readable(const otk_span *span)
{
    return span->shown || atomic_load_explicit(&span->recording, memory_order_relaxed);
}

static void read_span(otk_span *span, otk_span_data *out)
{
    const struct otk_span_start *start = &span->start;
    const char *name = (const char *)span->attributes.bytes.data + OTK_SPAN_HEAD;
    out->name = (otk_string){name, span->attributes.from - OTK_SPAN_HEAD};
    out->kind = (otk_span_kind)start->kind;
    out->start_time_unix_nano = start->time_unix_nano;
    if (start->has_parent)
        memcpy(out->parent_span_id, start->parent_span_id, sizeof out->parent_span_id);
    out->status = span->status;
    out->attribute_count = otk_draft_distinct(attributes_of(span), attributes_end(span));
    out->event_count = span->events.count;
    out->link_count = span->links.count;
    if (atomic_load_explicit(&span->recording, memory_order_relaxed))
        return;
    out->end_time_unix_nano = otk_span_record_of(span)->end_time_unix_nano;
    out->message = message_of(span);
}

void otk_span_read(otk_span *span, otk_span_data *out)
{
    if (out)
        memset(out, 0, sizeof *out);
    if (!span || !out || !otk_own_lock_take(&span->lock))
        return;
    if (is_readable(span))
        read_span(span, out);
    otk_own_lock_release(&span->lock);
}

static bool read_attribute(const otk_span *span, const otk_string *key, otk_value *out)
{
    struct otk_draft_item item;
    const uint8_t *at = otk_draft_find(attributes_of(span), attributes_end(span), key);
    if (at)
        otk_draft_read(at, &item);
    return at && otk_draft_value(&item, out);
}

bool otk_span_get_attribute(otk_span *span, const char *key, otk_value *out)
{
    const otk_string wanted = otk_string_of(key);
    if (!span || !key || !out || !otk_own_lock_take(&span->lock))
        return false;
    bool found = is_readable(span) && read_attribute(span, &wanted, out);
    otk_own_lock_release(&span->lock);
    return found;
}
