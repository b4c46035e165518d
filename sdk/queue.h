/* What was recorded and waits to be exported.
 *
 * An item travels as a block of memory: who recorded it hands the block over and
 * is given a spare one, the worker reads it where it is, and makes it a spare
 * one. Calls marked (locked) need the owner's lock.
 */
#ifndef OTLPKIT_QUEUE_H
#define OTLPKIT_QUEUE_H

#include "batch.h"
#include "lock.h"

#include <stdalign.h>

/* Stands at the beginning of a buffer. */
struct otk_block {
    struct otk_block *next;
    struct otk_scope *scope;
    size_t size, capacity; /* of the buffer */
    alignas(16) uint8_t content[];
};

enum { OTK_QUEUE_BYTES_MAX = 64 << 20, OTK_QUEUE_SPARE_MAX = 4096 };

struct otk_queue {
    size_t count, capacity; /* items that wait */
    size_t bytes;           /* of all blocks that wait or are read */
    struct otk_block *first, *last;
    struct otk_block *spare;
    size_t spare_bytes;
};

#define OTK_QUEUE_INIT(capacity_) ((struct otk_queue){.capacity = (capacity_)})

void otk_queue_clear(struct otk_queue *q);

/* The worker's processor has it in its cache: it will be needed here soon, to be written to. */
static inline void otk_queue_fetch(const struct otk_block *block)
{
    for (size_t i = 0; i < 384; i += 64)
        __builtin_prefetch((const uint8_t *)block + i, 1);
}

/* Leaves room for a block's head at the beginning of an empty buffer. */
static inline void otk_queue_begin(struct otk_buffer *b)
{
    if (otk_buffer_reserve(b, sizeof(struct otk_block)))
        b->size = sizeof(struct otk_block);
}

/* Gives back what a large buffer does not need, before it waits. */
void otk_queue_trim(struct otk_buffer *b);

/* (locked) Takes the buffer's memory, and gives it that of a spare block, or none. Returns 0, or OTK_ELIMIT when the
 * queue is full; however large an item is, it has its place in one that is empty. */
static inline int otk_queue_push(struct otk_queue *q, struct otk_scope *scope, struct otk_buffer *b)
{
    struct otk_block *block = (void *)b->data, *spare = q->spare;
    if (q->count == q->capacity || (q->bytes && q->bytes + b->capacity > OTK_QUEUE_BYTES_MAX))
        return OTK_ELIMIT;
    block->next = NULL;
    block->scope = scope;
    block->size = b->size;
    block->capacity = b->capacity;
    if (q->last)
        q->last->next = block;
    else
        q->first = block;
    q->last = block;
    q->count++;
    q->bytes += b->capacity;
    b->data = (void *)spare;
    b->size = b->capacity = 0;
    if (spare) {
        b->capacity = spare->capacity;
        q->spare_bytes -= spare->capacity;
        q->spare = spare->next;
        otk_queue_fetch(q->spare);
    }
    return 0;
}

/* (locked) Takes up to `max` items out of the count; returns how many, to be
 * read now and then released. */
size_t otk_queue_take(struct otk_queue *q, size_t max);

/* Shows the items that were taken, valid until release. Returns the last one's
 * block. */
struct otk_block *otk_queue_read(const struct otk_queue *q, struct otk_item *out, size_t count);

/* Lets go of all blocks up to `last`, which become spare ones, as long as these
 * are few. Takes the lock where it has to. */
void otk_queue_release(struct otk_queue *q, struct otk_lock *lock, struct otk_block *last);

#endif
