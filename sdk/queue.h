/* What was recorded and waits to be exported: encoded items, copied one behind
 * the other into chunks that are used again.
 *
 * One thread at a time pushes; the reader looks at what it has taken while
 * others push. Calls marked (locked) need the owner's lock.
 */
#ifndef OTLPKIT_QUEUE_H
#define OTLPKIT_QUEUE_H

#include "batch.h"

#include <stdalign.h>

/* Items stand in `content`, each behind its head, from multiples of its size on. */
struct otk_chunk {
    struct otk_chunk *next;
    size_t used, capacity;
    alignas(16) uint8_t content[];
};

struct otk_head {
    struct otk_scope *scope;
    size_t size;
};

struct otk_queue {
    size_t count, capacity;         /* items that wait */
    size_t bytes;                   /* of all chunks in use, those being read included */
    struct otk_chunk *first, *last; /* in use, the oldest first */
    struct otk_chunk *spare;
    size_t spares;
    struct otk_chunk *reading, *newest; /* the reader's: where it stands, and the last chunk it may look at */
    size_t read;                        /* bytes of `reading` */
};

/* Memory is taken when something is pushed. */
#define OTK_QUEUE_INIT(capacity_) ((struct otk_queue){.capacity = (capacity_)})

void otk_queue_clear(struct otk_queue *q);

/* Makes the last chunk one that has this room. */
int otk_queue_append_chunk(struct otk_queue *q, size_t room);

static inline size_t otk_queue_room(size_t size)
{
    return (sizeof(struct otk_head) + size + sizeof(struct otk_head) - 1) & ~(sizeof(struct otk_head) - 1);
}

/* (locked) Copies an item in. Returns 0, OTK_ELIMIT when the queue is full, or
 * OTK_ENOMEM. */
static inline int otk_queue_push(struct otk_queue *q, struct otk_scope *scope, const void *data, size_t size)
{
    size_t room = otk_queue_room(size);
    if (q->count == q->capacity)
        return OTK_ELIMIT;
    if (!q->last || q->last->capacity - q->last->used < room) {
        int rc = otk_queue_append_chunk(q, room);
        if (rc)
            return rc;
    }
    uint8_t *to = q->last->content + q->last->used;
    memcpy(to, &(struct otk_head){scope, size}, sizeof(struct otk_head));
    if (size)
        memcpy(to + sizeof(struct otk_head), data, size);
    q->last->used += room;
    q->count++;
    return 0;
}

/* (locked) Takes up to `max` items out of the count; returns how many, to be
 * read now and then released. */
size_t otk_queue_take(struct otk_queue *q, size_t max);

/* Shows the next items that were taken, valid until release. */
void otk_queue_read(struct otk_queue *q, struct otk_item *out, size_t count);

/* (locked) Lets go of all that was read. */
void otk_queue_release(struct otk_queue *q);

#endif
