#include "selector_names.h"

#include "selector.h"

#define T SEL_TRACES
#define M SEL_METRICS
#define L SEL_LOGS
#define ALL (T | M | L)

static const struct sel_name intrinsics[] = {
    {"name", T | M, SEL_NAME, SEL_STRING, false, 0},
    {"span:name", T, SEL_NAME, SEL_STRING, false, 0},
    {"kind", T, SEL_KIND_FIELD, SEL_KIND, false, 0},
    {"span:kind", T, SEL_KIND_FIELD, SEL_KIND, false, 0},
    {"status", T, SEL_STATUS_FIELD, SEL_STATUS, false, 0},
    {"span:status", T, SEL_STATUS_FIELD, SEL_STATUS, false, 0},
    {"statusMessage", T, SEL_STATUS_MESSAGE, SEL_STRING, false, 0},
    {"span:statusMessage", T, SEL_STATUS_MESSAGE, SEL_STRING, false, 0},
    {"duration", T, SEL_DURATION_FIELD, SEL_DURATION, false, 0},
    {"span:duration", T, SEL_DURATION_FIELD, SEL_DURATION, false, 0},
    {"span:id", T | L, SEL_SPAN_ID, SEL_ID, false, 0},
    {"parent", T, SEL_PARENT_FIELD, SEL_NIL, false, 0},
    {"span:parentID", T, SEL_PARENT_ID, SEL_ID, false, 0},
    {"trace:id", T | L, SEL_TRACE_ID, SEL_ID, false, 0},
    {"childCount", T, SEL_CHILD_COUNT, SEL_INT, true, 0},
    {"span:childCount", T, SEL_CHILD_COUNT, SEL_INT, true, 0},
    {"traceDuration", T, SEL_TRACE_DURATION, SEL_DURATION, true, 0},
    {"trace:duration", T, SEL_TRACE_DURATION, SEL_DURATION, true, 0},
    {"rootName", T, SEL_ROOT_NAME, SEL_STRING, true, 0},
    {"trace:rootName", T, SEL_ROOT_NAME, SEL_STRING, true, 0},
    {"rootServiceName", T, SEL_ROOT_SERVICE, SEL_STRING, true, 0},
    {"trace:rootService", T, SEL_ROOT_SERVICE, SEL_STRING, true, 0},
    {"nestedSetLeft", T, SEL_NESTED_LEFT, SEL_INT, true, 0},
    {"nestedSetRight", T, SEL_NESTED_RIGHT, SEL_INT, true, 0},
    {"nestedSetParent", T, SEL_NESTED_PARENT, SEL_INT, true, 0},
    {"event:name", T, SEL_EVENT_NAME, SEL_STRING, false, 0},
    {"event:timeSinceStart", T, SEL_EVENT_TIME, SEL_DURATION, false, 0},
    {"link:traceID", T, SEL_LINK_TRACE_ID, SEL_ID, false, 0},
    {"link:spanID", T, SEL_LINK_SPAN_ID, SEL_ID, false, 0},
    {"instrumentation:name", ALL, SEL_SCOPE_NAME, SEL_STRING, false, 0},
    {"instrumentation:version", ALL, SEL_SCOPE_VERSION, SEL_STRING, false, 0},
    {"scope:name", ALL, SEL_SCOPE_NAME, SEL_STRING, false, 0},
    {"scope:version", ALL, SEL_SCOPE_VERSION, SEL_STRING, false, 0},
    {"metric:name", M, SEL_NAME, SEL_STRING, false, 0},
    {"type", M, SEL_TYPE_FIELD, SEL_METRIC_TYPE, false, 0},
    {"metric:type", M, SEL_TYPE_FIELD, SEL_METRIC_TYPE, false, 0},
    {"unit", M, SEL_UNIT, SEL_STRING, false, 0},
    {"metric:unit", M, SEL_UNIT, SEL_STRING, false, 0},
    {"description", M, SEL_DESCRIPTION, SEL_STRING, false, 0},
    {"metric:description", M, SEL_DESCRIPTION, SEL_STRING, false, 0},
    {"temporality", M, SEL_TEMPORALITY_FIELD, SEL_TEMPORALITY, false, 0},
    {"metric:temporality", M, SEL_TEMPORALITY_FIELD, SEL_TEMPORALITY, false, 0},
    {"monotonic", M, SEL_MONOTONIC, SEL_BOOL, false, 0},
    {"metric:monotonic", M, SEL_MONOTONIC, SEL_BOOL, false, 0},
    {"value", M, SEL_VALUE, SEL_DOUBLE, false, 0},
    {"point:value", M, SEL_VALUE, SEL_DOUBLE, false, 0},
    {"count", M, SEL_COUNT, SEL_INT, false, 0},
    {"point:count", M, SEL_COUNT, SEL_INT, false, 0},
    {"sum", M, SEL_SUM, SEL_DOUBLE, false, 0},
    {"point:sum", M, SEL_SUM, SEL_DOUBLE, false, 0},
    {"min", M, SEL_MIN, SEL_DOUBLE, false, 0},
    {"point:min", M, SEL_MIN, SEL_DOUBLE, false, 0},
    {"max", M, SEL_MAX, SEL_DOUBLE, false, 0},
    {"point:max", M, SEL_MAX, SEL_DOUBLE, false, 0},
    {"scale", M, SEL_SCALE, SEL_INT, false, 0},
    {"point:scale", M, SEL_SCALE, SEL_INT, false, 0},
    {"zeroCount", M, SEL_ZERO_COUNT, SEL_INT, false, 0},
    {"point:zeroCount", M, SEL_ZERO_COUNT, SEL_INT, false, 0},
    {"severity", L, SEL_SEVERITY_FIELD, SEL_SEVERITY, false, 0},
    {"log:severity", L, SEL_SEVERITY_FIELD, SEL_SEVERITY, false, 0},
    {"severityText", L, SEL_SEVERITY_TEXT, SEL_STRING, false, 0},
    {"log:severityText", L, SEL_SEVERITY_TEXT, SEL_STRING, false, 0},
    {"body", L, SEL_BODY, SEL_ANY, false, 0},
    {"log:body", L, SEL_BODY, SEL_ANY, false, 0},
    {"eventName", L, SEL_EVENT_NAME_FIELD, SEL_STRING, false, 0},
    {"log:eventName", L, SEL_EVENT_NAME_FIELD, SEL_STRING, false, 0},
    {0},
};

