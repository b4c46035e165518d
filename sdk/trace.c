#include "span.h"

#include "clock.h"
#include "processor.h"
#include "quick.h"
#include "sampler.h"
#include "text.h"
#include "writer.h"

enum {
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_SPAN_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_DROPPED_ATTRIBUTES = 10,
    SPAN_EVENTS = 11,
    SPAN_DROPPED_EVENTS = 12,
    SPAN_LINKS = 13,
    SPAN_DROPPED_LINKS = 14,
    SPAN_STATUS = 15,
    SPAN_FLAGS = 16,
    EVENT_TIME = 1,
    EVENT_NAME = 2,
    EVENT_ATTRIBUTES = 3,
    EVENT_DROPPED_ATTRIBUTES = 4,
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    LINK_TRACE_STATE = 3,
    LINK_ATTRIBUTES = 4,
    LINK_DROPPED_ATTRIBUTES = 5,
    LINK_FLAGS = 6,
    STATUS_MESSAGE = 2,
    STATUS_CODE = 3
};

enum { SAMPLED = 0x01, RANDOM = 0x02 };

static const struct otk_config *config_of(const otk_span *span)
{
    return &span->tracer->scope.sdk->config;
}

/* ---- Pieces of the message ------------------------------------------- */

static uint8_t *put_tag(uint8_t *to, unsigned number, enum otk_wire_type type)
{
    return otk_varint_put(to, number << 3 | type);
}

static uint8_t *put_bytes(uint8_t *to, const void *data, size_t size)
{
    if (size)
        memcpy(to, data, size);
    return to + size;
}

static uint8_t *put_id(uint8_t *to, unsigned number, const uint8_t *id, size_t size)
{
    return put_bytes(otk_varint_put(put_tag(to, number, OTK_WIRE_LEN), size), id, size);
}

static uint8_t *put_dropped(uint8_t *to, unsigned number, uint32_t dropped)
{
    return dropped ? otk_varint_put(put_tag(to, number, OTK_WIRE_VARINT), dropped) : to;
}

static void write_trace_state(struct otk_buffer *b, unsigned number, const char *trace_state)
{
    if (trace_state && *trace_state)
        otk_text_write(b, number, trace_state, strlen(trace_state), OTK_TEXT_UNLIMITED);
}

static const otk_span_options plain = OTK_SPAN_OPTIONS_INIT;

/* ---- Start ----------------------------------------------------------- */

/* The trace is the parent's, or a new one when `parent` is NULL. */
static inline void identify(otk_span *span, const otk_sdk *sdk, const otk_span_context *parent)
{
    otk_span_context *context = &span->context;
    span->has_parent = parent;
    span->parent_is_remote = parent && parent->is_remote;
    context->is_remote = false;
    context->trace_flags = parent ? parent->trace_flags & RANDOM : 0;
    context->trace_state = NULL;
    if (parent) {
        memcpy(context->trace_id, parent->trace_id, sizeof parent->trace_id);
        memcpy(span->parent_span_id, parent->span_id, sizeof parent->span_id);
    }
    otk_sdk_generate_ids(sdk, parent ? NULL : context->trace_id, context->span_id);
}

/* All that a Span message may hold besides texts and the records of attributes, events and links. */
enum { FRAME_BYTES = 192 };

/* From here on a name's length takes more than one byte. */
enum { SHORT_NAME = 128 };

static void write_name(struct otk_buffer *b, const char *name)
{
    otk_text_write(b, SPAN_NAME, name ? name : "", name ? strlen(name) : 0, OTK_TEXT_UNLIMITED);
}

/* Writes a short ASCII name, which needs no repair; NULL for others. */
static inline uint8_t *put_short_name(uint8_t *to, const char *name)
{
    size_t size = name ? strlen(name) : 0;
    if (size >= SHORT_NAME || (otk_text_copy_bits(to + 2, name, size) & OTK_TEXT_HIGH_BITS))
        return NULL;
    to[0] = SPAN_NAME << 3 | OTK_WIRE_LEN;
    to[1] = (uint8_t)size;
    return to + 2 + size;
}

