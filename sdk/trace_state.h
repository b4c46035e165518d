/* The value of the header `tracestate`: read, and written anew. */
#ifndef OTLPKIT_TRACE_STATE_H
#define OTLPKIT_TRACE_STATE_H

#include "otlpkit/sdk.h"

/* A new string of the same members, without blanks, empty members and repeated
 * keys; free() it. Returns 0, OTK_EDATA when the text is not of the header's
 * form or nothing is in it, or OTK_ENOMEM. */
int otk_trace_state_read(const char *text, char **out);

#endif
