/* Text to trees. Precedence is TraceQL's: && and || bind alike, from left to right; then comparisons and the relations
 * between sets; then + and -; then !; then * / %; then ^, from right to left. */
#include "selector_lexer.h"

#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>

struct parser {
    struct sel_lexer lexer;
    struct sel_selector *s;
    struct sel_fault *fault;
    struct sel_token token; /* the next one, not yet taken */
    uint32_t end;           /* of the last one taken */
    unsigned depth;
    bool in_pipeline; /* expressions speak of aggregates, not of one item's fields */
};

int otk_selector_fault(struct sel_fault *fault, struct sel_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->sentence, sizeof fault->sentence, format, args);
    va_end(args);
    fault->place = place;
    return OTK_EINVAL;
}

#define wrong(p_, ...) otk_selector_fault((p_)->fault, (p_)->token.place, __VA_ARGS__)

static int take(struct parser *p)
{
    p->end = p->token.place.at + (uint32_t)p->token.text.size;
    return otk_sel_next_token(&p->lexer, &p->token);
}

static int expect(struct parser *p, const char *sign, const char *why)
{
    if (sel_is(&p->token, sign))
        return take(p);
    if (p->token.kind == SEL_TOKEN_END)
        return wrong(p, "the selector ends here, %s needs a %s", why, sign);
    return wrong(p, "%s needs a %s here", why, sign);
}

/* The first character behind the token that is no space. */
static char next_character(const struct parser *p)
{
    size_t at = p->lexer.at;
    at += strspn(p->lexer.text + at, " \t\n\v\f\r");
    return p->lexer.text[at];
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token.kind == SEL_TOKEN_WORD && p->token.text.size == strlen(word) &&
           !memcmp(p->token.text.data, word, p->token.text.size);
}

static void *make(struct parser *p, size_t size)
{
    return otk_arena_alloc(&p->s->arena, size);
}

static int enter(struct parser *p)
{
    if (p->depth++ < OTK_SELECTOR_DEPTH_MAX)
        return 0;
    return wrong(p, "nested deeper than %d levels", OTK_SELECTOR_DEPTH_MAX);
}

static struct sel_place span_of(const struct parser *p, uint32_t from)
{
    return (struct sel_place){from, p->end - from};
}

/* ---- Expressions ----------------------------------------------------- */

static int parse_expression(struct parser *p, unsigned least, struct sel_node **out);

static struct sel_node *new_node(struct parser *p, enum sel_node_kind kind)
{
    struct sel_node *n = make(p, sizeof *n);
    if (n) {
        n->kind = (uint8_t)kind;
        n->place = p->token.place;
        n->depth = 1;
    }
    return n;
}

static int parse_static(struct parser *p, struct sel_node **out)
{
    static const uint8_t types[] = {[SEL_TOKEN_STRING] = SEL_STRING,
                                    [SEL_TOKEN_INT] = SEL_INT,
                                    [SEL_TOKEN_DOUBLE] = SEL_DOUBLE,
                                    [SEL_TOKEN_DURATION] = SEL_DURATION};
    struct sel_node *n = *out = new_node(p, SEL_NODE_STATIC);
    if (!n)
        return OTK_ENOMEM;
    n->type = n->value.type = types[p->token.kind];
    if (n->type == SEL_STRING)
        n->value.as.s = p->token.string;
    else if (n->type == SEL_DOUBLE)
        n->value.as.d = p->token.d;
    else
        n->value.as.i = p->token.i;
    return take(p);
}

/* [1, 2] written out. */
static int parse_list(struct parser *p, struct sel_node **out)
{
    struct sel_node *list = *out = new_node(p, SEL_NODE_STATIC);
    struct sel_node **end = list ? &list->left : NULL;
    int rc = list ? take(p) : OTK_ENOMEM;
    while (!rc && !sel_is(&p->token, "]")) {
        rc = parse_expression(p, 2, end);
        if (!rc && ((*end)->kind != SEL_NODE_STATIC || (*end)->value.type == SEL_LIST))
            rc =
                otk_selector_fault(p->fault, (*end)->place, "an array is written out in numbers, strings and booleans");
        if (rc)
            return rc;
        end = &(*end)->next;
        if (!sel_is(&p->token, ","))
            break;
        rc = take(p);
    }
    if (!rc)
        rc = expect(p, "]", "an array");
    if (rc)
        return rc;
    list->place = span_of(p, list->place.at);
    list->type = list->value.type = SEL_LIST;
    list->value.as.list = list->left;
    list->left = NULL;
    return 0;
}

