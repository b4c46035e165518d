/* Reports: what stands in the text of several conditions, and the same as JSON. */
#include "report.h"
#include "story.h"

#include <jansson.h>

static otk_receiver *rx;

static int start(void **state)
{
    (void)state;
    rx = otk_receiver_start(NULL, NULL);
    tell(rx, SPANS(ROOT "," CHILD));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    otk_receiver_stop(rx);
    return 0;
}

static void tell_nonsense(void)
{
    tell_as(otk_receiver_port(rx), "/v1/traces", "User-Agent: old-client/1\r\n", "{'resourceSpans':7}");
}

static void assert_text(otk_condition c, const char *expected)
{
    otk_report *report = otk_expect(rx, c, 20);
    assert_non_null(report);
    assert_string_equal(otk_report_text(report), expected);
    otk_report_free(report);
}

static json_t *json_of(otk_condition c)
{
    otk_report *report;
    json_error_t error;
    otk_receiver_wait(rx, &c, 20, &report);
    json_t *tree = json_loads(otk_report_json(report), 0, &error);
    if (!tree)
        fail_msg("%s: %s", error.text, otk_report_json(report));
    otk_report_free(report);
    return tree;
}

static const char *text_at(const json_t *tree, const char *list, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(json_object_get(tree, list), 0), key));
    return text ? text : "(absent)";
}

static void test_missing_and_met_stand_in_one_report(void **state)
{
    (void)state;
    const otk_condition both[] = {otk_seen("{ name = \"checkout\" }"),
                                  otk_seen("{ name = \"charge\" && kind = client }")};
    assert_text(otk_all_of(both, 2),
                "MISSING within 20 ms: { name = \"charge\" && kind = client }\n"
                "  seen 0 times, wanted at least 1\n"
                "  nearest: span \"charge\" of \"shop\", request 1: kind is unspecified, expected = client\n"
                "  nearest: span \"checkout\" of \"shop\", request 1: name is string \"checkout\", expected = string "
                "\"charge\"; kind is server, expected = client\n"
                "MET: { name = \"checkout\" }: seen 1 time, wanted at least 1\n"
                "ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records\n"
                "EXTRA: 1 item that nothing asked for\n"
                "  span \"charge\" of \"shop\", request 1\n");
}

static void test_any_of_several_names_each(void **state)
{
    (void)state;
    const otk_condition either[] = {otk_none("{ name = \"charge\" }", 0), otk_none("{ name = \"checkout\" }", 0)};
    assert_text(otk_any_of(either, 2), "MISSING: any of 2 conditions\n"
                                       "  seen 0, wanted at least 1\n"
                                       "TOO MANY: { name = \"charge\" }\n"
                                       "  seen 1 time, wanted none\n"
                                       "  newest: span \"charge\" of \"shop\", request 1\n"
                                       "TOO MANY: { name = \"checkout\" }\n"
                                       "  seen 1 time, wanted none\n"
                                       "  newest: span \"checkout\" of \"shop\", request 1\n"
                                       "ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records\n");
}

static void test_refusal_is_told_in_the_first_lines_and_in_full(void **state)
{
    (void)state;
    tell_nonsense();
    assert_text(otk_seen("log{ body = \"hello\" }"),
                "MISSING within 20 ms: log{ body = \"hello\" }\n"
                "  seen 0 times, wanted at least 1\n"
                "  but 1 of 2 requests was refused, request 2: resourceSpans[0]: '[' expected at byte 17\n"
                "REFUSED: 1 of 2 requests\n"
                "  request 2: answered 400 to POST /v1/traces: resourceSpans[0]: '[' expected at byte 17 (from "
                "old-client/1)\n"
                "ARRIVED: 2 requests with 2 spans, 0 metrics, 0 log records\n"
                "EXTRA: 2 items that nothing asked for\n"
                "  span \"checkout\" of \"shop\", request 1\n"
                "  span \"charge\" of \"shop\", request 1\n");
}

static void test_right_span_under_the_wrong_parent_is_named(void **state)
{
    (void)state;
    assert_text(otk_seen("{ name = \"charge\" } > { name = \"checkout\" }"),
                "MISSING within 20 ms: { name = \"charge\" } > { name = \"checkout\" }\n"
                "  seen 0 times, wanted it to hold\n"
                "  nearest: span \"checkout\" of \"shop\", request 1: the span is a root, without a parent, expected a "
                "child of { name = \"charge\" }\n"
                "ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records\n"
                "EXTRA: 2 items that nothing asked for\n"
                "  span \"checkout\" of \"shop\", request 1\n"
                "  span \"charge\" of \"shop\", request 1\n");
}

