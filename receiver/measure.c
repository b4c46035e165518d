#include "measure.h"

#include <math.h>
#include <stdlib.h>

#define BASELINE_SERIES_MAX 100000
#define BASELINE_BYTES_MAX ((size_t)64 << 20) /* of the captures that it keeps alive */

/* ---- Tallies --------------------------------------------------------- */

/* Which of its ends belong to a bucket. */
enum edge { UPPER, LOWER, BOTH };

struct bucket {
    double low, high, count;
    enum edge edge;
};

/* What points have counted; one may be added to another. Buckets ascend. */
struct tally {
    double value, count, sum;
    struct bucket *buckets;
    size_t bucket_count;
};

static void tally_clear(struct tally *t)
{
    free(t->buckets);
    *t = (struct tally){0};
}

static int compare_buckets(const struct bucket *a, const struct bucket *b)
{
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return (a->high > b->high) - (a->high < b->high);
}

/* Buckets are told apart by their bounds, so that a histogram that changed its resolution still adds up. */
static int add_buckets(struct tally *to, const struct tally *from, double sign)
{
    size_t a = 0, b = 0, count = 0, room = to->bucket_count + from->bucket_count;
    struct bucket *merged = room ? malloc(room * sizeof *merged) : NULL;
    if (!room)
        return 0;
    if (!merged)
        return OTK_ENOMEM;
    while (a < to->bucket_count || b < from->bucket_count) {
        int order = a == to->bucket_count     ? 1
                    : b == from->bucket_count ? -1
                                              : compare_buckets(&to->buckets[a], &from->buckets[b]);
        merged[count] = order <= 0 ? to->buckets[a] : from->buckets[b];
        if (order > 0)
            merged[count].count *= sign;
        else if (order == 0)
            merged[count].count += sign * from->buckets[b].count;
        a += order <= 0;
        b += order >= 0;
        count++;
    }
    free(to->buckets);
    to->buckets = merged;
    to->bucket_count = count;
    return 0;
}

static int tally_add(struct tally *to, const struct tally *from, double sign)
{
    to->value += sign * from->value;
    to->count += sign * from->count;
    to->sum += sign * from->sum;
    return add_buckets(to, from, sign);
}

static double number_of(const otk_value *v)
{
    return v->type == OTK_VALUE_INT ? (double)v->as.int_value : v->type == OTK_VALUE_DOUBLE ? v->as.double_value : 0;
}

static void explicit_buckets(struct tally *t, const otk_captured_point *p)
{
    for (size_t i = 0; i < p->bucket_count_size; i++) {
        double low = i && i <= p->explicit_bound_size ? p->explicit_bounds[i - 1] : -INFINITY;
        double high = i < p->explicit_bound_size ? p->explicit_bounds[i] : INFINITY;
        t->buckets[t->bucket_count++] = (struct bucket){low, high, (double)p->bucket_counts[i], UPPER};
    }
}

/* The bound with this index: base to its power, base being 2 to the 2 to the minus scale. */
static double exponential_bound(const otk_captured_point *p, int64_t index)
{
    int32_t scale = p->scale < -1100 ? -1100 : p->scale > 1100 ? 1100 : p->scale;
    return exp2(ldexp((double)index, -scale));
}

static void exponential_buckets(struct tally *t, const otk_captured_point *p)
{
    for (size_t i = p->negative.bucket_count_size; i-- > 0;) {
        int64_t index = (int64_t)p->negative.offset + (int64_t)i;
        t->buckets[t->bucket_count++] = (struct bucket){-exponential_bound(p, index + 1), -exponential_bound(p, index),
                                                        (double)p->negative.bucket_counts[i], LOWER};
    }
    t->buckets[t->bucket_count++] = (struct bucket){-p->zero_threshold, p->zero_threshold, (double)p->zero_count, BOTH};
    for (size_t i = 0; i < p->positive.bucket_count_size; i++) {
        int64_t index = (int64_t)p->positive.offset + (int64_t)i;
        t->buckets[t->bucket_count++] = (struct bucket){exponential_bound(p, index), exponential_bound(p, index + 1),
                                                        (double)p->positive.bucket_counts[i], UPPER};
    }
}

