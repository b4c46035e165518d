/* The values that selectors compare: those that they write out, and those that stand on the wire. */
#ifndef OTLPKIT_SELECTOR_VALUE_H
#define OTLPKIT_SELECTOR_VALUE_H

#include "selector.h"

static const struct sel_value sel_nil = {.type = SEL_NIL, .absent = true};

static inline struct sel_value sel_integer(enum sel_type type, int64_t i)
{
    return (struct sel_value){.type = (uint8_t)type, .as.i = i};
}

static inline struct sel_value sel_double(double d)
{
    return (struct sel_value){.type = SEL_DOUBLE, .as.d = d};
}

static inline struct sel_value sel_bool(bool b)
{
    return (struct sel_value){.type = SEL_BOOL, .as.b = b};
}

static inline struct sel_value sel_text(enum sel_type type, const uint8_t *data, size_t size)
{
    return (struct sel_value){.type = (uint8_t)type, .as.s = {(const char *)data, size}};
}

static inline struct sel_value sel_unsigned(uint64_t u)
{
    return u <= INT64_MAX ? sel_integer(SEL_INT, (int64_t)u) : sel_double((double)u);
}

static inline bool sel_is_text(const struct sel_value *v)
{
    return v->type == SEL_STRING || v->type == SEL_ID;
}

static inline bool sel_is_enum(const struct sel_value *v)
{
    return v->type >= SEL_STATUS && v->type <= SEL_SEVERITY;
}

/* An AnyValue's content. */
struct sel_value otk_sel_any(const struct otk_message *type, struct otk_extent any);

bool otk_sel_is_number(const struct sel_value *v);
double otk_sel_number(const struct sel_value *v);

#define SEL_UNORDERED 2    /* one of two numbers is none */
#define SEL_INCOMPARABLE 3 /* they are of types that cannot meet */

/* -1, 0, 1, or one of these. */
int otk_sel_order(const struct sel_value *a, const struct sel_value *b);

/* A value as people read it, with its kind: string "500". */
void otk_sel_describe(const struct sel_value *v, char *out, size_t size);

/* A text that is the same for equal values: what by() groups by. */
int otk_sel_group_key(struct otk_buffer *out, const struct sel_value *v);

#endif
