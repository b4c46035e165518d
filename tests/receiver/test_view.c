#include "given.h"

#include "view.h"

#include <pthread.h>

static void assert_bytes(otk_bytes bytes, const char *expected, size_t size)
{
    assert_int_equal(bytes.size, size);
    if (size)
        assert_memory_equal(bytes.data, expected, size);
}

static void test_a_span_shows_every_field(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES,
                           SPAN("'traceId':'000102030405060708090a0b0c0d0e0f','spanId':'0001020304050607',"
                                "'parentSpanId':'0706050403020100','traceState':'a=b','name':'charge','kind':3,"
                                "'startTimeUnixNano':'1','endTimeUnixNano':'18446744073709551615',"
                                "'attributes':[{'key':'k','value':{'intValue':'-7'}}],'droppedAttributesCount':1,"
                                "'events':[{'timeUnixNano':'5','name':'e','attributes':[{'key':'x'}],"
                                "'droppedAttributesCount':9}],'droppedEventsCount':2,"
                                "'links':[{'traceId':'000102030405060708090a0b0c0d0e0f','spanId':'0001020304050607',"
                                "'traceState':'c=d','flags':257}],'droppedLinksCount':3,"
                                "'status':{'code':2,'message':'no funds'},'flags':4294967295"));
    const otk_captured_span *s = otk_capture_span(c, 0);
    assert_non_null(s);
    assert_ptr_equal(s->capture, c);
    assert_bytes(s->trace_id, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16);
    assert_bytes(s->span_id, "\x00\x01\x02\x03\x04\x05\x06\x07", 8);
    assert_bytes(s->parent_span_id, "\x07\x06\x05\x04\x03\x02\x01\x00", 8);
    assert_string_equal(s->trace_state, "a=b");
    assert_string_equal(s->name, "charge");
    assert_int_equal(s->kind, OTK_SPAN_KIND_CLIENT);
    assert_true(s->start_time_unix_nano == 1 && s->end_time_unix_nano == UINT64_MAX);
    assert_int_equal(s->attributes.count, 1);
    assert_int_equal(otk_attributes_get(&s->attributes, "k")->as.int_value, -7);
    assert_int_equal(s->event_count, 1);
    assert_string_equal(s->events[0].name, "e");
    assert_int_equal(s->events[0].time_unix_nano, 5);
    assert_int_equal(s->events[0].attributes.items[0].value.type, OTK_VALUE_EMPTY);
    assert_int_equal(s->events[0].dropped_attributes_count, 9);
    assert_int_equal(s->link_count, 1);
    assert_string_equal(s->links[0].trace_state, "c=d");
    assert_true(s->links[0].has_flags && s->links[0].flags == 257);
    assert_true(s->has_status && s->has_status_code && s->has_status_message);
    assert_int_equal(s->status_code, OTK_STATUS_CODE_ERROR);
    assert_string_equal(s->status_message, "no funds");
    assert_int_equal(s->flags, UINT32_MAX); /* RX-SEM-03: kept as sent */
    assert_int_equal(s->dropped_attributes_count, 1);
    assert_int_equal(s->dropped_events_count, 2);
    assert_int_equal(s->dropped_links_count, 3);
    forget(c);
}

/* RX-SEM-07: no Status means UNSET. */
static void test_absent_fields_are_empty_and_say_so(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN(""));
    const otk_captured_span *s = otk_capture_span(c, 0);
    assert_string_equal(s->name, "");
    assert_string_equal(s->trace_state, "");
    assert_string_equal(s->status_message, "");
    assert_int_equal(s->status_code, OTK_STATUS_CODE_UNSET);
    assert_int_equal(s->trace_id.size + s->span_id.size + s->parent_span_id.size, 0);
    assert_false(s->has_name || s->has_kind || s->has_status || s->has_flags || s->has_start_time_unix_nano);
    assert_false(s->resource->present || s->scope->present);
    assert_string_equal(s->resource->service_name, "");
    assert_string_equal(s->resource->schema_url.data, "");
    assert_string_equal(s->scope->name.data, "");
    assert_string_equal(s->scope->version.data, "");
    forget(c);
}

