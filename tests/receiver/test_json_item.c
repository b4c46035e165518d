/* The flat form of items: docs/http.md. */
#include "given.h"

#include "json_item.h"

static char text[8192];

/* Item 0 of the capture with " as ', so that it can be told here. */
static const char *item_of(otk_capture *c)
{
    struct otk_buffer out = OTK_BUFFER_INIT(sizeof text - 1);
    struct otk_json_item writer;
    otk_json_item_init(&writer);
    assert_int_equal(otk_json_item_write(&writer, &out, otk_capture_of(c), 0), 0);
    otk_json_item_clear(&writer);
    for (size_t i = 0; i < out.size; i++)
        text[i] = out.data[i] == '"' ? '\'' : (char)out.data[i];
    text[out.size] = '\0';
    otk_buffer_clear(&out);
    forget(c);
    return text;
}

#define IDS "'traceId':'0af7651916cd43dd8448eb211c80319c','spanId':'00000000000000a1'"
#define ATTRIBUTE(key, value) "{'key':'" key "','value':{" value "}}"

static const char *attributes(const char *list)
{
    char json[4096];
    snprintf(json, sizeof json, SPAN("'attributes':[%s]"), list);
    const char *begin = strstr(item_of(given(OTK_SIGNAL_TRACES, json)), "'attributes':");
    *strstr(begin, ",'events'") = '\0';
    return begin + strlen("'attributes':");
}

static void test_a_field_that_was_not_sent_is_not_there(void **state)
{
    (void)state;
    assert_string_equal(item_of(given(OTK_SIGNAL_TRACES, SPAN("'name':'a'"))),
                        "{'name':'a','attributes':{},'events':[],'links':[],'service':'','request':1}");
    assert_string_equal(item_of(given(OTK_SIGNAL_TRACES, SPAN("'name':'','flags':0,'kind':0,'status':{}"))),
                        "{'name':'','flags':0,'kind':0,'status':{},'attributes':{},'events':[],'links':[],"
                        "'service':'','request':1}");
    assert_string_equal(item_of(given(OTK_SIGNAL_LOGS, LOG("'severityNumber':0"))),
                        "{'severityNumber':0,'attributes':{},'service':'','request':1}");
    assert_string_equal(item_of(given(OTK_SIGNAL_METRICS, METRIC("'name':'m'"))),
                        "{'name':'m','service':'','request':1}");
}

static void test_a_span_has_its_duration_and_what_stands_around_it(void **state)
{
    (void)state;
    assert_string_equal(
        item_of(given(OTK_SIGNAL_TRACES,
                      "{'resourceSpans':[{'resource':{'attributes':[" ATTRIBUTE(
                          "service.name",
                          "'stringValue':'shop'") "]},'schemaUrl':'r','scopeSpans':[{'scope':{'name':'lib','version':'"
                                                  "1'},'schemaUrl':'s',"
                                                  "'spans':[{" IDS
                                                  ",'startTimeUnixNano':'1000','endTimeUnixNano':'3500',"
                                                  "'events':[{'timeUnixNano':'7','name':'e'}],"
                                                  "'links':[{" IDS "}],'status':{'message':'no','code':2}}]}]}]}")),
        "{" IDS ",'startTimeUnixNano':'1000','endTimeUnixNano':'3500',"
        "'events':[{'timeUnixNano':'7','name':'e','attributes':{}}],'links':[{" IDS ",'attributes':{}}],"
        "'status':{'message':'no','code':2},'attributes':{},'durationNano':'2500','service':'shop',"
        "'resource':{'attributes':{'service.name':'shop'},'schemaUrl':'r'},"
        "'scope':{'name':'lib','version':'1','attributes':{},'schemaUrl':'s'},'request':1}");
}

