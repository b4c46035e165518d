#include "random.h"

#include <sys/random.h>
#include <time.h>

_Thread_local struct otk_generator otk_generator;

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

void otk_random_seed(struct otk_generator *g)
{
    otk_forks_watch();
    if (getrandom(g->s, sizeof g->s, GRND_NONBLOCK) != (ssize_t)sizeof g->s)
        seed_from_clock(g);
    g->s[0] |= 1; /* all zero is the one state it cannot leave */
    g->forks = otk_forks_now();
}