#define LEVELS(name, lower, first)                                                                                     \
    {name, L, 0, SEL_SEVERITY, false, first}, {lower, L, 0, SEL_SEVERITY, false, first},                               \
        {name "2", L, 0, SEL_SEVERITY, false, first + 1}, {name "3", L, 0, SEL_SEVERITY, false, first + 2},            \
    {                                                                                                                  \
        name "4", L, 0, SEL_SEVERITY, false, first + 3                                                                 \
    }

static const struct sel_name words[] = {
    {"unset", T, 0, SEL_STATUS, false, OTK_STATUS_CODE_UNSET},
    {"ok", T, 0, SEL_STATUS, false, OTK_STATUS_CODE_OK},
    {"error", T, 0, SEL_STATUS, false, OTK_STATUS_CODE_ERROR},
    {"unspecified", T, 0, SEL_KIND, false, OTK_SPAN_KIND_UNSPECIFIED},
    {"internal", T, 0, SEL_KIND, false, OTK_SPAN_KIND_INTERNAL},
    {"server", T, 0, SEL_KIND, false, OTK_SPAN_KIND_SERVER},
    {"client", T, 0, SEL_KIND, false, OTK_SPAN_KIND_CLIENT},
    {"producer", T, 0, SEL_KIND, false, OTK_SPAN_KIND_PRODUCER},
    {"consumer", T, 0, SEL_KIND, false, OTK_SPAN_KIND_CONSUMER},
    {"gauge", M, 0, SEL_METRIC_TYPE, false, 1},
    {"sum", M, 0, SEL_METRIC_TYPE, false, 2},
    {"histogram", M, 0, SEL_METRIC_TYPE, false, 3},
    {"exponentialHistogram", M, 0, SEL_METRIC_TYPE, false, 4},
    {"summary", M, 0, SEL_METRIC_TYPE, false, 5},
    {"unspecified", M, 0, SEL_TEMPORALITY, false, OTK_AGGREGATION_TEMPORALITY_UNSPECIFIED},
    {"delta", M, 0, SEL_TEMPORALITY, false, OTK_AGGREGATION_TEMPORALITY_DELTA},
    {"cumulative", M, 0, SEL_TEMPORALITY, false, OTK_AGGREGATION_TEMPORALITY_CUMULATIVE},
    {"unspecified", L, 0, SEL_SEVERITY, false, OTK_SEVERITY_NUMBER_UNSPECIFIED},
    LEVELS("TRACE", "trace", OTK_SEVERITY_NUMBER_TRACE),
    LEVELS("DEBUG", "debug", OTK_SEVERITY_NUMBER_DEBUG),
    LEVELS("INFO", "info", OTK_SEVERITY_NUMBER_INFO),
    LEVELS("WARN", "warn", OTK_SEVERITY_NUMBER_WARN),
    LEVELS("ERROR", "error", OTK_SEVERITY_NUMBER_ERROR),
    LEVELS("FATAL", "fatal", OTK_SEVERITY_NUMBER_FATAL),
    {"true", ALL, 0, SEL_BOOL, false, 1},
    {"false", ALL, 0, SEL_BOOL, false, 0},
    {"nil", ALL, 0, SEL_NIL, false, 0},
    {0},
};

