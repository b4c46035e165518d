/* The fault script: its notation, and who takes which step. */
#include "given.h"

#include "fault.h"

#include <otlpkit/receiver.h>

static const otk_signal traces = OTK_SIGNAL_TRACES, metrics = OTK_SIGNAL_METRICS, logs = OTK_SIGNAL_LOGS;

static struct otk_faults *faults;
static struct otk_arena arena;

static int begin(void **state)
{
    (void)state;
    faults = otk_faults_new();
    return faults ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    otk_faults_free(faults);
    otk_arena_clear(&arena);
    return 0;
}

static void set(const char *script)
{
    otk_error error;
    if (otk_faults_set(faults, script, &error))
        fail_msg("'%s': %s", script, error.message);
}

static const struct otk_fault_step *next_on(const char *path, const otk_signal *signal)
{
    const struct otk_fault_step *step;
    assert_int_equal(otk_faults_next(faults, (otk_string){path, strlen(path)}, signal, &arena, &step), 0);
    return step;
}

static const struct otk_fault_step *next(void)
{
    return next_on("/v1/traces", &traces);
}

/* The only step of a script. */
static const struct otk_fault_step *only(const char *script)
{
    set(script);
    const struct otk_fault_step *step = next();
    assert_non_null(step);
    assert_null(next());
    return step;
}

static void assert_statuses(const unsigned *statuses)
{
    for (size_t i = 0; statuses[i]; i++) {
        const struct otk_fault_step *step = next();
        assert_non_null(step);
        assert_int_equal(step->status, statuses[i]);
    }
    assert_null(next());
}

#define assert_plays(script, ...)                                                                                      \
    do {                                                                                                               \
        set(script);                                                                                                   \
        assert_statuses((const unsigned[]){__VA_ARGS__, 0});                                                           \
    } while (0)

static void assert_left(const char *json)
{
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    assert_int_equal(otk_faults_write(faults, &out), 0);
    assert_string_equal(otk_buffer_string(&out), json);
    otk_buffer_clear(&out);
}

/* ---- Order ----------------------------------------------------------- */

static void without_a_script_requests_are_served(void **state)
{
    (void)state;
    assert_null(next());
    assert_left("[]");
}

static void steps_are_played_in_order_and_then_it_is_over(void **state)
{
    (void)state;
    assert_plays("503 x2, 429, 500", 503, 503, 429, 500);
    assert_plays("503,429 ,  500\t,502", 503, 429, 500, 502);
    assert_plays("503\n504", 503, 504);
    assert_plays("503,\n504", 503, 504);
    assert_plays("\n\n;503; ;\r\n504;\n", 503, 504);
    assert_plays("x3 503", 503, 503, 503);
    assert_plays("200 x1, 404", 200, 404);
    assert_plays("# both\n503, # first\n # then\n 429 # second\n\n500 #x", 503, 429, 500);
}

static void a_step_may_be_for_ever(void **state)
{
    (void)state;
    set("429, 503 x*, 500");
    assert_int_equal(next()->status, 429);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(next()->status, 503);
    assert_left("[{\"of\":\"\",\"step\":\"503 x*\"},{\"of\":\"\",\"step\":\"500\",\"left\":1}]");
}

static void a_track_is_of_a_signal_a_path_or_of_all(void **state)
{
    (void)state;
    set("traces: 503, 504; metrics: 429; /v1/logs:500; /else: 404\n 400");
    assert_int_equal(next_on("/v1/metrics", &metrics)->status, 429);
    assert_int_equal(next_on("/v1/traces", &traces)->status, 503);
    assert_int_equal(next_on("/v1/logs", &logs)->status, 500);
    assert_int_equal(next_on("/else", NULL)->status, 404);
    assert_int_equal(next_on("/v1/traces", &traces)->status, 504);
    assert_int_equal(next_on("/v1/logs", &logs)->status, 400);
    assert_null(next_on("/v1/logs", &logs));
    assert_null(next_on("/else", NULL));
}

static void a_path_is_the_whole_path(void **state)
{
    (void)state;
    set("/v1/trace: 503");
    assert_null(next_on("/v1/traces", &traces));
    assert_null(next_on("/v1", NULL));
    assert_int_equal(next_on("/v1/trace", NULL)->status, 503);
}

static void the_first_track_that_has_a_step_is_taken(void **state)
{
    (void)state;
    set("503; traces: 429 x2");
    assert_plays("503; traces: 429 x2", 503, 429, 429);
}

