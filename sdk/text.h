/* Text from outside: repaired to UTF-8, and the `key=value,key=value` lists
 * that the OTEL_* variables hold. */
#ifndef OTLPKIT_TEXT_H
#define OTLPKIT_TEXT_H

#include "buffer.h"

#define OTK_TEXT_UNLIMITED SIZE_MAX

/* Writes record `number` with valid UTF-8: bytes that are none become U+FFFD,
 * and what exceeds `max_chars` is cut. */
void otk_text_write(struct otk_buffer *b, unsigned number, const char *text, size_t size, size_t max_chars);

/* A C string, if there is any text. */
void otk_text_write_optional(struct otk_buffer *b, unsigned number, const char *text);

/* Writes no more than the text. */
void otk_text_append(struct otk_buffer *b, const char *text, size_t size, size_t max_chars);

#define OTK_TEXT_HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t otk_text_copy_word(uint8_t *to, const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return word;
}

static inline uint64_t otk_text_copy_two_words(uint8_t *to, const char *from)
{
    return otk_text_copy_word(to, from) | otk_text_copy_word(to + 8, from + 8);
}

/* Copies less than a word. */
static inline uint64_t otk_text_copy_few(uint8_t *to, const char *from, size_t size)
{
    uint32_t first = 0, last = 0;
    if (size >= 4) {
        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
    } else if (size) {
        first = (uint8_t)(to[0] = (uint8_t)from[0]);
        first |= to[size / 2] = (uint8_t)from[size / 2];
        last = to[size - 1] = (uint8_t)from[size - 1];
    }
    return first | last;
}

uint64_t otk_text_copy_long(uint8_t *to, const char *from, size_t size);

/* Copies text, and returns all its words or-ed: with none of the high bits set
 * it is ASCII, which needs no repair. The last step of each size overlaps the
 * one before, which is cheaper than a loop over single bytes. */
static inline uint64_t otk_text_copy_bits(uint8_t *to, const char *from, size_t size)
{
    if (size < 8)
        return otk_text_copy_few(to, from, size);
    if (size < 16)
        return otk_text_copy_word(to, from) | otk_text_copy_word(to + size - 8, from + size - 8);
    if (size > 32)
        return otk_text_copy_long(to, from, size);
    return otk_text_copy_two_words(to, from) | otk_text_copy_two_words(to + size - 16, from + size - 16);
}

/* The size that otk_text_write() gives the text. */
size_t otk_text_size(const char *text, size_t size, size_t max_chars);

/* Writes valid UTF-8 without a record around it into `out`, which has room for
 * what otk_text_size() says; returns the size. */
size_t otk_text_repair(char *out, const char *text, size_t size, size_t max_chars);

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
