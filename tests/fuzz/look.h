/* Looks at a capture in every way that the library offers. */
#ifndef TESTS_LOOK_H
#define TESTS_LOOK_H

#include "otlpkit/receiver.h"

/* Whatever was captured, all views of it can be had and make sense. Ends the process when not. */
void look_at_capture(const otk_capture *c);

#endif
