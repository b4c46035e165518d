/* The API around spans: what is current, who decides, and what is said in messages. */
#include "world.h"

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static const otk_span_context remote = {
    .trace_id = {1, 2, 3}, .span_id = {4, 5}, .trace_flags = 0x01, .is_remote = true, .trace_state = "vendor=x"};

/* ---- The current span ------------------------------------------------ */

/* SDK-API-03: a new span is not current; SDK-CTX-01: detach brings back what was before */
static void test_a_span_without_parent_belongs_to_the_current_one(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *outer = otk_span_start(w.tracer, "outer", NULL);
    assert_null(otk_span_current());
    otk_token token = otk_span_attach(outer);
    assert_ptr_equal(otk_span_current(), outer);
    otk_span *inner = otk_span_start(w.tracer, "inner", NULL);
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.root = true;
    otk_span *root = otk_span_start_with(w.tracer, "root", &options);
    assert_true(otk_detach(token));
    assert_null(otk_span_current());

    assert_memory_equal(otk_span_get_context(inner)->trace_id, otk_span_get_context(outer)->trace_id, 16);
    assert_memory_not_equal(otk_span_get_context(root)->trace_id, otk_span_get_context(outer)->trace_id, 16);
    otk_span_free(root);
    otk_span_free(outer);
    const span_message *s = sent(&w, inner);
    assert_false(s->has_parent_span_id);
    assert_true(span_at(&w, 2)->has_parent_span_id);
    finish(&w);
}

static void test_tokens_out_of_order_are_noticed(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *a = otk_span_start(w.tracer, "a", NULL);
    otk_span *b = otk_span_start(w.tracer, "b", NULL);
    otk_token first = otk_span_attach(a);
    otk_token second = otk_span_attach(b);
    assert_false(otk_detach(first));
    assert_null(otk_span_current());
    assert_false(otk_detach(second));
    otk_detach(first);
    otk_span_free(b);
    otk_span_free(a);
    finish(&w);
}

static void test_a_freed_span_is_not_current_any_more(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "gone", NULL);
    otk_token token = otk_span_attach(span);
    otk_span_free(span);
    assert_null(otk_span_current());
    otk_detach(token);
    finish(&w);
}

struct elsewhere {
    otk_tracer *tracer;
    otk_span *parent;
    bool empty_before;
    uint8_t trace_id[16];
};

static void *work_elsewhere(void *arg)
{
    struct elsewhere *e = arg;
    e->empty_before = otk_span_current() == NULL;
    otk_token token = otk_span_attach(e->parent);
    otk_span *span = otk_span_start(e->tracer, "elsewhere", NULL);
    memcpy(e->trace_id, otk_span_get_context(span)->trace_id, 16);
    otk_span_free(span);
    otk_detach(token);
    return NULL;
}

static void test_each_thread_has_its_own_current_span(void **state)
{
    struct world w;
    pthread_t thread;
    (void)state;
    start(&w);
    struct elsewhere e = {.tracer = w.tracer, .parent = otk_span_start(w.tracer, "parent", NULL)};
    otk_token token = otk_span_attach(e.parent);
    assert_int_equal(pthread_create(&thread, NULL, work_elsewhere, &e), 0);
    pthread_join(thread, NULL);
    otk_detach(token);
    assert_true(e.empty_before);
    assert_memory_equal(e.trace_id, otk_span_get_context(e.parent)->trace_id, 16);
    otk_span_free(e.parent);
    finish(&w);
}

static void return_early(otk_tracer *tracer)
{
    OTK_SCOPED_SPAN(span, tracer, "scoped");
    otk_span_set_int(span, "n", 1);
    assert_ptr_equal(otk_span_current(), span);
}

static void test_a_scoped_span_ends_with_its_block(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    return_early(w.tracer);
    assert_null(otk_span_current());
    flush_traces(&w);
    assert_string_equal(span_at(&w, 0)->name, "scoped");
    finish(&w);
}

