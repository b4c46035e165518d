/* The URL that a signal is sent to. */
#ifndef OTLPKIT_ENDPOINT_H
#define OTLPKIT_ENDPOINT_H

#include "otlpkit/otlp.h"

/* From a base URL: the signal's path (v1/traces …) is appended. From a
 * signal's own (`base` false): as it is, but a missing path becomes "/".
 * Returns 0 and a new string, OTK_EINVAL when it is no usable http or https
 * URL, or OTK_ENOMEM. */
int otk_endpoint_new(const char *url, bool base, otk_signal signal, char **out);

/* Whether the URL's host is this machine by name or address. */
bool otk_endpoint_is_loopback(const char *url);

#endif
