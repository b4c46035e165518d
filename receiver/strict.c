#include "strict.h"

#include "view.h"

/* What is looked at: a span, a log record, or a metric with one of its data points (NULL: it has none). */
struct subject {
    const otk_captured_span *span;
    const otk_captured_log *log;
    const otk_captured_metric *metric;
    const otk_captured_point *point;
};

struct rule {
    bool (*broken)(const struct subject *s);
    const char *what; /* of rejections: stands behind their number */
    const char *advice;
};

/* ---- Rules ----------------------------------------------------------- */

static bool is_id(otk_bytes id)
{
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i])
            return true;
    return false;
}

static bool no_trace_id(const struct subject *s)
{
    return !is_id(s->span->trace_id);
}

static bool no_span_id(const struct subject *s)
{
    return !is_id(s->span->span_id);
}

static bool no_span_times(const struct subject *s)
{
    return !s->span->start_time_unix_nano || !s->span->end_time_unix_nano;
}

static bool ends_before_start(const struct subject *s)
{
    return s->span->end_time_unix_nano < s->span->start_time_unix_nano;
}

static bool no_metric_name(const struct subject *s)
{
    return !*s->metric->name;
}

static bool no_point_time(const struct subject *s)
{
    return !s->point->time_unix_nano;
}

static bool is_number(const struct subject *s)
{
    return s->metric->type == OTK_METRIC_TYPE_GAUGE || s->metric->type == OTK_METRIC_TYPE_SUM;
}

static bool has_recorded_value(const struct subject *s)
{
    return !(s->point->flags & OTK_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK);
}

static bool no_value(const struct subject *s)
{
    return is_number(s) && s->point->value.type == OTK_VALUE_EMPTY && has_recorded_value(s);
}

static bool no_temporality(const struct subject *s)
{
    int32_t temporality = s->metric->aggregation_temporality;
    return s->metric->type != OTK_METRIC_TYPE_GAUGE && s->metric->type != OTK_METRIC_TYPE_SUMMARY &&
           temporality != OTK_AGGREGATION_TEMPORALITY_DELTA && temporality != OTK_AGGREGATION_TEMPORALITY_CUMULATIVE;
}

static bool are_ascending(const double *bounds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bounds[i] != bounds[i] || (i && bounds[i] <= bounds[i - 1]))
            return false;
    return true;
}

static bool wrong_bounds(const struct subject *s)
{
    const otk_captured_point *p = s->point;
    bool shaped =
        p->bucket_count_size == p->explicit_bound_size + 1 || (!p->bucket_count_size && !p->explicit_bound_size);
    return s->metric->type == OTK_METRIC_TYPE_HISTOGRAM &&
           !(shaped && are_ascending(p->explicit_bounds, p->explicit_bound_size));
}

static uint64_t total(const uint64_t *counts, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += counts[i];
    return sum;
}

static bool wrong_count(const struct subject *s)
{
    const otk_captured_point *p = s->point;
    uint64_t buckets = total(p->bucket_counts, p->bucket_count_size);
    if (s->metric->type == OTK_METRIC_TYPE_HISTOGRAM)
        return p->bucket_count_size && buckets != p->count;
    if (s->metric->type != OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM)
        return false;
    buckets = total(p->positive.bucket_counts, p->positive.bucket_count_size) +
              total(p->negative.bucket_counts, p->negative.bucket_count_size) + p->zero_count;
    return buckets != p->count;
}

/* At scale 0, bucket i ends at 2^(i + 1); doubles end at 2^1024 and, denormal, at 2^-1074. Each scale above cuts a
 * bucket into two, each below joins two. */
#define HIGHEST INT64_C(1023)
#define LOWEST INT64_C(-1075)
#define SCALE_MAX 32 /* there any index of 32 bits is within */

static int32_t steps_from_0(int32_t scale)
{
    return scale < -SCALE_MAX || scale > SCALE_MAX ? SCALE_MAX : scale < 0 ? -scale : scale;
}

static int64_t highest_index(int32_t scale)
{
    int32_t steps = steps_from_0(scale);
    return scale < 0 ? HIGHEST >> steps : (HIGHEST + 1) * (INT64_C(1) << steps) - 1;
}

