/* A selector: the text that people write, parsed, checked, and ready to be asked about items.
 *
 * Always holds after otk_selector_parse(): every expression has a type that its place allows, every field has a slot,
 * every regular expression is compiled, and no tree is deeper than OTK_SELECTOR_DEPTH_MAX.
 */
#ifndef OTLPKIT_SELECTOR_H
#define OTLPKIT_SELECTOR_H

#include "arena.h"
#include "buffer.h"
#include "regex.h"
#include "selector_names.h"
#include "wire.h"

#define OTK_SELECTOR_SIZE_MAX 16384
#define OTK_SELECTOR_DEPTH_MAX 200
#define OTK_SELECTOR_FIELDS_MAX 64
#define OTK_SELECTOR_FILTERS_MAX 64

/* Where in the text something stands. */
struct sel_place {
    uint32_t at, size;
};

/* ---- Values ---------------------------------------------------------- */

struct sel_node;

struct sel_value {
    uint8_t type; /* enum sel_type */
    bool absent;  /* was not on the wire: this is what it then means */
    union {
        bool b;
        int64_t i; /* integers, durations in nanoseconds, enumerations */
        double d;
        otk_string s;                 /* strings, ids as hex, bytes */
        struct otk_extent any;        /* arrays and maps: the content of their message */
        const struct sel_node *list;  /* an array that the selector writes out */
        const struct sel_field *many; /* events and links: what to take of each */
    } as;
};

/* ---- Fields ---------------------------------------------------------- */

enum sel_scope {
    SEL_SCOPE_NONE, /* unscoped: .key */
    SEL_SCOPE_ITEM, /* span. log. point. */
    SEL_SCOPE_RESOURCE,
    SEL_SCOPE_INSTRUMENTATION,
    SEL_SCOPE_EVENT,
    SEL_SCOPE_LINK,
    SEL_SCOPE_METADATA /* metric. */
};

/* A step into an array or a map: [0], ["key"]. */
struct sel_step {
    struct sel_step *next;
    bool is_key;
    otk_string key;
    uint64_t index;
};

struct sel_field {
    const struct sel_name *name; /* an intrinsic, or NULL: an attribute */
    otk_string key;
    uint8_t scope;  /* enum sel_scope, of an attribute */
    bool of_parent; /* parent. */
    struct sel_step *steps;
    uint16_t slot;
};

/* ---- Expressions ----------------------------------------------------- */

enum sel_op {
    SEL_OP_NONE,
    SEL_OP_EQ,
    SEL_OP_NE,
    SEL_OP_LT,
    SEL_OP_LE,
    SEL_OP_GT,
    SEL_OP_GE,
    SEL_OP_MATCH,
    SEL_OP_NO_MATCH,
    SEL_OP_AND,
    SEL_OP_OR,
    SEL_OP_ADD,
    SEL_OP_SUB,
    SEL_OP_MUL,
    SEL_OP_DIV,
    SEL_OP_MOD,
    SEL_OP_POW
};

enum sel_node_kind {
    SEL_NODE_STATIC,
    SEL_NODE_FIELD,
    SEL_NODE_NOT,
    SEL_NODE_MINUS,
    SEL_NODE_BINARY,
    SEL_NODE_EXISTS,   /* x != nil */
    SEL_NODE_MISSING,  /* x = nil */
    SEL_NODE_AGGREGATE /* count() avg(…) …: `name` says which, `left` of what */
};

struct sel_node {
    uint8_t kind;
    uint8_t op;
    uint8_t type;
    uint16_t depth;
    struct sel_place place;
    struct sel_node *left, *right;
    struct sel_node *next; /* in a written array, in select() */
    const struct sel_name *name;
    struct sel_value value;
    struct sel_field *field;
    struct otk_regex *regex;
};

/* ---- Sets and pipelines ---------------------------------------------- */

enum sel_relation {
    SEL_CHILD,      /* > */
    SEL_DESCENDANT, /* >> */
    SEL_PARENT,     /* < */
    SEL_ANCESTOR,   /* << */
    SEL_SIBLING     /* ~ */
};

enum sel_set_kind { SEL_SET_FILTER, SEL_SET_AND, SEL_SET_OR, SEL_SET_RELATION, SEL_SET_PIPELINE };

struct sel_stage;

struct sel_set {
    uint8_t kind;
    uint8_t relation;
    bool negated;  /* !> */
    bool is_union; /* &> */
    uint8_t filter;
    uint16_t depth;
    struct sel_place place;
    struct sel_set *left, *right;
    struct sel_stage *stages;
};

enum sel_stage_kind { SEL_STAGE_SET, SEL_STAGE_SCALAR, SEL_STAGE_BY, SEL_STAGE_COALESCE, SEL_STAGE_SELECT };

struct sel_stage {
    uint8_t kind;
    struct sel_stage *next;
    struct sel_set *set;
    struct sel_node *expr;
};

struct sel_filter {
    struct sel_node *expr; /* NULL: {} */
    struct sel_place place;
    bool of_trace; /* says something about the trace: to be asked again when that changes */
};

struct sel_selector {
    char *text;
    otk_signal signal;
    struct otk_arena arena;
    struct sel_stage *stages;
    struct sel_filter filters[OTK_SELECTOR_FILTERS_MAX];
    size_t filter_count;
    struct sel_field *fields[OTK_SELECTOR_FIELDS_MAX]; /* by slot */
    size_t field_count;
    struct otk_regex *regexes; /* all of them, to be freed */
    bool grouped;              /* needs traces (of metrics and logs: everything) as a whole, not item by item */
};

/* What is wrong with a selector. */
struct sel_fault {
    struct sel_place place;
    char sentence[384];
};

/* Returns 0, OTK_EINVAL and fills `fault`, or OTK_ENOMEM. */
int otk_selector_parse(struct sel_selector **out, const char *text, struct sel_fault *fault);
void otk_selector_free(struct sel_selector *s);

/* The second pass of parsing: types, slots, regular expressions. */
int otk_selector_check(struct sel_selector *s, struct sel_fault *fault);

__attribute__((format(printf, 3, 4))) int otk_selector_fault(struct sel_fault *fault, struct sel_place place,
                                                             const char *format, ...);

#endif
