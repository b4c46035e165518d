/* Each allocation fails once: nothing breaks, nothing leaks, and what is lost is counted. */
#include "carrier.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static atomic_bool counting;
static atomic_long until_failure;

/* The linker puts these in place of the library's calls. */
static bool fails(void)
{
    return atomic_load(&counting) && atomic_fetch_sub(&until_failure, 1) == 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* More spans than a thread keeps in reserve. */
enum { MANY = 80 };

static void record_many(otk_tracer *tracer)
{
    otk_span *spans[MANY];
    for (size_t i = 0; i < COUNT(spans); i++) {
        spans[i] = otk_span_start(tracer, "one of \xff many", NULL); /* to be repaired */
        otk_span_set_int(spans[i], "i", (int64_t)i);
    }
    for (size_t i = 0; i < COUNT(spans); i++)
        otk_span_free(spans[i]);
}

static void record_messages(otk_tracer *tracer)
{
    const otk_span_context elsewhere = {.trace_id = {1}, .span_id = {2}, .trace_state = "vendor=value"};
    const otk_value list[] = {otk_value_int(1)};
    otk_span *wrapped = otk_span_wrap(&elsewhere);
    otk_token token = otk_span_attach(wrapped);
    otk_message(tracer, OTK_SEVERITY_NUMBER_ERROR, "{list}",
                OTK_ATTRIBUTES(otk_attribute_of("list", otk_value_array(list, 1))));
    otk_detach(token);
    otk_span *span = otk_message_span(tracer, 0, "{missing}", NULL);
    otk_span_record_error(span, "type", "message", NULL, NULL);
    otk_span_free(span);
    otk_span_free(wrapped);
}

static void record(otk_sdk *sdk)
{
    const otk_value bad[] = {otk_value_string("\xff")};
    otk_scope_options scope = {"1", "https://schema",
                               OTK_ATTRIBUTES(otk_attribute_int("b", 1), otk_attribute_int("a", 1))};
    otk_tracer *tracer = otk_sdk_tracer(sdk, "t", &scope);
    otk_span *parent = otk_span_start(tracer, "parent", NULL);
    otk_span *span = otk_span_start(tracer, "child", parent);
    otk_span_set_value(span, "bad", otk_value_array(bad, 1));
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        otk_span_set_string(span, key, "some text that makes the buffer grow");
    }
    otk_span_add_event(span, "event", OTK_ATTRIBUTES(otk_attribute_int("n", 1)));
    otk_span_add_link(span, otk_span_get_context(parent), NULL);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "why");
    otk_span_update_name(span, "renamed");
    otk_logger_log(otk_sdk_logger(sdk, "l", NULL), OTK_SEVERITY_NUMBER_INFO, "text", span);
    otk_span_free(span);
    otk_span_free(parent);
    record_many(tracer);
    record_messages(tracer);
    otk_counter *counter = otk_meter_counter(otk_sdk_meter(sdk, "m", NULL), "count", "1", "text");
    otk_counter_add(counter, 1, OTK_ATTRIBUTES(otk_attribute_int("b", 1), otk_attribute_int("a", 1)));
}

/* Processors see whole spans, unless memory is short at that moment. */
static void read_span(otk_span *span, void *arg)
{
    otk_span_data data;
    unsigned *unread = arg;
    otk_span_read(span, &data);
    *unread += !atomic_load(&counting) && !data.message.size;
}

static void assert_accounts_balance(otk_sdk *sdk)
{
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++) {
        otk_signal_stats stats = stats_of(sdk, (otk_signal)i);
        assert_true(balances(&stats));
    }
}

/* What failed once is used again, and does not fail for ever. */
static void assert_recording_goes_on(otk_sdk *sdk)
{
    otk_sdk_stats before, after;
    otk_sdk_stats_get(sdk, &before);
    record_many(otk_sdk_tracer(sdk, "again", NULL));
    otk_sdk_stats_get(sdk, &after);
    const otk_signal_stats *b = &before.signals[OTK_SIGNAL_TRACES], *a = &after.signals[OTK_SIGNAL_TRACES];
    assert_int_equal(a->accepted, sdk ? b->accepted + MANY : 0);
    assert_int_equal(a->dropped[OTK_DROP_NO_MEMORY], b->dropped[OTK_DROP_NO_MEMORY]);
    assert_int_equal(a->invalid, b->invalid);
}

