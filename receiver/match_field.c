/* What an item has for the fields of a selector. */
#include "match_inside.h"

/* ---- Intrinsics ------------------------------------------------------ */

static struct sel_value enum_of(enum sel_type type, const struct otk_record *r)
{
    struct sel_value v = sel_integer(type, r ? (int32_t)r->scalar : 0);
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
    struct sel_value v = sel_text(SEL_ID, (const uint8_t *)room, 2 * size);
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
    const struct otk_record *start = match_record(span, SPAN_START), *end = match_record(span, SPAN_END);
    return start && end ? sel_integer(SEL_DURATION, (int64_t)(end->scalar - start->scalar)) : sel_nil;
}

static struct sel_value status_of(const struct otk_matcher *m, const struct match_message *span, uint32_t number)
{
    const struct otk_record *r = match_record(span, SPAN_STATUS);
    struct otk_record found = {0};
    for (const uint8_t *p = r ? r->data : NULL, *end = r ? p + r->size : NULL; p < end;) {
        struct otk_record inner;
        otk_wire_next(match_type_inside(m->item_type, SPAN_STATUS), &p, &inner);
        if (inner.field && inner.number == number)
            found = inner;
    }
    return number == STATUS_CODE ? enum_of(SEL_STATUS, found.field ? &found : NULL)
                                 : match_text(found.field ? &found : NULL);
}

static struct sel_value span_intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    const struct match_message *span = &m->own.item;
    switch (f->name->id) {
    case SEL_NAME:
        return match_text(match_record(span, SPAN_NAME));
    case SEL_KIND_FIELD:
        return enum_of(SEL_KIND, match_record(span, SPAN_KIND));
    case SEL_STATUS_FIELD:
        return status_of(m, span, STATUS_CODE);
    case SEL_STATUS_MESSAGE:
        return status_of(m, span, STATUS_MESSAGE);
    case SEL_DURATION_FIELD:
        return duration_of(span);
    case SEL_TRACE_ID:
        return id_of(match_record(span, SPAN_TRACE_ID), m->hex[f->slot]);
    case SEL_SPAN_ID:
        return id_of(match_record(span, SPAN_ID), m->hex[f->slot]);
    case SEL_PARENT_ID:
    case SEL_PARENT_FIELD:
        return parent_of(match_record(span, SPAN_PARENT_ID), m->hex[f->slot]);
    default:
        return m->of_trace[f->slot];
    }
}

static struct sel_value number_point(const struct match_message *point)
{
    const struct otk_record *i = match_record(point, POINT_AS_INT), *d = match_record(point, POINT_AS_DOUBLE);
    return i ? sel_integer(SEL_INT, (int64_t)i->scalar) : d ? sel_double(otk_wire_double(d->scalar)) : sel_nil;
}

static struct sel_value double_of(const struct otk_record *r)
{
    return r ? sel_double(otk_wire_double(r->scalar)) : sel_nil;
}

static struct sel_value unsigned_of(const struct otk_record *r)
{
    return r ? sel_unsigned(r->scalar) : sel_nil;
}

static struct sel_value point_intrinsic(const struct match_item *own, uint8_t id)
{
    const struct match_message *point = &own->point;
    const struct point_fields *fields = &otk_point_fields[own->metric_type];
    bool is_number = own->metric_type == OTK_METRIC_TYPE_GAUGE || own->metric_type == OTK_METRIC_TYPE_SUM;
    bool is_exponential = own->metric_type == OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM;
    if (id == SEL_VALUE)
        return is_number ? number_point(point) : sel_nil;
    if (is_number)
        return sel_nil;
    switch (id) {
    case SEL_COUNT:
        return unsigned_of(match_record(point, POINT_COUNT));
    case SEL_SUM:
        return double_of(match_record(point, POINT_SUM));
    case SEL_MIN:
        return fields->min ? double_of(match_record(point, fields->min)) : sel_nil;
    case SEL_MAX:
        return fields->max ? double_of(match_record(point, fields->max)) : sel_nil;
    case SEL_SCALE:
        return is_exponential && match_record(point, POINT_SCALE)
                   ? sel_integer(SEL_INT, otk_wire_zigzag32(match_record(point, POINT_SCALE)->scalar))
                   : sel_nil;
    default:
        return is_exponential ? unsigned_of(match_record(point, POINT_ZERO_COUNT)) : sel_nil;
    }
}

