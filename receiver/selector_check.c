/* The second pass over a selector: what types meet, which fields are read, which regular expressions are needed. */
#include "selector.h"

#include <stdio.h>

struct checker {
    struct sel_selector *s;
    struct sel_fault *fault;
    struct sel_filter *filter; /* whose expression this is, or NULL */
    bool has_field, has_aggregate;
};

#define wrong(c_, node_, ...) otk_selector_fault((c_)->fault, (node_)->place, __VA_ARGS__)
#define TEXT(c_, node_) (int)(node_)->place.size, (c_)->s->text + (node_)->place.at

/* ---- Types ----------------------------------------------------------- */

#define OP(op) (1u << SEL_OP_##op)
#define EQUAL (OP(EQ) | OP(NE))
#define ORDER (OP(LT) | OP(LE) | OP(GT) | OP(GE))
#define PATTERN (OP(MATCH) | OP(NO_MATCH))
#define LOGIC (OP(AND) | OP(OR))
#define ARITHMETIC (OP(ADD) | OP(SUB) | OP(MUL) | OP(DIV) | OP(MOD) | OP(POW))

static const uint32_t ops_of[] = {
    [SEL_NIL] = EQUAL,
    [SEL_ANY] = UINT32_MAX,
    [SEL_BOOL] = EQUAL | LOGIC,
    [SEL_INT] = EQUAL | ORDER | ARITHMETIC,
    [SEL_DOUBLE] = EQUAL | ORDER | ARITHMETIC,
    [SEL_DURATION] = EQUAL | ORDER | ARITHMETIC,
    [SEL_STRING] = EQUAL | ORDER | PATTERN,
    [SEL_ID] = EQUAL | PATTERN,
    [SEL_STATUS] = EQUAL,
    [SEL_KIND] = EQUAL,
    [SEL_METRIC_TYPE] = EQUAL,
    [SEL_TEMPORALITY] = EQUAL,
    [SEL_SEVERITY] = EQUAL | ORDER,
    [SEL_LIST] = EQUAL,
};

static bool is_number(uint8_t type)
{
    return type == SEL_INT || type == SEL_DOUBLE || type == SEL_DURATION;
}

static bool pair(uint8_t a, uint8_t b, enum sel_type x, enum sel_type y)
{
    return (a == x && b == y) || (a == y && b == x);
}

static bool types_meet(uint8_t a, uint8_t b)
{
    return a == b || a == SEL_ANY || b == SEL_ANY || a == SEL_NIL || b == SEL_NIL || (is_number(a) && is_number(b)) ||
           pair(a, b, SEL_ID, SEL_STRING) || pair(a, b, SEL_SEVERITY, SEL_INT);
}

/* ---- Fields ---------------------------------------------------------- */

static bool same_steps(const struct sel_step *a, const struct sel_step *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (a->is_key != b->is_key || a->index != b->index || a->key.size != b->key.size ||
            (a->key.size && memcmp(a->key.data, b->key.data, a->key.size) != 0))
            return false;
    return a == b;
}

static bool same_field(const struct sel_field *a, const struct sel_field *b)
{
    bool same_name = a->name && b->name ? a->name->id == b->name->id : a->name == b->name;
    return same_name && a->scope == b->scope && a->of_parent == b->of_parent && a->key.size == b->key.size &&
           (!a->key.size || memcmp(a->key.data, b->key.data, a->key.size) == 0) && same_steps(a->steps, b->steps);
}

static int check_field(struct checker *c, struct sel_node *n)
{
    struct sel_selector *s = c->s;
    struct sel_field *f = n->field;
    c->has_field = true;
    if (c->filter && (f->of_parent || (f->name && f->name->of_trace)))
        c->filter->of_trace = true;
    if (f->steps && f->name && f->name->id != SEL_BODY)
        return wrong(c, n, "%s is %s, there are no steps into it", f->name->name, otk_sel_type_name(f->name->type));
    for (size_t i = 0; i < s->field_count; i++)
        if (same_field(s->fields[i], f)) {
            f->slot = (uint16_t)i;
            return 0;
        }
    if (s->field_count == OTK_SELECTOR_FIELDS_MAX)
        return wrong(c, n, "more than %d different names", OTK_SELECTOR_FIELDS_MAX);
    f->slot = (uint16_t)s->field_count;
    s->fields[s->field_count++] = f;
    return 0;
}

static bool is_many(const struct sel_node *n)
{
    if (n->kind != SEL_NODE_FIELD)
        return false;
    const struct sel_field *f = n->field;
    return f->scope == SEL_SCOPE_EVENT || f->scope == SEL_SCOPE_LINK ||
           (f->name && f->name->id >= SEL_EVENT_NAME && f->name->id <= SEL_LINK_SPAN_ID);
}

