#include <inttypes.h>
#include <math.h>

#include "json.h"
#include "number.h"
#include "utf8.h"

/* ---- Strings --------------------------------------------------------- */

/* What stands for each byte inside a JSON string: 0 itself, 'u' a \u00XX escape, else the letter behind the \. */
static const char escapes[256] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u', [0x04] = 'u', [0x05] = 'u', [0x06] = 'u', [0x07] = 'u',
    [0x08] = 'b', [0x09] = 't', [0x0a] = 'n', [0x0b] = 'u', [0x0c] = 'f', [0x0d] = 'r', [0x0e] = 'u', [0x0f] = 'u',
    [0x10] = 'u', [0x11] = 'u', [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u', [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u', [0x1c] = 'u', [0x1d] = 'u', [0x1e] = 'u', [0x1f] = 'u',
    ['"'] = '"',  ['\\'] = '\\',
};

static const char hex_digits[] = "0123456789abcdef";

static uint8_t *put_escape(uint8_t *to, uint8_t byte)
{
    *to++ = '\\';
    *to++ = (uint8_t)escapes[byte];
    if (escapes[byte] == 'u') {
        memcpy(to, "00", 2);
        to[2] = (uint8_t)hex_digits[byte >> 4];
        to[3] = (uint8_t)hex_digits[byte & 15];
        to += 4;
    }
    return to;
}

/* Whether one of eight bytes needs an escape: below 0x20, a quote or a backslash. Bytes above 0x7f never do. */
static inline bool needs_escape(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    uint64_t hits = (word - ones * 0x20) | (quote - ones) | (backslash - ones);
    return hits & ~word & tops;
}

/* Room for `size` bytes, each of them escaped, is at `to`. */
static uint8_t *put_escaped(uint8_t *to, const uint8_t *from, size_t size)
{
    const uint8_t *end = from + size;
    uint64_t word;
    while ((size_t)(end - from) >= sizeof word) {
        memcpy(&word, from, sizeof word);
        if (needs_escape(word))
            break;
        memcpy(to, &word, sizeof word);
        from += sizeof word;
        to += sizeof word;
    }
    for (; from < end; from++) {
        if (!escapes[*from])
            *to++ = *from;
        else
            to = put_escape(to, *from);
    }
    return to;
}

#define ESCAPED_MAX 6
#define CHUNK 256 /* a long string reserves its worst case piece by piece */

/* `data` is valid UTF-8. */
static void write_string(struct otk_buffer *out, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    otk_buffer_byte(out, '"');
    do {
        size_t n = (size_t)(end - data) < CHUNK ? (size_t)(end - data) : CHUNK;
        uint8_t *to = otk_buffer_reserve(out, n * ESCAPED_MAX + 1);
        if (!to)
            return;
        to = put_escaped(to, data, n);
        data += n;
        if (data == end)
            *to++ = '"';
        out->size = (size_t)(to - out->data);
    } while (data < end);
}

void otk_json_string(struct otk_buffer *out, const char *text, size_t size)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t valid = otk_utf8_valid(data, size);
    if (valid == size) {
        write_string(out, data, size);
        return;
    }
    struct otk_buffer repaired = OTK_BUFFER_INIT(SIZE_MAX / 4);
    while (valid < size) {
        otk_buffer_append(&repaired, data, valid);
        otk_buffer_text(&repaired, "\xEF\xBF\xBD");
        data += valid + 1;
        size -= valid + 1;
        valid = otk_utf8_valid(data, size);
    }
    otk_buffer_append(&repaired, data, size);
    if (repaired.failed)
        out->failed = repaired.failed;
    else
        write_string(out, repaired.data, repaired.size);
    otk_buffer_clear(&repaired);
}

void otk_json_hex(struct otk_buffer *out, const uint8_t *data, size_t size)
{
    uint8_t *to = otk_buffer_reserve(out, 2 * size + 2);
    if (!to)
        return;
    *to++ = '"';
    for (size_t i = 0; i < size; i++) {
        *to++ = (uint8_t)hex_digits[data[i] >> 4];
        *to++ = (uint8_t)hex_digits[data[i] & 15];
    }
    *to++ = '"';
    out->size = (size_t)(to - out->data);
}

