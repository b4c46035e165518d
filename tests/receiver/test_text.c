#include "given.h"

#include <time.h>

/* What otk_capture_write_text() writes; free() it. */
static char *text_of(const otk_capture *c, bool color)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    assert_int_equal(otk_capture_write_text(c, to, color), 0);
    fclose(to);
    return text;
}

static void assert_text(otk_signal signal, const char *json, const char *expected)
{
    otk_capture *c = given(signal, json);
    char *text = text_of(c, false);
    assert_string_equal(text, expected);
    free(text);
    forget(c);
}

static void assert_contains(otk_signal signal, const char *json, const char *part)
{
    otk_capture *c = given(signal, json);
    char *text = text_of(c, false);
    if (!strstr(text, part))
        fail_msg("%s is not in: %s", part, text);
    free(text);
    forget(c);
}

static void test_a_span_is_one_line(void **state)
{
    (void)state;
    assert_text(OTK_SIGNAL_TRACES,
                "{'resourceSpans':[{'resource':{'attributes':[{'key':'service.name','value':{'stringValue':'shop'}}]},"
                "'scopeSpans':[{'spans':[{'name':'charge card','kind':3,'status':{'code':1},"
                "'traceId':'5b8efff798038103d269b633813fc60c','spanId':'0001020304050607',"
                "'startTimeUnixNano':'1700000000123456789','endTimeUnixNano':'1700000000124656789',"
                "'attributes':[{'key':'route','value':{'stringValue':'/pay'}},{'key':'n','value':{'intValue':3}}],"
                "'events':[{'name':'retry'}],'links':[{}],'droppedEventsCount':2}]}]}]}",
                "22:13:20.123  span  shop  charge card  CLIENT  OK  1.2ms  route=\"/pay\" n=3  events=[retry]  links=1"
                "  dropped_events=2  trace=5b8efff7\n");
}

