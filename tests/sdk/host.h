/* An SDK in a program, and the receiver that it exports to. */
#ifndef OTLPKIT_SDK_HOST_H
#define OTLPKIT_SDK_HOST_H

#include "test.h"

#include <otlpkit/receiver.h>

static inline void ignore(const char *message, void *arg)
{
    (void)message, (void)arg;
}

static inline otk_sdk *start(const char *url, const char *const *settings, bool no_flush_at_exit)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.service_name = "host";
    options.endpoint = url;
    options.settings = settings;
    options.ignore_environment = true;
    options.on_warning = ignore;
    options.no_flush_at_exit = no_flush_at_exit;
    return otk_sdk_start(&options, NULL);
}

static inline void record(otk_tracer *tracer, const char *name)
{
    otk_span *span = otk_span_start(tracer, name, NULL);
    otk_span_set_string(span, "key", "value");
    otk_span_free(span);
}

static inline otk_receiver_counts counts_of(otk_receiver *rx)
{
    otk_receiver_counts counts;
    otk_receiver_counts_get(rx, &counts);
    return counts;
}

static inline size_t span_count(otk_receiver *rx)
{
    return counts_of(rx).spans;
}

#endif
