/* Scripts of web pages that send from a browser, which asks first whether it may (Fetch standard, "CORS protocol").
 *
 * A list names the origins that are let in; see patterns.h.
 */
#ifndef OTLPKIT_CORS_H
#define OTLPKIT_CORS_H

#include "otlpkit/receiver.h"

/* Whether the list, NULL for an empty one, lets `origin` in. */
bool otk_cors_allows(const char *list, const char *origin);

/* Whether the request is the question that goes before one that a script wants to send. */
bool otk_cors_is_preflight(const otk_capture *c);

#define OTK_CORS_HEADERS_MAX 7

/* Writes the headers that an answer to the request's origin, which is let in, must have; the values are `methods`, which
 * a preflight is told, static, or the request's own. Returns how many. */
size_t otk_cors_headers(const otk_capture *c, const char *methods, otk_header *out);

#endif
