#include "match.h"

#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NOWHERE SIZE_MAX

/* Field numbers of OTLP (opentelemetry/proto/…/v1). */
enum {
    REQUEST_ENVELOPE = 1,
    ENVELOPE_HEAD = 1, /* resource, scope */
    ENVELOPE_ITEMS = 2,
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SCOPE_ATTRIBUTES = 3,
    SPAN_TRACE_ID = 1,
    SPAN_ID = 2,
    SPAN_PARENT_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_EVENTS = 11,
    SPAN_LINKS = 13,
    SPAN_STATUS = 15,
    STATUS_MESSAGE = 2,
    STATUS_CODE = 3,
    EVENT_TIME = 1,
    EVENT_NAME = 2,
    EVENT_ATTRIBUTES = 3,
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    LINK_ATTRIBUTES = 4,
    METRIC_NAME = 1,
    METRIC_DESCRIPTION = 2,
    METRIC_UNIT = 3,
    METRIC_METADATA = 12,
    DATA_POINTS = 1,
    DATA_TEMPORALITY = 2,
    DATA_MONOTONIC = 3,
    POINT_AS_DOUBLE = 4,
    POINT_AS_INT = 6,
    POINT_COUNT = 4,
    POINT_SUM = 5,
    POINT_SCALE = 6,
    POINT_ZERO_COUNT = 7,
    LOG_SEVERITY = 2,
    LOG_SEVERITY_TEXT = 3,
    LOG_BODY = 5,
    LOG_ATTRIBUTES = 6,
    LOG_TRACE_ID = 9,
    LOG_SPAN_ID = 10,
    LOG_EVENT_NAME = 12,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    LIST_VALUES = 1
};

/* ---- Values ---------------------------------------------------------- */

static const struct sel_value nil = {.type = SEL_NIL, .absent = true};

static struct sel_value number_value(enum sel_type type, int64_t i)
{
    return (struct sel_value){.type = (uint8_t)type, .as.i = i};
}

static struct sel_value double_value(double d)
{
    return (struct sel_value){.type = SEL_DOUBLE, .as.d = d};
}

static struct sel_value bool_value(bool b)
{
    return (struct sel_value){.type = SEL_BOOL, .as.b = b};
}

static struct sel_value text_value(enum sel_type type, const uint8_t *data, size_t size)
{
    return (struct sel_value){.type = (uint8_t)type, .as.s = {(const char *)data, size}};
}

static struct sel_value unsigned_value(uint64_t u)
{
    return u <= INT64_MAX ? number_value(SEL_INT, (int64_t)u) : double_value((double)u);
}

/* An AnyValue's content. */
static struct sel_value any_value(const struct otk_message *type, struct otk_extent any)
{
    static const uint8_t types[] = {[1] = SEL_STRING, [2] = SEL_BOOL, [3] = SEL_INT,  [4] = SEL_DOUBLE,
                                    [5] = SEL_ARRAY,  [6] = SEL_MAP,  [7] = SEL_BYTES};
    struct sel_value v = nil;
    for (const uint8_t *p = any.data; p < any.end;) {
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (!r.field || r.number >= sizeof types)
            continue;
        v = (struct sel_value){.type = types[r.number]};
        if (v.type == SEL_STRING || v.type == SEL_BYTES)
            v.as.s = (otk_string){(const char *)r.data, r.size};
        else if (v.type == SEL_ARRAY || v.type == SEL_MAP)
            v.as.any = (struct otk_extent){r.data, r.data + r.size};
        else if (v.type == SEL_BOOL)
            v.as.b = r.scalar != 0;
        else if (v.type == SEL_DOUBLE)
            v.as.d = otk_wire_double(r.scalar);
        else
            v.as.i = (int64_t)r.scalar;
    }
    return v;
}

struct key_value {
    const uint8_t *key;
    size_t key_size;
    struct otk_extent value;
};

static struct key_value read_key_value(const struct otk_message *type, const uint8_t *data, size_t size)
{
    struct key_value kv = {0};
    for (const uint8_t *p = data, *end = data + size; p < end;) {
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (r.field && r.number == KEY_VALUE_KEY) {
            kv.key = r.data;
            kv.key_size = r.size;
        } else if (r.field && r.number == KEY_VALUE_VALUE) {
            kv.value = (struct otk_extent){r.data, r.data + r.size};
        }
    }
    return kv;
}

static bool is_key(const struct key_value *kv, otk_string key)
{
    return kv->key_size == key.size && (!key.size || memcmp(kv->key, key.data, key.size) == 0);
}

/* The messages that all values are made of; the same wherever they stand. */
static const struct otk_message *type_inside(const struct otk_message *type, unsigned number)
{
    return type->number[number]->message;
}

static const struct otk_message *key_value_type(const struct otk_matcher *m)
{
    return type_inside(type_inside(m->resource_envelope, ENVELOPE_HEAD), RESOURCE_ATTRIBUTES);
}

static const struct otk_message *any_type(const struct otk_matcher *m)
{
    return type_inside(key_value_type(m), KEY_VALUE_VALUE);
}

