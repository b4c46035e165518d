/* What happens to the process happens to its SDKs: they flush when it exits,
 * and start anew in the child when it forks. */
#ifndef OTLPKIT_HOST_H
#define OTLPKIT_HOST_H

#include "provider.h"

/* From now on the SDK is looked after; leave before it is freed. Returns 0 or
 * OTK_ENOMEM. */
int otk_host_enter(otk_sdk *sdk);
void otk_host_leave(otk_sdk *sdk);

/* Those that wish it will be shut down at exit. To be called when the exporter
 * is there: what its libraries do at exit has to come after. Returns 0 or
 * OTK_ENOMEM. */
int otk_host_flush_at_exit(void);

#endif