/* ---- Expressions ----------------------------------------------------- */

static int check(struct checker *c, struct sel_node *n);

static bool is_nil(const struct sel_node *n)
{
    return n->kind == SEL_NODE_STATIC && n->type == SEL_NIL;
}

static int check_nil(struct checker *c, struct sel_node *n)
{
    if (!is_nil(n->right)) {
        struct sel_node *left = n->left;
        n->left = n->right;
        n->right = left;
    }
    if (n->left->kind != SEL_NODE_FIELD)
        return wrong(c, n, "only what has a name can be nil");
    if (n->op != SEL_OP_EQ && n->op != SEL_OP_NE)
        return wrong(c, n, "nil is compared by = and != only");
    n->kind = n->op == SEL_OP_EQ ? SEL_NODE_MISSING : SEL_NODE_EXISTS;
    n->type = SEL_BOOL;
    return 0;
}

/* `sum` is a field of data points, and a metric type where a type is asked for. */
static void tell_sum(struct checker *c, struct sel_node *n, const struct sel_node *other)
{
    if (other->type != SEL_METRIC_TYPE || n->kind != SEL_NODE_FIELD || !n->field->name || n->field->name->id != SEL_SUM)
        return;
    n->kind = SEL_NODE_STATIC;
    n->name = otk_sel_word((otk_string){"sum", 3}, c->s->signal);
    n->type = n->value.type = SEL_METRIC_TYPE;
    n->value.as.i = n->name->number;
}

static void lower(struct sel_node *n, const struct sel_node *other)
{
    if (other->type != SEL_ID || n->kind != SEL_NODE_STATIC || n->type != SEL_STRING)
        return;
    char *text = (char *)(uintptr_t)n->value.as.s.data; /* the arena's */
    for (size_t i = 0; i < n->value.as.s.size; i++)
        if (text[i] >= 'A' && text[i] <= 'F')
            text[i] = (char)(text[i] | 0x20);
}

static int compile_pattern(struct checker *c, struct sel_node *n)
{
    char sentence[160];
    size_t offset;
    if (n->right->kind != SEL_NODE_STATIC || n->right->type != SEL_STRING)
        return wrong(c, n->right, "behind %s stands a regular expression as a string",
                     n->op == SEL_OP_MATCH ? "=~" : "!~");
    int rc = otk_regex_new(&n->regex, n->right->value.as.s, sentence, sizeof sentence, &offset);
    if (rc == OTK_EINVAL)
        return wrong(c, n->right, "no regular expression: %s (at character %zu of it)", sentence, offset + 1);
    if (rc)
        return rc;
    n->regex->next = c->s->regexes;
    c->s->regexes = n->regex;
    return 0;
}

static int check_types(struct checker *c, struct sel_node *n)
{
    uint8_t a = n->left->type, b = n->right->type;
    const char *an = otk_sel_type_name(a), *bn = otk_sel_type_name(b);
    if (a == SEL_NIL || b == SEL_NIL)
        return wrong(c, n, "parent is compared with nil: parent = nil, parent != nil");
    if (!types_meet(a, b))
        return wrong(c, n, "%.*s is %s and %.*s is %s, so they cannot meet", TEXT(c, n->left), an, TEXT(c, n->right),
                     bn);
    for (int i = 0; i < 2; i++) {
        uint8_t type = i ? b : a;
        if (!(ops_of[type] & 1u << n->op) && !(type == SEL_INT && pair(a, b, SEL_SEVERITY, SEL_INT)))
            return wrong(c, n, "%s cannot be asked that: %.*s", otk_sel_type_name(type), TEXT(c, n));
    }
    if (is_many(n->left) && is_many(n->right))
        return wrong(c, n, "events and links are compared with one value, not with each other");
    return 0;
}

static int check_binary(struct checker *c, struct sel_node *n)
{
    int rc = check(c, n->left);
    if (!rc)
        rc = check(c, n->right);
    if (rc)
        return rc;
    if (is_nil(n->left) || is_nil(n->right))
        return check_nil(c, n);
    tell_sum(c, n->left, n->right);
    tell_sum(c, n->right, n->left);
    rc = check_types(c, n);
    if (rc)
        return rc;
    lower(n->left, n->right);
    lower(n->right, n->left);
    n->type = 1u << n->op & ARITHMETIC ? SEL_DOUBLE : SEL_BOOL;
    return 1u << n->op & PATTERN ? compile_pattern(c, n) : 0;
}

