#include "view.h"

#include "schema.h"

#include <endian.h>

/* What becomes of a field's records. */
enum kind {
    TEXT,   /* const char *, "" when absent */
    STRING, /* otk_string, "" when absent */
    BYTES,  /* otk_bytes, pointing into the message */
    U64,
    I64,
    U32,
    I32,
    ZIGZAG, /* int32_t */
    BOOL,
    DOUBLE,
    NUMBERS, /* uint64_t or double, many */
    NESTED,  /* the struct of `shape`, in place */
    LIST     /* structs of `shape`, many */
};

/* One field of a message, and where it goes. */
struct slot {
    uint8_t number;
    uint8_t kind;
    uint16_t at;    /* offset of the member */
    uint16_t has;   /* offset of its has_… flag, or 0 */
    uint16_t count; /* NUMBERS and LIST: offset of the count */
    uint16_t tag_at;
    uint16_t tag; /* a oneof's member: the enumerator that goes to `tag_at`, or 0 */
    const struct shape *shape;
};

/* A message, and the struct it becomes. */
struct shape {
    size_t size;
    size_t slot_count;
    const struct slot *slots;
};

#define SHAPE(type, slots) {sizeof(type), sizeof(slots) / sizeof *(slots), slots}

#define FIELD(type, number, kind, member) {number, kind, offsetof(type, member), 0, 0, 0, 0, NULL}
#define FIELD_HAS(type, number, kind, member) \
    {number, kind, offsetof(type, member), offsetof(type, has_##member), 0, 0, 0, NULL}
#define FIELD_ONEOF(type, number, kind, member, tag_member, tag) \
    {number, kind, offsetof(type, member), 0, 0, offsetof(type, tag_member), tag, NULL}
#define FIELD_NUMBERS(type, number, member, count) \
    {number, NUMBERS, offsetof(type, member), 0, offsetof(type, count), 0, 0, NULL}
#define FIELD_LIST(type, number, member, count, shape) \
    {number, LIST, offsetof(type, member), 0, offsetof(type, count), 0, 0, shape}
#define FIELD_NESTED(type, number, member, has, shape) \
    {number, NESTED, offsetof(type, member), offsetof(type, has), 0, 0, 0, shape}
/* A message whose fields go into members of the struct that holds it. */
#define FIELD_INLINE(type, number, has, shape) {number, NESTED, 0, offsetof(type, has), 0, 0, 0, shape}
#define FIELD_INLINE_ONEOF(type, number, tag_member, tag, shape) \
    {number, NESTED, 0, 0, 0, offsetof(type, tag_member), tag, shape}

/* ---- Attributes and values ------------------------------------------- */

static const struct shape value_shape, attribute_shape;

static const struct slot array_slots[] = {
    FIELD_LIST(otk_value, 1, as.array_value.values, as.array_value.count, &value_shape),
};
static const struct shape array_shape = SHAPE(otk_value, array_slots);

static const struct slot kvlist_slots[] = {
    FIELD_LIST(otk_value, 1, as.kvlist_value.items, as.kvlist_value.count, &attribute_shape),
};
static const struct shape kvlist_shape = SHAPE(otk_value, kvlist_slots);

static const struct slot value_slots[] = {
    FIELD_ONEOF(otk_value, 1, STRING, as.string_value, type, OTK_VALUE_STRING),
    FIELD_ONEOF(otk_value, 2, BOOL, as.bool_value, type, OTK_VALUE_BOOL),
    FIELD_ONEOF(otk_value, 3, I64, as.int_value, type, OTK_VALUE_INT),
    FIELD_ONEOF(otk_value, 4, DOUBLE, as.double_value, type, OTK_VALUE_DOUBLE),
    FIELD_INLINE_ONEOF(otk_value, 5, type, OTK_VALUE_ARRAY, &array_shape),
    FIELD_INLINE_ONEOF(otk_value, 6, type, OTK_VALUE_KVLIST, &kvlist_shape),
    FIELD_ONEOF(otk_value, 7, BYTES, as.bytes_value, type, OTK_VALUE_BYTES),
    FIELD_ONEOF(otk_value, 8, I32, as.string_value_strindex, type, OTK_VALUE_STRING_STRINDEX),
};
static const struct shape value_shape = SHAPE(otk_value, value_slots);

static const struct slot attribute_slots[] = {
    FIELD(otk_attribute, 1, STRING, key),
    {2, NESTED, offsetof(otk_attribute, value), 0, 0, 0, 0, &value_shape},
};
static const struct shape attribute_shape = SHAPE(otk_attribute, attribute_slots);

#define FIELD_ATTRIBUTES(type, number, member) FIELD_LIST(type, number, member.items, member.count, &attribute_shape)

/* ---- Resource and scope ---------------------------------------------- */

static const struct slot resource_slots[] = {
    FIELD_ATTRIBUTES(otk_captured_resource, 1, attributes),
    FIELD_HAS(otk_captured_resource, 2, U32, dropped_attributes_count),
};
static const struct shape resource_shape = SHAPE(otk_captured_resource, resource_slots);

static const struct slot resource_envelope_slots[] = {
    FIELD_INLINE(otk_captured_resource, 1, present, &resource_shape),
    FIELD(otk_captured_resource, 3, STRING, schema_url),
};
static const struct shape resource_envelope_shape = SHAPE(otk_captured_resource, resource_envelope_slots);

static const struct slot scope_slots[] = {
    FIELD_HAS(otk_captured_scope, 1, STRING, name),
    FIELD_HAS(otk_captured_scope, 2, STRING, version),
    FIELD_ATTRIBUTES(otk_captured_scope, 3, attributes),
    FIELD_HAS(otk_captured_scope, 4, U32, dropped_attributes_count),
};
static const struct shape scope_shape = SHAPE(otk_captured_scope, scope_slots);

static const struct slot scope_envelope_slots[] = {
    FIELD_INLINE(otk_captured_scope, 1, present, &scope_shape),
    FIELD(otk_captured_scope, 3, STRING, schema_url),
};
static const struct shape scope_envelope_shape = SHAPE(otk_captured_scope, scope_envelope_slots);

/* ---- Spans ----------------------------------------------------------- */

static const struct slot event_slots[] = {
    FIELD_HAS(otk_captured_event, 1, U64, time_unix_nano),
    FIELD_HAS(otk_captured_event, 2, TEXT, name),
    FIELD_ATTRIBUTES(otk_captured_event, 3, attributes),
    FIELD_HAS(otk_captured_event, 4, U32, dropped_attributes_count),
};
static const struct shape event_shape = SHAPE(otk_captured_event, event_slots);

static const struct slot link_slots[] = {
    FIELD(otk_captured_link, 1, BYTES, trace_id),
    FIELD(otk_captured_link, 2, BYTES, span_id),
    FIELD_HAS(otk_captured_link, 3, TEXT, trace_state),
    FIELD_ATTRIBUTES(otk_captured_link, 4, attributes),
    FIELD_HAS(otk_captured_link, 5, U32, dropped_attributes_count),
    FIELD_HAS(otk_captured_link, 6, U32, flags),
};
static const struct shape link_shape = SHAPE(otk_captured_link, link_slots);

static const struct slot status_slots[] = {
    FIELD_HAS(otk_captured_span, 2, TEXT, status_message),
    FIELD_HAS(otk_captured_span, 3, I32, status_code),
};
static const struct shape status_shape = SHAPE(otk_captured_span, status_slots);

static const struct slot span_slots[] = {
    FIELD(otk_captured_span, 1, BYTES, trace_id),
    FIELD(otk_captured_span, 2, BYTES, span_id),
    FIELD_HAS(otk_captured_span, 3, TEXT, trace_state),
    FIELD(otk_captured_span, 4, BYTES, parent_span_id),
    FIELD_HAS(otk_captured_span, 5, TEXT, name),
    FIELD_HAS(otk_captured_span, 6, I32, kind),
    FIELD_HAS(otk_captured_span, 7, U64, start_time_unix_nano),
    FIELD_HAS(otk_captured_span, 8, U64, end_time_unix_nano),
    FIELD_ATTRIBUTES(otk_captured_span, 9, attributes),
    FIELD_HAS(otk_captured_span, 10, U32, dropped_attributes_count),
    FIELD_LIST(otk_captured_span, 11, events, event_count, &event_shape),
    FIELD_HAS(otk_captured_span, 12, U32, dropped_events_count),
    FIELD_LIST(otk_captured_span, 13, links, link_count, &link_shape),
    FIELD_HAS(otk_captured_span, 14, U32, dropped_links_count),
    FIELD_INLINE(otk_captured_span, 15, has_status, &status_shape),
    FIELD_HAS(otk_captured_span, 16, U32, flags),
};
static const struct shape span_shape = SHAPE(otk_captured_span, span_slots);

/* ---- Metrics --------------------------------------------------------- */

static const struct slot exemplar_slots[] = {
    FIELD_HAS(otk_captured_exemplar, 2, U64, time_unix_nano),
    FIELD_ONEOF(otk_captured_exemplar, 3, DOUBLE, value.as.double_value, value.type, OTK_VALUE_DOUBLE),
    FIELD(otk_captured_exemplar, 4, BYTES, span_id),
    FIELD(otk_captured_exemplar, 5, BYTES, trace_id),
    FIELD_ONEOF(otk_captured_exemplar, 6, I64, value.as.int_value, value.type, OTK_VALUE_INT),
    FIELD_ATTRIBUTES(otk_captured_exemplar, 7, filtered_attributes),
};
static const struct shape exemplar_shape = SHAPE(otk_captured_exemplar, exemplar_slots);

static const struct slot buckets_slots[] = {
    FIELD_HAS(otk_captured_buckets, 1, ZIGZAG, offset),
    FIELD_NUMBERS(otk_captured_buckets, 2, bucket_counts, bucket_count_size),
};
static const struct shape buckets_shape = SHAPE(otk_captured_buckets, buckets_slots);

static const struct slot quantile_slots[] = {
    FIELD_HAS(otk_captured_quantile, 1, DOUBLE, quantile),
    FIELD_HAS(otk_captured_quantile, 2, DOUBLE, value),
};
static const struct shape quantile_shape = SHAPE(otk_captured_quantile, quantile_slots);

static const struct slot number_point_slots[] = {
    FIELD_HAS(otk_captured_point, 2, U64, start_time_unix_nano),
    FIELD_HAS(otk_captured_point, 3, U64, time_unix_nano),
    FIELD_ONEOF(otk_captured_point, 4, DOUBLE, value.as.double_value, value.type, OTK_VALUE_DOUBLE),
    FIELD_LIST(otk_captured_point, 5, exemplars, exemplar_count, &exemplar_shape),
    FIELD_ONEOF(otk_captured_point, 6, I64, value.as.int_value, value.type, OTK_VALUE_INT),
    FIELD_ATTRIBUTES(otk_captured_point, 7, attributes),
    FIELD_HAS(otk_captured_point, 8, U32, flags),
};
static const struct shape number_point_shape = SHAPE(otk_captured_point, number_point_slots);

static const struct slot histogram_point_slots[] = {
    FIELD_HAS(otk_captured_point, 2, U64, start_time_unix_nano),
    FIELD_HAS(otk_captured_point, 3, U64, time_unix_nano),
    FIELD_HAS(otk_captured_point, 4, U64, count),
    FIELD_HAS(otk_captured_point, 5, DOUBLE, sum),
    FIELD_NUMBERS(otk_captured_point, 6, bucket_counts, bucket_count_size),
    FIELD_NUMBERS(otk_captured_point, 7, explicit_bounds, explicit_bound_size),
    FIELD_LIST(otk_captured_point, 8, exemplars, exemplar_count, &exemplar_shape),
    FIELD_ATTRIBUTES(otk_captured_point, 9, attributes),
    FIELD_HAS(otk_captured_point, 10, U32, flags),
    FIELD_HAS(otk_captured_point, 11, DOUBLE, min),
    FIELD_HAS(otk_captured_point, 12, DOUBLE, max),
};
static const struct shape histogram_point_shape = SHAPE(otk_captured_point, histogram_point_slots);

static const struct slot exponential_point_slots[] = {
    FIELD_ATTRIBUTES(otk_captured_point, 1, attributes),
    FIELD_HAS(otk_captured_point, 2, U64, start_time_unix_nano),
    FIELD_HAS(otk_captured_point, 3, U64, time_unix_nano),
    FIELD_HAS(otk_captured_point, 4, U64, count),
    FIELD_HAS(otk_captured_point, 5, DOUBLE, sum),
    FIELD_HAS(otk_captured_point, 6, ZIGZAG, scale),
    FIELD_HAS(otk_captured_point, 7, U64, zero_count),
    FIELD_NESTED(otk_captured_point, 8, positive, positive.present, &buckets_shape),
    FIELD_NESTED(otk_captured_point, 9, negative, negative.present, &buckets_shape),
    FIELD_HAS(otk_captured_point, 10, U32, flags),
    FIELD_LIST(otk_captured_point, 11, exemplars, exemplar_count, &exemplar_shape),
    FIELD_HAS(otk_captured_point, 12, DOUBLE, min),
    FIELD_HAS(otk_captured_point, 13, DOUBLE, max),
    FIELD_HAS(otk_captured_point, 14, DOUBLE, zero_threshold),
};
static const struct shape exponential_point_shape = SHAPE(otk_captured_point, exponential_point_slots);

static const struct slot summary_point_slots[] = {
    FIELD_HAS(otk_captured_point, 2, U64, start_time_unix_nano),
    FIELD_HAS(otk_captured_point, 3, U64, time_unix_nano),
    FIELD_HAS(otk_captured_point, 4, U64, count),
    FIELD_HAS(otk_captured_point, 5, DOUBLE, sum),
    FIELD_LIST(otk_captured_point, 6, quantile_values, quantile_value_count, &quantile_shape),
    FIELD_ATTRIBUTES(otk_captured_point, 7, attributes),
    FIELD_HAS(otk_captured_point, 8, U32, flags),
};
static const struct shape summary_point_shape = SHAPE(otk_captured_point, summary_point_slots);

#define FIELD_POINTS(shape) FIELD_LIST(otk_captured_metric, 1, points, point_count, shape)

/* Gauge, Sum … give their fields the same numbers; the schema knows which of them each has. */
#define METRIC_DATA(name, point_shape)                                        \
    static const struct slot name##_slots[] = {                               \
        FIELD_POINTS(&(point_shape)),                                         \
        FIELD_HAS(otk_captured_metric, 2, I32, aggregation_temporality),      \
        FIELD_HAS(otk_captured_metric, 3, BOOL, is_monotonic),                \
    };                                                                        \
    static const struct shape name##_shape = SHAPE(otk_captured_metric, name##_slots)

METRIC_DATA(number, number_point_shape);
METRIC_DATA(histogram, histogram_point_shape);
METRIC_DATA(exponential, exponential_point_shape);
METRIC_DATA(summary, summary_point_shape);

static const struct slot metric_slots[] = {
    FIELD_HAS(otk_captured_metric, 1, TEXT, name),
    FIELD_HAS(otk_captured_metric, 2, TEXT, description),
    FIELD_HAS(otk_captured_metric, 3, TEXT, unit),
    FIELD_INLINE_ONEOF(otk_captured_metric, 5, type, OTK_METRIC_TYPE_GAUGE, &number_shape),
    FIELD_INLINE_ONEOF(otk_captured_metric, 7, type, OTK_METRIC_TYPE_SUM, &number_shape),
    FIELD_INLINE_ONEOF(otk_captured_metric, 9, type, OTK_METRIC_TYPE_HISTOGRAM, &histogram_shape),
    FIELD_INLINE_ONEOF(otk_captured_metric, 10, type, OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM, &exponential_shape),
    FIELD_INLINE_ONEOF(otk_captured_metric, 11, type, OTK_METRIC_TYPE_SUMMARY, &summary_shape),
    FIELD_ATTRIBUTES(otk_captured_metric, 12, metadata),
};
static const struct shape metric_shape = SHAPE(otk_captured_metric, metric_slots);

/* ---- Log records ----------------------------------------------------- */

static const struct slot log_slots[] = {
    FIELD_HAS(otk_captured_log, 1, U64, time_unix_nano),
    FIELD_HAS(otk_captured_log, 2, I32, severity_number),
    FIELD_HAS(otk_captured_log, 3, TEXT, severity_text),
    FIELD_NESTED(otk_captured_log, 5, body, has_body, &value_shape),
    FIELD_ATTRIBUTES(otk_captured_log, 6, attributes),
    FIELD_HAS(otk_captured_log, 7, U32, dropped_attributes_count),
    FIELD_HAS(otk_captured_log, 8, U32, flags),
    FIELD(otk_captured_log, 9, BYTES, trace_id),
    FIELD(otk_captured_log, 10, BYTES, span_id),
    FIELD_HAS(otk_captured_log, 11, U64, observed_time_unix_nano),
    FIELD_HAS(otk_captured_log, 12, TEXT, event_name),
};
static const struct shape log_shape = SHAPE(otk_captured_log, log_slots);

/* ---- Filling --------------------------------------------------------- */

static int fill(struct otk_arena *arena, const struct shape *shape, const struct otk_message *type,
                struct otk_extent from, char *to);

static const struct slot *slot_of(const struct shape *shape, uint32_t number)
{
    for (size_t i = 0; i < shape->slot_count; i++)
        if (shape->slots[i].number == number)
            return &shape->slots[i];
    return NULL;
}

static struct otk_extent content(const struct otk_record *record)
{
    return (struct otk_extent){record->data, record->data + record->size};
}

static void put(char *to, const void *value, size_t size)
{
    memcpy(to, value, size);
}

#define PUT(to, type, value) put(to, &(type){value}, sizeof(type))

static int fill_string(struct otk_arena *arena, const struct slot *slot, const struct otk_record *record, char *to)
{
    const char *text = otk_arena_string(arena, (const char *)record->data, record->size);
    if (!text)
        return OTK_ENOMEM;
    if (slot->kind == TEXT)
        put(to, &text, sizeof text);
    else
        put(to, &(otk_string){text, record->size}, sizeof(otk_string));
    return 0;
}

static void fill_scalar(const struct slot *slot, uint64_t raw, char *to)
{
    switch (slot->kind) {
    case U64: PUT(to, uint64_t, raw); break;
    case I64: PUT(to, int64_t, (int64_t)raw); break;
    case U32: PUT(to, uint32_t, (uint32_t)raw); break;
    case I32: PUT(to, int32_t, (int32_t)(uint32_t)raw); break;
    case ZIGZAG: PUT(to, int32_t, otk_wire_zigzag32(raw)); break;
    case BOOL: PUT(to, bool, raw != 0); break;
    default: PUT(to, double, otk_wire_double(raw)); break;
    }
}

/* How many records of the field of `record` stand together from there on, and where they end. */
static size_t run_length(const struct otk_message *type, const struct otk_record *record, const uint8_t *p,
                         const uint8_t *end)
{
    size_t count = 1;
    struct otk_record next;
    while (p < end) {
        otk_wire_next(type, &p, &next);
        if (next.field != record->field)
            break;
        count++;
    }
    return count;
}

static int fill_list(struct otk_arena *arena, const struct slot *slot, const struct otk_message *type,
                     struct otk_record record, const uint8_t **p, const uint8_t *end, char *base)
{
    size_t count = run_length(type, &record, *p, end);
    char *items = otk_arena_alloc(arena, count * slot->shape->size);
    if (!items)
        return OTK_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (i)
            otk_wire_next(type, p, &record);
        int rc = fill(arena, slot->shape, record.field->message, content(&record), items + i * slot->shape->size);
        if (rc)
            return rc;
    }
    put(base + slot->at, &items, sizeof items);
    put(base + slot->count, &count, sizeof count);
    return 0;
}

