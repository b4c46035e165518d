#include "span.h"

#include "clock.h"
#include "processor.h"
#include "put.h"
#include "sampler.h"

enum {
    SPAN_EVENTS = 11,
    SPAN_DROPPED_EVENTS = 12,
    SPAN_LINKS = 13,
    SPAN_DROPPED_LINKS = 14,
    SPAN_STATUS = 15,
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

static const otk_span_options plain = OTK_SPAN_OPTIONS_INIT;

/* ---- Start ----------------------------------------------------------- */

/* The trace is the parent's, or a new one when `parent` is NULL. */
static inline void identify(otk_span *span, const otk_sdk *sdk, const otk_span_context *parent)
{
    struct otk_span_start *start = &span->start;
    otk_span_context *context = &start->context;
    start->has_parent = parent;
    start->parent_is_remote = parent && parent->is_remote;
    context->is_remote = false;
    context->trace_flags = parent ? parent->trace_flags & RANDOM : 0;
    context->trace_state = NULL;
    if (parent) {
        memcpy(context->trace_id, parent->trace_id, sizeof parent->trace_id);
        memcpy(start->parent_span_id, parent->span_id, sizeof parent->span_id);
    }
    otk_sdk_generate_ids(sdk, parent ? NULL : context->trace_id, context->span_id);
}

static uint64_t start_clock(otk_span *span, const otk_sdk *sdk)
{
    if (__builtin_expect(sdk->clock != NULL, 0))
        return sdk->clock(sdk->clock_arg);
    uint64_t now = otk_clock_monotonic();
    span->clock_offset = otk_clock_offset(now);
    return now + span->clock_offset;
}

/* Of a span that records. */
static uint64_t now_of(const otk_span *span)
{
    const otk_sdk *sdk = span->tracer->scope.sdk;
    if (__builtin_expect(sdk->clock != NULL, 0))
        return sdk->clock(sdk->clock_arg);
    return otk_clock_monotonic() + span->clock_offset;
}

/* What is not one of OTLP's is internal, as is what was not said. */
static otk_span_kind kind_of(const otk_span_options *options)
{
    return options->kind > OTK_SPAN_KIND_UNSPECIFIED && options->kind <= OTK_SPAN_KIND_CONSUMER
               ? options->kind
               : OTK_SPAN_KIND_INTERNAL;
}

/* Most spans need no more than this for their attributes, and so no more than one allocation. */
enum { FIRST_ROOM = 256 };

static inline bool begin_recording(otk_span *span, otk_tracer *tracer, otk_string name, const otk_span_options *options)
{
    const otk_sdk *sdk = tracer->scope.sdk;
    struct otk_buffer *b = &span->attributes.bytes;
    uint8_t *to = otk_buffer_reserve(b, OTK_SPAN_HEAD + name.size + FIRST_ROOM);
    span->used = true;
    if (!to)
        return false;
    otk_draft_copy(to + OTK_SPAN_HEAD, name.data, name.size);
    b->size = OTK_SPAN_HEAD + name.size;
    otk_draft_begin(&span->attributes, &sdk->span_limits);
    otk_own_lock_init(&span->lock);
    uint64_t now = start_clock(span, sdk);
    span->tracer = tracer;
    span->status = OTK_STATUS_CODE_UNSET;
    span->start.kind = (uint8_t)kind_of(options);
    span->start.time_unix_nano = options->start_time_unix_nano ? options->start_time_unix_nano : now;
    return true;
}

static void fill(otk_span *span, const otk_span_options *options, const otk_attributes *more)
{
    otk_span_set_attributes(span, options->attributes);
    otk_span_set_attributes(span, more);
    for (size_t i = 0; options->links && i < options->link_count; i++)
        otk_span_add_link(span, options->links[i].context, options->links[i].attributes);
}

/* The context to continue: `given`, or that of the current span; NULL when there is none. */
static const otk_span_context *parent_of(const otk_span_context *given)
{
    const otk_span *current = otk_current.span;
    const otk_span_context *parent = given ? given : current ? &current->start.context : NULL;
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

static __attribute__((noinline)) otk_sampling_result ask_sampler(otk_sdk *sdk, const otk_span *span,
                                                                 const otk_span_context *parent, otk_string name,
                                                                 const otk_span_options *options)
{
    const otk_sampler *sampler = &sdk->config.sampler;
    if (parent && otk_sampler_ignores_parent(sampler))
        warn_of_ratio(sdk);
    otk_sampling_input input = {.parent = parent,
                                .trace_id = span->start.context.trace_id,
                                .name = name,
                                .kind = kind_of(options),
                                .attributes = options->attributes,
                                .links = options->links,
                                .link_count = options->link_count};
    return sampler->sample(sampler, &input);
}

static inline __attribute__((always_inline)) bool start(otk_span *span, otk_tracer *tracer,
                                                        const otk_span_context *parent, otk_string name,
                                                        const otk_span_options *options)
{
    otk_sdk *sdk = tracer->scope.sdk;
    otk_sampling_result result = {sdk->root_decision, NULL, NULL};
    identify(span, sdk, parent);
    if (parent || sdk->asks_sampler)
        result = ask_sampler(sdk, span, parent, name, options);
    span->sampled = result.decision == OTK_SAMPLING_RECORD_AND_SAMPLE;
    if (span->sampled)
        span->start.context.trace_flags |= SAMPLED;
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

static inline __attribute__((always_inline)) otk_span *start_or_count(otk_tracer *tracer, otk_string name,
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
        return NULL;
    const otk_span_context *parent = parent_of(given);
    return parent ? otk_span_wrap(parent) : NULL;
}

otk_span *otk_span_start_with(otk_tracer *tracer, const char *name, const otk_span_options *options)
{
    if (!options)
        options = &plain;
    if (is_alive(tracer))
        return start_or_count(tracer, otk_string_of(name), options->parent, options);
    return options->root ? NULL : pass_on(options->parent);
}

bool otk_tracer_enabled(const otk_tracer *tracer)
{
    return tracer && otk_sdk_records_spans(tracer->scope.sdk);
}

/* In a function of its own, so that without an SDK a span costs a look. */
static __attribute__((noinline)) otk_span *start_plainly(otk_tracer *tracer, otk_string name,
                                                         const otk_span_context *given)
{
    return start_or_count(tracer, name, given, &plain);
}

otk_span *otk_span_begin(otk_tracer *tracer, otk_string name, const otk_span *parent)
{
    const otk_span_context *given = parent ? &parent->start.context : NULL;
    return is_alive(tracer) ? start_plainly(tracer, name, given) : pass_on(given);
}

/* ---- While it lasts -------------------------------------------------- */

/* True, and the span is locked, if it still records. */
static inline bool enter(otk_span *span)
{
    if (!otk_span_records(span) || !otk_own_lock_take(&span->lock))
        return false;
    if (__builtin_expect(atomic_load_explicit(&span->recording, memory_order_relaxed), 1))
        return true;
    otk_own_lock_release(&span->lock);
    return false;
}

static inline void leave(otk_span *span)
{
    otk_own_lock_release(&span->lock);
}

/* Most calls come from the thread that started the span, with something short. */
static inline bool enter_quickly(otk_span *span)
{
    if (!span || !otk_own_lock_enter(&span->lock))
        return false;
    if (__builtin_expect(atomic_load_explicit(&span->recording, memory_order_relaxed), 1))
        return true;
    otk_own_lock_leave(&span->lock);
    return false;
}

void otk_span_put(otk_span *span, const otk_attribute *attribute)
{
    if (!enter(span))
        return;
    otk_draft_put(&span->attributes, attribute);
    leave(span);
}

static __attribute__((noinline)) void put_text(otk_span *span, otk_string key, otk_string text)
{
    const otk_value value = {text.data ? OTK_VALUE_STRING : OTK_VALUE_EMPTY, .as.string_value = text};
    otk_span_put(span, &(otk_attribute){key, value});
}

void otk_span_put_string(otk_span *span, otk_string key, otk_string text)
{
    if (enter_quickly(span)) {
        bool done = otk_draft_quick_text(&span->attributes, key, text);
        otk_own_lock_leave(&span->lock);
        if (done)
            return;
    }
    put_text(span, key, text);
}

static __attribute__((noinline)) void put_int(otk_span *span, otk_string key, int64_t number)
{
    otk_span_put(span, &(otk_attribute){key, {OTK_VALUE_INT, .as.int_value = number}});
}

void otk_span_put_int(otk_span *span, otk_string key, int64_t number)
{
    if (enter_quickly(span)) {
        bool done = otk_draft_quick_int(&span->attributes, key, number);
        otk_own_lock_leave(&span->lock);
        if (done)
            return;
    }
    put_int(span, key, number);
}

void otk_span_set_attributes(otk_span *span, const otk_attributes *attributes)
{
    if (!attributes || !attributes->items || !enter(span))
        return;
    for (size_t i = 0; i < attributes->count; i++)
        otk_draft_put(&span->attributes, &attributes->items[i]);
    leave(span);
}

/* Opens a record, calls `write` for its content, and takes it back when memory or a limit does not allow it. */
typedef void content_fn(struct otk_buffer *b, const void *content, const struct otk_draft *attributes);

static void add_record(struct otk_records *records, unsigned number, unsigned limit, content_fn *write,
                       const void *content, const struct otk_draft *attributes)
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
    if (otk_write_finish(b, &gaps) || b->size > OTK_DRAFT_MAX_BYTES) {
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

static void write_event(struct otk_buffer *b, const void *content, const struct otk_draft *attributes)
{
    const struct event *event = content;
    otk_write_fixed64(b, EVENT_TIME, event->time_unix_nano);
    otk_text_write(b, EVENT_NAME, event->name, strlen(event->name), OTK_TEXT_UNLIMITED);
    otk_draft_write(b, EVENT_ATTRIBUTES, attributes);
    write_dropped(b, EVENT_DROPPED_ATTRIBUTES, attributes->dropped);
}

static void add_event(otk_span *span, const struct event *event, const otk_attributes *attributes,
                      const otk_attributes *more)
{
    if (!enter(span))
        return;
    const otk_sdk *sdk = span->tracer->scope.sdk;
    struct otk_draft set = otk_draft_new(&sdk->event_limits, OTK_DRAFT_MAX_BYTES);
    otk_draft_put_all(&set, attributes);
    otk_draft_put_all(&set, more);
    span->adorned = true;
    add_record(&span->events, SPAN_EVENTS, sdk->config.span_events, write_event, event, &set);
    otk_buffer_clear(&set.bytes);
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

static void write_link(struct otk_buffer *b, const void *content, const struct otk_draft *attributes)
{
    const otk_span_context *context = content;
    otk_write_bytes(b, LINK_TRACE_ID, context->trace_id, sizeof context->trace_id);
    otk_write_bytes(b, LINK_SPAN_ID, context->span_id, sizeof context->span_id);
    otk_text_write_optional(b, LINK_TRACE_STATE, context->trace_state);
    otk_draft_write(b, LINK_ATTRIBUTES, attributes);
    write_dropped(b, LINK_DROPPED_ATTRIBUTES, attributes->dropped);
    otk_write_fixed32(b, LINK_FLAGS, otk_span_record_flags(context->trace_flags, context->is_remote));
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
    const otk_sdk *sdk = span->tracer->scope.sdk;
    struct otk_draft set = otk_draft_new(&sdk->link_limits, OTK_DRAFT_MAX_BYTES);
    otk_draft_put_all(&set, attributes);
    span->adorned = true;
    add_record(&span->links, SPAN_LINKS, sdk->config.span_links, write_link, context, &set);
    otk_buffer_clear(&set.bytes);
    leave(span);
}

/* What a span lives on without is counted nevertheless. */
static void count_unless(bool kept, const otk_span *span)
{
    if (!kept)
        otk_sdk_count_invalid(&span->tracer->scope);
}

/* False when memory ran out. */
static bool replace_status(otk_span *span, otk_status_code code, const char *description)
{
    struct otk_buffer *b = &span->status_message;
    b->size = 0;
    b->failed = 0;
    if (code == OTK_STATUS_CODE_ERROR)
        otk_text_write_optional(b, STATUS_MESSAGE, description);
    span->status = code;
    span->adorned = true;
    return !b->failed;
}

void otk_span_set_status(otk_span *span, otk_status_code code, const char *description)
{
    bool known = code == OTK_STATUS_CODE_OK || code == OTK_STATUS_CODE_ERROR;
    if (!known || !enter(span))
        return;
    bool kept = span->status == OTK_STATUS_CODE_OK || replace_status(span, code, description);
    leave(span);
    count_unless(kept, span);
}

/* Puts the name in the place of the former one, and moves what follows. False when memory ran out. */
static bool replace_name(otk_span *span, const char *name, size_t size)
{
    struct otk_buffer *b = &span->attributes.bytes;
    size_t old = span->attributes.from - OTK_SPAN_HEAD;
    if (size > old && !otk_buffer_reserve(b, size - old)) {
        b->failed = 0;
        return false;
    }
    uint8_t *to = b->data + OTK_SPAN_HEAD;
    memmove(to + size, to + old, b->size - OTK_SPAN_HEAD - old);
    otk_draft_copy(to, name, size);
    b->size += size - old;
    span->attributes.from = OTK_SPAN_HEAD + size;
    return true;
}

void otk_span_update_name(otk_span *span, const char *name)
{
    if (!enter(span))
        return;
    bool kept = replace_name(span, name, name ? strlen(name) : 0);
    leave(span);
    count_unless(kept, span);
}

/* ---- End ------------------------------------------------------------- */

static void write_status(struct otk_buffer *b, const otk_span *span)
{
    const struct otk_buffer *message = &span->status_message;
    bool any = span->status != OTK_STATUS_CODE_UNSET;
    uint8_t *to = any ? otk_buffer_reserve(b, 2 * OTK_VARINT_MAX + message->size) : NULL;
    if (!to)
        return;
    to = otk_put_size(to, SPAN_STATUS, message->size + 2); /* the code's record has two bytes */
    to = otk_put_bytes(to, message->data, message->size);
    to = otk_varint_put(otk_put_tag(to, STATUS_CODE, OTK_WIRE_VARINT), (uint64_t)span->status);
    b->size = (size_t)(to - b->data);
}

static void write_records(struct otk_buffer *b, const struct otk_records *records, unsigned dropped_number)
{
    otk_buffer_append(b, records->bytes.data, records->bytes.size);
    write_dropped(b, dropped_number, records->dropped);
}

/* Puts all else behind the attributes; if there is no room, nothing, and the span is lost. Returns the size of the
 * trace state, which comes first. */
static __attribute__((noinline)) size_t append_adornments(otk_span *span)
{
    struct otk_buffer *b = &span->attributes.bytes;
    size_t before = b->size;
    if (span->start.context.trace_state)
        otk_buffer_text(b, span->start.context.trace_state);
    size_t trace_state_size = b->size - before;
    write_records(b, &span->events, SPAN_DROPPED_EVENTS);
    write_records(b, &span->links, SPAN_DROPPED_LINKS);
    write_status(b, span);
    if (!b->failed)
        return trace_state_size;
    b->size = before;
    return 0;
}

/* Writes the record to its place. Only processors may look at it there. */
static inline void complete(otk_span *span, uint64_t end_time_unix_nano)
{
    const struct otk_draft *attributes = &span->attributes;
    size_t attributes_end = attributes->bytes.size;
    size_t trace_state_size = span->adorned ? append_adornments(span) : 0;
    struct otk_span_record *record = otk_span_record_of(span);
    record->start = span->start;
    record->end_time_unix_nano = end_time_unix_nano;
    record->name_size = (uint32_t)(attributes->from - OTK_SPAN_HEAD);
    record->attributes_size = (uint32_t)(attributes_end - attributes->from);
    record->trace_state_size = (uint32_t)trace_state_size;
    record->rest_size = (uint32_t)(attributes->bytes.size - attributes_end - trace_state_size);
    record->dropped_attributes = attributes->dropped;
    record->keys_differ = attributes->settled;
    atomic_store_explicit(&span->recording, false, memory_order_release);
}

/* The specification asks for one line a span at most; ours is one altogether. */
static __attribute__((noinline)) void warn_of_drops(const otk_span *span)
{
    if (span->attributes.dropped || span->events.dropped || span->links.dropped)
        otk_warn(&span->tracer->scope.sdk->warnings,
                 "attributes, events or links of spans exceed their limits and are dropped");
}

static void show(otk_span *span, bool shown)
{
    if (!otk_own_lock_take(&span->lock))
        return;
    span->shown = shown;
    leave(span);
}

static __attribute__((noinline)) void show_processors(otk_span *span)
{
    show(span, true);
    otk_sdk_span_ended(span);
    show(span, false);
}

/* One that was started before a fork is the parent's to export. */
static inline bool is_of_this_process(const otk_span *span)
{
    return span->lock.forks == otk_forks_now();
}

static inline void hand_over(otk_span *span)
{
    struct otk_scope *scope = &span->tracer->scope;
    if (span->attributes.dropped || span->adorned)
        warn_of_drops(span);
    if (!is_of_this_process(span))
        return;
    if (scope->sdk->processor_count)
        show_processors(span);
    /* A processor may have forked. */
    if (is_of_this_process(span) && span->sampled && scope->sdk->exports &&
        scope->sdk->config.signals[OTK_SIGNAL_TRACES].enabled)
        otk_sdk_submit(scope, OTK_SIGNAL_TRACES, &span->attributes.bytes);
}

void otk_span_end_at(otk_span *span, uint64_t time_unix_nano)
{
    if (!otk_span_records(span))
        return;
    uint64_t end = time_unix_nano ? time_unix_nano : now_of(span); /* the program's clock is asked without the lock */
    if (enter_quickly(span)) {
        complete(span, end);
        otk_own_lock_leave(&span->lock);
    } else if (enter(span)) {
        complete(span, end);
        leave(span);
    } else {
        return;
    }
    hand_over(span);
}

void otk_span_free(otk_span *span)
{
    if (!span)
        return;
    otk_span_end(span);
    if (otk_current.span == span)
        otk_current.span = NULL;
    otk_span_give_back(span);
}