static void test_durations_are_human(void **state)
{
    static const struct {
        const char *nanos, *text;
    } cases[] = {
        {"1000000000", "  0ns"},   {"1000000999", "  999ns"}, {"1000427000", "  427us"},   {"1000001500", "  1.5us"},
        {"1012000000", "  12ms"},  {"4400000000", "  3.4s"},  {"126000000000", "  2m05s"}, {"3781000000000", "  1h03m"},
        {"998800000", "  -1.2ms"}, {"0", "  no end"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[256];
        snprintf(json, sizeof json, SPAN("'startTimeUnixNano':'1000000000','endTimeUnixNano':'%s'"), cases[i].nanos);
        assert_contains(OTK_SIGNAL_TRACES, json, cases[i].text);
    }
}

static void test_an_error_stands_out(void **state)
{
    (void)state;
    const char *json = SPAN("'name':'x','status':{'code':2,'message':'no funds'}");
    assert_contains(OTK_SIGNAL_TRACES, json, "  ERROR: no funds");
    otk_capture *c = given(OTK_SIGNAL_TRACES, json);
    char *text = text_of(c, true);
    assert_non_null(strstr(text, "\033[1;31mERROR: no funds\033[0m"));
    free(text);
    forget(c);
}

#define LEVEL(n) "'attributes':[{'key':'logfire.level_num','value':{'intValue':" #n "}}]"

/* RX-SEM-07: a status of OK asks not to derive an error. */
static void test_a_logfire_level_makes_an_error_unless_the_status_is_ok(void **state)
{
    (void)state;
    assert_contains(OTK_SIGNAL_TRACES, SPAN(LEVEL(17)), "  ERROR  ");
    assert_contains(OTK_SIGNAL_TRACES, SPAN(LEVEL(13)), "  UNSET  ");
    assert_contains(OTK_SIGNAL_TRACES, SPAN("'status':{'code':1}," LEVEL(17)), "  OK  ");
}

static void test_a_logfire_message_is_the_text_of_its_span(void **state)
{
    (void)state;
    assert_text(OTK_SIGNAL_TRACES,
                SPAN("'name':'handle {path}','attributes':[{'key':'logfire.msg','value':{'stringValue':'handle /a'}},"
                     "{'key':'path','value':{'stringValue':'/a'}}]"),
                "--:--:--.---  span  -  handle /a (handle {path})  UNSPECIFIED  UNSET  no end  path=\"/a\"\n");
}

static void test_a_pending_span_is_marked(void **state)
{
    (void)state;
    assert_contains(OTK_SIGNAL_TRACES,
                    SPAN("'startTimeUnixNano':'1','endTimeUnixNano':'1','attributes':[{'key':'logfire.span_type',"
                         "'value':{'stringValue':'pending_span'}}]"),
                    "  UNSET  pending  ");
}

static void test_numbers_of_the_future_are_shown_as_numbers(void **state)
{
    (void)state;
    assert_contains(OTK_SIGNAL_TRACES, SPAN("'kind':9,'status':{'code':7}"), "  kind 9  status 7  ");
    assert_contains(OTK_SIGNAL_LOGS, LOG("'severityNumber':99"), "  severity 99  ");
}

/* RX-SEM-12, RX-SEM-14 */
static void test_a_metric_is_a_line_for_every_data_point(void **state)
{
    (void)state;
    assert_text(
        OTK_SIGNAL_METRICS,
        "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[{'name':'reqs','unit':'{r}','sum':{"
        "'aggregationTemporality':2,'isMonotonic':true,'dataPoints':[{'timeUnixNano':'1700000000123456789',"
        "'asInt':'12','attributes':[{'key':'a','value':{'boolValue':true}}]},{'asDouble':0.5},{'flags':1},{}]}},"
        "{'name':'h','histogram':{'aggregationTemporality':1,'dataPoints':[{'count':'3','sum':6.5,'max':4}]}},"
        "{'name':'s','summary':{'dataPoints':[{'count':'1','quantileValues':[{'quantile':0.5,'value':2}]}]}},"
        "{'name':'none','gauge':{}}]}]}]}",
        "22:13:20.123  metric  -  reqs  sum  12 {r}  cumulative monotonic  a=true\n"
        "--:--:--.---  metric  -  reqs  sum  0.5 {r}  cumulative monotonic\n"
        "--:--:--.---  metric  -  reqs  sum  no recorded value {r}  cumulative monotonic\n"
        "--:--:--.---  metric  -  reqs  sum  ERROR: no value {r}  cumulative monotonic\n"
        "--:--:--.---  metric  -  h  histogram  count=3 sum=6.5 max=4  delta\n"
        "--:--:--.---  metric  -  s  summary  count=1 q0.5=2\n"
        "--:--:--.---  metric  -  none  gauge  no data points\n");
}

/* RX-SEM-09, RX-SEM-10, RX-SEM-11 */
static void test_a_log_is_one_line(void **state)
{
    (void)state;
    assert_text(OTK_SIGNAL_LOGS,
                LOG("'observedTimeUnixNano':'1700000000123456789','severityNumber':10,'severityText':'Notice',"
                    "'body':{'stringValue':'hello'},'eventName':'evt','droppedAttributesCount':1,"
                    "'traceId':'5b8efff798038103d269b633813fc60c'"),
                "22:13:20.123  log  -  INFO2 (Notice)  hello  event=evt  dropped_attributes=1  trace=5b8efff7\n");
    assert_contains(OTK_SIGNAL_LOGS, LOG("'severityNumber':17,'severityText':'ERROR'"), "  ERROR  (no body)\n");
    assert_contains(OTK_SIGNAL_LOGS, LOG("'severityText':'odd'"), "  odd  ");
    assert_contains(OTK_SIGNAL_LOGS, LOG("'body':{'intValue':'4'}"), "  -  4\n");
}

static void test_what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    assert_contains(OTK_SIGNAL_TRACES, SPAN("'name':'a\\u001b[31m\\n\\u0085\\u202eb\\\\'"),
                    "  a\\u001b[31m\\n\\u0085\\u202eb\\\\  ");
    assert_contains(OTK_SIGNAL_TRACES, SPAN("'attributes':[{'key':'k','value':{'stringValue':'\\u0000\\u007fü'}}]"),
                    "k=\"\\u0000\\u007fü\"");
}

