/* The retry timeline: which requests were attempts to deliver the same payload, and whether each was to be made.
 *
 * Fed with captures in the order of arrival. A payload is told by the digest of its inflated bytes, so that it does not
 * matter how an attempt was compressed. A request that was cut off shows only the beginning of its bytes: it belongs to
 * the next whole request that begins like it. Not locked: one thread at a time has it.
 */
#ifndef OTLPKIT_ATTEMPTS_H
#define OTLPKIT_ATTEMPTS_H

#include "capture.h"

otk_attempts *otk_attempts_new(void);

/* Takes a reference only to what was cut off. Returns 0 or OTK_ENOMEM. */
int otk_attempts_feed(otk_attempts *a, struct capture *c);

/* Over all payloads. */
struct otk_attempts_sum {
    size_t payloads;
    size_t lost;       /* accepted by no attempt */
    size_t duplicated; /* accepted more than once */
    size_t wrong;      /* attempts that should not have been made, or not yet */
    size_t most;       /* attempts of one payload */
};

struct otk_attempts_sum otk_attempts_sum(const otk_attempts *a);

/* Nothing more is fed: what was cut off and did not come again becomes a payload, and they get their order. Returns 0 or
 * OTK_ENOMEM. */
int otk_attempts_finish(otk_attempts *a);

/* As otk_attempts_write_json() and otk_attempts_write_text() write. */
void otk_attempts_json(const otk_attempts *a, struct otk_buffer *out);
void otk_attempts_text(const otk_attempts *a, struct otk_buffer *out);

#endif
