/* otlpkit conform: a client program through the cases that the specifications name for exporters. */
#include "conform.h"

#include "environment.h"
#include "outputs.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct conform {
    struct trial_setup setup;
    struct words only;
    struct outputs reports;
    bool list;
    unsigned jobs;

    struct conform_result *results; /* the first is the baseline's */
    size_t result_count;
    struct trial *trials; /* the same */
    size_t trial_count, started, running;
    int code;        /* that a trial ended with */
    int interrupted; /* by this signal, or 0 */
};

static const struct option options[] = {
    OPTION("only", "CASE", OPTION_LIST, struct conform, only, "this case; 'status-*': all that begin so; repeats"),
    OPTION("list", NULL, OPTION_FLAG, struct conform, list, "show the cases, and run nothing"),
    OPTION("timeout", "TIME", OPTION_DURATION, struct conform, setup.timeout_ms,
           "for COMMAND to end, in each case (default 40s)"),
    OPTION("jobs", "N", OPTION_COUNT, struct conform, jobs, "cases at the same time (default 16)"),
    OPTION("report", "FORMAT[=FILE]", OPTION_LIST, struct conform, reports.wanted,
           "text, json, tap, junit, github or markdown, to FILE or standard output; repeats (default text)"),
};

/* ---- Which cases ----------------------------------------------------- */

static int list_cases(void)
{
    for (size_t i = 0; i < otk_conform_case_count; i++) {
        const struct conform_case *c = &otk_conform_cases[i];
        printf("%-22s %-7s %s (%s)\n", c->name, c->level, c->expected, c->spec);
    }
    return EXIT_HOLDS;
}

static bool is_meant(const struct conform_case *c, const char *pattern)
{
    return fnmatch(pattern, c->name, 0) == 0;
}

static bool is_wanted(const struct conform *c, const struct conform_case *item)
{
    bool wanted = !c->only.count;
    for (size_t i = 0; i < c->only.count && !wanted; i++)
        wanted = is_meant(item, c->only.items[i]);
    return wanted;
}

static int check_only(const struct conform *c)
{
    for (size_t i = 0; i < c->only.count; i++) {
        size_t k = 0;
        while (k < otk_conform_case_count && !is_meant(&otk_conform_cases[k], c->only.items[i]))
            k++;
        if (k == otk_conform_case_count)
            return otk_options_wrong(c->setup.command, "there is no case '%s', see --list", c->only.items[i]);
    }
    return EXIT_HOLDS;
}

static struct trial *trial_of(struct conform *c, const struct trial_plan *plan)
{
    for (size_t i = 0; i < c->trial_count; i++)
        if (c->trials[i].plan == plan)
            return &c->trials[i];
    c->trials[c->trial_count] = (struct trial){.plan = plan, .held = -1};
    return &c->trials[c->trial_count++];
}

/* Which trials come first, behind the baseline: the one whose port opens late, then long ones. */
static int rank(const struct trial_plan *plan)
{
    return plan->port == TRIAL_LATE ? 0 : plan->is_long ? 1 : 2;
}

/* Cases with the same plan share a trial. */
static int choose(struct conform *c)
{
    c->results = calloc(otk_conform_case_count, sizeof *c->results);
    c->trials = calloc(otk_conform_case_count, sizeof *c->trials);
    if (!c->results || !c->trials) {
        fputs("otlpkit conform: out of memory\n", stderr);
        return EXIT_MACHINE;
    }
    trial_of(c, otk_conform_cases[0].plan);
    for (int wanted = 0; wanted < 3; wanted++)
        for (size_t i = 0; i < otk_conform_case_count; i++)
            if (is_wanted(c, &otk_conform_cases[i]) && rank(otk_conform_cases[i].plan) == wanted)
                trial_of(c, otk_conform_cases[i].plan);
    for (size_t i = 0; i < otk_conform_case_count; i++)
        if (is_wanted(c, &otk_conform_cases[i]))
            c->results[c->result_count++] = (struct conform_result){
                .of = &otk_conform_cases[i], .trial = trial_of(c, otk_conform_cases[i].plan)};
    return EXIT_HOLDS;
}

/* ---- Running them ---------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_over(const struct conform *c)
{
    return c->code || c->interrupted;
}

/* Starting is work, and waiting for retries is none: few start at the same time. A port that opens late does so when a
 * client that is alone has surely come: until then it is alone. */
static bool may_start(const struct conform *c, size_t end)
{
    long starting = 0;
    for (size_t i = 0; i < c->started; i++) {
        starting += otk_trial_is_starting(&c->trials[i]);
        if (otk_trial_is_closed(&c->trials[i]))
            return false;
    }
    return c->started < end && c->running < c->jobs && !is_over(c) && starting < 2 * sysconf(_SC_NPROCESSORS_ONLN);
}

static void start_more(struct conform *c, size_t end)
{
    while (may_start(c, end)) {
        struct trial *t = &c->trials[c->started++];
        c->code = otk_trial_start(t, t->plan, &c->setup);
        c->running += t->pid != 0;
    }
}

/* Until a child ends or its first request comes, something is due, or we are told to end. */
static void sleep_until(struct conform *c, const sigset_t *signals, int64_t due_ns)
{
    int64_t left = due_ns - now_ns();
    if (left < 0)
        return;
    struct timespec time = {left / 1000000000, left % 1000000000};
    int number = sigtimedwait(signals, NULL, &time);
    if (number > 0 && number != SIGCHLD && number != TRIAL_WAKE)
        c->interrupted = number;
}