static void what_is_left_is_told(void **state)
{
    (void)state;
    set("traces: 503 x3 message=\"so \\\"it\\\" is\", ok; /p: hang");
    next();
    assert_left("[{\"of\":\"traces\",\"step\":\"503 x3 message=\\\"so \\\\\\\"it\\\\\\\" is\\\"\",\"left\":2},"
                "{\"of\":\"traces\",\"step\":\"ok\",\"left\":1},{\"of\":\"/p\",\"step\":\"hang\",\"left\":1}]");
    otk_faults_clear(faults);
    assert_left("[]");
    assert_null(next());
}

static void a_new_script_leaves_a_step_in_play_alone(void **state)
{
    (void)state;
    set("503 x9 message=busy");
    const struct otk_fault_step *playing = next();
    set("429");
    assert_string_equal(playing->message, "busy");
    assert_string_equal(playing->text, "503 x9 message=busy");
    assert_int_equal(next()->status, 429);
    assert_null(next());
}

static void a_wrong_script_leaves_the_old_one(void **state)
{
    (void)state;
    set("503");
    assert_int_equal(otk_faults_set(faults, "429, nonsense", NULL), OTK_EINVAL);
    assert_int_equal(next()->status, 503);
}

/* ---- Words ----------------------------------------------------------- */

static void what_is_done(void **state)
{
    (void)state;
    assert_int_equal(only("ok")->act, OTK_FAULT_SERVE);
    assert_int_equal(only("delay=1ms")->act, OTK_FAULT_SERVE);
    assert_int_equal(only("503")->act, OTK_FAULT_STATUS);
    assert_int_equal(only("hang")->act, OTK_FAULT_HANG);
    assert_int_equal(only("partial=0")->act, OTK_FAULT_PARTIAL);
    assert_int_equal(only("partial=3 message=no")->rejected, 3);
    assert_int_equal(only("reset")->act, OTK_FAULT_RESET);
    assert_int_equal(only("reset")->reset, OTK_FAULT_AFTER);
    assert_int_equal(only("reset=after")->reset, OTK_FAULT_AFTER);
    assert_int_equal(only("reset=while")->reset, OTK_FAULT_WHILE);
    assert_int_equal(only("reset=before")->reset, OTK_FAULT_BEFORE);
}

static void times_and_sizes(void **state)
{
    (void)state;
    assert_int_equal(only("delay=200ms")->delay_ms, 200);
    assert_int_equal(only("503 delay=2s")->delay_ms, 2000);
    assert_int_equal(only("stall=10m")->stall_ms, 600000);
    assert_int_equal(only("idle=5ms")->idle_ms, 5);
    assert_int_equal(only("slow=10KiB/s")->slow, 10240);
    assert_int_equal(only("slow=1/s")->slow, 1);
    assert_int_equal(only("size=5MiB")->size, 5 << 20);
    assert_int_equal(only("size=5MB garbage")->size, 5000000);
    assert_true(only("cut")->cuts);
    assert_int_equal(only("cut")->cut, OTK_FAULT_HALF);
    assert_true(only("cut=0")->cuts);
    assert_int_equal(only("cut=0")->cut, 0);
    assert_true(only("close")->close);
    assert_false(only("ok")->close);
    assert_true(only("503 garbage")->garbage);
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(only("308 location=http://127.0.0.1:1/v1/traces?a=b")->location,
                        "http://127.0.0.1:1/v1/traces?a=b");
    assert_string_equal(only("type=text/html")->type, "text/html");
    assert_string_equal(only("400 message=\"a, b; c \\\\ \\\"d\\\" \xc3\xa4 \\n\"")->message,
                        "a, b; c \\ \"d\" \xc3\xa4 \\n");
    assert_null(only("400")->message);
}

static void retry_after_is_seconds_a_date_or_any_text(void **state)
{
    (void)state;
    const struct otk_fault_step *step = only("503 retry-after=17");
    assert_string_equal(step->retry_after, "17");
    assert_false(step->retry_after_is_date);
    step = only("503 retry-after=date+1500ms");
    assert_true(step->retry_after_is_date);
    assert_int_equal(step->retry_after_ms, 1500);
    step = only("503 retry-after=\"-1\"");
    assert_string_equal(step->retry_after, "-1");
    step = only("503 retry-after=\"date+2s\"");
    assert_false(step->retry_after_is_date);
    assert_string_equal(only("503 retry-after=\"\"")->retry_after, "");
}

static void words_go_together_in_any_order(void **state)
{
    (void)state;
    const struct otk_fault_step *step =
        only("slow=1KiB/s delay=1ms retry-after=2 503 message=m type=t location=/l size=9 garbage cut=3 stall=4ms x1");
    assert_int_equal(step->act, OTK_FAULT_STATUS);
    assert_int_equal(step->status, 503);
    assert_int_equal(step->stall_ms, 4);
    assert_int_equal(step->cut, 3);
    assert_int_equal(only("slow=1/s delay=1ms hang")->act, OTK_FAULT_HANG);
}