static void test_baggage_is_current_beside_the_span(void **state)
{
    (void)state;
    otk_baggage *baggage = otk_baggage_set(NULL, "user", "ada", NULL);
    otk_token token = otk_baggage_attach(baggage);
    assert_string_equal(otk_baggage_get(otk_baggage_current(), "user"), "ada");
    assert_null(otk_span_current());
    otk_detach(token);
    assert_null(otk_baggage_current());
    otk_baggage_free(baggage);
}

/* SDK-API-25 */
static void test_one_sdk_may_be_the_global_one(void **state)
{
    struct world w, other;
    (void)state;
    assert_null(otk_sdk_global());
    start(&w);
    start(&other);
    otk_sdk_set_global(w.sdk);
    assert_ptr_equal(otk_sdk_global(), w.sdk);
    finish(&other);
    assert_ptr_equal(otk_sdk_global(), w.sdk);
    finish(&w);
    assert_null(otk_sdk_global());
}

/* SDK-API-17 */
static void test_a_wrapped_context_records_nothing(void **state)
{
    (void)state;
    otk_span *span = otk_span_wrap(&remote);
    otk_span_set_int(span, "n", 1);
    otk_span_end(span);
    assert_false(otk_span_is_recording(span));
    assert_memory_equal(otk_span_get_context(span)->span_id, remote.span_id, 8);
    assert_true(otk_span_get_context(span)->is_remote);
    assert_string_equal(otk_span_get_context(span)->trace_state, "vendor=x");
    otk_span_free(span);
    otk_span_free(otk_span_wrap(NULL));
}

/* SDK-API-18, SDK-API-19 */
static void test_errors_are_events_named_exception(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "fails", NULL);
    otk_span_record_error(
        span, "EIO", "disk on fire", "main.c:3",
        OTK_ATTRIBUTES(otk_attribute_string("exception.message", "mine"), otk_attribute_int("disk", 2)));
    otk_span_record_error(span, NULL, NULL, "nothing is known", NULL);
    const span_message *s = sent(&w, span);
    assert_int_equal(s->n_events, 1);
    assert_string_equal(s->events[0]->name, "exception");
    assert_int_equal(s->events[0]->n_attributes, 4);
    assert_text(get(s->events[0]->attributes, 4, "exception.type"), "EIO");
    assert_text(get(s->events[0]->attributes, 4, "exception.message"), "mine");
    assert_text(get(s->events[0]->attributes, 4, "exception.stacktrace"), "main.c:3");
    assert_null(s->status);
    finish(&w);
}

/* ---- Sampling -------------------------------------------------------- */

