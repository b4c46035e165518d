#include "response.h"

#include "json.h"

enum { PARTIAL_SUCCESS = 1, REJECTED = 1, ERROR_MESSAGE = 2, STATUS_MESSAGE = 2 };

static int replace_json(struct otk_buffer *body, const struct otk_message *type)
{
    struct otk_buffer bytes = OTK_BUFFER_INIT(body->limit);
    struct otk_json_notes notes;
    struct otk_fault fault;
    int rc = otk_json_read(&bytes, type, (const char *)body->data, body->size, &notes, &fault);
    if (rc) {
        otk_buffer_clear(&bytes);
        return rc;
    }
    otk_buffer_clear(body);
    *body = bytes;
    return 0;
}

/* Leaves a body that may be walked as `type`. An empty one is the empty message, whatever its encoding. */
static int check(struct otk_buffer *body, bool json, const struct otk_message *type)
{
    struct otk_index index;
    struct otk_fault fault;
    int rc = json && body->size ? replace_json(body, type) : 0;
    if (!rc)
        rc = otk_wire_read(&index, type, body->data, body->size, &fault);
    if (!rc)
        otk_index_clear(&index);
    return rc;
}

static void read_partial_success(const struct otk_message *type, const uint8_t *data, size_t size,
                                 struct otk_partial_success *out)
{
    const uint8_t *end = data + size;
    struct otk_record record;
    while (data < end) {
        otk_wire_next(type, &data, &record);
        if (record.field && record.number == REJECTED)
            out->rejected = (int64_t)record.scalar;
        else if (record.field && record.number == ERROR_MESSAGE)
            out->message = (otk_string){(const char *)record.data, record.size};
    }
}

int otk_response_read(struct otk_buffer *body, bool json, otk_signal signal, struct otk_partial_success *out)
{
    static const enum otk_message_id responses[OTK_SIGNAL_COUNT] = {
        OTK_MESSAGE_TRACES_RESPONSE, OTK_MESSAGE_METRICS_RESPONSE, OTK_MESSAGE_LOGS_RESPONSE};
    const struct otk_message *type = otk_schema(responses[signal]);
    int rc = check(body, json, type);
    if (rc)
        return rc;
    struct otk_partial_success partial = {0, {"", 0}};
    const uint8_t *p = body->data, *end = body->size ? p + body->size : p;
    struct otk_record record;
    while (p < end) {
        otk_wire_next(type, &p, &record);
        if (record.field && record.number == PARTIAL_SUCCESS)
            read_partial_success(record.field->message, record.data, record.size, &partial);
    }
    *out = partial;
    return 0;
}

otk_string otk_response_status(struct otk_buffer *body, bool json)
{
    const struct otk_message *type = otk_schema(OTK_MESSAGE_STATUS);
    otk_string message = {"", 0};
    if (check(body, json, type))
        return message;
    const uint8_t *p = body->data, *end = body->size ? p + body->size : p;
    struct otk_record record;
    while (p < end) {
        otk_wire_next(type, &p, &record);
        if (record.field && record.number == STATUS_MESSAGE)
            message = (otk_string){(const char *)record.data, record.size};
    }
    return message;
}
