/* How far an item is from what a selector wants, and in what. */
#include "query_inside.h"

#include <stdio.h>

/* What a failed comparison weighs. An item with the right name is nearer than any with a wrong one. */
enum {
    WEIGHT_KIND_ONLY = 1, /* the text "500" where the number 500 is wanted */
    WEIGHT_TYPO = 2,
    WEIGHT_VALUE = 4,
    WEIGHT_OTHER_KIND = 5,
    WEIGHT_ABSENT = 6,
    WEIGHT_STRUCTURE = 3,
    WEIGHT_NAME = 20
};

#define TYPO_MAX 3

struct looking {
    struct otk_query *q;
    struct otk_matcher *m;
    struct otk_near *near;
};

static otk_string text_of(const struct looking *l, struct sel_place place)
{
    return (otk_string){l->q->selector->text + place.at, place.size};
}

static void copy(char *out, size_t size, otk_string text)
{
    snprintf(out, size, "%.*s%s", (int)(text.size < size ? text.size : size - 5), text.data,
             text.size < size ? "" : "…");
}

static struct otk_difference *next_difference(struct looking *l)
{
    if (l->near->count == OTK_DIFFERENCES_MAX)
        return NULL;
    struct otk_difference *d = &l->near->differences[l->near->count++];
    memset(d, 0, sizeof *d);
    return d;
}

static void tell(struct otk_difference *d, const char *what)
{
    char sentence[sizeof d->sentence];
    snprintf(sentence, sizeof sentence, "%s is %s, expected %s", what, d->actual, d->expected);
    memcpy(d->sentence, sentence, sizeof sentence);
}

/* ---- Comparisons ----------------------------------------------------- */

static const char *op_text(uint8_t op)
{
    static const char *const texts[] = {
        [SEL_OP_EQ] = "=", [SEL_OP_NE] = "!=", [SEL_OP_LT] = "<",     [SEL_OP_LE] = "<=",
        [SEL_OP_GT] = ">", [SEL_OP_GE] = ">=", [SEL_OP_MATCH] = "=~", [SEL_OP_NO_MATCH] = "!~",
    };
    return texts[op];
}

static uint8_t turned_op(uint8_t op)
{
    static const uint8_t others[] = {
        [SEL_OP_EQ] = SEL_OP_EQ,       [SEL_OP_NE] = SEL_OP_NE,
        [SEL_OP_LT] = SEL_OP_GT,       [SEL_OP_LE] = SEL_OP_GE,
        [SEL_OP_GT] = SEL_OP_LT,       [SEL_OP_GE] = SEL_OP_LE,
        [SEL_OP_MATCH] = SEL_OP_MATCH, [SEL_OP_NO_MATCH] = SEL_OP_NO_MATCH,
    };
    return others[op];
}

static bool has_field(const struct sel_node *n)
{
    return n &&
           (n->kind == SEL_NODE_FIELD || has_field(n->left) || (n->kind == SEL_NODE_BINARY && has_field(n->right)));
}

static bool is_text(const struct sel_value *v)
{
    return v->type == SEL_STRING || v->type == SEL_ID;
}

/* The value without its kind: 500 of int 500 and of string "500". */
static void bare(const struct sel_value *v, char *out, size_t size)
{
    char described[128];
    otk_sel_describe(v, described, sizeof described);
    const char *from = strchr(described, ' ');
    from = from ? from + 1 : described;
    size_t n = strlen(from), quote = n >= 2 && from[0] == '"';
    snprintf(out, size, "%.*s", (int)(n - 2 * quote), from + quote);
}

static bool same_but_kind(const struct sel_value *a, const struct sel_value *b)
{
    char x[128], y[128];
    if (a->type == b->type || a->type == SEL_NIL || b->type == SEL_NIL)
        return false;
    bare(a, x, sizeof x);
    bare(b, y, sizeof y);
    return strcmp(x, y) == 0;
}

static bool is_name(const struct sel_node *n)
{
    return n->kind == SEL_NODE_FIELD && n->field->name && n->field->name->id == SEL_NAME;
}

static unsigned weigh(const struct sel_node *side, const struct sel_value *actual, const struct sel_value *wanted)
{
    unsigned typo =
        is_text(actual) && is_text(wanted) ? otk_sel_edit_distance(actual->as.s, wanted->as.s, TYPO_MAX) : TYPO_MAX + 1;
    if (is_name(side))
        return typo <= TYPO_MAX ? WEIGHT_NAME / 2 + typo : WEIGHT_NAME;
    if (actual->type == SEL_NIL)
        return WEIGHT_ABSENT;
    if (same_but_kind(actual, wanted))
        return WEIGHT_KIND_ONLY;
    if (typo <= TYPO_MAX)
        return WEIGHT_TYPO;
    return actual->type == wanted->type ? WEIGHT_VALUE : WEIGHT_OTHER_KIND;
}