static bool is(otk_string text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

static otk_sampling_result take_some(const otk_sampler *self, const otk_sampling_input *input)
{
    static const otk_attribute reason = {{"sampler", 7}, {OTK_VALUE_BOOL, {.bool_value = true}}};
    static const otk_attributes reasons = {&reason, 1};
    otk_sampling_result result = {OTK_SAMPLING_DROP, NULL, "from=sampler"};
    (void)self;
    if (is(input->name, "record"))
        result.decision = OTK_SAMPLING_RECORD_ONLY;
    if (is(input->name, "sample")) {
        result.decision = OTK_SAMPLING_RECORD_AND_SAMPLE;
        result.attributes = &reasons;
    }
    return result;
}

/* SDK-SMP-01, SDK-SMP-02, SDK-SMP-03, SDK-PROC-03 */
static void test_the_sampler_decides_what_becomes_of_a_span(void **state)
{
    struct world w;
    const otk_sampler sampler = {.sample = take_some, .description = "some"};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.sampler = &sampler;
    start_by(&w, options);
    otk_span *dropped = otk_span_start(w.tracer, "drop", NULL);
    otk_span *recorded = otk_span_start(w.tracer, "record", NULL);
    otk_span *sampled = otk_span_start(w.tracer, "sample", NULL);
    assert_false(otk_span_is_recording(dropped));
    assert_true(otk_span_context_is_valid(otk_span_get_context(dropped)));
    assert_true(otk_span_is_recording(recorded));
    assert_int_equal(otk_span_get_context(recorded)->trace_flags, 0);
    assert_int_equal(otk_span_get_context(sampled)->trace_flags, 1);
    otk_span_free(dropped);
    otk_span_free(recorded);
    const span_message *s = sent(&w, sampled);
    assert_string_equal(s->name, "sample");
    assert_string_equal(s->trace_state, "from=sampler");
    assert_true(attribute(s, "sampler")->bool_value);
    assert_int_equal(traces_of(w.sdk).accepted, 1);
    finish(&w);
}

struct asked {
    otk_sampling_input input;
    uint8_t trace_id[16];
    char name[16];
    const char *trace_state; /* to be answered */
    unsigned times;
};

static otk_sampling_result remember(const otk_sampler *self, const otk_sampling_input *input)
{
    struct asked *asked = self->arg;
    asked->times++;
    asked->input = *input;
    memcpy(asked->trace_id, input->trace_id, sizeof asked->trace_id);
    snprintf(asked->name, sizeof asked->name, "%.*s", (int)input->name.size, input->name.data);
    return (otk_sampling_result){OTK_SAMPLING_RECORD_AND_SAMPLE, NULL, asked->trace_state};
}

/* SDK-SMP-01, SDK-SMP-03, SDK-API-05, SDK-API-12: all that the span starts with; and a new name asks nobody again. */
static void test_a_sampler_knows_what_a_span_starts_with(void **state)
{
    static const char *const states[] = {"of=sampler", "", NULL};
    const otk_link link = {&remote, NULL};
    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        struct world w;
        struct asked asked = {.trace_state = states[i]};
        const otk_sampler sampler = {.sample = remember, .arg = &asked};
        otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
        otk_span_options of_span = OTK_SPAN_OPTIONS_INIT;
        options.sampler = &sampler;
        start_by(&w, options);
        of_span.parent = &remote;
        of_span.kind = OTK_SPAN_KIND_CLIENT;
        of_span.attributes = OTK_ATTRIBUTES(otk_attribute_int("n", 1));
        of_span.links = &link;
        of_span.link_count = 1;
        otk_span *span = otk_span_start_with(w.tracer, "first", &of_span);
        otk_span_update_name(span, "second");
        const span_message *s = sent(&w, span);
        assert_int_equal(asked.times, 1);
        assert_ptr_equal(asked.input.parent, &remote);
        assert_memory_equal(asked.trace_id, s->trace_id.data, 16);
        assert_string_equal(asked.name, "first");
        assert_int_equal(asked.input.kind, OTK_SPAN_KIND_CLIENT);
        assert_ptr_equal(asked.input.attributes, of_span.attributes);
        assert_ptr_equal(asked.input.links, of_span.links);
        assert_int_equal(asked.input.link_count, 1);
        assert_int_equal(attribute(s, "n")->int_value, 1);
        assert_int_equal(s->n_links, 1);
        assert_string_equal(s->trace_state ? s->trace_state : "", states[i] ? states[i] : "");
        finish(&w);
    }
}

/* SDK-ENV-08: there is nobody whom it concerns. */
static void test_a_ratio_without_its_sampler_means_nothing(void **state)
{
    static const char *const samplers[] = {"OTEL_TRACES_SAMPLER=", "OTEL_TRACES_SAMPLER=always_on",
                                           "OTEL_TRACES_SAMPLER=parentbased_always_on"};
    (void)state;
    for (size_t i = 0; i < COUNT(samplers); i++) {
        struct world w;
        start_with(&w, (const char *const[]){samplers[i], "OTEL_TRACES_SAMPLER_ARG=0", NULL});
        otk_span *span = otk_span_start(w.tracer, "span", NULL);
        assert_true(otk_span_is_recording(span));
        otk_span_free(span);
        finish(&w);
    }
}

/* SDK-ENV-07, SDK-SMP-06, SDK-SMP-07 */
static void test_the_environment_names_the_sampler(void **state)
{
    struct world w;
    const char *const settings[] = {"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.5", NULL};
    unsigned sampled = 0;
    (void)state;
    start_with(&w, settings);
    for (int i = 0; i < 1000; i++) {
        otk_span *span = otk_span_start(w.tracer, "s", NULL);
        bool expected = otk_span_get_context(span)->trace_id[9] >= 0x80;
        assert_int_equal(otk_span_is_recording(span), expected);
        sampled += expected;
        otk_span_free(span);
    }
    assert_int_equal(traces_of(w.sdk).accepted, sampled);
    assert_in_range(sampled, 400, 600);
    finish(&w);
}

