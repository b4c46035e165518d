/* Expectations: lines of the expectation language as conditions that must all hold.
 *
 * Always holds: each condition that is kept is right by itself, so that a wait for all of them is never refused.
 */
#ifndef OTLPKIT_EXPECTATIONS_H
#define OTLPKIT_EXPECTATIONS_H

#include "expect.h"

/* All of them as one, for otk_expectation_init(); valid until the next call that adds. */
otk_condition otk_expectations_condition(const otk_expectations *e);

#endif
