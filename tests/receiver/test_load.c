#include "given.h"

#include "inflate.h"
#include "json.h"

/* What a load gave: every request as a line of OTLP/JSON, and its notes. */
struct loaded {
    int rc;
    otk_error error;
    size_t requests;
    char *json;
    size_t json_size;
    FILE *to;
    char notes[1024];
    otk_signal signal; /* of the last */
};

static void keep(const otk_capture *c, void *arg)
{
    struct loaded *l = arg;
    l->requests++;
    assert_int_equal(c->number, l->requests);
    l->signal = c->signal;
    snprintf(l->notes + strlen(l->notes), sizeof l->notes - strlen(l->notes), "%s", c->notes);
    assert_int_equal(otk_capture_write_json(c, l->to), 0);
}

static struct loaded load_with(const void *data, size_t size, const otk_load_options *options)
{
    char *path = given_file(data, size);
    struct loaded l = {.rc = 1};
    l.to = open_memstream(&l.json, &l.json_size);
    l.rc = otk_load(path, options, keep, &l, &l.error);
    fclose(l.to);
    forget_file(path);
    return l;
}

static struct loaded load_text(const char *json)
{
    char *text = strdup(json);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    struct loaded l = load_with(text, strlen(text), NULL);
    free(text);
    return l;
}

static void assert_fails(struct loaded l, int code, const char *part)
{
    assert_int_equal(l.rc, code);
    assert_int_equal(l.error.code, code);
    if (!strstr(l.error.message, part))
        fail_msg("%s is not in: %s", part, l.error.message);
    free(l.json);
}

static void assert_loads(struct loaded l, size_t requests, const char *part)
{
    if (l.rc)
        fail_msg("%s", l.error.message);
    assert_int_equal(l.requests, requests);
    assert_non_null(strstr(l.json, part));
    free(l.json);
}

/* A request as protobuf bytes. */
static struct otk_buffer protobuf_of(otk_signal signal, const char *json)
{
    otk_capture *c = given(signal, json);
    struct otk_buffer out = OTK_BUFFER_INIT((size_t)1 << 20);
    otk_buffer_append(&out, c->message.data, c->message.size);
    forget(c);
    return out;
}

static void test_protobuf_tells_its_signal(void **state)
{
    static const char *const bodies[] = {
        SPAN("'name':'x','spanId':'0001020304050607','kind':2,'startTimeUnixNano':'1'"),
        METRIC("'name':'x','gauge':{'dataPoints':[{'asInt':'1'}]}"),
        LOG("'timeUnixNano':'1','body':{'stringValue':'x'}"),
    };
    (void)state;
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++) {
        struct otk_buffer body = protobuf_of((otk_signal)i, bodies[i]);
        struct loaded l = load_with(body.data, body.size, NULL);
        assert_int_equal(l.signal, i);
        assert_loads(l, 1, "x");
        otk_buffer_clear(&body);
    }
}

static void test_bytes_that_fit_several_signals_need_to_be_told(void **state)
{
    (void)state;
    otk_load_options options = OTK_LOAD_OPTIONS_INIT;
    struct otk_buffer body = protobuf_of(OTK_SIGNAL_LOGS, "{'resourceLogs':[{'resource':{}}]}");
    assert_fails(load_with(body.data, body.size, NULL), OTK_EINVAL, "--signal");
    assert_fails(load_with("", 0, NULL), OTK_EINVAL, "--signal");
    options.has_signal = true;
    options.signal = OTK_SIGNAL_LOGS;
    assert_loads(load_with(body.data, body.size, &options), 1, "resourceLogs");
    assert_loads(load_with("", 0, &options), 1, "{}\n");
    otk_buffer_clear(&body);
}

static void test_compression_is_undone(void **state)
{
    (void)state;
    struct otk_buffer body = protobuf_of(OTK_SIGNAL_TRACES, SPAN("'name':'x','kind':2,'startTimeUnixNano':'1'"));
    struct otk_buffer gzip = OTK_BUFFER_INIT((size_t)1 << 20);
    assert_int_equal(otk_gzip(&gzip, body.data, body.size), 0);
    assert_loads(load_with(gzip.data, gzip.size, NULL), 1, "\"name\":\"x\"");
    assert_fails(load_with(gzip.data, gzip.size - 4, NULL), OTK_EDATA, "otlpkit-test-");
    otk_buffer_clear(&gzip);
    otk_buffer_clear(&body);
}

static void test_json_may_stand_on_many_lines(void **state)
{
    (void)state;
    assert_loads(load_text("\xef\xbb\xbf \n{\n 'resourceSpans' : [ {\n} ]\n}\n"), 1, "resourceSpans");
}

