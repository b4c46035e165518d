/* A receiver under attack, and the question whether it still stands. */
#ifndef OTLPKIT_TEST_HOSTILE_GIVEN_H
#define OTLPKIT_TEST_HOSTILE_GIVEN_H

#include "client.h"
#include "payload.h"
#include "usage.h"

struct target {
    otk_receiver *rx;
    clockid_t cpu; /* of the receiver's thread */
};

/* Starts it, with `options` or the defaults, and has one good request served. */
void target_start(struct target *t, const otk_receiver_options *options);
void target_stop(struct target *t);

uint16_t target_port(const struct target *t);
otk_receiver_counts target_counts(const struct target *t);

/* A new client's good request gets 200 and is stored. */
void target_serves(const struct target *t);

/* The answer is a refusal, its Status says `says` and is what the capture keeps
 * as reason. */
void assert_refusal(const struct response *r, unsigned status, const char *says);

#endif
