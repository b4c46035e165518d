#include "span.h"

static const otk_span_context invalid;

static bool any_byte(const uint8_t *id, size_t words)
{
    uint64_t word, any = 0;
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, id + i * sizeof word, sizeof word);
        any |= word;
    }
    return any != 0;
}

bool otk_span_context_is_valid(const otk_span_context *context)
{
    return context && any_byte(context->trace_id, 2) && any_byte(context->span_id, 1);
}

static void write_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    if (!out)
        return;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

void otk_span_context_trace_id(const otk_span_context *context, char out[33])
{
    write_hex((context ? context : &invalid)->trace_id, 16, out);
}

void otk_span_context_span_id(const otk_span_context *context, char out[17])
{
    write_hex((context ? context : &invalid)->span_id, 8, out);
}

const otk_span_context *otk_span_get_context(const otk_span *span)
{
    return span ? &span->start.context : &invalid;
}

bool otk_span_set_trace_state(otk_span *span, const char *trace_state)
{
    span->start.context.trace_state = NULL;
    if (!trace_state || !*trace_state)
        return true;
    struct otk_buffer *b = &span->trace_state;
    span->used = span->adorned = true;
    otk_buffer_text(b, trace_state);
    span->start.context.trace_state = otk_buffer_string(b);
    return span->start.context.trace_state;
}

otk_span *otk_span_wrap(const otk_span_context *context)
{
    otk_span *span = otk_span_context_is_valid(context) ? otk_span_take() : NULL;
    if (!span)
        return NULL;
    span->start.context = *context;
    if (!otk_span_set_trace_state(span, context->trace_state)) {
        otk_span_give_back(span);
        return NULL;
    }
    return span;
}

/* ---- The current span ------------------------------------------------ */

_Thread_local otk_token otk_current;

static otk_token attach(otk_span *span, const otk_baggage *baggage)
{
    otk_token before = otk_current;
    otk_current = (otk_token){span, baggage, before.depth + 1};
    return before;
}

otk_token otk_span_attach(otk_span *span)
{
    return attach(span, otk_current.baggage);
}

otk_token otk_baggage_attach(const otk_baggage *baggage)
{
    return attach(otk_current.span, baggage);
}

bool otk_detach(otk_token token)
{
    bool in_order = token.depth + 1 == otk_current.depth;
    otk_current = token;
    return in_order;
}

otk_span *otk_span_current(void)
{
    return otk_current.span;
}

const otk_baggage *otk_baggage_current(void)
{
    return otk_current.baggage;
}

otk_scoped_span otk_scoped_span_start(otk_tracer *tracer, const char *name)
{
    otk_span *span = otk_span_start(tracer, name, NULL);
    return (otk_scoped_span){span, otk_span_attach(span)};
}

void otk_scoped_span_end(otk_scoped_span *scoped)
{
    if (!scoped)
        return;
    otk_detach(scoped->token);
    otk_span_free(scoped->span);
    scoped->span = NULL;
}
