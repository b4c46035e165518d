#include "queue.h"

#include <stddef.h>

void otk_queue_push(struct otk_queue *q, struct otk_entry *e, uint64_t now_ms)
{
    *e = (struct otk_entry){.previous = q->last, .due_ms = now_ms + q->time_ms};
    *(q->last ? &q->last->next : &q->first) = e;
    q->last = e;
}

void otk_queue_remove(struct otk_queue *q, struct otk_entry *e)
{
    *(e->previous ? &e->previous->next : &q->first) = e->next;
    *(e->next ? &e->next->previous : &q->last) = e->previous;
}

struct otk_entry *otk_queue_due(const struct otk_queue *q, uint64_t now_ms)
{
    return q->first && q->first->due_ms <= now_ms ? q->first : NULL;
}