static struct sel_value step_into(const struct otk_matcher *m, struct sel_value v, const struct sel_step *step)
{
    const struct otk_message *any = any_type(m), *list = type_inside(any, step->is_key ? 6 : 5);
    uint64_t place = 0;
    if (v.type != (step->is_key ? SEL_MAP : SEL_ARRAY))
        return nil;
    for (const uint8_t *p = v.as.any.data; p < v.as.any.end;) {
        struct otk_record r;
        otk_wire_next(list, &p, &r);
        if (!r.field || r.number != LIST_VALUES)
            continue;
        if (!step->is_key && place++ == step->index)
            return any_value(any, (struct otk_extent){r.data, r.data + r.size});
        if (!step->is_key)
            continue;
        struct key_value kv = read_key_value(key_value_type(m), r.data, r.size);
        if (is_key(&kv, step->key))
            return any_value(any, kv.value);
    }
    return nil;
}

static struct sel_value follow_steps(const struct otk_matcher *m, struct sel_value v, const struct sel_step *step)
{
    for (; step && v.type != SEL_NIL; step = step->next)
        v = step_into(m, v, step);
    return v;
}

/* ---- Reading a message ----------------------------------------------- */

struct reading {
    const struct otk_matcher *m;
    const struct otk_message *type;
    uint32_t attributes; /* the field number of its attributes */
    uint32_t scopes;     /* bits of the scopes that these attributes serve */
    bool of_parent;
};

#define SCOPE(scope) (1u << SEL_SCOPE_##scope)

static void keep_attribute(const struct reading *reading, const struct otk_record *r, struct match_values *to)
{
    const struct sel_selector *s = reading->m->selector;
    struct key_value kv = read_key_value(key_value_type(reading->m), r->data, r->size);
    for (size_t i = 0; i < s->field_count; i++) {
        const struct sel_field *f = s->fields[i];
        if (f->name || to->has[i] || f->of_parent != reading->of_parent || !(1u << f->scope & reading->scopes) ||
            !is_key(&kv, f->key))
            continue;
        to->has[i] = true;
        to->values[i] = follow_steps(reading->m, any_value(any_type(reading->m), kv.value), f->steps);
    }
}

/* Singular records are kept as they are; of repeated ones the first, behind which the others stand. */
static void read_message(const struct reading *reading, struct otk_extent from, struct match_message *to)
{
    to->seen = 0;
    memset(to->attributes.has, 0, reading->m->selector->field_count);
    for (const uint8_t *p = from.data; p < from.end;) {
        struct otk_record r;
        otk_wire_next(reading->type, &p, &r);
        if (!r.field || r.number >= MATCH_RECORDS)
            continue;
        if (r.number == reading->attributes) {
            keep_attribute(reading, &r, &to->attributes);
        } else if (!(to->seen & 1u << r.number)) {
            to->records[r.number] = r;
            to->seen |= 1u << r.number;
        }
    }
}

/* The resource or scope of an envelope. */
static struct otk_extent head_of(const struct otk_message *envelope, struct otk_extent from)
{
    for (const uint8_t *p = from.data; p < from.end;) {
        struct otk_record r;
        otk_wire_next(envelope, &p, &r);
        if (r.field && r.number == ENVELOPE_HEAD)
            return (struct otk_extent){r.data, r.data + r.size};
    }
    return (struct otk_extent){0};
}

static void read_head(struct otk_matcher *m, const struct otk_message *envelope, struct otk_extent from,
                      const struct reading *reading, struct match_message *to)
{
    struct otk_extent head = head_of(envelope, from);
    struct reading inside = *reading;
    inside.m = m;
    inside.type = type_inside(envelope, ENVELOPE_HEAD);
    read_message(&inside, head, to);
}

static void read_around(struct otk_matcher *m, struct match_item *to, const struct capture *c, size_t item,
                        bool of_parent)
{
    const uint8_t *bytes = c->pub.message.data;
    size_t scope = otk_index_scope_of(&c->index, item), resource = c->index.scopes[scope].resource;
    if (to->capture != c || to->resource_place != resource) {
        const struct reading reading = {NULL, NULL, RESOURCE_ATTRIBUTES, SCOPE(RESOURCE) | SCOPE(NONE), of_parent};
        read_head(m, m->resource_envelope, otk_wire_message(bytes, c->index.resources[resource].offset), &reading,
                  &to->resource);
    }
    if (to->capture != c || to->scope_place != scope) {
        const struct reading reading = {NULL, NULL, SCOPE_ATTRIBUTES, SCOPE(INSTRUMENTATION) | SCOPE(NONE), of_parent};
        read_head(m, m->scope_envelope, otk_wire_message(bytes, c->index.scopes[scope].offset), &reading, &to->scope);
    }
    to->capture = c;
    to->resource_place = resource;
    to->scope_place = scope;
}

static void load(struct otk_matcher *m, struct match_item *to, const struct capture *c, size_t item, bool of_parent)
{
    static const uint32_t attributes[] = {SPAN_ATTRIBUTES, METRIC_METADATA, LOG_ATTRIBUTES};
    otk_signal signal = m->selector->signal;
    uint32_t scopes = signal == OTK_SIGNAL_METRICS ? SCOPE(METADATA) : SCOPE(ITEM) | SCOPE(NONE);
    struct reading reading = {m, m->item_type, attributes[signal], scopes, of_parent};
    read_around(m, to, c, item, of_parent);
    to->extent = otk_wire_message(c->pub.message.data, c->index.items[item]);
    read_message(&reading, to->extent, &to->item);
}

