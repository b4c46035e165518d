#include "clock.h"

_Atomic uint64_t otk_clock_known_offset, otk_clock_measured_at;

uint64_t otk_clock_measure(uint64_t monotonic)
{
    uint64_t fresh = otk_clock_read(CLOCK_REALTIME) - otk_clock_monotonic();
    atomic_store_explicit(&otk_clock_known_offset, fresh, memory_order_relaxed);
    atomic_store_explicit(&otk_clock_measured_at, monotonic, memory_order_release);
    return fresh;
}
