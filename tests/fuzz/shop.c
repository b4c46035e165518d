#include "shop.h"

#include "capture.h"
#include "fuzz.h"
#include "oracle.h"
#include "store.h"
#include "utf8.h"

#include <stdlib.h>

#define TRACE "'traceId':'0af7651916cd43dd8448eb211c80319c'"
#define RESOURCE "'resource':{'attributes':[{'key':'service.name','value':{'stringValue':'shop'}}]}"

static const struct {
    otk_signal signal;
    const char *json; /* with ' for " */
} given[] = {
    {OTK_SIGNAL_TRACES,
     "{'resourceSpans':[{" RESOURCE ",'scopeSpans':[{'scope':{'name':'lib'},'spans':["
     "{" TRACE
     ",'spanId':'0000000000000001','name':'checkout','kind':2,'startTimeUnixNano':'1','endTimeUnixNano':'9000'},"
     "{" TRACE ",'spanId':'0000000000000002','parentSpanId':'0000000000000001','name':'charge','kind':3,"
     "'startTimeUnixNano':'2','endTimeUnixNano':'5000000','status':{'code':2,'message':'no'},"
     "'attributes':[{'key':'http.status_code','value':{'intValue':'503'}},{'key':'ok','value':{'boolValue':false}},"
     "{'key':'ratio','value':{'doubleValue':0.5}},{'key':'tags','value':{'arrayValue':{'values':[{'stringValue':'a'}]}}"
     "}],"
     "'events':[{'name':'exception','attributes':[{'key':'exception.type','value':{'stringValue':'E'}}]}],"
     "'links':[{" TRACE ",'spanId':'0000000000000009'}]}]}]}]}"},
    {OTK_SIGNAL_METRICS,
     "{'resourceMetrics':[{" RESOURCE ",'scopeMetrics':[{'metrics':["
     "{'name':'requests','unit':'1','sum':{'isMonotonic':true,'aggregationTemporality':2,'dataPoints':["
     "{'asInt':'3','attributes':[{'key':'route','value':{'stringValue':'/pay'}}]},{'asDouble':1.5}]}},"
     "{'name':'latency','histogram':{'aggregationTemporality':1,'dataPoints':[{'count':'3','sum':6,"
     "'bucketCounts':['1','2'],'explicitBounds':[2]}]}}]}]}]}"},
    {OTK_SIGNAL_LOGS,
     "{'resourceLogs':[{" RESOURCE ",'scopeLogs':[{'logRecords':[{'severityNumber':17,'severityText':'ERROR',"
     "'body':{'stringValue':'timeout of 3s'},'eventName':'e'," TRACE "}]}]}]}"},
};

static otk_receiver *receiver;

static void stop(void)
{
    otk_receiver_stop(receiver);
}

static void add(otk_signal signal, const char *json)
{
    struct otk_fault fault;
    struct capture *c = otk_capture_new();
    must(c != NULL);
    for (; *json; json++)
        otk_buffer_byte(&c->body, (uint8_t)(*json == '\'' ? '"' : *json));
    otk_capture_end_body(c);
    c->pub.has_signal = true;
    c->pub.signal = signal;
    c->pub.encoding = OTK_ENCODING_JSON;
    c->pub.status = 200;
    must(otk_capture_decode(c, NULL, SIZE_MAX / 2, &fault) == 0);
    must(otk_store_add(otk_receiver_store(receiver), c) == 0);
    otk_capture_free(c);
}

otk_receiver *given_receiver(void)
{
    if (receiver)
        return receiver;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.host = "127.0.0.1";
    receiver = otk_receiver_start(&options, NULL);
    must(receiver != NULL);
    atexit(stop);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        add(given[i].signal, given[i].json);
    return receiver;
}

bool is_text(const char *text)
{
    return otk_utf8_valid((const uint8_t *)text, strlen(text)) == strlen(text);
}

/* Results hold no character that their readers act on, but for the ends of lines. */
static void check_results(const char *text)
{
    must(is_text(text));
    for (; *text; text++)
        must(*text == '\n' || ((unsigned char)*text >= 0x20 && *text != 0x7f));
}

static void check_format(otk_report *report, otk_report_format format)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    must(to != NULL);
    must(otk_report_write(report, format, to) == 0);
    must(fclose(to) == 0);
    check_results(text);
    free(text);
}

void check_report(otk_report *report, int code)
{
    must(report && otk_report_code(report) == code);
    const char *text = otk_report_text(report), *json = otk_report_json(report);
    must(*text && text[strlen(text) - 1] == '\n');
    check_results(text);
    must_hold(oracle_is_json(json, strlen(json)));
    for (int format = OTK_REPORT_TAP; format <= OTK_REPORT_GITHUB; format++)
        check_format(report, (otk_report_format)format);
    otk_report_free(report);
}