/* ---- Metrics --------------------------------------------------------- */

/* Metric.data's members, in the order of enum otk_metric_type, and where each type's points have what. */
static const struct point_fields {
    uint8_t member, attributes, min, max;
} point_fields[] = {
    [OTK_METRIC_TYPE_GAUGE] = {5, 7, 0, 0},       [OTK_METRIC_TYPE_SUM] = {7, 7, 0, 0},
    [OTK_METRIC_TYPE_HISTOGRAM] = {9, 9, 11, 12}, [OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM] = {10, 1, 12, 13},
    [OTK_METRIC_TYPE_SUMMARY] = {11, 7, 0, 0},
};

#define METRIC_TYPES (sizeof point_fields / sizeof *point_fields)

static void open_metric(struct match_item *to, const struct otk_message *metric)
{
    to->metric_type = OTK_METRIC_TYPE_NONE;
    to->has_temporality = to->has_monotonic = to->monotonic = false;
    to->temporality = 0;
    to->data = (struct otk_extent){0};
    to->next_point = NULL;
    for (uint32_t type = 1; type < METRIC_TYPES; type++)
        if (to->item.seen & 1u << point_fields[type].member)
            to->metric_type = type;
    if (!to->metric_type)
        return;
    const struct otk_record *r = &to->item.records[point_fields[to->metric_type].member];
    to->data_type = type_inside(metric, r->number);
    to->next_point = r->data;
    to->data = (struct otk_extent){r->data, r->data + r->size};
    for (const uint8_t *p = to->data.data; p < to->data.end;) {
        struct otk_record inner;
        otk_wire_next(to->data_type, &p, &inner);
        if (inner.field && inner.number == DATA_TEMPORALITY) {
            to->has_temporality = true;
            to->temporality = inner.scalar;
        } else if (inner.field && inner.number == DATA_MONOTONIC) {
            to->has_monotonic = true;
            to->monotonic = inner.scalar != 0;
        }
    }
}

bool otk_matcher_next_point(struct otk_matcher *m)
{
    struct match_item *own = &m->own;
    while (own->next_point < own->data.end) {
        struct otk_record r;
        otk_wire_next(own->data_type, &own->next_point, &r);
        if (!r.field || r.number != DATA_POINTS)
            continue;
        struct reading reading = {m, type_inside(own->data_type, DATA_POINTS),
                                  point_fields[own->metric_type].attributes, SCOPE(ITEM) | SCOPE(NONE), false};
        read_message(&reading, (struct otk_extent){r.data, r.data + r.size}, &own->point);
        return true;
    }
    return false;
}

/* ---- Loading --------------------------------------------------------- */

int otk_matcher_init(struct otk_matcher *m, const struct sel_selector *s)
{
    memset(m, 0, sizeof *m);
    m->selector = s;
    m->resource_envelope = type_inside(otk_schema((enum otk_message_id)s->signal), REQUEST_ENVELOPE);
    m->scope_envelope = type_inside(m->resource_envelope, ENVELOPE_ITEMS);
    m->item_type = type_inside(m->scope_envelope, ENVELOPE_ITEMS);
    m->hex = calloc(OTK_SELECTOR_FIELDS_MAX, sizeof *m->hex);
    return m->hex ? 0 : OTK_ENOMEM;
}

void otk_matcher_clear(struct otk_matcher *m)
{
    free(m->hex);
    m->hex = NULL;
}

void otk_matcher_load(struct otk_matcher *m, const struct capture *c, size_t item)
{
    load(m, &m->own, c, item, false);
    if (m->selector->signal == OTK_SIGNAL_METRICS)
        open_metric(&m->own, m->item_type);
}

void otk_matcher_load_parent(struct otk_matcher *m, const struct capture *c, size_t item)
{
    m->has_parent = c;
    if (c)
        load(m, &m->parent, c, item, true);
}

/* ---- Intrinsics ------------------------------------------------------ */

static const struct otk_record *record(const struct match_message *message, uint32_t number)
{
    return message->seen & 1u << number ? &message->records[number] : NULL;
}

static struct sel_value text_of(const struct otk_record *r)
{
    struct sel_value v = r ? text_value(SEL_STRING, r->data, r->size) : text_value(SEL_STRING, (const uint8_t *)"", 0);
    v.absent = !r;
    return v;
}

static struct sel_value enum_of(enum sel_type type, const struct otk_record *r)
{
    struct sel_value v = number_value(type, r ? (int32_t)r->scalar : 0);
    v.absent = !r;
    return v;
}

/* Ids become hex in `room`; one that is empty is absent. */
static struct sel_value id_of(const struct otk_record *r, char *room)
{
    static const char digits[] = "0123456789abcdef";
    size_t size = r ? r->size : 0;
    if (size > MATCH_HEX_SIZE / 2)
        size = MATCH_HEX_SIZE / 2;
    for (size_t i = 0; i < size; i++) {
        room[2 * i] = digits[r->data[i] >> 4];
        room[2 * i + 1] = digits[r->data[i] & 15];
    }
    struct sel_value v = text_value(SEL_ID, (const uint8_t *)room, 2 * size);
    v.absent = !size;
    return v;
}

