/* What a server's answer says, read from its body. */
#ifndef OTLPKIT_RESPONSE_H
#define OTLPKIT_RESPONSE_H

#include "buffer.h"

struct otk_partial_success {
    int64_t rejected;
    otk_string message; /* in the body */
};

/* Both take JSON, too, and then put its protobuf form in its place. */

/* Reads an Export…ServiceResponse; one without partial_success gives zeros.
 * Returns 0, OTK_EDATA for a body that is none, or OTK_ENOMEM. */
int otk_response_read(struct otk_buffer *body, bool json, otk_signal signal, struct otk_partial_success *out);

/* The message of a google.rpc.Status; empty when the body is none. */
otk_string otk_response_status(struct otk_buffer *body, bool json);

#endif
