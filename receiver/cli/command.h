/* A subcommand: a name, a table of options, and what it does. */
#ifndef OTLPKIT_COMMAND_H
#define OTLPKIT_COMMAND_H

#include "options.h"

enum exit_code {
    EXIT_HOLDS = 0,
    EXIT_UNMET = 1,  /* something does not hold */
    EXIT_USAGE = 2,  /* wrong usage, or unreadable input */
    EXIT_MACHINE = 3 /* the machine refused: a port, a file, memory */
};

#define SHARED_MAX 2

struct command {
    const char *name;
    const char *operands; /* FILE..., [FILE]... when there may be none, or "" */
    bool ends_at_operand; /* what follows the first operand is its own, dashes or not */
    const char *summary;  /* one line for the list of commands */
    const char *details;  /* what its help says above the options */
    const struct option *options;
    size_t option_count;
    struct {
        const struct option_group *group;
        size_t at; /* offset of its struct */
    } shared[SHARED_MAX]; /* and these; NULL behind the last */
    int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command otk_serve_command, otk_run_command, otk_wait_command, otk_check_command, otk_clear_command,
    otk_env_command, otk_dump_command, otk_conform_command;

/* The name in `names` nearest to `word`, when it is near enough to be meant; or NULL. */
const char *otk_nearest(const char *word, const char *const *names, size_t count);

#endif
