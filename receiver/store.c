#include "store.h"

#include "repeats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REFUSED_COUNT_MAX 1000

/* Captures in the order of their numbers. Leaves mostly happen in front. */
struct list {
    struct capture **items;
    size_t first;
    size_t count;
    size_t capacity;
};

struct otk_store {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t arrived;
    unsigned waiters;
    pthread_cond_t news; /* for the one that listens */
    bool listening;
    uint64_t number; /* of the newest capture */
    uint64_t resets;
    struct list all;
    struct list refused;
    struct list of_signal[OTK_SIGNAL_COUNT]; /* accepted ones that hold an item */
    struct otk_repeats repeats;
    otk_receiver_counts counts;
    size_t accepted_bytes;
    size_t refused_bytes;
    struct otk_store_limits limits;
    bool closed;
};

/* ---- Lists ----------------------------------------------------------- */

static struct capture *list_at(const struct list *l, size_t i)
{
    return i < l->count ? l->items[l->first + i] : NULL;
}

/* Room for one more, so that the following push cannot fail. */
static int list_reserve(struct list *l)
{
    if (l->first + l->count < l->capacity)
        return 0;
    if (l->first > l->count) {
        memmove(l->items, l->items + l->first, l->count * sizeof *l->items);
        l->first = 0;
        return 0;
    }
    size_t capacity = l->capacity ? l->capacity * 2 : 16;
    struct capture **items = realloc(l->items, capacity * sizeof *items);
    if (!items)
        return OTK_ENOMEM;
    l->items = items;
    l->capacity = capacity;
    return 0;
}

static void list_push(struct list *l, struct capture *c)
{
    l->items[l->first + l->count++] = c;
}

/* The position of the first capture with a number above `number`. */
static size_t list_above(const struct list *l, uint64_t number)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list_at(l, middle)->pub.number > number)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void list_remove(struct list *l, const struct capture *c)
{
    size_t i = list_at(l, 0) == c ? 0 : list_above(l, c->pub.number - 1);
    if (list_at(l, i) != c)
        return;
    if (i == 0) {
        l->first++;
    } else {
        struct capture **at = l->items + l->first + i;
        memmove(at, at + 1, (l->count - i - 1) * sizeof *at);
    }
    if (--l->count == 0)
        l->first = 0;
}

/* ---- The store ------------------------------------------------------- */

struct otk_store *otk_store_new(const struct otk_store_limits *limits)
{
    struct otk_store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->limits = *limits;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->arrived, &monotonic);
    pthread_cond_init(&s->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return s;
}

static void free_lists(struct list *all, struct list *refused, struct list *of_signal)
{
    for (size_t i = 0; i < all->count; i++)
        otk_capture_free(list_at(all, i));
    free(all->items);
    free(refused->items);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        free(of_signal[i].items);
}

/* ---- Room ------------------------------------------------------------ */

static bool take_room(struct otk_store *s, size_t bytes)
{
    struct otk_budget *shared = s->limits.shared;
    if (s->accepted_bytes > s->limits.max_bytes - bytes) /* fits by itself */
        return false;
    if (shared && atomic_fetch_add(&shared->used, bytes) + bytes > shared->max) {
        atomic_fetch_sub(&shared->used, bytes);
        return false;
    }
    s->accepted_bytes += bytes;
    return true;
}

static void give_room_back(struct otk_store *s, size_t bytes)
{
    s->accepted_bytes -= bytes;
    if (s->limits.shared)
        atomic_fetch_sub(&s->limits.shared->used, bytes);
}

