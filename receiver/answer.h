/* The answers that OTLP prescribes: Export…ServiceResponse and google.rpc.Status,
 * in the request's encoding. */
#ifndef OTLPKIT_ANSWER_H
#define OTLPKIT_ANSWER_H

#include "buffer.h"
#include "otlpkit/receiver.h"
#include "wire.h"

/* Full success: no bytes in protobuf, {} in JSON. */
int otk_answer_success(struct otk_buffer *out, otk_encoding encoding);

/* Partial success: so many items rejected, and why; or with none rejected, a
 * warning. A message beyond what the limit of `out` leaves room for is cut, and
 * a warning of which nothing is left becomes full success. Returns 0,
 * OTK_ENOMEM, or OTK_ELIMIT when even the number does not fit. */
int otk_answer_partial(struct otk_buffer *out, otk_encoding encoding, otk_signal signal, size_t rejected,
                       const char *message);

/* A Status with google.rpc code fitting the HTTP status, `message`, and for a
 * `fault` (may be NULL) a BadRequest detail that names its field. Anything but
 * OTK_ENCODING_PROTOBUF gets JSON. Beyond the limit of `out` the detail is left
 * out, then the message cut. */
int otk_answer_failure(struct otk_buffer *out, otk_encoding encoding, unsigned status, const char *message,
                       const struct otk_fault *fault);

#endif