static int parse_steps(struct parser *p, struct sel_field *f)
{
    struct sel_step **end = &f->steps;
    while (sel_is(&p->token, "[")) {
        struct sel_step *step = *end = make(p, sizeof *step);
        int rc = step ? take(p) : OTK_ENOMEM;
        if (rc)
            return rc;
        if (p->token.kind != SEL_TOKEN_STRING && p->token.kind != SEL_TOKEN_INT)
            return wrong(p, "a step into an array is a number, one into a map is a \"key\"");
        step->is_key = p->token.kind == SEL_TOKEN_STRING;
        step->key = p->token.string;
        step->index = (uint64_t)p->token.i;
        rc = take(p);
        if (!rc)
            rc = expect(p, "]", "a step into an array or a map");
        if (rc)
            return rc;
        end = &step->next;
    }
    return 0;
}

static int finish_field(struct parser *p, struct sel_node *n)
{
    int rc = take(p);
    if (!rc)
        rc = parse_steps(p, n->field);
    n->place = span_of(p, n->place.at);
    return rc;
}

static int no_such_scope(struct parser *p, otk_string scope)
{
    const char *near = otk_sel_nearest(scope, p->s->signal, SEL_WORDS_SCOPE);
    if (near)
        return wrong(p, "unknown scope `%.*s`, did you mean `%s`?", (int)scope.size, scope.data, near);
    return wrong(p, "unknown scope `%.*s`; an attribute's name stands behind a scope or a dot: .%.*s", (int)scope.size,
                 scope.data, (int)p->token.text.size, p->token.text.data);
}

/* parent.span.key: the scope within the parent, cut off the key. */
static void split_parent(struct parser *p, struct sel_field *f)
{
    const char *dot = memchr(f->key.data, '.', f->key.size);
    otk_string word = {f->key.data, dot ? (size_t)(dot - f->key.data) : 0};
    const struct sel_name *inner = otk_sel_scope(word, p->s->signal);
    f->of_parent = true;
    if (!inner || (inner->type != SEL_SCOPE_ITEM && inner->type != SEL_SCOPE_RESOURCE) || f->key.size == word.size + 1)
        return;
    f->scope = inner->type;
    f->key = (otk_string){dot + 1, f->key.size - word.size - 1};
}

static int parse_attribute(struct parser *p, struct sel_node **out)
{
    struct sel_node *n = *out = new_node(p, SEL_NODE_FIELD);
    struct sel_field *f = make(p, sizeof *f);
    if (!n || !f)
        return OTK_ENOMEM;
    n->field = f;
    n->type = SEL_ANY;
    f->key = p->token.string;
    if (p->token.scope.size) {
        const struct sel_name *scope = otk_sel_scope(p->token.scope, p->s->signal);
        if (!scope)
            return no_such_scope(p, p->token.scope);
        f->scope = scope->type;
        if (scope->of_trace)
            split_parent(p, f);
    }
    return finish_field(p, n);
}

static int parse_intrinsic(struct parser *p, const struct sel_name *name, struct sel_node **out)
{
    struct sel_node *n = *out = new_node(p, SEL_NODE_FIELD);
    struct sel_field *f = make(p, sizeof *f);
    if (!n || !f)
        return OTK_ENOMEM;
    n->field = f;
    f->name = name;
    n->type = name->type;
    return finish_field(p, n);
}

static int parse_word(struct parser *p, const struct sel_name *word, struct sel_node **out)
{
    struct sel_node *n = *out = new_node(p, SEL_NODE_STATIC);
    if (!n)
        return OTK_ENOMEM;
    n->type = n->value.type = word->type;
    n->name = word;
    if (word->type == SEL_BOOL)
        n->value.as.b = word->number;
    else
        n->value.as.i = word->number;
    return take(p);
}

static const char *signal_owning(otk_string word)
{
    static const char *const braces[] = {"{…}, to spans", "metric{…}", "log{…}"};
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (otk_sel_intrinsic(word, (otk_signal)i) || otk_sel_word(word, (otk_signal)i))
            return braces[i];
    return NULL;
}