/* RX-SEM-03, RX-SEM-04 */
static void test_a_remote_parent_is_known_only_when_said(void **state)
{
    static const struct {
        uint32_t flags;
        otk_remote remote;
    } cases[] = {{0, OTK_REMOTE_UNKNOWN},     {1, OTK_REMOTE_UNKNOWN}, {0x100, OTK_REMOTE_NO},
                 {0x200, OTK_REMOTE_UNKNOWN}, {0x300, OTK_REMOTE_YES}, {UINT32_MAX, OTK_REMOTE_YES},
                 {0xfffffdff, OTK_REMOTE_NO}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[256];
        snprintf(json, sizeof json, SPAN("'flags':%u,'links':[{'flags':%u}]"), cases[i].flags, cases[i].flags);
        otk_capture *c = given(OTK_SIGNAL_TRACES, json);
        assert_int_equal(otk_flags_remote(otk_capture_span(c, 0)->flags), cases[i].remote);
        assert_int_equal(otk_flags_remote(otk_capture_span(c, 0)->links[0].flags), cases[i].remote);
        forget(c);
    }
}

/* RX-SEM-06: shown as sent, not as the INTERNAL that it may be taken for. */
static void test_an_unspecified_kind_stays_unspecified(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'kind':0"));
    assert_int_equal(otk_capture_span(c, 0)->kind, OTK_SPAN_KIND_UNSPECIFIED);
    forget(c);
}

/* RX-SEM-25 */
static void test_events_keep_times_outside_their_span(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_TRACES, SPAN("'startTimeUnixNano':'10','endTimeUnixNano':'20','events':["
                                      "{'timeUnixNano':'21'},{'timeUnixNano':'9'},{'timeUnixNano':'15'}]"));
    const otk_captured_span *s = otk_capture_span(c, 0);
    assert_int_equal(s->event_count, 3);
    assert_int_equal(s->events[0].time_unix_nano, 21);
    assert_int_equal(s->events[1].time_unix_nano, 9);
    assert_int_equal(s->events[2].time_unix_nano, 15);
    assert_true(s->start_time_unix_nano == 10 && s->end_time_unix_nano == 20);
    forget(c);
}

/* RX-SEM-21: the scope's is about its items, the resource's about the resource; neither stands in for the other. */
static void test_both_schema_urls_are_shown_each_where_it_stands(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_LOGS, "{'resourceLogs':[{'schemaUrl':'https://r/1.0','scopeLogs':["
                                            "{'schemaUrl':'https://s/2.0','logRecords':[{}]},{'logRecords':[{}]}]}]}");
    assert_string_equal(otk_capture_log(c, 0)->resource->schema_url.data, "https://r/1.0");
    assert_string_equal(otk_capture_log(c, 0)->scope->schema_url.data, "https://s/2.0");
    assert_string_equal(otk_capture_log(c, 1)->resource->schema_url.data, "https://r/1.0");
    assert_string_equal(otk_capture_log(c, 1)->scope->schema_url.data, "");
    forget(c);
}

static void test_zero_is_told_from_absent(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'kind':0,'name':'','flags':0,'status':{'code':0}"));
    const otk_captured_span *s = otk_capture_span(c, 0);
    assert_true(s->has_kind && s->has_name && s->has_flags && s->has_status && s->has_status_code);
    assert_false(s->has_status_message || s->has_trace_state);
    forget(c);
}

static void test_items_share_their_resource_and_scope(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES,
                           "{'resourceSpans':[{'resource':{'attributes':[{'key':'service.name','value':"
                           "{'stringValue':'shop'}}],'droppedAttributesCount':4},'schemaUrl':'r',"
                           "'scopeSpans':[{'scope':{'name':'one','version':'1'},'schemaUrl':'s',"
                           "'spans':[{'name':'a'},{'name':'b'}]},{'scope':{'name':'two'},'spans':[{'name':'c'}]}]},"
                           "{'scopeSpans':[{'spans':[{'name':'d'}]}]}]}");
    const otk_captured_span *s[4];
    for (size_t i = 0; i < 4; i++)
        s[i] = otk_capture_span(c, i);
    assert_string_equal(s[0]->resource->service_name, "shop");
    assert_string_equal(s[0]->resource->schema_url.data, "r");
    assert_int_equal(s[0]->resource->dropped_attributes_count, 4);
    assert_string_equal(s[0]->scope->name.data, "one");
    assert_string_equal(s[0]->scope->version.data, "1");
    assert_string_equal(s[0]->scope->schema_url.data, "s");
    assert_ptr_equal(s[0]->scope, s[1]->scope);
    assert_ptr_equal(s[0]->resource, s[2]->resource);
    assert_string_equal(s[2]->scope->name.data, "two");
    assert_false(s[2]->scope->has_version);
    assert_ptr_not_equal(s[2]->resource, s[3]->resource);
    assert_ptr_equal(s[1], otk_capture_span(c, 1));
    forget(c);
}

