/* otlpkit check: the verdict on what lies on disk, or in a running receiver. */
#include "client.h"
#include "scratch.h"
#include "verdict.h"

struct check {
    struct client client;
    struct verdict verdict;
};

static int judge_files(struct check *c, const char *const *paths, size_t count)
{
    const otk_load_options load = OTK_LOAD_OPTIONS_INIT;
    otk_error error;
    otk_receiver *rx = otk_receiver_open(paths, count, &load, &error);
    if (!rx) {
        fprintf(stderr, "otlpkit check: %s\n", error.message);
        return error.code == OTK_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
    }
    int code = otk_verdict_give(&c->verdict, rx);
    otk_receiver_stop(rx);
    return code;
}

static int judge_scratch(struct check *c, const struct scratch *s)
{
    const char *const paths[] = {s->path};
    bool some;
    int code = otk_client_ask(&c->client, &(struct ask){.method = "GET", .path = "/otlpkit/archive", .holds = s->file});
    if (!code)
        code = otk_scratch_finish(s, c->client.command, &some);
    return code ? code : judge_files(c, paths, 1);
}

/* What it holds is judged here, as a file of it would be: every report is of the same moment, and knows the files of
 * expectations. */
static int judge_running(struct check *c)
{
    struct scratch scratch;
    int code = otk_scratch_open(&scratch, c->client.command);
    if (code)
        return code;
    code = judge_scratch(c, &scratch);
    fclose(scratch.file);
    return code;
}

/* So that one file of expectations serves `run` and `check`. */
static void pass_over_faults(const struct check *c)
{
    const char *at = otk_expectations_faults_at(c->verdict.expectations);
    if (*otk_expectations_faults(c->verdict.expectations))
        fprintf(stderr, "otlpkit check: %s%sfault lines are played by otlpkit run; passed over here\n", at,
                *at ? ": " : "");
}

static int check(struct check *c, const struct operands *files)
{
    int code = otk_verdict_prepare(&c->verdict);
    if (code)
        return code;
    pass_over_faults(c);
    if (files->count)
        return judge_files(c, (const char *const *)files->items, (size_t)files->count);
    return judge_running(c);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct check c = {.client.command = self, .verdict.command = self};
    struct operands files;
    int code = otk_options_parse(self, argc, argv, &c, &files);
    if (code == OPTIONS_GO && files.count && (c.client.url || c.client.session))
        code = otk_options_wrong(self, "takes a FILE or --url, not both");
    else if (code == OPTIONS_GO)
        code = check(&c, &files);
    otk_verdict_clear(&c.verdict);
    return code;
}

const struct command otk_check_command = {
    .name = "check",
    .operands = "[FILE]...",
    .summary = "judge what lies on disk, or in a running receiver",
    .details = "Judges what each FILE holds, all of them together, as 'otlpkit dump' reads them; without a FILE\n"
               "what a running receiver holds. Exits with 0 when all expectations hold, with 1 and a report on\n"
               "standard error when not. Without any, something must have come.",
    .shared = {{&otk_verdict_options, offsetof(struct check, verdict)},
               {&otk_client_options, offsetof(struct check, client)}},
    .run = run,
};