static size_t number_count(const struct otk_record *record)
{
    if (record->wire_type != OTK_WIRE_LEN)
        return 1;
    if (record->field->wire_type == OTK_WIRE_I64)
        return record->size / 8;
    size_t count = 0;
    for (size_t i = 0; i < record->size; i++)
        count += record->data[i] < 0x80;
    return count;
}

/* uint64_t and double are both 8 bytes of the same order, so one copy serves them. */
static uint64_t *copy_numbers(const struct otk_record *record, uint64_t *to)
{
    if (record->wire_type != OTK_WIRE_LEN) {
        *to++ = record->scalar;
        return to;
    }
    const uint8_t *p = record->data, *end = record->data + record->size;
    while (p < end) {
        if (record->field->wire_type == OTK_WIRE_I64) {
            memcpy(to, p, 8);
            *to = le64toh(*to);
            to++;
            p += 8;
        } else {
            *to++ = otk_wire_varint(&p);
        }
    }
    return to;
}

static int fill_numbers(struct otk_arena *arena, const struct slot *slot, const struct otk_message *type,
                        struct otk_record record, const uint8_t **p, const uint8_t *end, char *base)
{
    size_t records = run_length(type, &record, *p, end);
    struct otk_record each = record;
    const uint8_t *ahead = *p;
    size_t count = number_count(&record);
    for (size_t i = 1; i < records; i++) {
        otk_wire_next(type, &ahead, &each);
        count += number_count(&each);
    }
    uint64_t *numbers = otk_arena_alloc(arena, (count + !count) * sizeof *numbers);
    if (!numbers)
        return OTK_ENOMEM;
    uint64_t *to = copy_numbers(&record, numbers);
    for (size_t i = 1; i < records; i++) {
        otk_wire_next(type, p, &record);
        to = copy_numbers(&record, to);
    }
    put(base + slot->at, &numbers, sizeof numbers);
    put(base + slot->count, &count, sizeof count);
    return 0;
}

