/* The paths that the receiver serves, and what a request to each gets.
 *
 * Knows methods, paths, content types and status codes, and nothing of sockets:
 * a request is a capture that is filled in. What is refused says why in
 * pub.reason and in the answer's Status.
 */
#ifndef OTLPKIT_ENDPOINT_H
#define OTLPKIT_ENDPOINT_H

#include "capture.h"

struct otk_endpoint {
    size_t max_request_bytes;
    const char *url; /* of the receiver itself */
};

/* Reads the request as it came, and answers it: pub.status, answer and, when
 * accepted, message and counts. Returns whether the request belongs into the
 * store: questions about the receiver itself do not. */
bool otk_endpoint_serve(const struct otk_endpoint *e, struct capture *c);

/* Refuses the request, whatever was answered before. */
void otk_endpoint_refuse(struct capture *c, unsigned status, const char *reason);

/* Settles pub.signal and pub.encoding as far as path and headers tell, for an
 * answer that is given before the request is whole. */
void otk_endpoint_recognize(struct capture *c);

#endif
