/* What something costs: CPU of a thread, memory of the process. */
#ifndef OTLPKIT_TEST_USAGE_H
#define OTLPKIT_TEST_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Sanitizers change both by factors; figures are then only printed. */
extern const bool usage_is_meaningful;

uint64_t usage_cpu_ns(clockid_t clock);

/* Bytes resident now. */
size_t usage_resident(void);

/* Begins a measurement: returns the bytes resident now, from which the peak
 * starts anew; or 0 when the kernel does not allow it. */
size_t usage_reset_peak(void);
size_t usage_peak(void);

#endif