static int fill_slot(struct otk_arena *arena, const struct slot *slot, const struct otk_message *type,
                     const struct otk_record *record, const uint8_t **p, const uint8_t *end, char *base)
{
    char *to = base + slot->at;
    if (slot->has)
        PUT(base + slot->has, bool, true);
    if (slot->tag)
        PUT(base + slot->tag_at, unsigned, slot->tag);
    switch (slot->kind) {
    case TEXT:
    case STRING: return fill_string(arena, slot, record, to);
    case BYTES: put(to, &(otk_bytes){record->data, record->size}, sizeof(otk_bytes)); return 0;
    case NESTED: return fill(arena, slot->shape, record->field->message, content(record), to);
    case NUMBERS: return fill_numbers(arena, slot, type, *record, p, end, base);
    case LIST: return fill_list(arena, slot, type, *record, p, end, base);
    default: fill_scalar(slot, record->scalar, to); return 0;
    }
}

/* A oneof's members share their bytes, so all of them stay zero until one is set. */
static void fill_absent(const struct shape *shape, char *to)
{
    static const char *const empty = "";
    for (size_t i = 0; i < shape->slot_count; i++) {
        const struct slot *slot = &shape->slots[i];
        if (slot->tag)
            continue;
        if (slot->kind == TEXT || slot->kind == STRING)
            put(to + slot->at, &empty, sizeof empty);
        else if (slot->kind == NESTED)
            fill_absent(slot->shape, to + slot->at);
    }
}