static int tally_of(const otk_captured_metric *m, const otk_captured_point *p, struct tally *out)
{
    bool explicit_bounds = m->type == OTK_METRIC_TYPE_HISTOGRAM;
    bool exponential = m->type == OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM;
    size_t room = explicit_bounds ? p->bucket_count_size
                  : exponential   ? p->negative.bucket_count_size + 1 + p->positive.bucket_count_size
                                  : 0;
    *out = (struct tally){.value = number_of(&p->value), .count = (double)p->count, .sum = p->sum};
    if (!room)
        return 0;
    out->buckets = malloc(room * sizeof *out->buckets);
    if (!out->buckets)
        return OTK_ENOMEM;
    if (explicit_bounds)
        explicit_buckets(out, p);
    else
        exponential_buckets(out, p);
    return 0;
}

/* ---- Series ---------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t size)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return (h ^ size) * 0x9e3779b97f4a7c15u;
}

static uint64_t hash_value(uint64_t h, const otk_value *v)
{
    h = hash_bytes(h, &v->type, sizeof v->type);
    switch (v->type) {
    case OTK_VALUE_STRING:
        return hash_bytes(h, v->as.string_value.data, v->as.string_value.size);
    case OTK_VALUE_BYTES:
        return hash_bytes(h, v->as.bytes_value.data, v->as.bytes_value.size);
    case OTK_VALUE_BOOL:
        return hash_bytes(h, &v->as.bool_value, sizeof v->as.bool_value);
    case OTK_VALUE_INT:
        return hash_bytes(h, &v->as.int_value, sizeof v->as.int_value);
    case OTK_VALUE_DOUBLE:
        return hash_bytes(h, &v->as.double_value, sizeof v->as.double_value);
    case OTK_VALUE_ARRAY:
        for (size_t i = 0; i < v->as.array_value.count; i++)
            h = hash_value(h, &v->as.array_value.values[i]);
        return h;
    case OTK_VALUE_KVLIST:
        for (size_t i = 0; i < v->as.kvlist_value.count; i++) {
            const otk_attribute *a = &v->as.kvlist_value.items[i];
            h = hash_value(hash_bytes(h, a->key.data, a->key.size), &a->value);
        }
        return h;
    case OTK_VALUE_EMPTY:
    case OTK_VALUE_STRING_STRINDEX:
        break;
    }
    return h;
}

/* Attributes are a set: their order says nothing. */
static uint64_t hash_attributes(const otk_attributes *list)
{
    uint64_t sum = list->count;
    for (size_t i = 0; i < list->count; i++)
        sum += hash_value(hash_bytes(1, list->items[i].key.data, list->items[i].key.size), &list->items[i].value);
    return sum;
}

/* What makes a series one (metrics data model, "Timeseries Model"). Never 0. */
static uint64_t series_key(const otk_captured_metric *m, const otk_captured_point *p)
{
    uint64_t parts[] = {hash_attributes(&m->resource->attributes), hash_attributes(&p->attributes), (uint64_t)m->type,
                        (uint64_t)(uint32_t)m->aggregation_temporality, m->is_monotonic};
    uint64_t h = hash_bytes(hash_bytes(1, parts, sizeof parts), m->name, strlen(m->name));
    h = hash_bytes(h, m->scope->name.data, m->scope->name.size);
    h = hash_bytes(h, m->scope->version.data, m->scope->version.size);
    return h ? h : 1;
}

/* A point, and the capture that keeps it alive. */
struct place {
    struct capture *capture;
    uint32_t item, point;
};

