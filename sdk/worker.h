/* The thread of an SDK: takes items out of the queues, batch by batch, and exports
 * them, and what the meters have to say. */
#ifndef OTLPKIT_WORKER_H
#define OTLPKIT_WORKER_H

#include "provider.h"

/* Returns 0 or OTK_ESYSTEM. */
int otk_worker_start(otk_sdk *sdk);

/* Waits on a condition whose clock is the monotonic one. */
void otk_worker_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t time);

#endif