/* Fills the zeroed struct `to`. How deep this goes is bounded by the reader (OTK_WIRE_DEPTH_MAX). */
static int fill(struct otk_arena *arena, const struct shape *shape, const struct otk_message *type,
                struct otk_extent from, char *to)
{
    fill_absent(shape, to);
    const uint8_t *p = from.data;
    while (p < from.end) {
        struct otk_record record;
        otk_wire_next(type, &p, &record);
        const struct slot *slot = record.field ? slot_of(shape, record.number) : NULL;
        int rc = slot ? fill_slot(arena, slot, type, &record, &p, from.end, to) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- Items and their envelopes --------------------------------------- */

struct item_kind {
    const struct shape *shape;
    size_t capture, resource, scope; /* offsets of the pointers to these */
};

#define ITEM_KIND(shape, type) {shape, offsetof(type, capture), offsetof(type, resource), offsetof(type, scope)}

static const struct item_kind item_kinds[OTK_SIGNAL_COUNT] = {
    [OTK_SIGNAL_TRACES] = ITEM_KIND(&span_shape, otk_captured_span),
    [OTK_SIGNAL_METRICS] = ITEM_KIND(&metric_shape, otk_captured_metric),
    [OTK_SIGNAL_LOGS] = ITEM_KIND(&log_shape, otk_captured_log),
};

/* The messages that stand inside one another: request, resource envelope, scope envelope, item. A request has field 1
 * only; an envelope holds what is inside as field 2, behind its resource or scope. */
static const struct otk_message *level(otk_signal signal, unsigned depth)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)signal);
    for (unsigned i = 0; i < depth; i++)
        type = type->fields[i == 0 ? 0 : 1].message;
    return type;
}

