/* otlpkit clear: a running receiver forgets what came. */
#include "client.h"

static int run(const struct command *self, int argc, char **argv)
{
    struct client c = {.command = self};
    struct operands none;
    int code = otk_options_parse(self, argc, argv, &c, &none);
    if (code != OPTIONS_GO)
        return code;
    return otk_client_ask(&c, &(struct ask){.method = "DELETE", .path = "/otlpkit/captures"});
}

const struct command otk_clear_command = {
    .name = "clear",
    .operands = "",
    .summary = "make a running receiver forget what came",
    .details = "Forgets all captures of a running receiver, or of one session, and starts its counts at zero.",
    .shared = {{&otk_client_options, 0}},
    .run = run,
};
