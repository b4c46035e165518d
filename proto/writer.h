/* The wire writer: protobuf records appended straight to a buffer.
 *
 * A message whose size is known is written at once (otk_write_bytes). For one
 * that is still to come, otk_write_begin leaves a gap that otk_write_finish
 * closes, all of them in one linear pass. Errors stay in the buffer's `failed`.
 */
#ifndef OTLPKIT_WRITER_H
#define OTLPKIT_WRITER_H

#include "buffer.h"
#include "schema.h"

#include <endian.h>

#define OTK_VARINT_MAX 10

static inline size_t otk_varint_size(uint64_t value)
{
    return (size_t)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

static inline uint8_t *otk_varint_put(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

/* Little-endian, by single stores where the machine is that, too. */
static inline uint8_t *otk_fixed32_put(uint8_t *to, uint32_t value)
{
    uint32_t little = htole32(value);
    memcpy(to, &little, sizeof little);
    return to + sizeof little;
}

static inline uint8_t *otk_fixed64_put(uint8_t *to, uint64_t value)
{
    uint64_t little = htole64(value);
    memcpy(to, &little, sizeof little);
    return to + sizeof little;
}

void otk_write_varint(struct otk_buffer *b, unsigned number, uint64_t value);
void otk_write_fixed32(struct otk_buffer *b, unsigned number, uint32_t value);
void otk_write_fixed64(struct otk_buffer *b, unsigned number, uint64_t value);
void otk_write_double(struct otk_buffer *b, unsigned number, double value);
void otk_write_bytes(struct otk_buffer *b, unsigned number, const void *data, size_t size); /* strings and messages too */

/* An AnyValue's content, and a KeyValue as record `number`; values may nest. */
void otk_write_value(struct otk_buffer *b, const otk_value *value);
void otk_write_attribute(struct otk_buffer *b, unsigned number, const otk_attribute *attribute);
size_t otk_value_size(const otk_value *value);

/* ---- Messages of a size not yet known -------------------------------- */

/* Where gaps stand, in ascending order. */
struct otk_gaps {
    uint32_t *at;
    size_t count, capacity;
    size_t closed; /* bytes that the gaps of ended messages will give back */
};

#define OTK_GAPS_INIT ((struct otk_gaps){0})

/* A message that was begun and not yet ended. */
struct otk_open {
    size_t at;
    size_t closed;
};

/* Begins record `number`, a message. The buffer's limit is below 4 GiB. */
struct otk_open otk_write_begin(struct otk_buffer *b, struct otk_gaps *gaps, unsigned number);
void otk_write_end(struct otk_buffer *b, struct otk_gaps *gaps, struct otk_open open);

/* Closes all gaps, and frees their list, also after a failure. Returns
 * b->failed. */
int otk_write_finish(struct otk_buffer *b, struct otk_gaps *gaps);

#endif