/* ---- Ids and time ---------------------------------------------------- */

struct counting {
    uint8_t next;
    unsigned zeros;
};

static void count_ids(uint8_t *out, size_t size, void *arg)
{
    struct counting *c = arg;
    if (c->zeros) {
        c->zeros--;
        return;
    }
    memset(out, c->next++, size);
}

static uint64_t tick(void *arg)
{
    uint64_t *now = arg;
    return *now += 1000;
}

/* SDK-ID-01, SDK-ID-02 */
static void test_ids_and_times_may_be_ones_own(void **state)
{
    struct world w;
    struct counting counting = {1, 3};
    uint64_t now = 1000000;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    static const uint8_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    (void)state;
    options.generate_id = count_ids;
    options.generate_id_arg = &counting;
    options.clock = tick;
    options.clock_arg = &now;
    start_by(&w, options);
    otk_span *span = otk_span_start(w.tracer, "s", NULL);
    otk_span_add_event(span, "e", NULL);
    const span_message *s = sent(&w, span);
    assert_memory_equal(s->trace_id.data, ones, 16);
    assert_int_equal(s->span_id.data[0], 2);
    assert_int_equal(s->start_time_unix_nano, 1001000);
    assert_int_equal(s->events[0]->time_unix_nano, 1002000);
    assert_int_equal(s->end_time_unix_nano, 1003000);
    finish(&w);
}

/* SDK-LOG-02: by a clock of one's own, too */
static void test_log_records_have_the_time_of_ones_own_clock(void **state)
{
    struct world w;
    uint64_t now = 1000000;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.clock = tick;
    options.clock_arg = &now;
    start_by(&w, options);
    otk_logger_log(otk_sdk_logger(w.sdk, "l", NULL), OTK_SEVERITY_NUMBER_INFO, "first", NULL);
    otk_log_record record = OTK_LOG_RECORD_INIT;
    otk_logger_emit(otk_sdk_logger(w.sdk, "l", NULL), &record);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    const struct request *r = server_request(w.server, 0);
    Otk__Collector__Logs__ExportLogsServiceRequest *logs =
        otk__collector__logs__export_logs_service_request__unpack(NULL, r->size, r->body);
    assert_non_null(logs);
    Otk__Logs__LogRecord **records = logs->resource_logs[0]->scope_logs[0]->log_records;
    assert_int_equal(records[0]->time_unix_nano, 1001000);
    assert_int_equal(records[0]->observed_time_unix_nano, 1001000);
    assert_int_equal(records[1]->time_unix_nano, 0);
    assert_int_equal(records[1]->observed_time_unix_nano, 1002000);
    otk__collector__logs__export_logs_service_request__free_unpacked(logs, NULL);
    finish(&w);
}

/* SDK-ID-02, SDK-ERR-04 */
static void test_a_generator_of_zeros_is_not_asked_for_ever(void **state)
{
    struct world w;
    struct counting counting = {0, UINT32_MAX};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.generate_id = count_ids;
    options.generate_id_arg = &counting;
    start_by(&w, options);
    otk_span *span = otk_span_start(w.tracer, "s", NULL);
    assert_true(otk_span_context_is_valid(otk_span_get_context(span)));
    otk_span_free(span);
    finish(&w);
}

/* ---- Messages -------------------------------------------------------- */

