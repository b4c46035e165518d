/* Numbers out of metric points. */
#include "given.h"

#include "measure.h"

#include <math.h>

#define DATA(data) "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[{'name':'m'," data "}]}]}]}"
#define SUM(temporality, points)                                                                                       \
    DATA("'sum':{'isMonotonic':true,'aggregationTemporality':" temporality ",'dataPoints':[" points "]}")
#define POINT(route, start, time, value)                                                                               \
    "{'attributes':[{'key':'route','value':{'stringValue':'" route "'}}],'startTimeUnixNano':'" start                  \
    "','timeUnixNano':'" time "','asInt':'" value "'}"
#define DELTA "1"
#define CUMULATIVE "2"

static struct otk_baseline *baseline;
static struct otk_measured *measured;

static int start(void **state)
{
    (void)state;
    baseline = otk_baseline_new();
    measured = otk_measured_new(baseline);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    otk_measured_free(measured);
    otk_baseline_free(baseline);
    return 0;
}

static void feed(const char *json)
{
    otk_capture *c = given(OTK_SIGNAL_METRICS, json);
    const otk_captured_metric *m = otk_capture_metric(c, 0);
    for (uint32_t i = 0; i < m->point_count; i++)
        assert_int_equal(otk_measured_feed(measured, otk_capture_of(c), 0, i), 0);
    forget(c);
}

/* As at a reset: what came so far is the baseline of what follows. */
static void feed_before_reset(const char *json)
{
    otk_capture *c = given(OTK_SIGNAL_METRICS, json);
    assert_int_equal(otk_baseline_feed(baseline, otk_capture_of(c)), 0);
    forget(c);
}

static double get(otk_measure measure, double argument)
{
    double value = -1;
    assert_true(otk_measured_get(measured, measure, argument, &value));
    return value;
}

static void assert_value(otk_measure measure, double argument, double expected)
{
    assert_float_equal(get(measure, argument), expected, 1e-9);
}

static void test_deltas_add_up(void **state)
{
    (void)state;
    feed(SUM(DELTA, POINT("/pay", "1", "2", "3") "," POINT("/buy", "1", "2", "10")));
    feed(SUM(DELTA, POINT("/pay", "2", "3", "4")));
    assert_value(OTK_MEASURE_SUM, 0, 17);
}

static void test_of_a_cumulative_series_the_newest_point_counts(void **state)
{
    (void)state;
    feed(SUM(CUMULATIVE, POINT("/pay", "1", "2", "3") "," POINT("/buy", "1", "2", "10")));
    feed(SUM(CUMULATIVE, POINT("/pay", "1", "4", "7")));
    feed(SUM(CUMULATIVE, POINT("/pay", "1", "3", "5")));
    assert_value(OTK_MEASURE_SUM, 0, 17);
}

static void test_cumulative_series_counts_from_the_reset(void **state)
{
    (void)state;
    feed_before_reset(SUM(CUMULATIVE, POINT("/pay", "1", "2", "3")));
    feed(SUM(CUMULATIVE, POINT("/pay", "1", "3", "5") "," POINT("/buy", "1", "3", "10")));
    assert_value(OTK_MEASURE_SUM, 0, 12);
}

static void test_program_that_began_anew_counts_from_zero(void **state)
{
    (void)state;
    feed_before_reset(SUM(CUMULATIVE, POINT("/pay", "1", "2", "100")));
    feed(SUM(CUMULATIVE, POINT("/pay", "1", "3", "101")));
    feed(SUM(CUMULATIVE, POINT("/pay", "5", "6", "2")));
    assert_value(OTK_MEASURE_SUM, 0, 3);
}

static void test_gauge_is_its_newest_point(void **state)
{
    (void)state;
    feed(DATA("'gauge':{'dataPoints':[{'timeUnixNano':'5','asDouble':1.5},{'timeUnixNano':'4','asDouble':9}]}"));
    assert_value(OTK_MEASURE_GAUGE, 0, 1.5);
}

