/* Baggage and its header. */
#ifndef OTLPKIT_BAGGAGE_H
#define OTLPKIT_BAGGAGE_H

#include "buffer.h"
#include "otlpkit/sdk.h"

/* W3C: what every participant passes on, and here the most that it does. */
enum { OTK_BAGGAGE_MAX_ENTRIES = 64, OTK_BAGGAGE_MAX_BYTES = 8192 };

/* Reads the carrier's headers `baggage`. Malformed members are left out, and
 * those beyond the limits. NULL when nothing is there, or memory ran out. */
otk_baggage *otk_baggage_read(otk_get_header_fn *get, void *carrier);

/* Writes the header's value; entries that would exceed a limit are left out. */
void otk_baggage_write(struct otk_buffer *b, const otk_baggage *baggage);

#endif
