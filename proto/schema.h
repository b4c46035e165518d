/* OTLP's messages as tables: protobuf-c's generated descriptors, compiled once
 * into the shape that the reader, the writers and the views walk.
 *
 * Always holds: field numbers are below 32, so that a 32-bit mask can tell
 * which fields of a message were seen.
 */
#ifndef OTLPKIT_SCHEMA_H
#define OTLPKIT_SCHEMA_H

#include "otlpkit/otlp.h"

enum otk_wire_type {
    OTK_WIRE_VARINT = 0,
    OTK_WIRE_I64 = 1,
    OTK_WIRE_LEN = 2,
    OTK_WIRE_GROUP = 3,
    OTK_WIRE_GROUP_END = 4,
    OTK_WIRE_I32 = 5
};

enum otk_field_type {
    OTK_FIELD_INT32, /* enums too: see `names` */
    OTK_FIELD_SINT32,
    OTK_FIELD_UINT32,
    OTK_FIELD_INT64,
    OTK_FIELD_UINT64,
    OTK_FIELD_BOOL,
    OTK_FIELD_FIXED32,
    OTK_FIELD_FIXED64,
    OTK_FIELD_SFIXED64,
    OTK_FIELD_DOUBLE,
    OTK_FIELD_STRING,
    OTK_FIELD_BYTES,
    OTK_FIELD_MESSAGE
};

/* What a message is to the index. */
enum otk_role {
    OTK_ROLE_NONE,
    OTK_ROLE_RESOURCE_ENVELOPE, /* ResourceSpans, ResourceMetrics, ResourceLogs */
    OTK_ROLE_SCOPE_ENVELOPE,    /* ScopeSpans, ScopeMetrics, ScopeLogs */
    OTK_ROLE_ITEM,              /* Span, Metric, LogRecord */
    OTK_ROLE_POINT              /* the data points of each metric type */
};

/* What the reader does with a record, by its message, number and wire type. */
enum otk_action {
    OTK_ACTION_UNKNOWN = 0, /* no such field, or another wire type than it has */
    OTK_ACTION_MESSAGE,
    OTK_ACTION_STRING,
    OTK_ACTION_ID,
    OTK_ACTION_BYTES,
    OTK_ACTION_PACKED,
    OTK_ACTION_VARINT,
    OTK_ACTION_I64,
    OTK_ACTION_I32
};

struct otk_enum_name {
    const char *name;
    int32_t number;
};

struct otk_message;

struct otk_field {
    const struct otk_message *message;
    uint32_t bit;      /* 1 << number */
    uint32_t oneof;    /* the bits of all members of its oneof, or 0 */
    uint8_t number;
    uint8_t type;      /* enum otk_field_type */
    uint8_t wire_type; /* of one element: enum otk_wire_type */
    bool repeated;
    uint8_t id_size;   /* 16 or 8 for trace and span ids: hex in JSON */
    bool id_lenient;   /* an id of another length is kept (log records) */
    uint8_t json_size;
    char json[40];     /* "traceId": with its quotes and colon, as it stands in JSON */
    const char *name;  /* trace_id */
    const struct otk_enum_name *names; /* an enum's values, ended by NULL */
};

/* All that the reader needs to know of a record, found by its tag. */
struct otk_tag {
    const struct otk_message *message;
    uint32_t bit;      /* of its field */
    uint32_t conflict; /* a record of any of these fields before it, and the message is not regular */
    uint8_t action;    /* enum otk_action */
    uint8_t field;     /* position in `fields` */
    bool repeated;
};

struct otk_message {
    const char *name; /* opentelemetry.proto.trace.v1.Span */
    uint8_t role;     /* enum otk_role */
    uint8_t field_count;
    const struct otk_field *fields;     /* by number, ascending */
    const struct otk_field *number[32]; /* NULL: unknown */
    struct otk_tag tag[256];            /* by number << 3 | wire type as sent; see otk_message_field() */
};

/* The field that a record with this tag is, or NULL when it is unknown. */
static inline const struct otk_field *otk_message_field(const struct otk_message *m, uint32_t tag)
{
    return tag < 256 && m->tag[tag].action ? &m->fields[m->tag[tag].field] : NULL;
}

/* Messages that code asks for by name. */
enum otk_message_id {
    OTK_MESSAGE_TRACES_REQUEST = OTK_SIGNAL_TRACES,
    OTK_MESSAGE_METRICS_REQUEST = OTK_SIGNAL_METRICS,
    OTK_MESSAGE_LOGS_REQUEST = OTK_SIGNAL_LOGS,
    OTK_MESSAGE_TRACES_RESPONSE,
    OTK_MESSAGE_METRICS_RESPONSE,
    OTK_MESSAGE_LOGS_RESPONSE,
    OTK_MESSAGE_STATUS,      /* google.rpc.Status */
    OTK_MESSAGE_BAD_REQUEST, /* google.rpc.BadRequest */
    OTK_MESSAGE_COUNT
};

/* Compiled at the first call; any thread may call. */
const struct otk_message *otk_schema(enum otk_message_id id);

#endif