static void *build(const struct capture *c, struct otk_arena *arena, const struct shape *shape, unsigned depth,
                   uint32_t offset)
{
    char *to = otk_arena_alloc(arena, shape->size);
    struct otk_extent from = otk_wire_message(c->pub.message.data, offset);
    return to && fill(arena, shape, level(c->pub.signal, depth), from, to) == 0 ? to : NULL;
}

static otk_captured_resource *build_resource(const struct capture *c, struct otk_arena *arena, size_t place)
{
    otk_captured_resource *r = build(c, arena, &resource_envelope_shape, 1, c->index.resources[place].offset);
    if (!r)
        return NULL;
    const otk_value *name = otk_attributes_get(&r->attributes, "service.name");
    r->service_name = name && name->type == OTK_VALUE_STRING ? name->as.string_value.data : "";
    return r;
}

static otk_captured_scope *build_scope(const struct capture *c, struct otk_arena *arena, size_t place)
{
    return build(c, arena, &scope_envelope_shape, 2, c->index.scopes[place].offset);
}

static void *build_item(const struct capture *c, struct otk_arena *arena, size_t i,
                        const otk_captured_resource *resource, const otk_captured_scope *scope)
{
    const struct item_kind *kind = &item_kinds[c->pub.signal];
    char *item = build(c, arena, kind->shape, 3, c->index.items[i]);
    if (!item)
        return NULL;
    const otk_capture *pub = &c->pub;
    put(item + kind->capture, &pub, sizeof pub);
    put(item + kind->resource, &resource, sizeof resource);
    put(item + kind->scope, &scope, sizeof scope);
    return item;
}

