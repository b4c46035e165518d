#include "clock.h"
#include "hash.h"
#include "provider.h"
#include "text.h"
#include "writer.h"

#include <stdlib.h>
#include <strings.h>

enum {
    METRIC_NAME = 1,
    METRIC_DESCRIPTION = 2,
    METRIC_UNIT = 3,
    METRIC_SUM = 7,
    SUM_DATA_POINTS = 1,
    SUM_AGGREGATION_TEMPORALITY = 2,
    SUM_IS_MONOTONIC = 3,
    POINT_START = 2,
    POINT_TIME = 3,
    POINT_AS_INT = 6,
    POINT_ATTRIBUTES = 7
};

enum { BUCKETS = 256, SERIES_MAX = 2000, ATTRIBUTES_MAX_BYTES = 1 << 20, NAME_MAX_CHARS = 255 };

/* The sum of one set of attributes. */
struct series {
    struct series *next; /* in order of appearance */
    struct series *next_in_bucket;
    uint64_t hash;
    uint64_t start_time_unix_nano;
    int64_t value;
    size_t size;
    uint8_t bytes[]; /* the attributes, sorted by key */
};

struct otk_counter {
    otk_counter *next;
    otk_meter *meter;
    char *name, *unit, *description;
    pthread_mutex_t mutex; /* covers what follows */
    struct otk_draft scratch;
    struct otk_buffer key; /* the scratch set, encoded */
    struct series *buckets[BUCKETS];
    struct series *first, **end;
    size_t count;
};

/* ---- Instruments ----------------------------------------------------- */

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_instrument_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9') && !strchr("_.-/", name[i]))
            return false;
    return size > 0 && size <= NAME_MAX_CHARS && is_letter(name[0]);
}

static void free_counter(otk_counter *counter)
{
    while (counter->first) {
        struct series *next = counter->first->next;
        free(counter->first);
        counter->first = next;
    }
    otk_buffer_clear(&counter->scratch.bytes);
    otk_buffer_clear(&counter->key);
    pthread_mutex_destroy(&counter->mutex);
    free(counter->name);
    free(counter->unit);
    free(counter->description);
    free(counter);
}

static void empty_scratch(otk_counter *counter)
{
    counter->scratch = otk_draft_new(&otk_draft_unlimited, ATTRIBUTES_MAX_BYTES);
    counter->key = OTK_BUFFER_INIT(2 * ATTRIBUTES_MAX_BYTES);
}

static otk_counter *new_counter(otk_meter *meter, const char *name, const char *unit, const char *description)
{
    otk_counter *counter = calloc(1, sizeof *counter);
    if (!counter)
        return NULL;
    pthread_mutex_init(&counter->mutex, NULL);
    empty_scratch(counter);
    counter->end = &counter->first;
    counter->meter = meter;
    counter->name = otk_text_copy(name, strlen(name));
    counter->unit = otk_text_copy(unit, strlen(unit));
    counter->description = otk_text_copy(description, strlen(description));
    if (counter->name && counter->unit && counter->description)
        return counter;
    free_counter(counter);
    return NULL;
}

/* The one with this name, which does not depend on case, unit and description; or NULL, and `conflict` tells whether
 * one has the name only. */
static otk_counter *find_counter(otk_meter *meter, const char *name, const char *unit, const char *description,
                                 bool *conflict)
{
    for (otk_counter *counter = atomic_load(&meter->counters); counter; counter = counter->next) {
        if (strcasecmp(counter->name, name) != 0)
            continue;
        if (strcmp(counter->unit, unit) == 0 && strcmp(counter->description, description) == 0) {
            *conflict = false;
            return counter;
        }
        *conflict = true;
    }
    return NULL;
}

otk_counter *otk_meter_counter(otk_meter *meter, const char *name, const char *unit, const char *description)
{
    if (!meter)
        return NULL;
    otk_sdk *sdk = meter->scope.sdk;
    bool conflict = false;
    name = name ? name : "";
    unit = unit ? unit : "";
    description = description ? description : "";
    if (!is_instrument_name(name))
        otk_warn(&sdk->warnings, "\"%.256s\" is not a name for an instrument", name);

    pthread_mutex_lock(&sdk->mutex);
    otk_counter *counter = find_counter(meter, name, unit, description, &conflict);
    if (!counter) {
        counter = new_counter(meter, name, unit, description);
        if (counter) {
            counter->next = atomic_load(&meter->counters);
            atomic_store(&meter->counters, counter);
        }
    }
    pthread_mutex_unlock(&sdk->mutex);
    if (conflict)
        otk_warn(&sdk->warnings, "instrument %s exists with another unit or description", name);
    return counter;
}

void otk_meter_clear(otk_meter *meter)
{
    otk_counter *counter = atomic_load(&meter->counters);
    while (counter) {
        otk_counter *next = counter->next;
        free_counter(counter);
        counter = next;
    }
}

/* The lists may be in the middle of a change by a thread that is not here: they are given up. */
void otk_meter_forget(otk_meter *meter)
{
    for (otk_counter *counter = atomic_load(&meter->counters); counter; counter = counter->next) {
        pthread_mutex_init(&counter->mutex, NULL);
        empty_scratch(counter);
        memset(counter->buckets, 0, sizeof counter->buckets);
        counter->first = NULL;
        counter->end = &counter->first;
        counter->count = 0;
    }
}

/* ---- Measurements ---------------------------------------------------- */