static void test_values_are_plain_and_keep_their_kind(void **state)
{
    (void)state;
    assert_string_equal(attributes(ATTRIBUTE("i", "'intValue':'-3'")), "{'i':-3}");
    assert_string_equal(attributes(ATTRIBUTE("i", "'intValue':'9223372036854775807'")), "{'i':9223372036854775807}");
    assert_string_equal(attributes(ATTRIBUTE("d", "'doubleValue':3")), "{'d':3.0}");
    assert_string_equal(attributes(ATTRIBUTE("d", "'doubleValue':-0.25")), "{'d':-0.25}");
    assert_string_equal(attributes(ATTRIBUTE("d", "'doubleValue':1e300")), "{'d':1e+300}");
    assert_string_equal(
        attributes(ATTRIBUTE("d", "'doubleValue':'NaN'") "," ATTRIBUTE("e", "'doubleValue':'-Infinity'")),
        "{'d':'NaN','e':'-Infinity'}");
    assert_string_equal(attributes(ATTRIBUTE("b", "'boolValue':true")), "{'b':true}");
    assert_string_equal(attributes(ATTRIBUTE("s", "'stringValue':'\\n'")), "{'s':'\\n'}");
    assert_string_equal(attributes(ATTRIBUTE("y", "'bytesValue':'AAE='")), "{'y':{'bytesValue':'AAE='}}");
    assert_string_equal(attributes(ATTRIBUTE("n", "")), "{'n':null}");
    assert_string_equal(attributes("{'key':'n'}"), "{'n':null}");
    assert_string_equal(attributes(ATTRIBUTE("a", "'arrayValue':{'values':[{'intValue':1},{},{'doubleValue':2}]}")),
                        "{'a':[1,null,2.0]}");
    assert_string_equal(
        attributes(ATTRIBUTE("m", "'kvlistValue':{'values':[" ATTRIBUTE("y", "'intValue':1") "," ATTRIBUTE(
                                      "x", "'kvlistValue':{}") "]}")),
        "{'m':{'x':{},'y':1}}");
}

static void test_keys_are_sorted_and_none_is_lost_that_repeats(void **state)
{
    (void)state;
    assert_string_equal(
        attributes(ATTRIBUTE("b", "'intValue':1") "," ATTRIBUTE("a", "'intValue':2") "," ATTRIBUTE(
            "b", "'intValue':3") "," ATTRIBUTE("ab", "'intValue':4") "," ATTRIBUTE("b", "'intValue':5")),
        "{'a':2,'ab':4,'b':1},'repeatedAttributes':[{'key':'b','value':3},{'key':'b','value':5}]");
    assert_string_equal(attributes(ATTRIBUTE("m", "'kvlistValue':{'values':[" ATTRIBUTE(
                                                      "x", "'intValue':2") "," ATTRIBUTE("x", "'intValue':1") "]}")),
                        "{'m':{'kvlistValue':[{'key':'x','value':2},{'key':'x','value':1}]}}");
}

static void test_a_metric_has_its_type_and_points(void **state)
{
    (void)state;
    assert_string_equal(
        item_of(given(OTK_SIGNAL_METRICS,
                      METRIC("'name':'m','unit':'s','sum':{'aggregationTemporality':2,'isMonotonic':true,'dataPoints':["
                             "{'timeUnixNano':'5','asInt':'3','attributes':[" ATTRIBUTE(
                                 "k", "'intValue':1") "]},"
                                                      "{'asDouble':3,'exemplars':[{'asInt':'4'}]}]}"))),
        "{'name':'m','unit':'s','type':'sum','aggregationTemporality':2,'isMonotonic':true,'dataPoints':["
        "{'timeUnixNano':'5','value':3,'attributes':{'k':1}},{'value':3.0,'exemplars':[{'value':4}],'attributes':{}}],"
        "'service':'','request':1}");
    assert_string_equal(item_of(given(OTK_SIGNAL_METRICS,
                                      METRIC("'exponentialHistogram':{'dataPoints':[{'count':'3','sum':6,'scale':-1,"
                                             "'zeroCount':'1','positive':{'offset':-2,'bucketCounts':['1','1']}}]}"))),
                        "{'type':'exponentialHistogram','dataPoints':[{'count':3,'sum':6.0,'scale':-1,'zeroCount':1,"
                        "'positive':{'offset':-2,'bucketCounts':[1,1]},'attributes':{}}],'service':'','request':1}");
    assert_string_equal(
        item_of(given(OTK_SIGNAL_METRICS, METRIC("'histogram':{'dataPoints':[{'bucketCounts':['1','2'],"
                                                 "'explicitBounds':[10]}]}"))),
        "{'type':'histogram','dataPoints':[{'bucketCounts':[1,2],'explicitBounds':[10.0],'attributes':{}}],"
        "'service':'','request':1}");
    assert_string_equal(item_of(given(OTK_SIGNAL_METRICS, METRIC("'gauge':{}"))),
                        "{'type':'gauge','dataPoints':[],'service':'','request':1}");
}

