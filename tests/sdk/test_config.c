#include "test.h"

#include "config.h"
#include "opentelemetry/proto/resource/v1/resource.pb-c.h"
#include "resource.h"

#include <errno.h>

struct loaded {
    struct otk_config config;
    struct notes notes;
};

/* The configuration that these settings alone make. */
static struct loaded load(const char *const *settings)
{
    struct loaded l = {0};
    struct otk_warnings warnings;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.settings = settings;
    options.ignore_environment = true;
    otk_warnings_init(&warnings, note, &l.notes);
    assert_int_equal(otk_config_load(&l.config, &options, &warnings, NULL), 0);
    otk_warnings_clear(&warnings);
    return l;
}

static struct loaded load_one(const char *setting)
{
    return load((const char *const[]){setting, NULL});
}

/* ---- Numbers, booleans, enumerations --------------------------------- */

#define AT(field) offsetof(struct otk_config, field)
#define TRACES signals[OTK_SIGNAL_TRACES]
#define METRICS signals[OTK_SIGNAL_METRICS]
#define LOGS signals[OTK_SIGNAL_LOGS]

static unsigned number_at(const struct otk_config *config, size_t at)
{
    unsigned number;
    memcpy(&number, (const char *)config + at, sizeof number);
    return number;
}

/* SDK-ENV-09, SDK-ENV-10, SDK-ENV-11, SDK-ENV-12, SDK-ENV-13, SDK-ENV-14, SDK-ENV-15, SDK-ENV-16, SDK-ENV-23,
 * SDK-ENV-30, SDK-ENV-33, SDK-ENV-34, SDK-PARSE-01, SDK-PARSE-04, SDK-PARSE-05, SDK-PARSE-06, SDK-PARSE-07,
 * SDK-PARSE-08, SDK-PARSE-13 */