/* ---- What is wrong --------------------------------------------------- */

static void wrong_scripts_are_told_where(void **state)
{
    static const struct {
        const char *script;
        size_t column;
        const char *says;
    } cases[] = {
        {"", 1, "empty"},
        {" \n;; ", 1, "empty"},
        {"503 retri-after=1", 5, "no such word"},
        {"oks", 1, "no such word"},
        {"503,,ok", 5, "missing"},
        {"503,", 5, "missing"},
        {"503, ;ok", 6, "missing"},
        {",503", 1, "missing"},
        {"traces:", 8, "missing"},
        {"traces: ;", 9, "missing"},
        {"spans: 503", 1, "traces, metrics, logs or a path"},
        {"ok\nspans: 503", 1, "traces, metrics, logs or a path"},
        {"503 504", 5, "not two"},
        {"503 ok", 5, "not two"},
        {"hang 503", 6, "not two"},
        {"199", 1, "200 to 599"},
        {"600", 1, "200 to 599"},
        {"503x2", 1, "200 to 599"},
        {"503=2", 1, "200 to 599"},
        {"99999999999999999999999", 1, "200 to 599"},
        {"ok x0", 4, "x1 to x1000000"},
        {"ok x1000001", 4, "x1 to x1000000"},
        {"ok x2y", 4, "x1 to x1000000"},
        {"ok x**", 4, "x1 to x1000000"},
        {"ok x2 x3", 7, "already"},
        {"delay=1s delay=2s", 10, "already"},
        {"ok=1", 4, "no value"},
        {"close=", 7, "no value"},
        {"delay", 1, "a time from 1ms to 10m"},
        {"delay=", 7, "a time from 1ms to 10m"},
        {"delay=0ms", 7, "a time from 1ms to 10m"},
        {"delay=200", 7, "a time from 1ms to 10m"},
        {"delay=601s", 7, "a time from 1ms to 10m"},
        {"delay=99999999999999999s", 7, "a time from 1ms to 10m"},
        {"delay=\"1s\"", 7, "a time from 1ms to 10m"},
        {"slow=10KiB", 6, "a rate"},
        {"slow=0/s", 6, "a rate"},
        {"slow=s", 6, "a rate"},
        {"size=9MiB", 6, "a size"},
        {"size=1XiB", 6, "a size"},
        {"cut=x", 5, "bytes"},
        {"partial", 1, "a number"},
        {"partial=-1", 9, "a number"},
        {"partial=9223372036854775808", 9, "a number"},
        {"reset=never", 7, "before, while or after"},
        {"type=", 6, "a text"},
        {"503 message", 5, "a text"},
        {"503 retry-after", 5, "seconds"},
        {"503 retry-after=1s", 17, "in quotes"},
        {"503 retry-after=date", 17, "in quotes"},
        {"503 retry-after=date+", 17, "a date"},
        {"503 retry-after=date+9999999s", 17, "a date"},
        {"hang retry-after=1", 6, "cannot be together with hang"},
        {"retry-after=1 reset", 15, "reset cannot be together with retry-after"},
        {"hang close", 6, "cannot be together"},
        {"hang cut", 6, "cannot be together"},
        {"cut close", 5, "cannot be together"},
        {"close idle=5ms", 7, "cannot be together"},
        {"stall=5ms close", 11, "cannot be together"},
        {"ok, delay=5ms reset=before", 5, "at once"},
        {"reset=while slow=1/s", 1, "at once"},
        {"message=\"abc", 9, "not closed"},
        {"message=\"abc\n\"", 9, "not closed"},
        {"message=\"a\x01\"", 11, "control"},
        {"message=\"a\"b", 12, "quote"},
        {"mess\"age\"", 5, "quote"},
        {"503 =1", 5, "missing"},
        {"400 message=\"\xc3\xa4\" uff", 17, "no such word"},
        {"400 message=\xff", 13, "UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char where[64];
        otk_error error = {0};
        snprintf(where, sizeof where, "fault script, column %zu: ", cases[i].column);
        assert_int_equal(otk_faults_set(faults, cases[i].script, &error), OTK_EINVAL);
        assert_int_equal(error.code, OTK_EINVAL);
        if (strncmp(error.message, where, strlen(where)) != 0 || !strstr(error.message, cases[i].says))
            fail_msg("'%s' says: %s", cases[i].script, error.message);
        assert_null(strchr(error.message, '\n'));
    }
}

static void a_script_is_bounded(void **state)
{
    otk_error error;
    size_t size = (size_t)64 << 10;
    char *script = malloc(size + 2);
    (void)state;
    for (size_t i = 0; i < size + 2; i++)
        script[i] = "ok, "[i % 4];
    script[size + 1] = '\0';
    assert_int_equal(otk_faults_set(faults, script, &error), OTK_EINVAL);
    assert_non_null(strstr(error.message, "64KiB"));
    script[size - 2] = '\0';
    set(script);
    free(script);
    assert_non_null(next());
}

static void a_wrong_script_is_explained_with_a_caret(void **state)
{
    (void)state;
    char *text = otk_faults_explain("traces: ok\nmetrics: 503 delay=\xc3\xa4, ok");
    assert_string_equal(text, "delay needs a time from 1ms to 10m\n"
                              "  metrics: 503 delay=\xc3\xa4, ok\n"
                              "                     ^\n");
    free(text);
    text = otk_faults_explain("hang retry-after=1");
    assert_string_equal(text, "retry-after cannot be together with hang\n"
                              "  hang retry-after=1\n"
                              "       ^~~~~~~~~~~\n");
    free(text);
    assert_null(otk_faults_explain("ok"));
}

/* ---- The page -------------------------------------------------------- */

static void the_pages_scripts_are_right(void **state)
{
    static char page[65536];
    size_t lines = 0;
    FILE *file = fopen(OTLPKIT_SOURCE_DIR "/docs/faults.md", "r");
    (void)state;
    assert_non_null(file);
    assert_true(fread(page, 1, sizeof page - 1, file) > 1000);
    fclose(file);
    for (char *at = page; (at = strstr(at, "```fault\n")); at++) {
        char *block = at + strlen("```fault\n"), *end = strstr(block, "```");
        *end = '\0';
        set(block);
        for (char *line = strtok(block, "\n"); line; line = strtok(NULL, "\n"), lines++)
            set(line);
        at = end;
    }
    assert_true(lines >= 16);
}

/* ---- Memory ---------------------------------------------------------- */

static void a_script_that_finds_no_memory_changes_nothing(void **state)
{
    otk_error error;
    int rc = OTK_ENOMEM;
    (void)state;
    set("503 x*");
    for (size_t n = 0; rc; n++) {
        assert_int_equal(next()->status, 503);
        allocations_left = n;
        rc = otk_faults_set(faults, "/p: 429 message=\"m\" retry-after=1, ok x2; logs: hang", &error);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    assert_null(next());
}

static void a_step_that_finds_no_memory_says_so(void **state)
{
    const struct otk_fault_step *step;
    otk_string path = {"/v1/traces", strlen("/v1/traces")};
    struct otk_arena empty = {0};
    (void)state;
    set("503 message=m x*");
    allocations_left = 0;
    assert_int_equal(otk_faults_next(faults, path, &traces, &empty, &step), OTK_ENOMEM);
    allocations_left = SIZE_MAX;
    assert_null(step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_script_requests_are_served, begin, end),
        cmocka_unit_test_setup_teardown(steps_are_played_in_order_and_then_it_is_over, begin, end),
        cmocka_unit_test_setup_teardown(a_step_may_be_for_ever, begin, end),
        cmocka_unit_test_setup_teardown(a_track_is_of_a_signal_a_path_or_of_all, begin, end),
        cmocka_unit_test_setup_teardown(a_path_is_the_whole_path, begin, end),
        cmocka_unit_test_setup_teardown(the_first_track_that_has_a_step_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(what_is_left_is_told, begin, end),
        cmocka_unit_test_setup_teardown(a_new_script_leaves_a_step_in_play_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_wrong_script_leaves_the_old_one, begin, end),
        cmocka_unit_test_setup_teardown(what_is_done, begin, end),
        cmocka_unit_test_setup_teardown(times_and_sizes, begin, end),
        cmocka_unit_test_setup_teardown(texts, begin, end),
        cmocka_unit_test_setup_teardown(retry_after_is_seconds_a_date_or_any_text, begin, end),
        cmocka_unit_test_setup_teardown(words_go_together_in_any_order, begin, end),
        cmocka_unit_test_setup_teardown(wrong_scripts_are_told_where, begin, end),
        cmocka_unit_test_setup_teardown(a_script_is_bounded, begin, end),
        cmocka_unit_test_setup_teardown(a_wrong_script_is_explained_with_a_caret, begin, end),
        cmocka_unit_test_setup_teardown(the_pages_scripts_are_right, begin, end),
        cmocka_unit_test_setup_teardown(a_script_that_finds_no_memory_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_step_that_finds_no_memory_says_so, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
