#include "traces.h"

#include <stdlib.h>

/* Span and trace ids are random as a rule, but whoever sends them may choose them: so they are mixed, and with what he
 * does not know, where the table lies. */
static uint64_t mix(const void *table, uint64_t x)
{
    x ^= (uint64_t)(uintptr_t)table * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

static uint64_t load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static bool grow(void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 4;
    void *to = realloc(*items, more * item_size);
    if (!to)
        return false;
    *items = to;
    *capacity = more;
    return true;
}

/* ---- Traces ---------------------------------------------------------- */

#define BUCKETS_FIRST 64

static size_t bucket_of(const struct traces *t, size_t bucket_count, const uint8_t id[16])
{
    return (size_t)mix(t, load(id) ^ mix(t, load(id + 8))) & (bucket_count - 1);
}

static void free_trace(struct trace *t)
{
    free(t->spans);
    free(t->nodes);
    free(t->slots);
    free(t->matched);
    free(t);
}

void otk_traces_clear(struct traces *t)
{
    for (size_t i = 0; i < t->bucket_count; i++)
        while (t->buckets[i]) {
            struct trace *next = t->buckets[i]->next;
            free_trace(t->buckets[i]);
            t->buckets[i] = next;
        }
    free(t->buckets);
    *t = (struct traces){0};
}

static bool grow_buckets(struct traces *t)
{
    if (t->count < t->bucket_count)
        return true;
    size_t count = t->bucket_count ? 2 * t->bucket_count : BUCKETS_FIRST;
    struct trace **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return false;
    for (size_t i = 0; i < t->bucket_count; i++)
        while (t->buckets[i]) {
            struct trace *trace = t->buckets[i];
            struct trace **to = &buckets[bucket_of(t, count, trace->id)];
            t->buckets[i] = trace->next;
            trace->next = *to;
            *to = trace;
        }
    free(t->buckets);
    t->buckets = buckets;
    t->bucket_count = count;
    return true;
}

struct trace *otk_traces_find(const struct traces *t, const uint8_t id[16])
{
    struct trace *trace = t->bucket_count ? t->buckets[bucket_of(t, t->bucket_count, id)] : NULL;
    while (trace && memcmp(trace->id, id, sizeof trace->id) != 0)
        trace = trace->next;
    return trace;
}

struct trace *otk_traces_get(struct traces *t, const uint8_t id[16])
{
    struct trace *trace = otk_traces_find(t, id);
    if (trace)
        return trace;
    trace = calloc(1, sizeof *trace);
    if (!trace || !grow_buckets(t)) {
        free(trace);
        return NULL;
    }
    struct trace **bucket = &t->buckets[bucket_of(t, t->bucket_count, id)];
    memcpy(trace->id, id, sizeof trace->id);
    trace->root = OTK_NO_NODE;
    trace->start = UINT64_MAX;
    trace->next = *bucket;
    *bucket = trace;
    t->count++;
    return trace;
}

/* ---- Nodes ----------------------------------------------------------- */

static uint32_t *slot_of(const struct trace *t, uint64_t id)
{
    size_t i = (size_t)mix(t, id) & (t->slot_count - 1);
    while (t->slots[i] && t->nodes[t->slots[i] - 1].id != id)
        i = (i + 1) & (t->slot_count - 1);
    return &t->slots[i];
}

/* At most half of the table is taken. */
static bool grow_slots(struct trace *t)
{
    if (2 * (t->node_count + 1) <= t->slot_count)
        return true;
    uint32_t *old = t->slots;
    size_t old_count = t->slot_count, count = old_count ? 2 * old_count : 8;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    t->slots = slots;
    t->slot_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i])
            *slot_of(t, t->nodes[old[i] - 1].id) = old[i];
    free(old);
    return true;
}

