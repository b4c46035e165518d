#include "queue.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 64 << 10, BYTES_MAX = 64 << 20, SPARES_MAX = 16 };

static struct otk_chunk *new_chunk(struct otk_queue *q, size_t room)
{
    struct otk_chunk *chunk = q->spare;
    if (chunk && room <= chunk->capacity) {
        q->spare = chunk->next;
        q->spares--;
    } else {
        size_t capacity = room > CHUNK_BYTES ? room : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk)
            return NULL;
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->used = 0;
    return chunk;
}

static void drop_chunk(struct otk_queue *q, struct otk_chunk *chunk)
{
    q->bytes -= chunk->capacity;
    if (chunk->capacity > CHUNK_BYTES || q->spares == SPARES_MAX) {
        free(chunk);
        return;
    }
    chunk->next = q->spare;
    q->spare = chunk;
    q->spares++;
}

int otk_queue_append_chunk(struct otk_queue *q, size_t room)
{
    if (q->bytes && room > BYTES_MAX - q->bytes)
        return OTK_ELIMIT;
    struct otk_chunk *chunk = new_chunk(q, room);
    if (!chunk)
        return OTK_ENOMEM;
    q->bytes += chunk->capacity;
    if (q->last)
        q->last->next = chunk;
    else
        q->first = q->reading = chunk;
    q->last = chunk;
    return 0;
}

static void free_list(struct otk_chunk *chunk)
{
    while (chunk) {
        struct otk_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
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
    q->newest = q->last;
    return taken;
}

void otk_queue_read(struct otk_queue *q, struct otk_item *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* `used` of the newest chunk still changes; what is to be read there is known to be there. */
        if (q->reading != q->newest && q->read == q->reading->used) {
            q->reading = q->reading->next;
            q->read = 0;
        }
        struct otk_head head;
        uint8_t *at = q->reading->content + q->read;
        memcpy(&head, at, sizeof head);
        out[i] = (struct otk_item){head.scope, at + sizeof head, head.size, 1};
        q->read += otk_queue_room(head.size);
    }
}

void otk_queue_release(struct otk_queue *q)
{
    while (q->first != q->reading) {
        struct otk_chunk *next = q->first->next;
        drop_chunk(q, q->first);
        q->first = next;
    }
    if (q->first && q->first == q->last && q->read == q->first->used) {
        drop_chunk(q, q->first);
        q->first = q->last = q->reading = NULL;
        q->read = 0;
    }
}
