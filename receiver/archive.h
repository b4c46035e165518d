/* The reading side of our archive format, WARC/1.1 (ISO 28500): a record is a
 * header, an empty line, a block of so many bytes, and two empty lines. */
#ifndef OTLPKIT_ARCHIVE_H
#define OTLPKIT_ARCHIVE_H

#include "capture.h"

enum otk_warc_type { OTK_WARC_OTHER, OTK_WARC_REQUEST, OTK_WARC_RESPONSE };

struct otk_warc_record {
    enum otk_warc_type type;
    otk_headers fields;
    uint64_t block_size;
};

/* Reads a header, `text` up to and with its empty line. Returns 0, OTK_EDATA
 * or OTK_ENOMEM. */
int otk_warc_header(struct otk_warc_record *out, struct otk_arena *arena, const char *text, size_t size);

/* Fills `c` from a request record's block: all but message and counts. */
int otk_warc_request(struct capture *c, const struct otk_warc_record *record, const char *block, size_t size);

/* Adds the answer that a response record's block holds. */
int otk_warc_response(struct capture *c, const struct otk_warc_record *record, const char *block, size_t size);

#endif