static void step_all(struct conform *c, int64_t *due_ns)
{
    int64_t now = now_ns();
    *due_ns = INT64_MAX;
    c->running = 0;
    for (size_t i = 0; i < c->started && !c->code; i++) {
        struct trial *t = &c->trials[i];
        if (!t->pid)
            continue;
        c->code = otk_trial_step(t, &c->setup, now);
        c->running += t->pid != 0;
        if (t->pid && otk_trial_due(t) < *due_ns)
            *due_ns = otk_trial_due(t);
    }
}

/* Those from where it stopped before up to `end`. */
static void run_trials(struct conform *c, const sigset_t *signals, size_t end)
{
    int64_t due_ns;
    for (start_more(c, end); c->running && !is_over(c); start_more(c, end)) {
        step_all(c, &due_ns);
        if (c->running && !may_start(c, end))
            sleep_until(c, signals, due_ns);
    }
}

/* ---- The verdict ----------------------------------------------------- */

static bool has_anything(const struct trial *t)
{
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (otk_conform_has(t, (otk_signal)i))
            return true;
    return false;
}

static void copy(FILE *from)
{
    char buffer[4096];
    size_t n;
    rewind(from);
    while ((n = fread(buffer, 1, sizeof buffer, from)) > 0)
        fwrite(buffer, 1, n, stderr);
}

static int tell_nothing_came(const struct conform *c)
{
    const struct trial *t = &c->trials[0];
    fprintf(stderr, "otlpkit conform: nothing to judge: %s%s and exported nothing; what it said:\n", c->setup.argv[0],
            t->killed ? " did not end" : " ran");
    copy(t->said);
    otk_environment_explain(otk_receiver_url(t->rx), stderr);
    return EXIT_UNMET;
}

static int give_verdict(struct conform *c)
{
    for (size_t i = 0; i < c->result_count; i++)
        c->results[i].finding = otk_conform_judge(c->results[i].of, c->results[i].trial, &c->trials[0]);
    struct conform_results results = {c->results, c->result_count};
    if (!c->reports.wanted.count)
        otk_conform_write(&results, OTK_REPORT_TEXT, stdout); /* main() tells when that fails */
    int code = otk_outputs_write(&c->reports, otk_conform_write, &results);
    if (code)
        return code;
    return otk_conform_count(&results, VERDICT_FAIL) ? EXIT_UNMET : EXIT_HOLDS;
}

/* When a client that is alone has surely made its first attempt: twice the time it took, and a little. */
static unsigned late_ms(const struct trial *alone)
{
    return (unsigned)((otk_receiver_request(alone->rx, 0)->time_unix_nano - alone->started_unix_ns) / 500000) + 500;
}

static int run_all(struct conform *c, const sigset_t *signals)
{
    run_trials(c, signals, 1);
    if (!is_over(c) && !has_anything(&c->trials[0]))
        return tell_nothing_came(c);
    if (!is_over(c))
        c->setup.late_ms = late_ms(&c->trials[0]);
    run_trials(c, signals, c->trial_count);
    if (c->interrupted)
        return 128 + c->interrupted;
    return c->code ? c->code : give_verdict(c);
}

static int prepare_and_run(struct conform *c)
{
    sigset_t signals;
    if (!c->setup.argv[0])
        return otk_options_wrong(c->setup.command, "needs a COMMAND");
    int code = check_only(c);
    code = code ? code : otk_outputs_open(&c->reports, c->setup.command, otk_conform_formats);
    code = code ? code : choose(c);
    if (code)
        return code;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, TRIAL_WAKE);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &c->setup.mask);
    signal(SIGCHLD, SIG_DFL); /* where it was ignored there would be nothing to wait for */
    return run_all(c, &signals);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct conform c = {.setup = {.command = self, .timeout_ms = 40000}, .jobs = 16};
    struct operands command;
    int code = otk_options_parse(self, argc, argv, &c, &command);
    c.setup.argv = command.items;
    if (code == OPTIONS_GO)
        code = c.list ? list_cases() : prepare_and_run(&c);
    for (size_t i = 0; i < c.trial_count; i++)
        otk_trial_clear(&c.trials[i]);
    free(c.trials);
    free(c.results);
    free(c.only.items);
    otk_outputs_clear(&c.reports);
    return code;
}

const struct command otk_conform_command = {
    .name = "conform",
    .operands = "[COMMAND [ARGUMENT]...]",
    .ends_at_operand = true,
    .summary = "judge how a client exports, case by case",
    .details = "Runs COMMAND, which exports something and ends, again and again: each time with a receiver of\n"
               "its own that answers in another way, or with other OTEL_* variables. Shows what the\n"
               "specifications expect, what was seen, and a verdict: pass, fail, may (allowed, but not\n"
               "recommended, or left open), or skipped. The caller's OTEL_* variables are not passed on;\n"
               "what COMMAND needs of them is set by `env NAME=VALUE COMMAND`.\n"
               "What cannot be seen from outside is not judged: TLS, gRPC, the memory a client takes, what\n"
               "its spans mean. docs/conformance.md tells more. Exits with 1 when a case fails.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