/* Writes ids and name. Returns where it goes on, with room for the rest of the frame, or NULL. */
static inline uint8_t *put_identity(otk_span *span, uint8_t *to, const char *name)
{
    struct otk_buffer *b = &span->attributes.bytes;
    to = put_id(to, SPAN_TRACE_ID, span->context.trace_id, sizeof span->context.trace_id);
    to = put_id(to, SPAN_SPAN_ID, span->context.span_id, sizeof span->context.span_id);
    if (span->has_parent)
        to = put_id(to, SPAN_PARENT_SPAN_ID, span->parent_span_id, sizeof span->parent_span_id);
    span->name_at = (uint32_t)(to - b->data);
    uint8_t *end = span->context.trace_state ? NULL : put_short_name(to, name);
    if (end)
        return end;
    b->size = (size_t)(to - b->data);
    write_trace_state(b, SPAN_TRACE_STATE, span->context.trace_state);
    span->name_at = (uint32_t)b->size;
    write_name(b, name);
    return otk_buffer_reserve(b, FRAME_BYTES);
}

/* Begins the Span message with what is known by now. */
static inline bool begin_message(otk_span *span, const char *name, otk_span_kind kind, uint64_t start_time_unix_nano)
{
    struct otk_buffer *b = &span->attributes.bytes;
    uint8_t *to = otk_buffer_reserve(b, FRAME_BYTES + SHORT_NAME);
    if (to)
        to = put_identity(span, to, name);
    if (!to)
        return false;
    span->name_size = (uint32_t)(to - b->data) - span->name_at;
    to = otk_varint_put(put_tag(to, SPAN_KIND, OTK_WIRE_VARINT), (uint64_t)kind);
    to = otk_fixed64_put(put_tag(to, SPAN_START, OTK_WIRE_I64), start_time_unix_nano);
    to = put_tag(to, SPAN_END, OTK_WIRE_I64);
    span->end_at = (uint32_t)(to - b->data);
    b->size = span->end_at + sizeof(uint64_t);
    return true;
}

static uint64_t start_clock(otk_span *span, const otk_sdk *sdk)
{
    if (sdk->clock)
        return sdk->clock(sdk->clock_arg);
    uint64_t now = otk_clock_monotonic();
    span->clock_offset = otk_clock_offset(now);
    return now + span->clock_offset;
}

/* Of a span that records. */
static uint64_t now_of(const otk_span *span)
{
    const otk_sdk *sdk = span->tracer->scope.sdk;
    return sdk->clock ? sdk->clock(sdk->clock_arg) : otk_clock_monotonic() + span->clock_offset;
}

/* What is not one of OTLP's is internal, as is what was not said. */
static otk_span_kind kind_of(const otk_span_options *options)
{
    return options->kind > OTK_SPAN_KIND_UNSPECIFIED && options->kind <= OTK_SPAN_KIND_CONSUMER
               ? options->kind
               : OTK_SPAN_KIND_INTERNAL;
}

static inline bool begin_recording(otk_span *span, otk_tracer *tracer, const char *name,
                                   const otk_span_options *options)
{
    const struct otk_config *config = &tracer->scope.sdk->config;
    struct otk_attribute_set *attributes = &span->attributes;
    span->used = true;
    otk_own_lock_init(&span->lock);
    span->tracer = tracer;
    span->process = atomic_load_explicit(&tracer->scope.sdk->processes, memory_order_relaxed);
    uint64_t now = start_clock(span, tracer->scope.sdk);
    span->status = OTK_STATUS_CODE_UNSET;
    attributes->limits.value_length = config->span_attribute_length;
    attributes->limits.count = config->span_attributes;
    return begin_message(span, name, kind_of(options),
                         options->start_time_unix_nano ? options->start_time_unix_nano : now);
}

static void fill(otk_span *span, const otk_span_options *options, const otk_attributes *more)
{
    otk_span_set_attributes(span, options->attributes);
    otk_span_set_attributes(span, more);
    for (size_t i = 0; i < options->link_count; i++)
        otk_span_add_link(span, options->links[i].context, options->links[i].attributes);
}

/* The context to continue: `given`, or that of the current span; NULL when there is none. */
static const otk_span_context *parent_of(const otk_span_context *given)
{
    const otk_span *current = otk_current.span;
    const otk_span_context *parent = given ? given : current ? &current->context : NULL;
    return parent && otk_span_context_is_valid(parent) ? parent : NULL;
}

/* It is told once anyway; the flag spares all later spans to ask. */
static void warn_of_ratio(otk_sdk *sdk)
{
    if (atomic_load_explicit(&sdk->told_of_ratio, memory_order_relaxed))
        return;
    atomic_store_explicit(&sdk->told_of_ratio, true, memory_order_relaxed);
    otk_warn(&sdk->warnings, "the sampler decides on child spans by the ratio, too, which breaks traces; "
                             "parentbased_traceidratio does not");
}

