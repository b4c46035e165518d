/* Text from outside: repaired to UTF-8, and the `key=value,key=value` lists
 * that the OTEL_* variables hold. */
#ifndef OTLPKIT_TEXT_H
#define OTLPKIT_TEXT_H

#include "buffer.h"

#define OTK_TEXT_UNLIMITED SIZE_MAX

/* Writes record `number` with valid UTF-8: bytes that are none become U+FFFD,
 * and what exceeds `max_chars` is cut. */
void otk_text_write(struct otk_buffer *b, unsigned number, const char *text, size_t size, size_t max_chars);

/* The size that otk_text_write() gives the text. */
size_t otk_text_size(const char *text, size_t size, size_t max_chars);

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
