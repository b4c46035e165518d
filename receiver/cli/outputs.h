/* The option --report FORMAT[=FILE], as often as it is given: files that are opened before anything is judged. */
#ifndef OTLPKIT_OUTPUTS_H
#define OTLPKIT_OUTPUTS_H

#include "command.h"

#include <stdio.h>

struct outputs {
    struct words wanted; /* of the option */
    FILE **files;        /* one for each of these */
    const struct command *command;
    const char *const *formats;
};

/* `formats` are their names, ended by NULL. Returns 0, or the code to exit with. */
int otk_outputs_open(struct outputs *o, const struct command *command, const char *const *formats);

/* Writes a report in the format at position `format`. Returns 0, OTK_ENOMEM, or OTK_ESYSTEM. */
typedef int output_fn(void *arg, int format, FILE *to);

/* Has each of them written, and closes it. Returns 0, or the code to exit with. */
int otk_outputs_write(struct outputs *o, output_fn *write, void *arg);

void otk_outputs_clear(struct outputs *o);

#endif
