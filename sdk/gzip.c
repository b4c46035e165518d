#include "gzip.h"

#define ZLIB_CONST
#include <zlib.h>

/* The largest window, and a gzip header around it: see zlib's manual, deflateInit2. */
#define GZIP_WINDOW (15 + 16)

/* A body is at most max_request_bytes, below 2 GiB: one call takes it all. */
int otk_gzip_body(struct otk_buffer *out, const uint8_t *data, size_t size)
{
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return OTK_ENOMEM;
    uLong bound = deflateBound(&z, (uLong)size);
    uint8_t *to = otk_buffer_reserve(out, bound);
    if (to) {
        z.next_in = data;
        z.avail_in = (uInt)size;
        z.next_out = to;
        z.avail_out = (uInt)bound;
        deflate(&z, Z_FINISH);
        out->size += z.total_out;
    }
    deflateEnd(&z);
    return out->failed;
}