static struct series *find_series(otk_counter *counter, const struct otk_buffer *key, uint64_t hash)
{
    struct series *s = counter->buckets[hash % BUCKETS];
    while (s && (s->hash != hash || s->size != key->size || (key->size && memcmp(s->bytes, key->data, key->size) != 0)))
        s = s->next_in_bucket;
    return s;
}

static struct series *add_series(otk_counter *counter, const struct otk_buffer *key, uint64_t hash)
{
    struct series *s = calloc(1, sizeof *s + key->size);
    if (!s)
        return NULL;
    s->hash = hash;
    s->start_time_unix_nano = otk_clock_unix();
    s->size = key->size;
    if (key->size)
        memcpy(s->bytes, key->data, key->size);
    s->next_in_bucket = counter->buckets[hash % BUCKETS];
    counter->buckets[hash % BUCKETS] = s;
    *counter->end = s;
    counter->end = &s->next;
    counter->count++;
    return s;
}

/* The attributes, as the key; equal ones give equal bytes. */
static bool encode(otk_counter *counter, const otk_attributes *attributes)
{
    struct otk_draft *set = &counter->scratch;
    struct otk_buffer *key = &counter->key;
    set->bytes.size = key->size = 0;
    key->failed = 0;
    otk_draft_begin(set, &otk_draft_unlimited);
    otk_draft_put_all(set, attributes);
    if (set->dropped || otk_draft_sort(set))
        return false;
    otk_draft_write(key, POINT_ATTRIBUTES, set);
    return !key->failed;
}

/* Beyond the limit all new sets share one series, so that nothing is lost or counted twice. */
static struct series *series_of(otk_counter *counter, const otk_attributes *attributes)
{
    if (!encode(counter, attributes))
        return NULL;
    const struct otk_buffer *key = &counter->key;
    uint64_t hash = otk_hash(key->data, key->size);
    struct series *found = find_series(counter, key, hash);
    if (found || counter->count < SERIES_MAX)
        return found ? found : add_series(counter, key, hash);

    otk_attribute overflow = otk_attribute_bool("otel.metric.overflow", true);
    if (!encode(counter, &(otk_attributes){&overflow, 1}))
        return NULL;
    hash = otk_hash(key->data, key->size);
    found = find_series(counter, key, hash);
    return found ? found : add_series(counter, key, hash);
}

void otk_counter_add(otk_counter *counter, int64_t value, const otk_attributes *attributes)
{
    if (!counter || !otk_sdk_exports(counter->meter->scope.sdk, OTK_SIGNAL_METRICS))
        return;
    struct series *s = NULL;
    if (value < 0) {
        otk_warn(&counter->meter->scope.sdk->warnings, "counter %s takes no negative value", counter->name);
    } else {
        otk_sdk_wake(counter->meter->scope.sdk);
        pthread_mutex_lock(&counter->mutex);
        s = series_of(counter, attributes);
        if (s)
            s->value = value > INT64_MAX - s->value ? INT64_MAX : s->value + value;
        pthread_mutex_unlock(&counter->mutex);
    }
    if (!s)
        otk_sdk_count_invalid(&counter->meter->scope);
}

/* ---- Collection ------------------------------------------------------ */

static void write_point(struct otk_buffer *b, struct otk_gaps *gaps, const struct series *s, uint64_t now)
{
    struct otk_open open = otk_write_begin(b, gaps, SUM_DATA_POINTS);
    otk_write_fixed64(b, POINT_START, s->start_time_unix_nano);
    otk_write_fixed64(b, POINT_TIME, now > s->start_time_unix_nano ? now : s->start_time_unix_nano);
    otk_write_fixed64(b, POINT_AS_INT, (uint64_t)s->value);
    otk_buffer_append(b, s->bytes, s->size);
    otk_write_end(b, gaps, open);
}

static int write_metric(struct otk_buffer *b, const otk_counter *counter, uint64_t now)
{
    struct otk_gaps gaps = OTK_GAPS_INIT;
    otk_text_write_optional(b, METRIC_NAME, counter->name);
    otk_text_write_optional(b, METRIC_DESCRIPTION, counter->description);
    otk_text_write_optional(b, METRIC_UNIT, counter->unit);
    struct otk_open sum = otk_write_begin(b, &gaps, METRIC_SUM);
    for (const struct series *s = counter->first; s; s = s->next)
        write_point(b, &gaps, s, now);
    otk_write_varint(b, SUM_AGGREGATION_TEMPORALITY, OTK_AGGREGATION_TEMPORALITY_CUMULATIVE);
    otk_write_varint(b, SUM_IS_MONOTONIC, true);
    otk_write_end(b, &gaps, sum);
    return otk_write_finish(b, &gaps);
}

static bool reserve_item(struct otk_item_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity ? 2 * list->capacity : 16;
    struct otk_item *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

static void collect_counter(otk_counter *counter, uint64_t now, struct otk_item_list *list)
{
    struct otk_buffer metric = OTK_BUFFER_INIT(UINT32_MAX);
    pthread_mutex_lock(&counter->mutex);
    size_t points = counter->count;
    bool ok = points && write_metric(&metric, counter, now) == 0;
    pthread_mutex_unlock(&counter->mutex);
    if (ok && reserve_item(list)) {
        list->items[list->count++] =
            (struct otk_item){&counter->meter->scope, metric.data, metric.size, (uint32_t)points};
        list->points += points;
    } else {
        otk_buffer_clear(&metric);
        list->lost_points += points;
    }
}

void otk_meter_collect(otk_meter *meter, uint64_t time_unix_nano, struct otk_item_list *list)
{
    for (otk_counter *counter = atomic_load(&meter->counters); counter; counter = counter->next)
        collect_counter(counter, time_unix_nano, list);
}