/* RX-SEM-22, RX-SEM-23, RX-SEM-24: every kind of value is legal, all keys are kept in their order. */
static void test_values_of_every_kind(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_LOGS,
                           LOG("'body':{'kvlistValue':{'values':[{'key':'s','value':{'stringValue':'a\\u0000b'}},"
                               "{'key':'s','value':{'boolValue':true}},{'key':'d','value':{'doubleValue':-0.5}},"
                               "{'key':'y','value':{'bytesValue':'AAH/'}},{'key':'n','value':{}},"
                               "{'key':'i','value':{'stringValueStrindex':3}},"
                               "{'key':'l','value':{'arrayValue':{'values':[{'intValue':1},{'arrayValue':{}}]}}}]}}"));
    const otk_captured_log *log = otk_capture_log(c, 0);
    assert_int_equal(log->body.type, OTK_VALUE_KVLIST);
    assert_int_equal(log->body.as.kvlist_value.count, 7);
    const otk_attribute *a = log->body.as.kvlist_value.items;
    assert_int_equal(a[0].value.as.string_value.size, 3);
    assert_memory_equal(a[0].value.as.string_value.data, "a\0b", 4);
    assert_true(a[1].value.type == OTK_VALUE_BOOL && a[1].value.as.bool_value);
    assert_true(a[2].value.as.double_value == -0.5);
    assert_bytes(a[3].value.as.bytes_value, "\x00\x01\xff", 3);
    assert_int_equal(a[4].value.type, OTK_VALUE_EMPTY);
    assert_int_equal(a[5].value.type, OTK_VALUE_STRING_STRINDEX);
    assert_int_equal(a[5].value.as.string_value_strindex, 3);
    assert_int_equal(a[6].value.as.array_value.count, 2);
    assert_int_equal(a[6].value.as.array_value.values[1].type, OTK_VALUE_ARRAY);
    assert_int_equal(a[6].value.as.array_value.values[1].as.array_value.count, 0);
    forget(c);
}

/* RX-SEM-05, RX-SEM-11 */
static void test_a_log_record_shows_every_field(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_LOGS, LOG("'timeUnixNano':'1','observedTimeUnixNano':'2','severityNumber':17,"
                                   "'severityText':'Error','body':{'stringValue':'b'},'droppedAttributesCount':3,"
                                   "'attributes':[{'key':'k','value':{'stringValue':'v'}}],'flags':1,"
                                   "'traceId':'000102030405060708090a0b0c0d0e0f','spanId':'0001020304050607',"
                                   "'eventName':'evt'"));
    const otk_captured_log *log = otk_capture_log(c, 0);
    assert_true(log->time_unix_nano == 1 && log->observed_time_unix_nano == 2);
    assert_int_equal(log->severity_number, OTK_SEVERITY_NUMBER_ERROR);
    assert_string_equal(log->severity_text, "Error");
    assert_string_equal(log->body.as.string_value.data, "b");
    assert_string_equal(log->attributes.items[0].key.data, "k");
    assert_int_equal(log->dropped_attributes_count, 3);
    assert_int_equal(log->flags, 1);
    assert_int_equal(log->trace_id.size, 16);
    assert_int_equal(log->span_id.size, 8);
    assert_string_equal(log->event_name, "evt");
    assert_true(log->has_event_name && log->has_body && log->has_flags && log->has_observed_time_unix_nano);
    forget(c);
}

