#include "pipeline.h"

#include <math.h>
#include <stdlib.h>

struct set {
    uint32_t *items; /* positions in the trace's spans, ascending */
    size_t count;
    struct set *next;
};

struct trace_values {
    struct sel_value root_name, root_service, duration;
    struct trace_nested *nested; /* by node */
    int64_t *children;
};

struct run {
    struct otk_matcher *m;
    struct trace *trace;
    struct otk_arena *scratch;
    size_t reached;
    bool of_trace; /* fields speak of the trace: `values` has them */
    struct trace_values values;
    const struct trace_span *loaded;
};

static void *scratch(struct run *r, size_t count, size_t size)
{
    return otk_arena_alloc(r->scratch, (count ? count : 1) * size);
}

/* The spans whose flags are set, as one set behind *end; none when there is none. */
static int add_flagged(struct run *r, const bool *flags, struct set ***end)
{
    size_t count = 0;
    for (size_t i = 0; i < r->trace->span_count; i++)
        count += flags[i];
    if (!count)
        return 0;
    struct set *set = scratch(r, 1, sizeof *set);
    uint32_t *items = scratch(r, count, sizeof *items);
    if (!set || !items)
        return OTK_ENOMEM;
    *set = (struct set){.items = items, .count = count};
    for (uint32_t i = 0; i < r->trace->span_count; i++)
        if (flags[i])
            *items++ = i;
    **end = set;
    *end = &set->next;
    return 0;
}

static void flag(const struct set *sets, bool *flags)
{
    for (; sets; sets = sets->next)
        for (size_t i = 0; i < sets->count; i++)
            flags[sets->items[i]] = true;
}

/* ---- Structure ------------------------------------------------------- */

/* Nodes that have one of the flagged spans. */
static void flag_nodes(const struct trace *t, const bool *spans, bool *nodes)
{
    for (size_t i = 0; i < t->span_count; i++)
        if (spans[i])
            nodes[t->spans[i].node] = true;
}

static void find_children(const struct trace *t, const bool *left_nodes, bool *out_nodes)
{
    for (size_t i = 0; i < t->node_count; i++)
        out_nodes[i] = t->nodes[i].parent != OTK_NO_NODE && left_nodes[t->nodes[i].parent];
}

static void find_parents(const struct trace *t, const bool *left_nodes, bool *out_nodes)
{
    for (size_t i = 0; i < t->node_count; i++)
        if (left_nodes[i] && t->nodes[i].parent != OTK_NO_NODE)
            out_nodes[t->nodes[i].parent] = true;
}

/* Walks up from each and stops where someone walked before: linear, and circles of parents end it too. */
static void find_ancestors(const struct trace *t, const bool *left_nodes, bool *out_nodes)
{
    for (size_t i = 0; i < t->node_count; i++) {
        uint32_t at = left_nodes[i] ? t->nodes[i].parent : OTK_NO_NODE;
        for (; at != OTK_NO_NODE && !out_nodes[at]; at = t->nodes[at].parent)
            out_nodes[at] = true;
    }
}

enum below { BELOW_UNKNOWN, BELOW_WALKING, BELOW_NO, BELOW_YES };

/* Walks up to the first node whose answer is known, then tells it to all on the way. A circle has no one above. */
static void walk_up(const struct trace *t, const bool *left_nodes, uint8_t *below, uint32_t from)
{
    uint32_t at = from;
    uint8_t answer = BELOW_NO;
    while (below[at] == BELOW_UNKNOWN) {
        below[at] = BELOW_WALKING;
        uint32_t parent = t->nodes[at].parent;
        if (parent == OTK_NO_NODE)
            break;
        if (left_nodes[parent]) {
            answer = BELOW_YES;
            break;
        }
        at = parent;
    }
    if (below[at] > BELOW_WALKING)
        answer = below[at];
    for (at = from; at != OTK_NO_NODE && below[at] == BELOW_WALKING; at = t->nodes[at].parent)
        below[at] = answer;
}

static void find_descendants(const struct trace *t, const bool *left_nodes, uint8_t *below, bool *out_nodes)
{
    for (uint32_t i = 0; i < t->node_count; i++) {
        walk_up(t, left_nodes, below, i);
        out_nodes[i] = below[i] == BELOW_YES;
    }
}

