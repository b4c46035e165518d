/* What the target of a request says: which session is meant, and which path in it.
 *
 *     /s/checkout/v1/traces?x=1    session checkout, path /v1/traces
 */
#ifndef OTLPKIT_TARGET_H
#define OTLPKIT_TARGET_H

#include "otlpkit/receiver.h"

#define OTK_SESSION_NAME_MAX 64

/* The path without its query and without /s/NAME, which goes to `session` (may be NULL): data is NULL where no session
 * is named, and is not checked otherwise. Of a target in absolute form, scheme and authority are passed over
 * (RFC 9112, section 3.2.2). Nothing is copied. */
otk_string otk_target_path(const char *target, otk_string *session);

/* Whether a session can be called so: 1 to 64 of [A-Za-z0-9._-]. */
bool otk_is_session_name(const char *name, size_t size);

#endif
