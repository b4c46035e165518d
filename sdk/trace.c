#include "clock.h"
#include "provider.h"
#include "random.h"
#include "text.h"
#include "writer.h"

#include <stdlib.h>

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

/* Records of one kind that a span collects: its events, its links. */
struct records {
    struct otk_buffer bytes;
    uint32_t count, dropped;
};

struct otk_span {
    otk_span_context context;
    char *trace_state;
    atomic_bool recording;
    pthread_mutex_t mutex; /* covers what follows; unused where nothing is recorded */
    otk_tracer *tracer;
    uint8_t parent_span_id[8];
    bool has_parent, parent_is_remote;
    otk_span_kind kind;
    uint64_t start_time_unix_nano;
    uint64_t clock_offset; /* from the monotonic clock to the epoch, for the span's whole life */
    char *name;
    struct otk_attribute_set attributes;
    struct records events, links;
    otk_status_code status;
    char *status_message;
};

/* What a span is that records nothing and continues nothing. */
static otk_span nothing = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const struct otk_config *config_of(const otk_span *span)
{
    return &span->tracer->scope.sdk->config;
}

/* ---- Context --------------------------------------------------------- */

static bool any_byte(const uint8_t *id, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= id[i];
    return any != 0;
}

bool otk_span_context_is_valid(const otk_span_context *context)
{
    return context && any_byte(context->trace_id, sizeof context->trace_id) &&
           any_byte(context->span_id, sizeof context->span_id);
}

static void write_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

void otk_span_context_trace_id(const otk_span_context *context, char out[33])
{
    write_hex(context ? context->trace_id : nothing.context.trace_id, 16, out);
}

void otk_span_context_span_id(const otk_span_context *context, char out[17])
{
    write_hex(context ? context->span_id : nothing.context.span_id, 8, out);
}

const otk_span_context *otk_span_get_context(const otk_span *span)
{
    return span ? &span->context : &nothing.context;
}

static bool copy_trace_state(otk_span *span, const otk_span_context *from)
{
    if (!from->trace_state || !*from->trace_state)
        return true;
    span->trace_state = otk_text_copy(from->trace_state, strlen(from->trace_state));
    span->context.trace_state = span->trace_state;
    return span->trace_state;
}

/* ---- Start ----------------------------------------------------------- */

static void destroy(otk_span *span)
{
    pthread_mutex_destroy(&span->mutex);
    otk_attribute_set_clear(&span->attributes);
    otk_buffer_clear(&span->events.bytes);
    otk_buffer_clear(&span->links.bytes);
    free(span->trace_state);
    free(span->name);
    free(span->status_message);
    free(span);
}

static otk_span *new_span(void)
{
    otk_span *span = calloc(1, sizeof *span);
    if (span)
        pthread_mutex_init(&span->mutex, NULL);
    return span;
}

/* Without an SDK the parent's identity is passed on as it is. */
static otk_span *pass_on(const otk_span_context *parent)
{
    if (!otk_span_context_is_valid(parent))
        return &nothing;
    otk_span *span = new_span();
    if (!span)
        return NULL;
    span->context = *parent;
    span->context.trace_state = NULL;
    if (!copy_trace_state(span, parent)) {
        destroy(span);
        return NULL;
    }
    return span;
}

/* A new identity: in the parent's trace, or, `parent` being NULL, in one of its own. */
static bool identify(otk_span *span, const otk_span_context *parent)
{
    otk_random_id(span->context.span_id, sizeof span->context.span_id);
    if (!parent) {
        otk_random_id(span->context.trace_id, sizeof span->context.trace_id);
        span->context.trace_flags = SAMPLED;
        return true;
    }
    memcpy(span->context.trace_id, parent->trace_id, sizeof parent->trace_id);
    memcpy(span->parent_span_id, parent->span_id, sizeof parent->span_id);
    span->has_parent = true;
    span->parent_is_remote = parent->is_remote;
    span->context.trace_flags = parent->trace_flags & (SAMPLED | RANDOM);
    return copy_trace_state(span, parent);
}

static bool set_name(otk_span *span, const char *name)
{
    char *copy = otk_text_copy(name ? name : "", name ? strlen(name) : 0);
    if (!copy)
        return false;
    free(span->name);
    span->name = copy;
    return true;
}

static bool begin_recording(otk_span *span, otk_tracer *tracer, const char *name, const otk_span_options *options)
{
    const struct otk_config *config = &tracer->scope.sdk->config;
    struct otk_limits limits = {config->span_attribute_length, config->span_attributes};
    uint64_t now = otk_clock_monotonic();
    span->tracer = tracer;
    span->clock_offset = otk_clock_offset(now);
    span->start_time_unix_nano =
        options->start_time_unix_nano ? options->start_time_unix_nano : now + span->clock_offset;
    span->kind = options->kind == OTK_SPAN_KIND_UNSPECIFIED ? OTK_SPAN_KIND_INTERNAL : options->kind;
    otk_attribute_set_init(&span->attributes, SPAN_ATTRIBUTES, limits, config->max_request_bytes);
    span->events.bytes = span->links.bytes = OTK_BUFFER_INIT(config->max_request_bytes);
    return set_name(span, name);
}

