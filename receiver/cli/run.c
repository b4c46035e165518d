/* otlpkit run: a receiver around one command, then the verdict on what it exported. */
#include "catcher.h"
#include "child.h"
#include "environment.h"
#include "verdict.h"

#include <errno.h>

struct run {
    struct catcher catcher;
    struct verdict verdict;
    unsigned timeout_ms;
    struct child child;
    otk_receiver *rx;
};

static const struct option options[] = {
    OPTION("timeout", "TIME", OPTION_DURATION, struct run, timeout_ms,
           "to wait for what COMMAND leaves behind when it ends (default 5s)"),
    OPTION("max-memory", "SIZE", OPTION_SIZE, struct run, catcher.receiver.max_capture_bytes,
           "of all requests kept, more are refused (default 1GiB)"),
};

static void on_capture(const otk_capture *capture, void *arg)
{
    struct catcher *c = arg;
    otk_catcher_save(c, capture);
    otk_catcher_wake(c);
}

static bool is_settled(void *arg)
{
    const struct run *r = arg;
    return otk_verdict_is_settled(&r->verdict, r->rx);
}

static int out_of_memory(void)
{
    fputs("otlpkit run: out of memory\n", stderr);
    return EXIT_MACHINE;
}

/* What shells return for these. */
static int tell_not_executed(const char *name, int failed)
{
    fprintf(stderr, "otlpkit run: cannot execute %s: %s\n", name, strerror(failed));
    return failed == ENOENT ? 127 : 126;
}

static void explain_silence(const struct run *r)
{
    otk_receiver_counts counts;
    otk_receiver_counts_get(r->rx, &counts);
    if (!counts.requests && !counts.unreadable_connections)
        otk_environment_explain(otk_receiver_url(r->rx), stderr);
}

/* What the child did about faults. */
static void show_attempts(const struct run *r)
{
    otk_attempts *attempts = r->catcher.faults.count ? otk_receiver_attempts(r->rx) : NULL;
    if (attempts)
        otk_attempts_write_text(attempts, stderr);
    otk_attempts_free(attempts);
}

/* The child's code is worth more than ours: what failed in it may be why nothing came. */
static int judge(struct run *r, int child_code)
{
    otk_receiver_close(r->rx);
    show_attempts(r);
    int code = otk_verdict_give(&r->verdict, r->rx);
    if (code == EXIT_UNMET)
        explain_silence(r);
    if (child_code)
        return child_code;
    return r->child.interrupted ? 128 + r->child.interrupted : code;
}

static int run_child(struct run *r, char **argv)
{
    if (!otk_environment_set(otk_receiver_url(r->rx)))
        return out_of_memory();
    int failed = otk_child_start(&r->child, argv, &r->catcher.files);
    if (failed)
        return tell_not_executed(argv[0], failed);
    signal(SIGPIPE, SIG_IGN);
    int code = otk_child_wait(&r->child);
    otk_child_wait_left(&r->child, r->timeout_ms, is_settled, r);
    return judge(r, code);
}

/* `fault` lines of expectations are played as well. What is refused by a script is nothing to wonder at. */
static bool prepare_faults(struct run *r)
{
    const char *script = otk_expectations_faults(r->verdict.expectations);
    if (*script && !otk_words_add(&r->catcher.faults, script))
        return false;
    r->verdict.allow_refused = r->verdict.allow_refused || r->catcher.faults.count;
    return true;
}

static int catch_and_run(struct run *r, char **argv)
{
    int code = otk_verdict_prepare(&r->verdict);
    if (code)
        return code;
    if (!prepare_faults(r))
        return out_of_memory();
    otk_child_prepare(&r->child, CATCHER_WAKE);
    code = otk_catcher_start(&r->catcher, &r->rx);
    if (code)
        return code;
    code = run_child(r, argv);
    otk_receiver_stop(r->rx);
    int ended = otk_catcher_end(&r->catcher);
    return code ? code : ended;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct run r = {.catcher = {.command = self, .receiver = OTK_RECEIVER_OPTIONS_INIT},
                    .verdict.command = self,
                    .timeout_ms = 5000};
    struct operands command;
    r.catcher.receiver.on_capture = on_capture;
    r.catcher.receiver.on_capture_arg = &r.catcher;
    int code = otk_options_parse(self, argc, argv, &r, &command);
    if (code == OPTIONS_GO)
        code = catch_and_run(&r, command.items);
    otk_verdict_clear(&r.verdict);
    otk_catcher_clear(&r.catcher);
    return code;
}

const struct command otk_run_command = {
    .name = "run",
    .operands = "COMMAND [ARGUMENT]...",
    .ends_at_operand = true,
    .summary = "catch what one command exports, and judge it",
    .details = "Runs COMMAND with a receiver on a free port and OTEL_EXPORTER_OTLP_ENDPOINT pointing there,\n"
               "waits for it and for what it leaves behind, and says what is missing. Without --assert and\n"
               "--expect something must have come. Exits with COMMAND's code when that is not 0, else with\n"
               "0 when all holds, 1 when not.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .shared = {{&otk_verdict_options, offsetof(struct run, verdict)},
               {&otk_catcher_options, offsetof(struct run, catcher)}},
    .run = run,
};
