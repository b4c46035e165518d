/* A clause: a line of expectations and those that go on it, read into a condition. */
#ifndef OTLPKIT_CLAUSE_H
#define OTLPKIT_CLAUSE_H

#include "arena.h"
#include "buffer.h"

#include <otlpkit/receiver.h>

/* A text on its way in, and what becomes of it. */
struct reading {
    struct otk_arena *arena;   /* for what outlives the text */
    struct otk_buffer *faults; /* with lines and carets */
    struct otk_buffer *script; /* of all `fault` lines */
    const char **script_at;    /* where the first of them is */
    const char *where;         /* or NULL */
    const char *original;
    char *text; /* a copy, in which comments and ends of lines become spaces */
    size_t size;
    char *room; /* for the lexer: as large as the text */
    struct otk_buffer selector;
    unsigned line; /* of the clause */
    unsigned fault_count;
    otk_error error; /* the first fault */
};

/* Where the clause ends that begins at `at`. */
size_t otk_clause_end(const struct reading *r, size_t at);

/* Reads the clause between two places. What is wrong in it is told and counted; then, and where it is no condition, `out`
 * has no kind. 0, OTK_ENOMEM or OTK_ELIMIT. */
int otk_clause_read(struct reading *r, size_t begin, size_t end, otk_condition *out);

#endif
