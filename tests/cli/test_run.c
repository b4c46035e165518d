/* `otlpkit run`, driven from outside: what it hands to its child, what it says, how it ends. */
#include "process.h"

#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define POST OTLPKIT_CHILD " post "
#define RUN_SHELL(script, ...) RUN("run", __VA_ARGS__, "--", "sh", "-c", script)

/* ---- Exit codes ------------------------------------------------------ */

static void assert_silent(struct process p)
{
    if (p.code || p.out_text.size || p.err_text.size)
        fail_msg("exit code %d: %s%s", p.code, (const char *)p.out_text.data, (const char *)p.err_text.data);
    process_clear(&p);
}

static void test_nothing_is_said_when_all_holds(void **state)
{
    (void)state;
    assert_silent(RUN("run", OTLPKIT_CHILD, "post", "charge"));
    assert_silent(RUN("run", "--assert", "{ name = \"charge\" }", "--assert", "never { status = error }", "--complete",
                      OTLPKIT_CHILD, "post", "charge"));
}

static void test_what_does_not_hold_is_reported_with_code_1(void **state)
{
    (void)state;
    assert_ends(RUN("run", "--assert", "{ name = \"refund\" }", OTLPKIT_CHILD, "post", "charge"), 1, "", "refund");
    assert_ends(RUN("run", "--assert", "never { name = \"charge\" }", OTLPKIT_CHILD, "post", "charge"), 1, "",
                "charge");
    assert_ends(RUN("run", "true"), 1, "", "hint: ");
}

static void test_the_code_of_the_child_is_passed_on(void **state)
{
    (void)state;
    assert_ends(RUN_SHELL("exit 7", "--complete"), 7, "", "");
    assert_ends(RUN_SHELL(POST "charge; exit 7", "--complete"), 7, "", "");
    assert_ends(RUN_SHELL("kill -KILL $$", "--complete"), 128 + SIGKILL, "", "");
    assert_ends(RUN_SHELL("kill -TERM $$", "--complete"), 128 + SIGTERM, "", "");
}

static void test_what_cannot_be_executed_has_the_codes_of_shells(void **state)
{
    (void)state;
    write_file("plain", "text");
    assert_ends(RUN("run", "./missing"), 127, "", "otlpkit run: cannot execute ./missing: No such file or directory\n");
    assert_ends(RUN("run", "./plain"), 126, "", "otlpkit run: cannot execute ./plain: Permission denied\n");
    unlink("plain");
}

static void test_wrong_usage_starts_nothing(void **state)
{
    static const char touch[] = "touch";
    (void)state;
    assert_ends(RUN("run"), 2, "", "otlpkit run: needs at least one COMMAND\n");
    assert_ends(RUN("run", "--assert", "{ name", touch, "started"), 2, "", "{ name");
    assert_ends(RUN("run", "--expect", "missing.expect", touch, "started"), 2, "", "missing.expect");
    assert_ends(RUN("run", "--report", "xml", touch, "started"), 2, "",
                "--report needs text, json, tap, junit or github, not 'xml'\n");
    assert_ends(RUN("run", "--report", "tap=no/place", touch, "started"), 3, "", "cannot write no/place: ");
    assert_ends(RUN("run", "--save", "caught.txt", touch, "started"), 2, "", "--save needs a name that ends in");
    assert_ends(RUN("run", "--host", "no such host", touch, "started"), 2, "", "no such host");
    assert_int_equal(access("started", F_OK), -1);
}

static void test_the_words_of_the_child_are_its_own(void **state)
{
    (void)state;
    assert_ends(RUN("run", "echo", "--assert", "--help", "--"), 1, "--assert --help --\n", "");
    assert_ends(RUN("run", "--", "printf", "%s;", "--", "--version"), 1, "--version;", "");
}

/* ---- Faults ---------------------------------------------------------- */

static void test_faults_are_played_and_what_the_child_did_is_drawn(void **state)
{
    (void)state;
    assert_ends(RUN_SHELL(POST "charge; " POST "charge", "--fault", "503 x1", "--assert", "delivered once", "--assert",
                          "retried 1"),
                0, "", "1 payload: 0 lost, 0 duplicated, 0 attempts wrong; 0 delivered at once\n");
    assert_ends(RUN_SHELL(POST "charge; " POST "charge", "--fault", "400", "--assert", "retried rightly"), 1, "",
                "wrong: an answer before it was final\n");
    assert_ends(RUN_SHELL(POST "charge; true", "--fault", "logs: 503", "--fault", "traces: reset delay=1ms, ok",
                          "--timeout", "1ms", "--assert", "retried"),
                1, "", "MISSING: retries of the payload that has most");
}