static void test_numbers_have_their_defaults_and_ranges(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        unsigned fallback;
        bool takes_zero;
        unsigned zero; /* what it becomes */
    } cases[] = {
        {"OTEL_BSP_SCHEDULE_DELAY", AT(TRACES.delay_ms), 5000, true, 0},
        {"OTEL_BSP_EXPORT_TIMEOUT", AT(TRACES.export_timeout_ms), 30000, true, INT32_MAX},
        {"OTEL_BSP_MAX_QUEUE_SIZE", AT(TRACES.queue_size), 2048, false, 0},
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", AT(TRACES.batch_size), 512, false, 0},
        {"OTEL_BLRP_SCHEDULE_DELAY", AT(LOGS.delay_ms), 1000, true, 0},
        {"OTEL_BLRP_EXPORT_TIMEOUT", AT(LOGS.export_timeout_ms), 30000, true, INT32_MAX},
        {"OTEL_BLRP_MAX_QUEUE_SIZE", AT(LOGS.queue_size), 2048, false, 0},
        {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", AT(LOGS.batch_size), 512, false, 0},
        {"OTEL_METRIC_EXPORT_INTERVAL", AT(METRICS.delay_ms), 60000, false, 0},
        {"OTEL_METRIC_EXPORT_TIMEOUT", AT(METRICS.export_timeout_ms), 30000, true, INT32_MAX},
        {"OTEL_EXPORTER_OTLP_TIMEOUT", AT(LOGS.timeout_ms), 10000, true, INT32_MAX},
        {"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", AT(METRICS.timeout_ms), 10000, true, INT32_MAX},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", AT(span_attributes), 128, true, 0},
        {"OTEL_ATTRIBUTE_COUNT_LIMIT", AT(log_attributes), 128, true, 0},
        {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", AT(log_attributes), 128, true, 0},
        {"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", AT(event_attributes), 128, true, 0},
        {"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", AT(link_attributes), 128, true, 0},
        {"OTEL_SPAN_EVENT_COUNT_LIMIT", AT(span_events), 128, true, 0},
        {"OTEL_SPAN_LINK_COUNT_LIMIT", AT(span_links), 128, true, 0},
        {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", AT(span_attribute_length), OTK_CONFIG_UNLIMITED, true, 0},
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", AT(span_attribute_length), OTK_CONFIG_UNLIMITED, true, 0},
        {"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", AT(log_attribute_length), OTK_CONFIG_UNLIMITED, true, 0},
        {"OTEL_C_EXPORTER_RETRY_DELAY", AT(retry_delay_ms), 1000, true, 0},
        {"OTEL_C_EXPORTER_MAX_REQUEST_BYTES", AT(max_request_bytes), 64 << 20, false, 0},
        {"OTEL_C_EXPORTER_MAX_RESPONSE_BYTES", AT(max_response_bytes), 4 << 20, false, 0},
    };
    static const char *const bad[] = {"5s", "1e3", "abc", "-1", "2147483648", "99999999999999999999", "1.5", " "};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char setting[128];
        snprintf(setting, sizeof setting, "%s=77", cases[i].name);
        struct loaded l = load_one(setting);
        assert_int_equal(number_at(&l.config, cases[i].at), 77);
        assert_int_equal(l.notes.count, 0);
        otk_config_clear(&l.config);

        snprintf(setting, sizeof setting, "%s=0", cases[i].name);
        l = load_one(setting);
        assert_int_equal(number_at(&l.config, cases[i].at), cases[i].takes_zero ? cases[i].zero : cases[i].fallback);
        assert_int_equal(l.notes.count, cases[i].takes_zero ? 0 : 1);
        otk_config_clear(&l.config);

        for (size_t k = 0; k < COUNT(bad); k++) {
            snprintf(setting, sizeof setting, "%s=%s", cases[i].name, bad[k]);
            l = load_one(setting);
            assert_int_equal(number_at(&l.config, cases[i].at), cases[i].fallback);
            assert_int_equal(l.notes.count, 1);
            assert_noted(&l.notes, cases[i].name);
            otk_config_clear(&l.config);
        }
        snprintf(setting, sizeof setting, "%s=", cases[i].name);
        l = load_one(setting);
        assert_int_equal(number_at(&l.config, cases[i].at), cases[i].fallback);
        assert_int_equal(l.notes.count, 0);
        otk_config_clear(&l.config);
    }
}

/* SDK-PARSE-06 */
static void test_the_largest_number_is_taken(void **state)
{
    (void)state;
    struct loaded l = load_one("OTEL_BSP_SCHEDULE_DELAY=2147483647");
    assert_int_equal(l.config.TRACES.delay_ms, 2147483647);
    otk_config_clear(&l.config);
}

/* SDK-ENV-12, SDK-ENV-13 */
static void test_a_batch_fits_into_its_queue(void **state)
{
    (void)state;
    struct loaded l = load(
        (const char *const[]){"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=2049", NULL});
    assert_int_equal(l.config.TRACES.batch_size, 512);
    assert_int_equal(l.config.LOGS.batch_size, 512);
    assert_noted(&l.notes, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096");
    assert_noted(&l.notes, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=2049");
    otk_config_clear(&l.config);
    l = load_one("OTEL_BSP_MAX_QUEUE_SIZE=10");
    assert_int_equal(l.config.TRACES.batch_size, 10);
    assert_int_equal(l.notes.count, 0);
    otk_config_clear(&l.config);
}

/* SDK-PARSE-02, SDK-PARSE-03, SDK-ENV-01 */
static void test_only_true_is_true(void **state)
{
    static const struct {
        const char *setting;
        bool disabled;
        unsigned warnings;
    } cases[] = {
        {"OTEL_SDK_DISABLED=true", true, 0}, {"OTEL_SDK_DISABLED=TRUE", true, 0}, {"OTEL_SDK_DISABLED=false", false, 0},
        {"OTEL_SDK_DISABLED=", false, 0},    {"OTEL_SDK_DISABLED=1", false, 1},   {"OTEL_SDK_DISABLED=yes", false, 1},
        {"OTEL_SDK_DISABLED=on", false, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct loaded l = load_one(cases[i].setting);
        assert_int_equal(l.config.disabled, cases[i].disabled);
        assert_int_equal(l.notes.count, cases[i].warnings);
        otk_config_clear(&l.config);
    }
}

/* SDK-ENV-22, SDK-ENV-27, SDK-PARSE-09, SDK-PARSE-10 */
static void test_compression_is_set_per_signal(void **state)
{
    (void)state;
    struct loaded l =
        load((const char *const[]){"OTEL_EXPORTER_OTLP_COMPRESSION=GZIP", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=none",
                                   "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION=brotli", NULL});
    assert_false(l.config.TRACES.gzip);
    assert_true(l.config.METRICS.gzip);
    assert_true(l.config.LOGS.gzip);
    assert_noted(&l.notes, "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION=brotli");
    otk_config_clear(&l.config);
}

/* ---- Where it goes --------------------------------------------------- */

/* SDK-URL-02, SDK-URL-03, SDK-URL-04, SDK-URL-05, SDK-ENV-19, SDK-LF-04: the eight vectors */
static void test_endpoint_vectors(void **state)
{
    static const struct {
        const char *base, *traces, *metrics;
        const char *traces_to, *metrics_to;
    } vectors[] = {
        {"http://collector:4318", "", "", "http://collector:4318/v1/traces", "http://collector:4318/v1/metrics"},
        {"", "http://collector:4318", "", "http://collector:4318/", "http://localhost:4318/v1/metrics"},
        {"http://collector:4318", "", "https://c.example.com/v1/metrics", "http://collector:4318/v1/traces",
         "https://c.example.com/v1/metrics"},
        {"http://collector:4318/mycollector/", "", "", "http://collector:4318/mycollector/v1/traces",
         "http://collector:4318/mycollector/v1/metrics"},
        {"", "", "https://c.example.com/v1/metrics/", "http://localhost:4318/v1/traces",
         "https://c.example.com/v1/metrics/"},
        {"http://collector:4318/mycollector", "", "", "http://collector:4318/mycollector/v1/traces",
         "http://collector:4318/mycollector/v1/metrics"},
        {"https://c.example.com", "", "", "https://c.example.com/v1/traces", "https://c.example.com/v1/metrics"},
        {"", "", "", "http://localhost:4318/v1/traces", "http://localhost:4318/v1/metrics"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        char base[128], traces[128], metrics[128];
        snprintf(base, sizeof base, "OTEL_EXPORTER_OTLP_ENDPOINT=%s", vectors[i].base);
        snprintf(traces, sizeof traces, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=%s", vectors[i].traces);
        snprintf(metrics, sizeof metrics, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=%s", vectors[i].metrics);
        struct loaded l = load((const char *const[]){base, traces, metrics, NULL});
        assert_string_equal(l.config.TRACES.endpoint, vectors[i].traces_to);
        assert_string_equal(l.config.METRICS.endpoint, vectors[i].metrics_to);
        assert_int_equal(l.notes.count, 0);
        otk_config_clear(&l.config);
    }
}

/* SDK-URL-07 */
static void test_an_unusable_endpoint_is_warned_about_once(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318",
        "OTEL_EXPORTER_OTLP_ENDPOINT=ftp://x",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://:4318",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://x:99999",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://x:43 18",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://x:otlp/",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://[::1]4318",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318:4318",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://x:18446744073709551617",
    };
    for (size_t i = 0; i < COUNT(settings); i++) {
        struct loaded l = load_one(settings[i]);
        assert_string_equal(l.config.LOGS.endpoint, "http://localhost:4318/v1/logs");
        assert_int_equal(l.notes.count, 1);
        assert_noted(&l.notes, settings[i]);
        otk_config_clear(&l.config);
    }
}

/* SDK-ENV-17, SDK-ENV-18, SDK-LF-01, SDK-LF-02; decision D1 */
static void test_only_the_otlp_exporter_exports(void **state)
{
    static const struct {
        const char *value;
        bool enabled;
        unsigned warnings;
    } cases[] = {
        {"otlp", true, 0},    {"OTLP", true, 0},         {"", true, 0},
        {"none", false, 0},   {"None", false, 0},        {"console", false, 1},
        {"zipkin", false, 1}, {"otlp,console", true, 1}, {"foo,none", false, 1},
    };
    static const char *const names[OTK_SIGNAL_COUNT] = {"TRACES", "METRICS", "LOGS"};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t signal = 0; signal < OTK_SIGNAL_COUNT; signal++) {
            char setting[64];
            snprintf(setting, sizeof setting, "OTEL_%s_EXPORTER=%s", names[signal], cases[i].value);
            struct loaded l = load_one(setting);
            for (size_t other = 0; other < OTK_SIGNAL_COUNT; other++)
                assert_int_equal(l.config.signals[other].enabled, other == signal ? cases[i].enabled : true);
            assert_int_equal(l.notes.count, cases[i].warnings);
            otk_config_clear(&l.config);
        }
    }
}

/* SDK-LF-01: they are meant for something else. */
static void test_variables_of_another_exporter_are_not_looked_at(void **state)
{
    (void)state;
    struct loaded l =
        load((const char *const[]){"OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=nonsense",
                                   "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=nonsense", NULL});
    assert_null(l.config.TRACES.endpoint);
    assert_int_equal(l.notes.count, 0);
    otk_config_clear(&l.config);
}

/* SDK-ENV-20; decision D2 */
static void test_other_protocols_are_warned_about(void **state)
{
    static const char *const protocols[] = {"grpc", "smoke"};
    (void)state;
    for (size_t i = 0; i < COUNT(protocols); i++) {
        char setting[64];
        snprintf(setting, sizeof setting, "OTEL_EXPORTER_OTLP_PROTOCOL=%s", protocols[i]);
        struct loaded l = load_one(setting);
        assert_true(l.config.TRACES.enabled);
        assert_int_equal(l.notes.count, 1);
        assert_noted(&l.notes, protocols[i]);
        otk_config_clear(&l.config);
    }
    struct loaded l = load((const char *const[]){"OTEL_EXPORTER_OTLP_PROTOCOL=HTTP/json",
                                                 "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/protobuf", NULL});
    assert_int_equal(l.notes.count, 0);
    assert_true(l.config.TRACES.json);
    assert_false(l.config.LOGS.json);
    otk_config_clear(&l.config);
}

/* SDK-HDR-05, SDK-ENV-21 */
static void test_headers_of_a_signal_replace_the_general_ones(void **state)
{
    (void)state;
    struct loaded l =
        load((const char *const[]){"OTEL_EXPORTER_OTLP_HEADERS=a=1,b=2", "OTEL_EXPORTER_OTLP_LOGS_HEADERS=c=3", NULL});
    assert_int_equal(l.config.TRACES.headers.count, 2);
    assert_int_equal(l.config.LOGS.headers.count, 1);
    assert_string_equal(l.config.LOGS.headers.lines[0], "c: 3");
    otk_config_clear(&l.config);
}

/* SDK-ENV-24, SDK-ENV-25 */
static void test_certificates_are_set_per_signal(void **state)
{
    (void)state;
    struct loaded l = load((const char *const[]){
        "OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=traces.pem",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY=key.pem", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client.pem", NULL});
    assert_string_equal(l.config.TRACES.certificate, "traces.pem");
    assert_string_equal(l.config.LOGS.certificate, "ca.pem");
    assert_string_equal(l.config.LOGS.client_key, "key.pem");
    assert_string_equal(l.config.LOGS.client_certificate, "client.pem");
    otk_config_clear(&l.config);
}

/* SDK-ENV-32 */
static void test_a_configuration_file_is_warned_about(void **state)
{
    (void)state;
    struct loaded l = load_one("OTEL_CONFIG_FILE=otel.yaml");
    assert_noted(&l.notes, "OTEL_CONFIG_FILE=otel.yaml");
    otk_config_clear(&l.config);
}

/* SDK-PARSE-12: code wins over the environment, whichever name it uses. */
static void test_options_win_over_the_environment(void **state)
{
    struct otk_warnings warnings;
    struct notes notes = {0};
    struct otk_config config;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://environment/v1/traces", 1);
    setenv("OTEL_BSP_SCHEDULE_DELAY", "11", 1);
    setenv("OTEL_BLRP_SCHEDULE_DELAY", "12", 1);
    options.endpoint = "http://code";
    options.settings = (const char *const[]){"OTEL_BSP_SCHEDULE_DELAY=22", NULL};
    otk_warnings_init(&warnings, note, &notes);
    assert_int_equal(otk_config_load(&config, &options, &warnings, NULL), 0);
    assert_string_equal(config.TRACES.endpoint, "http://code/v1/traces");
    assert_int_equal(config.TRACES.delay_ms, 22);
    assert_int_equal(config.LOGS.delay_ms, 12);
    otk_config_clear(&config);
    otk_warnings_clear(&warnings);
    unsetenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    unsetenv("OTEL_BSP_SCHEDULE_DELAY");
    unsetenv("OTEL_BLRP_SCHEDULE_DELAY");
}

/* SDK-ERR-02: a mistake of the program, told at the start only. */
static void test_an_unknown_setting_is_an_error(void **state)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    otk_error error;
    (void)state;
    options.ignore_environment = true;
    options.settings = (const char *const[]){"OTEL_BSP_SCHEDULE_DELAYS=22", NULL};
    assert_null(otk_sdk_start(&options, &error));
    assert_int_equal(error.code, OTK_EINVAL);
    assert_string_equal(error.message, "there is no setting \"OTEL_BSP_SCHEDULE_DELAYS\"");
}

/* ---- Resource -------------------------------------------------------- */

/* The attributes as "key=value;…" in their order. */
static void describe(const struct otk_buffer *resource, char *out, size_t size)
{
    Otk__Resource__Resource *r = otk__resource__resource__unpack(NULL, resource->size, resource->data);
    assert_non_null(r);
    *out = '\0';
    for (size_t i = 0; i < r->n_attributes; i++) {
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s=%s;", r->attributes[i]->key, r->attributes[i]->value->string_value);
    }
    otk__resource__resource__free_unpacked(r, NULL);
}

struct described {
    char text[1024];
    struct notes notes;
};

static struct described resource_of(otk_sdk_options options)
{
    struct described d = {0};
    struct otk_warnings warnings;
    struct otk_config config;
    struct otk_buffer resource;
    options.ignore_environment = true;
    otk_warnings_init(&warnings, note, &d.notes);
    assert_int_equal(otk_config_load(&config, &options, &warnings, NULL), 0);
    assert_int_equal(otk_resource_make(&resource, &config, &options, &warnings), 0);
    describe(&resource, d.text, sizeof d.text);
    otk_buffer_clear(&resource);
    otk_config_clear(&config);
    otk_warnings_clear(&warnings);
    return d;
}

#define OURS "telemetry.sdk.name=otlpkit;telemetry.sdk.language=c;telemetry.sdk.version=" OTLPKIT_VERSION ";"

/* SDK-RES-01, SDK-RES-02, SDK-RES-03, SDK-RES-04 */
static void test_a_resource_names_sdk_and_program(void **state)
{
    (void)state;
    struct described d = resource_of((otk_sdk_options){0});
    assert_string_equal(d.text, "service.name=unknown_service:test_sdk_config;" OURS);
}

/* SDK-RES-04 */
static void test_a_program_without_a_name_is_an_unknown_service(void **state)
{
    char *name = program_invocation_short_name;
    (void)state;
    program_invocation_short_name = (char[]){""};
    struct described d = resource_of((otk_sdk_options){0});
    program_invocation_short_name = name;
    assert_string_equal(d.text, "service.name=unknown_service;" OURS);
}

/* SDK-RES-05, SDK-RES-07, SDK-ENV-02, SDK-ENV-03: with an empty value, too */
static void test_later_sources_of_the_resource_win(void **state)
{
    const char *both[] = {"OTEL_RESOURCE_ATTRIBUTES=service.name=list,zone=a,empty=", "OTEL_SERVICE_NAME=named", NULL};
    const char *list[] = {"OTEL_RESOURCE_ATTRIBUTES= service.name = list ,zone=a", NULL};
    (void)state;
    struct described d = resource_of((otk_sdk_options){.settings = list});
    assert_string_equal(d.text, OURS "service.name=list;zone=a;");
    d = resource_of((otk_sdk_options){.settings = both});
    assert_string_equal(d.text, OURS "zone=a;empty=;service.name=named;");
    d = resource_of((otk_sdk_options){
        .settings = both,
        .resource = OTK_ATTRIBUTES(otk_attribute_string("zone", ""), otk_attribute_string("empty", "c"))});
    assert_string_equal(d.text, OURS "service.name=named;zone=;empty=c;");
    d = resource_of((otk_sdk_options){.settings = both,
                                      .service_name = "code",
                                      .resource = OTK_ATTRIBUTES(otk_attribute_string("service.name", "r"))});
    assert_string_equal(d.text, OURS "zone=a;empty=;service.name=code;");
}

/* SDK-RES-08, SDK-RES-09 */
static void test_resource_attributes_are_decoded_or_dropped_whole(void **state)
{
    static const char *const bad[] = {"OTEL_RESOURCE_ATTRIBUTES=a=%zz,b=1", "OTEL_RESOURCE_ATTRIBUTES=b=1,a",
                                      "OTEL_RESOURCE_ATTRIBUTES=b=1,=2"};
    (void)state;
    struct described d =
        resource_of((otk_sdk_options){.settings = (const char *const[]){"OTEL_RESOURCE_ATTRIBUTES=a%3Db=c%2Cd", NULL}});
    assert_non_null(strstr(d.text, ";a=b=c,d;"));
    for (size_t i = 0; i < COUNT(bad); i++) {
        d = resource_of((otk_sdk_options){.settings = (const char *const[]){bad[i], NULL}});
        assert_null(strstr(d.text, "b=1"));
        assert_int_equal(d.notes.count, 1);
        assert_noted(&d.notes, "OTEL_RESOURCE_ATTRIBUTES");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_their_defaults_and_ranges),
        cmocka_unit_test(test_the_largest_number_is_taken),
        cmocka_unit_test(test_a_batch_fits_into_its_queue),
        cmocka_unit_test(test_only_true_is_true),
        cmocka_unit_test(test_compression_is_set_per_signal),
        cmocka_unit_test(test_endpoint_vectors),
        cmocka_unit_test(test_an_unusable_endpoint_is_warned_about_once),
        cmocka_unit_test(test_only_the_otlp_exporter_exports),
        cmocka_unit_test(test_variables_of_another_exporter_are_not_looked_at),
        cmocka_unit_test(test_other_protocols_are_warned_about),
        cmocka_unit_test(test_headers_of_a_signal_replace_the_general_ones),
        cmocka_unit_test(test_certificates_are_set_per_signal),
        cmocka_unit_test(test_a_configuration_file_is_warned_about),
        cmocka_unit_test(test_options_win_over_the_environment),
        cmocka_unit_test(test_an_unknown_setting_is_an_error),
        cmocka_unit_test(test_a_resource_names_sdk_and_program),
        cmocka_unit_test(test_a_program_without_a_name_is_an_unknown_service),
        cmocka_unit_test(test_later_sources_of_the_resource_win),
        cmocka_unit_test(test_resource_attributes_are_decoded_or_dropped_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