static int64_t lowest_index(int32_t scale)
{
    int32_t steps = steps_from_0(scale);
    return scale < 0 ? -((-LOWEST - 1) >> steps) - 1 : LOWEST * (INT64_C(1) << steps);
}

static bool leaves_doubles(const otk_captured_buckets *b, int32_t scale)
{
    int64_t lowest = lowest_index(scale), highest = highest_index(scale);
    for (size_t i = 0; i < b->bucket_count_size; i++) {
        int64_t index = (int64_t)b->offset + (int64_t)i;
        if (b->bucket_counts[i] && (index > highest || index < lowest))
            return true;
    }
    return false;
}

static bool out_of_range(const struct subject *s)
{
    return s->metric->type == OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM &&
           (leaves_doubles(&s->point->positive, s->point->scale) ||
            leaves_doubles(&s->point->negative, s->point->scale));
}

static bool wrong_quantile(const struct subject *s)
{
    for (size_t i = 0; i < s->point->quantile_value_count; i++)
        if (!(s->point->quantile_values[i].quantile >= 0 && s->point->quantile_values[i].quantile <= 1))
            return true;
    return false;
}

static bool wrong_severity(const struct subject *s)
{
    return s->log->severity_number < 0 || s->log->severity_number > 24;
}

static bool no_span_name(const struct subject *s)
{
    return !*s->span->name;
}

static bool no_data(const struct subject *s)
{
    return !s->point;
}

static bool no_exemplar_value(const struct subject *s)
{
    for (size_t i = 0; s->point && i < s->point->exemplar_count; i++)
        if (s->point->exemplars[i].value.type == OTK_VALUE_EMPTY)
            return true;
    return false;
}

static bool no_observed_time(const struct subject *s)
{
    return !s->log->observed_time_unix_nano;
}

#define RULES_MAX 8

/* Each item is rejected by the first rule that it breaks. */
static const struct rule rejections[OTK_SIGNAL_COUNT][RULES_MAX] = {
    [OTK_SIGNAL_TRACES] =
        {
            {no_trace_id, "without a trace_id", "send 16 bytes that are not all zero"},
            {no_span_id, "without a span_id", "send 8 bytes that are not all zero"},
            {no_span_times, "without a start or end time", "send spans when they have ended, with both times"},
            {ends_before_start, "that end before they start", "take both times from one clock"},
        },
    [OTK_SIGNAL_METRICS] =
        {
            {no_metric_name, "of a metric without a name", "name it"},
            {no_point_time, "with time_unix_nano 0", "send the time of the observation"},
            {no_value, "without a value", "set as_int or as_double, or the flag for no recorded value"},
            {no_temporality, "of no aggregation_temporality", "set delta or cumulative"},
            {wrong_bounds, "whose explicit_bounds do not fit", "send them ascending, one fewer than bucket_counts"},
            {wrong_count, "whose count is not the sum of their buckets", "send both from one snapshot"},
            {out_of_range, "with buckets beyond what a double can be", "send a scale and offset that stay within it"},
            {wrong_quantile, "with a quantile outside 0 to 1", "send 0.99 for the 99th percentile"},
        },
    [OTK_SIGNAL_LOGS] =
        {
            {wrong_severity, "with a severity_number outside 0 to 24", "send one of OpenTelemetry's numbers"},
        },
};

static const struct rule warnings[OTK_SIGNAL_COUNT][RULES_MAX] = {
    [OTK_SIGNAL_TRACES] = {{no_span_name, "spans without a name", "name what they do"}},
    [OTK_SIGNAL_METRICS] =
        {
            {no_data, "metrics without data points", "leave them out"},
            {no_exemplar_value, "data points with an exemplar without a value", "set as_int or as_double"},
        },
    [OTK_SIGNAL_LOGS] = {{no_observed_time, "log records without observed_time_unix_nano",
                          "set when they were first seen"}},
};

/* ---- Counting -------------------------------------------------------- */

struct judge {
    struct capture *capture;
    size_t rejected[RULES_MAX];
    size_t warned[RULES_MAX];
    size_t item, first_rejected;
};