/* A span is no sibling of itself; one without a parent has none. */
static int find_siblings(const struct trace *t, const bool *left, bool *out, struct otk_arena *arena)
{
    uint32_t *children = otk_arena_alloc(arena, (t->node_count + 1) * sizeof *children);
    if (!children)
        return OTK_ENOMEM;
    for (size_t i = 0; i < t->span_count; i++) {
        uint32_t parent = t->nodes[t->spans[i].node].parent;
        if (left[i] && parent != OTK_NO_NODE)
            children[parent]++;
    }
    for (size_t i = 0; i < t->span_count; i++) {
        uint32_t parent = t->nodes[t->spans[i].node].parent;
        out[i] = parent != OTK_NO_NODE && children[parent] > (left[i] ? 1u : 0u);
    }
    return 0;
}

/* Whether the span stands to one of `left` as the relation says, for all spans, which go by position. */
static int find_related(const struct trace *t, enum sel_relation relation, const bool *left, const bool *right,
                        bool *out, struct otk_arena *arena)
{
    bool *left_nodes = otk_arena_alloc(arena, t->node_count + 1);
    bool *nodes = otk_arena_alloc(arena, t->node_count + 1);
    uint8_t *below = otk_arena_alloc(arena, t->node_count + 1);
    if (!left_nodes || !nodes || !below)
        return OTK_ENOMEM;
    flag_nodes(t, left, left_nodes);
    if (relation == SEL_SIBLING) {
        int rc = find_siblings(t, left, out, arena);
        for (size_t i = 0; i < t->span_count; i++)
            out[i] = out[i] && right[i];
        return rc;
    }
    if (relation == SEL_CHILD)
        find_children(t, left_nodes, nodes);
    else if (relation == SEL_PARENT)
        find_parents(t, left_nodes, nodes);
    else if (relation == SEL_ANCESTOR)
        find_ancestors(t, left_nodes, nodes);
    else
        find_descendants(t, left_nodes, below, nodes);
    for (size_t i = 0; i < t->span_count; i++)
        out[i] = right[i] && nodes[t->spans[i].node];
    return 0;
}

static enum sel_relation turned(enum sel_relation relation)
{
    static const uint8_t other[] = {[SEL_CHILD] = SEL_PARENT,
                                    [SEL_DESCENDANT] = SEL_ANCESTOR,
                                    [SEL_PARENT] = SEL_CHILD,
                                    [SEL_ANCESTOR] = SEL_DESCENDANT,
                                    [SEL_SIBLING] = SEL_SIBLING};
    return (enum sel_relation)other[relation];
}

static int relate(struct run *r, const struct sel_set *set, const bool *left, const bool *right, bool *out)
{
    size_t n = r->trace->span_count;
    enum sel_relation relation = (enum sel_relation)set->relation;
    int rc = find_related(r->trace, relation, left, right, out, r->scratch);
    if (rc)
        return rc;
    if (set->negated)
        for (size_t i = 0; i < n; i++)
            out[i] = right[i] && !out[i];
    if (!set->is_union)
        return 0;
    bool *others = scratch(r, n, sizeof *others);
    rc = others ? find_related(r->trace, turned(relation), right, left, others, r->scratch) : OTK_ENOMEM;
    for (size_t i = 0; !rc && i < n; i++)
        out[i] = out[i] || others[i];
    return rc;
}

/* ---- What looks at the trace ----------------------------------------- */

static bool wants(const struct sel_selector *s, enum sel_intrinsic first, enum sel_intrinsic last)
{
    for (size_t i = 0; i < s->field_count; i++)
        if (s->fields[i]->name && s->fields[i]->name->id >= first && s->fields[i]->name->id <= last)
            return true;
    return false;
}

static bool looks_at_trace(const struct sel_selector *s)
{
    for (size_t i = 0; i < s->field_count; i++)
        if (s->fields[i]->of_parent || (s->fields[i]->name && s->fields[i]->name->of_trace))
            return true;
    return false;
}

