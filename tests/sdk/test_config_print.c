#include "test.h"

#include "config.h"

#include <unistd.h>

/* What a print function writes, until the next call. */
static char text[32768];

static FILE *open_text(void)
{
    memset(text, 0, sizeof text);
    FILE *file = fmemopen(text, sizeof text, "w");
    assert_non_null(file);
    return file;
}

static int print_environment(const char *const *environment)
{
    FILE *file = open_text();
    int rc = otk_sdk_print_environment(environment, file);
    fclose(file);
    return rc;
}

#define ENVIRONMENT(...) print_environment((const char *const[]){__VA_ARGS__, NULL})

static void print_sdk(const otk_sdk_options *options)
{
    otk_sdk *sdk = otk_sdk_start(options, NULL);
    FILE *file = open_text();
    otk_sdk_print_config(sdk, file);
    fclose(file);
    otk_sdk_stop(sdk);
}

static void assert_line(const char *line)
{
    size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++)
        if ((at == text || at[-1] == '\n') && at[size] == '\n')
            return;
    fail_msg("no line is \"%s\" in:\n%s", line, text);
}

static void test_each_value_names_its_origin(void **state)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    setenv("OTEL_BLRP_SCHEDULE_DELAY", "77", 1);
    setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "500", 1);
    options.service_name = "shop";
    options.settings = (const char *const[]){"OTEL_SPAN_LINK_COUNT_LIMIT=3", NULL};
    print_sdk(&options);
    unsetenv("OTEL_BLRP_SCHEDULE_DELAY");
    unsetenv("OTEL_EXPORTER_OTLP_TIMEOUT");
    assert_line("code         OTEL_SERVICE_NAME=shop");
    assert_line("code         OTEL_SPAN_LINK_COUNT_LIMIT=3");
    assert_line("environment  OTEL_BLRP_SCHEDULE_DELAY=77");
    assert_line("environment  OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=500  (OTEL_EXPORTER_OTLP_TIMEOUT)");
    assert_line("default      OTEL_BSP_SCHEDULE_DELAY=5000");
}

static otk_sampling_result mine(const otk_sampler *self, const otk_sampling_input *input)
{
    (void)self, (void)input;
    return (otk_sampling_result){OTK_SAMPLING_DROP, NULL, NULL};
}

static void test_a_sampler_given_in_code_is_named(void **state)
{
    otk_sampler sampler = {.sample = mine, .description = "OnlyOnSundays"};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    options.ignore_environment = true;
    options.sampler = &sampler;
    print_sdk(&options);
    assert_line("code         OTEL_TRACES_SAMPLER=OnlyOnSundays");
}

/* Every variable has a default that its own parser takes and shows again. */
static void test_defaults_are_shown_as_they_are_set(void **state)
{
    (void)state;
    assert_int_equal(print_environment(NULL), 0);
    for (size_t i = 0; i < OTK_CONFIG_VARIABLES; i++) {
        const struct otk_variable *v = otk_config_variable(i);
        char line[256];
        if (v->kind == &otk_kind_endpoint || v->kind == &otk_kind_ratio)
            continue; /* shown with its path, and as a number */
        snprintf(line, sizeof line, "default      %s=%s", v->name, v->fallback);
        assert_line(line);
    }
    assert_line("default      OTEL_TRACES_SAMPLER_ARG=1");
    assert_line("default      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://localhost:4318/v1/logs");
}

/* SDK-PARSE-01: for every variable, in code as well as in the environment */
static void test_an_empty_variable_is_one_that_is_not_set(void **state)
{
    static char names[OTK_CONFIG_VARIABLES][96], before[sizeof text];
    const char *empty[OTK_CONFIG_VARIABLES + 1] = {0};
    struct notes notes = {0};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)state;
    for (size_t i = 0; i < OTK_CONFIG_VARIABLES; i++) {
        const struct otk_variable *v = otk_config_variable(i);
        snprintf(names[i], sizeof names[i], "%s=", v->general && i % 2 ? v->general : v->name);
        empty[i] = names[i];
    }
    assert_int_equal(print_environment(NULL), 0);
    memcpy(before, text, sizeof text);
    assert_int_equal(print_environment(empty), 0);
    assert_string_equal(text, before);
    options.service_name = options.endpoint = options.headers = "";
    options.settings = empty;
    options.ignore_environment = true;
    options.on_warning = note;
    options.on_warning_arg = &notes;
    print_sdk(&options);
    assert_string_equal(text, before);
    assert_int_equal(notes.count, 0);
}

