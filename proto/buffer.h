/* A byte string that grows up to a ceiling known from its birth.
 *
 * Always holds: size <= capacity <= limit. After a failed append the buffer is
 * as it was, and `failed` remembers the code, so that a writer may check once
 * at the end.
 */
#ifndef OTLPKIT_BUFFER_H
#define OTLPKIT_BUFFER_H

#include "otlpkit/otlp.h"

#include <stdarg.h>

struct otk_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t limit; /* OTK_ELIMIT beyond */
    int failed;   /* 0, or the first OTK_ENOMEM / OTK_ELIMIT */
};

#define OTK_BUFFER_INIT(limit_) ((struct otk_buffer){.limit = (limit_)})

void otk_buffer_clear(struct otk_buffer *b);

/* Makes room for `n` more bytes and returns where they go, or NULL. The caller
 * adds to `size` what it wrote. */
uint8_t *otk_buffer_grow(struct otk_buffer *b, size_t n);

static inline uint8_t *otk_buffer_reserve(struct otk_buffer *b, size_t n)
{
    return b->capacity - b->size >= n && b->data ? b->data + b->size : otk_buffer_grow(b, n);
}

static inline int otk_buffer_append(struct otk_buffer *b, const void *data, size_t n)
{
    uint8_t *to = otk_buffer_reserve(b, n);
    if (!to)
        return b->failed;
    if (n)
        memcpy(to, data, n);
    b->size += n;
    return 0;
}

static inline int otk_buffer_byte(struct otk_buffer *b, uint8_t byte)
{
    return otk_buffer_append(b, &byte, 1);
}

static inline int otk_buffer_text(struct otk_buffer *b, const char *text)
{
    return otk_buffer_append(b, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) int otk_buffer_printf(struct otk_buffer *b, const char *format, ...);

/* The content as a C string: a NUL stands behind it, not counted in size. NULL when there is no room. */
const char *otk_buffer_string(struct otk_buffer *b);

#endif
