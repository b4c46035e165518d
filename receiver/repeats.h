/* Requests that came before: a client that had no answer sends the same bytes again.
 *
 * Looking costs the same for every size: a key of a few samples, and a comparison of all bytes only where a key is
 * found again, so that what is said is exact. Where many different requests of one size agree in all samples, only
 * the newest of them are remembered.
 */
#ifndef OTLPKIT_REPEATS_H
#define OTLPKIT_REPEATS_H

#include "capture.h"

struct otk_repeats {
    struct capture **buckets; /* chains by repeat_next */
    size_t bucket_count;      /* 0 or a power of two */
    size_t count;
    uint64_t seed; /* so that no client can choose its bucket */
};

/* Makes room for one more. Without it there is none, and captures are not remembered. */
void otk_repeats_reserve(struct otk_repeats *r);

/* Remembers `c`, in place of the capture with the same bytes when there is one: that is returned, else NULL. Neither is
 * owned. */
struct capture *otk_repeats_add(struct otk_repeats *r, struct capture *c);

/* Forgets `c`, remembered or not. */
void otk_repeats_remove(struct otk_repeats *r, struct capture *c);

void otk_repeats_clear(struct otk_repeats *r);

#endif
