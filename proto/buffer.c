#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

void otk_buffer_clear(struct otk_buffer *b)
{
    free(b->data);
    *b = OTK_BUFFER_INIT(b->limit);
}

static uint8_t *fail(struct otk_buffer *b, int code)
{
    if (!b->failed)
        b->failed = code;
    return NULL;
}

uint8_t *otk_buffer_grow(struct otk_buffer *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->limit - b->size)
        return fail(b, OTK_ELIMIT);
    size_t needed = b->size + n;
    size_t capacity = b->capacity ? b->capacity : b->limit < FIRST_CAPACITY ? b->limit : FIRST_CAPACITY;
    while (capacity < needed)
        capacity = capacity > b->limit / 2 ? b->limit : capacity * 2;
    if (capacity > b->capacity || !b->data) {
        uint8_t *data = realloc(b->data, capacity);
        if (!data)
            return fail(b, OTK_ENOMEM);
        b->data = data;
        b->capacity = capacity;
    }
    return b->data + b->size;
}

int otk_buffer_printf(struct otk_buffer *b, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return OTK_EINVAL;
    if ((size_t)n < sizeof text)
        return otk_buffer_append(b, text, (size_t)n);

    uint8_t *to = otk_buffer_reserve(b, (size_t)n + 1);
    if (!to)
        return b->failed;
    va_start(args, format);
    vsnprintf((char *)to, (size_t)n + 1, format, args);
    va_end(args);
    b->size += (size_t)n;
    return 0;
}

const char *otk_buffer_string(struct otk_buffer *b)
{
    uint8_t *end = otk_buffer_reserve(b, 1);
    if (!end)
        return NULL;
    *end = '\0';
    return (const char *)b->data;
}
