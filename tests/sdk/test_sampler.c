#include "test.h"

#include "sampler.h"

#include <math.h>

static const uint8_t some_trace[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 1};

static bool samples(const otk_sampler *sampler, const otk_span_context *parent, const uint8_t *trace_id)
{
    otk_sampling_input input = {.parent = parent, .trace_id = trace_id, .name = {"n", 1}, .kind = OTK_SPAN_KIND_INTERNAL};
    return sampler->sample(sampler, &input).decision == OTK_SAMPLING_RECORD_AND_SAMPLE;
}

static otk_sampler named(const char *name)
{
    otk_sampler sampler;
    assert_true(otk_sampler_named((otk_string){name, strlen(name)}, &sampler));
    assert_string_equal(otk_sampler_name(&sampler), name);
    return sampler;
}

/* SDK-ENV-07, SDK-SMP-04, SDK-SMP-09: by name, for a root and the four kinds of parent */
static void test_samplers_decide_by_parent(void **state)
{
    static const struct {
        const char *name;
        bool root, remote_sampled, remote_not, local_sampled, local_not;
    } cases[] = {
        {"always_on", true, true, true, true, true},
        {"always_off", false, false, false, false, false},
        {"traceidratio", true, true, true, true, true},
        {"parentbased_always_on", true, true, false, true, false},
        {"parentbased_always_off", false, true, false, true, false},
        {"parentbased_traceidratio", true, true, false, true, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        otk_sampler sampler = named(cases[i].name);
        otk_span_context parent = {.trace_flags = 0x03, .is_remote = true};
        assert_int_equal(samples(&sampler, NULL, some_trace), cases[i].root);
        assert_int_equal(samples(&sampler, &parent, some_trace), cases[i].remote_sampled);
        parent.trace_flags = 0x02;
        assert_int_equal(samples(&sampler, &parent, some_trace), cases[i].remote_not);
        parent.is_remote = false;
        assert_int_equal(samples(&sampler, &parent, some_trace), cases[i].local_not);
        parent.trace_flags = 0x01;
        assert_int_equal(samples(&sampler, &parent, some_trace), cases[i].local_sampled);
    }
    otk_sampler sampler;
    assert_false(otk_sampler_named((otk_string){"jaeger_remote", 13}, &sampler));
}

/* SDK-SMP-09 */
static void test_the_four_of_a_parent_are_replaceable(void **state)
{
    static const otk_span_context parents[] = {{.trace_flags = 0, .is_remote = false},
                                               {.trace_flags = 1, .is_remote = false},
                                               {.trace_flags = 0, .is_remote = true},
                                               {.trace_flags = 1, .is_remote = true}};
    (void)state;
    for (size_t replaced = 0; replaced < COUNT(parents); replaced++) {
        const otk_sampler *four[4] = {otk_sampler_always_off(), otk_sampler_always_on(), otk_sampler_always_off(),
                                      otk_sampler_always_on()};
        four[replaced] = replaced % 2 ? otk_sampler_always_off() : otk_sampler_always_on();
        otk_sampler sampler = otk_sampler_parent_based(otk_sampler_always_off());
        sampler.local_not_sampled = four[0];
        sampler.local_sampled = four[1];
        sampler.remote_not_sampled = four[2];
        sampler.remote_sampled = four[3];
        for (size_t i = 0; i < COUNT(parents); i++)
            assert_int_equal(samples(&sampler, &parents[i], some_trace), (i % 2 == 1) != (i == replaced));
        assert_false(samples(&sampler, NULL, some_trace));
    }
}

/* SDK-SMP-07: the last seven bytes, taken from the threshold up */
static void test_a_ratio_is_a_threshold_of_the_trace_id(void **state)
{
    static const struct {
        double ratio;
        uint64_t threshold; /* the lowest that is sampled */
    } cases[] = {
        {0.25, 0xc0000000000000}, {0.5, 0x80000000000000}, {1, 0}, {2, 0}, {0x1p-56, 0xffffffffffffff},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        otk_sampler sampler = otk_sampler_ratio(cases[i].ratio);
        uint8_t id[16] = {0};
        for (size_t k = 0; k < 7; k++)
            id[9 + k] = (uint8_t)(cases[i].threshold >> (8 * (6 - k)));
        assert_true(samples(&sampler, NULL, id));
        if (cases[i].threshold == 0)
            continue;
        memset(id, 0xff, 9); /* the others do not count */
        for (size_t k = 16; k-- > 9 && id[k]-- == 0;)
            continue;
        assert_false(samples(&sampler, NULL, id));
    }
}

static void test_a_ratio_of_nothing_takes_nothing(void **state)
{
    static const double none[] = {0, -1, -0.0};
    uint8_t id[16];
    (void)state;
    memset(id, 0xff, sizeof id);
    for (size_t i = 0; i < COUNT(none); i++) {
        otk_sampler sampler = otk_sampler_ratio(none[i]);
        assert_false(samples(&sampler, NULL, id));
    }
    otk_sampler nan = otk_sampler_ratio(NAN);
    assert_false(samples(&nan, NULL, id));
}

/* Spreads a number over an id (splitmix64's mix). */
static void make_id(uint8_t id[16], uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    memcpy(id, &number, sizeof number);
    memcpy(id + 8, &z, sizeof z);
}

/* SDK-SMP-06 */
static void test_a_higher_ratio_takes_all_that_a_lower_one_does(void **state)
{
    otk_sampler tenth = otk_sampler_ratio(0.1), half = otk_sampler_ratio(0.5);
    otk_span_context sampled = {.trace_flags = 1};
    unsigned of_tenth = 0, of_half = 0;
    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        uint8_t id[16];
        make_id(id, i);
        bool by_tenth = samples(&tenth, NULL, id), by_half = samples(&half, NULL, id);
        assert_true(by_half || !by_tenth);
        assert_int_equal(samples(&tenth, &sampled, id), by_tenth);
        of_tenth += by_tenth;
        of_half += by_half;
    }
    assert_in_range(of_tenth, 800, 1200);
    assert_in_range(of_half, 4700, 5300);
}