struct series {
    uint64_t key;        /* 0: a free place in the table */
    struct tally total;  /* of deltas, and of earlier runs of a cumulative series */
    struct place newest; /* of a cumulative series */
    bool restarted;      /* the baseline belongs to an earlier run */
};

struct series_table {
    struct series *places;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

static void take(struct place *at, struct capture *c, uint32_t item, uint32_t point)
{
    atomic_fetch_add(&c->references, 1);
    otk_capture_free(at->capture);
    *at = (struct place){c, item, point};
}

static void table_clear(struct series_table *t)
{
    for (size_t i = 0; i < t->capacity; i++) {
        tally_clear(&t->places[i].total);
        otk_capture_free(t->places[i].newest.capture);
    }
    free(t->places);
    *t = (struct series_table){0};
}

static struct series *table_at(const struct series_table *t, uint64_t key)
{
    size_t at = key & (t->capacity - 1);
    while (t->places[at].key && t->places[at].key != key)
        at = (at + 1) & (t->capacity - 1);
    return &t->places[at];
}

static const struct series *table_find(const struct series_table *t, uint64_t key)
{
    const struct series *s = t->capacity ? table_at(t, key) : NULL;
    return s && s->key ? s : NULL;
}

static int table_reserve(struct series_table *t)
{
    if ((t->count + 1) * 2 <= t->capacity)
        return 0;
    struct series_table bigger = {NULL, t->capacity ? t->capacity * 2 : 16, t->count};
    bigger.places = calloc(bigger.capacity, sizeof *bigger.places);
    if (!bigger.places)
        return OTK_ENOMEM;
    for (size_t i = 0; i < t->capacity; i++)
        if (t->places[i].key)
            *table_at(&bigger, t->places[i].key) = t->places[i];
    free(t->places);
    *t = bigger;
    return 0;
}

/* The series under `key`, there from now on; NULL when memory ran out. */
static struct series *table_get(struct series_table *t, uint64_t key)
{
    if (table_reserve(t))
        return NULL;
    struct series *s = table_at(t, key);
    t->count += s->key == 0;
    s->key = key;
    return s;
}

static bool is_cumulative(const otk_captured_metric *m)
{
    return m->aggregation_temporality == OTK_AGGREGATION_TEMPORALITY_CUMULATIVE;
}

static bool is_recorded(const otk_captured_point *p)
{
    return !(p->flags & OTK_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK);
}

/* The metric and point at a place; false when memory ran out. */
static bool look(const struct place *at, const otk_captured_metric **m, const otk_captured_point **p)
{
    *m = otk_capture_metric(&at->capture->pub, at->item);
    *p = *m && at->point < (*m)->point_count ? &(*m)->points[at->point] : NULL;
    return *p != NULL;
}

/* ---- Baseline -------------------------------------------------------- */

struct otk_baseline {
    pthread_mutex_t lock; /* guards all below */
    struct series_table series;
    size_t bytes;
};

struct otk_baseline *otk_baseline_new(void)
{
    struct otk_baseline *b = calloc(1, sizeof *b);
    if (b)
        pthread_mutex_init(&b->lock, NULL);
    return b;
}

void otk_baseline_free(struct otk_baseline *b)
{
    if (!b)
        return;
    table_clear(&b->series);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static int keep_point(struct otk_baseline *b, struct capture *c, uint32_t item, uint32_t point)
{
    struct place at = {c, item, point};
    const otk_captured_metric *m;
    const otk_captured_point *p;
    if (!look(&at, &m, &p))
        return OTK_ENOMEM;
    if (!is_cumulative(m) || !is_recorded(p) || b->series.count >= BASELINE_SERIES_MAX)
        return 0;
    struct series *s = table_get(&b->series, series_key(m, p));
    if (!s)
        return OTK_ENOMEM;
    take(&s->newest, c, item, point);
    return 0;
}

int otk_baseline_feed(struct otk_baseline *b, struct capture *c)
{
    int rc = 0;
    if (c->pub.status != 200 || !c->pub.has_signal || c->pub.signal != OTK_SIGNAL_METRICS)
        return 0;
    pthread_mutex_lock(&b->lock);
    if (b->bytes + c->weight > BASELINE_BYTES_MAX) {
        table_clear(&b->series);
        b->bytes = 0;
    }
    b->bytes += c->weight;
    for (size_t i = 0; i < c->index.item_count && !rc; i++) {
        const otk_captured_metric *m = otk_capture_metric(&c->pub, i);
        rc = m ? 0 : OTK_ENOMEM;
        for (size_t p = 0; !rc && p < m->point_count; p++)
            rc = keep_point(b, c, (uint32_t)i, (uint32_t)p);
    }
    pthread_mutex_unlock(&b->lock);
    return rc;
}

/* Takes off `t` what the series had reached at the reset, unless it began anew since. */
static int take_baseline_off(struct otk_baseline *b, uint64_t key, const otk_captured_point *now, struct tally *t)
{
    struct tally before = {0};
    const otk_captured_metric *m;
    const otk_captured_point *p;
    int rc = 0;
    pthread_mutex_lock(&b->lock);
    const struct series *s = table_find(&b->series, key);
    if (s && look(&s->newest, &m, &p) && p->start_time_unix_nano == now->start_time_unix_nano) {
        rc = tally_of(m, p, &before);
        rc = rc ? rc : tally_add(t, &before, -1);
    }
    pthread_mutex_unlock(&b->lock);
    tally_clear(&before);
    return rc;
}

/* ---- Measured -------------------------------------------------------- */

struct otk_measured {
    struct otk_baseline *baseline;
    struct series_table series;
    double gauge;
    uint64_t gauge_time;
    bool has_gauge;
    bool has[OTK_METRIC_TYPE_SUMMARY + 1]; /* by type, which were fed */
};

struct otk_measured *otk_measured_new(struct otk_baseline *baseline)
{
    struct otk_measured *m = calloc(1, sizeof *m);
    if (m)
        m->baseline = baseline;
    return m;
}

void otk_measured_free(struct otk_measured *m)
{
    if (!m)
        return;
    table_clear(&m->series);
    free(m);
}

static void feed_gauge(struct otk_measured *to, const otk_captured_point *p)
{
    if (to->has_gauge && p->time_unix_nano < to->gauge_time)
        return;
    to->gauge = number_of(&p->value);
    to->gauge_time = p->time_unix_nano;
    to->has_gauge = true;
}

static int feed_delta(struct series *s, const otk_captured_metric *m, const otk_captured_point *p)
{
    struct tally t;
    int rc = tally_of(m, p, &t);
    rc = rc ? rc : tally_add(&s->total, &t, 1);
    tally_clear(&t);
    return rc;
}

/* What a cumulative series counts from its baseline up to its newest point. */
static int add_run(const struct otk_measured *of, const struct series *s, struct tally *to)
{
    const otk_captured_metric *m;
    const otk_captured_point *p;
    struct tally t = {0};
    if (!look(&s->newest, &m, &p))
        return OTK_ENOMEM;
    int rc = tally_of(m, p, &t);
    if (!rc && !s->restarted)
        rc = take_baseline_off(of->baseline, s->key, p, &t);
    rc = rc ? rc : tally_add(to, &t, 1);
    tally_clear(&t);
    return rc;
}

/* Another start time is another run: what the earlier one has counted stays counted. */
static int feed_cumulative(struct otk_measured *to, struct series *s, const struct place *at,
                           const otk_captured_point *p)
{
    const otk_captured_metric *m;
    const otk_captured_point *before;
    if (s->newest.capture) {
        if (!look(&s->newest, &m, &before))
            return OTK_ENOMEM;
        if (p->time_unix_nano < before->time_unix_nano)
            return 0;
        if (p->start_time_unix_nano != before->start_time_unix_nano) {
            if (add_run(to, s, &s->total))
                return OTK_ENOMEM;
            s->restarted = true;
        }
    }
    take(&s->newest, at->capture, at->item, at->point);
    return 0;
}

int otk_measured_feed(struct otk_measured *to, struct capture *c, uint32_t item, uint32_t point)
{
    struct place at = {c, item, point};
    const otk_captured_metric *m;
    const otk_captured_point *p;
    if (!look(&at, &m, &p))
        return OTK_ENOMEM;
    if (!is_recorded(p))
        return 0;
    to->has[m->type] = true;
    if (m->type == OTK_METRIC_TYPE_GAUGE) {
        feed_gauge(to, p);
        return 0;
    }
    struct series *s = table_get(&to->series, series_key(m, p));
    if (!s)
        return OTK_ENOMEM;
    return is_cumulative(m) ? feed_cumulative(to, s, &at, p) : feed_delta(s, m, p);
}

static int add_up(const struct otk_measured *m, struct tally *out)
{
    int rc = 0;
    for (size_t i = 0; i < m->series.capacity && !rc; i++) {
        const struct series *s = &m->series.places[i];
        if (!s->key)
            continue;
        rc = tally_add(out, &s->total, 1);
        if (!rc && s->newest.capture)
            rc = add_run(m, s, out);
    }
    return rc;
}

static bool is_inside(const struct bucket *b, double x)
{
    bool lower = b->edge == UPPER ? x > b->low : x >= b->low;
    bool upper = b->edge == LOWER ? x < b->high : x <= b->high;
    return lower && upper;
}

static double count_at(const struct tally *t, double x)
{
    double count = 0;
    for (size_t i = 0; i < t->bucket_count; i++)
        count += is_inside(&t->buckets[i], x) ? t->buckets[i].count : 0;
    return count;
}

static double interpolate(const struct bucket *b, double part)
{
    if (isinf(b->low) || isinf(b->high))
        return isinf(b->low) ? b->high : b->low;
    return b->low + (b->high - b->low) * part;
}

static double quantile(const struct tally *t, double q)
{
    double total = 0, below = 0;
    for (size_t i = 0; i < t->bucket_count; i++)
        total += t->buckets[i].count;
    for (size_t i = 0; i < t->bucket_count; i++) {
        const struct bucket *b = &t->buckets[i];
        if (b->count > 0 && below + b->count >= q * total)
            return interpolate(b, (q * total - below) / b->count);
        below += b->count;
    }
    return NAN;
}

static bool has_measure(const struct otk_measured *m, otk_measure measure)
{
    if (measure == OTK_MEASURE_GAUGE)
        return m->has_gauge;
    if (measure == OTK_MEASURE_SUM)
        return m->has[OTK_METRIC_TYPE_SUM];
    return m->has[OTK_METRIC_TYPE_HISTOGRAM] || m->has[OTK_METRIC_TYPE_EXPONENTIAL_HISTOGRAM];
}

bool otk_measured_get(const struct otk_measured *m, otk_measure measure, double argument, double *out)
{
    struct tally total = {0};
    if (!has_measure(m, measure))
        return false;
    if (measure != OTK_MEASURE_GAUGE && add_up(m, &total)) {
        tally_clear(&total);
        return false;
    }
    switch (measure) {
    case OTK_MEASURE_GAUGE:
        *out = m->gauge;
        break;
    case OTK_MEASURE_SUM:
        *out = total.value;
        break;
    case OTK_MEASURE_HISTOGRAM_COUNT:
        *out = total.count;
        break;
    case OTK_MEASURE_HISTOGRAM_SUM:
        *out = total.sum;
        break;
    case OTK_MEASURE_HISTOGRAM_BUCKET:
        *out = count_at(&total, argument);
        break;
    case OTK_MEASURE_HISTOGRAM_QUANTILE:
        *out = quantile(&total, argument);
        break;
    }
    tally_clear(&total);
    return true;
}
