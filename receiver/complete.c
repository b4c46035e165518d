#include "complete.h"

#include <stdlib.h>
#include <sys/random.h>

#define REMOTE (OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)

/* A span that is there, or a parent that is waited for. */
struct entry {
    uint8_t span_id[8];
    uint32_t trace; /* position in `traces` */
    bool there;
};

/* Positions in an array of things, found by hash; 0 is a free place, else position + 1. */
struct table {
    uint32_t *places;
    size_t capacity; /* a power of two, or 0 */
};

struct otk_complete {
    struct otk_trace_state *traces;
    size_t trace_count, trace_capacity;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    struct table by_trace, by_span;
    uint64_t seed; /* ids come from outside: nobody may know which ones collide */
    bool all_wanted;
    uint64_t span_count;
    struct otk_complete_sum sum; /* kept up to date, so that asking costs nothing */
};

struct otk_complete *otk_complete_new(uint64_t span_count)
{
    struct otk_complete *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->span_count = span_count;
    if (getrandom(&t->seed, sizeof t->seed, GRND_NONBLOCK) != (ssize_t)sizeof t->seed)
        t->seed = (uint64_t)(uintptr_t)t;
    return t;
}

void otk_complete_free(struct otk_complete *t)
{
    if (!t)
        return;
    free(t->traces);
    free(t->entries);
    free(t->by_trace.places);
    free(t->by_span.places);
    free(t);
}

/* ---- Hashing --------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t hash_trace(const struct otk_complete *t, const uint8_t *trace_id)
{
    uint64_t halves[2];
    memcpy(halves, trace_id, sizeof halves);
    return mix(mix(halves[0] ^ t->seed) + halves[1]);
}

static uint64_t hash_span(const struct otk_complete *t, uint32_t trace, const uint8_t *span_id)
{
    uint64_t id;
    memcpy(&id, span_id, sizeof id);
    return mix(mix(id ^ t->seed) + trace);
}

static void place(struct table *table, uint64_t hash, size_t position)
{
    size_t at = hash & (table->capacity - 1);
    while (table->places[at])
        at = (at + 1) & (table->capacity - 1);
    table->places[at] = (uint32_t)position + 1;
}

/* Room for one more at half load; false when memory ran out. `*grown` says that all must be placed again. */
static bool table_reserve(struct table *table, size_t count, bool *grown)
{
    *grown = false;
    if ((count + 1) * 2 <= table->capacity)
        return true;
    size_t capacity = table->capacity ? table->capacity * 2 : 64;
    uint32_t *places = calloc(capacity, sizeof *places);
    if (!places)
        return false;
    free(table->places);
    *table = (struct table){places, capacity};
    *grown = true;
    return true;
}

/* The array with room for one more, or NULL. */
static void *array_reserve(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? *capacity * 2 : 32;
    void *grown = wanted < UINT32_MAX ? realloc(items, wanted * size) : NULL;
    if (grown)
        *capacity = wanted;
    return grown;
}

/* ---- Traces and spans ------------------------------------------------ */

/* The trace's position; trace_count when it is not there. */
static size_t find_trace(const struct otk_complete *t, const uint8_t *trace_id)
{
    if (!t->by_trace.capacity)
        return t->trace_count;
    size_t mask = t->by_trace.capacity - 1;
    for (size_t at = hash_trace(t, trace_id) & mask; t->by_trace.places[at]; at = (at + 1) & mask)
        if (memcmp(t->traces[t->by_trace.places[at] - 1].trace_id, trace_id, 16) == 0)
            return t->by_trace.places[at] - 1;
    return t->trace_count;
}

static int add_trace(struct otk_complete *t, const uint8_t *trace_id)
{
    bool grown;
    struct otk_trace_state *traces = array_reserve(t->traces, t->trace_count, &t->trace_capacity, sizeof *traces);
    t->traces = traces ? traces : t->traces;
    if (!traces || !table_reserve(&t->by_trace, t->trace_count, &grown))
        return OTK_ENOMEM;
    for (size_t i = 0; grown && i < t->trace_count; i++)
        place(&t->by_trace, hash_trace(t, t->traces[i].trace_id), i);
    struct otk_trace_state *trace = &t->traces[t->trace_count];
    *trace = (struct otk_trace_state){.wanted = t->all_wanted};
    memcpy(trace->trace_id, trace_id, 16);
    place(&t->by_trace, hash_trace(t, trace_id), t->trace_count++);
    return 0;
}

static struct entry *find_entry(const struct otk_complete *t, uint32_t trace, const uint8_t *span_id)
{
    if (!t->by_span.capacity)
        return NULL;
    size_t mask = t->by_span.capacity - 1;
    for (size_t at = hash_span(t, trace, span_id) & mask; t->by_span.places[at]; at = (at + 1) & mask) {
        struct entry *e = &t->entries[t->by_span.places[at] - 1];
        if (e->trace == trace && memcmp(e->span_id, span_id, 8) == 0)
            return e;
    }
    return NULL;
}

static int add_entry(struct otk_complete *t, uint32_t trace, const uint8_t *span_id, bool there)
{
    bool grown;
    struct entry *entries = array_reserve(t->entries, t->entry_count, &t->entry_capacity, sizeof *entries);
    t->entries = entries ? entries : t->entries;
    if (!entries || !table_reserve(&t->by_span, t->entry_count, &grown))
        return OTK_ENOMEM;
    for (size_t i = 0; grown && i < t->entry_count; i++)
        place(&t->by_span, hash_span(t, t->entries[i].trace, t->entries[i].span_id), i);
    struct entry *e = &t->entries[t->entry_count];
    *e = (struct entry){.trace = trace, .there = there};
    memcpy(e->span_id, span_id, 8);
    place(&t->by_span, hash_span(t, trace, span_id), t->entry_count++);
    return 0;
}

