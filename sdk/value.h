/* Values on their way out: strings are repaired to UTF-8, and cut as byte arrays
 * are; of a map's keys the last one counts. */
#ifndef OTLPKIT_VALUE_H
#define OTLPKIT_VALUE_H

#include "buffer.h"

/* Maps and arrays inside one another; the ones deeper become empty values. */
#define OTK_VALUE_DEPTH_MAX 64

/* Writes an AnyValue as record `number`. `value_length` limits the characters of
 * a string, and the bytes of a byte array. */
void otk_value_write(struct otk_buffer *b, unsigned number, const otk_value *value, size_t value_length);

/* Writes no more than its content. */
void otk_value_write_content(struct otk_buffer *b, const otk_value *value, size_t value_length);

#endif
