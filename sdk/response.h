/* What a server's answer says, read from its protobuf body. */
#ifndef OTLPKIT_RESPONSE_H
#define OTLPKIT_RESPONSE_H

#include "otlpkit/otlp.h"

struct otk_partial_success {
    int64_t rejected;
    otk_string message; /* in the body */
};

/* Reads an Export…ServiceResponse; one without partial_success gives zeros.
 * Returns 0, OTK_EDATA for a body that is none, or OTK_ENOMEM. */
int otk_response_read(otk_signal signal, const uint8_t *body, size_t size, struct otk_partial_success *out);

/* The message of a google.rpc.Status; empty when the body is none. */
otk_string otk_response_status(const uint8_t *body, size_t size);

#endif
