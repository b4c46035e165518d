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
    assert_string_equal(otk_buffer_string(&out),
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

static void test_code_fits_the_http_status(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *code;
    } cases[] = {{400, "3"}, {404, "5"}, {405, "12"}, {408, "4"}, {413, "8"}, {415, "3"}, {503, "14"}, {418, "2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char start_of_it[32];
        out.size = 0;
        assert_int_equal(otk_answer_failure(&out, OTK_ENCODING_JSON, cases[i].status, "", NULL), 0);
        snprintf(start_of_it, sizeof start_of_it, "{\"code\":%s,", cases[i].code);
        assert_int_equal(strncmp(otk_buffer_string(&out), start_of_it, strlen(start_of_it)), 0);
    }
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