/* Some SDKs send a root's parent as eight zeros. */
static struct sel_value parent_of(const struct otk_record *r, char *room)
{
    static const uint8_t zeros[8];
    return id_of(r && r->size == sizeof zeros && !memcmp(r->data, zeros, sizeof zeros) ? NULL : r, room);
}

static struct sel_value duration_of(const struct match_message *span)
{
    const struct otk_record *start = record(span, SPAN_START), *end = record(span, SPAN_END);
    return start && end ? number_value(SEL_DURATION, (int64_t)(end->scalar - start->scalar)) : nil;
}

static struct sel_value status_of(const struct otk_matcher *m, const struct match_message *span, uint32_t number)
{
    const struct otk_record *r = record(span, SPAN_STATUS);
    struct otk_record found = {0};
    for (const uint8_t *p = r ? r->data : NULL, *end = r ? p + r->size : NULL; p < end;) {
        struct otk_record inner;
        otk_wire_next(type_inside(m->item_type, SPAN_STATUS), &p, &inner);
        if (inner.field && inner.number == number)
            found = inner;
    }
    return number == STATUS_CODE ? enum_of(SEL_STATUS, found.field ? &found : NULL)
                                 : text_of(found.field ? &found : NULL);
}

static struct sel_value span_intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    const struct match_message *span = &m->own.item;
    switch (f->name->id) {
    case SEL_NAME:
        return text_of(record(span, SPAN_NAME));
    case SEL_KIND_FIELD:
        return enum_of(SEL_KIND, record(span, SPAN_KIND));
    case SEL_STATUS_FIELD:
        return status_of(m, span, STATUS_CODE);
    case SEL_STATUS_MESSAGE:
        return status_of(m, span, STATUS_MESSAGE);
    case SEL_DURATION_FIELD:
        return duration_of(span);
    case SEL_TRACE_ID:
        return id_of(record(span, SPAN_TRACE_ID), m->hex[f->slot]);
    case SEL_SPAN_ID:
        return id_of(record(span, SPAN_ID), m->hex[f->slot]);
    case SEL_PARENT_ID:
    case SEL_PARENT_FIELD:
        return parent_of(record(span, SPAN_PARENT_ID), m->hex[f->slot]);
    default:
        return m->of_trace[f->slot];
    }
}

static struct sel_value number_point(const struct match_message *point)
{
    const struct otk_record *i = record(point, POINT_AS_INT), *d = record(point, POINT_AS_DOUBLE);
    return i ? number_value(SEL_INT, (int64_t)i->scalar) : d ? double_value(otk_wire_double(d->scalar)) : nil;
}

static struct sel_value double_of(const struct otk_record *r)
{
    return r ? double_value(otk_wire_double(r->scalar)) : nil;
}

static struct sel_value unsigned_of(const struct otk_record *r)
{
    return r ? unsigned_value(r->scalar) : nil;
}

static struct sel_value point_intrinsic(const struct match_item *own, uint8_t id)
{
    const struct match_message *point = &own->point;
    const struct point_fields *fields = &point_fields[own->metric_type];
    bool is_number = own->metric_type == OTK_METRIC_TYPE_GAUGE || own->metric_type == OTK_METRIC_TYPE_SUM;
    bool is_exponential = own->metric_type == OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM;
    if (id == SEL_VALUE)
        return is_number ? number_point(point) : nil;
    if (is_number)
        return nil;
    switch (id) {
    case SEL_COUNT:
        return unsigned_of(record(point, POINT_COUNT));
    case SEL_SUM:
        return double_of(record(point, POINT_SUM));
    case SEL_MIN:
        return fields->min ? double_of(record(point, fields->min)) : nil;
    case SEL_MAX:
        return fields->max ? double_of(record(point, fields->max)) : nil;
    case SEL_SCALE:
        return is_exponential && record(point, POINT_SCALE)
                   ? number_value(SEL_INT, otk_wire_zigzag32(record(point, POINT_SCALE)->scalar))
                   : nil;
    default:
        return is_exponential ? unsigned_of(record(point, POINT_ZERO_COUNT)) : nil;
    }
}

static struct sel_value metric_intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    const struct match_item *own = &m->own;
    struct sel_value v;
    switch (f->name->id) {
    case SEL_NAME:
        return text_of(record(&own->item, METRIC_NAME));
    case SEL_DESCRIPTION:
        return text_of(record(&own->item, METRIC_DESCRIPTION));
    case SEL_UNIT:
        return text_of(record(&own->item, METRIC_UNIT));
    case SEL_TYPE_FIELD:
        v = number_value(SEL_METRIC_TYPE, own->metric_type);
        v.absent = !own->metric_type;
        return v;
    case SEL_TEMPORALITY_FIELD:
        v = number_value(SEL_TEMPORALITY, (int32_t)own->temporality);
        v.absent = !own->has_temporality;
        return v;
    case SEL_MONOTONIC:
        v = bool_value(own->monotonic);
        v.absent = !own->has_monotonic;
        return v;
    default:
        return point_intrinsic(own, f->name->id);
    }
}