/* Returns whether the failure was reached. */
static bool run(const char *const *settings, const char *endpoint, bool start_may_fail, long nth)
{
    struct notes notes = {0};
    unsigned unread = 0;
    otk_error error;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.endpoint = endpoint;
    options.settings = settings;
    options.ignore_environment = true;
    options.detectors = OTK_DETECT_SERVICE | OTK_DETECT_PROCESS | OTK_DETECT_HOST;
    options.processors = &(otk_span_processor){NULL, read_span, NULL, NULL, &unread};
    options.processor_count = 1;
    options.on_warning = note;
    options.on_warning_arg = &notes;
    atomic_store(&until_failure, nth);
    atomic_store(&counting, start_may_fail);
    otk_sdk *sdk = otk_sdk_start(&options, &error);
    if (!sdk)
        assert_int_equal(error.code, OTK_ENOMEM);
    atomic_store(&counting, !start_may_fail);
    if (!start_may_fail) {
        record(sdk);
        otk_sdk_force_flush(sdk, PATIENCE_MS);
    }
    atomic_store(&counting, false);
    assert_accounts_balance(sdk);
    assert_recording_goes_on(sdk);
    assert_int_equal(unread, 0);
    otk_sdk_stop(sdk);
    return atomic_load(&until_failure) <= 0;
}

static const char *const everything[] = {"OTEL_RESOURCE_ATTRIBUTES=a=b,c=d",
                                         "OTEL_SERVICE_NAME=tests",
                                         "OTEL_EXPORTER_OTLP_HEADERS=a=b,c=d",
                                         "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
                                         "OTEL_EXPORTER_OTLP_TIMEOUT=1",
                                         "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/json",
                                         NULL};

/* A port that is ours and that nobody listens on. */
static int take_port(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, size, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

/* Until the n-th allocation does not come any more. */
static void fail_each(bool start_may_fail)
{
    char url[64];
    int fd = take_port(url, sizeof url);
    long nth = 1;
    while (run(everything, url, start_may_fail, nth))
        nth++;
    assert_true(nth > 20);
    close(fd);
}

static void test_a_start_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fail_each(true);
}

static void test_recording_without_memory_loses_and_counts(void **state)
{
    (void)state;
    fail_each(false);
}

/* A span lives on without what there was no memory for. */
static void test_names_and_descriptions_that_are_lost_are_counted(void **state)
{
    static char text[5000];
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    memset(text, 'x', sizeof text - 1);
    options.ignore_environment = true;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "t", NULL), "span", NULL);
    atomic_store(&until_failure, 1);
    atomic_store(&counting, true);
    otk_span_update_name(span, text);
    assert_int_equal(stats_of(sdk, OTK_SIGNAL_TRACES).invalid, 1);
    atomic_store(&until_failure, 1);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, text);
    assert_int_equal(stats_of(sdk, OTK_SIGNAL_TRACES).invalid, 2);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, text);
    otk_span_update_name(span, text);
    assert_int_equal(stats_of(sdk, OTK_SIGNAL_TRACES).invalid, 2);
    atomic_store(&counting, false);
    otk_span_free(span);
    otk_sdk_shutdown(sdk, 0);
    otk_sdk_stop(sdk);
}

/* ---- Without a span -------------------------------------------------- */

static void propagate(otk_sdk *sdk)
{
    static struct carrier in, out;
    in = out = (struct carrier){0};
    set_header(&in, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    set_header(&in, "tracestate", "a=1");
    set_header(&in, "baggage", "k=v");
    otk_context *context = otk_extract(sdk, get_header, &in);
    otk_baggage *baggage = otk_baggage_set(otk_context_baggage(context), "user", "Ada", NULL);
    otk_inject(sdk, otk_context_span(context), baggage, set_header, &out);
    free(otk_inject_environment(sdk, otk_context_span(context), baggage));
    free(otk_trace_state_set(otk_context_span(context)->trace_state, "b", "2"));
    otk_baggage_free(baggage);
    otk_context_free(context);
}

static void print(otk_sdk *sdk)
{
    static char text[32768];
    FILE *file = fmemopen(text, sizeof text, "w");
    if (!file)
        return;
    otk_sdk_print_config(sdk, file);
    int rc = otk_sdk_print_environment((const char *const[]){"OTEL_SERVICE_NAME=x", "OTEL_BSP_SCHEDULE_DELAY=x", NULL},
                                       file);
    assert_true(rc == 1 || rc == OTK_ENOMEM);
    fclose(file);
}

static void test_propagation_and_printing_survive_without_memory(void **state)
{
    static void (*const calls[])(otk_sdk * sdk) = {propagate, print};
    struct notes notes = {0};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.settings = (const char *const[]){"OTEL_SDK_DISABLED=true", NULL};
    options.ignore_environment = true;
    options.on_warning = note;
    options.on_warning_arg = &notes;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    for (size_t i = 0; i < COUNT(calls); i++) {
        long nth = 0;
        do {
            atomic_store(&until_failure, ++nth);
            atomic_store(&counting, true);
            calls[i](sdk);
            atomic_store(&counting, false);
        } while (atomic_load(&until_failure) <= 0);
        assert_true(nth > 5);
    }
    otk_sdk_stop(sdk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_start_without_memory_fails_cleanly),
        cmocka_unit_test(test_recording_without_memory_loses_and_counts),
        cmocka_unit_test(test_names_and_descriptions_that_are_lost_are_counted),
        cmocka_unit_test(test_propagation_and_printing_survive_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
