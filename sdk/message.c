/* Messages in the manner of Logfire: see its documentation for what the attributes mean. */
#include "json.h"
#include "number.h"
#include "processor.h"
#include "span.h"
#include "value.h"

#include <math.h>

enum { TEXT_MAX = 1 << 20, VALUE_MAX_CHARS = 128 };

/* ---- Values as text -------------------------------------------------- */

static void write_json(struct otk_buffer *b, const otk_value *value, unsigned depth);

static void write_json_array(struct otk_buffer *b, const otk_array *array, unsigned depth)
{
    otk_buffer_byte(b, '[');
    for (size_t i = 0; i < array->count; i++) {
        if (i)
            otk_buffer_byte(b, ',');
        write_json(b, &array->values[i], depth);
    }
    otk_buffer_byte(b, ']');
}

static void write_json_map(struct otk_buffer *b, const otk_attributes *map, unsigned depth)
{
    otk_buffer_byte(b, '{');
    for (size_t i = 0; i < map->count; i++) {
        if (i)
            otk_buffer_byte(b, ',');
        otk_json_string(b, map->items[i].key.data, map->items[i].key.size);
        otk_buffer_byte(b, ':');
        write_json(b, &map->items[i].value, depth);
    }
    otk_buffer_byte(b, '}');
}