static int read_trace(struct otk_matcher *m, const struct trace *t, struct otk_arena *arena, struct trace_values *v)
{
    memset(v, 0, sizeof *v);
    v->nested = otk_arena_alloc(arena, (t->node_count + 1) * sizeof *v->nested);
    v->children = otk_arena_alloc(arena, (t->node_count + 1) * sizeof *v->children);
    if (!v->nested || !v->children)
        return OTK_ENOMEM;
    if (t->end && t->start <= t->end)
        v->duration = (struct sel_value){.type = SEL_DURATION, .as.i = (int64_t)(t->end - t->start)};
    if (t->root != OTK_NO_NODE) {
        const struct trace_span *root = &t->spans[t->root];
        v->root_name = otk_matcher_name_of(m, root->capture, root->item);
        v->root_service = otk_matcher_service_of(m, root->capture, root->item);
    }
    for (size_t i = 0; i < t->span_count; i++) {
        uint32_t parent = t->nodes[t->spans[i].node].parent;
        if (parent != OTK_NO_NODE)
            v->children[parent]++;
    }
    return wants(m->selector, SEL_NESTED_LEFT, SEL_NESTED_PARENT) ? otk_trace_nest(t, v->nested) : 0;
}

static struct sel_value value_of_trace(const struct trace_values *v, uint8_t id, uint32_t node)
{
    struct sel_value number = {.type = SEL_INT};
    switch (id) {
    case SEL_TRACE_DURATION:
        return v->duration;
    case SEL_ROOT_NAME:
        return v->root_name;
    case SEL_ROOT_SERVICE:
        return v->root_service;
    case SEL_CHILD_COUNT:
        number.as.i = v->children[node];
        return number;
    case SEL_NESTED_LEFT:
        number.as.i = v->nested[node].left;
        return number;
    case SEL_NESTED_RIGHT:
        number.as.i = v->nested[node].right;
        return number;
    default:
        number.as.i = v->nested[node].parent;
        return number;
    }
}

static void load_in_trace(struct otk_matcher *m, const struct trace *t, const struct trace_values *v,
                          const struct trace_span *span)
{
    const struct sel_selector *s = m->selector;
    uint32_t parent = t->nodes[span->node].parent;
    uint32_t parent_span = parent == OTK_NO_NODE ? OTK_NO_NODE : t->nodes[parent].span;
    otk_matcher_load(m, span->capture, span->item);
    if (parent_span == OTK_NO_NODE)
        otk_matcher_load_parent(m, NULL, 0);
    else
        otk_matcher_load_parent(m, t->spans[parent_span].capture, t->spans[parent_span].item);
    for (size_t i = 0; i < s->field_count; i++)
        if (s->fields[i]->name && s->fields[i]->name->of_trace)
            m->of_trace[i] = value_of_trace(v, s->fields[i]->name->id, span->node);
}

/* ---- Sets ------------------------------------------------------------ */

static int run_stages(struct run *r, const struct sel_stage *stage, const struct set *in, bool outermost,
                      struct set **out);

static int run_set(struct run *r, const struct sel_set *set, const struct set *in, struct set ***end);

static int run_filter(struct run *r, uint8_t filter, const struct set *in, struct set ***end)
{
    bool *flags = scratch(r, r->trace->span_count, sizeof *flags);
    if (!flags)
        return OTK_ENOMEM;
    for (size_t i = 0; i < in->count; i++)
        flags[in->items[i]] = r->trace->spans[in->items[i]].filters >> filter & 1;
    return add_flagged(r, flags, end);
}

static int run_operation(struct run *r, const struct sel_set *set, const struct set *in, struct set ***end)
{
    size_t n = r->trace->span_count;
    struct set *left = NULL, *right = NULL, **left_end = &left, **right_end = &right;
    bool *left_flags = scratch(r, n, 1), *right_flags = scratch(r, n, 1), *out = scratch(r, n, 1);
    int rc = left_flags && right_flags && out ? run_set(r, set->left, in, &left_end) : OTK_ENOMEM;
    if (!rc)
        rc = run_set(r, set->right, in, &right_end);
    if (rc || (set->kind == SEL_SET_AND && !(left && right)))
        return rc;
    flag(left, left_flags);
    flag(right, right_flags);
    if (set->kind == SEL_SET_RELATION)
        rc = relate(r, set, left_flags, right_flags, out);
    for (size_t i = 0; set->kind != SEL_SET_RELATION && i < n; i++)
        out[i] = left_flags[i] || right_flags[i];
    return rc ? rc : add_flagged(r, out, end);
}

