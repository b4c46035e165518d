/* Every word of the selector language, with what it means to which signal. The language has no other names: parser,
 * checker, evaluator, docs/selector.md and the "did you mean" of errors all stand on these tables. */
#ifndef OTLPKIT_SELECTOR_NAMES_H
#define OTLPKIT_SELECTOR_NAMES_H

#include "otlpkit/otlp.h"

enum sel_type {
    SEL_NIL,
    SEL_ANY, /* told by each item: attributes */
    SEL_BOOL,
    SEL_INT,
    SEL_DOUBLE,
    SEL_DURATION,
    SEL_STRING,
    SEL_ID, /* hex */
    SEL_STATUS,
    SEL_KIND,
    SEL_METRIC_TYPE,
    SEL_TEMPORALITY,
    SEL_SEVERITY,
    SEL_BYTES,
    SEL_ARRAY,
    SEL_MAP,
    SEL_LIST, /* an array that the selector writes out */
    SEL_MANY  /* the values of several events or links */
};

enum sel_intrinsic {
    SEL_NAME,
    SEL_KIND_FIELD,
    SEL_STATUS_FIELD,
    SEL_STATUS_MESSAGE,
    SEL_DURATION_FIELD,
    SEL_SPAN_ID,
    SEL_PARENT_ID,
    SEL_PARENT_FIELD,
    SEL_TRACE_ID,
    SEL_CHILD_COUNT,
    SEL_TRACE_DURATION,
    SEL_ROOT_NAME,
    SEL_ROOT_SERVICE,
    SEL_NESTED_LEFT,
    SEL_NESTED_RIGHT,
    SEL_NESTED_PARENT,
    SEL_EVENT_NAME,
    SEL_EVENT_TIME,
    SEL_LINK_TRACE_ID,
    SEL_LINK_SPAN_ID,
    SEL_SCOPE_NAME,
    SEL_SCOPE_VERSION,
    SEL_TYPE_FIELD,
    SEL_UNIT,
    SEL_DESCRIPTION,
    SEL_TEMPORALITY_FIELD,
    SEL_MONOTONIC,
    SEL_VALUE,
    SEL_COUNT,
    SEL_SUM,
    SEL_MIN,
    SEL_MAX,
    SEL_SCALE,
    SEL_ZERO_COUNT,
    SEL_SEVERITY_FIELD,
    SEL_SEVERITY_TEXT,
    SEL_BODY,
    SEL_EVENT_NAME_FIELD
};

enum sel_function {
    SEL_FUNCTION_COUNT,
    SEL_FUNCTION_AVG,
    SEL_FUNCTION_MIN,
    SEL_FUNCTION_MAX,
    SEL_FUNCTION_SUM,
    SEL_FUNCTION_BY,
    SEL_FUNCTION_COALESCE,
    SEL_FUNCTION_SELECT,
    SEL_FUNCTION_LEFT_OUT /* TraceQL has it, and we do not */
};

#define SEL_TRACES (1u << OTK_SIGNAL_TRACES)
#define SEL_METRICS (1u << OTK_SIGNAL_METRICS)
#define SEL_LOGS (1u << OTK_SIGNAL_LOGS)

struct sel_name {
    const char *name;
    uint8_t signals; /* SEL_TRACES | … */
    uint8_t id;
    uint8_t type;   /* enum sel_type; of a scope: its enum sel_scope */
    bool of_trace;  /* its value depends on the other spans of the trace */
    int32_t number; /* of an enumeration's word */
};

/* Each returns NULL when there is no such word, or not for this signal. */
const struct sel_name *otk_sel_intrinsic(otk_string word, otk_signal signal);
const struct sel_name *otk_sel_word(otk_string word, otk_signal signal); /* ok, server, cumulative, WARN … */
const struct sel_name *otk_sel_function(otk_string word);
const struct sel_name *otk_sel_scope(otk_string word, otk_signal signal); /* span, resource … */

/* The word of an enumeration's number, or NULL. */
const char *otk_sel_word_of(enum sel_type type, int64_t number);

/* "a string", "a status" …: what people call the type. */
const char *otk_sel_type_name(enum sel_type type);

enum sel_kind_of_word { SEL_WORDS_FIELD = 1, SEL_WORDS_STATIC = 2, SEL_WORDS_FUNCTION = 4, SEL_WORDS_SCOPE = 8 };

/* The word nearest to `word` among those kinds, or NULL when none is near. */
const char *otk_sel_nearest(otk_string word, otk_signal signal, unsigned kinds);

/* How many characters must change to turn one word into the other, at most `limit` + 1. */
unsigned otk_sel_edit_distance(otk_string a, otk_string b, unsigned limit);

/* All names in turn, for tests and documentation: NULL behind the last. */
const struct sel_name *otk_sel_names(enum sel_kind_of_word kind, size_t i);

#endif
