#include "queue.h"

#include <stdlib.h>

/* Of all spare blocks together. */
enum { SPARE_BYTES_MAX = 1 << 20 };

void otk_queue_trim(struct otk_buffer *b)
{
    uint8_t *data = realloc(b->data, b->size);
    if (!data)
        return;
    b->data = data;
    b->capacity = b->size;
}

static void free_list(struct otk_block *block)
{
    while (block) {
        struct otk_block *next = block->next;
        free(block);
        block = next;
    }
}

void otk_queue_clear(struct otk_queue *q)
{
    free_list(q->first);
    free_list(q->spare);
    *q = OTK_QUEUE_INIT(q->capacity);
}

size_t otk_queue_take(struct otk_queue *q, size_t max)
{
    size_t taken = q->count < max ? q->count : max;
    q->count -= taken;
    return taken;
}

struct otk_block *otk_queue_read(const struct otk_queue *q, struct otk_item *out, size_t count)
{
    struct otk_block *last = NULL;
    for (size_t i = 0; i < count; i++) {
        last = last ? last->next : q->first;
        out[i] = (struct otk_item){last->scope, last->content, last->size - sizeof *last, 1};
    }
    return last;
}

/* Returns the first of those that are detached; they are the caller's. */
static struct otk_block *detach(struct otk_queue *q, struct otk_block *last)
{
    struct otk_block *first = q->first;
    q->first = last->next;
    if (q->last == last)
        q->last = NULL;
    last->next = NULL;
    return first;
}

/* Blocks to be spare ones. */
struct chain {
    struct otk_block *first, **end;
    size_t bytes;
};

/* Takes over those that are worth keeping, up to `room` bytes, and frees the others. Returns the bytes of all. */
static size_t sift(struct chain *kept, struct otk_block *blocks, size_t room)
{
    size_t bytes = 0;
    for (struct otk_block *next; blocks; blocks = next) {
        size_t capacity = blocks->capacity;
        next = blocks->next;
        bytes += capacity;
        if (capacity > OTK_QUEUE_SPARE_MAX || kept->bytes + capacity > room) {
            free(blocks);
            continue;
        }
        *kept->end = blocks;
        kept->end = &blocks->next;
        kept->bytes += capacity;
    }
    return bytes;
}

void otk_queue_release(struct otk_queue *q, struct otk_lock *lock, struct otk_block *last)
{
    struct chain kept = {.end = &kept.first};
    otk_lock_take(lock);
    struct otk_block *first = detach(q, last);
    size_t room = SPARE_BYTES_MAX > q->spare_bytes ? SPARE_BYTES_MAX - q->spare_bytes : 0;
    otk_lock_release(lock);
    size_t bytes = sift(&kept, first, room);
    otk_lock_take(lock);
    *kept.end = q->spare;
    q->spare = kept.first;
    q->spare_bytes += kept.bytes;
    q->bytes -= bytes;
    otk_lock_release(lock);
}
