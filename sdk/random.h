/* Random numbers for ids and jitter: one generator a thread, seeded by the
 * kernel, and again in a forked child, so that no two draw the same ids. */
#ifndef OTLPKIT_RANDOM_H
#define OTLPKIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

uint64_t otk_random(void);

/* Fills `out` with so many random numbers of 64 bits, none of which is zero. */
void otk_random_ids(uint8_t *out, size_t words);

#endif
