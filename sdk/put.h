/* Pieces of messages, put where there is room for them; each returns where it ends. */
#ifndef OTLPKIT_PUT_H
#define OTLPKIT_PUT_H

#include "text.h"
#include "utf8.h"
#include "writer.h"

static inline uint8_t *otk_put_tag(uint8_t *to, unsigned number, enum otk_wire_type type)
{
    return otk_varint_put(to, number << 3 | type);
}

/* The head of a text, of bytes, or of a message. */
static inline uint8_t *otk_put_size(uint8_t *to, unsigned number, size_t size)
{
    return otk_varint_put(otk_put_tag(to, number, OTK_WIRE_LEN), size);
}

static inline uint8_t *otk_put_bytes(uint8_t *to, const void *data, size_t size)
{
    if (size)
        memcpy(to, data, size);
    return to + size;
}

/* NULL when the text is not valid. */
static inline uint8_t *otk_put_text(uint8_t *to, otk_string text)
{
    bool ascii = !(otk_text_copy_bits(to, text.data, text.size) & OTK_TEXT_HIGH_BITS);
    return ascii || otk_utf8_valid((const uint8_t *)text.data, text.size) == text.size ? to + text.size : NULL;
}

#endif