static void write_double(struct otk_buffer *b, double number)
{
    char text[OTK_NUMBER_MAX];
    if (isfinite(number))
        otk_buffer_append(b, text, otk_number_double(text, number));
    else
        otk_buffer_text(b, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

/* What has no JSON form is a string there; what lies too deep is null. */
static void write_json(struct otk_buffer *b, const otk_value *value, unsigned depth)
{
    char text[OTK_NUMBER_MAX];
    switch (depth > OTK_VALUE_DEPTH_MAX ? OTK_VALUE_EMPTY : value->type) {
    case OTK_VALUE_STRING:
        otk_json_string(b, value->as.string_value.data, value->as.string_value.size);
        break;
    case OTK_VALUE_BYTES:
        otk_json_string(b, (const char *)value->as.bytes_value.data, value->as.bytes_value.size);
        break;
    case OTK_VALUE_BOOL:
        otk_buffer_text(b, value->as.bool_value ? "true" : "false");
        break;
    case OTK_VALUE_INT:
        otk_buffer_append(b, text, otk_number_i64(text, value->as.int_value));
        break;
    case OTK_VALUE_DOUBLE:
        otk_buffer_text(b, isfinite(value->as.double_value) ? "" : "\"");
        write_double(b, value->as.double_value);
        otk_buffer_text(b, isfinite(value->as.double_value) ? "" : "\"");
        break;
    case OTK_VALUE_ARRAY:
        write_json_array(b, &value->as.array_value, depth + 1);
        break;
    case OTK_VALUE_KVLIST:
        write_json_map(b, &value->as.kvlist_value, depth + 1);
        break;
    default:
        otk_buffer_text(b, "null");
    }
}

static size_t skip_back_to_start(const uint8_t *text, size_t at)
{
    while (at && (text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

/* Leaves out the middle of what was written from `from` on, if that is long. */
static void shorten(struct otk_buffer *b, size_t from)
{
    static const char dots[] = "...";
    size_t size = b->size - from, half = (VALUE_MAX_CHARS - (sizeof dots - 1)) / 2;
    uint8_t *text = b->data + from;
    if (b->failed || size <= VALUE_MAX_CHARS)
        return;
    size_t head = skip_back_to_start(text, half);
    size_t tail = skip_back_to_start(text, size - half);
    memcpy(text + head, dots, sizeof dots - 1);
    memmove(text + head + sizeof dots - 1, text + tail, size - tail);
    b->size = from + head + sizeof dots - 1 + size - tail;
}

static void write_value(struct otk_buffer *b, const otk_value *value)
{
    size_t from = b->size;
    if (value->type == OTK_VALUE_STRING)
        otk_buffer_append(b, value->as.string_value.data, value->as.string_value.size);
    else if (value->type == OTK_VALUE_DOUBLE)
        write_double(b, value->as.double_value);
    else
        write_json(b, value, 0);
    shorten(b, from);
}

/* ---- The template ---------------------------------------------------- */

static const otk_value *find(const otk_attributes *attributes, otk_string key)
{
    for (size_t i = attributes ? attributes->count : 0; i > 0; i--) {
        const otk_attribute *a = &attributes->items[i - 1];
        if (a->key.size == key.size && memcmp(a->key.data, key.data, key.size) == 0)
            return &a->value;
    }
    return NULL;
}

/* "{key}" or "{key=}", without the braces. False when there is no such attribute. */
static bool write_field(struct otk_buffer *b, otk_string field, const otk_attributes *attributes)
{
    bool named = field.size && field.data[field.size - 1] == '=';
    otk_string key = {field.data, field.size - named};
    const otk_value *value = find(attributes, key);
    if (!value)
        return false;
    if (named)
        otk_buffer_append(b, field.data, field.size);
    write_value(b, value);
    return true;
}

/* False when the template cannot be filled in: it is its own message then. */
static bool format(struct otk_buffer *b, const char *text, const otk_attributes *attributes)
{
    while (*text) {
        size_t plain = strcspn(text, "{}");
        otk_buffer_append(b, text, plain);
        text += plain;
        if (!*text)
            break;
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        if (text[1] == text[0]) {
            otk_buffer_byte(b, (uint8_t)*text);
            text += 2;
        } else if (end && write_field(b, (otk_string){text + 1, (size_t)(end - text - 1)}, attributes)) {
            text = end + 1;
        } else {
            return false;
        }
    }
    return !b->failed;
}

static void set_message(otk_span *span, const char *message_template, const otk_attributes *attributes)
{
    struct otk_buffer b = OTK_BUFFER_INIT(TEXT_MAX);
    bool ok = format(&b, message_template, attributes);
    if (!ok)
        otk_warn(&span->tracer->scope.sdk->warnings, "the message \"%s\" cannot be filled in with its attributes",
                 message_template);
    const char *message = ok ? otk_buffer_string(&b) : NULL;
    otk_span_set_string(span, "logfire.msg_template", message_template);
    otk_span_set_string(span, "logfire.msg", message ? message : message_template);
    otk_buffer_clear(&b);
}

/* ---- Attributes ------------------------------------------------------ */

/* What the schema says of a value that is sent as JSON; NULL for those sent as they are. */
static const char *json_type(const otk_value *value)
{
    return value->type == OTK_VALUE_ARRAY    ? "array"
           : value->type == OTK_VALUE_KVLIST ? "object"
           : value->type == OTK_VALUE_EMPTY  ? "null"
                                             : NULL;
}

static void send_as_json(otk_span *span, const otk_attribute *attribute)
{
    struct otk_buffer b = OTK_BUFFER_INIT(TEXT_MAX);
    write_json(&b, &attribute->value, 0);
    if (!b.failed) {
        otk_attribute text = *attribute;
        text.value.type = OTK_VALUE_STRING;
        text.value.as.string_value = (otk_string){(const char *)b.data, b.size};
        otk_span_set_attributes(span, &(otk_attributes){&text, 1});
    }
    otk_buffer_clear(&b);
}

static void set_schema(otk_span *span, const otk_attributes *attributes)
{
    struct otk_buffer b = OTK_BUFFER_INIT(TEXT_MAX);
    otk_buffer_text(&b, "{\"type\":\"object\",\"properties\":{");
    for (size_t i = 0; i < attributes->count; i++) {
        const char *type = json_type(&attributes->items[i].value);
        otk_buffer_text(&b, i ? "," : "");
        otk_json_string(&b, attributes->items[i].key.data, attributes->items[i].key.size);
        otk_buffer_text(&b, type ? ":{\"type\":\"" : ":{");
        otk_buffer_text(&b, type ? type : "");
        otk_buffer_text(&b, type ? "\"}" : "}");
    }
    otk_buffer_text(&b, "}}");
    const char *schema = otk_buffer_string(&b);
    if (schema)
        otk_span_set_string(span, "logfire.json_schema", schema);
    otk_buffer_clear(&b);
}

static void describe(otk_span *span, int level, const char *message_template, const otk_attributes *attributes)
{
    set_message(span, message_template, attributes);
    if (level)
        otk_span_set_int(span, "logfire.level_num", level);
    if (level >= OTK_SEVERITY_NUMBER_ERROR)
        otk_span_set_status(span, OTK_STATUS_CODE_ERROR, NULL);
    for (size_t i = 0; attributes && i < attributes->count; i++)
        if (json_type(&attributes->items[i].value))
            send_as_json(span, &attributes->items[i]);
    if (attributes && attributes->count)
        set_schema(span, attributes);
}

static otk_span *start(otk_tracer *tracer, int level, const char *message_template, const otk_attributes *attributes,
                       const char *type)
{
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.attributes = attributes;
    otk_span *span = otk_span_start_with(tracer, message_template, &options);
    if (otk_span_is_recording(span)) {
        otk_span_set_string(span, "logfire.span_type", type);
        describe(span, level, message_template ? message_template : "", attributes);
    }
    return span;
}

void otk_message(otk_tracer *tracer, int level, const char *message_template, const otk_attributes *attributes)
{
    otk_span *span = start(tracer, level, message_template, attributes, "log");
    if (otk_span_is_recording(span))
        otk_span_end_at(span, span->start.time_unix_nano);
    otk_span_free(span);
}

otk_span *otk_message_span(otk_tracer *tracer, int level, const char *message_template,
                           const otk_attributes *attributes)
{
    return start(tracer, level, message_template, attributes, "span");
}