void otk_json_base64(struct otk_buffer *out, const uint8_t *data, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *to = otk_buffer_reserve(out, (size + 2) / 3 * 4 + 2);
    if (!to)
        return;
    *to++ = '"';
    for (; size; data += 3) {
        size_t n = size < 3 ? size : 3;
        uint32_t bits = (uint32_t)data[0] << 16 | (n > 1 ? (uint32_t)data[1] << 8 : 0) | (n > 2 ? data[2] : 0);
        *to++ = (uint8_t)alphabet[bits >> 18];
        *to++ = (uint8_t)alphabet[bits >> 12 & 63];
        *to++ = n > 1 ? (uint8_t)alphabet[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? (uint8_t)alphabet[bits & 63] : '=';
        size -= n;
    }
    *to++ = '"';
    out->size = (size_t)(to - out->data);
}

/* ---- Members --------------------------------------------------------- */

void otk_json_key(struct otk_buffer *out, const char *name)
{
    uint8_t last = out->size ? out->data[out->size - 1] : '{';
    otk_buffer_text(out, last == '{' ? "\"" : ",\"");
    otk_buffer_text(out, name);
    otk_buffer_text(out, "\":");
}

void otk_json_text(struct otk_buffer *out, const char *name, const char *text)
{
    otk_json_key(out, name);
    otk_json_string(out, text, strlen(text));
}

void otk_json_number(struct otk_buffer *out, const char *name, uint64_t number)
{
    otk_json_key(out, name);
    otk_buffer_printf(out, "%" PRIu64, number);
}

void otk_json_flag(struct otk_buffer *out, const char *name, bool flag)
{
    otk_json_key(out, name);
    otk_buffer_text(out, flag ? "true" : "false");
}

/* ---- Scalars --------------------------------------------------------- */

static size_t put_quoted_u64(char *to, uint64_t value)
{
    size_t n = otk_number_u64(to + 1, value);
    to[0] = to[n + 1] = '"';
    return n + 2;
}

static size_t put_quoted_i64(char *to, int64_t value)
{
    size_t n = otk_number_i64(to + 1, value);
    to[0] = to[n + 1] = '"';
    return n + 2;
}

static size_t put_text(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return n;
}

static size_t put_double(char *to, double value)
{
    if (isnan(value))
        return put_text(to, "\"NaN\"");
    if (isinf(value))
        return put_text(to, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return otk_number_double(to, value);
}

void otk_json_double(struct otk_buffer *out, double value)
{
    uint8_t *to = otk_buffer_reserve(out, OTK_NUMBER_MAX);
    if (to)
        out->size += put_double((char *)to, value);
}

static size_t put_scalar(char *to, const struct otk_field *f, uint64_t raw)
{
    switch (f->type) {
    case OTK_FIELD_INT32:
        return otk_number_i64(to, (int32_t)(uint32_t)raw);
    case OTK_FIELD_SINT32:
        return otk_number_i64(to, otk_wire_zigzag32(raw));
    case OTK_FIELD_UINT32:
    case OTK_FIELD_FIXED32:
        return otk_number_u64(to, (uint32_t)raw);
    case OTK_FIELD_INT64:
    case OTK_FIELD_SFIXED64:
        return put_quoted_i64(to, (int64_t)raw);
    case OTK_FIELD_UINT64:
    case OTK_FIELD_FIXED64:
        return put_quoted_u64(to, raw);
    case OTK_FIELD_BOOL:
        return put_text(to, raw ? "true" : "false");
    default:
        return put_double(to, otk_wire_double(raw));
    }
}

static void write_scalar(struct otk_buffer *out, const struct otk_field *f, uint64_t raw)
{
    uint8_t *to = otk_buffer_reserve(out, OTK_NUMBER_MAX);
    if (to)
        out->size += put_scalar((char *)to, f, raw);
}

static uint64_t next_packed(const struct otk_field *f, const uint8_t **p)
{
    if (f->wire_type == OTK_WIRE_VARINT)
        return otk_wire_varint(p);
    size_t width = f->wire_type == OTK_WIRE_I64 ? 8 : 4;
    *p += width;
    return otk_wire_little_endian(*p - width, width);
}

/* ---- Messages -------------------------------------------------------- */

static void write_message(struct otk_buffer *out, const struct otk_message *m, const uint8_t *p, const uint8_t *end);
static void write_any(struct otk_buffer *out, const struct otk_message *m, const uint8_t *p, const uint8_t *end);

static void write_packed(struct otk_buffer *out, const struct otk_record *record, bool first)
{
    const uint8_t *p = record->data, *end = p + record->size;
    for (; p < end && !out->failed; first = false) {
        if (!first)
            otk_buffer_byte(out, ',');
        write_scalar(out, record->field, next_packed(record->field, &p));
    }
}

static void write_value(struct otk_buffer *out, const struct otk_record *record)
{
    const struct otk_field *f = record->field;
    switch (f->type) {
    case OTK_FIELD_MESSAGE:
        if (strcmp(f->message->name, "google.rpc.Any") == 0)
            write_any(out, f->message, record->data, record->data + record->size);
        else
            write_message(out, f->message, record->data, record->data + record->size);
        break;
    case OTK_FIELD_STRING:
        write_string(out, record->data, record->size);
        break;
    case OTK_FIELD_BYTES:
        if (f->id_size)
            otk_json_hex(out, record->data, record->size);
        else
            otk_json_base64(out, record->data, record->size);
        break;
    default:
        write_scalar(out, f, record->scalar);
        break;
    }
}

/* Closes the array that was open, and writes the key of the next member. */
static void write_key(struct otk_buffer *out, const struct otk_field *f, bool close_array, bool first)
{
    uint8_t *to = otk_buffer_reserve(out, sizeof f->json + 3);
    if (!to)
        return;
    if (close_array)
        *to++ = ']';
    if (!first)
        *to++ = ',';
    memcpy(to, f->json, sizeof f->json); /* the whole array: a copy of a known size is the cheaper one */
    to += f->json_size;
    if (f->repeated)
        *to++ = '[';
    out->size = (size_t)(to - out->data);
}

/* The members of message m behind an opening brace; `first` says whether none was written before. */
static void write_members(struct otk_buffer *out, const struct otk_message *m, const uint8_t *p, const uint8_t *end,
                          bool first)
{
    const struct otk_field *open = NULL; /* the repeated field whose array is being written */
    bool first_element = true;
    while (p < end && !out->failed) {
        struct otk_record record;
        otk_wire_next(m, &p, &record);
        const struct otk_field *f = record.field;
        if (!f)
            continue;
        if (f != open) {
            write_key(out, f, open, first);
            open = f->repeated ? f : NULL;
            first = false;
            first_element = true;
        }
        bool packed = record.wire_type == OTK_WIRE_LEN && f->wire_type != OTK_WIRE_LEN;
        if (packed) {
            write_packed(out, &record, first_element);
            first_element = first_element && !record.size;
        } else {
            if (open && !first_element)
                otk_buffer_byte(out, ',');
            write_value(out, &record);
            first_element = false;
        }
    }
    if (open)
        otk_buffer_byte(out, ']');
}

static void write_message(struct otk_buffer *out, const struct otk_message *m, const uint8_t *p, const uint8_t *end)
{
    otk_buffer_byte(out, '{');
    write_members(out, m, p, end, true);
    otk_buffer_byte(out, '}');
}

/* Whether `value` can be written as the message that `type` names: one that is known here, in regular bytes. */
static bool is_known(const struct otk_message *m, const struct otk_record *type, const struct otk_record *value)
{
    struct otk_index index;
    struct otk_fault fault;
    size_t name = strlen(m->name);
    if (type->size <= name || memcmp(type->data + type->size - name, m->name, name) != 0 ||
        otk_wire_read(&index, m, value->data, value->size, &fault))
        return false;
    bool regular = index.regular;
    otk_index_clear(&index);
    return regular;
}

/* An Any: {"@type":"type.googleapis.com/google.rpc.BadRequest", and its members beside it. One of a type that is not
 * known here keeps its bytes as "value". */
static void write_any(struct otk_buffer *out, const struct otk_message *m, const uint8_t *p, const uint8_t *end)
{
    const struct otk_message *bad_request = otk_schema(OTK_MESSAGE_BAD_REQUEST);
    struct otk_record type = {.data = p}, value = {.data = p}, record;
    while (p < end) {
        otk_wire_next(m, &p, &record);
        if (record.field && record.number == 1)
            type = record;
        else if (record.field)
            value = record;
    }
    otk_buffer_text(out, "{\"@type\":");
    write_string(out, type.data, type.size);
    if (is_known(bad_request, &type, &value)) {
        write_members(out, bad_request, value.data, value.data + value.size, false);
    } else if (value.field) {
        otk_buffer_text(out, ",\"value\":");
        otk_json_base64(out, value.data, value.size);
    }
    otk_buffer_byte(out, '}');
}

int otk_json_write(struct otk_buffer *out, const struct otk_message *type, const uint8_t *bytes, size_t size)
{
    write_message(out, type, bytes, bytes + size);
    return out->failed;
}