void otk_store_free(struct otk_store *s)
{
    if (!s)
        return;
    give_room_back(s, s->accepted_bytes);
    free_lists(&s->all, &s->refused, s->of_signal);
    otk_repeats_clear(&s->repeats);
    pthread_cond_destroy(&s->arrived);
    pthread_cond_destroy(&s->news);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool is_refused(const struct capture *c)
{
    return c->pub.status != 200;
}

static void count_dropped(struct otk_store *s, size_t captures, size_t bytes)
{
    s->counts.dropped_captures += captures;
    s->counts.dropped_bytes += bytes;
}

static void drop(struct otk_store *s, struct capture *c)
{
    list_remove(&s->all, c);
    if (is_refused(c)) {
        list_remove(&s->refused, c);
        s->refused_bytes -= c->weight;
    } else {
        list_remove(&s->of_signal[c->pub.signal], c);
        otk_repeats_remove(&s->repeats, c);
        give_room_back(s, c->weight);
    }
    count_dropped(s, 1, c->weight);
    otk_capture_free(c);
}

/* Whether there would be room if this store were empty. */
static bool could_fit(struct otk_store *s, size_t bytes)
{
    struct otk_budget *shared = s->limits.shared;
    return bytes <= s->limits.max_bytes &&
           (!shared || atomic_load(&shared->used) - s->accepted_bytes <= shared->max - bytes);
}

static int make_room(struct otk_store *s, struct capture *c)
{
    if (!could_fit(s, c->weight))
        return OTK_ELIMIT;
    while (!take_room(s, c->weight)) {
        if (!s->limits.drop_oldest || !s->accepted_bytes)
            return OTK_ELIMIT;
        drop(s, list_at(&s->all, 0));
    }
    return 0;
}

/* Refused requests never make a receiver full: the older ones go. */
static void make_refused_room(struct otk_store *s, struct capture *c)
{
    if (c->weight > s->limits.max_refused_bytes) {
        size_t before = c->weight;
        otk_capture_drop_body(c);
        c->weight = otk_capture_weight(c);
        count_dropped(s, 0, before - c->weight);
    }
    while (s->refused.count &&
           (s->refused.count >= REFUSED_COUNT_MAX || s->refused_bytes + c->weight > s->limits.max_refused_bytes))
        drop(s, list_at(&s->refused, 0));
}

static uint64_t *item_count(struct otk_store *s, otk_signal signal)
{
    uint64_t *counts[OTK_SIGNAL_COUNT] = {&s->counts.spans, &s->counts.metrics, &s->counts.log_records};
    return counts[signal];
}

static void count(struct otk_store *s, const otk_capture *pub)
{
    s->counts.requests++;
    s->counts.refused += pub->status != 200;
    s->counts.spans += pub->span_count;
    s->counts.metrics += pub->metric_count;
    s->counts.data_points += pub->data_point_count;
    s->counts.log_records += pub->log_record_count;
    s->counts.body_bytes += pub->body_size;
    s->counts.inflated_bytes += pub->inflated_size;
    s->counts.unknown_fields += pub->unknown_field_count;
    s->counts.rejected += pub->rejected_count;
    s->counts.repeated_requests += pub->repeat_of != 0;
}

/* Its note may find no memory: the number says it as well. */
static void note_repeat(struct otk_store *s, struct capture *c)
{
    char sentence[64];
    otk_repeats_reserve(&s->repeats);
    const struct capture *before = otk_repeats_add(&s->repeats, c);
    if (!before)
        return;
    c->pub.repeat_of = before->pub.number;
    snprintf(sentence, sizeof sentence, "the same bytes as request %" PRIu64, before->pub.number);
    otk_capture_note(c, sentence);
}

static int add_accepted(struct otk_store *s, struct capture *c)
{
    struct list *of_signal = &s->of_signal[c->pub.signal];
    int rc = list_reserve(&s->all);
    if (!rc)
        rc = list_reserve(of_signal);
    if (!rc)
        rc = make_room(s, c);
    if (rc)
        return rc;
    list_push(&s->all, c);
    if (otk_capture_items(c))
        list_push(of_signal, c);
    note_repeat(s, c);
    c->first_item = *item_count(s, c->pub.signal);
    return 0;
}

static int add_refused(struct otk_store *s, struct capture *c)
{
    make_refused_room(s, c);
    if (list_reserve(&s->all) || list_reserve(&s->refused)) {
        count_dropped(s, 1, c->weight);
        return OTK_ENOMEM;
    }
    list_push(&s->all, c);
    list_push(&s->refused, c);
    s->refused_bytes += c->weight;
    return 0;
}

/* Woken after the lock is free, so that the woken thread does not run into it. */
static void wake_listener_and_unlock(struct otk_store *s)
{
    bool wake = s->listening;
    s->listening = false;
    pthread_mutex_unlock(&s->lock);
    if (wake)
        pthread_cond_signal(&s->news);
}

int otk_store_add(struct otk_store *s, struct capture *c)
{
    bool refused = is_refused(c);
    pthread_mutex_lock(&s->lock);
    c->weight = otk_capture_weight(c);
    c->pub.number = s->number + 1;
    int rc = refused ? add_refused(s, c) : add_accepted(s, c);
    if (!rc)
        atomic_fetch_add(&c->references, 1);
    if (!rc || refused) {
        s->number++;
        count(s, &c->pub);
        if (s->waiters)
            pthread_cond_broadcast(&s->arrived);
    }
    wake_listener_and_unlock(s);
    return rc;
}

void otk_counts_add(otk_receiver_counts *counts, const otk_receiver_counts *more)
{
    uint64_t *to = (uint64_t *)(void *)counts;
    const uint64_t *from = (const uint64_t *)(const void *)more;
    for (size_t i = 0; i < sizeof *counts / sizeof *to; i++)
        to[i] += from[i];
}

void otk_store_count(struct otk_store *s, const otk_receiver_counts *more)
{
    pthread_mutex_lock(&s->lock);
    otk_counts_add(&s->counts, more);
    if (s->waiters)
        pthread_cond_broadcast(&s->arrived);
    pthread_mutex_unlock(&s->lock);
}

void otk_store_reset(struct otk_store *s)
{
    struct list all, refused, of_signal[OTK_SIGNAL_COUNT];
    pthread_mutex_lock(&s->lock);
    all = s->all;
    refused = s->refused;
    memcpy(of_signal, s->of_signal, sizeof of_signal);
    s->all = s->refused = (struct list){0};
    memset(s->of_signal, 0, sizeof s->of_signal);
    otk_repeats_clear(&s->repeats);
    s->counts = (otk_receiver_counts){0};
    give_room_back(s, s->accepted_bytes);
    s->refused_bytes = 0;
    s->resets++;
    wake_listener_and_unlock(s);
    free_lists(&all, &refused, of_signal);
}

void otk_store_close(struct otk_store *s)
{
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    pthread_cond_broadcast(&s->arrived);
    wake_listener_and_unlock(s);
}

bool otk_store_is_closed(struct otk_store *s)
{
    pthread_mutex_lock(&s->lock);
    bool closed = s->closed;
    pthread_mutex_unlock(&s->lock);
    return closed;
}

void otk_store_counts(struct otk_store *s, otk_receiver_counts *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->counts;
    pthread_mutex_unlock(&s->lock);
}

struct capture *otk_store_at(struct otk_store *s, size_t i)
{
    pthread_mutex_lock(&s->lock);
    struct capture *c = list_at(&s->all, i);
    pthread_mutex_unlock(&s->lock);
    return c;
}

struct capture *otk_store_next(struct otk_store *s, uint64_t number)
{
    pthread_mutex_lock(&s->lock);
    struct capture *c = list_at(&s->all, list_above(&s->all, number));
    if (c)
        atomic_fetch_add(&c->references, 1);
    pthread_mutex_unlock(&s->lock);
    return c;
}

/* The last capture whose first item is not behind item `i`. */
static struct capture *find_item(const struct list *l, uint64_t i)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list_at(l, middle)->first_item > i)
            high = middle;
        else
            low = middle + 1;
    }
    return low ? list_at(l, low - 1) : NULL;
}