/* ---- Looks that last ------------------------------------------------- */

/* What was built so far, by place in the index. */
struct views {
    otk_captured_resource **resources;
    otk_captured_scope **scopes;
    void **items;
};

static struct views *views_of(struct capture *c)
{
    if (c->views)
        return c->views;
    struct views *v = otk_arena_alloc(&c->arena, sizeof *v);
    if (!v)
        return NULL;
    v->resources = otk_arena_alloc(&c->arena, c->index.resource_count * sizeof *v->resources);
    v->scopes = otk_arena_alloc(&c->arena, c->index.scope_count * sizeof *v->scopes);
    v->items = otk_arena_alloc(&c->arena, c->index.item_count * sizeof *v->items);
    if (!v->resources || !v->scopes || !v->items)
        return NULL;
    return c->views = v;
}

static const void *look(struct capture *c, size_t i)
{
    struct views *v = views_of(c);
    if (!v || v->items[i])
        return v ? v->items[i] : NULL;
    size_t s = otk_index_scope_of(&c->index, i), r = c->index.scopes[s].resource;
    if (!v->resources[r])
        v->resources[r] = build_resource(c, &c->arena, r);
    if (!v->scopes[s])
        v->scopes[s] = build_scope(c, &c->arena, s);
    if (!v->resources[r] || !v->scopes[s])
        return NULL;
    return v->items[i] = build_item(c, &c->arena, i, v->resources[r], v->scopes[s]);
}

