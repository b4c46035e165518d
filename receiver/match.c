#include "match_inside.h"

#include <math.h>
#include <stdlib.h>

int otk_matcher_init(struct otk_matcher *m, const struct sel_selector *s)
{
    memset(m, 0, sizeof *m);
    m->selector = s;
    m->resource_envelope = match_type_inside(otk_schema((enum otk_message_id)s->signal), REQUEST_ENVELOPE);
    m->scope_envelope = match_type_inside(m->resource_envelope, ENVELOPE_ITEMS);
    m->item_type = match_type_inside(m->scope_envelope, ENVELOPE_ITEMS);
    m->hex = calloc(OTK_SELECTOR_FIELDS_MAX, sizeof *m->hex);
    return m->hex ? 0 : OTK_ENOMEM;
}

void otk_matcher_clear(struct otk_matcher *m)
{
    free(m->hex);
    m->hex = NULL;
}

/* ---- Comparing ------------------------------------------------------- */

/* The elements of an array on the wire that are still to come. */
struct elements {
    const struct otk_message *any, *list;
    const uint8_t *at, *end;
};

static struct elements elements_of(const struct otk_matcher *m, const struct sel_value *array)
{
    const struct otk_message *any = match_any_type(m);
    return (struct elements){any, match_type_inside(any, 5), array->as.any.data, array->as.any.end};
}

static bool next_element(struct elements *e, struct sel_value *out)
{
    while (e->at < e->end) {
        struct otk_record r;
        otk_wire_next(e->list, &e->at, &r);
        if (!r.field || r.number != LIST_VALUES)
            continue;
        *out = otk_sel_any(e->any, (struct otk_extent){r.data, r.data + r.size});
        return true;
    }
    return false;
}

/* An array on the wire against one that the selector writes out: element by element. */
static bool equals_list(const struct otk_matcher *m, const struct sel_value *array, const struct sel_node *list)
{
    struct elements elements = elements_of(m, array);
    struct sel_value v;
    while (next_element(&elements, &v)) {
        if (!list || otk_sel_order(&v, &list->value) != 0)
            return false;
        list = list->next;
    }
    return !list;
}

static bool order_holds(uint8_t op, int order)
{
    switch (op) {
    case SEL_OP_EQ:
        return order == 0;
    case SEL_OP_NE:
        return order != 0;
    case SEL_OP_LT:
        return order == -1;
    case SEL_OP_LE:
        return order == -1 || order == 0;
    case SEL_OP_GT:
        return order == 1;
    default:
        return order == 1 || order == 0;
    }
}

static bool match_pattern(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *v)
{
    if (!sel_is_text(v))
        return false;
    int rc = otk_regex_match(n->regex, v->as.s);
    if (rc < 0)
        m->failed = rc;
    return rc >= 0 && (rc == 1) == (n->op == SEL_OP_MATCH);
}

static bool compare_single(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *a,
                           const struct sel_value *b)
{
    if (n->regex)
        return match_pattern(m, n, a);
    int o = otk_sel_order(a, b);
    return o != SEL_INCOMPARABLE && order_holds(n->op, o);
}

static bool compare(struct otk_matcher *m, const struct sel_node *n, struct sel_value a, struct sel_value b);

/* TraceQL: an array fits when any of its elements does; for != and !~ when all do. */
static bool compare_elements(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *array,
                             const struct sel_value *other, bool turned)
{
    struct elements elements = elements_of(m, array);
    struct sel_value v;
    bool all = n->op == SEL_OP_NE || n->op == SEL_OP_NO_MATCH;
    while (next_element(&elements, &v))
        if (compare_single(m, n, turned ? other : &v, turned ? &v : other) != all)
            return !all;
    return all;
}

static bool compare_many(struct otk_matcher *m, const struct sel_node *n, const struct sel_value *values,
                         const struct sel_value *other, bool turned)
{
    const uint8_t *p = NULL;
    struct sel_value v;
    while (otk_matcher_each(m, values, &p, &v))
        if (turned ? compare(m, n, *other, v) : compare(m, n, v, *other))
            return true;
    return false;
}

