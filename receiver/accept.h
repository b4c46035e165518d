/* Accept-Encoding: whether a client wants its answer compressed (RFC 9110, section 12.5.3). */
#ifndef OTLPKIT_ACCEPT_H
#define OTLPKIT_ACCEPT_H

#include <stdbool.h>

/* Whether gzip is asked for, and not less than no coding at all. NULL, a client that says nothing, takes it plain. */
bool otk_accepts_gzip(const char *accept_encoding);

#endif