static const void *item_at(const otk_capture *pub, otk_signal signal, size_t i)
{
    struct capture *c = otk_capture_of(pub);
    if (!pub->has_signal || pub->signal != signal || i >= c->index.item_count)
        return NULL;
    pthread_mutex_lock(&c->views_lock);
    const void *item = look(c, i);
    pthread_mutex_unlock(&c->views_lock);
    return item;
}

const otk_captured_span *otk_capture_span(const otk_capture *capture, size_t i)
{
    return item_at(capture, OTK_SIGNAL_TRACES, i);
}

const otk_captured_metric *otk_capture_metric(const otk_capture *capture, size_t i)
{
    return item_at(capture, OTK_SIGNAL_METRICS, i);
}

const otk_captured_log *otk_capture_log(const otk_capture *capture, size_t i)
{
    return item_at(capture, OTK_SIGNAL_LOGS, i);
}

/* ---- Looks in passing ------------------------------------------------ */

#define NOWHERE SIZE_MAX
#define ARENA_KEPT ((size_t)256 << 10) /* an arena below this is not worth freeing after each item */

void otk_walk_init(struct otk_walk *w, const struct capture *c)
{
    *w = (struct otk_walk){.capture = c, .resource_place = NOWHERE, .scope_place = NOWHERE};
}

