/* Time in nanoseconds. Spans measure on the monotonic clock, moved by an
 * offset to the epoch, so that an end never precedes its start. */
#ifndef OTLPKIT_CLOCK_H
#define OTLPKIT_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define OTK_MS UINT64_C(1000000)
#define OTK_SECOND (1000 * OTK_MS)
#define OTK_FOREVER UINT64_MAX

static inline uint64_t otk_clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * OTK_SECOND + (uint64_t)now.tv_nsec;
}

static inline uint64_t otk_clock_monotonic(void)
{
    return otk_clock_read(CLOCK_MONOTONIC);
}

/* Threads may race here: each of them stores a good offset, and one second is
 * not meant to be exact. */
extern _Atomic uint64_t otk_clock_known_offset, otk_clock_measured_at;
uint64_t otk_clock_measure(uint64_t monotonic);

/* What to add to `monotonic`, a time just read, to get nanoseconds since the
 * epoch. The offset is measured anew at most once a second. */
static inline uint64_t otk_clock_offset(uint64_t monotonic)
{
    uint64_t at = atomic_load_explicit(&otk_clock_measured_at, memory_order_acquire);
    if (__builtin_expect(!at || monotonic - at >= OTK_SECOND, 0))
        return otk_clock_measure(monotonic);
    return atomic_load_explicit(&otk_clock_known_offset, memory_order_relaxed);
}

static inline uint64_t otk_clock_unix(void)
{
    uint64_t now = otk_clock_monotonic();
    return now + otk_clock_offset(now);
}

/* The monotonic time `ms` from now. */
static inline uint64_t otk_clock_deadline(unsigned ms)
{
    return otk_clock_monotonic() + ms * OTK_MS;
}

#endif
