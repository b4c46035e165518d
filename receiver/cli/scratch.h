/* A file of our own that can be opened by its path, and is gone once it is closed. */
#ifndef OTLPKIT_SCRATCH_H
#define OTLPKIT_SCRATCH_H

#include "command.h"

#include <stdio.h>

struct scratch {
    FILE *file;
    char path[32];
};

/* Returns the code to exit with; only with 0 there is a file, for the caller to close. */
int otk_scratch_open(struct scratch *s, const struct command *command);

/* All that was written can be read at its path, and is more than nothing when `*some`. Returns the code to exit with. */
int otk_scratch_finish(const struct scratch *s, const struct command *command, bool *some);

#endif