static int enter_scope(struct otk_walk *w, size_t s)
{
    size_t r = w->capture->index.scopes[s].resource;
    if (r != w->resource_place) {
        otk_arena_clear(&w->resource_arena);
        w->resource = build_resource(w->capture, &w->resource_arena, r);
        w->resource_place = r;
    }
    if (s != w->scope_place) {
        otk_arena_clear(&w->scope_arena);
        w->scope = build_scope(w->capture, &w->scope_arena, s);
        w->scope_place = s;
    }
    return w->resource && w->scope ? 0 : OTK_ENOMEM;
}

const void *otk_walk_next(struct otk_walk *w)
{
    const struct otk_index *index = &w->capture->index;
    if (w->failed || w->next >= index->item_count)
        return NULL;
    if (w->item_arena.total > ARENA_KEPT)
        otk_arena_clear(&w->item_arena);
    w->failed = enter_scope(w, otk_index_scope_of(index, w->next));
    if (w->failed)
        return NULL;
    const void *item = build_item(w->capture, &w->item_arena, w->next++, w->resource, w->scope);
    w->failed = item ? 0 : OTK_ENOMEM;
    return item;
}

void otk_walk_clear(struct otk_walk *w)
{
    otk_arena_clear(&w->resource_arena);
    otk_arena_clear(&w->scope_arena);
    otk_arena_clear(&w->item_arena);
}
