#include "processor.h"

#include "clock.h"
#include "span.h"

enum { TRIES = 8 };

static bool any_byte(const uint8_t *id, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= id[i];
    return any != 0;
}

/* An id of zeros means "none": the generator is asked again, but not for ever. */
void otk_sdk_ask_for_id(const otk_sdk *sdk, uint8_t *out, size_t size)
{
    for (unsigned i = 0; i < TRIES; i++) {
        memset(out, 0, size);
        sdk->generate_id(out, size, sdk->generate_id_arg);
        if (any_byte(out, size))
            return;
    }
    otk_random_ids(out, size / sizeof(uint64_t));
}

void otk_sdk_span_started(otk_span *span, const otk_span_context *parent)
{
    const otk_sdk *sdk = span->tracer->scope.sdk;
    for (size_t i = 0; i < sdk->processor_count; i++)
        if (sdk->processors[i].on_start)
            sdk->processors[i].on_start(span, parent, sdk->processors[i].arg);
}

void otk_sdk_span_ended(otk_span *span)
{
    const otk_sdk *sdk = span->tracer->scope.sdk;
    bool closed = atomic_load_explicit(&sdk->closed, memory_order_relaxed);
    for (size_t i = 0; i < sdk->processor_count && !closed; i++)
        if (sdk->processors[i].on_end)
            sdk->processors[i].on_end(span, sdk->processors[i].arg);
}

static unsigned time_left(uint64_t deadline)
{
    uint64_t now = otk_clock_monotonic();
    return now < deadline ? (unsigned)((deadline - now + OTK_MS - 1) / OTK_MS) : 0;
}

int otk_sdk_flush_processors(otk_sdk *sdk, uint64_t deadline)
{
    int rc = 0;
    for (size_t i = 0; i < sdk->processor_count; i++) {
        const otk_span_processor *p = &sdk->processors[i];
        int one = p->force_flush ? p->force_flush(time_left(deadline), p->arg) : 0;
        rc = rc ? rc : one;
    }
    return rc;
}

int otk_sdk_shut_processors_down(otk_sdk *sdk, uint64_t deadline)
{
    int rc = 0;
    for (size_t i = 0; i < sdk->processor_count; i++) {
        const otk_span_processor *p = &sdk->processors[i];
        int one = p->shutdown ? p->shutdown(time_left(deadline), p->arg) : 0;
        rc = rc ? rc : one;
    }
    return rc;
}
