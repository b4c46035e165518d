/* otlpkit wait: until a running receiver has what is asked for. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

struct wait {
    struct client client;
    unsigned timeout_ms;
    bool json;
};

static const struct option options[] = {
    OPTION("timeout", "TIME", OPTION_DURATION, struct wait, timeout_ms, "how long at most (default 5s)"),
    OPTION("json", NULL, OPTION_FLAG, struct wait, json, "the report as JSON on standard output, whatever came of it"),
};

/* A line each. White space at its start would make a line go on the one before. */
static char *join(char *const *lines)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    for (; to && *lines; lines++)
        fprintf(to, "%s\n", *lines + strspn(*lines, " \t"));
    if (to && fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

/* What is wrong in the lines the receiver says. */
static int ask(const struct wait *w, const char *lines)
{
    char timeout[24];
    snprintf(timeout, sizeof timeout, "%ums", w->timeout_ms);
    return otk_client_ask(&w->client, &(struct ask){
                                          .method = "POST",
                                          .path = "/otlpkit/wait",
                                          .argument = "timeout",
                                          .value = timeout,
                                          .accept = w->json ? "application/json" : "text/plain",
                                          .body = lines,
                                          .wait_ms = w->timeout_ms,
                                          .holds = w->json ? stdout : NULL,
                                          .unmet = w->json ? stdout : stderr,
                                      });
}

static int run(const struct command *self, int argc, char **argv)
{
    struct wait w = {.client.command = self, .timeout_ms = 5000};
    struct operands lines;
    int code = otk_options_parse(self, argc, argv, &w, &lines);
    if (code != OPTIONS_GO)
        return code;
    char *text = join(lines.items);
    if (!text) {
        fputs("otlpkit wait: out of memory\n", stderr);
        return EXIT_MACHINE;
    }
    code = ask(&w, text);
    free(text);
    return code;
}

const struct command otk_wait_command = {
    .name = "wait",
    .operands = "LINE...",
    .summary = "block until a running receiver has what is expected",
    .details = "Asks a running receiver to wait until each LINE holds, as '{ name = \"checkout\" }', and ends\n"
               "at that moment with 0; or with 1 and a report on standard error once they cannot hold or\n"
               "the time has passed.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .shared = {{&otk_client_options, offsetof(struct wait, client)}},
    .run = run,
};