static struct sel_value log_intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    const struct match_message *log = &m->own.item;
    const struct otk_record *r;
    switch (f->name->id) {
    case SEL_SEVERITY_FIELD:
        return enum_of(SEL_SEVERITY, record(log, LOG_SEVERITY));
    case SEL_SEVERITY_TEXT:
        return text_of(record(log, LOG_SEVERITY_TEXT));
    case SEL_EVENT_NAME_FIELD:
        return text_of(record(log, LOG_EVENT_NAME));
    case SEL_TRACE_ID:
        return id_of(record(log, LOG_TRACE_ID), m->hex[f->slot]);
    case SEL_SPAN_ID:
        return id_of(record(log, LOG_SPAN_ID), m->hex[f->slot]);
    default:
        r = record(log, LOG_BODY);
        return r ? follow_steps(m, any_value(any_type(m), (struct otk_extent){r->data, r->data + r->size}), f->steps)
                 : nil;
    }
}

void otk_matcher_forget(struct otk_matcher *m)
{
    m->own.capture = m->parent.capture = NULL;
}

otk_bytes otk_matcher_id(const struct otk_matcher *m, enum sel_intrinsic which)
{
    const struct otk_record *r = record(&m->own.item, which == SEL_TRACE_ID  ? SPAN_TRACE_ID
                                                      : which == SEL_SPAN_ID ? SPAN_ID
                                                                             : SPAN_PARENT_ID);
    return r ? (otk_bytes){r->data, r->size} : (otk_bytes){0};
}

uint64_t otk_matcher_time(const struct otk_matcher *m, bool end)
{
    const struct otk_record *r = record(&m->own.item, end ? SPAN_END : SPAN_START);
    return r ? r->scalar : 0;
}

struct sel_value otk_matcher_name_of(const struct otk_matcher *m, const struct capture *c, size_t item)
{
    struct otk_extent from = otk_wire_message(c->pub.message.data, c->index.items[item]);
    for (const uint8_t *p = from.data; p < from.end;) {
        struct otk_record r;
        otk_wire_next(m->item_type, &p, &r);
        if (r.field && r.number == SPAN_NAME)
            return text_of(&r);
    }
    return nil;
}

struct sel_value otk_matcher_service_of(const struct otk_matcher *m, const struct capture *c, size_t item)
{
    static const otk_string key = {"service.name", 12};
    const struct otk_message *resource = type_inside(m->resource_envelope, ENVELOPE_HEAD);
    size_t place = c->index.scopes[otk_index_scope_of(&c->index, item)].resource;
    struct otk_extent head =
        head_of(m->resource_envelope, otk_wire_message(c->pub.message.data, c->index.resources[place].offset));
    for (const uint8_t *p = head.data; p < head.end;) {
        struct otk_record r;
        otk_wire_next(resource, &p, &r);
        if (!r.field || r.number != RESOURCE_ATTRIBUTES)
            continue;
        struct key_value kv = read_key_value(key_value_type(m), r.data, r.size);
        if (is_key(&kv, key))
            return any_value(any_type(m), kv.value);
    }
    return nil;
}

/* ---- Events and links ------------------------------------------------ */

static bool is_of_event(const struct sel_field *f)
{
    return f->name ? f->name->id == SEL_EVENT_NAME || f->name->id == SEL_EVENT_TIME : f->scope == SEL_SCOPE_EVENT;
}

static bool is_of_link(const struct sel_field *f)
{
    return f->name ? f->name->id == SEL_LINK_TRACE_ID || f->name->id == SEL_LINK_SPAN_ID : f->scope == SEL_SCOPE_LINK;
}

static struct sel_value event_time(const struct otk_matcher *m, const struct otk_record *r)
{
    const struct otk_record *start = record(&m->own.item, SPAN_START);
    return r && start ? number_value(SEL_DURATION, (int64_t)(r->scalar - start->scalar)) : nil;
}

/* What one event or link has for the field. */
static struct sel_value value_in(struct otk_matcher *m, const struct sel_field *f, const struct otk_message *type,
                                 struct otk_extent from, bool event)
{
    static const uint8_t numbers[] = {[SEL_EVENT_NAME] = EVENT_NAME,
                                      [SEL_EVENT_TIME] = EVENT_TIME,
                                      [SEL_LINK_TRACE_ID] = LINK_TRACE_ID,
                                      [SEL_LINK_SPAN_ID] = LINK_SPAN_ID};
    uint32_t wanted = f->name ? numbers[f->name->id] : event ? EVENT_ATTRIBUTES : LINK_ATTRIBUTES;
    for (const uint8_t *p = from.data; p < from.end;) {
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (!r.field || r.number != wanted)
            continue;
        if (f->name)
            return f->name->id == SEL_EVENT_NAME   ? text_of(&r)
                   : f->name->id == SEL_EVENT_TIME ? event_time(m, &r)
                                                   : id_of(&r, m->hex[f->slot]);
        struct key_value kv = read_key_value(key_value_type(m), r.data, r.size);
        if (is_key(&kv, f->key))
            return follow_steps(m, any_value(any_type(m), kv.value), f->steps);
    }
    return nil;
}