static int run_set(struct run *r, const struct sel_set *set, const struct set *in, struct set ***end)
{
    if (set->kind == SEL_SET_FILTER)
        return run_filter(r, set->filter, in, end);
    if (set->kind != SEL_SET_PIPELINE)
        return run_operation(r, set, in, end);
    int rc = run_stages(r, set->stages, in, false, *end);
    while (!rc && **end)
        *end = &(**end)->next;
    return rc;
}

/* ---- Aggregates ------------------------------------------------------ */

/* Sets go through a metric's points in order, so most are one step behind the last. */
static void load_point(struct run *r, const struct trace_span *span)
{
    const struct trace_span *last = r->loaded;
    bool ahead = last && last->capture == span->capture && last->item == span->item && last->point < span->point;
    if (!ahead)
        otk_matcher_load(r->m, span->capture, span->item);
    for (uint32_t i = ahead ? last->point + 1 : 0; i <= span->point; i++)
        otk_matcher_next_point(r->m);
    r->loaded = span;
}

static void load_span(struct run *r, uint32_t position)
{
    const struct trace_span *span = &r->trace->spans[position];
    if (span->point != UINT32_MAX)
        load_point(r, span);
    else if (r->of_trace)
        load_in_trace(r->m, r->trace, &r->values, span);
    else
        otk_matcher_load(r->m, span->capture, span->item);
}

/* Items that have no number there are left out. */
static struct sel_value aggregate(struct run *r, const struct sel_node *n, const struct set *set)
{
    double sum = 0, least = INFINITY, most = -INFINITY;
    size_t count = 0;
    if (n->name->id == SEL_FUNCTION_COUNT)
        return (struct sel_value){.type = SEL_INT, .as.i = (int64_t)set->count};
    for (size_t i = 0; i < set->count; i++) {
        load_span(r, set->items[i]);
        struct sel_value v = otk_matcher_single(r->m, otk_matcher_value(r->m, n->left));
        if (!otk_sel_is_number(&v))
            continue;
        double d = otk_sel_number(&v);
        count++;
        sum += d;
        least = d < least ? d : least;
        most = d > most ? d : most;
    }
    if (!count)
        return (struct sel_value){.type = SEL_NIL};
    double results[] = {[SEL_FUNCTION_COUNT] = 0,
                        [SEL_FUNCTION_AVG] = sum / (double)count,
                        [SEL_FUNCTION_MIN] = least,
                        [SEL_FUNCTION_MAX] = most,
                        [SEL_FUNCTION_SUM] = sum};
    return (struct sel_value){.type = SEL_DOUBLE, .as.d = results[n->name->id]};
}

/* An expression over aggregates, with their values put in as numbers. */
static struct sel_value scalar(struct run *r, const struct sel_node *n, const struct set *set)
{
    if (n->kind == SEL_NODE_AGGREGATE)
        return aggregate(r, n, set);
    if (n->kind == SEL_NODE_STATIC)
        return n->value;
    struct sel_node left = {.kind = SEL_NODE_STATIC, .value = scalar(r, n->left, set)}, right = left;
    if (n->right)
        right.value = scalar(r, n->right, set);
    struct sel_node whole = *n;
    whole.left = &left;
    whole.right = n->right ? &right : NULL;
    return otk_matcher_value(r->m, &whole);
}

static bool scalar_holds(struct run *r, const struct sel_node *n, const struct set *set)
{
    struct sel_value v = scalar(r, n, set);
    return v.type == SEL_BOOL && v.as.b;
}

/* ---- Groups ---------------------------------------------------------- */

