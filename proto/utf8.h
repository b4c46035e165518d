#ifndef OTLPKIT_UTF8_H
#define OTLPKIT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes from the start are well-formed UTF-8 (Unicode table 3-7);
 * equal to `size` when all are. */
size_t otk_utf8_valid(const uint8_t *data, size_t size);

#endif
