#ifndef OTLPKIT_GZIP_H
#define OTLPKIT_GZIP_H

#include "buffer.h"

/* Appends `size` bytes as one gzip member. Returns 0, OTK_ENOMEM or OTK_ELIMIT. */
int otk_gzip_body(struct otk_buffer *out, const uint8_t *data, size_t size);

#endif
