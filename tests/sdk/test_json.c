/* OTLP/JSON as a second encoding of what protobuf says. */
#include "loop.h"

#define JSON "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"

static void flush(struct loop *loop, int rc)
{
    loop_record(loop);
    assert_int_equal(otk_sdk_force_flush(loop->sdk, PATIENCE_MS), rc);
}

/* SDK-ENV-20, SDK-EXP-01: the receiver makes the same bytes of either. */
static void test_json_says_what_protobuf_says(void **state)
{
    struct loop protobuf, json;
    (void)state;
    loop_begin(&protobuf, NULL, NULL);
    loop_begin(&json, NULL, (const char *const[]){JSON, NULL});
    flush(&protobuf, 0);
    flush(&json, 0);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        const otk_capture *expected = otk_receiver_request(protobuf.rx, i);
        const otk_capture *seen = otk_receiver_request(json.rx, i);
        assert_int_equal(expected->encoding, OTK_ENCODING_PROTOBUF);
        assert_int_equal(seen->encoding, OTK_ENCODING_JSON);
        assert_string_equal(otk_headers_get(&seen->headers, "Content-Type"), "application/json");
        assert_string_equal(seen->notes, "");
        assert_int_equal(seen->message.size, expected->message.size);
        if (seen->signal == OTK_SIGNAL_TRACES) /* of the others, each has a moment of its own */
            assert_memory_equal(seen->message.data, expected->message.data, expected->message.size);
    }
    loop_end(&protobuf);
    loop_end(&json);
}

/* SDK-ENV-27, SDK-EXP-02 */
static void test_one_signal_may_be_json_and_compressed(void **state)
{
    struct loop loop;
    (void)state;
    loop_begin(&loop, NULL,
               (const char *const[]){"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/json",
                                     "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION=gzip", NULL});
    flush(&loop, 0);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        const otk_capture *capture = otk_receiver_request(loop.rx, i);
        bool logs = capture->signal == OTK_SIGNAL_LOGS;
        assert_int_equal(capture->encoding, logs ? OTK_ENCODING_JSON : OTK_ENCODING_PROTOBUF);
        assert_int_equal(otk_headers_get(&capture->headers, "Content-Encoding") != NULL, logs);
        assert_int_equal(capture->status, 200);
    }
    loop_end(&loop);
}

/* SDK-EXP-06: the limit is that of what is sent, and JSON is longer. */
static void test_json_too_large_is_split(void **state)
{
    struct loop whole, split;
    char limit[64];
    (void)state;
    loop_begin(&whole, NULL, (const char *const[]){JSON, NULL});
    flush(&whole, 0);
    uint64_t size = otk_receiver_request(whole.rx, 0)->body_size;
    loop_end(&whole);

    snprintf(limit, sizeof limit, "OTEL_C_EXPORTER_MAX_REQUEST_BYTES=%u", (unsigned)size - 1);
    loop_begin(&split, NULL, (const char *const[]){JSON, limit, NULL});
    flush(&split, 0);
    assert_int_equal(traces_of(split.sdk).requests, 2);
    assert_int_equal(traces_of(split.sdk).delivered, LOOP_ITEMS);
    for (size_t i = 0; i < 2; i++)
        assert_true(otk_receiver_request(split.rx, i)->body_size < size);
    loop_end(&split);
}

/* SDK-RTY-02, SDK-RTY-12: answers come in the encoding of the request. */
static void test_answers_in_json_are_read(void **state)
{
    struct loop loop;
    (void)state;
    loop_begin(&loop, NULL, (const char *const[]){JSON, NULL});
    assert_int_equal(otk_receiver_faults_set(loop.rx,
                                             "traces: partial=3 message=\"too old\"; logs: 400 message=\"no tenant\"; "
                                             "metrics: garbage type=application/json",
                                             NULL),
                     0);
    flush(&loop, OTK_ESYSTEM);
    assert_int_equal(traces_of(loop.sdk).rejected, 3);
    assert_int_equal(traces_of(loop.sdk).delivered, LOOP_ITEMS - 3);
    assert_noted(&loop.notes, "export of traces: the server rejected 3: too old");
    assert_noted(&loop.notes, "export of logs: the server answered 400: no tenant");
    assert_noted(&loop.notes, "export of metrics: the server's answer is not a valid response");
    loop_end(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_says_what_protobuf_says),
        cmocka_unit_test(test_one_signal_may_be_json_and_compressed),
        cmocka_unit_test(test_json_too_large_is_split),
        cmocka_unit_test(test_answers_in_json_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