static bool new_node(struct trace *t, uint64_t id, uint32_t *out)
{
    void *nodes = t->nodes;
    bool ok = t->node_count < OTK_NO_NODE - 1 && grow(&nodes, t->node_count, &t->node_capacity, sizeof *t->nodes);
    t->nodes = nodes;
    if (!ok)
        return false;
    t->nodes[t->node_count] = (struct trace_node){id, OTK_NO_NODE, OTK_NO_NODE};
    *out = (uint32_t)t->node_count++;
    return true;
}

/* A span without an id is a node that nobody can refer to. */
static bool get_node(struct trace *t, otk_bytes id, uint32_t *out)
{
    if (id.size != 8)
        return new_node(t, 0, out);
    if (!grow_slots(t))
        return false;
    uint64_t word = load(id.data);
    uint32_t *slot = slot_of(t, word);
    if (*slot) {
        *out = *slot - 1;
        return true;
    }
    if (!new_node(t, word, out))
        return false;
    *slot = *out + 1;
    return true;
}

/* Some SDKs send a root's parent as eight zeros. */
static bool is_id(otk_bytes id)
{
    return id.size == 8 && load(id.data) != 0;
}

int otk_trace_add(struct trace *t, const struct trace_span *span, otk_bytes id, otk_bytes parent_id)
{
    uint32_t node, parent = OTK_NO_NODE;
    void *spans = t->spans;
    bool ok = t->span_count < OTK_NO_NODE - 1 && grow(&spans, t->span_count, &t->span_capacity, sizeof *t->spans);
    t->spans = spans;
    if (!ok || !get_node(t, id, &node) || (is_id(parent_id) && !get_node(t, parent_id, &parent)))
        return OTK_ENOMEM;
    t->spans[t->span_count] = *span;
    t->spans[t->span_count].node = node;
    if (t->nodes[node].span == OTK_NO_NODE) {
        t->nodes[node].span = (uint32_t)t->span_count;
        t->nodes[node].parent = parent;
    }
    if (parent == OTK_NO_NODE && t->root == OTK_NO_NODE)
        t->root = (uint32_t)t->span_count;
    t->span_count++;
    return 0;
}

/* ---- Nested sets ----------------------------------------------------- */

/* Children of each node as lists, in order of arrival. */
struct family {
    uint32_t first, next;
};

static void link_children(const struct trace *t, struct family *f)
{
    for (size_t i = 0; i < t->node_count; i++)
        f[i] = (struct family){OTK_NO_NODE, OTK_NO_NODE};
    for (size_t i = t->node_count; i-- > 0;) {
        uint32_t parent = t->nodes[i].parent;
        if (parent == OTK_NO_NODE)
            continue;
        f[i].next = f[parent].first;
        f[parent].first = (uint32_t)i;
    }
}

/* Numbers a tree as one walks around it. A root has no parent, so no walk ever comes to a circle of parents. */
static int64_t number_tree(const struct trace *t, struct family *f, struct trace_nested *out, uint32_t root,
                           int64_t count)
{
    uint32_t at = root;
    out[root].parent = -1;
    out[root].left = ++count;
    for (;;) {
        uint32_t child = f[at].first;
        if (child != OTK_NO_NODE) {
            f[at].first = f[child].next;
            out[child].parent = out[at].left;
            out[child].left = ++count;
            at = child;
            continue;
        }
        out[at].right = ++count;
        if (at == root)
            return count;
        at = t->nodes[at].parent;
    }
}

int otk_trace_nest(const struct trace *t, struct trace_nested *out)
{
    struct family *f = malloc((t->node_count + 1) * sizeof *f);
    int64_t count = 0;
    if (!f)
        return OTK_ENOMEM;
    memset(out, 0, t->node_count * sizeof *out);
    link_children(t, f);
    for (uint32_t i = 0; i < t->node_count; i++)
        if (t->nodes[i].parent == OTK_NO_NODE && t->nodes[i].span != OTK_NO_NODE)
            count = number_tree(t, f, out, i, count);
    free(f);
    return 0;
}