/* A comparison that does not hold, as a sentence. */
static unsigned compare_difference(struct looking *l, const struct sel_node *n)
{
    bool turn = !has_field(n->left) && has_field(n->right);
    const struct sel_node *side = turn ? n->right : n->left, *other = turn ? n->left : n->right;
    struct sel_value actual = otk_matcher_single(l->m, otk_matcher_value(l->m, side));
    struct sel_value wanted = otk_matcher_single(l->m, otk_matcher_value(l->m, other));
    struct otk_difference *d = next_difference(l);
    unsigned weight = weigh(side, &actual, &wanted);
    if (!d)
        return weight;
    char value[112];
    copy(d->field, sizeof d->field, text_of(l, side->place));
    if (wanted.type == SEL_LIST)
        copy(value, sizeof value, text_of(l, other->place));
    else
        otk_sel_describe(&wanted, value, sizeof value);
    snprintf(d->expected, sizeof d->expected, "%s %s", op_text(turn ? turned_op(n->op) : n->op), value);
    otk_sel_describe(&actual, d->actual, sizeof d->actual);
    tell(d, d->field);
    return weight;
}

/* Anything else that does not hold: told by its text. */
static unsigned plain_difference(struct looking *l, const struct sel_node *n, const char *expected)
{
    struct otk_difference *d = next_difference(l);
    if (!d)
        return WEIGHT_VALUE;
    struct sel_value actual = otk_matcher_single(l->m, otk_matcher_value(l->m, n));
    copy(d->field, sizeof d->field, text_of(l, n->place));
    snprintf(d->expected, sizeof d->expected, "%s", expected);
    otk_sel_describe(&actual, d->actual, sizeof d->actual);
    tell(d, d->field);
    return actual.type == SEL_NIL ? WEIGHT_ABSENT : WEIGHT_VALUE;
}

/* ---- Expressions ----------------------------------------------------- */

static unsigned distance(struct looking *l, const struct sel_node *n);

/* The nearer of two alternatives; the differences of the other are forgotten. */
static unsigned nearer(struct looking *l, const struct sel_node *n)
{
    struct otk_near left = *l->near, right = *l->near;
    struct looking other = {l->q, l->m, &left};
    unsigned a = distance(&other, n->left);
    other.near = &right;
    unsigned b = distance(&other, n->right);
    *l->near = b < a ? right : left;
    return b < a ? b : a;
}

static unsigned distance(struct looking *l, const struct sel_node *n)
{
    if (otk_matcher_true(l->m, n))
        return 0;
    if (n->kind == SEL_NODE_BINARY && n->op == SEL_OP_AND) {
        unsigned left = distance(l, n->left);
        return left + distance(l, n->right);
    }
    if (n->kind == SEL_NODE_BINARY && n->op == SEL_OP_OR)
        return n->depth < 24 ? nearer(l, n) : plain_difference(l, n, "true");
    if (n->kind == SEL_NODE_BINARY && n->op <= SEL_OP_NO_MATCH)
        return compare_difference(l, n);
    if (n->kind == SEL_NODE_EXISTS)
        return plain_difference(l, n->left, "not nil");
    if (n->kind == SEL_NODE_MISSING)
        return plain_difference(l, n->left, "nil");
    if (n->kind == SEL_NODE_NOT)
        return plain_difference(l, n->left, "false");
    return plain_difference(l, n, "true");
}

/* ---- Items ----------------------------------------------------------- */

static const struct trace_span *find_span(struct otk_query *q, const struct capture *c, uint32_t item, uint32_t point,
                                          struct trace **out)
{
    uint8_t id[16];
    otk_query_trace_id(q, id);
    if (q->selector->signal != OTK_SIGNAL_METRICS)
        point = OTK_NO_POINT;
    struct trace *t = *out = q->selector->grouped ? otk_traces_find(&q->traces, id) : NULL;
    for (size_t i = 0; t && i < t->span_count; i++)
        if (t->spans[i].capture == c && t->spans[i].item == item && t->spans[i].point == point)
            return &t->spans[i];
    return NULL;
}

/* One look after the other, a metric's points are walked once. */
static bool is_next_point(const struct otk_query *q, const struct capture *c, uint32_t item, uint32_t point)
{
    return q->selector->signal == OTK_SIGNAL_METRICS && !q->selector->grouped && q->near_number == c->pub.number &&
           q->near_item == item && q->near_point + 1 == point;
}

static void load(struct otk_query *q, const struct capture *c, uint32_t item, uint32_t point)
{
    if (is_next_point(q, c, item, point)) {
        otk_matcher_next_point(&q->matcher);
        return;
    }
    otk_matcher_load(&q->matcher, c, item);
    otk_matcher_load_parent(&q->matcher, NULL, 0);
    for (uint32_t i = 0; q->selector->signal == OTK_SIGNAL_METRICS && i <= point && otk_matcher_next_point(&q->matcher);
         i++)
        ;
}

static int measure(struct otk_query *q, size_t part, struct otk_near *out)
{
    struct looking l = {q, &q->matcher, out};
    const struct sel_node *expr = q->selector->filters[part].expr;
    memset(out, 0, sizeof *out);
    out->part = part;
    out->distance = expr ? distance(&l, expr) : 0;
    int rc = q->matcher.failed;
    q->matcher.failed = 0;
    return rc == OTK_ELIMIT ? 0 : rc;
}

