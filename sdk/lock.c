#include "lock.h"

#include <sched.h>
#include <time.h>

#define YIELDS 64
#define NAP_NS 50000

void otk_lock_wait(struct otk_lock *lock)
{
    unsigned tries = 0;
    do {
        if (++tries < YIELDS)
            sched_yield();
        else
            nanosleep(&(struct timespec){0, NAP_NS}, NULL);
    } while (atomic_exchange_explicit(&lock->taken, true, memory_order_acquire));
}
