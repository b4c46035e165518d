/* Who looks on while spans are recorded. */
#include "world.h"

#include "clock.h"

#include <pthread.h>

static const otk_span_context remote = {
    .trace_id = {1, 2, 3}, .span_id = {4, 5}, .trace_flags = 0x01, .is_remote = true, .trace_state = "vendor=x"};

struct seen {
    struct seen *before; /* has to be called first */
    pthread_t thread;
    unsigned starts, ends, flushes, shutdowns;
    otk_span_data data;
    char name[32];
    int64_t number;
    bool root;
};

static void on_start(otk_span *span, const otk_span_context *parent, void *arg)
{
    struct seen *seen = arg;
    seen->starts++;
    seen->root = parent == NULL;
    if (seen->before)
        assert_int_equal(seen->before->starts, seen->starts);
    otk_span_set_int(span, "seen", seen->before ? 2 : 1);
}

static void on_end(otk_span *span, void *arg)
{
    struct seen *seen = arg;
    otk_value value;
    seen->ends++;
    seen->thread = pthread_self();
    otk_span_set_int(span, "late", 1);
    otk_span_read(span, &seen->data);
    snprintf(seen->name, sizeof seen->name, "%.*s", (int)seen->data.name.size, seen->data.name.data);
    assert_false(otk_span_get_attribute(span, "late", &value));
    assert_true(otk_span_get_attribute(span, "number", &value));
    seen->number = value.as.int_value;
    assert_true(otk_span_get_attribute(span, "text", &value));
    assert_memory_equal(value.as.string_value.data, "some text", value.as.string_value.size);
    assert_true(otk_span_get_attribute(span, "half", &value));
    assert_true(value.as.double_value == 0.5);
    assert_true(otk_span_get_attribute(span, "yes", &value) && value.as.bool_value);
    assert_true(otk_span_get_attribute(span, "raw", &value));
    assert_int_equal(value.as.bytes_value.size, 2);
    assert_false(otk_span_get_attribute(span, "list", &value));
}

static int on_flush(unsigned timeout_ms, void *arg)
{
    struct seen *seen = arg;
    seen->flushes++;
    return timeout_ms ? 0 : OTK_ETIMEOUT;
}

static int on_shutdown(unsigned timeout_ms, void *arg)
{
    struct seen *seen = arg;
    (void)timeout_ms;
    seen->shutdowns++;
    return OTK_EDATA;
}

static void record_one(otk_tracer *tracer)
{
    otk_span *span = otk_span_start(tracer, "watched", NULL);
    otk_span_set_int(span, "number", -300);
    otk_span_set_string(span, "text", "some text");
    otk_span_set_double(span, "half", 0.5);
    otk_span_set_bool(span, "yes", true);
    otk_span_set_bytes(span, "raw", "\1\2", 2);
    otk_span_set_value(span, "list", otk_value_array(NULL, 0));
    otk_span_add_event(span, "event", NULL);
    otk_span_free(span);
}

/* SDK-PROC-01, SDK-PROC-04, SDK-PROC-11, SDK-API-13, SDK-API-20, SDK-API-23, SDK-PROC-12 */
static void test_processors_see_spans_in_their_order(void **state)
{
    struct world w;
    struct seen first = {0}, second = {.before = &first};
    const otk_span_processor processors[] = {{on_start, on_end, on_flush, on_shutdown, &first},
                                             {on_start, on_end, NULL, NULL, &second}};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.processors = processors;
    options.processor_count = 2;
    start_by(&w, options);
    record_one(w.tracer);
    assert_int_equal(first.ends + second.ends, 2);
    assert_true(pthread_equal(first.thread, pthread_self()));
    flush_traces(&w);
    assert_int_equal(attribute(span_at(&w, 0), "seen")->int_value, 2);
    assert_string_equal(first.name, "watched");
    assert_int_equal(first.number, -300);
    assert_true(first.root);
    assert_int_equal(first.data.kind, OTK_SPAN_KIND_INTERNAL);
    assert_int_equal(first.data.attribute_count, 7);
    assert_int_equal(first.data.event_count, 1);
    assert_true(first.data.end_time_unix_nano >= first.data.start_time_unix_nano);
    assert_true(first.data.message.size > 0);
    assert_int_equal(first.flushes, 1);

    otk_span *open = otk_span_start(w.tracer, "open", NULL);
    assert_int_equal(otk_sdk_shutdown(w.sdk, PATIENCE_MS), OTK_EDATA);
    assert_int_equal(otk_sdk_shutdown(w.sdk, PATIENCE_MS), OTK_ESHUTDOWN);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_ESHUTDOWN);
    otk_span_free(open);
    record_one(w.tracer);
    record_one(otk_sdk_tracer(w.sdk, "later", NULL));
    assert_false(otk_tracer_enabled(w.tracer));
    assert_int_equal(first.starts, 2);
    assert_int_equal(first.ends, 1);
    assert_int_equal(first.flushes, 1);
    assert_int_equal(first.shutdowns, 1);
    finish(&w);
}

static int fail_to_flush(unsigned timeout_ms, void *arg)
{
    (void)timeout_ms, (void)arg;
    return OTK_EDATA;
}

