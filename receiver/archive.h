/* Our archive format, WARC/1.1 (ISO 28500): a record is a header, an empty line, a block of so many bytes, and two empty
 * lines. Where it goes to and comes from is the business of others. */
#ifndef OTLPKIT_ARCHIVE_H
#define OTLPKIT_ARCHIVE_H

#include "capture.h"

/* ---- Writing --------------------------------------------------------- */

/* What is to be written, one piece after the other. Bodies are not copied: the pieces are valid as long as their
 * capture. */
struct otk_warc_pieces {
    otk_bytes items[8];
    size_t count;
    struct otk_buffer fronts[2]; /* of its records, before their bodies */
};

/* These fill `out`, to be cleared in any case: what an archive begins with; a request, and its answer if it got one; and
 * what `counts` has of requests that are not held, which may be no piece at all. They return 0,
 * OTK_ENOMEM, OTK_ELIMIT, or OTK_ESYSTEM where there is no randomness. */
int otk_warc_begin(struct otk_warc_pieces *out);
int otk_warc_capture(struct otk_warc_pieces *out, const otk_capture *c);
int otk_warc_lost(struct otk_warc_pieces *out, const otk_receiver_counts *counts);

void otk_warc_pieces_clear(struct otk_warc_pieces *p);

/* ---- Reading --------------------------------------------------------- */

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

/* Fills the members that otk_warc_lost() tells of; 0 where any other record does not. */
void otk_warc_read_lost(otk_receiver_counts *out, const struct otk_warc_record *record);

#endif
