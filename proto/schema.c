#include "schema.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#include <protobuf-c/protobuf-c.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

static const ProtobufCMessageDescriptor *const roots[OTK_MESSAGE_COUNT] = {
    [OTK_MESSAGE_TRACES_REQUEST] = &otk__collector__trace__export_trace_service_request__descriptor,
    [OTK_MESSAGE_METRICS_REQUEST] = &otk__collector__metrics__export_metrics_service_request__descriptor,
    [OTK_MESSAGE_LOGS_REQUEST] = &otk__collector__logs__export_logs_service_request__descriptor,
    [OTK_MESSAGE_TRACES_RESPONSE] = &otk__collector__trace__export_trace_service_response__descriptor,
    [OTK_MESSAGE_METRICS_RESPONSE] = &otk__collector__metrics__export_metrics_service_response__descriptor,
    [OTK_MESSAGE_LOGS_RESPONSE] = &otk__collector__logs__export_logs_service_response__descriptor,
    [OTK_MESSAGE_STATUS] = &otk__rpc__status__descriptor,
    [OTK_MESSAGE_BAD_REQUEST] = &otk__rpc__bad_request__descriptor,
};

static const struct {
    const char *message; /* its name behind the last dot */
    enum otk_role role;
} roles[] = {
    {"ResourceSpans", OTK_ROLE_RESOURCE_ENVELOPE},
    {"ResourceMetrics", OTK_ROLE_RESOURCE_ENVELOPE},
    {"ResourceLogs", OTK_ROLE_RESOURCE_ENVELOPE},
    {"ScopeSpans", OTK_ROLE_SCOPE_ENVELOPE},
    {"ScopeMetrics", OTK_ROLE_SCOPE_ENVELOPE},
    {"ScopeLogs", OTK_ROLE_SCOPE_ENVELOPE},
    {"Span", OTK_ROLE_ITEM},
    {"Metric", OTK_ROLE_ITEM},
    {"LogRecord", OTK_ROLE_ITEM},
    {"NumberDataPoint", OTK_ROLE_POINT},
    {"HistogramDataPoint", OTK_ROLE_POINT},
    {"ExponentialHistogramDataPoint", OTK_ROLE_POINT},
    {"SummaryDataPoint", OTK_ROLE_POINT},
};

/* The fields of type bytes that are hex in JSON (OTLP specification, "JSON Protobuf Encoding"). */
static const struct {
    const char *field;
    uint8_t size;
} ids[] = {{"trace_id", 16}, {"span_id", 8}, {"parent_span_id", 8}};

static const struct {
    enum otk_field_type type;
    enum otk_wire_type wire_type;
} types[] = {
    [PROTOBUF_C_TYPE_INT32] = {OTK_FIELD_INT32, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_ENUM] = {OTK_FIELD_INT32, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_SINT32] = {OTK_FIELD_SINT32, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_UINT32] = {OTK_FIELD_UINT32, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_INT64] = {OTK_FIELD_INT64, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_UINT64] = {OTK_FIELD_UINT64, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_BOOL] = {OTK_FIELD_BOOL, OTK_WIRE_VARINT},
    [PROTOBUF_C_TYPE_FIXED32] = {OTK_FIELD_FIXED32, OTK_WIRE_I32},
    [PROTOBUF_C_TYPE_FIXED64] = {OTK_FIELD_FIXED64, OTK_WIRE_I64},
    [PROTOBUF_C_TYPE_SFIXED64] = {OTK_FIELD_SFIXED64, OTK_WIRE_I64},
    [PROTOBUF_C_TYPE_DOUBLE] = {OTK_FIELD_DOUBLE, OTK_WIRE_I64},
    [PROTOBUF_C_TYPE_STRING] = {OTK_FIELD_STRING, OTK_WIRE_LEN},
    [PROTOBUF_C_TYPE_BYTES] = {OTK_FIELD_BYTES, OTK_WIRE_LEN},
    [PROTOBUF_C_TYPE_MESSAGE] = {OTK_FIELD_MESSAGE, OTK_WIRE_LEN},
};

/* Room for all that the .proto files hold; compile() aborts when they outgrow it, which every test would see. */
#define MESSAGES_MAX 64
#define FIELDS_MAX 320
#define ENUM_NAMES_MAX 96

static struct otk_message messages[MESSAGES_MAX];
static const ProtobufCMessageDescriptor *descriptors[MESSAGES_MAX]; /* of the message at the same place */
static struct otk_field fields[FIELDS_MAX];
static struct otk_enum_name enum_names[ENUM_NAMES_MAX];
static size_t message_count, field_count, enum_name_count;

static const struct otk_message *compiled[OTK_MESSAGE_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t take(size_t *count, size_t n, size_t max)
{
    if (n > max - *count)
        abort();
    *count += n;
    return *count - n;
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static enum otk_role role_of(const char *message)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].message, last_part(message)) == 0)
            return roles[i].role;
    return OTK_ROLE_NONE;
}

