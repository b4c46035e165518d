/* Locks for a few instructions. Whoever finds one taken yields, and after a
 * while naps, so that a thread of high priority cannot starve the holder.
 */
#ifndef OTLPKIT_LOCK_H
#define OTLPKIT_LOCK_H

#include "forks.h"

#include <stdbool.h>

/* One atomic exchange to take, a store to let go. */
struct otk_lock {
    atomic_bool taken;
};

void otk_lock_wait(struct otk_lock *lock);

static inline void otk_lock_take(struct otk_lock *lock)
{
    if (__builtin_expect(atomic_exchange_explicit(&lock->taken, true, memory_order_acquire), 0))
        otk_lock_wait(lock);
}

static inline void otk_lock_release(struct otk_lock *lock)
{
    atomic_store_explicit(&lock->taken, false, memory_order_release);
}

/* ---- For what mostly one thread uses --------------------------------- */

/* Its owner goes in and out by plain stores, several times as fast as an
 * exchange. Another thread takes that away for good: it sets `shared`, has the
 * kernel order the memory of all running threads (membarrier), and waits until
 * the owner is out, who from then on takes the exchange, too. */
struct otk_own_lock {
    const void *owner;  /* as otk_lock_self() has it; NULL: shared from the start */
    unsigned forks;     /* the process it is from */
    atomic_bool inside; /* the owner is; written by it alone */
    atomic_bool shared;
    struct otk_lock lock;
};

/* How many locks are to begin as shared ones: all where the kernel knows no
 * membarrier, and some after one was taken from its owner, so that a program
 * that hands its spans around pays for that only now and then. */
extern atomic_uint otk_lock_unowned;
#define OTK_LOCK_NEVER_OWNED 0x80000000u

/* Finds out what the kernel knows; before that no lock is owned. */
void otk_lock_prepare(void);

const void *otk_lock_owner_for_now(void);
bool otk_own_lock_share(struct otk_own_lock *l);

/* An address that no other living thread has. */
static inline const void *otk_lock_self(void)
{
    extern _Thread_local char otk_lock_thread __attribute__((tls_model("initial-exec")));
    return &otk_lock_thread;
}

static inline void otk_own_lock_init(struct otk_own_lock *l)
{
    bool owned = atomic_load_explicit(&otk_lock_unowned, memory_order_relaxed) == 0;
    l->owner = __builtin_expect(owned, 1) ? otk_lock_self() : otk_lock_owner_for_now();
    l->forks = otk_forks_now();
    /* In a forked child it may have been left by a thread of the parent that was inside. */
    atomic_store_explicit(&l->inside, false, memory_order_relaxed);
    atomic_store_explicit(&l->lock.taken, false, memory_order_relaxed);
    atomic_store_explicit(&l->shared, !l->owner, memory_order_relaxed);
}

/* The owner's way in, as long as nobody shares the lock; its way out. */
static inline bool otk_own_lock_enter(struct otk_own_lock *l)
{
    if (__builtin_expect(l->owner != otk_lock_self(), 0))
        return false;
    atomic_store_explicit(&l->inside, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* membarrier does the rest */
    if (__builtin_expect(!atomic_load_explicit(&l->shared, memory_order_acquire), 1))
        return true;
    atomic_store_explicit(&l->inside, false, memory_order_release);
    return false;
}

static inline void otk_own_lock_leave(struct otk_own_lock *l)
{
    atomic_store_explicit(&l->inside, false, memory_order_release);
}

/* Anybody's way. False in a forked child, where it may have been a thread of
 * the parent that was inside, and for ever. */
static inline bool otk_own_lock_take(struct otk_own_lock *l)
{
    return otk_own_lock_enter(l) || otk_own_lock_share(l);
}

static inline void otk_own_lock_release(struct otk_own_lock *l)
{
    if (l->owner == otk_lock_self() && atomic_load_explicit(&l->inside, memory_order_relaxed))
        otk_own_lock_leave(l);
    else
        otk_lock_release(&l->lock);
}

#endif