/* RX-FILE-01 */
static void test_json_lines_are_a_request_each(void **state)
{
    (void)state;
    assert_loads(load_text(SPAN("'name':'one }'") "\n\r\n" SPAN("'name':'two \\\\'") "\n" SPAN("'name':'three'")), 3,
                 "three");
    assert_loads(load_text("{}\n{'resourceLogs':[]}"), 2, "{}");
}

/* RX-FILE-01 */
static void test_a_file_of_mixed_signals_is_noted_once(void **state)
{
    (void)state;
    struct loaded l = load_text(SPAN("") "\n" LOG("") "\n" METRIC("") "\n" SPAN("") "\n");
    const char *first = strstr(l.notes, "more than one signal");
    assert_non_null(first);
    assert_null(strstr(first + 1, "more than one signal"));
    assert_loads(l, 4, "resourceMetrics");
}

static void test_a_broken_line_is_named(void **state)
{
    (void)state;
    assert_fails(load_text(SPAN("") "\n" SPAN("'name':7") "\n"), OTK_EDATA, ", line 2: ");
    assert_fails(load_text(SPAN("'name':7")), OTK_EDATA, "resourceSpans[0].scopeSpans[0].spans[0].name");
    assert_fails(load_text(SPAN("") "\n{'resourceSpans':[\n" SPAN("") "\n"), OTK_EDATA, ", line 2: ");
    assert_fails(load_text(SPAN("") "\n\n17\n"), OTK_EDATA, ", line 3: not a JSON object");
    assert_fails(load_text("{'spans':[]}"), OTK_EDATA, "none of resourceSpans");
}

static void test_a_long_file_of_lines_is_read_in_passing(void **state)
{
    (void)state;
    otk_load_options options = OTK_LOAD_OPTIONS_INIT;
    char line[4096];
    int size = snprintf(line, sizeof line, "{\"resourceSpans\":[{\"schemaUrl\":\"%03000d\"}]}\n", 1);
    char *all = malloc((size_t)size * 2000);
    assert_non_null(all);
    for (size_t i = 0; i < 2000; i++)
        memcpy(all + i * (size_t)size, line, (size_t)size);
    options.max_request_bytes = 4096;
    assert_loads(load_with(all, (size_t)size * 2000, &options), 2000, "0001");
    options.max_request_bytes = 2048;
    assert_fails(load_with(all, (size_t)size * 2000, &options), OTK_ELIMIT, ", line 1: a request larger than 2048");
    free(all);
}

static void test_what_is_none_of_these_is_refused(void **state)
{
    (void)state;
    otk_load_options options = OTK_LOAD_OPTIONS_INIT;
    assert_fails(load_text("hello"), OTK_EDATA, "neither OTLP/JSON, nor an archive, nor a request in protobuf");
    assert_fails(load_text("WARC/1.1\n"), OTK_EDATA, "not a WARC record at byte 0");
    options.max_request_bytes = 4;
    assert_fails(load_with("hello", 5, &options), OTK_ELIMIT, "larger than 4 bytes");
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    otk_error error;
    assert_int_equal(otk_load("no/such/file", NULL, keep, NULL, &error), OTK_ESYSTEM);
    assert_string_equal(error.message, "no/such/file: cannot be read: No such file or directory");
    assert_int_equal(otk_load(".", NULL, keep, NULL, NULL), OTK_ESYSTEM);
}

static void ignore(const otk_capture *c, void *arg)
{
    (void)c;
    (void)arg;
}

static void test_without_memory_it_fails_and_leaks_nothing(void **state)
{
    (void)state;
    static const char text[] = "{\"resourceSpans\":[{}]}\n{\"resourceLogs\":[{}]}\n";
    char *path = given_file(text, sizeof text - 1);
    size_t failures = 0;
    int rc = OTK_ENOMEM;
    for (; rc; failures++) {
        allocations_left = failures;
        rc = otk_load(path, NULL, ignore, NULL, NULL);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    assert_true(failures > 3);
    forget_file(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protobuf_tells_its_signal),
        cmocka_unit_test(test_bytes_that_fit_several_signals_need_to_be_told),
        cmocka_unit_test(test_compression_is_undone),
        cmocka_unit_test(test_json_may_stand_on_many_lines),
        cmocka_unit_test(test_json_lines_are_a_request_each),
        cmocka_unit_test(test_a_file_of_mixed_signals_is_noted_once),
        cmocka_unit_test(test_a_broken_line_is_named),
        cmocka_unit_test(test_a_long_file_of_lines_is_read_in_passing),
        cmocka_unit_test(test_what_is_none_of_these_is_refused),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(test_without_memory_it_fails_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