#define LEFT_OUT(name)                                                                                                 \
    {                                                                                                                  \
        name, ALL, SEL_FUNCTION_LEFT_OUT, 0, false, 0                                                                  \
    }

static const struct sel_name functions[] = {
    {"count", ALL, SEL_FUNCTION_COUNT, 0, false, 0},
    {"avg", ALL, SEL_FUNCTION_AVG, 0, false, 0},
    {"min", ALL, SEL_FUNCTION_MIN, 0, false, 0},
    {"max", ALL, SEL_FUNCTION_MAX, 0, false, 0},
    {"sum", ALL, SEL_FUNCTION_SUM, 0, false, 0},
    {"by", ALL, SEL_FUNCTION_BY, 0, false, 0},
    {"coalesce", ALL, SEL_FUNCTION_COALESCE, 0, false, 0},
    {"select", ALL, SEL_FUNCTION_SELECT, 0, false, 0},
    LEFT_OUT("rate"),
    LEFT_OUT("count_over_time"),
    LEFT_OUT("sum_over_time"),
    LEFT_OUT("avg_over_time"),
    LEFT_OUT("min_over_time"),
    LEFT_OUT("max_over_time"),
    LEFT_OUT("quantile_over_time"),
    LEFT_OUT("histogram_over_time"),
    LEFT_OUT("compare"),
    LEFT_OUT("topk"),
    LEFT_OUT("bottomk"),
    LEFT_OUT("with"),
    {0},
};

static const struct sel_name scopes[] = {
    {"span", T, 0, SEL_SCOPE_ITEM, false, 0},
    {"point", M, 0, SEL_SCOPE_ITEM, false, 0},
    {"metric", M, 0, SEL_SCOPE_METADATA, false, 0},
    {"log", L, 0, SEL_SCOPE_ITEM, false, 0},
    {"resource", ALL, 0, SEL_SCOPE_RESOURCE, false, 0},
    {"instrumentation", ALL, 0, SEL_SCOPE_INSTRUMENTATION, false, 0},
    {"scope", ALL, 0, SEL_SCOPE_INSTRUMENTATION, false, 0},
    {"event", T, 0, SEL_SCOPE_EVENT, false, 0},
    {"link", T, 0, SEL_SCOPE_LINK, false, 0},
    {"parent", T, 0, SEL_SCOPE_NONE, true, 0},
    {0},
};