static int check_prefix(struct checker *c, struct sel_node *n)
{
    int rc = check(c, n->left);
    if (rc)
        return rc;
    uint8_t type = n->left->type;
    if (n->kind == SEL_NODE_NOT && type != SEL_BOOL && type != SEL_ANY)
        return wrong(c, n, "! turns true and false around, %.*s is %s", TEXT(c, n->left), otk_sel_type_name(type));
    if (n->kind == SEL_NODE_MINUS && !is_number(type) && type != SEL_ANY)
        return wrong(c, n, "- stands before a number, %.*s is %s", TEXT(c, n->left), otk_sel_type_name(type));
    n->type = n->kind == SEL_NODE_NOT ? SEL_BOOL : type == SEL_ANY ? SEL_DOUBLE : type;
    return 0;
}

/* avg(…) and its sisters, by(…): about the items' fields, in numbers when `numeric`. */
static int check_of_items(struct checker *c, struct sel_node *n, const char *what, bool numeric)
{
    c->has_field = false;
    int rc = check(c, n);
    if (rc)
        return rc;
    if (numeric && n->type != SEL_ANY && !is_number(n->type))
        return wrong(c, n, "%s() takes numbers, %.*s is %s", what, TEXT(c, n), otk_sel_type_name(n->type));
    if (!c->has_field)
        return wrong(c, n, "%s() needs a name in it, %.*s is the same for every item", what, TEXT(c, n));
    return 0;
}

static int check_aggregate(struct checker *c, struct sel_node *n)
{
    c->has_aggregate = true;
    n->type = n->name->id == SEL_FUNCTION_COUNT ? SEL_INT : SEL_DOUBLE;
    return n->left ? check_of_items(c, n->left, n->name->name, true) : 0;
}

static int check(struct checker *c, struct sel_node *n)
{
    switch (n->kind) {
    case SEL_NODE_FIELD:
        return check_field(c, n);
    case SEL_NODE_NOT:
    case SEL_NODE_MINUS:
        return check_prefix(c, n);
    case SEL_NODE_BINARY:
        return check_binary(c, n);
    case SEL_NODE_AGGREGATE:
        return check_aggregate(c, n);
    default:
        return 0;
    }
}

/* ---- Sets and pipelines ---------------------------------------------- */

static int check_filter(struct checker *c, struct sel_filter *f)
{
    if (!f->expr)
        return 0;
    c->filter = f;
    int rc = check(c, f->expr);
    c->filter = NULL;
    if (rc)
        return rc;
    if (f->expr->kind == SEL_NODE_FIELD && f->expr->type == SEL_NIL)
        return wrong(c, f->expr, "parent is compared with nil: parent = nil, parent != nil");
    if (f->expr->type != SEL_BOOL && f->expr->type != SEL_ANY)
        return wrong(c, f->expr, "braces hold what is true or false, %.*s is %s", TEXT(c, f->expr),
                     otk_sel_type_name(f->expr->type));
    return 0;
}

static int check_scalar(struct checker *c, struct sel_node *n)
{
    c->has_aggregate = false;
    int rc = check(c, n);
    if (!rc && !c->has_aggregate)
        rc = wrong(c, n, "%.*s says nothing about what was selected: count() and its sisters do", TEXT(c, n));
    return rc;
}

static int check_stages(struct checker *c, struct sel_stage *stage);

static int check_set(struct checker *c, struct sel_set *set)
{
    if (set->kind == SEL_SET_FILTER)
        return check_filter(c, &c->s->filters[set->filter]);
    if (set->kind == SEL_SET_PIPELINE)
        return check_stages(c, set->stages);
    int rc = check_set(c, set->left);
    return rc ? rc : check_set(c, set->right);
}

static int check_stage(struct checker *c, struct sel_stage *stage)
{
    int rc = 0;
    switch (stage->kind) {
    case SEL_STAGE_SET:
        return check_set(c, stage->set);
    case SEL_STAGE_SCALAR:
        return check_scalar(c, stage->expr);
    case SEL_STAGE_BY:
        return check_of_items(c, stage->expr, "by", false);
    default:
        for (struct sel_node *n = stage->expr; n && !rc; n = n->next)
            rc = check(c, n);
        return rc;
    }
}

static int check_stages(struct checker *c, struct sel_stage *stage)
{
    int rc = 0;
    for (; stage && !rc; stage = stage->next)
        rc = check_stage(c, stage);
    return rc;
}

int otk_selector_check(struct sel_selector *s, struct sel_fault *fault)
{
    struct checker c = {.s = s, .fault = fault};
    int rc = check_stages(&c, s->stages);
    bool single = s->stages->kind == SEL_STAGE_SET && s->stages->set->kind == SEL_SET_FILTER;
    for (const struct sel_stage *stage = s->stages->next; stage; stage = stage->next)
        single = single && stage->kind == SEL_STAGE_SELECT;
    s->grouped = !single || s->filters[0].of_trace;
    return rc;
}
