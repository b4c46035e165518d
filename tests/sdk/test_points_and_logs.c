/* Metrics and log records, as protobuf-c reads them out of the bytes that were sent. */
#include "world.h"

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"

static const Otk__Metrics__Metric *flush_metric(struct world *w)
{
    const Otk__Collector__Metrics__ExportMetricsServiceRequest *request =
        flush(w, &otk__collector__metrics__export_metrics_service_request__descriptor);
    return request->resource_metrics[0]->scope_metrics[0]->metrics[0];
}

/* SDK-MET-11, SDK-MET-17, SDK-MET-20, SDK-MET-21, SDK-MET-22 */
static void test_a_counter_is_a_cumulative_monotonic_sum(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_meter *meter = otk_sdk_meter(w.sdk, "meter", NULL);
    otk_counter *counter = otk_meter_counter(meter, "requests", "{request}", "Requests served");
    const otk_attributes *ab = OTK_ATTRIBUTES(otk_attribute_int("a", 1), otk_attribute_int("b", 2));
    const otk_attributes *ba = OTK_ATTRIBUTES(otk_attribute_int("b", 2), otk_attribute_int("a", 1));
    otk_counter_add(counter, 1, NULL);
    otk_counter_add(counter, 2, ab);
    otk_counter_add(counter, 3, ba);
    const Otk__Metrics__Metric *metric = flush_metric(&w);
    assert_string_equal(metric->name, "requests");
    assert_string_equal(metric->unit, "{request}");
    assert_string_equal(metric->description, "Requests served");
    assert_true(metric->sum->is_monotonic);
    assert_int_equal(metric->sum->aggregation_temporality, OTK_AGGREGATION_TEMPORALITY_CUMULATIVE);
    assert_int_equal(metric->sum->n_data_points, 2);
    assert_int_equal(metric->sum->data_points[0]->as_int, 1);
    assert_int_equal(metric->sum->data_points[1]->as_int, 5);
    assert_int_equal(metric->sum->data_points[1]->n_attributes, 2);
    uint64_t start_time = metric->sum->data_points[0]->start_time_unix_nano;
    uint64_t time = metric->sum->data_points[0]->time_unix_nano;
    assert_true(start_time > 0 && start_time <= time);

    otk_counter_add(counter, 10, NULL);
    metric = flush_metric(&w);
    assert_int_equal(metric->sum->data_points[0]->as_int, 11);
    assert_int_equal(metric->sum->data_points[1]->as_int, 5);
    assert_true(metric->sum->data_points[0]->start_time_unix_nano == start_time);
    assert_true(metric->sum->data_points[0]->time_unix_nano >= time);
    finish(&w);
}

/* SDK-MET-02, SDK-MET-03, SDK-MET-04, SDK-MET-05, SDK-MET-06 */
static void test_misuse_of_counters_is_warned_about(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_meter *meter = otk_sdk_meter(w.sdk, "meter", NULL);
    otk_counter *counter = otk_meter_counter(meter, "requests", NULL, NULL);
    assert_ptr_equal(counter, otk_meter_counter(meter, "Requests", "", ""));
    assert_int_equal(w.notes.count, 0);
    assert_ptr_not_equal(counter, otk_meter_counter(meter, "requests", "s", NULL));
    assert_noted(&w.notes, "exists with another unit");
    assert_non_null(otk_meter_counter(meter, "1st", NULL, NULL));
    assert_noted(&w.notes, "\"1st\" is not a name");
    otk_counter_add(counter, -1, NULL);
    assert_noted(&w.notes, "takes no negative value");
    assert_int_equal(stats_of(w.sdk, OTK_SIGNAL_METRICS).invalid, 1);
    finish(&w);
}

/* SDK-MET-25, SDK-MET-26 */
static void test_too_many_series_flow_into_one(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_counter *counter = otk_meter_counter(otk_sdk_meter(w.sdk, "meter", NULL), "requests", NULL, NULL);
    for (int i = 0; i < 3000; i++)
        otk_counter_add(counter, 1, OTK_ATTRIBUTES(otk_attribute_int("user", i)));
    const Otk__Metrics__Sum *sum = flush_metric(&w)->sum;
    int64_t total = 0;
    assert_int_equal(sum->n_data_points, 2001);
    for (size_t i = 0; i < sum->n_data_points; i++)
        total += sum->data_points[i]->as_int;
    assert_int_equal(total, 3000);
    const Otk__Metrics__NumberDataPoint *overflow = sum->data_points[2000];
    assert_int_equal(overflow->as_int, 1000);
    assert_true(get(overflow->attributes, overflow->n_attributes, "otel.metric.overflow")->bool_value);
    finish(&w);
}