static void test_missing_parent_of_a_trace_is_named(void **state)
{
    (void)state;
    otk_receiver_reset(rx);
    tell(rx, SPANS(CHILD));
    assert_text(
        otk_trace_complete(NULL, 0, 0),
        "MISSING within 20 ms: every trace\n"
        "  seen 0 complete of 1, wanted complete\n"
        "  trace 0af7651916cd43dd8448eb211c80319c: parent span 00000000000000a1 has not come (1 missing in all)\n"
        "ARRIVED: 1 request with 1 span, 0 metrics, 0 log records\n"
        "EXTRA: 1 item that nothing asked for\n"
        "  span \"charge\" of \"shop\", request 2\n");
}

static void test_terminal_escapes_in_what_came_do_not_reach_the_terminal(void **state)
{
    (void)state;
    otk_receiver_reset(rx);
    tell(rx, SPANS("{'name':'\\u001b[31mred'}"));
    otk_report *report = otk_expect(rx, otk_none("{ }", 0), 0);
    assert_non_null(report);
    assert_null(strchr(otk_report_text(report), '\033'));
    otk_report_free(report);
}

static void test_json_says_the_same(void **state)
{
    (void)state;
    tell_nonsense();
    json_t *tree = json_of(otk_seen("{ name = \"charge\" && kind = client }"));
    assert_true(json_is_false(json_object_get(tree, "holds")));
    assert_string_equal(text_at(tree, "missing", "condition"), "{ name = \"charge\" && kind = client }");
    assert_string_equal(text_at(tree, "missing", "seen"), "0 times");
    const json_t *missing = json_array_get(json_object_get(tree, "missing"), 0);
    assert_string_equal(text_at(missing, "nearest", "name"), "charge");
    const json_t *near = json_array_get(json_object_get(missing, "nearest"), 0);
    assert_string_equal(text_at(near, "differences", "field"), "kind");
    assert_string_equal(text_at(near, "differences", "actual"), "unspecified");
    assert_string_equal(text_at(tree, "refused", "userAgent"), "old-client/1");
    assert_int_equal(json_integer_value(json_object_get(tree, "extraTotal")), 2);
    json_decref(tree);
}

static void test_report_of_what_was_met_holds(void **state)
{
    (void)state;
    json_t *tree = json_of(otk_seen("{ name = \"charge\" }"));
    assert_true(json_is_true(json_object_get(tree, "holds")));
    assert_string_equal(text_at(tree, "met", "seen"), "1 time");
    assert_int_equal(json_array_size(json_object_get(tree, "missing")), 0);
    json_decref(tree);
}

static void test_a_closed_receiver_waits_for_nothing_and_says_so(void **state)
{
    (void)state;
    otk_receiver_close(rx);
    otk_report *report = otk_expect(rx, otk_seen("log{ }"), 600000);
    assert_non_null(report);
    assert_memory_equal(otk_report_text(report), "MISSING: log{ }\n", strlen("MISSING: log{ }\n"));
    otk_report_free(report);
}

static void test_what_holds_takes_one_line(void **state)
{
    (void)state;
    const otk_condition either[] = {otk_seen("{ name = \"charge\" }"), otk_seen("{ name = \"refund\" }")};
    const otk_condition any = otk_any_of(either, 2);
    otk_report *report;
    assert_int_equal(otk_receiver_wait(rx, &any, 20, &report), 0);
    assert_string_equal(otk_report_text(report),
                        "HOLDS: 1 condition; 1 request with 2 spans, 0 metrics, 0 log records\n");
    assert_non_null(strstr(otk_report_json(report), "\"missing\":[]"));
    otk_report_free(report);
}

static void test_what_was_lost_or_came_twice_is_told_although_all_holds(void **state)
{
    (void)state;
    const otk_condition seen = otk_seen("{ name = \"charge\" }");
    otk_report *report;
    tell(rx, SPANS(ROOT "," CHILD));
    tell_nonsense();
    assert_int_equal(otk_receiver_wait(rx, &seen, 20, &report), 0);
    assert_string_equal(otk_report_text(report),
                        "HOLDS: 1 condition; 3 requests with 4 spans, 0 metrics, 0 log records\n"
                        "REFUSED: 1 of 3 requests\n"
                        "  request 3: answered 400 to POST /v1/traces: resourceSpans[0]: '[' expected at byte 17 (from "
                        "old-client/1)\n"
                        "REPEATED: 1 request with the same bytes as one before\n");
    assert_non_null(strstr(otk_report_json(report), "\"repeatedRequests\":1"));
    otk_report_free(report);
}

static void assert_written(otk_report *report, otk_report_format format, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    assert_int_equal(otk_report_write(report, format, to), 0);
    fclose(to);
    assert_string_equal(text, expected);
    free(text);
    otk_report_free(report);
}

