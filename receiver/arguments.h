/* The query of a target, ?where=…&limit=10, split and unescaped. */
#ifndef OTLPKIT_ARGUMENTS_H
#define OTLPKIT_ARGUMENTS_H

#include "arena.h"
#include "otlpkit/receiver.h"

struct otk_argument {
    const char *name;
    otk_string value; /* UTF-8, with a NUL behind it */
};

struct otk_arguments {
    const struct otk_argument *items; /* in the order of the target; names may repeat */
    size_t count;
};

/* Returns 0, OTK_ENOMEM, or OTK_EDATA for an escape that is none, a NUL, or what is not UTF-8. `+` is a space, as in a
 * form. Memory comes from `arena`. */
int otk_arguments_read(struct otk_arguments *out, const char *target, struct otk_arena *arena);

#endif