static void test_sums_and_gauges(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_METRICS, "{'resourceMetrics':[{'scopeMetrics':[{'metrics':["
                                  "{'name':'n','description':'d','unit':'u','metadata':[{'key':'m'}],'sum':{"
                                  "'aggregationTemporality':2,'isMonotonic':true,'dataPoints':[{'asInt':'-5',"
                                  "'startTimeUnixNano':'1','timeUnixNano':'2','flags':1,'attributes':[{'key':'k'}],"
                                  "'exemplars':[{'asDouble':2.5,'timeUnixNano':'3','spanId':'0001020304050607',"
                                  "'filteredAttributes':[{'key':'f'}]}]},{'asDouble':1.5},{}]}},"
                                  "{'gauge':{'dataPoints':[{'asDouble':0}]}},{'name':'nothing'}]}]}]}");
    const otk_captured_metric *m = otk_capture_metric(c, 0);
    assert_string_equal(m->name, "n");
    assert_string_equal(m->description, "d");
    assert_string_equal(m->unit, "u");
    assert_int_equal(m->type, OTK_METRIC_TYPE_SUM);
    assert_int_equal(m->aggregation_temporality, OTK_AGGREGATION_TEMPORALITY_CUMULATIVE);
    assert_true(m->is_monotonic && m->has_is_monotonic);
    assert_int_equal(m->metadata.count, 1);
    assert_int_equal(m->point_count, 3);
    assert_true(m->points[0].value.type == OTK_VALUE_INT && m->points[0].value.as.int_value == -5);
    assert_int_equal(m->points[0].flags, 1);
    assert_int_equal(m->points[0].attributes.count, 1);
    assert_int_equal(m->points[0].exemplar_count, 1);
    assert_true(m->points[0].exemplars[0].value.as.double_value == 2.5);
    assert_int_equal(m->points[0].exemplars[0].span_id.size, 8);
    assert_int_equal(m->points[0].exemplars[0].filtered_attributes.count, 1);
    assert_true(m->points[1].value.type == OTK_VALUE_DOUBLE && m->points[1].value.as.double_value == 1.5);
    assert_int_equal(m->points[2].value.type, OTK_VALUE_EMPTY); /* RX-SEM-14 */
    assert_int_equal(otk_capture_metric(c, 1)->type, OTK_METRIC_TYPE_GAUGE);
    assert_false(otk_capture_metric(c, 1)->has_aggregation_temporality);
    assert_int_equal(otk_capture_metric(c, 2)->type, OTK_METRIC_TYPE_NONE);
    assert_string_equal(otk_capture_metric(c, 2)->unit, "");
    forget(c);
}

static void test_histograms_and_summaries(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_METRICS,
              "{'resourceMetrics':[{'scopeMetrics':[{'metrics':["
              "{'histogram':{'aggregationTemporality':1,'dataPoints':[{'count':'3','sum':6,'min':1,'max':3,"
              "'bucketCounts':['1','2'],'explicitBounds':[1.5]}]}},"
              "{'exponentialHistogram':{'dataPoints':[{'count':'4','scale':-2,'zeroCount':'1',"
              "'zeroThreshold':0.25,'positive':{'offset':-3,'bucketCounts':['1','300']},'negative':{}}]}},"
              "{'summary':{'dataPoints':[{'count':'2','sum':3,'quantileValues':"
              "[{'quantile':0.5,'value':1},{'quantile':1,'value':2}]}]}}]}]}]}");
    const otk_captured_point *p = otk_capture_metric(c, 0)->points;
    assert_true(p->count == 3 && p->sum == 6 && p->min == 1 && p->max == 3 && p->has_min);
    assert_int_equal(p->bucket_count_size, 2);
    assert_true(p->bucket_counts[0] == 1 && p->bucket_counts[1] == 2);
    assert_true(p->explicit_bound_size == 1 && p->explicit_bounds[0] == 1.5);
    p = otk_capture_metric(c, 1)->points;
    assert_true(p->scale == -2 && p->zero_count == 1 && p->zero_threshold == 0.25);
    assert_true(p->positive.present && p->positive.offset == -3 && p->positive.bucket_count_size == 2);
    assert_int_equal(p->positive.bucket_counts[1], 300);
    assert_true(p->negative.present && !p->negative.has_offset && p->negative.bucket_count_size == 0);
    assert_false(p->has_sum);
    p = otk_capture_metric(c, 2)->points;
    assert_true(p->quantile_value_count == 2 && p->quantile_values[1].quantile == 1);
    assert_true(p->quantile_values[1].value == 2 && p->quantile_values[1].has_value);
    forget(c);
}

/* RX-SEM-15: no buckets are one over everything, and none is made up. The last bucket has no bound of its own. */
static void test_a_histogram_without_buckets_has_its_count_and_sum(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_METRICS, METRIC("'histogram':{'dataPoints':[{'count':'3','sum':6},"
                                                      "{'count':'1','bucketCounts':['1']}]}"));
    const otk_captured_point *p = otk_capture_metric(c, 0)->points;
    assert_true(p[0].count == 3 && p[0].sum == 6);
    assert_int_equal(p[0].bucket_count_size + p[0].explicit_bound_size, 0);
    assert_true(p[1].bucket_count_size == 1 && p[1].explicit_bound_size == 0);
    forget(c);
}

