/* The receiver that a test is about, and a client that is connected to it. */
#ifndef OTLPKIT_TEST_SERVED_H
#define OTLPKIT_TEST_SERVED_H

#include "client.h"

extern otk_receiver_options options;
extern otk_receiver *rx;
extern struct client c;

/* A test's setup that leaves it to the test to change options and then to start(), the one that does it all, and the
 * teardown of both. */
int prepare(void **state);
int prepare_and_start(void **state);
int stop(void **state);

/* With the options as they are. */
void start(void);

otk_receiver_counts counts(void);

#endif
