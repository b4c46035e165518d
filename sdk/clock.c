#include "clock.h"

#include <stdatomic.h>

/* Threads may race here: each of them stores a good offset, and one second is not meant to be exact. */
static _Atomic uint64_t offset;
static _Atomic uint64_t measured_at;

uint64_t otk_clock_offset(uint64_t monotonic)
{
    uint64_t at = atomic_load_explicit(&measured_at, memory_order_acquire);
    if (at && monotonic - at < OTK_SECOND)
        return atomic_load_explicit(&offset, memory_order_relaxed);
    uint64_t fresh = otk_clock_read(CLOCK_REALTIME) - otk_clock_monotonic();
    atomic_store_explicit(&offset, fresh, memory_order_relaxed);
    atomic_store_explicit(&measured_at, monotonic, memory_order_release);
    return fresh;
}