static void test_a_message_is_a_span_without_duration(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span =
        otk_message_span(w.tracer, 0, "handle {path}", OTK_ATTRIBUTES(otk_attribute_string("path", "/cart")));
    otk_token token = otk_span_attach(span);
    otk_message(w.tracer, 10, "{user} has {count=} {{items}} worth {price}",
                OTK_ATTRIBUTES(otk_attribute_string("user", "ada"), otk_attribute_int("count", 3),
                               otk_attribute_double("price", 1.5)));
    otk_detach(token);
    otk_span_free(span);
    flush_traces(&w);
    const span_message *log = span_at(&w, 0), *outer = span_at(&w, 1);
    assert_string_equal(log->name, "{user} has {count=} {{items}} worth {price}");
    assert_int_equal(log->start_time_unix_nano, log->end_time_unix_nano);
    assert_memory_equal(log->parent_span_id.data, outer->span_id.data, 8);
    assert_text(attribute(log, "logfire.span_type"), "log");
    assert_text(attribute(log, "logfire.msg"), "ada has count=3 {items} worth 1.5");
    assert_text(attribute(log, "logfire.msg_template"), log->name);
    assert_int_equal(attribute(log, "logfire.level_num")->int_value, 10);
    assert_text(attribute(log, "logfire.json_schema"),
                "{\"type\":\"object\",\"properties\":{\"user\":{},\"count\":{},\"price\":{}}}");
    assert_null(log->status);
    assert_text(attribute(outer, "logfire.span_type"), "span");
    assert_text(attribute(outer, "logfire.msg"), "handle /cart");
    for (size_t i = 0; i < outer->n_attributes; i++)
        assert_string_not_equal(outer->attributes[i]->key, "logfire.level_num");
    finish(&w);
}

static void test_a_message_is_an_error_from_its_level_on(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_message(w.tracer, OTK_SEVERITY_NUMBER_ERROR - 1, "not yet", NULL);
    otk_message(w.tracer, OTK_SEVERITY_NUMBER_ERROR, "now", NULL);
    flush_traces(&w);
    assert_null(span_at(&w, 0)->status);
    assert_int_equal(span_at(&w, 1)->status->code, OTK_STATUS_CODE_ERROR);
    finish(&w);
}

static void test_a_message_sends_maps_and_arrays_as_json(void **state)
{
    struct world w;
    const otk_value list[] = {otk_value_int(1), otk_value_string("a\"b"), otk_value_bool(true), otk_value_double(0.5)};
    const otk_attribute map[] = {otk_attribute_of("k", otk_value_string(NULL)), otk_attribute_bytes("raw", "xy", 2)};
    (void)state;
    start(&w);
    otk_message(w.tracer, OTK_SEVERITY_NUMBER_ERROR, "got {list} and {map}",
                OTK_ATTRIBUTES(otk_attribute_of("list", otk_value_array(list, 4)),
                               otk_attribute_of("map", otk_value_kvlist(map, 2)), otk_attribute_string("none", NULL)));
    flush_traces(&w);
    const span_message *s = span_at(&w, 0);
    assert_text(attribute(s, "list"), "[1,\"a\\\"b\",true,0.5]");
    assert_text(attribute(s, "map"), "{\"k\":null,\"raw\":\"xy\"}");
    assert_text(attribute(s, "none"), "null");
    assert_text(attribute(s, "logfire.msg"), "got [1,\"a\\\"b\",true,0.5] and {\"k\":null,\"raw\":\"xy\"}");
    assert_text(attribute(s, "logfire.json_schema"),
                "{\"type\":\"object\",\"properties\":{\"list\":{\"type\":\"array\"},\"map\":{\"type\":\"object\"},"
                "\"none\":{\"type\":\"null\"}}}");
    assert_int_equal(s->status->code, OTK_STATUS_CODE_ERROR);
    assert_null(s->status->message);
    finish(&w);
}

static void test_a_message_that_cannot_be_filled_in_is_its_template(void **state)
{
    struct world w;
    static const char *const templates[] = {"no {such} key", "an open {brace", "a } alone", "{}", NULL};
    char text[301];
    (void)state;
    start(&w);
    memset(text, 'x', 300);
    text[300] = '\0';
    text[63] = '\xc3', text[64] = '\xa4'; /* a character of two bytes where it is cut */
    for (size_t i = 0; i <= 4; i++)
        otk_message(w.tracer, 9, templates[i], NULL);
    otk_message(w.tracer, 9, "{long}", OTK_ATTRIBUTES(otk_attribute_string("long", text)));
    flush_traces(&w);
    for (size_t i = 0; i < 4; i++)
        assert_text(attribute(span_at(&w, i), "logfire.msg"), templates[i]);
    assert_noted(&w.notes, "no {such} key");
    const char *message = attribute(span_at(&w, 5), "logfire.msg")->string_value;
    assert_in_range(strlen(message), 120, 130);
    assert_non_null(strstr(message, "x..."));
    finish(&w);
}