/* SDK-SMP-05 */
static void test_samplers_describe_themselves(void **state)
{
    char text[64];
    (void)state;
    otk_sampler_describe(otk_sampler_always_on(), text, sizeof text);
    assert_string_equal(text, "AlwaysOnSampler");
    otk_sampler_describe(otk_sampler_always_off(), text, sizeof text);
    assert_string_equal(text, "AlwaysOffSampler");
    otk_sampler ratio = otk_sampler_ratio(0.0001);
    otk_sampler_describe(&ratio, text, sizeof text);
    assert_string_equal(text, "TraceIdRatioBased{0.000100}");
    otk_sampler sampler = otk_sampler_parent_based(&ratio);
    otk_sampler_describe(&sampler, text, sizeof text);
    assert_string_equal(text, "ParentBased{TraceIdRatioBased{0.000100}}");
    sampler = (otk_sampler){.description = "Mine"};
    otk_sampler_describe(&sampler, text, 3);
    assert_string_equal(text, "Mi");
    assert_string_equal(otk_sampler_name(&sampler), "Mine");
}

/* SDK-SMP-03, SDK-SMP-11 */
static void test_the_parents_trace_state_is_passed_on(void **state)
{
    otk_sampler sampler = otk_sampler_parent_based(otk_sampler_always_on());
    otk_span_context parent = {.trace_state = "ot=rv:0123456789abcd"};
    otk_sampling_input input = {.parent = &parent, .trace_id = some_trace};
    (void)state;
    otk_sampling_result result = sampler.sample(&sampler, &input);
    assert_int_equal(result.decision, OTK_SAMPLING_DROP);
    assert_ptr_equal(result.trace_state, parent.trace_state);
    assert_null(result.attributes);
}

/* The warnings that a root and its children give rise to. */
static unsigned warnings_of(const char *sampler)
{
    struct notes notes = {0};
    const char *settings[] = {sampler, "OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none", NULL};
    otk_sdk_options options = {.settings = settings, .ignore_environment = true, .on_warning = note};
    options.on_warning_arg = &notes;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "tests", NULL);
    otk_span *root = otk_span_start(tracer, "root", NULL);
    for (int i = 0; i < 3; i++)
        otk_span_free(otk_span_start(tracer, "child", root));
    unsigned count = notes.count;
    otk_span_free(root);
    otk_sdk_stop(sdk);
    return count;
}

/* SDK-SMP-08 */
static void test_a_bare_ratio_that_decides_on_children_is_warned_about_once(void **state)
{
    (void)state;
    assert_int_equal(warnings_of("OTEL_TRACES_SAMPLER=traceidratio"), 1);
    assert_int_equal(warnings_of("OTEL_TRACES_SAMPLER=parentbased_traceidratio"), 0);
    assert_int_equal(warnings_of("OTEL_TRACES_SAMPLER=always_on"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samplers_decide_by_parent),
        cmocka_unit_test(test_the_four_of_a_parent_are_replaceable),
        cmocka_unit_test(test_a_ratio_is_a_threshold_of_the_trace_id),
        cmocka_unit_test(test_a_ratio_of_nothing_takes_nothing),
        cmocka_unit_test(test_a_higher_ratio_takes_all_that_a_lower_one_does),
        cmocka_unit_test(test_samplers_describe_themselves),
        cmocka_unit_test(test_the_parents_trace_state_is_passed_on),
        cmocka_unit_test(test_a_bare_ratio_that_decides_on_children_is_warned_about_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
