/* The wire reader: one pass over protobuf bytes, driven by the schema.
 *
 * It checks structure, UTF-8, id lengths and depth, and builds the index that
 * all else reads. It copies nothing and allocates only the index.
 */
#ifndef OTLPKIT_WIRE_H
#define OTLPKIT_WIRE_H

#include "schema.h"

/* Messages inside one another, the request itself included. An attribute value
 * 64 maps deep, which SDKs may send, takes 199 at most. */
#define OTK_WIRE_DEPTH_MAX 256

/* The first fault in some bytes: where, in which field, and what. */
struct otk_fault {
    size_t offset;
    char path[256];  /* resourceSpans[0].scopeSpans[0].spans[3].name, shortened in front when longer */
    char what[128];  /* invalid UTF-8 */
};

/* `path: what at byte N`, cut to `size`. */
void otk_fault_sentence(const struct otk_fault *fault, char *out, size_t size);

struct otk_resource_entry {
    uint32_t offset; /* of the envelope's length prefix */
};

struct otk_scope_entry {
    uint32_t offset;     /* of the envelope's length prefix */
    uint32_t resource;   /* which resource envelope it stands in */
    uint32_t first_item; /* its items are first_item up to the next scope's */
};

/* Where everything is. Offsets point at length prefixes: otk_wire_message()
 * reads the extent of the message behind one. */
struct otk_index {
    uint32_t *items;
    struct otk_scope_entry *scopes;
    struct otk_resource_entry *resources;
    size_t item_count, scope_count, resource_count;
    size_t item_capacity, scope_capacity, resource_capacity;
    size_t point_count;     /* data points */
    size_t unknown_count;   /* unknown fields, kept in the bytes */
    size_t unknown_offset;  /* of the first one */
    size_t odd_id_count;    /* ids of a wrong length that were kept (log records) */
    bool regular;           /* see merge.h */
};

void otk_index_clear(struct otk_index *index);

/* The scope that item `i` stands in, as a position in `scopes`. */
size_t otk_index_scope_of(const struct otk_index *index, size_t item);

/* Reads `size` bytes as a message of type `type`. Returns 0 and fills `out`
 * (to be cleared by the caller), or OTK_EDATA and fills `fault`, or
 * OTK_ENOMEM. `size` is below 4 GiB. */
int otk_wire_read(struct otk_index *out, const struct otk_message *type, const uint8_t *bytes, size_t size,
                  struct otk_fault *fault);

/* Names the field at `offset`: fault->path. */
void otk_wire_locate(const struct otk_message *type, const uint8_t *bytes, size_t size, size_t offset,
                     struct otk_fault *fault);

/* ---- Walking bytes that were read without fault ---------------------- */

/* One record: a tag and what follows it. */
struct otk_record {
    const struct otk_field *field; /* NULL: unknown */
    uint32_t number;
    uint8_t wire_type;
    uint64_t scalar;     /* VARINT, I64, I32: the raw value */
    const uint8_t *data; /* LEN: the content; groups: what stands between their tags */
    size_t size;         /* of the content as it stands in the bytes, whatever the wire type */
};

/* A message's extent. */
struct otk_extent {
    const uint8_t *data;
    const uint8_t *end;
};

static inline uint64_t otk_wire_varint(const uint8_t **p)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

static inline uint64_t otk_wire_little_endian(const uint8_t *p, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

/* Where the group ends whose content begins at `p`. */
const uint8_t *otk_wire_walk_group(const uint8_t *p);

static inline void otk_wire_content(const uint8_t **p, uint8_t wire_type, struct otk_record *out)
{
    out->data = *p;
    out->scalar = 0;
    switch (wire_type) {
    case OTK_WIRE_LEN:
        out->size = (size_t)otk_wire_varint(p);
        out->data = *p;
        *p += out->size;
        return;
    case OTK_WIRE_VARINT:
        out->scalar = otk_wire_varint(p);
        break;
    case OTK_WIRE_I64:
        out->scalar = otk_wire_little_endian(*p, 8);
        *p += 8;
        break;
    case OTK_WIRE_I32:
        out->scalar = otk_wire_little_endian(*p, 4);
        *p += 4;
        break;
    default:
        *p = otk_wire_walk_group(*p);
        break;
    }
    out->size = (size_t)(*p - out->data);
}

/* Reads the record at *p and moves behind it. The bytes are trusted. */
static inline void otk_wire_next(const struct otk_message *type, const uint8_t **p, struct otk_record *out)
{
    uint32_t tag = (uint32_t)otk_wire_varint(p);
    out->field = otk_message_field(type, tag);
    out->number = tag >> 3;
    out->wire_type = tag & 7;
    otk_wire_content(p, out->wire_type, out);
}

static inline struct otk_extent otk_wire_message(const uint8_t *bytes, uint32_t offset)
{
    const uint8_t *p = bytes + offset;
    uint64_t size = otk_wire_varint(&p);
    return (struct otk_extent){p, p + size};
}

static inline int32_t otk_wire_zigzag32(uint64_t raw)
{
    uint32_t n = (uint32_t)raw;
    return (int32_t)((n >> 1) ^ (~(n & 1) + 1));
}

static inline double otk_wire_double(uint64_t raw)
{
    double value;
    memcpy(&value, &raw, sizeof value);
    return value;
}

#endif