/* SDK-PARSE-12 */
static void test_every_variable_may_be_set_in_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < OTK_CONFIG_VARIABLES; i++) {
        const struct otk_variable *v = otk_config_variable(i);
        char setting[128], line[128];
        otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
        if (v->kind == &otk_kind_never)
            continue;
        const char *value = v->kind == &otk_kind_length ? "7" : *v->fallback ? v->fallback : "a=b";
        snprintf(setting, sizeof setting, "%s=%s", v->name, value);
        snprintf(line, sizeof line, "\ncode         %s=", v->name);
        options.settings = (const char *const[]){setting, NULL};
        options.ignore_environment = true;
        print_sdk(&options);
        if (!strstr(text, line))
            fail_msg("%s is not told to come from code:\n%s", setting, text);
    }
}

static void test_values_are_shown_as_they_are_in_force(void **state)
{
    (void)state;
    assert_int_equal(ENVIRONMENT("OTEL_PROPAGATORS=Baggage", "OTEL_TRACES_SAMPLER=TraceIdRatio",
                                 "OTEL_TRACES_SAMPLER_ARG=0.25", "OTEL_EXPORTER_OTLP_COMPRESSION=GZIP",
                                 "OTEL_BSP_EXPORT_TIMEOUT=0", "OTEL_BSP_MAX_QUEUE_SIZE=10"),
                     0);
    assert_line("environment  OTEL_PROPAGATORS=baggage");
    assert_line("environment  OTEL_TRACES_SAMPLER=traceidratio");
    assert_line("environment  OTEL_TRACES_SAMPLER_ARG=0.25");
    assert_line("environment  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip  (OTEL_EXPORTER_OTLP_COMPRESSION)");
    assert_line("environment  OTEL_BSP_EXPORT_TIMEOUT=0");
    assert_line("default      OTEL_BSP_MAX_EXPORT_BATCH_SIZE=10");
}

static void test_each_signal_names_its_destination(void **state)
{
    (void)state;
    assert_int_equal(ENVIRONMENT("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/base",
                                 "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=https://logs.example", "OTEL_METRICS_EXPORTER=none"),
                     0);
    assert_line("traces       http://collector:4318/base/v1/traces");
    assert_line("metrics      nowhere, its exporter is not otlp");
    assert_line("logs         https://logs.example/");
    assert_null(strstr(text, "METRICS_ENDPOINT"));
    assert_int_equal(ENVIRONMENT("OTEL_SDK_DISABLED=true"), 0);
    assert_line("logs         nowhere, the SDK is disabled");
}

static void test_secrets_are_masked(void **state)
{
    (void)state;
    assert_int_equal(ENVIRONMENT("OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20hush,x-key=hush",
                                 "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://ada:hush@c.example/v1/traces?key=hush",
                                 "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=ftp://ada:hush@c.example/",
                                 "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=ada:hush@c.example?key=hush",
                                 "OTEL_EXPORTER_OTLP_CERTIFICATE=/etc/ca.pem"),
                     2);
    assert_null(strstr(text, "hush"));
    assert_line("environment  OTEL_EXPORTER_OTLP_TRACES_HEADERS=authorization=***,x-key=***  "
                "(OTEL_EXPORTER_OTLP_HEADERS)");
    assert_line("traces       https://***@c.example/v1/traces?***");
    assert_line("environment  OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=/etc/ca.pem  (OTEL_EXPORTER_OTLP_CERTIFICATE)");
}

/* SDK-PARSE-03, SDK-PARSE-04, SDK-PARSE-05, SDK-PARSE-07, SDK-PARSE-10: name, value, and what is used instead, once */
static void test_what_is_wrong_is_told_once_with_what_is_used_instead(void **state)
{
    (void)state;
    assert_int_equal(ENVIRONMENT("OTEL_SDK_DISABLED=yes", "OTEL_BSP_SCHEDULE_DELAY=5s",
                                 "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", "OTEL_TRACES_SAMPLER=foo",
                                 "OTEL_TRACES_SAMPLER_ARG=2", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4096",
                                 "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=-1", "OTEL_EXPORTER_OTLP_TIMEOUT=20"),
                     7);
    assert_line("warning      OTEL_SDK_DISABLED=yes: must be true or false; using false");
    assert_line("warning      OTEL_BSP_SCHEDULE_DELAY=5s: must be a whole number from 0 to 2147483647; using 5000");
    assert_line("warning      OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318: must be a URL such as http://localhost:4318; "
                "using http://localhost:4318");
    assert_line(
        "warning      OTEL_TRACES_SAMPLER=foo: must be always_on, always_off, traceidratio, or parentbased_ and "
        "one of these; using parentbased_always_on");
    assert_line("warning      OTEL_TRACES_SAMPLER_ARG=2: must be a number from 0 to 1; using 1.0");
    assert_line("warning      OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=-1: must be a whole number of milliseconds; using 20");
    assert_line("default      OTEL_BSP_SCHEDULE_DELAY=5000  (what was set is wrong)");
    assert_line("default      OTEL_BSP_MAX_EXPORT_BATCH_SIZE=512  (what was set is wrong)");
    assert_line(
        "environment  OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=20  (OTEL_EXPORTER_OTLP_TIMEOUT)  (what was set is wrong)");
}

