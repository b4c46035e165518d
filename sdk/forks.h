/* Which of the processes that forked from one another this is. */
#ifndef OTLPKIT_FORKS_H
#define OTLPKIT_FORKS_H

#include <stdatomic.h>

/* Never 0; one more in a forked child, if somebody watches. */
extern atomic_uint otk_forks;

/* Returns 0 or OTK_ENOMEM. */
int otk_forks_watch(void);

static inline unsigned otk_forks_now(void)
{
    return atomic_load_explicit(&otk_forks, memory_order_relaxed);
}

#endif
