/* The paths that the receiver serves, and what a request to each gets.
 *
 * Knows methods, paths, content types and status codes, and nothing of sockets:
 * a request is a capture that is filled in. What is refused says why in
 * pub.reason and in the answer's Status.
 */
#ifndef OTLPKIT_ENDPOINT_H
#define OTLPKIT_ENDPOINT_H

#include "capture.h"

/* As in otk_receiver_options. */
struct otk_endpoint {
    size_t max_request_bytes;
    size_t max_response_bytes;
    bool strict;
    const char *url; /* of the receiver itself */
    const char *authorization;
    otk_header challenge; /* what a 401 goes with */
    const char *cors_origins;
    otk_path *paths;
    size_t path_count;
    struct otk_arena arena; /* what the options' strings are copied to */
};

/* Takes from `options` what concerns it, all but the url. Returns 0, or fills
 * `error`: OTK_EINVAL for a path that cannot be, OTK_ENOMEM. Clear it either
 * way. */
int otk_endpoint_init(struct otk_endpoint *e, const otk_receiver_options *options, otk_error *error);
void otk_endpoint_clear(struct otk_endpoint *e);

/* Reads the request as it came, and answers it: pub.status, answer and, when
 * accepted, message and counts. Returns whether the request belongs into the
 * store: questions about the receiver itself do not. */
bool otk_endpoint_serve(const struct otk_endpoint *e, struct capture *c);

/* Refuses the request, whatever was answered before. */
void otk_endpoint_refuse(const struct otk_endpoint *e, struct capture *c, unsigned status, const char *reason);

/* Settles pub.signal and pub.encoding as far as path and headers tell, for an
 * answer that is given before the request is whole. */
void otk_endpoint_recognize(const struct otk_endpoint *e, struct capture *c);

#endif
