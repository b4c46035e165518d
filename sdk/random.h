/* Random numbers for ids and jitter: one generator a thread, seeded by the
 * kernel, and again in a forked child, so that no two draw the same ids. */
#ifndef OTLPKIT_RANDOM_H
#define OTLPKIT_RANDOM_H

#include "forks.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* xoshiro256++, by its authors' published recurrence. */
struct otk_generator {
    uint64_t s[4];
    unsigned forks; /* when it was seeded; 0: never */
};

extern _Thread_local struct otk_generator otk_generator __attribute__((tls_model("initial-exec")));

void otk_random_seed(struct otk_generator *g);

static inline struct otk_generator *otk_random_own(void)
{
    struct otk_generator *g = &otk_generator;
    if (__builtin_expect(g->forks != otk_forks_now(), 0))
        otk_random_seed(g);
    return g;
}

static inline uint64_t otk_random_rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline uint64_t otk_random_next(uint64_t s[4])
{
    uint64_t result = otk_random_rotate(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = otk_random_rotate(s[3], 45);
    return result;
}

static inline uint64_t otk_random(void)
{
    return otk_random_next(otk_random_own()->s);
}

/* Several ids are drawn from a copy of the generator, which ends with
 * otk_random_end(): it may stay in registers. */
static inline struct otk_generator otk_random_begin(void)
{
    return *otk_random_own();
}

static inline void otk_random_end(const struct otk_generator *g)
{
    memcpy(otk_generator.s, g->s, sizeof g->s);
}

/* Writes 8 bytes that are not all zero. */
static inline void otk_random_id(struct otk_generator *g, uint8_t *out)
{
    uint64_t word = otk_random_next(g->s);
    while (__builtin_expect(!word, 0))
        word = otk_random_next(g->s);
    memcpy(out, &word, sizeof word);
}

/* Fills `out` with so many random numbers of 64 bits, none of which is zero. */
static inline void otk_random_ids(uint8_t *out, size_t words)
{
    struct otk_generator g = otk_random_begin();
    for (size_t i = 0; i < words; i++)
        otk_random_id(&g, out + 8 * i);
    otk_random_end(&g);
}

#endif