static void test_what_was_saved_under_faults_is_judged_alike(void **state)
{
    (void)state;
    assert_ends(RUN_SHELL("! " POST "charge; " POST "charge", "--fault", "503", "--save", "right.warc"), 0, "", "");
    assert_ends(RUN_SHELL("! " POST "charge; " POST "charge", "--fault", "400", "--save", "wrong.warc"), 0, "", "");
    assert_silent(RUN("check", "right.warc", "--allow-refused", "--assert", "retried rightly", "--assert",
                      "delivered once"));
    assert_ends(RUN("check", "right.warc", "--assert", "retried rightly"), 1, "", "REFUSED: 1 of 2 requests\n");
    assert_ends(RUN("check", "wrong.warc", "--allow-refused", "--assert", "retried rightly"), 1, "",
                "TOO MANY: retries that were too early, or after a final answer");
    unlink("right.warc");
    unlink("wrong.warc");
}

static void test_expectations_bring_their_faults_along(void **state)
{
    (void)state;
    write_file("shop.expect", "fault traces: 503 x2 retry-after=0\n{ name = \"charge\" }\ndelivered once\nretried 2\n");
    assert_ends(RUN_SHELL(POST "charge; " POST "charge; " POST "charge", "--expect", "shop.expect"), 0, "", "");
    unlink("shop.expect");
}

static void test_a_wrong_fault_script_starts_nothing(void **state)
{
    (void)state;
    assert_ends(RUN("run", "--fault", "503 retri-after=1", "touch", "started"), 2, "",
                "  503 retri-after=1\n      ^~~~~~~~~~~\n");
    assert_int_equal(access("started", F_OK), -1);
    assert_ends(RUN("serve", "--fault", "ok, oks"), 2, "", "otlpkit serve: fault script: no such word");
}

/* ---- Environment ----------------------------------------------------- */

static void test_the_child_finds_the_receiver(void **state)
{
    (void)state;
    assert_ends(RUN_SHELL("test $OTEL_EXPORTER_OTLP_ENDPOINT = $OTLPKIT_URL && env", "--complete"), 1,
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n", "");
    assert_ends(RUN("run", "env"), 1, "OTEL_BSP_SCHEDULE_DELAY=200\n", "");
    assert_ends(RUN("run", "env"), 1, "OTEL_BLRP_SCHEDULE_DELAY=200\n", "");
    assert_ends(RUN("run", "env"), 1, "OTEL_METRIC_EXPORT_INTERVAL=1000\n", "");
    assert_ends(RUN("run", "env"), 1, "OTEL_METRIC_EXPORT_TIMEOUT=1000\n", "");
    assert_ends(RUN("run", "env"), 1, "LOGFIRE_SEND_TO_LOGFIRE=false\n", "");
}

static void test_what_the_user_has_set_stays(void **state)
{
    (void)state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "77", 1);
    setenv("OTEL_METRIC_EXPORT_TIMEOUT", "88", 1);
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "", 1);
    assert_ends(RUN("run", "env"), 1, "OTEL_BSP_SCHEDULE_DELAY=77\n", "");
    assert_ends(RUN("run", "env"), 1, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n", "");
    assert_ends(RUN_SHELL("test -z \"$OTEL_METRIC_EXPORT_INTERVAL\" && echo unset", "--complete"), 1, "unset\n", "");
    unsetenv("OTEL_BSP_SCHEDULE_DELAY");
    unsetenv("OTEL_METRIC_EXPORT_TIMEOUT");
    unsetenv("OTEL_EXPORTER_OTLP_PROTOCOL");
}

static void test_a_run_inside_of_a_run_catches_by_itself(void **state)
{
    (void)state;
    assert_ends(RUN("run", OTLPKIT_COMMAND, "run", OTLPKIT_CHILD, "post", "charge"), 1, "", "NOTHING ARRIVED");
    assert_ends(RUN("run", OTLPKIT_COMMAND, "run", OTLPKIT_COMMAND, "--version"), 1, "otlpkit ", "NOTHING ARRIVED");
}

static void assert_hint(const char *name, const char *value, const char *hint)
{
    setenv(name, value, 1);
    assert_ends(RUN("run", "true"), 1, "", hint);
    unsetenv(name);
}