static void test_long_values_are_cut_and_tell_their_length(void **state)
{
    char json[2000];
    (void)state;
    snprintf(json, sizeof json, SPAN("'attributes':[{'key':'k','value':{'stringValue':'%01000d'}}]"), 0);
    assert_contains(OTK_SIGNAL_TRACES, json, "0\"…(1000 bytes)");
    size_t used = (size_t)snprintf(json, sizeof json, "%s",
                                   "{'resourceLogs':[{'scopeLogs':[{'logRecords':[{'body':"
                                   "{'arrayValue':{'values':[{}");
    for (int i = 0; i < 99; i++)
        used += (size_t)snprintf(json + used, sizeof json - used, ",{}");
    snprintf(json + used, sizeof json - used, "]}}}]}]}]}");
    assert_contains(OTK_SIGNAL_LOGS, json, " …(100 in all)]");
}

static void test_a_refused_request_is_one_line_with_its_reason(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, "{}");
    c->status = 404;
    c->target = "/v1/trace\033";
    c->reason = "no such path";
    char *text = text_of(c, false);
    assert_string_equal(text, "22:13:20.123  refused  ERROR 404 POST /v1/trace\\u001b: no such path\n");
    free(text);
    forget(c);
}

static void test_a_session_is_named_before_what_came_for_it(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, "{'resourceSpans':[{}]}");
    c->session = "test-1";
    char *text = text_of(c, false);
    assert_string_equal(text, "22:13:20.123  [test-1]  request  200 POST /v1/traces  no items\n");
    free(text);
    forget(c);
}

/* RX-SEM-02: an empty envelope is legal, and not silent here. */
static void test_a_request_without_items_says_so(void **state)
{
    (void)state;
    assert_text(OTK_SIGNAL_TRACES, "{'resourceSpans':[{}]}", "22:13:20.123  request  200 POST /v1/traces  no items\n");
}

static void test_notes_have_a_line(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'x'"));
    c->notes = "odd but taken";
    char *text = text_of(c, false);
    assert_non_null(strstr(text, "\n22:13:20.123  note  request 1: odd but taken\n"));
    free(text);
    forget(c);
}

static void test_a_full_disk_is_reported(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'x'"));
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(otk_capture_write_text(c, full, false), OTK_ESYSTEM);
    fclose(full);
    forget(c);
}

static void test_without_memory_it_fails_and_leaks_nothing(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'x','attributes':[{'key':'k'}]"));
    FILE *to = tmpfile();
    size_t failures = 0;
    int rc = OTK_ENOMEM;
    assert_non_null(to);
    setvbuf(to, NULL, _IONBF, 0);
    for (; rc; failures++) {
        allocations_left = failures;
        rc = otk_capture_write_text(c, to, false);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    assert_true(failures > 1);
    fclose(to);
    forget(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_is_one_line),
        cmocka_unit_test(test_durations_are_human),
        cmocka_unit_test(test_an_error_stands_out),
        cmocka_unit_test(test_a_logfire_level_makes_an_error_unless_the_status_is_ok),
        cmocka_unit_test(test_a_logfire_message_is_the_text_of_its_span),
        cmocka_unit_test(test_a_pending_span_is_marked),
        cmocka_unit_test(test_numbers_of_the_future_are_shown_as_numbers),
        cmocka_unit_test(test_a_metric_is_a_line_for_every_data_point),
        cmocka_unit_test(test_a_log_is_one_line),
        cmocka_unit_test(test_what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(test_long_values_are_cut_and_tell_their_length),
        cmocka_unit_test(test_a_refused_request_is_one_line_with_its_reason),
        cmocka_unit_test(test_a_session_is_named_before_what_came_for_it),
        cmocka_unit_test(test_a_request_without_items_says_so),
        cmocka_unit_test(test_notes_have_a_line),
        cmocka_unit_test(test_a_full_disk_is_reported),
        cmocka_unit_test(test_without_memory_it_fails_and_leaks_nothing),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