/* span:status for trace:status. */
static const char *same_tail(otk_string word, otk_signal signal)
{
    const char *colon = memchr(word.data, ':', word.size);
    size_t n = colon ? word.size - (size_t)(colon - word.data) : 0;
    const struct sel_name *name;
    for (size_t i = 0; n && (name = otk_sel_names(SEL_WORDS_FIELD, i)); i++) {
        size_t size = strlen(name->name);
        if (name->signals & 1u << signal && size > n && memcmp(name->name + size - n, colon, n) == 0)
            return name->name;
    }
    return NULL;
}

static int no_such_name(struct parser *p)
{
    otk_string word = p->token.text;
    int n = (int)word.size;
    const char *owner = signal_owning(word);
    const char *near = same_tail(word, p->s->signal);
    if (!near)
        near = otk_sel_nearest(word, p->s->signal, SEL_WORDS_FIELD | SEL_WORDS_STATIC);
    if (owner)
        return wrong(p, "`%.*s` belongs to %s", n, word.data, owner);
    if (near)
        return wrong(p, "unknown name `%.*s`, did you mean `%s`?", n, word.data, near);
    return wrong(p, "unknown name `%.*s`; an attribute's name stands behind a scope or a dot: .%.*s", n, word.data, n,
                 word.data);
}

static int left_out(struct parser *p)
{
    return wrong(p, "`%.*s` is left out: selectors select spans, metrics and log records, they make no time series",
                 (int)p->token.text.size, p->token.text.data);
}

static int parse_aggregate(struct parser *p, const struct sel_name *function, struct sel_node **out)
{
    struct sel_node *n = *out = new_node(p, SEL_NODE_AGGREGATE);
    if (!n)
        return OTK_ENOMEM;
    n->name = function;
    n->type = SEL_DOUBLE;
    int rc = take(p);
    if (!rc)
        rc = expect(p, "(", function->name);
    if (rc)
        return rc;
    if (function->id != SEL_FUNCTION_COUNT) {
        if (sel_is(&p->token, ")"))
            return wrong(p, "%s() needs to be told of what: %s(.key)", function->name, function->name);
        p->in_pipeline = false;
        rc = parse_expression(p, 1, &n->left);
        p->in_pipeline = true;
    }
    if (!rc)
        rc = expect(p, ")", function->name);
    n->place = span_of(p, n->place.at);
    return rc;
}

static int parse_function(struct parser *p, struct sel_node **out)
{
    otk_string word = p->token.text;
    const struct sel_name *function = otk_sel_function(word);
    if (function && function->id == SEL_FUNCTION_LEFT_OUT)
        return left_out(p);
    if (function && function->id <= SEL_FUNCTION_SUM && p->in_pipeline)
        return parse_aggregate(p, function, out);
    if (function)
        return wrong(p, "%s() stands behind a |, not inside of an expression", function->name);
    const char *near = otk_sel_nearest(word, p->s->signal, SEL_WORDS_FUNCTION);
    if (near)
        return wrong(p, "unknown function `%.*s`, did you mean `%s`?", (int)word.size, word.data, near);
    return wrong(p, "unknown function `%.*s`", (int)word.size, word.data);
}

static int parse_name(struct parser *p, struct sel_node **out)
{
    const struct sel_name *name;
    if (next_character(p) == '(')
        return parse_function(p, out);
    if (p->in_pipeline)
        return wrong(p, "a pipeline compares count(), avg(…), min(…), max(…), sum(…) and numbers");
    if ((name = otk_sel_intrinsic(p->token.text, p->s->signal)))
        return parse_intrinsic(p, name, out);
    if ((name = otk_sel_word(p->token.text, p->s->signal)))
        return parse_word(p, name, out);
    return no_such_name(p);
}

static int parse_primary(struct parser *p, struct sel_node **out)
{
    int rc;
    switch (p->token.kind) {
    case SEL_TOKEN_STRING:
    case SEL_TOKEN_INT:
    case SEL_TOKEN_DOUBLE:
    case SEL_TOKEN_DURATION:
        return parse_static(p, out);
    case SEL_TOKEN_ATTRIBUTE:
        if (p->in_pipeline)
            return wrong(p, "a pipeline compares count(), avg(…), min(…), max(…), sum(…) and numbers");
        return parse_attribute(p, out);
    case SEL_TOKEN_WORD:
        return parse_name(p, out);
    case SEL_TOKEN_END:
        return wrong(p, "the selector ends here, where a value should stand");
    default:
        break;
    }
    if (sel_is(&p->token, "[") && !p->in_pipeline)
        return parse_list(p, out);
    if (!sel_is(&p->token, "("))
        return wrong(p, "a value should stand here");
    if ((rc = take(p)) || (rc = parse_expression(p, 1, out)))
        return rc;
    return expect(p, ")", "a parenthesis");
}