static otk_sampling_result ask_sampler(otk_sdk *sdk, const otk_span *span, const otk_span_context *parent,
                                       const char *name, const otk_span_options *options)
{
    const otk_sampler *sampler = &sdk->config.sampler;
    if (parent && otk_sampler_ignores_parent(sampler))
        warn_of_ratio(sdk);
    otk_sampling_input input = {.parent = parent,
                                .trace_id = span->context.trace_id,
                                .name = name ? name : "",
                                .kind = kind_of(options),
                                .attributes = options->attributes,
                                .links = options->links,
                                .link_count = options->link_count};
    return sampler->sample(sampler, &input);
}

static inline bool start(otk_span *span, otk_tracer *tracer, const otk_span_context *parent, const char *name,
                         const otk_span_options *options)
{
    otk_sdk *sdk = tracer->scope.sdk;
    otk_sampling_result result = {sdk->root_decision, NULL, NULL};
    identify(span, sdk, parent);
    if (parent || sdk->asks_sampler)
        result = ask_sampler(sdk, span, parent, name, options);
    span->sampled = result.decision == OTK_SAMPLING_RECORD_AND_SAMPLE;
    if (span->sampled)
        span->context.trace_flags |= SAMPLED;
    if (result.trace_state && !otk_span_set_trace_state(span, result.trace_state))
        return false;
    if (result.decision == OTK_SAMPLING_DROP || !otk_sdk_records_spans(sdk))
        return true;
    if (!begin_recording(span, tracer, name, options))
        return false;
    atomic_store_explicit(&span->recording, true, memory_order_relaxed);
    if (options != &plain || result.attributes)
        fill(span, options, result.attributes);
    if (sdk->processor_count)
        otk_sdk_span_started(span, parent);
    return true;
}

static inline bool is_alive(const otk_tracer *tracer)
{
    return tracer && !tracer->scope.sdk->config.disabled &&
           !atomic_load_explicit(&tracer->scope.sdk->closed, memory_order_relaxed);
}

static __attribute__((noinline)) otk_span *start_or_count(otk_tracer *tracer, const char *name,
                                                          const otk_span_context *given,
                                                          const otk_span_options *options)
{
    const otk_span_context *parent = options->root ? NULL : parent_of(given);
    otk_span *span = otk_span_take();
    if (span && start(span, tracer, parent, name, options))
        return span;
    if (span)
        otk_span_give_back(span);
    otk_sdk_count_invalid(&tracer->scope);
    return NULL;
}

/* Without an SDK the parent's identity is passed on as it is. */
static otk_span *pass_on(const otk_span_context *given)
{
    if (!given && !otk_current.span)
        return &otk_span_nothing;
    const otk_span_context *parent = parent_of(given);
    return parent ? otk_span_wrap(parent) : &otk_span_nothing;
}

otk_span *otk_span_start_with(otk_tracer *tracer, const char *name, const otk_span_options *options)
{
    if (!options)
        options = &plain;
    if (is_alive(tracer))
        return start_or_count(tracer, name, options->parent, options);
    return options->root ? &otk_span_nothing : pass_on(options->parent);
}

bool otk_tracer_enabled(const otk_tracer *tracer)
{
    return tracer && otk_sdk_records_spans(tracer->scope.sdk);
}

otk_span *otk_span_start(otk_tracer *tracer, const char *name, const otk_span *parent)
{
    const otk_span_context *given = parent ? &parent->context : NULL;
    return is_alive(tracer) ? start_or_count(tracer, name, given, &plain) : pass_on(given);
}

/* ---- While it lasts -------------------------------------------------- */

/* True, and the span is locked, if it still records. */
static inline bool enter_again(otk_span *span)
{
    otk_own_lock_take(&span->lock);
    if (__builtin_expect(atomic_load_explicit(&span->recording, memory_order_relaxed), 1))
        return true;
    otk_own_lock_release(&span->lock);
    return false;
}

static inline bool enter(otk_span *span)
{
    return otk_span_records(span) && enter_again(span);
}

static inline void leave(otk_span *span)
{
    otk_own_lock_release(&span->lock);
}

bool otk_span_is_recording(otk_span *span)
{
    return otk_span_records(span);
}

