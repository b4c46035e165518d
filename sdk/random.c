#include "random.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

_Thread_local struct otk_generator otk_generator;
atomic_uint otk_generation = 1;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void on_fork(void)
{
    atomic_fetch_add_explicit(&otk_generation, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, on_fork);
}

/* Where the kernel has nothing to give, clocks and addresses must do: ids need to differ, not to be secret. */
static void seed_from_clock(struct otk_generator *g)
{
    struct timespec now;
    for (size_t i = 0; i < 4; i++) {
        clock_gettime(i & 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
        g->s[i] = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)g) *
                  (UINT64_C(0x9E3779B97F4A7C15) + 2 * i);
    }
}

void otk_random_seed(struct otk_generator *g, unsigned generation)
{
    pthread_once(&watch_once, watch_forks);
    if (getrandom(g->s, sizeof g->s, GRND_NONBLOCK) != (ssize_t)sizeof g->s)
        seed_from_clock(g);
    g->s[0] |= 1; /* all zero is the one state it cannot leave */
    g->generation = generation;
}
