#include "inflate.h"

#include <stdio.h>
#include <strings.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#define WHAT_SIZE 128

/* RFC 9659: a zstd content coding needs no window above 8 MiB. */
#define ZSTD_WINDOW_LOG_MAX 23

/* What deflate can reach at most is 1032; a header that promises more lies. */
#define GUESS_RATIO_MAX 1032

static const struct {
    const char *name;
    enum otk_coding coding;
} codings[] = {
    {"identity", OTK_CODING_IDENTITY}, {"gzip", OTK_CODING_GZIP}, {"x-gzip", OTK_CODING_GZIP},
    {"deflate", OTK_CODING_DEFLATE},   {"zstd", OTK_CODING_ZSTD},
};

enum otk_coding otk_coding_of(const char *content_encoding)
{
    if (!content_encoding)
        return OTK_CODING_IDENTITY;
    const char *start = content_encoding + strspn(content_encoding, " \t");
    size_t size = strlen(start);
    while (size && (start[size - 1] == ' ' || start[size - 1] == '\t'))
        size--;
    if (size == 0)
        return OTK_CODING_IDENTITY;
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (strlen(codings[i].name) == size && strncasecmp(codings[i].name, start, size) == 0)
            return codings[i].coding;
    return OTK_CODING_UNKNOWN;
}

enum otk_coding otk_coding_sniff(const void *data, size_t size)
{
    const uint8_t *p = data;
    if (size >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
        return OTK_CODING_GZIP;
    if (size >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd)
        return OTK_CODING_ZSTD;
    /* RFC 1950: method 8, a window of at most 32 KiB, and a check that divides by 31. */
    if (size >= 6 && (p[0] & 0x8f) == 8 && (p[0] << 8 | p[1]) % 31 == 0 && !(p[1] & 0x20))
        return OTK_CODING_DEFLATE;
    return OTK_CODING_IDENTITY;
}

/* Makes room for what the compressed bytes say they hold, as far as that can be true. */
static void guess(struct otk_buffer *out, uint64_t promised, size_t compressed)
{
    uint64_t most = (uint64_t)compressed * GUESS_RATIO_MAX;
    uint64_t room = promised < most ? promised : most;
    uint64_t left = out->limit - out->size;
    otk_buffer_reserve(out, (size_t)(room < left ? room : left));
}

/* Room for the next piece of output; NULL once the limit is reached or memory ran out. */
static uint8_t *next_room(struct otk_buffer *out, size_t *room)
{
    if (out->size == out->capacity || !out->data) {
        size_t left = out->limit - out->size;
        if (!otk_buffer_grow(out, left ? 1 : 0))
            return NULL;
    }
    *room = out->capacity - out->size;
    return out->data + out->size;
}

static unsigned at_most_uint(size_t n)
{
    return n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
}

/* The limit is reached with output still to come: one byte more tells a bomb from an exact fit. */
static int inflate_beyond(z_stream *z)
{
    uint8_t probe;
    z->next_out = &probe;
    z->avail_out = 1;
    int rc = inflate(z, Z_NO_FLUSH);
    return z->avail_out == 0 ? Z_BUF_ERROR : rc;
}

/* One zlib stream or gzip member. Returns 0 when its end was reached. */
static int inflate_member(struct otk_buffer *out, z_stream *z, const uint8_t *end, char *what)
{
    for (;;) {
        size_t room;
        uint8_t *to = next_room(out, &room);
        if (!to)
            return out->failed;
        z->avail_in = at_most_uint((size_t)(end - z->next_in));
        z->next_out = to;
        z->avail_out = at_most_uint(room);
        unsigned offered = z->avail_out;
        int rc = room ? inflate(z, Z_NO_FLUSH) : inflate_beyond(z);
        if (room)
            out->size += offered - z->avail_out;
        else if (z->avail_out == 0)
            return OTK_ELIMIT;
        if (rc == Z_STREAM_END)
            return 0;
        if (rc == Z_MEM_ERROR)
            return OTK_ENOMEM;
        if (rc == Z_NEED_DICT) {
            snprintf(what, WHAT_SIZE, "compressed with a preset dictionary");
            return OTK_EDATA;
        }
        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            snprintf(what, WHAT_SIZE, "cannot be inflated: %s", z->msg ? z->msg : "broken stream");
            return OTK_EDATA;
        }
        if (z->next_in == end && z->avail_out > 0) {
            snprintf(what, WHAT_SIZE, "the compressed stream is truncated");
            return OTK_EDATA;
        }
    }
}