struct capture *otk_store_find(struct otk_store *s, otk_signal signal, uint64_t i, size_t *place)
{
    pthread_mutex_lock(&s->lock);
    const struct list *l = &s->of_signal[signal];
    struct capture *c = NULL;
    if (l->count) {
        /* Positions count what is held: dropped captures have taken theirs along. */
        uint64_t item = list_at(l, 0)->first_item + i;
        c = item < i ? NULL : find_item(l, item);
        if (c && item - c->first_item < otk_capture_items(c))
            *place = (size_t)(item - c->first_item);
        else
            c = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}

/* ---- Waiting --------------------------------------------------------- */

void otk_store_news(struct otk_store *s, uint64_t number, struct otk_news *out)
{
    pthread_mutex_lock(&s->lock);
    size_t first = list_above(&s->all, number), room = sizeof out->items / sizeof *out->items;
    size_t count = s->all.count - first;
    out->count = count < room ? count : room;
    for (size_t i = 0; i < out->count; i++) {
        out->items[i] = list_at(&s->all, first + i);
        atomic_fetch_add(&out->items[i]->references, 1);
    }
    out->number = count > room ? out->items[room - 1]->pub.number : s->number;
    out->resets = s->resets;
    out->last = s->closed && count <= room;
    pthread_mutex_unlock(&s->lock);
}

void otk_news_release(struct otk_news *news)
{
    for (size_t i = 0; i < news->count; i++)
        otk_capture_free(news->items[i]);
}

uint64_t otk_store_newest(struct otk_store *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t number = s->number;
    pthread_mutex_unlock(&s->lock);
    return number;
}

void otk_store_listen(struct otk_store *s, uint64_t number, uint64_t resets, uint64_t deadline_ns)
{
    struct timespec deadline = {(time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000)};
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->closed && s->number <= number && s->resets == resets && rc != ETIMEDOUT) {
        s->listening = true;
        rc = pthread_cond_timedwait(&s->news, &s->lock, &deadline);
    }
    s->listening = false;
    pthread_mutex_unlock(&s->lock);
}

static struct timespec deadline_in(unsigned timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(timeout_ms / 1000);
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

int otk_store_wait(struct otk_store *s, size_t count_offset, uint64_t wanted, unsigned timeout_ms)
{
    const uint64_t *have = (const uint64_t *)(const void *)((const char *)&s->counts + count_offset);
    struct timespec deadline = deadline_in(timeout_ms);
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    s->waiters++;
    while (!s->closed && *have < wanted && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&s->arrived, &s->lock, &deadline);
    rc = *have < wanted ? OTK_ETIMEOUT : 0;
    s->waiters--;
    pthread_mutex_unlock(&s->lock);
    return rc;
}
