/* Sizes and durations as people write them: 64MiB, 500ms. */
#ifndef OTLPKIT_QUANTITY_H
#define OTLPKIT_QUANTITY_H

#include "otlpkit/otlp.h"

/* Bytes: a number, then nothing, B, KiB, MiB, GiB, kB, MB or GB. False when that cannot be, or is beyond 64 bits. */
bool otk_size_read(otk_string text, uint64_t *out);

/* Milliseconds: a number, then ms, s, m or h. */
bool otk_duration_read(otk_string text, uint64_t *out);

/* Decimal digits, nothing else. */
bool otk_count_read(otk_string text, uint64_t *out);

#endif
