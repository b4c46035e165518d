#include "utf8.h"

static size_t ascii_run(const uint8_t *data, size_t i, size_t size)
{
    uint64_t word;
    for (; size - i >= sizeof word; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < size && data[i] < 0x80)
        i++;
    return i;
}

/* The length of the well-formed sequence at `p`, whose first byte is not ASCII; 0 when there is none. */
static size_t sequence(const uint8_t *p, size_t left)
{
    uint8_t first = p[0];
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || left < length)
        return 0;
    /* The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF. */
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

size_t otk_utf8_valid(const uint8_t *data, size_t size)
{
    size_t i = ascii_run(data, 0, size);
    while (i < size) {
        size_t length = sequence(data + i, size - i);
        if (!length)
            return i;
        i = ascii_run(data, i + length, size);
    }
    return size;
}