/* Loads the item, and what it is in its trace. */
static int go_to(struct otk_query *q, struct capture *c, uint32_t item, uint32_t point)
{
    struct trace *t;
    if (q->near_number != c->pub.number)
        otk_matcher_forget(&q->matcher);
    q->matcher.failed = 0;
    load(q, c, item, point);
    q->near_number = c->pub.number;
    q->near_item = item;
    q->near_point = point;
    const struct trace_span *span = find_span(q, c, item, point, &t);
    int rc = span && otk_pipeline_needs_all(q->selector) ? otk_pipeline_load(&q->matcher, t, span, &q->scratch) : 0;
    otk_arena_clear(&q->scratch);
    return rc;
}

/* ---- Structure ------------------------------------------------------- */

static const char *const relation_words[] = {[SEL_CHILD] = "a child of",
                                             [SEL_DESCENDANT] = "a descendant of",
                                             [SEL_PARENT] = "the parent of",
                                             [SEL_ANCESTOR] = "an ancestor of",
                                             [SEL_SIBLING] = "a sibling of"};

/* The relation whose right side is the part, or whose left side when `left`. */
static const struct sel_set *find_relation(const struct sel_set *set, size_t part, bool left)
{
    if (set->kind == SEL_SET_PIPELINE || set->kind == SEL_SET_FILTER)
        return NULL;
    const struct sel_set *side = left ? set->left : set->right;
    if (set->kind == SEL_SET_RELATION && side->kind == SEL_SET_FILTER && side->filter == part)
        return set;
    const struct sel_set *found = find_relation(set->left, part, left);
    return found ? found : find_relation(set->right, part, left);
}

static void describe_parent(struct otk_query *q, const struct trace *t, const struct trace_span *span, char *out,
                            size_t size)
{
    uint32_t parent = t->nodes[span->node].parent;
    if (parent == OTK_NO_NODE) {
        snprintf(out, size, "a root, without a parent");
    } else if (t->nodes[parent].span == OTK_NO_NODE) {
        snprintf(out, size, "a child of a span that did not arrive");
    } else {
        const struct trace_span *of = &t->spans[t->nodes[parent].span];
        struct sel_value name = otk_matcher_name_of(&q->matcher, of->capture, of->item);
        char text[96];
        otk_sel_describe(&name, text, sizeof text);
        snprintf(out, size, "a child of span %s", name.type == SEL_STRING ? strchr(text, '"') : "without a name");
    }
}

static void structure_difference(struct otk_query *q, const struct trace *t, const struct trace_span *span, size_t part,
                                 struct otk_near *out)
{
    struct looking l = {q, &q->matcher, out};
    const struct sel_set *relation = NULL, *other = NULL;
    for (const struct sel_stage *stage = q->selector->stages; stage && !relation; stage = stage->next)
        if (stage->kind == SEL_STAGE_SET)
            relation = find_relation(stage->set, part, false);
    other = relation ? relation->left : NULL;
    if (!relation)
        return;
    struct otk_difference *d = next_difference(&l);
    char text[100];
    if (!d)
        return;
    out->structure = true;
    out->distance = WEIGHT_STRUCTURE;
    copy(text, sizeof text, text_of(&l, other->place));
    snprintf(d->field, sizeof d->field, "parent");
    snprintf(d->expected, sizeof d->expected, "%s%s %s", relation->negated ? "not " : "",
             relation_words[relation->relation], text);
    describe_parent(q, t, span, d->actual, sizeof d->actual);
    tell(d, "the span");
}

static bool is_selected(const struct trace *t, const struct trace_span *span)
{
    for (size_t i = 0; i < t->matched_count; i++)
        if (&t->spans[t->matched[i]] == span)
            return true;
    return false;
}

int otk_query_near(struct otk_query *q, struct capture *c, uint32_t item, uint32_t point, struct otk_near *out)
{
    struct otk_near near;
    struct trace *t;
    int rc = go_to(q, c, item, point);
    const struct trace_span *span = rc ? NULL : find_span(q, c, item, point, &t);
    bool selected = span && is_selected(t, span);
    memset(out, 0, sizeof *out);
    out->distance = q->selector->filter_count ? UINT32_MAX : 0;
    for (size_t part = 0; part < q->selector->filter_count && !rc; part++) {
        rc = measure(q, part, &near);
        if (!rc && near.distance == 0 && span && !selected)
            structure_difference(q, t, span, part, &near);
        if (!rc && near.distance < out->distance)
            *out = near;
    }
    return rc;
}

uint32_t otk_query_points(const struct capture *c, uint32_t item)
{
    struct sel_selector s = {.signal = OTK_SIGNAL_METRICS};
    struct otk_matcher m;
    uint32_t count = 0;
    if (c->pub.signal != OTK_SIGNAL_METRICS)
        return 1;
    if (otk_matcher_init(&m, &s))
        return 0;
    for (otk_matcher_load(&m, c, item); otk_matcher_next_point(&m);)
        count++;
    otk_matcher_clear(&m);
    return count;
}
