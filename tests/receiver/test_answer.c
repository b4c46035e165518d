/* The answers' bytes, read back. */
#include "test.h"

#include "answer.h"
#include "json.h"
#include "schema.h"

static struct otk_buffer out;

static int start(void **state)
{
    (void)state;
    out = OTK_BUFFER_INIT(1 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    otk_buffer_clear(&out);
    return 0;
}

/* RX-RESP-01, RX-RESP-02, RX-RESP-08 */
static void test_success_says_nothing_more(void **state)
{
    (void)state;
    assert_int_equal(otk_answer_success(&out, OTK_ENCODING_PROTOBUF), 0);
    assert_int_equal(out.size, 0);
    assert_int_equal(otk_answer_success(&out, OTK_ENCODING_JSON), 0);
    assert_string_equal(otk_buffer_string(&out), "{}");
}

/* RX-RESP-10, RX-RESP-11, RX-JSON-22 */
static void test_failure_without_a_type_is_json(void **state)
{
    (void)state;
    assert_int_equal(otk_answer_failure(&out, OTK_ENCODING_UNKNOWN, 415, "send \"that\"", NULL), 0);
    assert_string_equal(otk_buffer_string(&out), "{\"code\":3,\"message\":\"send \\\"that\\\"\"}");
}

/* RX-RESP-16, RX-JSON-22 */
static void test_fault_becomes_a_bad_request_detail(void **state)
{
    (void)state;
    const struct otk_fault fault = {.offset = 12, .path = "resourceSpans[0]", .what = "truncated"};
    assert_int_equal(otk_answer_failure(&out, OTK_ENCODING_JSON, 400, "no", &fault), 0);
    assert_string_equal(
        otk_buffer_string(&out),
        "{\"code\":3,\"message\":\"no\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\","
        "\"fieldViolations\":[{\"field\":\"resourceSpans[0]\",\"description\":\"truncated at byte 12\"}]}]}");
}

static void test_protobuf_holds_what_json_shows(void **state)
{
    (void)state;
    const struct otk_fault fault = {.what = "truncated"};
    struct otk_buffer json = OTK_BUFFER_INIT(1 << 20), shown = OTK_BUFFER_INIT(1 << 20);
    assert_int_equal(otk_answer_failure(&out, OTK_ENCODING_PROTOBUF, 400, "no", &fault), 0);
    assert_int_equal(otk_answer_failure(&json, OTK_ENCODING_JSON, 400, "no", &fault), 0);
    assert_int_equal(otk_json_write(&shown, otk_schema(OTK_MESSAGE_STATUS), out.data, out.size), 0);
    assert_string_equal(otk_buffer_string(&shown), otk_buffer_string(&json));
    assert_non_null(strstr(otk_buffer_string(&json), "\"field\":\"body\""));
    otk_buffer_clear(&json);
    otk_buffer_clear(&shown);
}

/* RX-RESP-12: nobody acts on it, and it is right all the same. */
static void test_code_fits_the_http_status(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *code;
    } cases[] = {{400, "3"}, {401, "16"}, {403, "7"}, {404, "5"},  {405, "12"},
                 {408, "4"}, {413, "8"},  {415, "3"}, {503, "14"}, {418, "2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char start_of_it[32];
        out.size = 0;
        assert_int_equal(otk_answer_failure(&out, OTK_ENCODING_JSON, cases[i].status, "", NULL), 0);
        snprintf(start_of_it, sizeof start_of_it, "{\"code\":%s,", cases[i].code);
        assert_int_equal(strncmp(otk_buffer_string(&out), start_of_it, strlen(start_of_it)), 0);
    }
}

/* RX-RESP-04, RX-RESP-05, RX-RESP-06 */
static void test_partial_success_holds_the_number_and_the_reason(void **state)
{
    (void)state;
    static const char *const names[OTK_SIGNAL_COUNT] = {"rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"};
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++) {
        char expected[128];
        struct otk_buffer bytes = OTK_BUFFER_INIT(1 << 20), shown = OTK_BUFFER_INIT(1 << 20);
        const struct otk_message *type = otk_schema((enum otk_message_id)(OTK_MESSAGE_TRACES_RESPONSE + i));
        snprintf(expected, sizeof expected, "{\"partialSuccess\":{\"%s\":\"3\",\"errorMessage\":\"why\"}}", names[i]);
        out.size = 0;
        assert_int_equal(otk_answer_partial(&out, OTK_ENCODING_JSON, (otk_signal)i, 3, "why"), 0);
        assert_string_equal(otk_buffer_string(&out), expected);
        assert_int_equal(otk_answer_partial(&bytes, OTK_ENCODING_PROTOBUF, (otk_signal)i, 3, "why"), 0);
        assert_int_equal(otk_json_write(&shown, type, bytes.data, bytes.size), 0);
        assert_string_equal(otk_buffer_string(&shown), expected);
        otk_buffer_clear(&bytes);
        otk_buffer_clear(&shown);
    }
}