void otk_span_set_attributes(otk_span *span, const otk_attributes *attributes)
{
    if (!attributes || !enter(span))
        return;
    otk_attribute_set_put_all(&span->attributes, attributes);
    leave(span);
}

/* What the setters do with a span that records stands in functions of its own, so that they are done at once with any
 * other. */
static __attribute__((noinline)) void put(otk_span *span, const char *key, otk_value value)
{
    const otk_attribute attribute = otk_attribute_of(key, value);
    if (!enter_again(span))
        return;
    otk_attribute_set_put(&span->attributes, &attribute);
    leave(span);
}

static __attribute__((noinline)) void put_string(otk_span *span, const char *key, const char *value)
{
    size_t key_size = key ? strlen(key) : 0, size = strlen(value);
    if (!enter_again(span))
        return;
    if (!otk_quick_text(&span->attributes, key, key_size, value, size))
        otk_attribute_set_put_carefully(
            &span->attributes, &(otk_attribute){{key, key_size}, {OTK_VALUE_STRING, .as.string_value = {value, size}}});
    leave(span);
}

static __attribute__((noinline)) void put_int(otk_span *span, const char *key, int64_t value)
{
    size_t key_size = key ? strlen(key) : 0;
    if (!enter_again(span))
        return;
    if (!otk_quick_varint(&span->attributes, key, key_size, OTK_QUICK_INT, (uint64_t)value))
        otk_attribute_set_put_carefully(&span->attributes,
                                        &(otk_attribute){{key, key_size}, {OTK_VALUE_INT, .as.int_value = value}});
    leave(span);
}

void otk_span_set_value(otk_span *span, const char *key, otk_value value)
{
    if (otk_span_records(span))
        put(span, key, value);
}

void otk_span_set_string(otk_span *span, const char *key, const char *value)
{
    if (!otk_span_records(span))
        return;
    if (value)
        put_string(span, key, value);
    else
        put(span, key, otk_value_string(NULL));
}

void otk_span_set_bool(otk_span *span, const char *key, bool value)
{
    if (otk_span_records(span))
        put(span, key, otk_value_bool(value));
}

void otk_span_set_int(otk_span *span, const char *key, int64_t value)
{
    if (otk_span_records(span))
        put_int(span, key, value);
}

void otk_span_set_double(otk_span *span, const char *key, double value)
{
    if (otk_span_records(span))
        put(span, key, otk_value_double(value));
}

void otk_span_set_bytes(otk_span *span, const char *key, const void *data, size_t size)
{
    if (otk_span_records(span))
        put(span, key, otk_value_bytes(data, size));
}

/* Opens a record, calls `write` for its content, and takes it back when memory or a limit does not allow it. */
typedef void content_fn(struct otk_buffer *b, const void *content, const struct otk_attribute_set *attributes);

static void add_record(struct otk_records *records, unsigned number, unsigned limit, content_fn *write,
                       const void *content, const struct otk_attribute_set *attributes)
{
    struct otk_buffer *b = &records->bytes;
    struct otk_gaps gaps = OTK_GAPS_INIT;
    size_t before = b->size;
    if (records->count >= limit) {
        records->dropped++;
        return;
    }
    struct otk_open open = otk_write_begin(b, &gaps, number);
    write(b, content, attributes);
    otk_write_end(b, &gaps, open);
    if (otk_write_finish(b, &gaps)) {
        b->size = before;
        b->failed = 0;
        records->dropped++;
    } else {
        records->count++;
    }
}

static void write_dropped(struct otk_buffer *b, unsigned number, uint32_t dropped)
{
    if (dropped)
        otk_write_varint(b, number, dropped);
}

struct event {
    const char *name;
    uint64_t time_unix_nano;
};

static void write_event(struct otk_buffer *b, const void *content, const struct otk_attribute_set *attributes)
{
    const struct event *event = content;
    otk_write_fixed64(b, EVENT_TIME, event->time_unix_nano);
    otk_text_write(b, EVENT_NAME, event->name, strlen(event->name), OTK_TEXT_UNLIMITED);
    otk_buffer_append(b, attributes->bytes.data, attributes->bytes.size);
    write_dropped(b, EVENT_DROPPED_ATTRIBUTES, attributes->dropped);
}

