/* What must be true of what came, by the options --assert, --expect and so on, and the reports on it: what run and
 * check have in common. */
#ifndef OTLPKIT_VERDICT_H
#define OTLPKIT_VERDICT_H

#include "outputs.h"

#include <otlpkit/receiver.h>

struct verdict {
    const struct command *command;
    struct words asserts, files;
    struct outputs reports;
    bool complete;
    bool allow_refused;
    otk_expectations *expectations;
};

/* Of struct verdict. */
extern const struct option_group otk_verdict_options;

/* Reads the expectations and opens the files of reports. Returns 0, or the code to exit with. */
int otk_verdict_prepare(struct verdict *v);

/* Whether all holds already, and stays so whatever else comes. */
bool otk_verdict_is_settled(const struct verdict *v, otk_receiver *rx);

/* Judges a receiver that is closed, and writes the reports; one for people on standard error when it does not hold.
 * Returns the code to exit with. */
int otk_verdict_give(struct verdict *v, otk_receiver *rx);

void otk_verdict_clear(struct verdict *v);

#endif