/* RX-SEM-17, RX-SEM-18: what differs in name, type, unit, temporality, monotonicity or only in what does not identify
 * is shown as it came; nothing is merged and nothing refused. */
static void test_metrics_of_one_name_are_kept_apart(void **state)
{
    (void)state;
    otk_capture *c = given(
        OTK_SIGNAL_METRICS,
        "{'resourceMetrics':[{'scopeMetrics':[{'metrics':["
        "{'name':'n','unit':'ms','sum':{'aggregationTemporality':1,'isMonotonic':true,'dataPoints':[{'asInt':'1'}]}},"
        "{'name':'n','unit':'s','sum':{'aggregationTemporality':1,'isMonotonic':true,'dataPoints':[{'asInt':'1'}]}},"
        "{'name':'n','unit':'ms','sum':{'aggregationTemporality':2,'isMonotonic':true,'dataPoints':[{'asInt':'1'}]}},"
        "{'name':'n','unit':'ms','sum':{'aggregationTemporality':1,'dataPoints':[{'asInt':'1'}]}},"
        "{'name':'n','unit':'ms','description':'d','gauge':{'dataPoints':[{'asDouble':1}]}},"
        "{'name':'n','unit':'ms','description':'e','gauge':{'dataPoints':[{'asInt':'1'}]}}]}]}]}");
    assert_int_equal(c->metric_count, 6);
    assert_int_equal(c->data_point_count, 6);
    for (size_t i = 0; i < 6; i++) {
        const otk_captured_metric *m = otk_capture_metric(c, i);
        assert_string_equal(m->name, "n");
        assert_string_equal(m->unit, i == 1 ? "s" : "ms");
        assert_int_equal(m->type, i < 4 ? OTK_METRIC_TYPE_SUM : OTK_METRIC_TYPE_GAUGE);
        assert_int_equal(m->is_monotonic, i < 3);
        assert_int_equal(m->point_count, 1);
    }
    assert_int_equal(otk_capture_metric(c, 2)->aggregation_temporality, OTK_AGGREGATION_TEMPORALITY_CUMULATIVE);
    assert_string_equal(otk_capture_metric(c, 5)->description, "e");
    forget(c);
}

/* RX-SEM-19, RX-SEM-20: two writers of one stream, and the three ways it can start, are shown and not removed. */
static void test_overlapping_points_and_resets_are_all_shown(void **state)
{
    static const uint64_t starts[] = {5, 5, 20, 30}, times[] = {10, 10, 15, 30};
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_METRICS, METRIC("'sum':{'aggregationTemporality':2,'dataPoints':["
                                                      "{'startTimeUnixNano':'5','timeUnixNano':'10','asInt':'7'},"
                                                      "{'startTimeUnixNano':'5','timeUnixNano':'10','asInt':'9'},"
                                                      "{'startTimeUnixNano':'20','timeUnixNano':'15','asInt':'1'},"
                                                      "{'startTimeUnixNano':'30','timeUnixNano':'30','asInt':'2'}]}"));
    const otk_captured_metric *m = otk_capture_metric(c, 0);
    assert_int_equal(m->point_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(m->points[i].start_time_unix_nano, starts[i]);
        assert_int_equal(m->points[i].time_unix_nano, times[i]);
    }
    assert_true(m->points[0].value.as.int_value == 7 && m->points[1].value.as.int_value == 9);
    forget(c);
}

static void test_packed_and_single_numbers_are_one_array(void **state)
{
    /* histogram { data_points { bucket_counts: 1 alone, then 2 and 3 packed; explicit_bounds packed, empty } } */
    static const char body[] = "\x0a\x29\x12\x27\x12\x25\x4a\x23\x0a\x21"
                               "\x31\x01\0\0\0\0\0\0\0\x32\x10\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0"
                               "\x3a\x00\x50\x00\x50\x00";
    (void)state;
    otk_capture *c = given_request(OTK_SIGNAL_METRICS, OTK_ENCODING_PROTOBUF, body, sizeof body - 1);
    const otk_captured_point *p = otk_capture_metric(c, 0)->points;
    assert_int_equal(p->bucket_count_size, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(p->bucket_counts[i], i + 1);
    assert_int_equal(p->explicit_bound_size, 0);
    forget(c);
}

static void test_asking_for_what_is_not_there_gives_null(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN(""));
    assert_null(otk_capture_span(c, 1));
    assert_null(otk_capture_metric(c, 0));
    assert_null(otk_capture_log(c, 0));
    forget(c);
}

