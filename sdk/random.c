#include "random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* xoshiro256++, by its authors' published recurrence. */
struct generator {
    uint64_t s[4];
    unsigned generation; /* of `forks` when it was seeded; 0: never */
};

static _Thread_local struct generator generator;
static atomic_uint forks = 1;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void on_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, on_fork);
}

/* Where the kernel has nothing to give, clocks and addresses must do: ids need to differ, not to be secret. */
static void seed_from_clock(struct generator *g)
{
    struct timespec now;
    for (size_t i = 0; i < 4; i++) {
        clock_gettime(i & 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
        g->s[i] = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)g) *
                  (UINT64_C(0x9E3779B97F4A7C15) + 2 * i);
    }
}

static __attribute__((noinline)) void seed(struct generator *g, unsigned generation)
{
    pthread_once(&watch_once, watch_forks);
    if (getrandom(g->s, sizeof g->s, GRND_NONBLOCK) != (ssize_t)sizeof g->s)
        seed_from_clock(g);
    g->s[0] |= 1; /* all zero is the one state it cannot leave */
    g->generation = generation;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline struct generator *own_generator(void)
{
    struct generator *g = &generator;
    unsigned generation = atomic_load_explicit(&forks, memory_order_relaxed);
    if (g->generation != generation)
        seed(g, generation);
    return g;
}

static uint64_t next(uint64_t s[4])
{
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t otk_random(void)
{
    return next(own_generator()->s);
}

/* Works on a copy of the state, which `out` cannot overlap. */
void otk_random_ids(uint8_t *out, size_t words)
{
    struct generator *g = own_generator();
    uint64_t s[4] = {g->s[0], g->s[1], g->s[2], g->s[3]};
    for (size_t i = 0; i < words; i++) {
        uint64_t word = next(s);
        while (!word)
            word = next(s);
        memcpy(out + i * sizeof word, &word, sizeof word);
    }
    memcpy(g->s, s, sizeof s);
}