static void add_event(otk_span *span, const struct event *event, const otk_attributes *attributes,
                      const otk_attributes *more)
{
    if (!enter(span))
        return;
    const struct otk_config *config = config_of(span);
    struct otk_attribute_set set;
    struct otk_limits limits = {config->span_attribute_length, config->event_attributes};
    otk_attribute_set_init(&set, EVENT_ATTRIBUTES, limits, OTK_SPAN_MAX_BYTES);
    otk_attribute_set_put_all(&set, attributes);
    otk_attribute_set_put_all(&set, more);
    span->adorned = true;
    add_record(&span->events, SPAN_EVENTS, config->span_events, write_event, event, &set);
    otk_attribute_set_clear(&set);
    leave(span);
}

void otk_span_add_event_at(otk_span *span, const char *name, uint64_t time_unix_nano, const otk_attributes *attributes)
{
    add_event(span, &(struct event){name ? name : "", time_unix_nano}, attributes, NULL);
}

void otk_span_add_event(otk_span *span, const char *name, const otk_attributes *attributes)
{
    if (otk_span_records(span))
        otk_span_add_event_at(span, name, now_of(span), attributes);
}

void otk_span_record_error(otk_span *span, const char *type, const char *message, const char *stacktrace,
                           const otk_attributes *attributes)
{
    const char *const keys[] = {"exception.type", "exception.message", "exception.stacktrace"};
    const char *const texts[] = {type, message, stacktrace};
    otk_attribute own[3];
    otk_attributes list = {own, 0};
    if (!otk_span_records(span) || (!type && !message))
        return;
    for (size_t i = 0; i < 3; i++)
        if (texts[i])
            own[list.count++] = otk_attribute_string(keys[i], texts[i]);
    add_event(span, &(struct event){"exception", now_of(span)}, &list, attributes);
}

static uint32_t flags_of(uint8_t trace_flags, bool is_remote)
{
    return trace_flags | OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK |
           (is_remote ? OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK : 0);
}

static void write_link(struct otk_buffer *b, const void *content, const struct otk_attribute_set *attributes)
{
    const otk_span_context *context = content;
    otk_write_bytes(b, LINK_TRACE_ID, context->trace_id, sizeof context->trace_id);
    otk_write_bytes(b, LINK_SPAN_ID, context->span_id, sizeof context->span_id);
    write_trace_state(b, LINK_TRACE_STATE, context->trace_state);
    otk_buffer_append(b, attributes->bytes.data, attributes->bytes.size);
    write_dropped(b, LINK_DROPPED_ATTRIBUTES, attributes->dropped);
    otk_write_fixed32(b, LINK_FLAGS, flags_of(context->trace_flags, context->is_remote));
}

/* A link to nowhere is worth keeping only for what it carries. */
static bool says_something(const otk_span_context *context, const otk_attributes *attributes)
{
    return otk_span_context_is_valid(context) || (attributes && attributes->count) ||
           (context->trace_state && *context->trace_state);
}

void otk_span_add_link(otk_span *span, const otk_span_context *context, const otk_attributes *attributes)
{
    if (!context || !says_something(context, attributes) || !enter(span))
        return;
    const struct otk_config *config = config_of(span);
    struct otk_attribute_set set;
    struct otk_limits limits = {config->span_attribute_length, config->link_attributes};
    otk_attribute_set_init(&set, LINK_ATTRIBUTES, limits, OTK_SPAN_MAX_BYTES);
    otk_attribute_set_put_all(&set, attributes);
    span->adorned = true;
    add_record(&span->links, SPAN_LINKS, config->span_links, write_link, context, &set);
    otk_attribute_set_clear(&set);
    leave(span);
}

void otk_span_set_status(otk_span *span, otk_status_code code, const char *description)
{
    bool known = code == OTK_STATUS_CODE_OK || code == OTK_STATUS_CODE_ERROR;
    if (!known || !enter(span))
        return;
    if (span->status != OTK_STATUS_CODE_OK) {
        struct otk_buffer *message = &span->status_message;
        message->size = 0;
        message->failed = 0;
        if (code == OTK_STATUS_CODE_ERROR && description && *description)
            otk_text_write(message, STATUS_MESSAGE, description, strlen(description), OTK_TEXT_UNLIMITED);
        span->status = code;
        span->adorned = true;
    }
    leave(span);
}

