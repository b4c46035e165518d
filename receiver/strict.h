/* What a strict backend would say of a request's items: those that OTLP calls invalid are rejected, what is odd gets a
 * warning. Nothing is taken out of the capture. */
#ifndef OTLPKIT_STRICT_H
#define OTLPKIT_STRICT_H

#include "capture.h"

/* Looks at each span, data point or log record of an accepted request: sets pub.rejected_count, and appends to
 * `message` what was rejected and why, then the warnings, pub.notes among them. Nothing is appended where all is well.
 * What is said anew becomes a note as well. Returns 0 or OTK_ENOMEM. */
int otk_strict_judge(struct capture *c, struct otk_buffer *message);

#endif