/* ---- Resource -------------------------------------------------------- */

/* SDK-RES-11 */
static void test_detectors_tell_of_process_and_host(void **state)
{
    struct world w;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.detectors = OTK_DETECT_SERVICE | OTK_DETECT_PROCESS | OTK_DETECT_HOST;
    start_by(&w, options);
    otk_span_free(otk_span_start(w.tracer, "s", NULL));
    const trace_request *request = flush_traces(&w);
    const Otk__Resource__Resource *r = request->resource_spans[0]->resource;
    assert_int_equal(get(r->attributes, r->n_attributes, "process.pid")->int_value, getpid());
    assert_int_equal(strlen(get(r->attributes, r->n_attributes, "service.instance.id")->string_value), 36);
    assert_int_equal(get(r->attributes, r->n_attributes, "service.instance.id")->string_value[14], '4');
    assert_text(get(r->attributes, r->n_attributes, "process.executable.name"), program_invocation_short_name);
    assert_true(get(r->attributes, r->n_attributes, "process.command_args")->array_value->n_values >= 1);
    assert_int_equal(get(r->attributes, r->n_attributes, "process.parent_pid")->int_value, getppid());
    assert_int_equal(get(r->attributes, r->n_attributes, "process.executable.path")->string_value[0], '/');
    assert_text(get(r->attributes, r->n_attributes, "os.type"), "linux");
    assert_true(strlen(get(r->attributes, r->n_attributes, "host.name")->string_value) > 0);
    assert_true(strlen(get(r->attributes, r->n_attributes, "host.arch")->string_value) > 0);
    assert_true(strlen(get(r->attributes, r->n_attributes, "os.version")->string_value) > 0);
    finish(&w);
}

/* A test compares resources, and what a detector finds differs each time. */
static void test_only_what_is_asked_for_is_detected(void **state)
{
    static const struct {
        unsigned detectors;
        size_t found;
    } cases[] = {{0, 0}, {OTK_DETECT_SERVICE, 1}, {OTK_DETECT_PROCESS, 5}, {OTK_DETECT_HOST, 4}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
        options.detectors = cases[i].detectors;
        start_by(&w, options);
        otk_span_free(otk_span_start(w.tracer, "s", NULL));
        const trace_request *request = flush_traces(&w);
        assert_int_equal(request->resource_spans[0]->resource->n_attributes, 4 + cases[i].found);
        finish(&w);
    }
}

/* SDK-ERR-01: with NULL for everything */
static void test_nothing_minds_null(void **state)
{
    otk_span_data data;
    otk_value value;
    (void)state;
    otk_span_record_error(NULL, "t", "m", NULL, NULL);
    otk_span_read(NULL, &data);
    assert_int_equal(data.name.size, 0);
    assert_false(otk_span_get_attribute(NULL, NULL, &value));
    otk_detach(otk_span_attach(NULL));
    otk_message(NULL, 9, NULL, NULL);
    otk_span_free(otk_message_span(NULL, 9, "x", NULL));
    otk_scoped_span scoped = otk_scoped_span_start(NULL, NULL);
    otk_scoped_span_end(&scoped);
    otk_span *nothing = otk_span_start(NULL, NULL, NULL);
    otk_span_read(nothing, &data);
    assert_int_equal(data.message.size, 0);
    otk_span_free(nothing);
}

/* SDK-ERR-01: what has no place for its result has none. */
static void test_results_may_be_null(void **state)
{
    struct world w;
    char text[] = "untouched";
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "span", NULL);
    otk_baggage *baggage = otk_baggage_set(NULL, "k", "v", NULL);
    otk_span_set_int(span, "k", 1);
    assert_false(otk_span_get_attribute(span, "k", NULL));
    otk_span_read(span, NULL);
    otk_span_context_trace_id(otk_span_get_context(span), NULL);
    otk_span_context_span_id(otk_span_get_context(span), NULL);
    otk_sdk_stats_get(w.sdk, NULL);
    otk_sdk_print_config(w.sdk, NULL);
    assert_int_equal(otk_sdk_print_environment(NULL, NULL), 0);
    otk_sdk_print_variables(NULL);
    assert_non_null(otk_baggage_entries(baggage, NULL));
    otk_sampler_describe(otk_sampler_always_on(), NULL, 0);
    otk_sampler_describe(NULL, text, sizeof text);
    assert_string_equal(text, "");
    otk_scoped_span_end(NULL);
    otk_baggage_free(baggage);
    otk_span_free(span);
    finish(&w);
}