/* The first rule that is broken, or RULES_MAX. */
static size_t first_broken(const struct rule *rules, const struct subject *s)
{
    size_t i = 0;
    while (i < RULES_MAX && rules[i].broken && !rules[i].broken(s))
        i++;
    return i < RULES_MAX && rules[i].broken ? i : RULES_MAX;
}

static void look(struct judge *j, const struct subject *s)
{
    otk_signal signal = j->capture->pub.signal;
    bool empty_metric = s->metric && !s->point;
    size_t broken = empty_metric ? RULES_MAX : first_broken(rejections[signal], s);
    if (broken < RULES_MAX) {
        if (!j->capture->pub.rejected_count++)
            j->first_rejected = j->item;
        j->rejected[broken]++;
        return;
    }
    broken = first_broken(warnings[signal], s);
    if (broken < RULES_MAX)
        j->warned[broken]++;
}

static void look_at_metric(struct judge *j, const otk_captured_metric *metric)
{
    struct subject s = {.metric = metric};
    if (!metric->point_count)
        look(j, &s);
    for (size_t i = 0; i < metric->point_count; i++) {
        s.point = &metric->points[i];
        look(j, &s);
    }
}

static int look_at_all(struct judge *j)
{
    struct otk_walk walk;
    const void *item;
    otk_walk_init(&walk, j->capture);
    for (; (item = otk_walk_next(&walk)); j->item++) {
        if (j->capture->pub.signal == OTK_SIGNAL_METRICS)
            look_at_metric(j, item);
        else if (j->capture->pub.signal == OTK_SIGNAL_TRACES)
            look(j, &(struct subject){.span = item});
        else
            look(j, &(struct subject){.log = item});
    }
    int rc = walk.failed;
    otk_walk_clear(&walk);
    return rc;
}

/* ---- Saying it ------------------------------------------------------- */

static void add_rejections(struct otk_buffer *b, const struct judge *j)
{
    static const char *const names[] = {"span", "data point", "log record"};
    const otk_capture *c = &j->capture->pub;
    const size_t items[] = {c->span_count, c->data_point_count, c->log_record_count};
    const char *gap = "";
    struct otk_fault place = {0};
    if (!c->rejected_count)
        return;
    otk_buffer_printf(b, "rejected %zu of %zu %s%s: ", c->rejected_count, items[c->signal], names[c->signal],
                      items[c->signal] == 1 ? "" : "s");
    for (size_t i = 0; i < RULES_MAX; i++) {
        if (!j->rejected[i])
            continue;
        const struct rule *rule = &rejections[c->signal][i];
        otk_buffer_printf(b, "%s%zu %s (%s)", gap, j->rejected[i], rule->what, rule->advice);
        gap = ", ";
    }
    otk_wire_locate(otk_schema((enum otk_message_id)c->signal), c->message.data, c->message.size,
                    j->capture->index.items[j->first_rejected], &place);
    otk_buffer_printf(b, "; the first is %s%s", c->signal == OTK_SIGNAL_METRICS ? "in " : "", place.path);
}

static void add_warnings(struct otk_buffer *b, const struct judge *j)
{
    const struct rule *rules = warnings[j->capture->pub.signal];
    for (size_t i = 0; i < RULES_MAX; i++)
        if (j->warned[i])
            otk_buffer_printf(b, "%swarning: %s: %zu (%s)", b->size ? "; " : "", rules[i].what, j->warned[i],
                              rules[i].advice);
}

int otk_strict_judge(struct capture *c, struct otk_buffer *message)
{
    struct judge j = {.capture = c};
    c->pub.rejected_count = 0;
    int rc = look_at_all(&j);
    if (rc)
        return rc;
    add_rejections(message, &j);
    add_warnings(message, &j);
    const char *noted = c->pub.notes;
    if (message->size && !otk_buffer_string(message))
        return OTK_ENOMEM;
    if (message->size && (rc = otk_capture_note(c, (const char *)message->data)))
        return rc;
    if (*noted)
        otk_buffer_printf(message, "%swarning: %s", message->size ? "; " : "", noted);
    return message->failed;
}
