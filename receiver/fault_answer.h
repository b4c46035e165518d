/* The answer that a step of the fault script asks for, on top of the receiver's own or in place of it.
 *
 * Status, headers and body are settled here, and may be anything but what OTLP says; how they go over the wire is
 * play.c's.
 */
#ifndef OTLPKIT_FAULT_ANSWER_H
#define OTLPKIT_FAULT_ANSWER_H

#include "endpoint.h"
#include "fault.h"

/* Rewrites the answer of `c`, which was served as always and has met a fault. */
void otk_fault_answer(const struct otk_endpoint *e, struct capture *c);

#endif
