#include "span.h"

#include "clock.h"
#include "processor.h"
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
    SPAN_ATTRIBUTES = 9,
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

enum { SPAN_MAX_BYTES = 64 << 20 };

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

/* ---- Start ----------------------------------------------------------- */

/* The trace: the parent's, or a new one when `parent` is NULL. */
static void identify_trace(otk_span *span, const otk_sdk *sdk, const otk_span_context *parent)
{
    span->has_parent = parent;
    span->parent_is_remote = parent && parent->is_remote;
    span->context.is_remote = false;
    span->context.trace_flags = parent ? parent->trace_flags & RANDOM : 0;
    if (parent) {
        memcpy(span->context.trace_id, parent->trace_id, sizeof parent->trace_id);
        memcpy(span->parent_span_id, parent->span_id, sizeof parent->span_id);
    } else {
        otk_sdk_generate_id(sdk, span->context.trace_id, sizeof span->context.trace_id);
    }
}

/* All that a Span message may hold besides texts and the records of attributes, events and links. */
enum { FRAME_BYTES = 192 };

static void write_name(struct otk_buffer *b, const char *name)
{
    otk_text_write(b, SPAN_NAME, name ? name : "", name ? strlen(name) : 0, OTK_TEXT_UNLIMITED);
}

/* Begins the Span message with what is known by now. */
static bool begin_message(otk_span *span, const char *name, otk_span_kind kind, uint64_t start_time_unix_nano)
{
    struct otk_buffer *b = &span->attributes.bytes;
    uint8_t *to = otk_buffer_reserve(b, FRAME_BYTES);
    if (!to)
        return false;
    to = put_id(to, SPAN_TRACE_ID, span->context.trace_id, sizeof span->context.trace_id);
    to = put_id(to, SPAN_SPAN_ID, span->context.span_id, sizeof span->context.span_id);
    if (span->has_parent)
        to = put_id(to, SPAN_PARENT_SPAN_ID, span->parent_span_id, sizeof span->parent_span_id);
    b->size = (size_t)(to - b->data);
    write_trace_state(b, SPAN_TRACE_STATE, span->context.trace_state);
    span->name_at = (uint32_t)b->size;
    write_name(b, name);
    span->name_size = (uint32_t)b->size - span->name_at;
    to = otk_buffer_reserve(b, FRAME_BYTES);
    if (!to)
        return false;
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

static bool begin_recording(otk_span *span, otk_tracer *tracer, const char *name, const otk_span_options *options)
{
    const struct otk_config *config = &tracer->scope.sdk->config;
    struct otk_attribute_set *attributes = &span->attributes;
    span->used = true;
    span->tracer = tracer;
    span->process = atomic_load_explicit(&tracer->scope.sdk->processes, memory_order_relaxed);
    uint64_t now = start_clock(span, tracer->scope.sdk);
    span->status = OTK_STATUS_CODE_UNSET;
    span->events.count = span->events.dropped = span->links.count = span->links.dropped = 0;
    attributes->number = SPAN_ATTRIBUTES;
    attributes->limits.value_length = config->span_attribute_length;
    attributes->limits.count = config->span_attributes;
    attributes->bytes.limit = span->events.bytes.limit = span->links.bytes.limit = SPAN_MAX_BYTES;
    span->status_message.limit = SPAN_MAX_BYTES;
    return begin_message(span, name, kind_of(options),
                         options->start_time_unix_nano ? options->start_time_unix_nano : now);
}

static void fill(otk_span *span, const otk_span_options *options, const otk_attributes *more)
{
    atomic_store_explicit(&span->recording, true, memory_order_relaxed);
    if (options->attributes)
        otk_span_set_attributes(span, options->attributes);
    if (more)
        otk_span_set_attributes(span, more);
    for (size_t i = 0; i < options->link_count; i++)
        otk_span_add_link(span, options->links[i].context, options->links[i].attributes);
}

static const otk_span_context *parent_of(const otk_span_options *options)
{
    if (options->root)
        return NULL;
    const otk_span *current = options->parent ? NULL : otk_current.span;
    const otk_span_context *parent = current ? &current->context : options->parent;
    return otk_span_context_is_valid(parent) ? parent : NULL;
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

static otk_sampling_result sample(otk_sdk *sdk, const otk_span *span, const otk_span_context *parent, const char *name,
                                  const otk_span_options *options)
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

static bool start(otk_span *span, otk_tracer *tracer, const otk_span_context *parent, const char *name,
                  const otk_span_options *options)
{
    otk_sdk *sdk = tracer->scope.sdk;
    identify_trace(span, sdk, parent);
    otk_sampling_result result = sample(sdk, span, parent, name, options);
    span->sampled = result.decision == OTK_SAMPLING_RECORD_AND_SAMPLE;
    if (span->sampled)
        span->context.trace_flags |= SAMPLED;
    otk_sdk_generate_id(sdk, span->context.span_id, sizeof span->context.span_id);
    if (!otk_span_set_trace_state(span, result.trace_state))
        return false;
    if (result.decision == OTK_SAMPLING_DROP || !otk_sdk_records_spans(sdk))
        return true;
    if (!begin_recording(span, tracer, name, options))
        return false;
    fill(span, options, result.attributes);
    if (sdk->processor_count)
        otk_sdk_span_started(span, parent);
    return true;
}

static bool is_alive(const otk_tracer *tracer)
{
    return tracer && !tracer->scope.sdk->config.disabled &&
           !atomic_load_explicit(&tracer->scope.sdk->closed, memory_order_relaxed);
}

otk_span *otk_span_start_with(otk_tracer *tracer, const char *name, const otk_span_options *options)
{
    static const otk_span_options plain = OTK_SPAN_OPTIONS_INIT;
    if (!options)
        options = &plain;
    const otk_span_context *parent = parent_of(options);
    /* Without an SDK the parent's identity is passed on as it is. */
    if (!is_alive(tracer))
        return parent ? otk_span_wrap(parent) : &otk_span_nothing;

    otk_span *span = otk_span_take();
    if (span && start(span, tracer, parent, name, options))
        return span;
    if (span)
        otk_span_give_back(span);
    otk_sdk_count_invalid(&tracer->scope);
    return NULL;
}

bool otk_tracer_enabled(const otk_tracer *tracer)
{
    return tracer && otk_sdk_records_spans(tracer->scope.sdk);
}

otk_span *otk_span_start(otk_tracer *tracer, const char *name, const otk_span *parent)
{
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    if (!parent && !otk_current.span && !is_alive(tracer))
        return &otk_span_nothing;
    options.parent = parent ? &parent->context : NULL;
    return otk_span_start_with(tracer, name, &options);
}

/* ---- While it lasts -------------------------------------------------- */

/* True, and the span is locked, as long as it records. */
static bool enter(otk_span *span)
{
    if (!otk_span_records(span))
        return false;
    otk_lock_take(&span->lock);
    if (atomic_load_explicit(&span->recording, memory_order_relaxed))
        return true;
    otk_lock_release(&span->lock);
    return false;
}

static void leave(otk_span *span)
{
    otk_lock_release(&span->lock);
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

/* The setters build their attribute in place: a copy just after it was written costs more than the encoding. */
static void set(otk_span *span, const otk_attribute *attribute)
{
    if (!enter(span))
        return;
    otk_attribute_set_put(&span->attributes, attribute);
    leave(span);
}

#define SET(span, key_, type_, member, ...)                                                                            \
    do {                                                                                                               \
        if (otk_span_records(span) && (key_)) {                                                                        \
            const otk_attribute attribute = {                                                                          \
                .key = {(key_), strlen(key_)}, .value.type = (type_), .value.as.member = __VA_ARGS__};                 \
            set(span, &attribute);                                                                                     \
        }                                                                                                              \
    } while (0)

void otk_span_set_value(otk_span *span, const char *key, otk_value value)
{
    if (!key || !otk_span_records(span))
        return;
    otk_attribute attribute = otk_attribute_of(key, value);
    set(span, &attribute);
}

void otk_span_set_string(otk_span *span, const char *key, const char *value)
{
    if (value)
        SET(span, key, OTK_VALUE_STRING, string_value, {value, strlen(value)});
    else
        otk_span_set_value(span, key, otk_value_string(NULL));
}

void otk_span_set_bool(otk_span *span, const char *key, bool value)
{
    SET(span, key, OTK_VALUE_BOOL, bool_value, value);
}

void otk_span_set_int(otk_span *span, const char *key, int64_t value)
{
    SET(span, key, OTK_VALUE_INT, int_value, value);
}

void otk_span_set_double(otk_span *span, const char *key, double value)
{
    SET(span, key, OTK_VALUE_DOUBLE, double_value, value);
}

void otk_span_set_bytes(otk_span *span, const char *key, const void *data, size_t size)
{
    SET(span, key, OTK_VALUE_BYTES, bytes_value, {data, size});
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
    otk_attribute_set_init(&set, EVENT_ATTRIBUTES, limits, SPAN_MAX_BYTES);
    otk_attribute_set_put_all(&set, attributes);
    otk_attribute_set_put_all(&set, more);
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
    otk_attribute_set_init(&set, LINK_ATTRIBUTES, limits, SPAN_MAX_BYTES);
    otk_attribute_set_put_all(&set, attributes);
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
    }
    leave(span);
}

/* Puts the name's record in the place of the former one, and moves what follows. */
static void replace_name(otk_span *span, const char *name)
{
    struct otk_buffer *b = &span->attributes.bytes;
    struct otk_buffer record = OTK_BUFFER_INIT(SPAN_MAX_BYTES);
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

/* The specification asks for one line a span at most; ours is one altogether. */
static void warn_of_drops(const otk_span *span)
{
    if (span->attributes.dropped || span->events.dropped || span->links.dropped)
        otk_warn(&span->tracer->scope.sdk->warnings,
                 "attributes, events or links of spans exceed their limits and are dropped");
}

/* Completes the message that begin_recording() began. */
static void finish_message(otk_span *span, uint64_t end_time_unix_nano)
{
    struct otk_buffer *b = &span->attributes.bytes;
    otk_fixed64_put(b->data + span->end_at, end_time_unix_nano);
    uint8_t *to = otk_buffer_reserve(b, FRAME_BYTES + span->events.bytes.size + span->links.bytes.size +
                                            span->status_message.size);
    if (!to)
        return;
    to = put_dropped(to, SPAN_DROPPED_ATTRIBUTES, span->attributes.dropped);
    to = put_records(to, &span->events, SPAN_DROPPED_EVENTS);
    to = put_records(to, &span->links, SPAN_DROPPED_LINKS);
    to = put_status(to, span);
    to = put_tag(to, SPAN_FLAGS, OTK_WIRE_I32);
    to = otk_fixed32_put(to, flags_of(span->context.trace_flags, span->parent_is_remote));
    b->size = (size_t)(to - b->data);
}

void otk_span_end_at(otk_span *span, uint64_t time_unix_nano)
{
    if (!enter(span))
        return;
    finish_message(span, time_unix_nano);
    atomic_store_explicit(&span->recording, false, memory_order_release);
    leave(span);
    warn_of_drops(span);
    /* One that was started before a fork is the parent's to export. */
    if (span->process == atomic_load_explicit(&span->tracer->scope.sdk->processes, memory_order_relaxed))
        otk_sdk_span_ended(span);
}

void otk_span_end(otk_span *span)
{
    if (otk_span_records(span))
        otk_span_end_at(span, now_of(span));
}

void otk_span_free(otk_span *span)
{
    if (!span || span == &otk_span_nothing)
        return;
    otk_span_end(span);
    if (otk_current.span == span)
        otk_current.span = NULL;
    otk_span_give_back(span);
}
