/* A lock for a few instructions: one atomic exchange to take, a store to let go.
 * Whoever finds it taken yields, and after a while naps, so that a thread of
 * high priority cannot starve the holder. */
#ifndef OTLPKIT_LOCK_H
#define OTLPKIT_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>

struct otk_lock {
    atomic_bool taken;
};

void otk_lock_wait(struct otk_lock *lock);

static inline void otk_lock_take(struct otk_lock *lock)
{
    if (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire))
        otk_lock_wait(lock);
}

static inline void otk_lock_release(struct otk_lock *lock)
{
    atomic_store_explicit(&lock->taken, false, memory_order_release);
}

#endif