static void test_the_hint_names_what_was_in_the_way(void **state)
{
    (void)state;
    assert_ends(RUN("run", "true"), 1, "", "hint: no OTLP over HTTP came to http://127.0.0.1:");
    assert_hint("OTEL_SDK_DISABLED", "true", "hint: OTEL_SDK_DISABLED=true is set, so the SDK does nothing\n");
    assert_hint("OTEL_TRACES_EXPORTER", "none", "hint: OTEL_TRACES_EXPORTER=none is set, so these are not");
    assert_hint("OTEL_METRICS_EXPORTER", "console", "hint: OTEL_METRICS_EXPORTER=console is set, so these are not");
    assert_hint("OTEL_LOGS_EXPORTER", "none", "hint: OTEL_LOGS_EXPORTER=none is set, so these are not");
    assert_hint("OTEL_TRACES_SAMPLER", "always_off", "is set, so no span is recorded\n");
    assert_hint("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "=grpc is set, but the receiver takes OTLP over HTTP");
    assert_hint("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317", "=http://collector:4317 is set, so the child");
    assert_hint("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://h/", "OTLP_LOGS_ENDPOINT=http://h/ is set, so the child");
    assert_hint("OTEL_CONFIG_FILE", "otel.yaml", "hint: OTEL_CONFIG_FILE=otel.yaml is set, and then");
    assert_hint("http_proxy", "http://proxy:3128", "hint: http_proxy=http://proxy:3128 is set, and NO_PROXY");
}

static void test_the_report_tells_of_what_is_no_http_1(void **state)
{
    (void)state;
    assert_ends(RUN("run", OTLPKIT_CHILD, "preface"), 1, "",
                "UNREADABLE: 1 connection without an HTTP/1.1 request\n"
                "  1 spoke gRPC, over HTTP/2: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n");
    assert_ends(RUN_SHELL(POST "charge; " OTLPKIT_CHILD " preface", "--assert", "{ name = \"charge\" }"), 1, "",
                "UNREADABLE: 1 connection ");
}

static void test_a_proxy_that_is_passed_by_is_no_hint(void **state)
{
    (void)state;
    setenv("no_proxy", "localhost,127.0.0.1", 1);
    assert_hint("http_proxy", "http://proxy:3128", "hint: no OTLP over HTTP came");
    unsetenv("no_proxy");
}

/* ---- Signals --------------------------------------------------------- */

static void test_signals_reach_the_child(void **state)
{
    (void)state;
    char line[64];
    struct process p = START("run", OTLPKIT_CHILD, "signals");
    process_error_line(&p, line, sizeof line);
    assert_string_equal(line, "ready");
    kill(p.pid, SIGINT);
    process_error_line(&p, line, sizeof line);
    assert_string_equal(line, "interrupted");
    kill(p.pid, SIGTERM);
    process_wait(&p);
    assert_int_equal(p.code, 1);
    process_clear(&p);
}

/* Reads the terminal until `word` has come. */
static void read_until(int terminal, const char *word)
{
    char text[4096] = "";
    size_t size = 0;
    while (!strstr(text, word)) {
        ssize_t n = read(terminal, text + size, sizeof text - 1 - size);
        if (n <= 0)
            fail_msg("%s is not in: %s", word, text);
        size += (size_t)n;
        text[size] = '\0';
    }
}

/* What a shell does with a job in the foreground: says that it has stopped, returns its code. */
static int attend(pid_t job)
{
    int status;
    signal(SIGTTOU, SIG_IGN);
    setpgid(job, job);
    tcsetpgrp(STDIN_FILENO, job);
    while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
        puts("stopped");
        fflush(stdout);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* `otlpkit run ARGUMENTS` in the foreground of a terminal of its own; the process that attends to it. */
static pid_t start_on_terminal(char *const *argv, int *terminal, pid_t *job)
{
    int tell[2];
    assert_int_equal(pipe(tell), 0);
    fflush(NULL);
    pid_t shell = forkpty(terminal, NULL, NULL, NULL);
    assert_true(shell >= 0);
    if (shell == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            signal(SIGTTOU, SIG_IGN);
            tcsetpgrp(STDIN_FILENO, getpid());
            signal(SIGTTOU, SIG_DFL);
            execv(OTLPKIT_COMMAND, argv);
            _exit(127);
        }
        if (write(tell[1], &pid, sizeof pid) != sizeof pid)
            _exit(98);
        _exit(attend(pid));
    }
    assert_int_equal(read(tell[0], job, sizeof *job), sizeof *job);
    close(tell[0]);
    close(tell[1]);
    return shell;
}

static pid_t start_signals_on_terminal(int *terminal, pid_t *job)
{
    char *argv[] = {strdup("otlpkit"), strdup("run"), strdup(OTLPKIT_CHILD), strdup("signals"), NULL};
    pid_t shell = start_on_terminal(argv, terminal, job);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    read_until(*terminal, "ready");
    return shell;
}

static int end_on_terminal(pid_t shell, pid_t job, int terminal)
{
    int status;
    char rest[4096];
    assert_int_equal(kill(job, SIGTERM), 0);
    while (read(terminal, rest, sizeof rest) > 0)
        ;
    assert_int_equal(waitpid(shell, &status, 0), shell);
    close(terminal);
    return WEXITSTATUS(status);
}

static void test_what_is_typed_reaches_the_child_once(void **state)
{
    int terminal;
    pid_t job;
    (void)state;
    pid_t shell = start_signals_on_terminal(&terminal, &job);
    /* Halted until the child has taken its signal: two that wait at the same time would be one. */
    assert_int_equal(kill(job, SIGSTOP), 0);
    read_until(terminal, "stopped");
    assert_int_equal(write(terminal, "\003", 1), 1);
    read_until(terminal, "interrupted");
    assert_int_equal(kill(job, SIGCONT), 0);
    assert_int_equal(end_on_terminal(shell, job, terminal), 1);
}

static void test_a_stop_typed_at_the_terminal_stops_both_until_they_go_on(void **state)
{
    int terminal;
    pid_t job;
    (void)state;
    pid_t shell = start_signals_on_terminal(&terminal, &job);
    assert_int_equal(write(terminal, "\032", 1), 1);
    read_until(terminal, "stopped");
    assert_int_equal(kill(-job, SIGCONT), 0);
    assert_int_equal(write(terminal, "\003", 1), 1);
    read_until(terminal, "interrupted");
    assert_int_equal(end_on_terminal(shell, job, terminal), 1);
}

static void test_the_child_reads_the_input(void **state)
{
    (void)state;
    write_file("input", "typed\n");
    struct process p = process_run((const char *const[]){"run", "cat", NULL}, "input");
    assert_ends(p, 1, "typed\n", "");
    unlink("input");
}

/* ---- What is left behind --------------------------------------------- */

/* The subshell is told by the end of the pipe that its parent has gone. */
#define LEAVE_BEHIND(what) "mkfifo gone; (cat <gone; " what ") & exec 9>gone"

/* A process that is in no hurry. */
#define STAYING "timeout 100 tail -f /dev/null >/dev/null 2>&1"

static void test_what_grandchildren_export_is_waited_for(void **state)
{
    (void)state;
    assert_silent(RUN_SHELL(LEAVE_BEHIND(POST "late"), "--assert", "{ name = \"late\" }"));
    unlink("gone");
    assert_ends(RUN_SHELL(LEAVE_BEHIND(POST "late"), "--assert", "never { name = \"late\" }"), 1, "", "late");
    unlink("gone");
}

static void test_a_daemon_does_not_hold_up_what_holds(void **state)
{
    (void)state;
    assert_silent(RUN_SHELL(POST "charge; " STAYING " & echo $! >daemon", "--timeout", "1m", "--assert",
                            "{ name = \"charge\" }"));
    assert_int_equal(system("kill $(cat daemon)"), 0);
    unlink("daemon");
}

static void test_a_daemon_holds_up_the_verdict_no_longer_than_the_timeout(void **state)
{
    (void)state;
    assert_ends(RUN_SHELL(STAYING " & echo $! >daemon", "--timeout", "50ms", "--assert",
                          "{ name = \"charge\" }"),
                1, "", "charge");
    assert_int_equal(system("kill $(cat daemon)"), 0);
    unlink("daemon");
}

static void test_a_signal_ends_the_wait_for_what_is_left_behind(void **state)
{
    (void)state;
    /* It is the grandchild that says so, once it has been left. */
    struct process p = START("run", "--timeout", "1m", "--assert", "{ name = \"late\" }", "--", "sh", "-c",
                             LEAVE_BEHIND("kill -TERM $(cat run); exec " STAYING) "; echo $PPID >run");
    process_wait(&p);
    assert_int_equal(p.code, 128 + SIGTERM);
    assert_has(&p.err_text, "late");
    process_clear(&p);
    unlink("gone");
    unlink("run");
}

/* ---- Reports --------------------------------------------------------- */

static void assert_file_has(const char *path, const char *part)
{
    char text[8192] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    if (!strstr(text, part))
        fail_msg("%s is not in: %s", part, text);
    unlink(path);
}

static void test_reports_are_written_in_several_formats_at_once(void **state)
{
    (void)state;
    write_file("shop.expect", "# a shop\n{ name = \"charge\" }\n{ name = \"refund\" }\n");
    assert_ends(RUN("run", "--expect", "shop.expect", "--report", "junit=r.xml", "--report", "json=r.json", "--report",
                    "tap", "--report=text=r.txt", OTLPKIT_CHILD, "post", "charge"),
                1, "TAP version 14\n", "shop.expect:3: ");
    assert_file_has("r.xml", "<testsuites");
    assert_file_has("r.json", "\"missing\":[");
    assert_file_has("r.txt", "shop.expect:3: ");
    assert_ends(RUN("run", "--assert", "{ name = \"charge\" }", "--report", "tap", OTLPKIT_CHILD, "post", "charge"), 0,
                "\nok 1", "");
    assert_ends(RUN("run", "--assert", "{ name = \"charge\" }", "--report", "github", OTLPKIT_CHILD, "post", "x"), 1,
                "::error", "");
    unlink("shop.expect");
}

static void test_a_report_that_cannot_be_written_is_said_with_code_3(void **state)
{
    (void)state;
    assert_ends(RUN("run", "--report", "json=/dev/full", OTLPKIT_CHILD, "post", "charge"), 3, "",
                "otlpkit run: cannot write /dev/full: No space left on device\n");
}

static void test_what_is_refused_fails_unless_that_is_allowed(void **state)
{
    (void)state;
    assert_ends(RUN("run", "--max-request-size", "300B", OTLPKIT_CHILD, "post", "charge"), 0, "", "");
    assert_ends(RUN_SHELL(POST "charge && ! " POST "$(printf %0300d 0)", "--max-request-size", "300B"), 1, "", "413");
    assert_silent(
        RUN_SHELL(POST "charge && ! " POST "$(printf %0300d 0)", "--max-request-size", "300B", "--allow-refused"));
}

static void test_what_came_is_saved(void **state)
{
    (void)state;
    assert_silent(RUN("run", "--save", "caught.warc", OTLPKIT_CHILD, "post", "charge"));
    assert_ends(RUN("dump", "caught.warc"), 0, "\"name\":\"charge\"", "");
    unlink("caught.warc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_said_when_all_holds),
        cmocka_unit_test(test_what_does_not_hold_is_reported_with_code_1),
        cmocka_unit_test(test_the_code_of_the_child_is_passed_on),
        cmocka_unit_test(test_what_cannot_be_executed_has_the_codes_of_shells),
        cmocka_unit_test(test_wrong_usage_starts_nothing),
        cmocka_unit_test(test_the_words_of_the_child_are_its_own),
        cmocka_unit_test(test_faults_are_played_and_what_the_child_did_is_drawn),
        cmocka_unit_test(test_what_was_saved_under_faults_is_judged_alike),
        cmocka_unit_test(test_expectations_bring_their_faults_along),
        cmocka_unit_test(test_a_wrong_fault_script_starts_nothing),
        cmocka_unit_test(test_the_child_finds_the_receiver),
        cmocka_unit_test(test_what_the_user_has_set_stays),
        cmocka_unit_test(test_a_run_inside_of_a_run_catches_by_itself),
        cmocka_unit_test(test_the_hint_names_what_was_in_the_way),
        cmocka_unit_test(test_the_report_tells_of_what_is_no_http_1),
        cmocka_unit_test(test_a_proxy_that_is_passed_by_is_no_hint),
        cmocka_unit_test(test_signals_reach_the_child),
        cmocka_unit_test(test_what_is_typed_reaches_the_child_once),
        cmocka_unit_test(test_a_stop_typed_at_the_terminal_stops_both_until_they_go_on),
        cmocka_unit_test(test_the_child_reads_the_input),
        cmocka_unit_test(test_what_grandchildren_export_is_waited_for),
        cmocka_unit_test(test_a_daemon_does_not_hold_up_what_holds),
        cmocka_unit_test(test_a_daemon_holds_up_the_verdict_no_longer_than_the_timeout),
        cmocka_unit_test(test_a_signal_ends_the_wait_for_what_is_left_behind),
        cmocka_unit_test(test_reports_are_written_in_several_formats_at_once),
        cmocka_unit_test(test_a_report_that_cannot_be_written_is_said_with_code_3),
        cmocka_unit_test(test_what_is_refused_fails_unless_that_is_allowed),
        cmocka_unit_test(test_what_came_is_saved),
    };
    return cmocka_run_group_tests(tests, process_enter_folder, process_leave_folder);
}
