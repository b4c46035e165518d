/* The SDK's best test is our own receiver: it finds nothing odd in what we send. */
#include "test.h"

#include <otlpkit/receiver.h>

static otk_sdk *start(const otk_receiver *rx, const char *const *settings)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.service_name = "loop";
    options.endpoint = otk_receiver_url(rx);
    options.settings = settings;
    options.ignore_environment = true;
    return otk_sdk_start(&options, NULL);
}

static void record_all(otk_sdk *sdk)
{
    const otk_value nested[] = {otk_value_int(1), otk_value_bytes("\0", 1)};
    otk_counter *counter = otk_meter_counter(otk_sdk_meter(sdk, "m", NULL), "count", "1", NULL);
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "t", NULL), "span", NULL);
    otk_span_set_value(span, "nested", otk_value_array(nested, 2));
    otk_span_add_event(span, "event", OTK_ATTRIBUTES(otk_attribute_double("d", 0.5)));
    otk_span_add_link(span, otk_span_get_context(span), NULL);
    otk_span_set_int(span, "late", 2);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "why");
    otk_logger_log(otk_sdk_logger(sdk, "l", NULL), OTK_SEVERITY_NUMBER_ERROR, "text", span);
    otk_span_free(span);
    otk_counter_add(counter, 7, OTK_ATTRIBUTES(otk_attribute_bool("b", true)));
}

static void assert_loop(const char *const *settings)
{
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = start(rx, settings);
    record_all(sdk);
    assert_int_equal(otk_sdk_force_flush(sdk, PATIENCE_MS), 0);

    const otk_captured_span *span = otk_receiver_span(rx, 0);
    assert_string_equal(span->resource->service_name, "loop");
    assert_string_equal(span->scope->name.data, "t");
    assert_int_equal(span->attributes.count, 2);
    assert_int_equal(span->event_count, 1);
    assert_int_equal(span->link_count, 1);
    assert_string_equal(span->status_message, "why");
    const otk_captured_metric *metric = otk_receiver_metric(rx, 0);
    assert_true(metric->is_monotonic);
    assert_int_equal(metric->points[0].value.as.int_value, 7);
    const otk_captured_log *log = otk_receiver_log(rx, 0);
    assert_string_equal(log->body.as.string_value.data, "text");
    assert_memory_equal(log->span_id.data, span->span_id.data, 8);
    for (size_t i = 0; i < 3; i++) {
        const otk_capture *capture = otk_receiver_request(rx, i);
        assert_int_equal(capture->status, 200);
        assert_string_equal(capture->notes, "");
        assert_int_equal(capture->unknown_field_count, 0);
    }
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

static void test_what_is_recorded_is_captured(void **state)
{
    (void)state;
    assert_loop(NULL);
}

static void test_what_is_recorded_is_captured_through_gzip(void **state)
{
    (void)state;
    assert_loop((const char *const[]){"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", NULL});
}

/* SDK-ENC-12: the receiver refuses bytes that are no UTF-8. */
static void test_bad_text_is_repaired_wherever_it_stands(void **state)
{
    static const char bad[] = "bad \xff";
    const otk_attributes *attributes = OTK_ATTRIBUTES(otk_attribute_string(bad, bad));
    const otk_scope_options scope = {bad, bad, attributes};
    const otk_span_context elsewhere = {.trace_id = {1}, .span_id = {2}, .trace_flags = 1, .trace_state = bad};
    const otk_log_record record = {
        .severity_text = bad, .body = otk_value_string(bad), .attributes = attributes, .event_name = bad};
    otk_span_options of_span = OTK_SPAN_OPTIONS_INIT;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    options.endpoint = otk_receiver_url(rx);
    options.service_name = bad;
    options.resource = attributes;
    options.ignore_environment = true;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    of_span.parent = &elsewhere;
    of_span.attributes = attributes;
    otk_span *span = otk_span_start_with(otk_sdk_tracer(sdk, bad, &scope), bad, &of_span);
    otk_span_add_event(span, bad, attributes);
    otk_span_add_link(span, &elsewhere, attributes);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, bad);
    otk_span_free(span);
    otk_logger_emit(otk_sdk_logger(sdk, bad, &scope), &record);
    otk_counter_add(otk_meter_counter(otk_sdk_meter(sdk, bad, &scope), "count", bad, bad), 1, attributes);
    assert_int_equal(otk_sdk_force_flush(sdk, PATIENCE_MS), 0);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        const otk_capture *capture = otk_receiver_request(rx, i);
        assert_int_equal(capture->status, 200);
        assert_string_equal(capture->notes, "");
    }
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

/* SDK-RTY-04, SDK-RTY-12: the receiver's reason reaches the person who reads the warnings. */
static void test_a_wrong_path_is_explained(void **state)
{
    struct notes notes = {0};
    char setting[128];
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    snprintf(setting, sizeof setting, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s", otk_receiver_url(rx));
    options.settings = (const char *const[]){setting, NULL};
    options.ignore_environment = true;
    options.on_warning = note;
    options.on_warning_arg = &notes;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    otk_span_free(otk_span_start(otk_sdk_tracer(sdk, "t", NULL), "span", NULL));
    assert_int_equal(otk_sdk_force_flush(sdk, PATIENCE_MS), OTK_ESYSTEM);
    assert_noted(&notes, "export of traces: the server answered 404");
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

/* Several SDKs may run in one process, each with its own receiver. */
static void test_two_sdks_do_not_mix(void **state)
{
    otk_receiver *rx[2];
    otk_sdk *sdk[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        rx[i] = otk_receiver_start(NULL, NULL);
        sdk[i] = start(rx[i], NULL);
    }
    otk_span *parent = otk_span_start(otk_sdk_tracer(sdk[0], "t", NULL), "parent", NULL);
    otk_span_free(otk_span_start(otk_sdk_tracer(sdk[1], "t", NULL), "child", parent));
    otk_span_free(parent);
    for (int i = 0; i < 2; i++)
        assert_int_equal(otk_sdk_force_flush(sdk[i], PATIENCE_MS), 0);
    const otk_captured_span *first = otk_receiver_span(rx[0], 0);
    const otk_captured_span *second = otk_receiver_span(rx[1], 0);
    assert_string_equal(first->name, "parent");
    assert_string_equal(second->name, "child");
    assert_memory_equal(second->parent_span_id.data, first->span_id.data, 8);
    assert_null(otk_receiver_span(rx[0], 1));
    for (int i = 0; i < 2; i++) {
        otk_sdk_stop(sdk[i]);
        otk_receiver_stop(rx[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_recorded_is_captured),
        cmocka_unit_test(test_what_is_recorded_is_captured_through_gzip),
        cmocka_unit_test(test_bad_text_is_repaired_wherever_it_stands),
        cmocka_unit_test(test_a_wrong_path_is_explained),
        cmocka_unit_test(test_two_sdks_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
