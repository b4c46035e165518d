/* The paths that the receiver serves, and what a request to each gets.
 *
 * Knows methods, paths, content types and status codes, and nothing of sockets:
 * a request is a capture that is filled in. What is refused says why in
 * pub.reason and in the answer's Status.
 */
#ifndef OTLPKIT_ENDPOINT_H
#define OTLPKIT_ENDPOINT_H

#include "admission.h"
#include "capture.h"

/* As in otk_receiver_options. */
struct otk_endpoint {
    size_t max_request_bytes;
    size_t max_response_bytes;
    bool strict;
    const char *url; /* of the receiver itself */
    struct otk_admission admission;
    otk_path *paths;
    size_t path_count;
    struct otk_arena arena; /* what the options' strings are copied to */
};

/* Takes from `options` what concerns it, all but the url. Returns 0, or fills
 * `error`: OTK_EINVAL for a path that cannot be, OTK_ENOMEM. Clear it either
 * way. */
int otk_endpoint_init(struct otk_endpoint *e, const otk_receiver_options *options, otk_error *error);
void otk_endpoint_clear(struct otk_endpoint *e);

enum otk_served {
    OTK_SERVED_TELEMETRY, /* it is answered, and belongs into the store */
    OTK_SERVED_PAGE,      /* it is answered, and was no telemetry */
    OTK_SERVED_QUESTION   /* it is to be asked at the desk, and may be */
};

/* Reads the request as it came, and answers it: pub.status, answer and, when
 * accepted, message and counts. */
enum otk_served otk_endpoint_serve(const struct otk_endpoint *e, struct capture *c);

/* Whether the request is a question about what came: by its path, or that a session is deleted. Its headers need not have
 * been read. */
bool otk_endpoint_is_question(const struct capture *c);

/* Sets status and headers of an answer that is in c->answer, or follows. `allow`, the Allow header, may be NULL. */
void otk_endpoint_answer(const struct otk_endpoint *e, struct capture *c, unsigned status, const char *content_type,
                         const char *allow);

/* Refuses the request, whatever was answered before. */
void otk_endpoint_refuse(const struct otk_endpoint *e, struct capture *c, unsigned status, const char *reason);

/* Settles pub.signal and pub.encoding as far as path and headers tell, for an
 * answer that is given before the request is whole. */
void otk_endpoint_recognize(const struct otk_endpoint *e, struct capture *c);

#endif