#define HISTOGRAM                                                                                                      \
    DATA("'histogram':{'aggregationTemporality':1,'dataPoints':[{'count':'10','sum':55.5,'bucketCounts':['1','4','4'," \
         "'1'],"                                                                                                       \
         "'explicitBounds':[10,20,30]}]}")

static void test_histogram_has_count_sum_and_buckets(void **state)
{
    (void)state;
    feed(HISTOGRAM);
    feed(HISTOGRAM);
    assert_value(OTK_MEASURE_HISTOGRAM_COUNT, 0, 20);
    assert_value(OTK_MEASURE_HISTOGRAM_SUM, 0, 111);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 10, 2);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 10.1, 8);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 1000, 2);
}

static void test_quantile_is_interpolated_in_its_bucket(void **state)
{
    (void)state;
    feed(HISTOGRAM);
    assert_value(OTK_MEASURE_HISTOGRAM_QUANTILE, 0.5, 20);
    assert_value(OTK_MEASURE_HISTOGRAM_QUANTILE, 0.3, 15);
    assert_value(OTK_MEASURE_HISTOGRAM_QUANTILE, 1, 30);
    assert_value(OTK_MEASURE_HISTOGRAM_QUANTILE, 0.05, 10);
}

/* Scale 0: buckets (1,2] (2,4] (4,8]; a negative one [-2,-1). */
static void test_exponential_histogram_has_the_same_measures(void **state)
{
    (void)state;
    feed(DATA("'exponentialHistogram':{'aggregationTemporality':1,'dataPoints':[{'count':'9','sum':12,'scale':0,"
              "'zeroCount':'2','zeroThreshold':0.5,'positive':{'offset':0,'bucketCounts':['1','2','3']},"
              "'negative':{'offset':0,'bucketCounts':['1']}}]}"));
    assert_value(OTK_MEASURE_HISTOGRAM_COUNT, 0, 9);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 0.5, 2);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 0, 2);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 2, 1);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 2.5, 2);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, 8, 3);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, -2, 1);
    assert_value(OTK_MEASURE_HISTOGRAM_BUCKET, -1, 0);
    assert_value(OTK_MEASURE_HISTOGRAM_QUANTILE, 1, 8);
}

static void test_measure_of_another_type_is_not_there(void **state)
{
    (void)state;
    double value;
    assert_false(otk_measured_get(measured, OTK_MEASURE_SUM, 0, &value));
    feed(HISTOGRAM);
    assert_false(otk_measured_get(measured, OTK_MEASURE_SUM, 0, &value));
    assert_false(otk_measured_get(measured, OTK_MEASURE_GAUGE, 0, &value));
}

static void test_point_without_recorded_value_is_left_out(void **state)
{
    (void)state;
    double value;
    feed(SUM(DELTA, "{'flags':1}"));
    assert_false(otk_measured_get(measured, OTK_MEASURE_SUM, 0, &value));
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_METRICS, HISTOGRAM);
    int rc = OTK_ENOMEM;
    assert_non_null(otk_capture_metric(c, 0));
    for (size_t n = 0; rc; n++) {
        assert_in_range(n, 0, 100);
        stop(NULL);
        start(NULL);
        allocations_left = n;
        rc = otk_measured_feed(measured, otk_capture_of(c), 0, 0);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    forget(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deltas_add_up),
        TEST(test_of_a_cumulative_series_the_newest_point_counts),
        TEST(test_cumulative_series_counts_from_the_reset),
        TEST(test_program_that_began_anew_counts_from_zero),
        TEST(test_gauge_is_its_newest_point),
        TEST(test_histogram_has_count_sum_and_buckets),
        TEST(test_quantile_is_interpolated_in_its_bucket),
        TEST(test_exponential_histogram_has_the_same_measures),
        TEST(test_measure_of_another_type_is_not_there),
        TEST(test_point_without_recorded_value_is_left_out),
        TEST(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
