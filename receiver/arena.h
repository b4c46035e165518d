/* Memory that is freed all at once. Pointers stay valid until otk_arena_clear(). */
#ifndef OTLPKIT_ARENA_H
#define OTLPKIT_ARENA_H

#include <stddef.h>

struct otk_arena {
    struct otk_arena_block *block;
    size_t total; /* bytes held, for accounting */
};

/* Zeroed, aligned for any type; NULL when memory ran out. */
void *otk_arena_alloc(struct otk_arena *arena, size_t size);

/* A NUL-terminated copy. */
char *otk_arena_string(struct otk_arena *arena, const char *text, size_t size);

void otk_arena_clear(struct otk_arena *arena);

#endif