static void test_a_log_record_has_its_body_as_a_value(void **state)
{
    (void)state;
    assert_string_equal(
        item_of(given(OTK_SIGNAL_LOGS, LOG("'timeUnixNano':'1','body':{'kvlistValue':{'values':[" ATTRIBUTE(
                                           "x", "'intValue':1") "]}},'traceId':'0af7651916cd43dd8448eb211c80319c'"))),
        "{'timeUnixNano':'1','body':{'x':1},'traceId':'0af7651916cd43dd8448eb211c80319c','attributes':{},"
        "'service':'','request':1}");
}

static void test_unknown_fields_are_counted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x0a, 14, 0x12, 12, 0x12, 10, 0x2a, 1, 'n', 0xf8, 0x01, 7, 0x7a, 2, 0x78, 1};
    assert_string_equal(item_of(given_request(OTK_SIGNAL_TRACES, OTK_ENCODING_PROTOBUF, bytes, sizeof bytes)),
                        "{'name':'n','status':{},'attributes':{},'events':[],'links':[],'service':'',"
                        "'unknownFields':2,'request':1}");
}

static void test_each_item_has_what_stands_around_it(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_LOGS, "{'resourceLogs':[{'schemaUrl':'a','scopeLogs':[{'schemaUrl':'b','logRecords':[{},{}]},"
                               "{'logRecords':[{}]}]},{'scopeLogs':[{'schemaUrl':'c','logRecords':[{}]}]}]}");
    struct otk_buffer out = OTK_BUFFER_INIT(sizeof text - 1);
    struct otk_json_item writer;
    otk_json_item_init(&writer);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(otk_json_item_write(&writer, &out, otk_capture_of(c), i), 0);
    assert_non_null(otk_buffer_string(&out));
#define AROUND(around) "{\"attributes\":{},\"service\":\"\"," around "\"request\":1}"
#define RESOURCE_A "\"resource\":{\"schemaUrl\":\"a\"},"
    assert_string_equal((char *)out.data, AROUND(RESOURCE_A "\"scope\":{\"schemaUrl\":\"b\"},")
                                              AROUND(RESOURCE_A "\"scope\":{\"schemaUrl\":\"b\"},") AROUND(RESOURCE_A)
                                                  AROUND("\"scope\":{\"schemaUrl\":\"c\"},"));
    otk_json_item_clear(&writer);
    otk_buffer_clear(&out);
    forget(c);
}

static void test_says_when_memory_runs_out(void **state)
{
    (void)state;
    otk_capture *c = given(
        OTK_SIGNAL_TRACES,
        SPAN("'attributes':[" ATTRIBUTE("a", "'kvlistValue':{'values':[" ATTRIBUTE("x", "'intValue':1") "]}") "]"));
    int rc = OTK_ENOMEM;
    for (size_t left = 0; rc == OTK_ENOMEM; left++) {
        struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
        struct otk_json_item writer;
        otk_json_item_init(&writer);
        allocations_left = left;
        rc = otk_json_item_write(&writer, &out, otk_capture_of(c), 0);
        allocations_left = SIZE_MAX;
        otk_json_item_clear(&writer);
        otk_buffer_clear(&out);
        assert_true(left < 100);
    }
    assert_int_equal(rc, 0);
    forget(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_field_that_was_not_sent_is_not_there),
        cmocka_unit_test(test_a_span_has_its_duration_and_what_stands_around_it),
        cmocka_unit_test(test_values_are_plain_and_keep_their_kind),
        cmocka_unit_test(test_keys_are_sorted_and_none_is_lost_that_repeats),
        cmocka_unit_test(test_a_metric_has_its_type_and_points),
        cmocka_unit_test(test_a_log_record_has_its_body_as_a_value),
        cmocka_unit_test(test_unknown_fields_are_counted),
        cmocka_unit_test(test_each_item_has_what_stands_around_it),
        cmocka_unit_test(test_says_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