#define MANY ((size_t)1000000)

static otk_capture *given_many_spans(void)
{
    /* resource_spans { scope_spans { spans {} … } } with three-byte lengths */
    size_t inner = MANY * 2, outer = inner + 4;
    uint8_t *body = malloc(inner + 8);
    uint8_t head[8] = {0x0a, (uint8_t)(outer | 0x80), (uint8_t)(outer >> 7 | 0x80), (uint8_t)(outer >> 14),
                       0x12, (uint8_t)(inner | 0x80), (uint8_t)(inner >> 7 | 0x80), (uint8_t)(inner >> 14)};
    assert_non_null(body);
    memcpy(body, head, sizeof head);
    for (size_t i = 0; i < MANY; i++)
        memcpy(body + 8 + i * 2, "\x12\x00", 2);
    otk_capture *c = given_request(OTK_SIGNAL_TRACES, OTK_ENCODING_PROTOBUF, body, inner + 8);
    free(body);
    return c;
}

static void test_a_million_empty_spans_are_looked_at_in_linear_time(void **state)
{
    (void)state;
    otk_capture *c = given_many_spans();
    struct otk_walk walk;
    size_t seen = 0;
    assert_int_equal(c->span_count, MANY);
    assert_non_null(otk_capture_span(c, MANY - 1));
    otk_walk_init(&walk, otk_capture_of(c));
    while (otk_walk_next(&walk))
        seen++;
    assert_int_equal(walk.failed, 0);
    assert_int_equal(seen, MANY);
    assert_true(walk.item_arena.total < (size_t)1 << 20);
    otk_walk_clear(&walk);
    forget(c);
}

static void *look_at_all(void *arg)
{
    const otk_capture *c = arg;
    for (size_t i = 0; i < c->span_count; i++)
        if (!otk_capture_span(c, i) || otk_capture_span(c, i) != otk_capture_span(c, i))
            return NULL;
    return arg;
}

static void test_threads_may_look_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    otk_capture *c = given(OTK_SIGNAL_TRACES, "{'resourceSpans':[{'scopeSpans':[{'spans':[{},{},{},{},{},{},{}]}]}]}");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_at_all, c), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, c);
    }
    forget(c);
}

static void test_without_memory_a_look_gives_null_and_the_next_one_succeeds(void **state)
{
    (void)state;
    size_t failures = 0;
    for (bool succeeded = false; !succeeded; failures++) {
        otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'n','attributes':[{'key':'k','value':{'arrayValue':"
                                                       "{'values':[{'stringValue':'v'}]}}}],'events':[{},{}]"));
        otk_arena_clear(&otk_capture_of(c)->arena); /* holds nothing yet but room */
        allocations_left = failures;
        succeeded = otk_capture_span(c, 0) != NULL;
        allocations_left = SIZE_MAX;
        assert_string_equal(otk_capture_span(c, 0)->name, "n");
        assert_int_equal(otk_capture_span(c, 0)->event_count, 2);
        forget(c);
    }
    assert_true(failures > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_shows_every_field),
        cmocka_unit_test(test_absent_fields_are_empty_and_say_so),
        cmocka_unit_test(test_a_remote_parent_is_known_only_when_said),
        cmocka_unit_test(test_an_unspecified_kind_stays_unspecified),
        cmocka_unit_test(test_events_keep_times_outside_their_span),
        cmocka_unit_test(test_both_schema_urls_are_shown_each_where_it_stands),
        cmocka_unit_test(test_zero_is_told_from_absent),
        cmocka_unit_test(test_items_share_their_resource_and_scope),
        cmocka_unit_test(test_values_of_every_kind),
        cmocka_unit_test(test_a_log_record_shows_every_field),
        cmocka_unit_test(test_sums_and_gauges),
        cmocka_unit_test(test_histograms_and_summaries),
        cmocka_unit_test(test_a_histogram_without_buckets_has_its_count_and_sum),
        cmocka_unit_test(test_metrics_of_one_name_are_kept_apart),
        cmocka_unit_test(test_overlapping_points_and_resets_are_all_shown),
        cmocka_unit_test(test_packed_and_single_numbers_are_one_array),
        cmocka_unit_test(test_asking_for_what_is_not_there_gives_null),
        cmocka_unit_test(test_a_million_empty_spans_are_looked_at_in_linear_time),
        cmocka_unit_test(test_threads_may_look_at_once),
        cmocka_unit_test(test_without_memory_a_look_gives_null_and_the_next_one_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
