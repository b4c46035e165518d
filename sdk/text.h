/* Text from outside: repaired to UTF-8, and the `key=value,key=value` lists
 * that the OTEL_* variables hold. */
#ifndef OTLPKIT_TEXT_H
#define OTLPKIT_TEXT_H

#include "buffer.h"

#define OTK_TEXT_UNLIMITED SIZE_MAX

/* Writes record `number` with valid UTF-8: bytes that are none become U+FFFD,
 * and what exceeds `max_chars` is cut. */
void otk_text_write(struct otk_buffer *b, unsigned number, const char *text, size_t size, size_t max_chars);

#define OTK_TEXT_HIGH_BITS UINT64_C(0x8080808080808080)

/* Copies ASCII, which needs no repair; false when there is anything else, and
 * then `to` holds nothing of use. The last step of each size overlaps the one
 * before, which is cheaper than a loop over single bytes. */
static inline bool otk_text_copy_ascii(uint8_t *to, const char *from, size_t size)
{
    uint64_t word = 0;
    uint32_t low, high;
    if (size >= sizeof word) {
        for (size_t i = 0; i < size - sizeof word; i += sizeof word) {
            memcpy(&word, from + i, sizeof word);
            memcpy(to + i, &word, sizeof word);
            if (word & OTK_TEXT_HIGH_BITS)
                return false;
        }
        memcpy(&word, from + size - sizeof word, sizeof word);
        memcpy(to + size - sizeof word, &word, sizeof word);
    } else if (size >= sizeof low) {
        memcpy(&low, from, sizeof low);
        memcpy(&high, from + size - sizeof high, sizeof high);
        memcpy(to, &low, sizeof low);
        memcpy(to + size - sizeof high, &high, sizeof high);
        word = low | high;
    } else if (size) {
        to[0] = (uint8_t)from[0];
        to[size / 2] = (uint8_t)from[size / 2];
        to[size - 1] = (uint8_t)from[size - 1];
        word = (uint64_t)to[0] | to[size / 2] | to[size - 1];
    }
    return !(word & OTK_TEXT_HIGH_BITS);
}

/* The size that otk_text_write() gives the text. */
size_t otk_text_size(const char *text, size_t size, size_t max_chars);

/* Writes valid UTF-8 without a record around it into `out`, which has room for
 * what otk_text_size() says; returns the size. */
size_t otk_text_repair(char *out, const char *text, size_t size);

/* Whether it is a token as in RFC 9110, section 5.6.2: the name of a header. */
bool otk_text_is_token(otk_string text);

/* Without the blanks around it. */
otk_string otk_text_trim(otk_string text);

/* Takes the next member of a list off the front of `rest`, trimmed; false when
 * none is left. Empty members are passed over. */
bool otk_text_next_member(otk_string *rest, otk_string *member);

/* Splits at the first '=' and trims both sides; false without one, or with an
 * empty key. */
bool otk_text_split(otk_string member, otk_string *key, otk_string *value);

/* Percent-decodes `text` into `out`, which has room for text.size bytes;
 * returns the length. What is no escape stays as it is, and sets `bad` (may be
 * NULL). */
size_t otk_text_decode(otk_string text, char *out, bool *bad);

/* A copy with a NUL; free() it. */
char *otk_text_copy(const char *text, size_t size);

#endif