/* Puts the name's record in the place of the former one, and moves what follows. */
static void replace_name(otk_span *span, const char *name)
{
    struct otk_buffer *b = &span->attributes.bytes;
    struct otk_buffer record = OTK_BUFFER_INIT(OTK_SPAN_MAX_BYTES);
    write_name(&record, name);
    if (!record.failed && otk_buffer_reserve(b, record.size)) {
        ptrdiff_t by = (ptrdiff_t)record.size - (ptrdiff_t)span->name_size;
        uint8_t *to = b->data + span->name_at;
        memmove(to + record.size, to + span->name_size, b->size - span->name_at - span->name_size);
        memcpy(to, record.data, record.size);
        b->size = (size_t)((ptrdiff_t)b->size + by);
        span->name_size = (uint32_t)record.size;
        span->end_at = (uint32_t)((ptrdiff_t)span->end_at + by);
        otk_attribute_set_shift(&span->attributes, by);
    }
    b->failed = 0;
    otk_buffer_clear(&record);
}

void otk_span_update_name(otk_span *span, const char *name)
{
    if (!enter(span))
        return;
    replace_name(span, name);
    leave(span);
}

/* ---- End ------------------------------------------------------------- */

static uint8_t *put_status(uint8_t *to, const otk_span *span)
{
    const struct otk_buffer *message = &span->status_message;
    if (span->status == OTK_STATUS_CODE_UNSET)
        return to;
    to = put_tag(to, SPAN_STATUS, OTK_WIRE_LEN);
    to = otk_varint_put(to, message->size + 2); /* the code's record has two bytes */
    to = put_bytes(to, message->data, message->size);
    return otk_varint_put(put_tag(to, STATUS_CODE, OTK_WIRE_VARINT), (uint64_t)span->status);
}

static uint8_t *put_records(uint8_t *to, const struct otk_records *records, unsigned dropped_number)
{
    to = put_bytes(to, records->bytes.data, records->bytes.size);
    return put_dropped(to, dropped_number, records->dropped);
}

static uint8_t *put_adornments(uint8_t *to, const otk_span *span)
{
    to = put_records(to, &span->events, SPAN_DROPPED_EVENTS);
    to = put_records(to, &span->links, SPAN_DROPPED_LINKS);
    return put_status(to, span);
}

/* Completes the message that begin_message() began. */
static inline void finish_message(otk_span *span, uint64_t end_time_unix_nano)
{
    struct otk_buffer *b = &span->attributes.bytes;
    otk_fixed64_put(b->data + span->end_at, end_time_unix_nano);
    uint8_t *to = otk_buffer_reserve(b, FRAME_BYTES + span->events.bytes.size + span->links.bytes.size +
                                            span->status_message.size);
    if (!to)
        return;
    to = put_dropped(to, SPAN_DROPPED_ATTRIBUTES, span->attributes.dropped);
    if (span->adorned)
        to = put_adornments(to, span);
    to = put_tag(to, SPAN_FLAGS, OTK_WIRE_I32);
    to = otk_fixed32_put(to, flags_of(span->context.trace_flags, span->parent_is_remote));
    b->size = (size_t)(to - b->data);
}

/* The specification asks for one line a span at most; ours is one altogether. */
static __attribute__((noinline)) void warn_of_drops(const otk_span *span)
{
    otk_warn(&span->tracer->scope.sdk->warnings,
             "attributes, events or links of spans exceed their limits and are dropped");
}

static inline void end(otk_span *span, uint64_t time_unix_nano)
{
    if (!enter_again(span))
        return;
    finish_message(span, time_unix_nano);
    atomic_store_explicit(&span->recording, false, memory_order_release);
    leave(span);
    if (span->attributes.dropped || span->events.dropped || span->links.dropped)
        warn_of_drops(span);
    /* One that was started before a fork is the parent's to export. */
    if (span->process == atomic_load_explicit(&span->tracer->scope.sdk->processes, memory_order_relaxed))
        otk_sdk_span_ended(span);
}

void otk_span_end_at(otk_span *span, uint64_t time_unix_nano)
{
    if (otk_span_records(span))
        end(span, time_unix_nano);
}

static __attribute__((noinline)) void end_now(otk_span *span)
{
    end(span, now_of(span));
}

void otk_span_end(otk_span *span)
{
    if (otk_span_records(span))
        end_now(span);
}

void otk_span_free(otk_span *span)
{
    if (!span || span == &otk_span_nothing)
        return;
    if (otk_span_records(span))
        end_now(span);
    if (otk_current.span == span)
        otk_current.span = NULL;
    otk_span_give_back(span);
}
