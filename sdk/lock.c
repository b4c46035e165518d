#include "lock.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define YIELDS 64
#define NAP_NS 50000
#define SHARED_FOR_ONE 1000

_Thread_local char otk_lock_thread;
atomic_uint otk_lock_unowned = OTK_LOCK_NEVER_OWNED;

static void give_way(unsigned *tries)
{
    if (++*tries < YIELDS)
        sched_yield();
    else
        nanosleep(&(struct timespec){0, NAP_NS}, NULL);
}

void otk_lock_wait(struct otk_lock *lock)
{
    unsigned tries = 0;
    do
        give_way(&tries);
    while (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire));
}

static bool membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0) == 0;
}

void otk_lock_prepare(void)
{
    unsigned never = OTK_LOCK_NEVER_OWNED;
    if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
        atomic_compare_exchange_strong(&otk_lock_unowned, &never, 0);
}

/* Threads may race here: how many locks are shared is not meant to be exact. */
const void *otk_lock_owner_for_now(void)
{
    unsigned left = atomic_load_explicit(&otk_lock_unowned, memory_order_relaxed);
    if (left > 0 && left < OTK_LOCK_NEVER_OWNED)
        atomic_store_explicit(&otk_lock_unowned, left - 1, memory_order_relaxed);
    return left > 0 ? NULL : otk_lock_self();
}

/* Until the owner is out, or will see that the lock is shared. A sandbox may by now forbid what it once allowed, but
 * a store is seen by all long before a nap is over. */
static void wait_for_owner(const struct otk_own_lock *l)
{
    unsigned tries = 0;
    if (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
        nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    while (atomic_load_explicit(&l->inside, memory_order_acquire))
        give_way(&tries);
}

bool otk_own_lock_share(struct otk_own_lock *l)
{
    if (l->forks != otk_forks_now())
        return false;
    otk_lock_take(&l->lock);
    if (atomic_load_explicit(&l->shared, memory_order_relaxed))
        return true;
    atomic_store_explicit(&l->shared, true, memory_order_seq_cst);
    atomic_store_explicit(&otk_lock_unowned, SHARED_FOR_ONE, memory_order_relaxed);
    wait_for_owner(l);
    return true;
}
