#include "repeats.h"

#include "store.h"
#include "view.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_BUCKETS 64
#define WHOLE_MAX 512    /* smaller messages are sampled whole */
#define SAMPLES 8        /* items of a larger one … */
#define SAMPLE_SIZE 32   /* … whose ids and times stand within so many bytes from their start or end */
#define SAME_KEY_MAX 8   /* compared byte by byte */
#define SPAN_KEY_SIZE 24 /* trace id and span id */
#define FIRST_SPANS 1024

/* ---- Hashing --------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ a >> 32;
}

static uint64_t hash(uint64_t key, const uint8_t *p, size_t size)
{
    uint64_t word = 0;
    for (; size >= sizeof word; p += sizeof word, size -= sizeof word) {
        memcpy(&word, p, sizeof word);
        key = mix(key, word);
    }
    word = size;
    memcpy(&word, p, size);
    return mix(key, word);
}

static uint64_t random_seed(const void *anything)
{
    uint64_t seed = (uintptr_t)anything;
    ssize_t got = getrandom(&seed, sizeof seed, GRND_NONBLOCK);
    (void)got; /* an address has to do then */
    return seed;
}

/* Up to SAMPLE_SIZE bytes in front of, and behind, `p`. */
static uint64_t hash_around(uint64_t key, otk_bytes m, size_t at)
{
    size_t before = at < SAMPLE_SIZE ? at : SAMPLE_SIZE, behind = m.size - at;
    return hash(key, m.data + at - before, before + (behind < SAMPLE_SIZE ? behind : SAMPLE_SIZE));
}

static uint64_t key_of(const struct otk_repeats *r, const struct capture *c)
{
    otk_bytes m = c->pub.message;
    uint64_t key = mix(r->seed, m.size << 4 | (uint64_t)c->pub.signal << 2 | (uint64_t)c->pub.encoding);
    if (m.size <= WHOLE_MAX)
        return hash(key, m.data, m.size);
    size_t items = c->index.item_count, samples = items < SAMPLES ? items : SAMPLES;
    for (size_t i = 0; i < samples; i++)
        key = hash_around(key, m, c->index.items[items * i / samples]);
    return hash_around(key, m, m.size);
}

/* ---- Captures -------------------------------------------------------- */

static struct capture **bucket_of(const struct otk_repeats *r, uint64_t key)
{
    return &r->buckets[key & (r->bucket_count - 1)];
}

static void push(struct otk_repeats *r, struct capture *c)
{
    struct capture **bucket = bucket_of(r, c->repeat_key);
    c->repeat_next = *bucket;
    *bucket = c;
}

void otk_repeats_reserve(struct otk_repeats *r)
{
    if (r->count < r->bucket_count)
        return;
    struct otk_repeats larger = *r;
    larger.bucket_count = r->bucket_count ? r->bucket_count * 2 : FIRST_BUCKETS;
    larger.buckets = calloc(larger.bucket_count, sizeof *larger.buckets);
    if (!larger.buckets)
        return;
    if (!r->buckets)
        larger.seed = random_seed(larger.buckets);
    for (size_t i = 0; i < r->bucket_count; i++)
        for (struct capture *c = r->buckets[i], *next; c; c = next) {
            next = c->repeat_next;
            push(&larger, c);
        }
    free(r->buckets);
    *r = larger;
}

static bool are_same(const struct capture *a, const struct capture *b)
{
    return a->pub.signal == b->pub.signal && a->pub.encoding == b->pub.encoding &&
           a->pub.message.size == b->pub.message.size &&
           memcmp(a->pub.message.data, b->pub.message.data, a->pub.message.size) == 0;
}

struct capture *otk_repeats_add(struct otk_repeats *r, struct capture *c)
{
    unsigned compared = 0;
    if (!r->bucket_count || !c->index.item_count || !c->pub.message.size)
        return NULL;
    c->repeat_key = key_of(r, c);
    for (struct capture **at = bucket_of(r, c->repeat_key); *at; at = &(*at)->repeat_next) {
        struct capture *other = *at;
        if (other->repeat_key != c->repeat_key)
            continue;
        if (are_same(other, c)) {
            c->repeat_next = other->repeat_next;
            *at = c;
            return other;
        }
        if (++compared == SAME_KEY_MAX) { /* the oldest makes room: what is sent again is sent soon */
            *at = other->repeat_next;
            r->count--;
            break;
        }
    }
    push(r, c);
    r->count++;
    return NULL;
}