static int parse_prefix(struct parser *p, enum sel_node_kind kind, unsigned least, struct sel_node **out)
{
    struct sel_node *n = *out = new_node(p, kind);
    int rc = n ? take(p) : OTK_ENOMEM;
    if (!rc)
        rc = parse_expression(p, least, &n->left);
    if (rc)
        return rc;
    n->place = span_of(p, n->place.at);
    n->depth = (uint16_t)(n->left->depth + 1);
    return 0;
}

/* -1 is a number, not an operation. */
static void fold_minus(struct sel_node *n)
{
    struct sel_node *inner = n->left;
    if (inner->kind != SEL_NODE_STATIC || inner->name || inner->type < SEL_INT || inner->type > SEL_DURATION)
        return;
    struct sel_place place = n->place;
    *n = *inner;
    n->place = place;
    if (n->type == SEL_DOUBLE)
        n->value.as.d = -n->value.as.d;
    else
        n->value.as.i = -n->value.as.i;
}

static int parse_minus(struct parser *p, struct sel_node **out)
{
    int rc = parse_prefix(p, SEL_NODE_MINUS, 4, out);
    if (!rc)
        fold_minus(*out);
    return rc;
}

static int parse_unary(struct parser *p, struct sel_node **out)
{
    int rc = enter(p);
    if (rc)
        return rc;
    if (sel_is(&p->token, "!"))
        rc = parse_prefix(p, SEL_NODE_NOT, 5, out);
    else if (sel_is(&p->token, "-"))
        rc = parse_minus(p, out);
    else
        rc = parse_primary(p, out);
    p->depth--;
    return rc;
}

static const struct operator
{
    const char *sign;
    uint8_t op, level;
}
operators[] = {
    {"&&", SEL_OP_AND, 1},   {"||", SEL_OP_OR, 1},       {"=", SEL_OP_EQ, 2},  {"!=", SEL_OP_NE, 2},
    {"<", SEL_OP_LT, 2},     {"<=", SEL_OP_LE, 2},       {">", SEL_OP_GT, 2},  {">=", SEL_OP_GE, 2},
    {"=~", SEL_OP_MATCH, 2}, {"!~", SEL_OP_NO_MATCH, 2}, {"+", SEL_OP_ADD, 3}, {"-", SEL_OP_SUB, 3},
    {"*", SEL_OP_MUL, 5},    {"/", SEL_OP_DIV, 5},       {"%", SEL_OP_MOD, 5}, {"^", SEL_OP_POW, 6},
};

static const struct operator* operator_here(const struct parser *p)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (sel_is(&p->token, operators[i].sign))
            return &operators[i];
    return NULL;
}

static int parse_expression(struct parser *p, unsigned least, struct sel_node **out)
{
    struct sel_node *left = NULL;
    int rc = parse_unary(p, &left);
    const struct operator* o;
    while (!rc && (o = operator_here(p)) && o->level >= least) {
        struct sel_node *n = new_node(p, SEL_NODE_BINARY);
        if (!n)
            return OTK_ENOMEM;
        n->op = o->op;
        n->left = left;
        rc = take(p);
        if (!rc)
            rc = parse_expression(p, o->op == SEL_OP_POW ? o->level : o->level + 1u, &n->right);
        if (rc)
            return rc;
        n->place = span_of(p, left->place.at);
        n->depth = (uint16_t)((left->depth > n->right->depth ? left->depth : n->right->depth) + 1);
        if (n->depth > OTK_SELECTOR_DEPTH_MAX)
            return otk_selector_fault(p->fault, n->place, "more than %d operators in a row", OTK_SELECTOR_DEPTH_MAX);
        left = n;
    }
    *out = left;
    return rc;
}

/* ---- Sets ------------------------------------------------------------ */

static int parse_pipeline(struct parser *p, struct sel_stage **out);

static struct sel_set *new_set(struct parser *p, enum sel_set_kind kind)
{
    struct sel_set *set = make(p, sizeof *set);
    if (set) {
        set->kind = (uint8_t)kind;
        set->place = p->token.place;
        set->depth = 1;
    }
    return set;
}

