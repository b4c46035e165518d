/* Telemetry for tests of waiting and asserting: told in OTLP/JSON in which ' stands for ", posted to a receiver. */
#ifndef OTLPKIT_TEST_STORY_H
#define OTLPKIT_TEST_STORY_H

#include "client.h"

#include <stdio.h>

#define TRACE "'traceId':'0af7651916cd43dd8448eb211c80319c',"
#define SHOP "'resource':{'attributes':[{'key':'service.name','value':{'stringValue':'shop'}}]},"
#define SPANS(...) "{'resourceSpans':[{" SHOP "'scopeSpans':[{'spans':[" __VA_ARGS__ "]}]}]}"
#define METRICS(...) "{'resourceMetrics':[{" SHOP "'scopeMetrics':[{'metrics':[" __VA_ARGS__ "]}]}]}"
#define LOGS(...) "{'resourceLogs':[{" SHOP "'scopeLogs':[{'logRecords':[" __VA_ARGS__ "]}]}]}"

/* A root that has ended, and a child of it. */
#define ROOT                                                                                                           \
    "{" TRACE "'spanId':'00000000000000a1','name':'checkout','kind':2,"                                                \
    "'startTimeUnixNano':'1000','endTimeUnixNano':'2000'}"
#define CHILD                                                                                                          \
    "{" TRACE "'spanId':'00000000000000a2','parentSpanId':'00000000000000a1','name':'charge',"                         \
    "'startTimeUnixNano':'1000','endTimeUnixNano':'2000','status':{'code':1}}"

static inline void tell_as(uint16_t port, const char *target, const char *extra, const char *json)
{
    char *text = strdup(json);
    assert_non_null(text);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    struct client c = client_open(port);
    struct response r = client_post(
        &c, (struct post){
                .target = target, .type = "application/json", .extra = extra, .body = text, .size = strlen(text)});
    response_clear(&r);
    client_close(&c);
    free(text);
}

/* Posts what its first key says it is. */
static inline void tell(otk_receiver *rx, const char *json)
{
    const char *target = strstr(json, "resourceSpans")     ? "/v1/traces"
                         : strstr(json, "resourceMetrics") ? "/v1/metrics"
                                                           : "/v1/logs";
    tell_as(otk_receiver_port(rx), target, NULL, json);
}

#endif
