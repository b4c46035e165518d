/* Lines of expectations: what they become, what is wrong with them, how they are judged; and that docs/expectations.md
 * is true. */
#include "expectations.h"
#include "shop.h"
#include "story.h"

#include <fcntl.h>

static otk_expectations *e;
static otk_receiver *rx;

static int start(void **state)
{
    (void)state;
    e = otk_expectations_new();
    return e ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    otk_expectations_free(e);
    otk_receiver_stop(rx);
    rx = NULL;
    return 0;
}

static void add(const char *text)
{
    otk_error error;
    if (otk_expectations_add(e, text, "shop.expect", &error))
        fail_msg("%s", error.message);
    assert_string_equal(otk_expectations_explain(e), "");
}

static size_t count(void)
{
    return otk_expectations_condition(e).condition_count;
}

static const otk_condition *at(size_t i)
{
    assert_true(i < count());
    return &otk_expectations_condition(e).conditions[i];
}

/* ---- What lines become ----------------------------------------------- */

static void test_each_kind_of_line_becomes_its_condition(void **state)
{
    static const struct {
        const char *line;
        otk_condition expected;
    } cases[] = {
        {"{}", {.kind = OTK_CONDITION_MATCHES, .selector = "{}", .truth = true, .at_least = 1, .at_most = UINT64_MAX}},
        {"{} within 1.5s",
         {.kind = OTK_CONDITION_MATCHES,
          .selector = "{}",
          .truth = true,
          .at_least = 1,
          .at_most = UINT64_MAX,
          .within_ms = 1500}},
        {"3 {}", {.kind = OTK_CONDITION_MATCHES, .selector = "{}", .at_least = 3, .at_most = 3}},
        {"0 log{}", {.kind = OTK_CONDITION_MATCHES, .selector = "log{}", .at_least = 0, .at_most = 0}},
        {"2.. {}", {.kind = OTK_CONDITION_MATCHES, .selector = "{}", .at_least = 2, .at_most = UINT64_MAX}},
        {"..5 {}", {.kind = OTK_CONDITION_MATCHES, .selector = "{}", .at_most = 5}},
        {"2..5{}", {.kind = OTK_CONDITION_MATCHES, .selector = "{}", .at_least = 2, .at_most = 5}},
        {"never metric{ name = \"x\" }", {.kind = OTK_CONDITION_MATCHES, .selector = "metric{ name = \"x\" }"}},
        {"never{} within 1m", {.kind = OTK_CONDITION_MATCHES, .selector = "{}", .quiet_ms = 60000}},
        {"complete", {.kind = OTK_CONDITION_TRACE, .at_most = UINT64_MAX}},
        {"complete {}", {.kind = OTK_CONDITION_TRACE, .selector = "{}", .at_most = UINT64_MAX}},
        {"complete 5 {} within 1ms",
         {.kind = OTK_CONDITION_TRACE, .selector = "{}", .at_least = 5, .at_most = 5, .within_ms = 1}},
        {"complete 7", {.kind = OTK_CONDITION_TRACE, .at_least = 7, .at_most = 7}},
        {"delivered", {.kind = OTK_CONDITION_ATTEMPTS, .tally = OTK_TALLY_LOST}},
        {"delivered once", {.kind = OTK_CONDITION_ATTEMPTS, .tally = OTK_TALLY_NOT_ONCE}},
        {"delivered within 2s", {.kind = OTK_CONDITION_ATTEMPTS, .tally = OTK_TALLY_LOST, .within_ms = 2000}},
        {"retried", {.kind = OTK_CONDITION_ATTEMPTS, .at_least = 1, .at_most = UINT64_MAX}},
        {"retried 2..5 within 1s", {.kind = OTK_CONDITION_ATTEMPTS, .at_least = 2, .at_most = 5, .within_ms = 1000}},
        {"retried ..5", {.kind = OTK_CONDITION_ATTEMPTS, .at_most = 5}},
        {"retried 0", {.kind = OTK_CONDITION_ATTEMPTS}},
        {"retried rightly", {.kind = OTK_CONDITION_ATTEMPTS, .tally = OTK_TALLY_WRONG}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const otk_condition *expected = &cases[i].expected;
        add(cases[i].line);
        const otk_condition *c = at(i);
        assert_int_equal(c->kind, expected->kind);
        assert_string_equal(c->selector ? c->selector : "every", expected->selector ? expected->selector : "every");
        assert_int_equal(c->truth, expected->truth);
        assert_int_equal(c->at_least, expected->at_least);
        assert_int_equal(c->at_most, expected->at_most);
        assert_int_equal(c->quiet_ms, expected->quiet_ms);
        assert_int_equal(c->within_ms, expected->within_ms);
        assert_int_equal(c->tally, expected->tally);
    }
}

static void test_fault_lines_are_a_script_and_no_conditions(void **state)
{
    otk_error error;
    (void)state;
    assert_string_equal(otk_expectations_faults(e), "");
    add("fault traces: 503 x2, # why\n  ok\n# one more\nfault 429\n{}\n");
    assert_int_equal(count(), 1);
    char *script = strdup(otk_expectations_faults(e));
    assert_non_null(strstr(script, "503 x2"));
    assert_non_null(strstr(script, "429"));
    assert_null(otk_faults_explain(script));
    assert_int_equal(otk_expectations_add(e, "fault 503\n\nfault ok,\n  oks", "more.expect", &error), OTK_EINVAL);
    assert_non_null(strstr(error.message, "more.expect:4: no such word"));
    assert_non_null(strstr(otk_expectations_explain(e), "\n    oks\n    ^~~\n"));
    assert_string_equal(otk_expectations_faults(e), script);
    free(script);
}

static void test_the_place_of_the_first_fault_line_is_told(void **state)
{
    (void)state;
    assert_string_equal(otk_expectations_faults_at(e), "");
    assert_int_equal(otk_expectations_add(e, "fault 503\noops", "wrong.expect", NULL), OTK_EINVAL);
    assert_string_equal(otk_expectations_faults_at(e), "");
    assert_int_equal(otk_expectations_add(e, "{}\n\nfault ok", "shop.expect", NULL), 0);
    assert_int_equal(otk_expectations_add(e, "fault ok", "more.expect", NULL), 0);
    assert_string_equal(otk_expectations_faults_at(e), "shop.expect:3");
}

static void test_a_selector_ends_where_its_brackets_and_quotes_do(void **state)
{
    (void)state;
    add("{ name = \"x } within 1s # y\" } within 2s # z\n"
        "{ name =~ `#.*within` && .within = 1 } # within 3s\n"
        "({} | count() > 1) within 4s");
    assert_int_equal(count(), 3);
    assert_string_equal(at(0)->selector, "{ name = \"x } within 1s # y\" }");
    assert_int_equal(at(0)->within_ms, 2000);
    assert_string_equal(at(1)->selector, "{ name =~ `#.*within` && .within = 1 }");
    assert_int_equal(at(1)->within_ms, 0);
    assert_string_equal(at(2)->selector, "({} | count() > 1)");
    assert_int_equal(at(2)->within_ms, 4000);
}

static void test_a_condition_may_go_over_several_lines(void **state)
{
    (void)state;
    add("# first\n\n"
        "{ name = \"a\" && # why\n"
        "# in between\n"
        "\tkind = server\n"
        "}\n"
        "| count() > 1\n"
        "  within\n"
        "\n"
        "  2s\n"
        "{ name = `x\n"
        " y` }\n");
    assert_int_equal(count(), 2);
    assert_string_equal(at(0)->selector, "{ name = \"a\" && kind = server } | count() > 1");
    assert_int_equal(at(0)->within_ms, 2000);
    assert_int_equal(at(0)->line, 3);
    assert_string_equal(at(1)->selector, "{ name = `x\n y` }");
    assert_int_equal(at(1)->line, 11);
}

static void test_windows_ends_of_lines_and_byte_order_mark_are_taken(void **state)
{
    (void)state;
    add("\xef\xbb\xbf{ name = \"a\" }\r\n# b\r\n{ name = \"c\" &&\r\n  kind = server }\r\n");
    assert_int_equal(count(), 2);
    assert_string_equal(at(1)->selector, "{ name = \"c\" && kind = server }");
    assert_int_equal(at(1)->line, 3);
}

static void test_lines_without_a_place_have_none(void **state)
{
    otk_error error;
    (void)state;
    assert_int_equal(otk_expectations_add(e, "{}", NULL, NULL), 0);
    assert_null(at(0)->file);
    assert_int_equal(otk_expectations_add(e, "\n{", NULL, &error), OTK_EINVAL);
    assert_string_equal(error.message, "line 2: the selector ends here, where a value should stand");
}

/* ---- What is wrong --------------------------------------------------- */

static void assert_refused(const char *text, int code, const char *explained)
{
    otk_error error;
    size_t before = count();
    assert_int_equal(otk_expectations_add(e, text, "a.expect", &error), code);
    assert_int_equal(error.code, code);
    assert_string_equal(otk_expectations_explain(e), explained);
    assert_memory_equal(error.message, explained, strcspn(explained, "\n"));
    assert_int_equal(count(), before);
}

static void test_all_faults_are_told_with_their_lines_and_nothing_is_added(void **state)
{
    (void)state;
    add("{}");
    assert_refused("{ name = \"right\" }\n"
                   "{ staus = error &&\n"
                   "  kind = server }   # why\n"
                   "{ name = \"\xc3\xa4\" &&\n"
                   "  kin = server }   # why\n"
                   "never",
                   OTK_EINVAL,
                   "a.expect:2: unknown name `staus`, did you mean `status`?\n"
                   "  { staus = error &&\n"
                   "    ^~~~~\n"
                   "a.expect:5: unknown name `kin`, did you mean `kind`?\n"
                   "    kin = server }   # why\n"
                   "    ^~~\n"
                   "a.expect:6: behind `never` stands a selector, as in never { status = error }\n"
                   "  never\n"
                   "       ^\n");
    add("{}");
    assert_int_equal(count(), 2);
}

static void test_who_indents_all_lines_is_told_why_they_are_one(void **state)
{
    (void)state;
    assert_refused("  { name = \"a\" }\n  { name = \"b\" }\n", OTK_EINVAL,
                   "a.expect:2: the selector should end here, or go on with | && || > >> < << ~; it goes on the line "
                   "before, because it begins with white space\n"
                   "    { name = \"b\" }\n"
                   "    ^\n");
}

static void test_ten_faults_are_enough(void **state)
{
    char text[64] = "";
    otk_error error;
    size_t faults = 0;
    (void)state;
    for (int i = 0; i < 12; i++)
        strcat(text, "?\n");
    assert_int_equal(otk_expectations_add(e, text, "a", &error), OTK_EINVAL);
    const char *told = otk_expectations_explain(e);
    for (const char *p = told; (p = strstr(p, "a:")); p++)
        faults++;
    assert_int_equal(faults, 10);
}

static void test_what_a_terminal_would_act_on_does_not_come_back(void **state)
{
    (void)state;
    assert_int_equal(otk_expectations_add(e, "{ name = \x1b[31m\xff }", "\x1b.expect", NULL), OTK_EINVAL);
    assert_null(strpbrk(otk_expectations_explain(e), "\x1b\xff"));
}

static char *repeated(const char *part, size_t times)
{
    char *text = malloc(strlen(part) * times + 1), *to = text;
    assert_non_null(text);
    for (size_t i = 0; i < times; i++)
        to = stpcpy(to, part);
    return text;
}

static void assert_too_much(const char *part, size_t times, const char *sentence)
{
    char *text = repeated(part, times);
    assert_refused(text, OTK_ELIMIT, sentence);
    free(text);
}

static void test_text_lines_and_conditions_are_bounded(void **state)
{
    (void)state;
    assert_too_much("#23456789\n", 120000, "expectations of more than 1 MiB or 10000 lines\n");
    assert_too_much("\n", 10001, "expectations of more than 1 MiB or 10000 lines\n");
    assert_too_much("{}\n", 1001, "these are more than 1000 conditions\n");
    char *text = repeated("{}\n", 1000);
    add(text);
    free(text);
    assert_refused("{}", OTK_ELIMIT, "these are more than 1000 conditions\n");
    assert_int_equal(count(), 1000);
}

/* ---- Files ----------------------------------------------------------- */

static void test_a_file_names_itself_in_faults(void **state)
{
    otk_error error;
    char *path = given_file("\n{", 2), expected[256];
    (void)state;
    assert_int_equal(otk_expectations_add_file(e, path, &error), OTK_EINVAL);
    snprintf(expected, sizeof expected, "%s:2: the selector ends here, where a value should stand", path);
    assert_string_equal(error.message, expected);
    forget_file(path);
}

static void test_standard_input_is_a_dash(void **state)
{
    char *path = given_file("never {}\n", 9);
    int kept = dup(STDIN_FILENO), file = open(path, O_RDONLY);
    (void)state;
    assert_true(kept >= 0 && file >= 0);
    dup2(file, STDIN_FILENO);
    assert_int_equal(otk_expectations_add_file(e, "-", NULL), 0);
    dup2(kept, STDIN_FILENO);
    close(file);
    close(kept);
    forget_file(path);
    assert_string_equal(at(0)->file, "-");
}

static void test_what_cannot_be_read_or_is_no_text_is_said(void **state)
{
    otk_error error;
    char *path = given_file("{}\0{}", 5);
    (void)state;
    assert_int_equal(otk_expectations_add_file(e, "/nonexistent/a", &error), OTK_ESYSTEM);
    assert_string_equal(error.message, "cannot read /nonexistent/a: No such file or directory");
    assert_int_equal(otk_expectations_add_file(e, "/", &error), OTK_ESYSTEM);
    assert_int_equal(otk_expectations_add_file(e, path, &error), OTK_EINVAL);
    assert_non_null(strstr(error.message, "is no text: it holds a NUL"));
    forget_file(path);
}

/* ---- Memory ---------------------------------------------------------- */

static void test_each_failing_allocation_is_told_and_adds_nothing(void **state)
{
    static const char *const texts[] = {"never { name = \"a\" } within 2s\n{}\n", "{ staus = error }\n"};
    otk_error error;
    (void)state;
    for (size_t t = 0; t < 2; t++) {
        int rc = OTK_ENOMEM;
        for (size_t n = 0; rc == OTK_ENOMEM; n++) {
            assert_true(n < 1000);
            stop(NULL);
            start(NULL);
            allocations_left = n;
            rc = otk_expectations_add(e, texts[t], "a", &error);
            const char *told = otk_expectations_explain(e);
            allocations_left = SIZE_MAX;
            assert_true(rc == 0 || *told);
            assert_int_equal(error.code, rc);
            assert_int_equal(count(), rc ? 0 : 2);
        }
        assert_int_equal(rc, t ? OTK_EINVAL : 0);
    }
}

/* ---- Judging --------------------------------------------------------- */

static void assert_judged(unsigned timeout_ms, int code, const char *text)
{
    otk_report *report;
    assert_int_equal(otk_receiver_judge(rx, e, timeout_ms, &report), code);
    assert_string_equal(otk_report_text(report), text);
    otk_report_free(report);
}

static int start_shop(void **state)
{
    rx = otk_receiver_start(NULL, NULL);
    assert_non_null(rx);
    tell(rx, SPANS(ROOT "," CHILD));
    return start(state);
}

static void test_one_line_says_that_all_lines_hold(void **state)
{
    (void)state;
    add("{ name = \"checkout\" }\nnever { status = error }\n1 { name = \"charge\" }\ncomplete 2");
    assert_judged(PATIENCE_MS, 0, "HOLDS: 4 conditions; 1 request with 2 spans, 0 metrics, 0 log records\n");
}

static void test_no_lines_hold(void **state)
{
    (void)state;
    add("# nothing\n");
    assert_judged(0, 0, "HOLDS: 0 conditions; 1 request with 2 spans, 0 metrics, 0 log records\n");
}

static void test_a_broken_line_ends_the_wait_and_each_line_is_reported_with_its_place(void **state)
{
    (void)state;
    add("{ name = \"refund\" }\n\nnever { name = \"charge\" }\n{ name = \"checkout\" }");
    assert_judged(600000, OTK_ETIMEOUT,
                  "shop.expect:1: NOT YET: { name = \"refund\" }\n"
                  "  seen 0 times, wanted at least 1\n"
                  "  nearest: span \"checkout\" of \"shop\", request 1: name is string \"checkout\", expected = string "
                  "\"refund\"\n"
                  "  nearest: span \"charge\" of \"shop\", request 1: name is string \"charge\", expected = string "
                  "\"refund\"\n"
                  "shop.expect:3: TOO MANY: { name = \"charge\" }\n"
                  "  seen 1 time, wanted none\n"
                  "  newest: span \"charge\" of \"shop\", request 1\n"
                  "shop.expect:4: MET: { name = \"checkout\" }: seen 1 time, wanted at least 1\n"
                  "ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records\n");
}

static void test_a_line_whose_own_time_has_passed_ends_the_wait(void **state)
{
    (void)state;
    add("log{ } within 20ms");
    assert_judged(600000, OTK_ETIMEOUT,
                  "shop.expect:1: MISSING within 20 ms: log{ }\n"
                  "  seen 0 times, wanted at least 1\n"
                  "ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records\n"
                  "EXTRA: 2 items that nothing asked for\n"
                  "  span \"checkout\" of \"shop\", request 1\n"
                  "  span \"charge\" of \"shop\", request 1\n");
}

static void test_never_within_waits_for_silence(void **state)
{
    (void)state;
    add("never { status = error } within 30ms");
    uint64_t began_ns = otk_now_ns();
    assert_judged(PATIENCE_MS, 0, "HOLDS: 1 condition; 1 request with 2 spans, 0 metrics, 0 log records\n");
    assert_true(otk_now_ns() - began_ns >= 30000000);
}

static void test_only_what_no_later_item_can_break_lasts(void **state)
{
    static const struct {
        const char *line;
        bool lasts;
    } lines[] = {
        {"", true},
        {"{ name = \"a\" }", true},
        {"{ name = \"a\" } within 1s", true},
        {"2.. { name = \"a\" }", true},
        {"{ name = \"a\" } >> { name = \"b\" } && { status = error }", true},
        {"log{ severity >= WARN }", true},
        {"metric{ value >= 3 }", true},
        {"never { name = \"a\" }", false},
        {"1 { name = \"a\" }", false},
        {"..5 { name = \"a\" }", false},
        {"{ name = \"a\" } !>> { name = \"b\" }", false},
        {"{ name = \"a\" } | count() < 3", false},
        {"{ traceDuration < 1s }", false},
        {"complete", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        otk_expectations_free(e);
        e = otk_expectations_new();
        add(lines[i].line);
        if (otk_expectations_lasting(e) != lines[i].lasts)
            fail_msg("%s", lines[i].line);
    }
    add("{ name = \"a\" }");
    assert_false(otk_expectations_lasting(e));
}

static void test_json_and_github_know_the_place(void **state)
{
    char *text = NULL;
    size_t size;
    otk_report *report;
    (void)state;
    add("\nnever { name = \"charge\" }");
    assert_int_equal(otk_receiver_judge(rx, e, 0, &report), OTK_ETIMEOUT);
    assert_non_null(strstr(otk_report_json(report), "\"missing\":[{\"where\":\"shop.expect:2\",\"condition\":"));
    FILE *to = open_memstream(&text, &size);
    assert_int_equal(otk_report_write(report, OTK_REPORT_GITHUB, to), 0);
    fclose(to);
    assert_string_equal(text, "::error file=shop.expect,line=2,title={ name = \"charge\" }%2C wanted none::"
                              "TOO MANY: { name = \"charge\" }%0A  seen 1 time, wanted none%0A"
                              "  newest: span \"charge\" of \"shop\", request 1\n"
                              "::warning title=otlpkit::ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records%0A"
                              "EXTRA: 1 item that nothing asked for%0A  span \"checkout\" of \"shop\", request 1\n");
    free(text);
    otk_report_free(report);
}

static void test_judging_and_writing_survive_each_failing_allocation(void **state)
{
    (void)state;
    add("never { name = \"charge\" }\n{ name = \"refund\" } within 1ms");
    for (otk_report_format format = OTK_REPORT_TEXT; format <= OTK_REPORT_GITHUB; format++) {
        int rc = OTK_ENOMEM;
        for (size_t n = 0; rc == OTK_ENOMEM; n++) {
            FILE *to = tmpfile();
            otk_report *report = NULL;
            assert_true(to && n < 2000);
            allocations_left = n;
            int judged = otk_receiver_judge(rx, e, 0, &report);
            rc = report ? otk_report_write(report, format, to) : OTK_ENOMEM;
            bool ran_out = allocations_left == SIZE_MAX;
            allocations_left = SIZE_MAX;
            assert_true(judged == OTK_ETIMEOUT || judged == OTK_ENOMEM);
            rc = ran_out ? OTK_ENOMEM : rc;
            otk_report_free(report);
            fclose(to);
        }
        assert_int_equal(rc, 0);
    }
}

/* ---- The page -------------------------------------------------------- */

struct page {
    otk_capture *shop[OTK_SIGNAL_COUNT];
    struct otk_baseline *baseline;
    size_t count;
};

static bool holds_in_shop(const struct page *page, const otk_condition *c)
{
    struct otk_expectation x;
    struct otk_beginning beginning = {0, 0, page->baseline};
    otk_error error;
    if (otk_expectation_init(&x, c, &beginning, &error))
        fail_msg("%s", error.message);
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++)
        assert_int_equal(otk_expectation_feed(&x, otk_capture_of(page->shop[i]), 0), 0);
    enum otk_verdict verdict = otk_expectation_judge(&x, UINT64_MAX).verdict;
    otk_expectation_clear(&x);
    return verdict == OTK_VERDICT_HOLDS;
}

/* The first of the two verdicts behind a condition's first line counts. */
static bool is_told_to_hold(const char *block, unsigned line)
{
    while (--line)
        block = strchr(block, '\n') + 1;
    const char *yes = strstr(block, "# holds"), *no = strstr(block, "# does not hold");
    assert_true(yes || no);
    return yes && (!no || yes < no);
}

static void check_block(struct page *page, const char *block)
{
    stop(NULL);
    start(NULL);
    add(block);
    for (size_t i = 0; i < count(); i++, page->count++)
        if (holds_in_shop(page, at(i)) != is_told_to_hold(block, at(i)->line))
            fail_msg("the page is wrong about %s", at(i)->selector);
}

static void check_refused(struct page *page, char *block)
{
    otk_error error;
    for (char *line = strtok(block, "\n"); line; line = strtok(NULL, "\n"), page->count++) {
        char *told = strstr(line, "  # ");
        assert_non_null(told);
        *told = '\0';
        assert_int_equal(otk_expectations_add(e, line, NULL, &error), OTK_EINVAL);
        assert_string_equal(error.message + strlen("line 1: "), told + 4);
    }
}

static char *read_page(void)
{
    FILE *file = fopen(OTLPKIT_SOURCE_DIR "/docs/expectations.md", "r");
    char *page = calloc(1, 65536);
    assert_non_null(file);
    assert_true(fread(page, 1, 65535, file) > 1000);
    fclose(file);
    return page;
}

static void test_the_pages_examples_are_true(void **state)
{
    struct page page = {.count = 0, .baseline = otk_baseline_new()};
    char *text = read_page(), *at = text;
    (void)state;
    shop_load(page.shop);
    while ((at = strstr(at, "\n```"))) {
        char *begin = strchr(at + 1, '\n') + 1, *end = strstr(begin, "```");
        *end = '\0';
        if (strncmp(at, "\n```expect\n", 11) == 0)
            check_block(&page, begin);
        else
            check_refused(&page, begin);
        at = end + 3;
    }
    assert_true(page.count > 30);
    shop_forget(page.shop);
    otk_baseline_free(page.baseline);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define SHOP_TEST(name) cmocka_unit_test_setup_teardown(name, start_shop, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_kind_of_line_becomes_its_condition),
        TEST(test_fault_lines_are_a_script_and_no_conditions),
        TEST(test_the_place_of_the_first_fault_line_is_told),
        TEST(test_a_selector_ends_where_its_brackets_and_quotes_do),
        TEST(test_a_condition_may_go_over_several_lines),
        TEST(test_windows_ends_of_lines_and_byte_order_mark_are_taken),
        TEST(test_lines_without_a_place_have_none),
        TEST(test_all_faults_are_told_with_their_lines_and_nothing_is_added),
        TEST(test_who_indents_all_lines_is_told_why_they_are_one),
        TEST(test_ten_faults_are_enough),
        TEST(test_what_a_terminal_would_act_on_does_not_come_back),
        TEST(test_text_lines_and_conditions_are_bounded),
        TEST(test_a_file_names_itself_in_faults),
        TEST(test_standard_input_is_a_dash),
        TEST(test_what_cannot_be_read_or_is_no_text_is_said),
        TEST(test_each_failing_allocation_is_told_and_adds_nothing),
        SHOP_TEST(test_one_line_says_that_all_lines_hold),
        SHOP_TEST(test_no_lines_hold),
        SHOP_TEST(test_a_broken_line_ends_the_wait_and_each_line_is_reported_with_its_place),
        SHOP_TEST(test_a_line_whose_own_time_has_passed_ends_the_wait),
        SHOP_TEST(test_never_within_waits_for_silence),
        TEST(test_only_what_no_later_item_can_break_lasts),
        SHOP_TEST(test_json_and_github_know_the_place),
        SHOP_TEST(test_judging_and_writing_survive_each_failing_allocation),
        TEST(test_the_pages_examples_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