/* SDK-ENV-28, SDK-ENV-29, SDK-ENV-31, SDK-ENV-20, SDK-ENV-32; SDK-PARSE-11. Without a word, as they change nothing
 * here: SDK-ENV-04, SDK-ENV-05, SDK-ENV-26, SDK-ENV-35 */
static void test_what_is_not_supported_is_told(void **state)
{
    (void)state;
    assert_int_equal(
        ENVIRONMENT("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta",
                    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_histogram",
                    "OTEL_METRICS_EXEMPLAR_FILTER=always_on", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
                    "OTEL_CONFIG_FILE=x.yaml"),
        5);
    assert_line("warning      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta: is not supported here; "
                "using cumulative");
    assert_line("warning      OTEL_EXPORTER_OTLP_PROTOCOL=grpc: must be http/protobuf or http/json; "
                "using http/protobuf");
    assert_line("warning      OTEL_CONFIG_FILE=x.yaml: is not supported here, the other variables count; ignored");
    assert_int_equal(ENVIRONMENT("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=Cumulative",
                                 "OTEL_METRICS_EXEMPLAR_FILTER=always_off", "OTEL_PROPAGATORS=none",
                                 "OTEL_ENTITIES=service{service.name=a}", "OTEL_LOG_LEVEL=debug",
                                 "OTEL_EXPORTER_OTLP_INSECURE=true", "OTEL_EXPORTER_ZIPKIN_ENDPOINT=x"),
                     0);
}

/* SDK-ENV-08 */
static void test_ratios_are_decimals_from_0_to_1(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {{"0", "0"},      {"1", "1"},     {"1.0", "1"},   {"0.0001", "0.0001"}, {" 0.5 ", "0.5"},
                 {"00.5", "0.5"}, {"2", NULL},    {"-0.1", NULL}, {"1.01", NULL},       {"abc", NULL},
                 {"0,5", NULL},   {"0.5.", NULL}, {"1e-3", NULL}, {"0x1p-1", NULL},     {"nan", NULL},
                 {".", NULL},     {"0..1", NULL}, {".5", NULL}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char setting[64], line[64];
        snprintf(setting, sizeof setting, "OTEL_TRACES_SAMPLER_ARG=%s", cases[i].text);
        snprintf(line, sizeof line, "%-13sOTEL_TRACES_SAMPLER_ARG=%s%s", cases[i].shown ? "environment" : "default",
                 cases[i].shown ? cases[i].shown : "1", cases[i].shown ? "" : "  (what was set is wrong)");
        assert_int_equal(ENVIRONMENT(setting), cases[i].shown ? 0 : 1);
        assert_line(line);
    }
}

static void test_an_environment_cannot_command_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(ENVIRONMENT("OTEL_SERVICE_NAME=\x1b[2Jshop\n", "OTEL_SDK_DISABLED=\x1b]0;x\a"), 1);
    assert_null(strchr(text, '\x1b'));
    assert_line("environment  OTEL_SERVICE_NAME=?[2Jshop?");
}

static void test_every_variable_is_explained(void **state)
{
    (void)state;
    FILE *file = open_text();
    otk_sdk_print_variables(file);
    fclose(file);
    assert_line("OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318");
    assert_line("OTEL_ATTRIBUTE_COUNT_LIMIT=128");
    for (size_t i = 0; i < OTK_CONFIG_VARIABLES; i++) {
        const struct otk_variable *v = otk_config_variable(i);
        char line[256];
        snprintf(line, sizeof line, "%s=%s", v->name, v->fallback);
        assert_line(line);
        assert_true(strlen(v->help) > 4);
    }
}

/* SDK-ERR-01 */
static void test_null_prints_nothing(void **state)
{
    (void)state;
    FILE *file = open_text();
    otk_sdk_print_config(NULL, file);
    fclose(file);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_names_its_origin),
        cmocka_unit_test(test_a_sampler_given_in_code_is_named),
        cmocka_unit_test(test_defaults_are_shown_as_they_are_set),
        cmocka_unit_test(test_an_empty_variable_is_one_that_is_not_set),
        cmocka_unit_test(test_every_variable_may_be_set_in_code),
        cmocka_unit_test(test_values_are_shown_as_they_are_in_force),
        cmocka_unit_test(test_each_signal_names_its_destination),
        cmocka_unit_test(test_secrets_are_masked),
        cmocka_unit_test(test_what_is_wrong_is_told_once_with_what_is_used_instead),
        cmocka_unit_test(test_what_is_not_supported_is_told),
        cmocka_unit_test(test_ratios_are_decimals_from_0_to_1),
        cmocka_unit_test(test_an_environment_cannot_command_the_terminal),
        cmocka_unit_test(test_every_variable_is_explained),
        cmocka_unit_test(test_null_prints_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
