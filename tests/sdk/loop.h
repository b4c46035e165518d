/* An SDK that exports to our receiver, and hardly waits before a retry. */
#ifndef OTLPKIT_SDK_LOOP_H
#define OTLPKIT_SDK_LOOP_H

#include "test.h"

#include <otlpkit/receiver.h>

#define LOOP_SETTINGS 8

/* Of each signal. */
enum { LOOP_ITEMS = 4 };

struct loop {
    otk_receiver *rx;
    otk_sdk *sdk;
    struct notes notes;
    uint8_t id;
};

/* The same ids and times in each loop. */
static inline void loop_id(uint8_t *out, size_t size, void *arg)
{
    struct loop *loop = arg;
    memset(out, ++loop->id, size);
}

static inline uint64_t loop_time(void *arg)
{
    (void)arg;
    return UINT64_C(1700000000123456789);
}

static inline void loop_begin(struct loop *loop, const otk_receiver_options *options, const char *const *settings)
{
    const char *all[LOOP_SETTINGS] = {0};
    size_t count = 0;
    for (; settings && settings[count]; count++)
        all[count] = settings[count];
    all[count] = "OTEL_C_EXPORTER_RETRY_DELAY=1";
    *loop = (struct loop){.rx = otk_receiver_start(options, NULL)};
    otk_sdk_options to = OTK_SDK_OPTIONS_INIT;
    to.service_name = "loop";
    to.endpoint = otk_receiver_url(loop->rx);
    to.settings = all;
    to.ignore_environment = true;
    to.on_warning = note;
    to.on_warning_arg = &loop->notes;
    to.generate_id = loop_id;
    to.generate_id_arg = loop;
    to.clock = loop_time;
    loop->sdk = otk_sdk_start(&to, NULL);
    assert_non_null(loop->sdk);
}

static inline void loop_end(struct loop *loop)
{
    otk_sdk_stop(loop->sdk);
    otk_receiver_stop(loop->rx);
}

/* Spans, points and log records; attributes, events and links by turns. */
static inline void loop_record(struct loop *loop)
{
    const otk_value values[] = {otk_value_int(-1), otk_value_bytes("\0\xff", 2), otk_value_double(0.1)};
    otk_counter *counter = otk_meter_counter(otk_sdk_meter(loop->sdk, "m", NULL), "count", "1", NULL);
    for (int i = 0; i < LOOP_ITEMS; i++) {
        otk_span *span = otk_span_start(otk_sdk_tracer(loop->sdk, "t", NULL), "span \"\xc3\xa9\"", NULL);
        otk_span_set_value(span, "values", otk_value_array(values, COUNT(values)));
        otk_span_add_event(span, "event", OTK_ATTRIBUTES(otk_attribute_bool("b", true)));
        otk_span_add_link(span, otk_span_get_context(span), NULL);
        otk_span_set_int(span, "late", INT64_MAX);
        otk_logger_log(otk_sdk_logger(loop->sdk, "l", NULL), OTK_SEVERITY_NUMBER_ERROR, "text", span);
        otk_span_free(span);
        otk_counter_add(counter, 7, OTK_ATTRIBUTES(otk_attribute_int("series", i)));
    }
}

#endif
