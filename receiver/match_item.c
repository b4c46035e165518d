/* Going to an item: its records, those around it, and a metric's points. */
#include "match_inside.h"

static struct sel_value step_into(const struct otk_matcher *m, struct sel_value v, const struct sel_step *step)
{
    const struct otk_message *any = match_any_type(m), *list = match_type_inside(any, step->is_key ? 6 : 5);
    uint64_t place = 0;
    if (v.type != (step->is_key ? SEL_MAP : SEL_ARRAY))
        return sel_nil;
    for (const uint8_t *p = v.as.any.data; p < v.as.any.end;) {
        struct otk_record r;
        otk_wire_next(list, &p, &r);
        if (!r.field || r.number != LIST_VALUES)
            continue;
        if (!step->is_key && place++ == step->index)
            return otk_sel_any(any, (struct otk_extent){r.data, r.data + r.size});
        if (!step->is_key)
            continue;
        struct key_value kv = match_key_value(match_key_value_type(m), r.data, r.size);
        if (match_is_key(&kv, step->key))
            return otk_sel_any(any, kv.value);
    }
    return sel_nil;
}

struct sel_value otk_matcher_follow(const struct otk_matcher *m, struct sel_value v, const struct sel_step *step)
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
    struct key_value kv = match_key_value(match_key_value_type(reading->m), r->data, r->size);
    for (size_t i = 0; i < s->field_count; i++) {
        const struct sel_field *f = s->fields[i];
        if (f->name || to->has[i] || f->of_parent != reading->of_parent || !(1u << f->scope & reading->scopes) ||
            !match_is_key(&kv, f->key))
            continue;
        to->has[i] = true;
        to->values[i] = otk_matcher_follow(reading->m, otk_sel_any(match_any_type(reading->m), kv.value), f->steps);
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
    inside.type = match_type_inside(envelope, ENVELOPE_HEAD);
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

const struct point_fields otk_point_fields[] = {
    [OTK_METRIC_TYPE_GAUGE] = {5, 7, 0, 0},       [OTK_METRIC_TYPE_SUM] = {7, 7, 0, 0},
    [OTK_METRIC_TYPE_HISTOGRAM] = {9, 9, 11, 12}, [OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM] = {10, 1, 12, 13},
    [OTK_METRIC_TYPE_SUMMARY] = {11, 7, 0, 0},
};

#define METRIC_TYPES (sizeof otk_point_fields / sizeof *otk_point_fields)

static void open_metric(struct match_item *to, const struct otk_message *metric)
{
    to->metric_type = OTK_METRIC_TYPE_NONE;
    to->has_temporality = to->has_monotonic = to->monotonic = false;
    to->temporality = 0;
    to->data = (struct otk_extent){0};
    to->next_point = NULL;
    for (uint32_t type = 1; type < METRIC_TYPES; type++)
        if (to->item.seen & 1u << otk_point_fields[type].member)
            to->metric_type = type;
    if (!to->metric_type)
        return;
    const struct otk_record *r = &to->item.records[otk_point_fields[to->metric_type].member];
    to->data_type = match_type_inside(metric, r->number);
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
        struct reading reading = {m, match_type_inside(own->data_type, DATA_POINTS),
                                  otk_point_fields[own->metric_type].attributes, SCOPE(ITEM) | SCOPE(NONE), false};
        read_message(&reading, (struct otk_extent){r.data, r.data + r.size}, &own->point);
        return true;
    }
    return false;
}

/* ---- Loading --------------------------------------------------------- */

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

void otk_matcher_forget(struct otk_matcher *m)
{
    m->own.capture = m->parent.capture = NULL;
}

otk_bytes otk_matcher_id(const struct otk_matcher *m, enum sel_intrinsic which)
{
    const struct otk_record *r = match_record(&m->own.item, which == SEL_TRACE_ID  ? SPAN_TRACE_ID
                                                            : which == SEL_SPAN_ID ? SPAN_ID
                                                                                   : SPAN_PARENT_ID);
    return r ? (otk_bytes){r->data, r->size} : (otk_bytes){0};
}

uint64_t otk_matcher_time(const struct otk_matcher *m, bool end)
{
    const struct otk_record *r = match_record(&m->own.item, end ? SPAN_END : SPAN_START);
    return r ? r->scalar : 0;
}

struct sel_value otk_matcher_name_of(const struct otk_matcher *m, const struct capture *c, size_t item)
{
    struct otk_extent from = otk_wire_message(c->pub.message.data, c->index.items[item]);
    for (const uint8_t *p = from.data; p < from.end;) {
        struct otk_record r;
        otk_wire_next(m->item_type, &p, &r);
        if (r.field && r.number == SPAN_NAME)
            return match_text(&r);
    }
    return sel_nil;
}

struct sel_value otk_matcher_service_of(const struct otk_matcher *m, const struct capture *c, size_t item)
{
    static const otk_string key = {"service.name", 12};
    const struct otk_message *resource = match_type_inside(m->resource_envelope, ENVELOPE_HEAD);
    size_t place = c->index.scopes[otk_index_scope_of(&c->index, item)].resource;
    struct otk_extent head =
        head_of(m->resource_envelope, otk_wire_message(c->pub.message.data, c->index.resources[place].offset));
    for (const uint8_t *p = head.data; p < head.end;) {
        struct otk_record r;
        otk_wire_next(resource, &p, &r);
        if (!r.field || r.number != RESOURCE_ATTRIBUTES)
            continue;
        struct key_value kv = match_key_value(match_key_value_type(m), r.data, r.size);
        if (match_is_key(&kv, key))
            return otk_sel_any(match_any_type(m), kv.value);
    }
    return sel_nil;
}