static int parse_filter(struct parser *p, uint32_t from, struct sel_set **out)
{
    struct sel_set *set = *out = new_set(p, SEL_SET_FILTER);
    if (!set)
        return OTK_ENOMEM;
    if (p->s->filter_count == OTK_SELECTOR_FILTERS_MAX)
        return wrong(p, "more than %d pairs of braces", OTK_SELECTOR_FILTERS_MAX);
    set->filter = (uint8_t)p->s->filter_count++;
    struct sel_filter *filter = &p->s->filters[set->filter];
    int rc = expect(p, "{", "a selector");
    if (!rc && !sel_is(&p->token, "}"))
        rc = parse_expression(p, 1, &filter->expr);
    if (!rc)
        rc = expect(p, "}", "an opened {");
    filter->place = set->place = span_of(p, from);
    return rc;
}

static int parse_wrapped(struct parser *p, struct sel_set **out)
{
    struct sel_set *set = *out = new_set(p, SEL_SET_PIPELINE);
    int rc = set ? enter(p) : OTK_ENOMEM;
    if (!rc)
        rc = take(p);
    if (!rc)
        rc = parse_pipeline(p, &set->stages);
    if (!rc)
        rc = expect(p, ")", "a parenthesis");
    p->depth--;
    if (rc)
        return rc;
    if (set->stages->kind == SEL_STAGE_SET && !set->stages->next)
        *out = set->stages->set;
    else
        set->place = span_of(p, set->place.at);
    return 0;
}

static otk_signal signal_here(const struct parser *p)
{
    return is_word(p, "metric") ? OTK_SIGNAL_METRICS : is_word(p, "log") ? OTK_SIGNAL_LOGS : OTK_SIGNAL_TRACES;
}

static int parse_set_primary(struct parser *p, struct sel_set **out)
{
    if (sel_is(&p->token, "("))
        return parse_wrapped(p, out);
    uint32_t from = p->token.place.at;
    bool prefixed = (is_word(p, "metric") || is_word(p, "log")) && next_character(p) == '{';
    if (!prefixed && !sel_is(&p->token, "{"))
        return p->token.kind == SEL_TOKEN_END ? wrong(p, "the selector ends here, where a {…} should stand")
                                              : wrong(p, "a selector begins with {, metric{ or log{");
    if (signal_here(p) != p->s->signal)
        return wrong(p, "one selector speaks of one signal: all of spans {…}, of metric{…}, or of log{…}");
    int rc = prefixed ? take(p) : 0;
    return rc ? rc : parse_filter(p, from, out);
}

static const struct relation {
    const char *sign;
    uint8_t kind, relation;
    bool negated, is_union;
    uint8_t level;
} relations[] = {
    {"&&", SEL_SET_AND, 0, false, false, 1},
    {"||", SEL_SET_OR, 0, false, false, 1},
    {">", SEL_SET_RELATION, SEL_CHILD, false, false, 2},
    {">>", SEL_SET_RELATION, SEL_DESCENDANT, false, false, 2},
    {"<", SEL_SET_RELATION, SEL_PARENT, false, false, 2},
    {"<<", SEL_SET_RELATION, SEL_ANCESTOR, false, false, 2},
    {"~", SEL_SET_RELATION, SEL_SIBLING, false, false, 2},
    {"!>", SEL_SET_RELATION, SEL_CHILD, true, false, 2},
    {"!>>", SEL_SET_RELATION, SEL_DESCENDANT, true, false, 2},
    {"!<", SEL_SET_RELATION, SEL_PARENT, true, false, 2},
    {"!<<", SEL_SET_RELATION, SEL_ANCESTOR, true, false, 2},
    {"!~", SEL_SET_RELATION, SEL_SIBLING, true, false, 2},
    {"&>", SEL_SET_RELATION, SEL_CHILD, false, true, 2},
    {"&>>", SEL_SET_RELATION, SEL_DESCENDANT, false, true, 2},
    {"&<", SEL_SET_RELATION, SEL_PARENT, false, true, 2},
    {"&<<", SEL_SET_RELATION, SEL_ANCESTOR, false, true, 2},
    {"&~", SEL_SET_RELATION, SEL_SIBLING, false, true, 2},
};

static const struct relation *relation_here(const struct parser *p)
{
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
        if (sel_is(&p->token, relations[i].sign))
            return &relations[i];
    return NULL;
}