/* Goes through the events or links that have the field: *p is where it stands, NULL at first. */
static bool next_of_many(struct otk_matcher *m, const struct sel_field *f, bool event, const uint8_t **p,
                         struct sel_value *out)
{
    uint32_t number = event ? SPAN_EVENTS : SPAN_LINKS;
    const struct otk_record *first = record(&m->own.item, number);
    if (!first)
        return false;
    const struct otk_message *type = type_inside(m->item_type, number);
    struct otk_record r = *first;
    if (!*p)
        *p = r.data + r.size;
    else if (*p < m->own.extent.end)
        otk_wire_next(m->item_type, p, &r);
    else
        return false;
    for (;;) {
        if (r.field && r.number == number) {
            *out = value_in(m, f, type, (struct otk_extent){r.data, r.data + r.size}, event);
            if (out->type != SEL_NIL)
                return true;
        }
        if (*p >= m->own.extent.end)
            return false;
        otk_wire_next(m->item_type, p, &r);
    }
}

/* `b` tells an unscoped name's events from its links. */
static struct sel_value many(struct otk_matcher *m, const struct sel_field *f, bool event)
{
    const uint8_t *p = NULL;
    struct sel_value first;
    if (!next_of_many(m, f, event, &p, &first))
        return nil;
    return (struct sel_value){.type = SEL_MANY, .absent = !event, .as.many = f};
}

static bool each_of_many(struct otk_matcher *m, const struct sel_value *v, const uint8_t **p, struct sel_value *out)
{
    return next_of_many(m, v->as.many, !v->absent, p, out);
}

struct sel_value otk_matcher_single(struct otk_matcher *m, struct sel_value v)
{
    const uint8_t *p = NULL;
    struct sel_value first;
    if (v.type != SEL_MANY)
        return v;
    return each_of_many(m, &v, &p, &first) ? first : nil;
}

/* ---- Fields ---------------------------------------------------------- */

static struct sel_value intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    if (f->name->id == SEL_SCOPE_NAME || f->name->id == SEL_SCOPE_VERSION)
        return text_of(record(&m->own.scope, f->name->id == SEL_SCOPE_NAME ? SCOPE_NAME : SCOPE_VERSION));
    if (is_of_event(f) || is_of_link(f))
        return many(m, f, is_of_event(f));
    switch (m->selector->signal) {
    case OTK_SIGNAL_TRACES:
        return span_intrinsic(m, f);
    case OTK_SIGNAL_METRICS:
        return metric_intrinsic(m, f);
    default:
        return log_intrinsic(m, f);
    }
}

/* Unscoped names are looked for in the order that TraceQL has: the item, its resource, events, links, scope. */
static struct sel_value attribute(struct otk_matcher *m, const struct sel_field *f)
{
    const struct match_item *from = f->of_parent ? &m->parent : &m->own;
    const struct match_message *item =
        m->selector->signal == OTK_SIGNAL_METRICS && f->scope != SEL_SCOPE_METADATA ? &from->point : &from->item;
    const struct match_message *const places[] = {item, &from->resource, &from->scope};
    bool is_unscoped_span = f->scope == SEL_SCOPE_NONE && m->selector->signal == OTK_SIGNAL_TRACES && !f->of_parent;
    if (f->of_parent && !m->has_parent)
        return nil;
    if (is_of_event(f) || is_of_link(f))
        return many(m, f, is_of_event(f));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (i == 2 && is_unscoped_span)
            for (int event = 1; event >= 0; event--) {
                struct sel_value v = many(m, f, event);
                if (v.type != SEL_NIL)
                    return v;
            }
        if (places[i]->attributes.has[f->slot])
            return places[i]->attributes.values[f->slot];
    }
    return nil;
}

/* ---- Comparing ------------------------------------------------------- */

bool otk_sel_is_number(const struct sel_value *v)
{
    return v->type == SEL_INT || v->type == SEL_DOUBLE || v->type == SEL_DURATION;
}

double otk_sel_number(const struct sel_value *v)
{
    return v->type == SEL_DOUBLE ? v->as.d : (double)v->as.i;
}

/* -1, 0, 1; 2 when one of them is no number. Integers beyond 2^53 differ from doubles next to them. */
static int compare_numbers(const struct sel_value *a, const struct sel_value *b)
{
    if (a->type != SEL_DOUBLE && b->type != SEL_DOUBLE)
        return (a->as.i > b->as.i) - (a->as.i < b->as.i);
    long double x = a->type == SEL_DOUBLE ? (long double)a->as.d : (long double)a->as.i;
    long double y = b->type == SEL_DOUBLE ? (long double)b->as.d : (long double)b->as.i;
    return x != x || y != y ? 2 : (x > y) - (x < y);
}

static int compare_texts(const struct sel_value *a, const struct sel_value *b)
{
    size_t n = a->as.s.size < b->as.s.size ? a->as.s.size : b->as.s.size;
    int order = n ? memcmp(a->as.s.data, b->as.s.data, n) : 0;
    return order ? (order > 0) - (order < 0) : (a->as.s.size > b->as.s.size) - (a->as.s.size < b->as.s.size);
}

static bool is_text(const struct sel_value *v)
{
    return v->type == SEL_STRING || v->type == SEL_ID;
}

static bool is_enum(const struct sel_value *v)
{
    return v->type >= SEL_STATUS && v->type <= SEL_SEVERITY;
}

#define INCOMPARABLE 3