static int inflate_zlib(struct otk_buffer *out, enum otk_coding coding, const uint8_t *data, size_t size, char *what)
{
    bool gzip = coding == OTK_CODING_GZIP;
    z_stream z = {.next_in = data};
    const uint8_t *end = data + size;
    if (inflateInit2(&z, gzip ? MAX_WBITS + 16 : MAX_WBITS) != Z_OK)
        return OTK_ENOMEM;
    if (gzip && size >= 18) /* a member ends with its size */
        guess(out, (uint64_t)end[-4] | (uint64_t)end[-3] << 8 | (uint64_t)end[-2] << 16 | (uint64_t)end[-1] << 24, size);
    int rc;
    do {
        rc = inflate_member(out, &z, end, what);
    } while (rc == 0 && gzip && z.next_in < end && inflateReset(&z) == Z_OK);
    if (rc == 0 && z.next_in < end) {
        snprintf(what, WHAT_SIZE, "%zu bytes stand behind the compressed stream", (size_t)(end - z.next_in));
        rc = OTK_EDATA;
    }
    inflateEnd(&z);
    return rc;
}

static int zstd_failed(size_t rc, char *what)
{
    snprintf(what, WHAT_SIZE, "cannot be inflated: %s", ZSTD_getErrorName(rc));
    return OTK_EDATA;
}

static int inflate_frames(struct otk_buffer *out, ZSTD_DCtx *context, ZSTD_inBuffer *in, char *what)
{
    size_t rest = 1; /* of the frame: 0 at its end */
    while (in->pos < in->size || rest) {
        size_t room;
        uint8_t *to = next_room(out, &room);
        uint8_t probe;
        if (!to)
            return out->failed;
        ZSTD_outBuffer piece = {room ? to : &probe, room ? room : 1, 0};
        size_t consumed = in->pos;
        rest = ZSTD_decompressStream(context, &piece, in);
        if (ZSTD_isError(rest))
            return zstd_failed(rest, what);
        if (!room && piece.pos)
            return OTK_ELIMIT;
        out->size += piece.pos;
        if (rest && in->pos == in->size && in->pos == consumed && piece.pos < piece.size) {
            snprintf(what, WHAT_SIZE, "the compressed stream is truncated");
            return OTK_EDATA;
        }
    }
    return 0;
}

static int inflate_zstd(struct otk_buffer *out, const uint8_t *data, size_t size, char *what)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return OTK_ENOMEM;
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    unsigned long long promised = ZSTD_getFrameContentSize(data, size);
    if (promised != ZSTD_CONTENTSIZE_UNKNOWN && promised != ZSTD_CONTENTSIZE_ERROR)
        guess(out, promised, size);
    ZSTD_inBuffer in = {data, size, 0};
    int rc = inflate_frames(out, context, &in, what);
    ZSTD_freeDCtx(context);
    return rc;
}

int otk_inflate(struct otk_buffer *out, enum otk_coding coding, const void *data, size_t size, char *what)
{
    switch (coding) {
    case OTK_CODING_IDENTITY:
        return otk_buffer_append(out, data, size);
    case OTK_CODING_GZIP:
    case OTK_CODING_DEFLATE:
    case OTK_CODING_ZSTD:
        if (size == 0) {
            snprintf(what, WHAT_SIZE, "the compressed stream is truncated");
            return OTK_EDATA;
        }
        return coding == OTK_CODING_ZSTD ? inflate_zstd(out, data, size, what)
                                         : inflate_zlib(out, coding, data, size, what);
    case OTK_CODING_UNKNOWN:
        break;
    }
    snprintf(what, WHAT_SIZE, "an unknown content coding");
    return OTK_EDATA;
}

int otk_gzip(struct otk_buffer *out, const void *data, size_t size)
{
    z_stream z = {.next_in = data};
    const uint8_t *end = (const uint8_t *)data + size;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return OTK_ENOMEM;
    int rc = Z_OK;
    while (rc != Z_STREAM_END) {
        uint8_t *to = otk_buffer_reserve(out, 256);
        if (!to)
            break;
        z.avail_in = at_most_uint((size_t)(end - z.next_in));
        z.next_out = to;
        z.avail_out = at_most_uint(out->capacity - out->size);
        unsigned offered = z.avail_out;
        rc = deflate(&z, z.next_in + z.avail_in == end ? Z_FINISH : Z_NO_FLUSH);
        out->size += offered - z.avail_out;
    }
    deflateEnd(&z);
    return rc == Z_STREAM_END ? 0 : out->failed;
}