static const struct sel_name *find(const struct sel_name *table, otk_string word, unsigned signals)
{
    for (; table->name; table++)
        if (table->signals & signals && strlen(table->name) == word.size && !memcmp(table->name, word.data, word.size))
            return table;
    return NULL;
}

const struct sel_name *otk_sel_intrinsic(otk_string word, otk_signal signal)
{
    return find(intrinsics, word, 1u << signal);
}

const struct sel_name *otk_sel_word(otk_string word, otk_signal signal)
{
    return find(words, word, 1u << signal);
}

const struct sel_name *otk_sel_function(otk_string word)
{
    return find(functions, word, ALL);
}

const struct sel_name *otk_sel_scope(otk_string word, otk_signal signal)
{
    return find(scopes, word, 1u << signal);
}

const char *otk_sel_word_of(enum sel_type type, int64_t number)
{
    for (const struct sel_name *n = words; n->name; n++)
        if (n->type == type && n->number == number)
            return n->name;
    return NULL;
}

const char *otk_sel_type_name(enum sel_type type)
{
    static const char *const names[] = {
        [SEL_NIL] = "nil",
        [SEL_ANY] = "an attribute",
        [SEL_BOOL] = "a boolean",
        [SEL_INT] = "a number",
        [SEL_DOUBLE] = "a number",
        [SEL_DURATION] = "a duration",
        [SEL_STRING] = "a string",
        [SEL_ID] = "an id",
        [SEL_STATUS] = "a status",
        [SEL_KIND] = "a kind",
        [SEL_METRIC_TYPE] = "a metric type",
        [SEL_TEMPORALITY] = "a temporality",
        [SEL_SEVERITY] = "a severity",
        [SEL_BYTES] = "bytes",
        [SEL_ARRAY] = "an array",
        [SEL_MAP] = "a map",
        [SEL_LIST] = "an array",
        [SEL_MANY] = "several values",
    };
    return names[type];
}

/* ---- The nearest word ------------------------------------------------ */

#define WORD_MAX 32

unsigned otk_sel_edit_distance(otk_string a, otk_string b, unsigned limit)
{
    unsigned row[WORD_MAX + 1];
    size_t difference = a.size > b.size ? a.size - b.size : b.size - a.size;
    if (a.size > WORD_MAX || b.size > WORD_MAX || difference > limit)
        return limit + 1;
    for (unsigned j = 0; j <= b.size; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned change = diagonal + (a.data[i - 1] != b.data[j - 1]);
            unsigned step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[b.size] > limit ? limit + 1 : row[b.size];
}

static const struct sel_name *table_of(enum sel_kind_of_word kind)
{
    return kind == SEL_WORDS_FIELD      ? intrinsics
           : kind == SEL_WORDS_STATIC   ? words
           : kind == SEL_WORDS_FUNCTION ? functions
                                        : scopes;
}

const char *otk_sel_nearest(otk_string word, otk_signal signal, unsigned kinds)
{
    const char *nearest = NULL;
    unsigned best = word.size < 4 ? 2 : word.size < 8 ? 3 : 4; /* a third of the word at most is mistyped */
    for (unsigned kind = SEL_WORDS_FIELD; kind <= SEL_WORDS_SCOPE; kind <<= 1) {
        for (const struct sel_name *n = table_of((enum sel_kind_of_word)kind); kinds & kind && n->name; n++) {
            unsigned distance = otk_sel_edit_distance(word, (otk_string){n->name, strlen(n->name)}, best - 1);
            if (!(n->signals & 1u << signal) || distance >= best ||
                (n->id == SEL_FUNCTION_LEFT_OUT && n->signals == ALL && kind == SEL_WORDS_FUNCTION))
                continue;
            best = distance;
            nearest = n->name;
        }
        if (!best)
            break;
    }
    return nearest;
}

const struct sel_name *otk_sel_names(enum sel_kind_of_word kind, size_t i)
{
    const struct sel_name *table = table_of(kind);
    for (size_t k = 0; k < i; k++)
        if (!table[k].name)
            return NULL;
    return table[i].name ? &table[i] : NULL;
}