static int order(const struct sel_value *a, const struct sel_value *b)
{
    bool same_enum = is_enum(a) && a->type == b->type;
    bool severity = (a->type == SEL_SEVERITY && b->type == SEL_INT) || (a->type == SEL_INT && b->type == SEL_SEVERITY);
    if (otk_sel_is_number(a) && otk_sel_is_number(b))
        return compare_numbers(a, b);
    if (is_text(a) && is_text(b))
        return compare_texts(a, b);
    if (same_enum || severity)
        return (a->as.i > b->as.i) - (a->as.i < b->as.i);
    if (a->type == SEL_BOOL && b->type == SEL_BOOL)
        return a->as.b - b->as.b;
    return INCOMPARABLE;
}

/* An array on the wire against one that the selector writes out: element by element. */
static bool equals_list(struct otk_matcher *m, const struct sel_value *array, const struct sel_node *list)
{
    const struct otk_message *any = any_type(m), *type = type_inside(any, 5);
    for (const uint8_t *p = array->as.any.data; p < array->as.any.end;) {
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (!r.field || r.number != LIST_VALUES)
            continue;
        struct sel_value v = any_value(any, (struct otk_extent){r.data, r.data + r.size});
        if (!list || order(&v, &list->value) != 0)
            return false;
        list = list->next;
    }
    return !list;
}

static bool order_holds(uint8_t op, int order)
{
    switch (op) {
    case SEL_OP_EQ:
        return order == 0;
    case SEL_OP_NE:
        return order != 0;
    case SEL_OP_LT:
        return order == -1;
    case SEL_OP_LE:
        return order == -1 || order == 0;
    case SEL_OP_GT:
        return order == 1;
    default:
        return order == 1 || order == 0;
    }
}

static bool match_pattern(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *v)
{
    if (!is_text(v))
        return false;
    int rc = otk_regex_match(n->regex, v->as.s);
    if (rc < 0)
        m->failed = rc;
    return rc >= 0 && (rc == 1) == (n->op == SEL_OP_MATCH);
}

static bool compare_single(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *a,
                           const struct sel_value *b)
{
    if (n->regex)
        return match_pattern(m, n, a);
    int o = order(a, b);
    return o != INCOMPARABLE && order_holds(n->op, o);
}

static bool compare(struct otk_matcher *m, const struct sel_node *n, struct sel_value a, struct sel_value b);

/* TraceQL: an array fits when any of its elements does; for != and !~ when all do. */
static bool compare_elements(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *array,
                             const struct sel_value *other, bool turned)
{
    const struct otk_message *any = any_type(m), *type = type_inside(any, 5);
    bool all = n->op == SEL_OP_NE || n->op == SEL_OP_NO_MATCH;
    for (const uint8_t *p = array->as.any.data; p < array->as.any.end;) {
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (!r.field || r.number != LIST_VALUES)
            continue;
        struct sel_value v = any_value(any, (struct otk_extent){r.data, r.data + r.size});
        if (compare_single(m, n, turned ? other : &v, turned ? &v : other) != all)
            return !all;
    }
    return all;
}

static bool compare_many(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *values,
                         const struct sel_value *other, bool turned)
{
    const uint8_t *p = NULL;
    struct sel_value v;
    while (each_of_many(m, values, &p, &v))
        if (turned ? compare(m, n, *other, v) : compare(m, n, v, *other))
            return true;
    return false;
}

static bool compare(struct otk_matcher *m, const struct sel_node *n, struct sel_value a, struct sel_value b)
{
    if (a.type == SEL_NIL || b.type == SEL_NIL)
        return false;
    if (a.type == SEL_MANY && b.type == SEL_MANY) /* each with each would be quadratic */
        b = otk_matcher_single(m, b);
    if (a.type == SEL_MANY)
        return compare_many(m, n, &a, &b, false);
    if (b.type == SEL_MANY)
        return compare_many(m, n, &b, &a, true);
    if (a.type == SEL_ARRAY && b.type == SEL_LIST)
        return equals_list(m, &a, b.as.list) == (n->op == SEL_OP_EQ);
    if (a.type == SEL_LIST && b.type == SEL_ARRAY)
        return equals_list(m, &b, a.as.list) == (n->op == SEL_OP_EQ);
    if (a.type == SEL_ARRAY && b.type == SEL_ARRAY)
        return false;
    if (a.type == SEL_ARRAY)
        return compare_elements(m, n, &a, &b, false);
    if (b.type == SEL_ARRAY)
        return compare_elements(m, n, &b, &a, true);
    return compare_single(m, n, &a, &b);
}

/* ---- Expressions ----------------------------------------------------- */

static struct sel_value calculate(uint8_t op, const struct sel_value *a, const struct sel_value *b)
{
    if (!otk_sel_is_number(a) || !otk_sel_is_number(b))
        return nil;
    double x = otk_sel_number(a), y = otk_sel_number(b);
    switch (op) {
    case SEL_OP_ADD:
        return double_value(x + y);
    case SEL_OP_SUB:
        return double_value(x - y);
    case SEL_OP_MUL:
        return double_value(x * y);
    case SEL_OP_DIV:
        return double_value(x / y);
    case SEL_OP_MOD:
        return double_value(fmod(x, y));
    default:
        return double_value(pow(x, y));
    }
}