/* ---- Log records ----------------------------------------------------- */

static const Otk__Logs__LogRecord *flush_log(struct world *w)
{
    const Otk__Collector__Logs__ExportLogsServiceRequest *request =
        flush(w, &otk__collector__logs__export_logs_service_request__descriptor);
    return request->resource_logs[0]->scope_logs[0]->log_records[0];
}

static const otk_span_context remote = {.trace_id = {1, 2, 3}, .span_id = {4, 5}, .trace_flags = 0x03};

/* SDK-LOG-01, SDK-LOG-02, SDK-LOG-03, SDK-LOG-04, SDK-LOG-05 */
static void test_a_log_record_carries_all_its_parts(void **state)
{
    struct world w;
    otk_log_record record = OTK_LOG_RECORD_INIT;
    (void)state;
    start(&w);
    record.time_unix_nano = 1000;
    record.observed_time_unix_nano = 2000;
    record.severity_number = OTK_SEVERITY_NUMBER_WARN + 1;
    record.severity_text = "notable";
    record.body = otk_value_int(42);
    record.attributes = OTK_ATTRIBUTES(otk_attribute_string("k", "v"));
    record.event_name = "disk.full";
    record.context = &remote;
    otk_logger_emit(otk_sdk_logger(w.sdk, "logger", NULL), &record);
    const Otk__Logs__LogRecord *log = flush_log(&w);
    assert_int_equal(log->time_unix_nano, 1000);
    assert_int_equal(log->observed_time_unix_nano, 2000);
    assert_int_equal(log->severity_number, 14);
    assert_string_equal(log->severity_text, "notable");
    assert_int_equal(log->body->int_value, 42);
    assert_text(get(log->attributes, log->n_attributes, "k"), "v");
    assert_string_equal(log->event_name, "disk.full");
    assert_memory_equal(log->trace_id.data, remote.trace_id, 16);
    assert_memory_equal(log->span_id.data, remote.span_id, 8);
    assert_int_equal(log->flags, 3);
    finish(&w);
}

/* SDK-LOG-07, SDK-ENV-16, SDK-ENC-09 */
static void test_log_records_have_limits_of_their_own(void **state)
{
    struct world w;
    otk_log_record record = OTK_LOG_RECORD_INIT;
    (void)state;
    start_with(&w, (const char *const[]){"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT=1", "OTEL_ATTRIBUTE_COUNT_LIMIT=9",
                                         "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT=2", NULL});
    record.attributes = OTK_ATTRIBUTES(otk_attribute_string("a", "first"), otk_attribute_string("b", "dropped"),
                                       otk_attribute_string("a", "second"));
    otk_logger_emit(otk_sdk_logger(w.sdk, "logger", NULL), &record);
    const Otk__Logs__LogRecord *log = flush_log(&w);
    assert_int_equal(log->n_attributes, 1);
    assert_text(get(log->attributes, 1, "a"), "se");
    assert_int_equal(log->dropped_attributes_count, 1);
    finish(&w);
}

/* SDK-LOG-02, SDK-LOG-03 */
static void test_a_short_log_call_fills_in_the_rest(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "span", NULL);
    otk_logger_log(otk_sdk_logger(w.sdk, "logger", NULL), OTK_SEVERITY_NUMBER_INFO, "text", span);
    const Otk__Logs__LogRecord *log = flush_log(&w);
    assert_true(log->time_unix_nano > 0);
    assert_true(log->observed_time_unix_nano == log->time_unix_nano);
    assert_text(log->body, "text");
    assert_memory_equal(log->span_id.data, otk_span_get_context(span)->span_id, 8);
    otk_span_free(span);
    finish(&w);
}

static void test_an_empty_log_record_is_still_observed(void **state)
{
    struct world w;
    const otk_log_record record = OTK_LOG_RECORD_INIT;
    (void)state;
    start(&w);
    otk_logger_emit(otk_sdk_logger(w.sdk, "logger", NULL), &record);
    const Otk__Logs__LogRecord *log = flush_log(&w);
    assert_true(log->observed_time_unix_nano > 0);
    assert_false(log->has_time_unix_nano || log->has_severity_number || log->has_trace_id || log->has_flags);
    assert_null(log->body);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_counter_is_a_cumulative_monotonic_sum),
        cmocka_unit_test(test_misuse_of_counters_is_warned_about),
        cmocka_unit_test(test_too_many_series_flow_into_one),
        cmocka_unit_test(test_a_log_record_carries_all_its_parts),
        cmocka_unit_test(test_log_records_have_limits_of_their_own),
        cmocka_unit_test(test_a_short_log_call_fills_in_the_rest),
        cmocka_unit_test(test_an_empty_log_record_is_still_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
