#ifndef OTLPKIT_UTF8_H
#define OTLPKIT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t otk_load_word(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Most strings are short and plain, and this runs for each: words overlap at the end, so that sizes fall in few classes
 * instead of each having a loop of its own length. */
static inline bool otk_is_ascii(const uint8_t *p, size_t size)
{
    uint64_t all = 0;
    uint32_t first, last;
    if (size > 16) {
        size_t i = 0;
        for (; i + 16 < size; i += 16)
            all |= otk_load_word(p + i) | otk_load_word(p + i + 8);
        all |= otk_load_word(p + size - 16) | otk_load_word(p + size - 8);
    } else if (size >= 8) {
        all = otk_load_word(p) | otk_load_word(p + size - 8);
    } else if (size >= sizeof first) {
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + size - sizeof last, sizeof last);
        all = first | last;
    } else if (size) {
        all = (uint64_t)(p[0] | p[size / 2] | p[size - 1]);
    }
    return !(all & UINT64_C(0x8080808080808080));
}

/* How many bytes from the start are well-formed UTF-8 (Unicode table 3-7);
 * equal to `size` when all are. */
size_t otk_utf8_valid(const uint8_t *data, size_t size);

#endif
