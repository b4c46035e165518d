/* otlpkit conform: a client program through the cases that the specifications name for exporters. */
#include "command.h"

#include <otlpkit/receiver.h>

struct conform {
    unsigned timeout_ms;
};

static const struct option options[] = {
    OPTION("timeout", "TIME", OPTION_DURATION, struct conform, timeout_ms, "of one run of COMMAND (default 20s)"),
};

static int run(const struct command *self, int argc, char **argv)
{
    struct conform c = {.timeout_ms = 20000};
    struct operands command;
    int code = otk_options_parse(self, argc, argv, &c, &command);
    return code == OPTIONS_GO ? EXIT_HOLDS : code;
}

const struct command otk_conform_command = {
    .name = "conform",
    .operands = "COMMAND [ARGUMENT]...",
    .ends_at_operand = true,
    .summary = "judge how a client exports, case by case",
    .details = "Runs COMMAND again and again.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
