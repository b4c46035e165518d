/* Entries that all get the same time, so that the first one is always the first to be due. */
#ifndef OTLPKIT_DEADLINES_H
#define OTLPKIT_DEADLINES_H

#include <stdint.h>

struct otk_entry {
    struct otk_entry *previous, *next;
    uint64_t due_ms;
};

struct otk_deadlines {
    struct otk_entry *first, *last;
    unsigned time_ms;
};

void otk_deadlines_push(struct otk_deadlines *q, struct otk_entry *e, uint64_t now_ms);
void otk_deadlines_remove(struct otk_deadlines *q, struct otk_entry *e);

/* The first one, if its time has come; or NULL. */
struct otk_entry *otk_deadlines_due(const struct otk_deadlines *q, uint64_t now_ms);

#endif