/* RX-RESP-07, RX-RESP-08 */
static void test_warning_rejects_none_and_is_never_empty(void **state)
{
    (void)state;
    assert_int_equal(otk_answer_partial(&out, OTK_ENCODING_JSON, OTK_SIGNAL_TRACES, 0, "odd"), 0);
    assert_string_equal(otk_buffer_string(&out), "{\"partialSuccess\":{\"errorMessage\":\"odd\"}}");
    out.size = 0;
    assert_int_equal(otk_answer_partial(&out, OTK_ENCODING_JSON, OTK_SIGNAL_TRACES, 0, ""), 0);
    assert_string_equal(otk_buffer_string(&out), "{}");
    out.size = 0;
    assert_int_equal(otk_answer_partial(&out, OTK_ENCODING_PROTOBUF, OTK_SIGNAL_TRACES, 0, ""), 0);
    assert_int_equal(out.size, 0);
}

/* A message of 30,000 two-byte characters, quotes among them. */
static const char *long_message(void)
{
    static char text[60001];
    for (size_t i = 0; i < 60000; i += 2)
        memcpy(text + i, i % 100 ? "\xc3\xa4" : "\"\"", 2);
    return text;
}

/* RX-RESP-21, RX-RESP-22, RX-RESP-23 */
static void test_message_is_cut_to_the_limit_between_characters(void **state)
{
    (void)state;
    const otk_encoding encodings[] = {OTK_ENCODING_PROTOBUF, OTK_ENCODING_JSON};
    struct otk_index index = {0};
    struct otk_fault fault;
    for (size_t i = 0; i < 2; i++) {
        for (size_t limit = 100; limit < 104; limit++) {
            struct otk_buffer small = OTK_BUFFER_INIT(limit);
            assert_int_equal(otk_answer_partial(&small, encodings[i], OTK_SIGNAL_LOGS, 3, long_message()), 0);
            assert_in_range(small.size, 30, limit);
            if (i == 0)
                assert_int_equal(
                    otk_wire_read(&index, otk_schema(OTK_MESSAGE_LOGS_RESPONSE), small.data, small.size, &fault), 0);
            otk_index_clear(&index);
            otk_buffer_clear(&small);
        }
        struct otk_buffer tiny = OTK_BUFFER_INIT(1);
        assert_int_equal(otk_answer_partial(&tiny, encodings[i], OTK_SIGNAL_LOGS, 3, "why"), OTK_ELIMIT);
        otk_buffer_clear(&tiny);
    }
}

/* RX-RESP-08: what is left of a warning must not be an empty partial success. */
static void test_warning_that_does_not_fit_becomes_success(void **state)
{
    (void)state;
    struct otk_buffer small = OTK_BUFFER_INIT(2);
    assert_int_equal(otk_answer_partial(&small, OTK_ENCODING_JSON, OTK_SIGNAL_LOGS, 0, "why"), 0);
    assert_int_equal(small.size, 2);
    assert_memory_equal(small.data, "{}", 2);
    otk_buffer_clear(&small);
}

/* RX-RESP-14: details are more than must be, and go first. */
static void test_status_over_the_limit_loses_its_detail_then_its_words(void **state)
{
    (void)state;
    const struct otk_fault fault = {.offset = 12, .path = "resourceSpans[0]", .what = "truncated"};
    struct otk_buffer small = OTK_BUFFER_INIT(60), tiny = OTK_BUFFER_INIT(26);
    assert_int_equal(otk_answer_failure(&small, OTK_ENCODING_JSON, 400, "truncated", &fault), 0);
    assert_int_equal(otk_buffer_byte(&small, 0), 0);
    assert_string_equal((const char *)small.data, "{\"code\":3,\"message\":\"truncated\"}");
    assert_int_equal(otk_answer_failure(&tiny, OTK_ENCODING_JSON, 400, "truncated", &fault), 0);
    assert_int_equal(tiny.size, 26);
    assert_memory_equal(tiny.data, "{\"code\":3,\"message\":\"tru\"}", 26);
    otk_buffer_clear(&small);
    otk_buffer_clear(&tiny);
}

#define test(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(success_says_nothing_more),
        test(failure_without_a_type_is_json),
        test(fault_becomes_a_bad_request_detail),
        test(protobuf_holds_what_json_shows),
        test(code_fits_the_http_status),
        test(partial_success_holds_the_number_and_the_reason),
        test(warning_rejects_none_and_is_never_empty),
        test(message_is_cut_to_the_limit_between_characters),
        test(warning_that_does_not_fit_becomes_success),
        test(status_over_the_limit_loses_its_detail_then_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
