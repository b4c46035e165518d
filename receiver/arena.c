#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK 1024
#define LARGEST_STEP 65536
#define ALIGNMENT _Alignof(max_align_t)

struct otk_arena_block {
    struct otk_arena_block *next;
    size_t used;
    size_t size;
    _Alignas(max_align_t) unsigned char data[];
};

static struct otk_arena_block *add_block(struct otk_arena *arena, size_t needed)
{
    size_t size = arena->block ? arena->block->size * 2 : FIRST_BLOCK - sizeof(struct otk_arena_block);
    if (size > LARGEST_STEP)
        size = LARGEST_STEP;
    if (size < needed)
        size = needed;
    struct otk_arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    *block = (struct otk_arena_block){.next = arena->block, .size = size};
    arena->block = block;
    arena->total += sizeof *block + size;
    return block;
}

void *otk_arena_alloc(struct otk_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct otk_arena_block *block = arena->block;
    if (!block || block->size - block->used < size) {
        block = add_block(arena, size);
        if (!block)
            return NULL;
    }
    void *out = block->data + block->used;
    block->used += size;
    return memset(out, 0, size);
}

char *otk_arena_string(struct otk_arena *arena, const char *text, size_t size)
{
    char *out = size < SIZE_MAX ? otk_arena_alloc(arena, size + 1) : NULL;
    if (out && size)
        memcpy(out, text, size);
    return out;
}

void otk_arena_clear(struct otk_arena *arena)
{
    struct otk_arena_block *block = arena->block;
    while (block) {
        struct otk_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct otk_arena){0};
}