static void test_each_reason_of_a_drop_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < OTK_DROP_COUNT; i++) {
        assert_string_not_equal(otk_drop_reason_name((otk_drop_reason)i), "unknown");
        for (int k = 0; k < i; k++)
            assert_string_not_equal(otk_drop_reason_name((otk_drop_reason)i), otk_drop_reason_name((otk_drop_reason)k));
    }
    assert_string_equal(otk_drop_reason_name(OTK_DROP_QUEUE_FULL), "queue full");
    assert_string_equal(otk_drop_reason_name((otk_drop_reason)OTK_DROP_COUNT), "unknown");
}

/* SDK-ERR-01 */
static void test_a_sampler_that_cannot_decide_is_not_taken(void **state)
{
    struct world w;
    const otk_sampler sampler = {.description = "mine"};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.sampler = &sampler;
    start_by(&w, options);
    otk_span *span = otk_span_start(w.tracer, "span", NULL);
    assert_true(otk_span_is_recording(span));
    otk_span_free(span);
    finish(&w);
}

/* ---- What is large ---------------------------------------------------- */

static void look_at_message(otk_span *span, void *arg)
{
    size_t *attributes = arg;
    otk_span_data data;
    otk_span_read(span, &data);
    span_message *s = otk__trace__span__unpack(NULL, data.message.size, data.message.data);
    assert_true(data.message.size > 0);
    assert_non_null(s);
    *attributes += s->n_attributes;
    otk__trace__span__free_unpacked(s, NULL);
}

/* SDK-PROC-11, SDK-ERR-05: 64 MiB, and no more */
static void test_processors_see_large_spans_whole(void **state)
{
    static uint8_t large[40 << 20];
    struct world w;
    size_t attributes = 0;
    const otk_span_processor processor = {NULL, look_at_message, NULL, NULL, &attributes};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.processors = &processor;
    options.processor_count = 1;
    start_by(&w, options);
    otk_span *span = otk_span_start(w.tracer, "large", NULL);
    otk_span_set_bytes(span, "large", large, sizeof large);
    otk_span_free(span);
    assert_int_equal(attributes, 1);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);

    span = otk_span_start(w.tracer, "too large", NULL);
    otk_span_set_bytes(span, "large", large, sizeof large);
    otk_span_add_event(span, "large", OTK_ATTRIBUTES(otk_attribute_bytes("large", large, sizeof large)));
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "why");
    otk_span_free(span);
    assert_int_equal(attributes, 2);
    assert_int_equal(traces_of(w.sdk).delivered, 1);
    assert_int_equal(traces_of(w.sdk).dropped[OTK_DROP_NO_MEMORY], 1);
    finish(&w);
}

/* ---- Many threads ---------------------------------------------------- */

struct shared_span {
    _Atomic(otk_span *) span;
    pthread_barrier_t barrier;
};

enum { SHARED = 300 };

static void *look_at_spans(void *arg)
{
    struct shared_span *shared = arg;
    for (int i = 0; i < SHARED; i++) {
        otk_span_data data;
        otk_value value;
        pthread_barrier_wait(&shared->barrier);
        otk_span *span = atomic_load(&shared->span);
        otk_span_read(span, &data);
        assert_true(data.name.size == 0 || data.name.size == 6);
        if (otk_span_get_attribute(span, "key", &value))
            assert_int_equal(value.as.int_value, i);
        otk_span_set_int(span, "other", i);
        pthread_barrier_wait(&shared->barrier);
    }
    return NULL;
}

