/* Content-Encoding undone: gzip, deflate (a zlib stream) and zstd. */
#ifndef OTLPKIT_INFLATE_H
#define OTLPKIT_INFLATE_H

#include "buffer.h"

enum otk_coding { OTK_CODING_IDENTITY, OTK_CODING_GZIP, OTK_CODING_DEFLATE, OTK_CODING_ZSTD, OTK_CODING_UNKNOWN };

/* The coding that a Content-Encoding names; NULL, "" and identity are none. */
enum otk_coding otk_coding_of(const char *content_encoding);

/* The coding that the bytes themselves show. */
enum otk_coding otk_coding_sniff(const void *data, size_t size);

/* Appends the inflated bytes to `out`, whose limit bounds them. Gzip members
 * and zstd frames may follow one another. Returns 0, OTK_EDATA (`what`, at least 128
 * bytes, says why), OTK_ELIMIT or OTK_ENOMEM. */
int otk_inflate(struct otk_buffer *out, enum otk_coding coding, const void *data, size_t size, char *what);

/* Appends `data` as one gzip member. Returns 0, OTK_ENOMEM or OTK_ELIMIT. */
int otk_gzip(struct otk_buffer *out, const void *data, size_t size);

#endif
