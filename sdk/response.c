#include "response.h"

#include "wire.h"

enum { PARTIAL_SUCCESS = 1, REJECTED = 1, ERROR_MESSAGE = 2, STATUS_MESSAGE = 2 };

static int check(const struct otk_message *type, const uint8_t *body, size_t size)
{
    struct otk_index index = {0};
    struct otk_fault fault;
    int rc = otk_wire_read(&index, type, body, size, &fault);
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

int otk_response_read(otk_signal signal, const uint8_t *body, size_t size, struct otk_partial_success *out)
{
    static const enum otk_message_id responses[OTK_SIGNAL_COUNT] = {
        OTK_MESSAGE_TRACES_RESPONSE, OTK_MESSAGE_METRICS_RESPONSE, OTK_MESSAGE_LOGS_RESPONSE};
    const struct otk_message *type = otk_schema(responses[signal]);
    struct otk_partial_success partial = {0, {"", 0}};
    if (!size) {
        *out = partial;
        return 0;
    }
    int rc = check(type, body, size);
    if (rc)
        return rc;
    const uint8_t *end = body + size;
    struct otk_record record;
    while (body < end) {
        otk_wire_next(type, &body, &record);
        if (record.field && record.number == PARTIAL_SUCCESS)
            read_partial_success(record.field->message, record.data, record.size, &partial);
    }
    *out = partial;
    return 0;
}

otk_string otk_response_status(const uint8_t *body, size_t size)
{
    const struct otk_message *type = otk_schema(OTK_MESSAGE_STATUS);
    otk_string message = {"", 0};
    if (!size || check(type, body, size))
        return message;
    const uint8_t *end = body + size;
    struct otk_record record;
    while (body < end) {
        otk_wire_next(type, &body, &record);
        if (record.field && record.number == STATUS_MESSAGE)
            message = (otk_string){(const char *)record.data, record.size};
    }
    return message;
}