struct keyed {
    uint32_t item;
    size_t key, key_size;
    const uint8_t *keys;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    size_t n = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = n ? memcmp(x->keys + x->key, y->keys + y->key, n) : 0;
    if (!order)
        order = (x->key_size > y->key_size) - (x->key_size < y->key_size);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

static bool same_key(const struct keyed *x, const struct keyed *y)
{
    return x->key_size == y->key_size && (!x->key_size || memcmp(x->keys + x->key, y->keys + y->key, x->key_size) == 0);
}

static int add_groups(struct run *r, const struct keyed *keyed, size_t count, struct set ***end)
{
    uint32_t *items = scratch(r, count, sizeof *items);
    if (!items)
        return OTK_ENOMEM;
    for (size_t from = 0, to; from < count; from = to) {
        struct set *set = scratch(r, 1, sizeof *set);
        if (!set)
            return OTK_ENOMEM;
        set->items = items + from;
        for (to = from; to < count && same_key(&keyed[from], &keyed[to]); to++)
            items[to] = keyed[to].item;
        set->count = to - from;
        **end = set;
        *end = &set->next;
    }
    return 0;
}

static int run_by(struct run *r, const struct sel_node *expr, const struct set *in, struct set ***end)
{
    struct otk_buffer keys = OTK_BUFFER_INIT(SIZE_MAX);
    struct keyed *keyed = scratch(r, in->count, sizeof *keyed);
    if (!keyed)
        return OTK_ENOMEM;
    for (size_t i = 0; i < in->count && !keys.failed; i++) {
        load_span(r, in->items[i]);
        struct sel_value v = otk_matcher_single(r->m, otk_matcher_value(r->m, expr));
        keyed[i] = (struct keyed){.item = in->items[i], .key = keys.size};
        otk_sel_group_key(&keys, &v);
        keyed[i].key_size = keys.size - keyed[i].key;
    }
    int rc = keys.failed;
    for (size_t i = 0; i < in->count; i++)
        keyed[i].keys = keys.data;
    if (!rc) {
        qsort(keyed, in->count, sizeof *keyed, compare_keyed);
        rc = add_groups(r, keyed, in->count, end);
    }
    otk_buffer_clear(&keys);
    return rc;
}

static int run_coalesce(struct run *r, const struct set *in, struct set ***end)
{
    bool *flags = scratch(r, r->trace->span_count, sizeof *flags);
    if (!flags)
        return OTK_ENOMEM;
    flag(in, flags);
    return add_flagged(r, flags, end);
}

/* ---- Stages ---------------------------------------------------------- */

static int run_stage(struct run *r, const struct sel_stage *stage, const struct set *in, struct set ***end)
{
    if (stage->kind == SEL_STAGE_SET)
        return run_set(r, stage->set, in, end);
    if (stage->kind == SEL_STAGE_BY)
        return run_by(r, stage->expr, in, end);
    if (stage->kind == SEL_STAGE_SCALAR && !scalar_holds(r, stage->expr, in))
        return 0;
    struct set *same = scratch(r, 1, sizeof *same);
    if (!same)
        return OTK_ENOMEM;
    *same = *in;
    same->next = NULL;
    **end = same;
    *end = &same->next;
    return 0;
}

static size_t count_sets(const struct set *sets)
{
    size_t count = 0;
    for (; sets; sets = sets->next)
        count++;
    return count;
}

static int run_stages(struct run *r, const struct sel_stage *stage, const struct set *in, bool outermost,
                      struct set **out)
{
    struct set first = *in;
    first.next = NULL;
    const struct set *now = first.count ? &first : NULL;
    struct set *result = NULL;
    bool counted = false;
    for (; stage; stage = stage->next) {
        struct set **end = &result;
        int rc = 0;
        result = NULL;
        if (outermost && stage->kind == SEL_STAGE_SCALAR && !counted) {
            counted = true;
            r->reached = count_sets(now);
        }
        if (stage->kind == SEL_STAGE_COALESCE)
            rc = run_coalesce(r, now, &end);
        for (; stage->kind != SEL_STAGE_COALESCE && now && !rc; now = now->next)
            rc = run_stage(r, stage, now, &end);
        if (rc)
            return rc;
        now = result;
    }
    *out = result;
    return 0;
}

static int everything(struct run *r, struct set *out)
{
    size_t n = r->trace->span_count;
    *out = (struct set){.items = scratch(r, n, sizeof *out->items), .count = n};
    if (!out->items)
        return OTK_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        out->items[i] = i;
    return 0;
}

int otk_pipeline_run(struct otk_matcher *m, struct trace *t, struct otk_arena *arena)
{
    struct run r = {.m = m, .trace = t, .scratch = arena};
    struct set all, *out = NULL;
    size_t count = 0;
    int rc = everything(&r, &all);
    r.of_trace = looks_at_trace(m->selector);
    if (!rc && r.of_trace)
        rc = read_trace(m, t, arena, &r.values);
    if (!rc)
        rc = run_stages(&r, m->selector->stages, &all, true, &out);
    bool *flags = rc ? NULL : scratch(&r, t->span_count, sizeof *flags);
    if (!rc && (!flags || m->failed))
        rc = m->failed ? m->failed : OTK_ENOMEM;
    if (rc)
        return rc;
    flag(out, flags);
    for (size_t i = 0; i < t->span_count; i++)
        count += flags[i];
    uint32_t *matched = realloc(t->matched, (count ? count : 1) * sizeof *matched);
    if (!matched)
        return OTK_ENOMEM;
    t->matched = matched;
    t->matched_count = 0;
    for (uint32_t i = 0; i < t->span_count; i++)
        if (flags[i])
            matched[t->matched_count++] = i;
    t->holds = out;
    t->reached = r.reached;
    return 0;
}

int otk_pipeline_load(struct otk_matcher *m, const struct trace *t, const struct trace_span *span,
                      struct otk_arena *arena)
{
    struct trace_values v;
    int rc = looks_at_trace(m->selector) ? read_trace(m, t, arena, &v) : 0;
    if (!rc && looks_at_trace(m->selector))
        load_in_trace(m, t, &v, span);
    return rc;
}

int otk_pipeline_refit(struct otk_matcher *m, struct trace *t, struct otk_arena *arena)
{
    const struct sel_selector *s = m->selector;
    struct trace_values v;
    bool needed = false;
    for (size_t f = 0; f < s->filter_count; f++)
        needed = needed || s->filters[f].of_trace;
    int rc = needed ? read_trace(m, t, arena, &v) : 0;
    for (size_t i = 0; needed && i < t->span_count && !rc; i++) {
        load_in_trace(m, t, &v, &t->spans[i]);
        for (size_t f = 0; f < s->filter_count; f++) {
            if (!s->filters[f].of_trace)
                continue;
            uint64_t bit = UINT64_C(1) << f;
            t->spans[i].filters &= ~bit;
            t->spans[i].filters |= otk_matcher_holds(m, &s->filters[f]) ? bit : 0;
        }
        rc = m->failed;
    }
    return rc;
}

/* ---- Selectors as a whole -------------------------------------------- */

bool otk_pipeline_holds_empty(const struct sel_selector *s)
{
    struct otk_matcher m = {.selector = s};
    struct run r = {.m = &m};
    const struct set empty = {0};
    bool counted = false;
    for (const struct sel_stage *stage = s->stages; stage; stage = stage->next) {
        if (stage->kind == SEL_STAGE_SCALAR && !scalar_holds(&r, stage->expr, &empty))
            return false;
        if (stage->kind == SEL_STAGE_SET && counted)
            return false;
        counted = counted || stage->kind == SEL_STAGE_SCALAR;
    }
    return counted;
}

static bool set_needs_all(const struct sel_selector *s, const struct sel_set *set);

static bool stages_need_all(const struct sel_selector *s, const struct sel_stage *stage)
{
    if (stage->kind != SEL_STAGE_SET)
        return true;
    for (; stage; stage = stage->next)
        if (stage->kind == SEL_STAGE_SET && set_needs_all(s, stage->set))
            return true;
    return false;
}

static bool set_needs_all(const struct sel_selector *s, const struct sel_set *set)
{
    switch (set->kind) {
    case SEL_SET_FILTER:
        return s->filters[set->filter].of_trace;
    case SEL_SET_RELATION:
        return true;
    case SEL_SET_PIPELINE:
        return stages_need_all(s, set->stages);
    default:
        return set_needs_all(s, set->left) || set_needs_all(s, set->right);
    }
}

bool otk_pipeline_needs_all(const struct sel_selector *s)
{
    return stages_need_all(s, s->stages);
}