void otk_repeats_remove(struct otk_repeats *r, struct capture *c)
{
    if (!r->bucket_count)
        return;
    for (struct capture **at = bucket_of(r, c->repeat_key); *at; at = &(*at)->repeat_next)
        if (*at == c) {
            *at = c->repeat_next;
            r->count--;
            return;
        }
}

void otk_repeats_clear(struct otk_repeats *r)
{
    free(r->buckets);
    *r = (struct otk_repeats){0};
}

/* ---- Spans ----------------------------------------------------------- */

/* The ids that were seen, an open-addressed table of keys that are not all zero. */
struct span_set {
    uint8_t (*keys)[SPAN_KEY_SIZE];
    size_t capacity; /* a power of two */
    size_t count;
    uint64_t seed;
};

static const uint8_t no_key[SPAN_KEY_SIZE];

/* Where `key` is or would be. */
static uint8_t *find_place(const struct span_set *s, const uint8_t *key)
{
    for (uint64_t i = hash(s->seed, key, SPAN_KEY_SIZE);; i++) {
        uint8_t *place = s->keys[i & (s->capacity - 1)];
        if (memcmp(place, key, SPAN_KEY_SIZE) == 0 || memcmp(place, no_key, SPAN_KEY_SIZE) == 0)
            return place;
    }
}

static int grow(struct span_set *s)
{
    struct span_set larger = {.capacity = s->capacity ? s->capacity * 2 : FIRST_SPANS, .count = s->count};
    larger.keys = calloc(larger.capacity, SPAN_KEY_SIZE);
    if (!larger.keys)
        return OTK_ENOMEM;
    larger.seed = s->keys ? s->seed : random_seed(larger.keys);
    for (size_t i = 0; i < s->capacity; i++)
        if (memcmp(s->keys[i], no_key, SPAN_KEY_SIZE) != 0)
            memcpy(find_place(&larger, s->keys[i]), s->keys[i], SPAN_KEY_SIZE);
    free(s->keys);
    *s = larger;
    return 0;
}

/* Returns whether the span was seen before, or OTK_ENOMEM. */
static int see_span(struct span_set *s, const otk_captured_span *span)
{
    uint8_t key[SPAN_KEY_SIZE];
    if (span->trace_id.size + span->span_id.size != sizeof key)
        return 0;
    memcpy(key, span->trace_id.data, span->trace_id.size);
    memcpy(key + span->trace_id.size, span->span_id.data, span->span_id.size);
    if (memcmp(key, no_key, sizeof key) == 0)
        return 0;
    if (s->count * 2 >= s->capacity && grow(s))
        return OTK_ENOMEM;
    uint8_t *place = find_place(s, key);
    if (memcmp(place, key, sizeof key) == 0)
        return 1;
    memcpy(place, key, sizeof key);
    s->count++;
    return 0;
}

static int see_capture(struct span_set *s, const struct capture *c, uint64_t *repeated)
{
    struct otk_walk walk;
    const void *span;
    int seen = 0;
    if (!otk_capture_accepted(&c->pub) || c->pub.signal != OTK_SIGNAL_TRACES)
        return 0;
    otk_walk_init(&walk, c);
    while (seen >= 0 && (span = otk_walk_next(&walk))) {
        seen = see_span(s, span);
        *repeated += seen > 0;
    }
    int rc = seen < 0 ? seen : walk.failed;
    otk_walk_clear(&walk);
    return rc;
}

int otk_receiver_repeated_spans(otk_receiver *rx, uint64_t *out)
{
    struct span_set seen = {0};
    uint64_t number = 0, repeated = 0;
    struct capture *c;
    int rc = 0;
    while (!rc && (c = otk_store_next(otk_receiver_store(rx), number))) {
        number = c->pub.number;
        rc = see_capture(&seen, c, &repeated);
        otk_capture_free(c);
    }
    free(seen.keys);
    if (!rc)
        *out = repeated;
    return rc;
}
