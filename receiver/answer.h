/* The answers that OTLP prescribes: Export…ServiceResponse and google.rpc.Status,
 * in the request's encoding. */
#ifndef OTLPKIT_ANSWER_H
#define OTLPKIT_ANSWER_H

#include "buffer.h"
#include "otlpkit/receiver.h"
#include "wire.h"

/* Full success: no bytes in protobuf, {} in JSON. */
int otk_answer_success(struct otk_buffer *out, otk_encoding encoding);

/* A Status with google.rpc code fitting the HTTP status, `message`, and for a
 * `fault` (may be NULL) a BadRequest detail that names its field. Anything but
 * OTK_ENCODING_PROTOBUF gets JSON. */
int otk_answer_failure(struct otk_buffer *out, otk_encoding encoding, unsigned status, const char *message,
                       const struct otk_fault *fault);

#endif