static bool compare(struct otk_matcher *m, const struct sel_node *n, struct sel_value a, struct sel_value b)
{
    if (a.type == SEL_NIL || b.type == SEL_NIL)
        return false;
    if (a.type == SEL_MANY && b.type == SEL_MANY) /* each with each would be quadratic */
        b = otk_matcher_single(m, b);
    if (a.type == SEL_MANY)
        return compare_many(m, n, &a, &b, false);
    if (b.type == SEL_MANY)
        return compare_many(m, n, &b, &a, true);
    if (a.type == SEL_ARRAY && b.type == SEL_LIST)
        return equals_list(m, &a, b.as.list) == (n->op == SEL_OP_EQ);
    if (a.type == SEL_LIST && b.type == SEL_ARRAY)
        return equals_list(m, &b, a.as.list) == (n->op == SEL_OP_EQ);
    if (a.type == SEL_ARRAY && b.type == SEL_ARRAY)
        return false;
    if (a.type == SEL_ARRAY)
        return compare_elements(m, n, &a, &b, false);
    if (b.type == SEL_ARRAY)
        return compare_elements(m, n, &b, &a, true);
    return compare_single(m, n, &a, &b);
}

/* ---- Expressions ----------------------------------------------------- */

static struct sel_value calculate(uint8_t op, const struct sel_value *a, const struct sel_value *b)
{
    if (!otk_sel_is_number(a) || !otk_sel_is_number(b))
        return sel_nil;
    double x = otk_sel_number(a), y = otk_sel_number(b);
    switch (op) {
    case SEL_OP_ADD:
        return sel_double(x + y);
    case SEL_OP_SUB:
        return sel_double(x - y);
    case SEL_OP_MUL:
        return sel_double(x * y);
    case SEL_OP_DIV:
        return sel_double(x / y);
    case SEL_OP_MOD:
        return sel_double(fmod(x, y));
    default:
        return sel_double(pow(x, y));
    }
}

static struct sel_value binary(struct otk_matcher *m, const struct sel_node *n)
{
    if (n->op == SEL_OP_AND)
        return sel_bool(otk_matcher_true(m, n->left) && otk_matcher_true(m, n->right));
    if (n->op == SEL_OP_OR)
        return sel_bool(otk_matcher_true(m, n->left) || otk_matcher_true(m, n->right));
    struct sel_value a = otk_matcher_value(m, n->left), b = otk_matcher_value(m, n->right);
    if (n->op < SEL_OP_ADD)
        return sel_bool(compare(m, n, a, b));
    a = otk_matcher_single(m, a);
    b = otk_matcher_single(m, b);
    return calculate(n->op, &a, &b);
}

static struct sel_value negative(struct sel_value v)
{
    if (v.type == SEL_DOUBLE)
        v.as.d = -v.as.d;
    else if (otk_sel_is_number(&v))
        v.as.i = v.as.i == INT64_MIN ? INT64_MAX : -v.as.i;
    else
        return sel_nil;
    return v;
}

struct sel_value otk_matcher_value(struct otk_matcher *m, const struct sel_node *n)
{
    struct sel_value v;
    switch (n->kind) {
    case SEL_NODE_STATIC:
        return n->value;
    case SEL_NODE_FIELD:
        return otk_matcher_field(m, n->field);
    case SEL_NODE_NOT:
        v = otk_matcher_single(m, otk_matcher_value(m, n->left));
        return v.type == SEL_BOOL ? sel_bool(!v.as.b) : sel_nil;
    case SEL_NODE_MINUS:
        return negative(otk_matcher_single(m, otk_matcher_value(m, n->left)));
    case SEL_NODE_EXISTS:
    case SEL_NODE_MISSING:
        v = otk_matcher_value(m, n->left);
        return sel_bool((v.type == SEL_NIL || (v.absent && v.type != SEL_MANY)) == (n->kind == SEL_NODE_MISSING));
    default:
        return binary(m, n);
    }
}

bool otk_matcher_true(struct otk_matcher *m, const struct sel_node *n)
{
    struct sel_value v = otk_matcher_single(m, otk_matcher_value(m, n));
    return v.type == SEL_BOOL && v.as.b;
}

bool otk_matcher_holds(struct otk_matcher *m, const struct sel_filter *f)
{
    return !f->expr || otk_matcher_true(m, f->expr);
}
