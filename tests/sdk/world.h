/* An SDK that exports to a scripted server, and what it sent as protobuf-c reads it. */
#ifndef OTLPKIT_SDK_WORLD_H
#define OTLPKIT_SDK_WORLD_H

#include "test.h"

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "server.h"

typedef Otk__Common__AnyValue any_value;
typedef Otk__Trace__Span span_message;
typedef Otk__Collector__Trace__ExportTraceServiceRequest trace_request;

struct world {
    struct server *server;
    otk_sdk *sdk;
    otk_tracer *tracer;
    struct notes notes;
    ProtobufCMessage *request;
};

static inline void start_by(struct world *w, otk_sdk_options options)
{
    *w = (struct world){.server = server_start(NULL)};
    options.service_name = "tests";
    options.endpoint = server_url(w->server);
    options.ignore_environment = true;
    options.on_warning = note;
    options.on_warning_arg = &w->notes;
    w->sdk = otk_sdk_start(&options, NULL);
    w->tracer = otk_sdk_tracer(w->sdk, "test", NULL);
    assert_non_null(w->tracer);
}

static inline void start_with(struct world *w, const char *const *settings)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.settings = settings;
    start_by(w, options);
}

static inline void start(struct world *w)
{
    start_with(w, NULL);
}

static inline void finish(struct world *w)
{
    otk_sdk_stop(w->sdk);
    server_stop(w->server);
    if (w->request)
        protobuf_c_message_free_unpacked(w->request, NULL);
}

/* Flushes and reads what the last request held; valid until finish or the next call. */
static inline void *flush(struct world *w, const ProtobufCMessageDescriptor *type)
{
    assert_int_equal(otk_sdk_force_flush(w->sdk, PATIENCE_MS), 0);
    const struct request *r = server_request(w->server, server_request_count(w->server) - 1);
    if (w->request)
        protobuf_c_message_free_unpacked(w->request, NULL);
    w->request = protobuf_c_message_unpack(type, NULL, r->size, r->body);
    assert_non_null(w->request);
    return w->request;
}

static inline trace_request *flush_traces(struct world *w)
{
    return flush(w, &otk__collector__trace__export_trace_service_request__descriptor);
}

static inline span_message *span_at(struct world *w, size_t i)
{
    const trace_request *request = (const trace_request *)w->request;
    return request->resource_spans[0]->scope_spans[0]->spans[i];
}

/* Ends the span and reads it as it was sent. */
static inline span_message *sent(struct world *w, otk_span *span)
{
    otk_span_end(span);
    otk_span_free(span);
    flush_traces(w);
    return span_at(w, 0);
}

static inline const any_value *get(Otk__Common__KeyValue *const *attributes, size_t count, const char *key)
{
    const any_value *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(attributes[i]->key, key) != 0)
            continue;
        assert_null(found);
        found = attributes[i]->value;
    }
    assert_non_null(found);
    return found;
}

static inline const any_value *attribute(const span_message *span, const char *key)
{
    return get(span->attributes, span->n_attributes, key);
}

static inline void assert_text(const any_value *value, const char *text)
{
    assert_int_equal(value->value_case, OTK__COMMON__ANY_VALUE__VALUE_STRING_VALUE);
    assert_string_equal(value->string_value, text);
}

#endif