static void fill(otk_span *span, const otk_span_options *options)
{
    atomic_store_explicit(&span->recording, true, memory_order_relaxed);
    otk_span_set_attributes(span, options->attributes);
    for (size_t i = 0; i < options->link_count; i++)
        otk_span_add_link(span, options->links[i].context, options->links[i].attributes);
}

otk_span *otk_span_start_with(otk_tracer *tracer, const char *name, const otk_span_options *options)
{
    static const otk_span_options plain = OTK_SPAN_OPTIONS_INIT;
    if (!options)
        options = &plain;
    const otk_span_context *parent =
        !options->root && otk_span_context_is_valid(options->parent) ? options->parent : NULL;
    otk_sdk *sdk = tracer ? tracer->scope.sdk : NULL;
    if (!sdk || sdk->config.disabled || atomic_load_explicit(&sdk->closed, memory_order_relaxed))
        return pass_on(parent);

    otk_span *span = new_span();
    if (!span || !identify(span, parent))
        goto no_memory;
    /* What the parent's process chose not to sample is not sampled here. */
    if (otk_sdk_exports(sdk, OTK_SIGNAL_TRACES) && span->context.trace_flags & SAMPLED) {
        if (!begin_recording(span, tracer, name, options))
            goto no_memory;
        fill(span, options);
    }
    return span;
no_memory:
    if (span)
        destroy(span);
    otk_sdk_count_invalid(&tracer->scope);
    return NULL;
}

otk_span *otk_span_start(otk_tracer *tracer, const char *name, const otk_span *parent)
{
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.parent = parent ? &parent->context : NULL;
    return otk_span_start_with(tracer, name, &options);
}

/* ---- While it lasts -------------------------------------------------- */

/* True, and the span is locked, as long as it records. */
static bool enter(otk_span *span)
{
    if (!span || !atomic_load_explicit(&span->recording, memory_order_acquire))
        return false;
    pthread_mutex_lock(&span->mutex);
    if (atomic_load_explicit(&span->recording, memory_order_relaxed))
        return true;
    pthread_mutex_unlock(&span->mutex);
    return false;
}

static void leave(otk_span *span)
{
    pthread_mutex_unlock(&span->mutex);
}

bool otk_span_is_recording(otk_span *span)
{
    return span && atomic_load_explicit(&span->recording, memory_order_acquire);
}

void otk_span_set_attributes(otk_span *span, const otk_attributes *attributes)
{
    if (!attributes || !enter(span))
        return;
    otk_attribute_set_put_all(&span->attributes, attributes);
    leave(span);
}

void otk_span_set_value(otk_span *span, const char *key, otk_value value)
{
    if (!key || !enter(span))
        return;
    otk_attribute attribute = otk_attribute_of(key, value);
    otk_attribute_set_put(&span->attributes, &attribute);
    leave(span);
}

void otk_span_set_string(otk_span *span, const char *key, const char *value)
{
    otk_span_set_value(span, key, otk_value_string(value));
}

void otk_span_set_bool(otk_span *span, const char *key, bool value)
{
    otk_span_set_value(span, key, otk_value_bool(value));
}

void otk_span_set_int(otk_span *span, const char *key, int64_t value)
{
    otk_span_set_value(span, key, otk_value_int(value));
}

void otk_span_set_double(otk_span *span, const char *key, double value)
{
    otk_span_set_value(span, key, otk_value_double(value));
}

void otk_span_set_bytes(otk_span *span, const char *key, const void *data, size_t size)
{
    otk_span_set_value(span, key, otk_value_bytes(data, size));
}

/* Opens a record, calls `write` for its content, and takes it back when memory or a limit does not allow it. */
typedef void content_fn(struct otk_buffer *b, const void *content, const struct otk_attribute_set *attributes);

static void add_record(struct records *records, unsigned number, unsigned limit, content_fn *write, const void *content,
                       const struct otk_attribute_set *attributes)
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

void otk_span_add_event_at(otk_span *span, const char *name, uint64_t time_unix_nano, const otk_attributes *attributes)
{
    if (!enter(span))
        return;
    const struct otk_config *config = config_of(span);
    struct event event = {name ? name : "", time_unix_nano};
    struct otk_attribute_set set;
    struct otk_limits limits = {config->span_attribute_length, config->event_attributes};
    otk_attribute_set_init(&set, EVENT_ATTRIBUTES, limits, config->max_request_bytes);
    otk_attribute_set_put_all(&set, attributes);
    add_record(&span->events, SPAN_EVENTS, config->span_events, write_event, &event, &set);
    otk_attribute_set_clear(&set);
    leave(span);
}

