/* The resource that all telemetry of an SDK carries: who sends it. */
#ifndef OTLPKIT_RESOURCE_H
#define OTLPKIT_RESOURCE_H

#include "config.h"
#include "draft.h"

/* Makes the content of a Resource message, for the caller to clear in any case. Later wins: our own attributes, what
 * is detected, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, what the options give. Returns 0 or OTK_ENOMEM. */
int otk_resource_make(struct otk_buffer *out, const struct otk_config *config, const otk_sdk_options *options,
                      struct otk_warnings *warnings);

#endif
