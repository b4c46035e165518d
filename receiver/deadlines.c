#include "deadlines.h"

#include <stddef.h>

void otk_deadlines_push(struct otk_deadlines *q, struct otk_entry *e, uint64_t now_ms)
{
    *e = (struct otk_entry){.previous = q->last, .due_ms = now_ms + q->time_ms};
    *(q->last ? &q->last->next : &q->first) = e;
    q->last = e;
}

void otk_deadlines_remove(struct otk_deadlines *q, struct otk_entry *e)
{
    *(e->previous ? &e->previous->next : &q->first) = e->next;
    *(e->next ? &e->next->previous : &q->last) = e->previous;
}

struct otk_entry *otk_deadlines_due(const struct otk_deadlines *q, uint64_t now_ms)
{
    return q->first && q->first->due_ms <= now_ms ? q->first : NULL;
}