/* SDK-PROC-12, SDK-API-23: though all that was recorded is delivered */
static void test_a_processor_that_cannot_flush_is_told_of(void **state)
{
    struct world w;
    const otk_span_processor processor = {NULL, NULL, fail_to_flush, NULL, NULL};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.processors = &processor;
    options.processor_count = 1;
    start_by(&w, options);
    otk_span_free(otk_span_start(w.tracer, "span", NULL));
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), OTK_EDATA);
    assert_int_equal(traces_of(w.sdk).delivered, 1);
    finish(&w);
}

static void use_sdk(otk_sdk *sdk)
{
    otk_tracer *tracer = otk_sdk_tracer(sdk, "inside", NULL);
    otk_span_free(otk_span_start(tracer, "inside", NULL));
    otk_logger_log(otk_sdk_logger(sdk, "inside", NULL), OTK_SEVERITY_NUMBER_INFO, "inside", NULL);
    otk_counter_add(otk_meter_counter(otk_sdk_meter(sdk, "inside", NULL), "count", NULL, NULL), 1, NULL);
    traces_of(sdk);
}

/* Called back once, on a thread that records, it uses the SDK itself. */
struct user {
    otk_sdk *sdk;
    unsigned calls;
    bool inside;
};

static void use_once(struct user *user)
{
    user->calls++;
    if (!user->sdk || user->inside)
        return;
    user->inside = true;
    use_sdk(user->sdk);
    user->inside = false;
}

static void use_at_start(otk_span *span, const otk_span_context *parent, void *arg)
{
    (void)span, (void)parent;
    use_once(arg);
}

static void use_at_end(otk_span *span, void *arg)
{
    (void)span;
    use_once(arg);
}

static void use_for_id(uint8_t *out, size_t size, void *arg)
{
    use_once(arg);
    memset(out, 1, size);
}

static uint64_t use_for_time(void *arg)
{
    use_once(arg);
    return OTK_SECOND;
}

static otk_sampling_result use_to_sample(const otk_sampler *self, const otk_sampling_input *input)
{
    (void)input;
    use_once(self->arg);
    return (otk_sampling_result){OTK_SAMPLING_RECORD_AND_SAMPLE, NULL, NULL};
}

static void use_to_warn(const char *message, void *arg)
{
    (void)message;
    use_once(arg);
}

/* SDK-ERR-04, as far as C goes: no lock is held while a function of the program runs, so that it may use the SDK. */
static void test_callbacks_may_use_the_sdk(void **state)
{
    struct user users[5] = {{.calls = 0}};
    struct server *server = server_start(NULL);
    const otk_span_processor processor = {use_at_start, use_at_end, NULL, NULL, &users[0]};
    const otk_sampler sampler = {.sample = use_to_sample, .arg = &users[1]};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.processors = &processor;
    options.processor_count = 1;
    options.sampler = &sampler;
    options.generate_id = use_for_id;
    options.generate_id_arg = &users[2];
    options.clock = use_for_time;
    options.clock_arg = &users[3];
    options.on_warning = use_to_warn;
    options.on_warning_arg = &users[4];
    options.settings = (const char *const[]){"OTEL_SPAN_EVENT_COUNT_LIMIT=0", NULL};
    options.endpoint = server_url(server);
    options.ignore_environment = true;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    for (size_t i = 0; i < COUNT(users); i++)
        users[i].sdk = sdk;
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "outside", NULL), "span", NULL);
    otk_span_add_event(span, "too many", NULL);
    otk_span_free(span);
    for (size_t i = 0; i < COUNT(users); i++) {
        assert_true(users[i].calls > 0);
        users[i].sdk = NULL;
    }
    otk_sdk_stop(sdk);
    server_stop(server);
}

/* SDK-PROC-02, SDK-API-20 */
static void test_processors_alone_make_spans_record(void **state)
{
    struct world w;
    struct seen seen = {0};
    const otk_span_processor processor = {NULL, on_end, NULL, NULL, &seen};
    const char *const none[] = {"OTEL_TRACES_EXPORTER=none", NULL};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    otk_span_options unsampled = OTK_SPAN_OPTIONS_INIT;
    otk_span_context context = remote;
    (void)state;
    context.trace_flags = 0;
    unsampled.parent = &context;
    options.settings = none;
    start_by(&w, options);
    assert_false(otk_tracer_enabled(w.tracer));
    finish(&w);
    options.processors = &processor;
    options.processor_count = 1;
    start_by(&w, options);
    assert_true(otk_tracer_enabled(w.tracer));
    record_one(w.tracer);
    otk_span_free(otk_span_start_with(w.tracer, "not recording", &unsampled));
    assert_int_equal(seen.ends, 1);
    assert_int_equal(traces_of(w.sdk).accepted, 0);
    finish(&w);
    assert_false(otk_tracer_enabled(NULL));
}

/* SDK-PROC-01 */
static void test_each_span_may_be_exported_at_once(void **state)
{
    struct world w;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.export_each_span = true;
    start_by(&w, options);
    for (size_t i = 1; i <= 3; i++) {
        otk_span_free(otk_span_start(w.tracer, "alone", NULL));
        server_wait(w.server, i);
    }
    flush_traces(&w);
    assert_int_equal(((trace_request *)w.request)->resource_spans[0]->scope_spans[0]->n_spans, 1);
    assert_int_equal(traces_of(w.sdk).delivered, 3);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processors_see_spans_in_their_order),
        cmocka_unit_test(test_a_processor_that_cannot_flush_is_told_of),
        cmocka_unit_test(test_callbacks_may_use_the_sdk),
        cmocka_unit_test(test_processors_alone_make_spans_record),
        cmocka_unit_test(test_each_span_may_be_exported_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