static int join_sets(struct parser *p, const struct relation *r, struct sel_set *set, struct sel_set *left)
{
    if (r->kind == SEL_SET_RELATION && p->s->signal != OTK_SIGNAL_TRACES)
        return otk_selector_fault(p->fault, set->place,
                                  "%s relates spans to each other; metrics and logs have no such order", r->sign);
    set->relation = r->relation;
    set->negated = r->negated;
    set->is_union = r->is_union;
    set->left = left;
    set->place = span_of(p, left->place.at);
    set->depth = (uint16_t)((left->depth > set->right->depth ? left->depth : set->right->depth) + 1);
    if (set->depth > OTK_SELECTOR_DEPTH_MAX)
        return otk_selector_fault(p->fault, set->place, "more than %d operators in a row", OTK_SELECTOR_DEPTH_MAX);
    return 0;
}

static int parse_set(struct parser *p, unsigned least, struct sel_set **out)
{
    struct sel_set *left = NULL;
    int rc = parse_set_primary(p, &left);
    const struct relation *r;
    while (!rc && (r = relation_here(p)) && r->level >= least) {
        struct sel_set *set = new_set(p, (enum sel_set_kind)r->kind);
        rc = set ? take(p) : OTK_ENOMEM;
        if (!rc)
            rc = parse_set(p, r->level + 1u, &set->right);
        if (!rc)
            rc = join_sets(p, r, set, left);
        left = set;
    }
    *out = left;
    return rc;
}

/* ---- Pipelines ------------------------------------------------------- */

static bool is_comparison(const struct sel_node *n)
{
    return n->kind == SEL_NODE_BINARY && n->op >= SEL_OP_EQ && n->op <= SEL_OP_GE;
}

static int parse_scalar(struct parser *p, struct sel_stage *stage)
{
    stage->kind = SEL_STAGE_SCALAR;
    p->in_pipeline = true;
    int rc = parse_expression(p, 2, &stage->expr);
    p->in_pipeline = false;
    if (rc || is_comparison(stage->expr))
        return rc;
    struct sel_place place = stage->expr->place;
    return otk_selector_fault(p->fault, place, "%.*s must be compared with something, as in %.*s > 1", (int)place.size,
                              p->s->text + place.at, (int)place.size, p->s->text + place.at);
}

static int parse_by(struct parser *p, struct sel_stage *stage)
{
    stage->kind = SEL_STAGE_BY;
    return parse_expression(p, 1, &stage->expr);
}

static int parse_select(struct parser *p, struct sel_stage *stage)
{
    struct sel_node **end = &stage->expr;
    stage->kind = SEL_STAGE_SELECT;
    for (;;) {
        int rc = parse_expression(p, 1, end);
        if (!rc && (*end)->kind != SEL_NODE_FIELD)
            rc = otk_selector_fault(p->fault, (*end)->place, "select() takes names, as in select(.a, name)");
        if (rc || !sel_is(&p->token, ","))
            return rc;
        end = &(*end)->next;
        if ((rc = take(p)))
            return rc;
    }
}

static int parse_coalesce(struct parser *p, struct sel_stage *stage)
{
    (void)p;
    stage->kind = SEL_STAGE_COALESCE;
    return 0;
}

typedef int stage_parser(struct parser *p, struct sel_stage *stage);

static int parse_call(struct parser *p, const char *name, stage_parser *inside, struct sel_stage *stage)
{
    int rc = take(p);
    if (!rc)
        rc = expect(p, "(", name);
    if (!rc)
        rc = inside(p, stage);
    return rc ? rc : expect(p, ")", name);
}

/* Whether what begins here, behind parentheses, is an aggregate or a number and not a set. */
static bool begins_scalar(const struct parser *p)
{
    const char *at = p->lexer.text + p->token.place.at;
    at += strspn(at, " \t\n\v\f\r(");
    if ((*at >= '0' && *at <= '9') || *at == '-' || *at == '.')
        return true;
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
    const struct sel_name *function = otk_sel_function((otk_string){at, n});
    return function && function->id <= SEL_FUNCTION_SUM;
}