static struct sel_value binary(struct otk_matcher *m, const struct sel_node *n)
{
    if (n->op == SEL_OP_AND)
        return bool_value(otk_matcher_true(m, n->left) && otk_matcher_true(m, n->right));
    if (n->op == SEL_OP_OR)
        return bool_value(otk_matcher_true(m, n->left) || otk_matcher_true(m, n->right));
    struct sel_value a = otk_matcher_value(m, n->left), b = otk_matcher_value(m, n->right);
    if (n->op < SEL_OP_ADD)
        return bool_value(compare(m, n, a, b));
    a = otk_matcher_single(m, a);
    b = otk_matcher_single(m, b);
    return calculate(n->op, &a, &b);
}

static struct sel_value negative(struct sel_value v)
{
    if (v.type == SEL_DOUBLE)
        v.as.d = -v.as.d;
    else if (otk_sel_is_number(&v))
        v.as.i = v.as.i == INT64_MIN ? INT64_MAX : -v.as.i;
    else
        return nil;
    return v;
}

struct sel_value otk_matcher_value(struct otk_matcher *m, const struct sel_node *n)
{
    struct sel_value v;
    switch (n->kind) {
    case SEL_NODE_STATIC:
        return n->value;
    case SEL_NODE_FIELD:
        return n->field->name ? intrinsic(m, n->field) : attribute(m, n->field);
    case SEL_NODE_NOT:
        v = otk_matcher_single(m, otk_matcher_value(m, n->left));
        return v.type == SEL_BOOL ? bool_value(!v.as.b) : nil;
    case SEL_NODE_MINUS:
        return negative(otk_matcher_single(m, otk_matcher_value(m, n->left)));
    case SEL_NODE_EXISTS:
    case SEL_NODE_MISSING:
        v = otk_matcher_value(m, n->left);
        return bool_value((v.type == SEL_NIL || (v.absent && v.type != SEL_MANY)) == (n->kind == SEL_NODE_MISSING));
    default:
        return binary(m, n);
    }
}

bool otk_matcher_true(struct otk_matcher *m, const struct sel_node *n)
{
    struct sel_value v = otk_matcher_single(m, otk_matcher_value(m, n));
    return v.type == SEL_BOOL && v.as.b;
}

bool otk_matcher_holds(struct otk_matcher *m, const struct sel_filter *f)
{
    return !f->expr || otk_matcher_true(m, f->expr);
}

/* ---- Values as text -------------------------------------------------- */

static void describe_text(const char *kind, otk_string s, char *out, size_t size)
{
    size_t room = size / 2, shown = s.size < room ? s.size : room;
    while (shown && shown < s.size && ((unsigned char)s.data[shown] & 0xc0) == 0x80)
        shown--;
    int n = snprintf(out, size, "%s\"%.*s\"%s", kind, (int)shown, s.data ? s.data : "", shown < s.size ? "…" : "");
    for (int i = 0; i < n && (size_t)i < size && out[i]; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = '?';
}

static void describe_duration(int64_t ns, char *out, size_t size)
{
    static const struct {
        const char *unit;
        double nanoseconds;
    } units[] = {{"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && fabs((double)ns) < units[i].nanoseconds)
        i++;
    snprintf(out, size, "%.6g%s", (double)ns / units[i].nanoseconds, units[i].unit);
}

static void describe_double(double d, char *out, size_t size)
{
    char text[OTK_NUMBER_MAX + 1];
    if (!isfinite(d)) {
        snprintf(out, size, "double %s", isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
        return;
    }
    text[otk_number_double(text, d)] = '\0';
    snprintf(out, size, "double %s", text);
}

void otk_sel_describe(const struct sel_value *v, char *out, size_t size)
{
    const char *word = is_enum(v) ? otk_sel_word_of((enum sel_type)v->type, v->as.i) : NULL;
    if (word)
        snprintf(out, size, "%s", word);
    else if (is_enum(v))
        snprintf(out, size, "number %" PRId64, v->as.i);
    else if (v->type == SEL_STRING)
        describe_text("string ", v->as.s, out, size);
    else if (v->type == SEL_ID)
        describe_text("", v->as.s, out, size);
    else if (v->type == SEL_INT)
        snprintf(out, size, "int %" PRId64, v->as.i);
    else if (v->type == SEL_DOUBLE)
        describe_double(v->as.d, out, size);
    else if (v->type == SEL_DURATION)
        describe_duration(v->as.i, out, size);
    else if (v->type == SEL_BOOL)
        snprintf(out, size, "bool %s", v->as.b ? "true" : "false");
    else if (v->type == SEL_NIL)
        snprintf(out, size, "absent");
    else
        snprintf(out, size, "%s", otk_sel_type_name((enum sel_type)v->type));
}

int otk_sel_group_key(struct otk_buffer *out, const struct sel_value *v)
{
    char text[96];
    if (is_text(v) || v->type == SEL_BYTES) {
        otk_buffer_byte(out, v->type);
        return otk_buffer_append(out, v->as.s.data, v->as.s.size);
    }
    if (v->type == SEL_ARRAY || v->type == SEL_MAP) {
        otk_buffer_byte(out, v->type);
        return otk_buffer_append(out, v->as.any.data, (size_t)(v->as.any.end - v->as.any.data));
    }
    if (otk_sel_is_number(v)) {
        int n = snprintf(text, sizeof text, "%.17g", otk_sel_number(v));
        return otk_buffer_append(out, text, (size_t)n);
    }
    otk_sel_describe(v, text, sizeof text);
    return otk_buffer_text(out, text);
}
