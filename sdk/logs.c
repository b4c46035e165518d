#include "processor.h"
#include "text.h"
#include "value.h"
#include "writer.h"

enum {
    LOG_TIME = 1,
    LOG_SEVERITY_NUMBER = 2,
    LOG_SEVERITY_TEXT = 3,
    LOG_BODY = 5,
    LOG_ATTRIBUTES = 6,
    LOG_DROPPED_ATTRIBUTES = 7,
    LOG_FLAGS = 8,
    LOG_TRACE_ID = 9,
    LOG_SPAN_ID = 10,
    LOG_OBSERVED_TIME = 11,
    LOG_EVENT_NAME = 12
};

static void write_attributes(struct otk_buffer *b, const otk_attributes *attributes, const otk_sdk *sdk)
{
    size_t max_bytes = sdk->config.max_request_bytes;
    struct otk_draft set =
        otk_draft_new(&sdk->log_limits, max_bytes < OTK_DRAFT_MAX_BYTES ? max_bytes : OTK_DRAFT_MAX_BYTES);
    otk_draft_put_all(&set, attributes);
    otk_draft_write(b, LOG_ATTRIBUTES, &set);
    if (set.dropped)
        otk_write_varint(b, LOG_DROPPED_ATTRIBUTES, set.dropped);
    otk_buffer_clear(&set.bytes);
}

static void write_context(struct otk_buffer *b, const otk_span_context *context)
{
    if (!otk_span_context_is_valid(context))
        return;
    otk_write_fixed32(b, LOG_FLAGS, context->trace_flags);
    otk_write_bytes(b, LOG_TRACE_ID, context->trace_id, sizeof context->trace_id);
    otk_write_bytes(b, LOG_SPAN_ID, context->span_id, sizeof context->span_id);
}

static void write_record(struct otk_buffer *b, const otk_log_record *record, const otk_sdk *sdk)
{
    uint64_t observed = record->observed_time_unix_nano ? record->observed_time_unix_nano : otk_sdk_now(sdk);
    if (record->time_unix_nano)
        otk_write_fixed64(b, LOG_TIME, record->time_unix_nano);
    if (record->severity_number)
        otk_write_varint(b, LOG_SEVERITY_NUMBER, (uint64_t)(int64_t)record->severity_number);
    otk_text_write_optional(b, LOG_SEVERITY_TEXT, record->severity_text);
    if (record->body.type != OTK_VALUE_EMPTY)
        otk_value_write(b, LOG_BODY, &record->body, SIZE_MAX);
    write_attributes(b, record->attributes, sdk);
    write_context(b, record->context);
    otk_write_fixed64(b, LOG_OBSERVED_TIME, observed);
    otk_text_write_optional(b, LOG_EVENT_NAME, record->event_name);
}

void otk_logger_emit(otk_logger *logger, const otk_log_record *record)
{
    if (!logger || !record)
        return;
    const otk_sdk *sdk = logger->scope.sdk;
    if (!sdk->exports || !sdk->config.signals[OTK_SIGNAL_LOGS].enabled)
        return;
    struct otk_buffer b = OTK_BUFFER_INIT(UINT32_MAX);
    otk_queue_begin(&b);
    write_record(&b, record, sdk);
    otk_sdk_submit(&logger->scope, OTK_SIGNAL_LOGS, &b);
    otk_buffer_clear(&b);
}

void otk_logger_log(otk_logger *logger, int severity_number, const char *text, const otk_span *span)
{
    otk_log_record record = OTK_LOG_RECORD_INIT;
    if (!logger)
        return;
    record.time_unix_nano = record.observed_time_unix_nano = otk_sdk_now(logger->scope.sdk);
    record.severity_number = severity_number;
    record.body = otk_value_string(text);
    record.context = otk_span_get_context(span ? span : otk_span_current());
    otk_logger_emit(logger, &record);
}
