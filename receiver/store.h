/* The captures in order of arrival, and the waiters for them.
 *
 * One mutex and one condition guard it. Captures never change once they are
 * in, so readers hold the lock only to find them.
 */
#ifndef OTLPKIT_STORE_H
#define OTLPKIT_STORE_H

#include "capture.h"

struct otk_store;

struct otk_store *otk_store_new(size_t max_bytes, bool drop_oldest);
void otk_store_free(struct otk_store *s);

/* Takes `c`, counts it and wakes the waiters. Returns 0, or OTK_ELIMIT when
 * there is no room for it, or OTK_ENOMEM; then `c` stays the caller's. */
int otk_store_take(struct otk_store *s, struct capture *c);

void otk_store_reset(struct otk_store *s);
void otk_store_counts(struct otk_store *s, otk_receiver_counts *out);

/* The capture at position `i`, or NULL. */
struct capture *otk_store_at(struct otk_store *s, size_t i);

/* The capture that holds item `i` of `signal`, and the item's place in it; or NULL. */
struct capture *otk_store_find(struct otk_store *s, otk_signal signal, uint64_t i, size_t *place);

/* What otk_store_wait() waits for: a member of otk_receiver_counts. */
int otk_store_wait(struct otk_store *s, size_t count_offset, uint64_t count, unsigned timeout_ms);

#endif
