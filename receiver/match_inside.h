/* What the files of the matcher share: match.c, match_item.c, match_field.c. */
#ifndef OTLPKIT_MATCH_INSIDE_H
#define OTLPKIT_MATCH_INSIDE_H

#include "match.h"

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

/* ---- Messages -------------------------------------------------------- */

/* The messages that all values are made of; the same wherever they stand. */
static inline const struct otk_message *match_type_inside(const struct otk_message *type, unsigned number)
{
    return type->number[number]->message;
}

static inline const struct otk_message *match_key_value_type(const struct otk_matcher *m)
{
    return match_type_inside(match_type_inside(m->resource_envelope, ENVELOPE_HEAD), RESOURCE_ATTRIBUTES);
}

static inline const struct otk_message *match_any_type(const struct otk_matcher *m)
{
    return match_type_inside(match_key_value_type(m), KEY_VALUE_VALUE);
}

struct key_value {
    const uint8_t *key;
    size_t key_size;
    struct otk_extent value;
};

static inline struct key_value match_key_value(const struct otk_message *type, const uint8_t *data, size_t size)
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

static inline bool match_is_key(const struct key_value *kv, otk_string key)
{
    return kv->key_size == key.size && (!key.size || memcmp(kv->key, key.data, key.size) == 0);
}

static inline const struct otk_record *match_record(const struct match_message *message, uint32_t number)
{
    return message->seen & 1u << number ? &message->records[number] : NULL;
}

static inline struct sel_value match_text(const struct otk_record *r)
{
    struct sel_value v = r ? sel_text(SEL_STRING, r->data, r->size) : sel_text(SEL_STRING, (const uint8_t *)"", 0);
    v.absent = !r;
    return v;
}

/* Where each type of metric has what, by enum otk_metric_type: its member of Metric.data, and fields of its points. */
struct point_fields {
    uint8_t member, attributes, min, max;
};

extern const struct point_fields otk_point_fields[];

/* ---- Values ---------------------------------------------------------- */

/* What `v`, an array or a map, has where the steps lead. */
struct sel_value otk_matcher_follow(const struct otk_matcher *m, struct sel_value v, const struct sel_step *step);

/* What the item has for a field. */
struct sel_value otk_matcher_field(struct otk_matcher *m, const struct sel_field *f);

/* Goes through a value of several (events, links); *p is where it stands, NULL at first. */
bool otk_matcher_each(struct otk_matcher *m, const struct sel_value *v, const uint8_t **p, struct sel_value *out);

#endif
