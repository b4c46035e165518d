/* Where in a text something is wrong. */
#ifndef OTLPKIT_CARET_H
#define OTLPKIT_CARET_H

#include "buffer.h"

/* A newline, the line of `text` that byte `at` is in, and a caret below it with `size` - 1 waves behind; characters are
 * taken to be UTF-8. */
void otk_caret_write(struct otk_buffer *out, const char *text, size_t at, size_t size);

#endif