static int parse_stage(struct parser *p, bool first, struct sel_stage *stage)
{
    const struct sel_name *function = p->token.kind == SEL_TOKEN_WORD ? otk_sel_function(p->token.text) : NULL;
    if (function && function->id == SEL_FUNCTION_BY)
        return parse_call(p, "by", parse_by, stage);
    if (function && function->id == SEL_FUNCTION_SELECT)
        return parse_call(p, "select", parse_select, stage);
    if (function && function->id == SEL_FUNCTION_COALESCE)
        return first ? wrong(p, "coalesce() joins what came before it, so it cannot be the first")
                     : parse_call(p, "coalesce", parse_coalesce, stage);
    bool is_set = (is_word(p, "metric") || is_word(p, "log")) && next_character(p) == '{';
    if (begins_scalar(p) || (p->token.kind == SEL_TOKEN_WORD && !is_set && next_character(p) == '('))
        return parse_scalar(p, stage);
    if (function && function->id == SEL_FUNCTION_LEFT_OUT)
        return left_out(p);
    stage->kind = SEL_STAGE_SET;
    return parse_set(p, 1, &stage->set);
}

static int parse_pipeline(struct parser *p, struct sel_stage **out)
{
    struct sel_stage **end = out;
    for (;;) {
        struct sel_stage *stage = *end = make(p, sizeof *stage);
        int rc = stage ? parse_stage(p, end == out, stage) : OTK_ENOMEM;
        if (rc || !sel_is(&p->token, "|"))
            return rc;
        end = &stage->next;
        if ((rc = take(p)))
            return rc;
    }
}

/* ---- Selectors ------------------------------------------------------- */

/* Names depend on the signal, so it is told before anything is parsed: by the first brace. */
static int find_signal(struct parser *p)
{
    otk_signal before = OTK_SIGNAL_TRACES;
    int rc = 0;
    while (!rc && p->token.kind != SEL_TOKEN_END && !sel_is(&p->token, "{")) {
        before = signal_here(p);
        rc = take(p);
    }
    p->s->signal = sel_is(&p->token, "{") ? before : OTK_SIGNAL_TRACES;
    return rc;
}

static int parse_text(struct parser *p)
{
    char *room = p->lexer.room;
    int rc = take(p);
    if (!rc)
        rc = find_signal(p);
    p->lexer.at = 0;
    p->lexer.room = room;
    if (!rc)
        rc = take(p);
    if (!rc && p->token.kind == SEL_TOKEN_END)
        return wrong(p, "the selector is empty; {} selects every span");
    if (!rc)
        rc = parse_pipeline(p, &p->s->stages);
    if (!rc && p->token.kind != SEL_TOKEN_END)
        return sel_is(&p->token, ")") || sel_is(&p->token, "}")
                   ? wrong(p, "nothing was opened that %.*s could close", (int)p->token.text.size, p->token.text.data)
                   : wrong(p, "the selector should end here, or go on with | && || > >> < << ~");
    return rc;
}

static int parse_into(struct sel_selector *s, const char *text, size_t size, struct sel_fault *fault)
{
    s->text = otk_arena_string(&s->arena, text, size);
    char *room = otk_arena_alloc(&s->arena, size + 1);
    if (!s->text || !room)
        return OTK_ENOMEM;
    struct parser p = {.lexer = {s->text, size, 0, room, fault}, .s = s, .fault = fault};
    int rc = parse_text(&p);
    return rc ? rc : otk_selector_check(s, fault);
}

int otk_selector_parse(struct sel_selector **out, const char *text, struct sel_fault *fault)
{
    size_t size = strlen(text);
    if (size > OTK_SELECTOR_SIZE_MAX)
        return otk_selector_fault(fault, (struct sel_place){0, 0}, "the selector is longer than %d bytes",
                                  OTK_SELECTOR_SIZE_MAX);
    size_t valid = otk_utf8_valid((const uint8_t *)text, size);
    if (valid < size)
        return otk_selector_fault(fault, (struct sel_place){(uint32_t)valid, 1}, "the selector is not UTF-8 here");
    struct sel_selector *s = calloc(1, sizeof *s);
    if (!s)
        return OTK_ENOMEM;
    int rc = parse_into(s, text, size, fault);
    if (rc)
        otk_selector_free(s);
    else
        *out = s;
    return rc;
}

void otk_selector_free(struct sel_selector *s)
{
    if (!s)
        return;
    while (s->regexes) {
        struct otk_regex *next = s->regexes->next;
        otk_regex_free(s->regexes);
        s->regexes = next;
    }
    otk_arena_clear(&s->arena);
    free(s);
}