static uint8_t id_size_of(const struct otk_field *f)
{
    for (size_t i = 0; f->type == OTK_FIELD_BYTES && i < sizeof ids / sizeof *ids; i++)
        if (strcmp(ids[i].field, f->name) == 0)
            return ids[i].size;
    return 0;
}

/* trace_id becomes "traceId": */
static void set_json(struct otk_field *f)
{
    char *to = f->json, *end = f->json + sizeof f->json - 2;
    *to++ = '"';
    for (const char *from = f->name; *from; from++) {
        if (to == end)
            abort();
        if (*from == '_' && from[1])
            *to++ = (char)toupper((unsigned char)*++from);
        else
            *to++ = *from;
    }
    *to++ = '"';
    *to++ = ':';
    f->json_size = (uint8_t)(to - f->json);
}

static const struct otk_enum_name *enum_names_of(const ProtobufCEnumDescriptor *e)
{
    struct otk_enum_name *names = &enum_names[take(&enum_name_count, e->n_values + 1, ENUM_NAMES_MAX)];
    for (unsigned i = 0; i < e->n_values; i++)
        names[i] = (struct otk_enum_name){e->values[i].name, e->values[i].value};
    return names;
}

static uint32_t oneof_of(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *field)
{
    uint32_t bits = 0;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        for (unsigned i = 0; i < d->n_fields; i++)
            if (d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
                d->fields[i].quantifier_offset == field->quantifier_offset)
                bits |= UINT32_C(1) << d->fields[i].id;
    return bits;
}

static const struct otk_message *compile(const ProtobufCMessageDescriptor *d);

static void compile_field(struct otk_field *f, const ProtobufCMessageDescriptor *d,
                          const ProtobufCFieldDescriptor *field)
{
    f->name = field->name;
    f->number = (uint8_t)field->id;
    f->bit = UINT32_C(1) << field->id;
    f->type = (uint8_t)types[field->type].type;
    f->wire_type = (uint8_t)types[field->type].wire_type;
    f->repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    f->id_size = id_size_of(f);
    f->id_lenient = strcmp(last_part(d->name), "LogRecord") == 0;
    f->oneof = oneof_of(d, field);
    set_json(f);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        f->message = compile(field->descriptor);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        f->names = enum_names_of(field->descriptor);
}

static enum otk_action action_of(const struct otk_field *f)
{
    switch (f->wire_type) {
    case OTK_WIRE_VARINT:
        return OTK_ACTION_VARINT;
    case OTK_WIRE_I64:
        return OTK_ACTION_I64;
    case OTK_WIRE_I32:
        return OTK_ACTION_I32;
    default:
        return f->message                      ? OTK_ACTION_MESSAGE
               : f->type == OTK_FIELD_STRING   ? OTK_ACTION_STRING
               : f->id_size                    ? OTK_ACTION_ID
                                               : OTK_ACTION_BYTES;
    }
}

static void set_tag(struct otk_message *m, unsigned field, unsigned wire_type, enum otk_action action)
{
    const struct otk_field *f = &m->fields[field];
    m->tag[(unsigned)f->number << 3 | wire_type] = (struct otk_tag){
        .message = f->message,
        .bit = f->bit,
        .conflict = f->bit | f->oneof,
        .action = (uint8_t)action,
        .field = (uint8_t)field,
        .repeated = f->repeated,
    };
}

static void set_tags(struct otk_message *m)
{
    for (unsigned i = 0; i < m->field_count; i++) {
        const struct otk_field *f = &m->fields[i];
        m->number[f->number] = f;
        if (f->repeated && f->wire_type != OTK_WIRE_LEN)
            set_tag(m, i, OTK_WIRE_LEN, OTK_ACTION_PACKED);
        set_tag(m, i, f->wire_type, action_of(f));
    }
}

static const struct otk_message *compile(const ProtobufCMessageDescriptor *d)
{
    for (size_t i = 0; i < message_count; i++)
        if (descriptors[i] == d)
            return &messages[i];

    size_t at = take(&message_count, 1, MESSAGES_MAX);
    struct otk_message *m = &messages[at];
    descriptors[at] = d;
    m->name = d->name;
    m->role = (uint8_t)role_of(d->name);
    m->field_count = (uint8_t)d->n_fields;
    struct otk_field *f = &fields[take(&field_count, d->n_fields, FIELDS_MAX)];
    m->fields = f;
    for (unsigned i = 0; i < d->n_fields; i++) {
        if (d->fields[i].id >= 32)
            abort();
        compile_field(&f[i], d, &d->fields[i]);
    }
    set_tags(m);
    return m;
}

static void compile_all(void)
{
    for (size_t i = 0; i < OTK_MESSAGE_COUNT; i++)
        compiled[i] = compile(roots[i]);
}

const struct otk_message *otk_schema(enum otk_message_id id)
{
    pthread_once(&once, compile_all);
    return compiled[id];
}