void otk_span_add_event(otk_span *span, const char *name, const otk_attributes *attributes)
{
    if (otk_span_is_recording(span))
        otk_span_add_event_at(span, name, otk_clock_monotonic() + span->clock_offset, attributes);
}

static uint32_t flags_of(uint8_t trace_flags, bool is_remote)
{
    return trace_flags | OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK |
           (is_remote ? OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK : 0);
}

static void write_trace_state(struct otk_buffer *b, unsigned number, const char *trace_state)
{
    if (trace_state && *trace_state)
        otk_text_write(b, number, trace_state, strlen(trace_state), OTK_TEXT_UNLIMITED);
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
    otk_attribute_set_init(&set, LINK_ATTRIBUTES, limits, config->max_request_bytes);
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
        bool described = code == OTK_STATUS_CODE_ERROR && description && *description;
        free(span->status_message);
        span->status_message = described ? otk_text_copy(description, strlen(description)) : NULL;
        span->status = code;
    }
    leave(span);
}

void otk_span_update_name(otk_span *span, const char *name)
{
    if (!enter(span))
        return;
    set_name(span, name);
    leave(span);
}

/* ---- End ------------------------------------------------------------- */

static void write_identity(struct otk_buffer *b, const otk_span *span)
{
    otk_write_bytes(b, SPAN_TRACE_ID, span->context.trace_id, sizeof span->context.trace_id);
    otk_write_bytes(b, SPAN_SPAN_ID, span->context.span_id, sizeof span->context.span_id);
    write_trace_state(b, SPAN_TRACE_STATE, span->trace_state);
    if (span->has_parent)
        otk_write_bytes(b, SPAN_PARENT_SPAN_ID, span->parent_span_id, sizeof span->parent_span_id);
    otk_text_write(b, SPAN_NAME, span->name, strlen(span->name), OTK_TEXT_UNLIMITED);
    otk_write_varint(b, SPAN_KIND, (uint64_t)span->kind);
}

static void write_status(struct otk_buffer *b, const otk_span *span)
{
    struct otk_gaps gaps = OTK_GAPS_INIT;
    if (span->status == OTK_STATUS_CODE_UNSET)
        return;
    struct otk_open open = otk_write_begin(b, &gaps, SPAN_STATUS);
    if (span->status_message)
        otk_text_write(b, STATUS_MESSAGE, span->status_message, strlen(span->status_message), OTK_TEXT_UNLIMITED);
    otk_write_varint(b, STATUS_CODE, (uint64_t)span->status);
    otk_write_end(b, &gaps, open);
    otk_write_finish(b, &gaps);
}

static void write_records(struct otk_buffer *b, const struct records *records, unsigned dropped_number)
{
    otk_buffer_append(b, records->bytes.data, records->bytes.size);
    write_dropped(b, dropped_number, records->dropped);
}

static void write_span(struct otk_buffer *b, const otk_span *span, uint64_t end_time_unix_nano)
{
    write_identity(b, span);
    otk_write_fixed64(b, SPAN_START, span->start_time_unix_nano);
    otk_write_fixed64(b, SPAN_END, end_time_unix_nano);
    otk_buffer_append(b, span->attributes.bytes.data, span->attributes.bytes.size);
    write_dropped(b, SPAN_DROPPED_ATTRIBUTES, span->attributes.dropped);
    write_records(b, &span->events, SPAN_DROPPED_EVENTS);
    write_records(b, &span->links, SPAN_DROPPED_LINKS);
    write_status(b, span);
    otk_write_fixed32(b, SPAN_FLAGS, flags_of(span->context.trace_flags, span->parent_is_remote));
}

void otk_span_end_at(otk_span *span, uint64_t time_unix_nano)
{
    if (!enter(span))
        return;
    struct otk_scope *scope = &span->tracer->scope;
    struct otk_buffer record = OTK_BUFFER_INIT(UINT32_MAX);
    write_span(&record, span, time_unix_nano);
    atomic_store_explicit(&span->recording, false, memory_order_release);
    leave(span);
    if (record.failed)
        otk_buffer_clear(&record);
    otk_sdk_submit_take(scope, record.data, record.size);
}

void otk_span_end(otk_span *span)
{
    if (otk_span_is_recording(span))
        otk_span_end_at(span, otk_clock_monotonic() + span->clock_offset);
}

void otk_span_free(otk_span *span)
{
    if (!span || span == &nothing)
        return;
    otk_span_end(span);
    destroy(span);
}
