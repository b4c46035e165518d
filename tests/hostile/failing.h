/* Memory that runs out at the n-th request for it, on chosen threads: malloc,
 * calloc and realloc of the whole program, its libraries included. */
#ifndef OTLPKIT_TEST_FAILING_H
#define OTLPKIT_TEST_FAILING_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this thread's allocations count from now on. */
void failing_here(bool on);

/* Whether all threads' allocations but this one's count from now on. */
void failing_elsewhere(bool on);

/* The n-th counted allocation from now on fails, the first being 1. */
void failing_arm(long nth);

/* None fails any more; returns whether one did. */
bool failing_disarm(void);

/* How many blocks the program holds; 0 under a sanitizer, which looks for leaks
 * itself and whose own blocks come and go. */
long failing_blocks(void);

#endif