static void test_conditions_of_which_any_is_enough_are_one_test(void **state)
{
    (void)state;
    const otk_condition either[] = {otk_none("{ name = \"charge\" }", 0), otk_none("{ }", 0)};
    const otk_condition arrived = otk_seen("{ }");
    const otk_condition both[] = {otk_any_of(either, 2), arrived};
    assert_written(otk_expect(rx, otk_all_of(both, 2), 20), OTK_REPORT_TAP,
                   "TAP version 14\n1..2\n"
                   "not ok 1 - any of 2 conditions, wanted at least 1\n"
                   "  ---\n  message: |\n"
                   "    MISSING: any of 2 conditions\n"
                   "      seen 0, wanted at least 1\n"
                   "    TOO MANY: { name = \"charge\" }\n"
                   "      seen 1 time, wanted none\n"
                   "      newest: span \"charge\" of \"shop\", request 1\n"
                   "    TOO MANY: { }\n"
                   "      seen 2 times, wanted none\n"
                   "      newest: span \"charge\" of \"shop\", request 1\n"
                   "      and:    span \"checkout\" of \"shop\", request 1\n"
                   "  ...\n"
                   "ok 2 - { }, wanted at least 1\n"
                   "# ARRIVED: 1 request with 2 spans, 0 metrics, 0 log records\n");
}

static void test_what_cannot_be_judged_is_a_test_that_failed(void **state)
{
    (void)state;
    assert_written(otk_expect(rx, otk_seen("{ nam = 1 }"), 20), OTK_REPORT_GITHUB,
                   "::error title=conditions can be judged::unknown name `nam`, did you mean `name`?%0A"
                   "  { nam = 1 }%0A    ^~~\n");
    tell_nonsense();
    assert_written(otk_expect_nothing_lost(rx), OTK_REPORT_TAP,
                   "TAP version 14\n1..1\nnot ok 1 - nothing was lost on the way in\n"
                   "  ---\n  message: |\n"
                   "    REFUSED: 1 of 2 requests\n"
                   "      request 2: answered 400 to POST /v1/traces: resourceSpans[0]: '[' expected at byte 17 (from "
                   "old-client/1)\n"
                   "    ARRIVED: 2 requests with 2 spans, 0 metrics, 0 log records\n"
                   "  ...\n");
}

static void test_a_report_that_found_no_memory_is_written_too(void **state)
{
    (void)state;
    assert_written(otk_report_out_of_memory(), OTK_REPORT_TEXT, "out of memory: there is no report\n");
    assert_written(otk_report_out_of_memory(), OTK_REPORT_JSON,
                   "{\"holds\":false,\"error\":\"out of memory: there is no report\"}\n");
    assert_written(otk_report_out_of_memory(), OTK_REPORT_GITHUB,
                   "::error title=conditions can be judged::out of memory: there is no report\n");
}

static void test_a_full_disk_is_told(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    otk_report *report = otk_expect(rx, otk_none("{ }", 0), 0);
    assert_int_equal(otk_report_write(report, OTK_REPORT_TAP, full), OTK_ESYSTEM);
    fclose(full);
    otk_report_free(report);
}

static void test_wrong_selector_is_explained_with_a_caret(void **state)
{
    (void)state;
    const otk_condition both[] = {otk_seen("{ }"), otk_seen("{ nam = \"x\" }")};
    assert_text(otk_all_of(both, 2), "unknown name `nam`, did you mean `name`?\n"
                                     "  { nam = \"x\" }\n"
                                     "    ^~~\n");
    json_t *tree = json_of(otk_all_of(both, 2));
    assert_non_null(json_object_get(tree, "error"));
    json_decref(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_missing_and_met_stand_in_one_report),
        TEST(test_any_of_several_names_each),
        TEST(test_refusal_is_told_in_the_first_lines_and_in_full),
        TEST(test_right_span_under_the_wrong_parent_is_named),
        TEST(test_missing_parent_of_a_trace_is_named),
        TEST(test_terminal_escapes_in_what_came_do_not_reach_the_terminal),
        TEST(test_json_says_the_same),
        TEST(test_report_of_what_was_met_holds),
        TEST(test_a_closed_receiver_waits_for_nothing_and_says_so),
        TEST(test_what_holds_takes_one_line),
        TEST(test_what_was_lost_or_came_twice_is_told_although_all_holds),
        TEST(test_conditions_of_which_any_is_enough_are_one_test),
        TEST(test_what_cannot_be_judged_is_a_test_that_failed),
        TEST(test_a_report_that_found_no_memory_is_written_too),
        TEST(test_a_full_disk_is_told),
        TEST(test_wrong_selector_is_explained_with_a_caret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