/* ---- Feeding --------------------------------------------------------- */

/* What of a span matters here. */
struct seen {
    const uint8_t *trace_id, *span_id, *parent; /* NULL: none */
    uint64_t end;
    uint32_t flags;
};

/* Span's fields (trace.proto) under their tags. */
enum { TRACE_ID = 0x0a, SPAN_ID = 0x12, PARENT_SPAN_ID = 0x22, END_TIME = 0x41, FLAGS = 0x85 };

static struct seen read_span(const struct capture *c, size_t item)
{
    struct otk_extent span = otk_wire_message(c->pub.message.data, c->index.items[item]);
    struct otk_record r;
    struct seen out = {0};
    for (const uint8_t *p = span.data; p < span.end;) {
        uint64_t tag = otk_wire_varint(&p);
        otk_wire_content(&p, tag & 7, &r);
        if (tag == TRACE_ID)
            out.trace_id = r.size == 16 ? r.data : NULL;
        else if (tag == SPAN_ID)
            out.span_id = r.size == 8 ? r.data : NULL;
        else if (tag == PARENT_SPAN_ID)
            out.parent = r.size == 8 ? r.data : NULL;
        else if (tag == END_TIME)
            out.end = r.scalar;
        else if (tag == FLAGS)
            out.flags = (uint32_t)r.scalar;
    }
    return out;
}

/* A parent that is not there yet is missing until it comes. */
static int note_parent(struct otk_complete *t, uint32_t trace, const uint8_t *parent)
{
    if (find_entry(t, trace, parent))
        return 0;
    if (add_entry(t, trace, parent, false))
        return OTK_ENOMEM;
    t->traces[trace].missing++;
    return 0;
}

/* Takes the trace out of the sum before it changes (sign -1), and puts it in again (1). */
static void sum_up(struct otk_complete *t, const struct otk_trace_state *s, int sign)
{
    size_t one = sign < 0 ? SIZE_MAX : 1;
    if (!s->wanted)
        return;
    t->sum.wanted += one;
    t->sum.complete += otk_complete_is(t, s) ? one : 0;
    t->sum.exceeded += t->span_count && s->spans > t->span_count ? one : 0;
    t->sum.when_ns = s->when_ns > t->sum.when_ns ? s->when_ns : t->sum.when_ns;
}

/* The first time that this span is seen; `e` when it was missing so far. */
static int take_span(struct otk_complete *t, uint32_t trace, struct entry *e, const struct seen *s)
{
    struct otk_trace_state *state = &t->traces[trace];
    int rc = e ? 0 : add_entry(t, trace, s->span_id, true);
    if (rc)
        return rc;
    if (e) {
        e->there = true;
        state->missing--;
    }
    state->spans++;
    if (s->parent && (s->flags & REMOTE) != REMOTE)
        return note_parent(t, trace, s->parent);
    state->roots++;
    state->open_roots += s->end == 0;
    return 0;
}

static int feed_span(struct otk_complete *t, const struct seen *s, uint64_t when_ns)
{
    if (!s->trace_id || !s->span_id)
        return 0;
    size_t trace = find_trace(t, s->trace_id);
    int rc = 0;
    if (trace == t->trace_count)
        rc = add_trace(t, s->trace_id);
    else
        sum_up(t, &t->traces[trace], -1);
    if (rc)
        return rc;

    struct otk_trace_state *state = &t->traces[trace];
    struct entry *e = find_entry(t, (uint32_t)trace, s->span_id);
    state->when_ns = when_ns > state->when_ns ? when_ns : state->when_ns;
    if (!e || !e->there)
        rc = take_span(t, (uint32_t)trace, e, s);
    sum_up(t, state, 1);
    return rc;
}

int otk_complete_feed(struct otk_complete *t, const struct capture *c, uint64_t when_ns)
{
    int rc = 0;
    for (size_t i = 0; i < c->index.item_count && !rc; i++) {
        struct seen s = read_span(c, i);
        rc = feed_span(t, &s, when_ns);
    }
    return rc;
}

void otk_complete_want(struct otk_complete *t, const struct capture *c, size_t item)
{
    struct seen s = read_span(c, item);
    size_t i = s.trace_id ? find_trace(t, s.trace_id) : t->trace_count;
    if (i == t->trace_count || t->traces[i].wanted)
        return;
    t->traces[i].wanted = true;
    sum_up(t, &t->traces[i], 1);
}

void otk_complete_want_all(struct otk_complete *t)
{
    t->all_wanted = true;
}

/* ---- Asking ---------------------------------------------------------- */

const struct otk_trace_state *otk_complete_at(const struct otk_complete *t, size_t i)
{
    return i < t->trace_count ? &t->traces[i] : NULL;
}

const struct otk_complete_sum *otk_complete_sum(const struct otk_complete *t)
{
    return &t->sum;
}

bool otk_complete_is(const struct otk_complete *t, const struct otk_trace_state *trace)
{
    return trace->roots && !trace->open_roots && !trace->missing && (!t->span_count || trace->spans == t->span_count);
}

size_t otk_complete_missing(const struct otk_complete *t, size_t i, uint8_t (*out)[8], size_t max)
{
    size_t count = 0;
    for (size_t e = 0; e < t->entry_count; e++) {
        if (t->entries[e].trace != i || t->entries[e].there)
            continue;
        if (count < max)
            memcpy(out[count], t->entries[e].span_id, 8);
        count++;
    }
    return count;
}