static struct sel_value metric_intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    const struct match_item *own = &m->own;
    struct sel_value v;
    switch (f->name->id) {
    case SEL_NAME:
        return match_text(match_record(&own->item, METRIC_NAME));
    case SEL_DESCRIPTION:
        return match_text(match_record(&own->item, METRIC_DESCRIPTION));
    case SEL_UNIT:
        return match_text(match_record(&own->item, METRIC_UNIT));
    case SEL_TYPE_FIELD:
        v = sel_integer(SEL_METRIC_TYPE, own->metric_type);
        v.absent = !own->metric_type;
        return v;
    case SEL_TEMPORALITY_FIELD:
        v = sel_integer(SEL_TEMPORALITY, (int32_t)own->temporality);
        v.absent = !own->has_temporality;
        return v;
    case SEL_MONOTONIC:
        v = sel_bool(own->monotonic);
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
        return enum_of(SEL_SEVERITY, match_record(log, LOG_SEVERITY));
    case SEL_SEVERITY_TEXT:
        return match_text(match_record(log, LOG_SEVERITY_TEXT));
    case SEL_EVENT_NAME_FIELD:
        return match_text(match_record(log, LOG_EVENT_NAME));
    case SEL_TRACE_ID:
        return id_of(match_record(log, LOG_TRACE_ID), m->hex[f->slot]);
    case SEL_SPAN_ID:
        return id_of(match_record(log, LOG_SPAN_ID), m->hex[f->slot]);
    default:
        r = match_record(log, LOG_BODY);
        return r ? otk_matcher_follow(
                       m, otk_sel_any(match_any_type(m), (struct otk_extent){r->data, r->data + r->size}), f->steps)
                 : sel_nil;
    }
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
    const struct otk_record *start = match_record(&m->own.item, SPAN_START);
    return r && start ? sel_integer(SEL_DURATION, (int64_t)(r->scalar - start->scalar)) : sel_nil;
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
            return f->name->id == SEL_EVENT_NAME   ? match_text(&r)
                   : f->name->id == SEL_EVENT_TIME ? event_time(m, &r)
                                                   : id_of(&r, m->hex[f->slot]);
        struct key_value kv = match_key_value(match_key_value_type(m), r.data, r.size);
        if (match_is_key(&kv, f->key))
            return otk_matcher_follow(m, otk_sel_any(match_any_type(m), kv.value), f->steps);
    }
    return sel_nil;
}

/* Goes through the events or links that have the field: *p is where it stands, NULL at first. */
static bool next_of_many(struct otk_matcher *m, const struct sel_field *f, bool event, const uint8_t **p,
                         struct sel_value *out)
{
    uint32_t number = event ? SPAN_EVENTS : SPAN_LINKS;
    const struct otk_record *first = match_record(&m->own.item, number);
    if (!first)
        return false;
    const struct otk_message *type = match_type_inside(m->item_type, number);
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

/* `event` tells an unscoped name's events from its links. */
static struct sel_value many(struct otk_matcher *m, const struct sel_field *f, bool event)
{
    const uint8_t *p = NULL;
    struct sel_value first;
    if (!next_of_many(m, f, event, &p, &first))
        return sel_nil;
    return (struct sel_value){.type = SEL_MANY, .absent = !event, .as.many = f};
}

bool otk_matcher_each(struct otk_matcher *m, const struct sel_value *v, const uint8_t **p, struct sel_value *out)
{
    return next_of_many(m, v->as.many, !v->absent, p, out);
}

struct sel_value otk_matcher_single(struct otk_matcher *m, struct sel_value v)
{
    const uint8_t *p = NULL;
    struct sel_value first;
    if (v.type != SEL_MANY)
        return v;
    return otk_matcher_each(m, &v, &p, &first) ? first : sel_nil;
}

/* ---- Fields ---------------------------------------------------------- */

static struct sel_value intrinsic(struct otk_matcher *m, const struct sel_field *f)
{
    if (f->name->id == SEL_SCOPE_NAME || f->name->id == SEL_SCOPE_VERSION)
        return match_text(match_record(&m->own.scope, f->name->id == SEL_SCOPE_NAME ? SCOPE_NAME : SCOPE_VERSION));
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
        return sel_nil;
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
    return sel_nil;
}

struct sel_value otk_matcher_field(struct otk_matcher *m, const struct sel_field *f)
{
    return f->name ? intrinsic(m, f) : attribute(m, f);
}