/* SDK-API-24: one thread ends what another one looks at and changes */
static void test_a_span_may_end_while_others_use_it(void **state)
{
    struct world w;
    struct shared_span shared;
    pthread_t thread;
    (void)state;
    start(&w);
    pthread_barrier_init(&shared.barrier, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, look_at_spans, &shared), 0);
    for (int i = 0; i < SHARED; i++) {
        otk_span *span = otk_span_start(w.tracer, "shared", NULL);
        otk_span_set_int(span, "key", i);
        atomic_store(&shared.span, span);
        pthread_barrier_wait(&shared.barrier);
        otk_span_end(span);
        pthread_barrier_wait(&shared.barrier);
        otk_span_free(span);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&shared.barrier);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(traces_of(w.sdk).delivered, SHARED);
    finish(&w);
}

struct clockwork {
    otk_span *span; /* set on by the clock */
    unsigned calls;
};

static uint64_t tell_time(void *arg)
{
    struct clockwork *clockwork = arg;
    clockwork->calls++;
    otk_span_set_int(clockwork->span, "told", 1);
    return 1000 + clockwork->calls;
}

static void *share(void *arg)
{
    otk_span_set_int(arg, "shared", 1);
    return NULL;
}

/* SDK-API-23: no lock is held meanwhile */
static void test_a_clock_may_use_the_span_that_it_is_asked_for(void **state)
{
    struct world w;
    struct clockwork clockwork = {NULL, 0};
    pthread_t other;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.clock = tell_time;
    options.clock_arg = &clockwork;
    start_by(&w, options);
    otk_span *span = otk_span_start(w.tracer, "span", NULL);
    assert_int_equal(pthread_create(&other, NULL, share, span), 0);
    pthread_join(other, NULL);
    clockwork.span = span;
    otk_span_end(span);
    clockwork.span = NULL;
    const span_message *s = sent(&w, span);
    assert_int_equal(s->end_time_unix_nano, 1000 + clockwork.calls);
    assert_int_equal(attribute(s, "told")->int_value, 1);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_without_parent_belongs_to_the_current_one),
        cmocka_unit_test(test_tokens_out_of_order_are_noticed),
        cmocka_unit_test(test_a_freed_span_is_not_current_any_more),
        cmocka_unit_test(test_each_thread_has_its_own_current_span),
        cmocka_unit_test(test_a_scoped_span_ends_with_its_block),
        cmocka_unit_test(test_baggage_is_current_beside_the_span),
        cmocka_unit_test(test_one_sdk_may_be_the_global_one),
        cmocka_unit_test(test_a_wrapped_context_records_nothing),
        cmocka_unit_test(test_errors_are_events_named_exception),
        cmocka_unit_test(test_the_sampler_decides_what_becomes_of_a_span),
        cmocka_unit_test(test_a_sampler_knows_what_a_span_starts_with),
        cmocka_unit_test(test_a_ratio_without_its_sampler_means_nothing),
        cmocka_unit_test(test_the_environment_names_the_sampler),
        cmocka_unit_test(test_ids_and_times_may_be_ones_own),
        cmocka_unit_test(test_log_records_have_the_time_of_ones_own_clock),
        cmocka_unit_test(test_a_generator_of_zeros_is_not_asked_for_ever),
        cmocka_unit_test(test_a_message_is_a_span_without_duration),
        cmocka_unit_test(test_a_message_is_an_error_from_its_level_on),
        cmocka_unit_test(test_a_message_sends_maps_and_arrays_as_json),
        cmocka_unit_test(test_a_message_that_cannot_be_filled_in_is_its_template),
        cmocka_unit_test(test_detectors_tell_of_process_and_host),
        cmocka_unit_test(test_only_what_is_asked_for_is_detected),
        cmocka_unit_test(test_nothing_minds_null),
        cmocka_unit_test(test_results_may_be_null),
        cmocka_unit_test(test_each_reason_of_a_drop_has_a_name),
        cmocka_unit_test(test_a_sampler_that_cannot_decide_is_not_taken),
        cmocka_unit_test(test_processors_see_large_spans_whole),
        cmocka_unit_test(test_a_span_may_end_while_others_use_it),
        cmocka_unit_test(test_a_clock_may_use_the_span_that_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
