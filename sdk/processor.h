/* What the program may bring: a clock, an id generator, and processors, which are
 * called in their order, before the queue. */
#ifndef OTLPKIT_PROCESSOR_H
#define OTLPKIT_PROCESSOR_H

#include "clock.h"
#include "provider.h"
#include "random.h"

/* Nanoseconds since the epoch. */
static inline uint64_t otk_sdk_now(const otk_sdk *sdk)
{
    return sdk->clock ? sdk->clock(sdk->clock_arg) : otk_clock_unix();
}

/* Whether a span has anybody to record for. */
static inline bool otk_sdk_records_spans(const otk_sdk *sdk)
{
    return sdk->keeps_spans && !atomic_load_explicit(&sdk->closed, memory_order_relaxed);
}

void otk_sdk_ask_for_id(const otk_sdk *sdk, uint8_t *out, size_t size);

/* A trace id is drawn, too, unless `trace_id` is NULL. */
static inline void otk_sdk_generate_ids(const otk_sdk *sdk, uint8_t trace_id[16], uint8_t span_id[8])
{
    if (__builtin_expect(sdk->generate_id != NULL, 0)) {
        if (trace_id)
            otk_sdk_ask_for_id(sdk, trace_id, 16);
        otk_sdk_ask_for_id(sdk, span_id, 8);
        return;
    }
    struct otk_generator g = otk_random_begin();
    if (trace_id) {
        otk_random_id(&g, trace_id);
        otk_random_id(&g, trace_id + 8);
    }
    otk_random_id(&g, span_id);
    otk_random_end(&g);
}

void otk_sdk_span_started(otk_span *span, const otk_span_context *parent);

/* Its message is complete. */
void otk_sdk_span_ended(otk_span *span);

/* Each returns 0, or the first failure, after all were called. */
int otk_sdk_flush_processors(otk_sdk *sdk, uint64_t deadline);
int otk_sdk_shut_processors_down(otk_sdk *sdk, uint64_t deadline);

#endif
