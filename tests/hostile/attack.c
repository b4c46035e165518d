#include "attack.h"

#include "writer.h"

#include <stdlib.h>
#include <zlib.h>

#define LIMIT ((size_t)64 << 20)
#define MEGABYTE 1000000
#define BOMB_SIZE ((size_t)1 << 30)

/* What stands open around the harmful part. */
struct body {
    struct otk_buffer bytes;
    struct otk_gaps gaps;
    struct otk_open *open;
    size_t depth, capacity;
};

static void begin(struct body *b, unsigned number)
{
    if (b->depth == b->capacity) {
        b->capacity = b->capacity ? 2 * b->capacity : 64;
        b->open = realloc(b->open, b->capacity * sizeof *b->open);
        if (!b->open)
            abort();
    }
    b->open[b->depth++] = otk_write_begin(&b->bytes, &b->gaps, number);
}

static struct body body_within(const unsigned *numbers, size_t count)
{
    struct body b = {.bytes = OTK_BUFFER_INIT(LIMIT)};
    for (size_t i = 0; i < count; i++)
        begin(&b, numbers[i]);
    return b;
}

static struct otk_buffer end(struct body *b)
{
    while (b->depth)
        otk_write_end(&b->bytes, &b->gaps, b->open[--b->depth]);
    free(b->open);
    if (otk_write_finish(&b->bytes, &b->gaps))
        abort();
    return b->bytes;
}

#define WITHIN(...)                                                                                                    \
    body_within((const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

#define IN_REQUEST 1
#define IN_SCOPE_SPANS 1, 2
#define IN_SPAN 1, 2, 2
#define IN_VALUE 1, 2, 2, 9, 2

static struct otk_buffer repeated(struct body b, const void *record, size_t size, size_t times)
{
    for (size_t i = 0; i < times; i++)
        otk_buffer_append(&b.bytes, record, size);
    return end(&b);
}

/* ---- Protobuf -------------------------------------------------------- */

static struct otk_buffer arrays(size_t depth)
{
    struct body b = WITHIN(IN_VALUE);
    for (size_t i = 0; i < depth; i++) {
        begin(&b, 5);
        begin(&b, 1);
    }
    return end(&b);
}

struct otk_buffer attack_arrays_10000_deep(void)
{
    return arrays(10000);
}

struct otk_buffer attack_arrays_100000_deep(void)
{
    return arrays(100000);
}

struct otk_buffer attack_maps_100000_deep(void)
{
    struct body b = WITHIN(IN_VALUE);
    for (size_t i = 0; i < 100000; i++) {
        begin(&b, 6);
        begin(&b, 1);
        begin(&b, 2);
    }
    return end(&b);
}

struct otk_buffer attack_groups_100000_deep(void)
{
    return repeated(WITHIN(IN_SPAN), "\x9b\x01", 2, 100000);
}

struct otk_buffer attack_empty_spans(void)
{
    return repeated(WITHIN(IN_SCOPE_SPANS), "\x12\x00", 2, MEGABYTE / 2);
}

struct otk_buffer attack_empty_envelopes(void)
{
    return repeated((struct body){.bytes = OTK_BUFFER_INIT(LIMIT)}, "\x0a\x00", 2, MEGABYTE / 2);
}

struct otk_buffer attack_empty_attributes(void)
{
    return repeated(WITHIN(IN_SPAN), "\x4a\x00", 2, MEGABYTE / 2);
}

struct otk_buffer attack_resources(void)
{
    return repeated(WITHIN(IN_REQUEST), "\x0a\x02\x10\x01", 4, 250000);
}

struct otk_buffer attack_resources_with_attributes(void)
{
    return repeated(WITHIN(IN_REQUEST), "\x0a\x05\x0a\x03\x0a\x01k", 7, 140000);
}

struct otk_buffer attack_scopes(void)
{
    return repeated(WITHIN(IN_SCOPE_SPANS), "\x0a\x03\x0a\x01s", 5, 200000);
}

/* At each of 30 levels the value comes in two pieces: merging must not double the work a level. */
static void split_value(struct body *b)
{
    size_t outer = b->depth;
    begin(b, 9);
    for (int level = 0; level < 30; level++) {
        static const uint8_t piece[] = {0x12, 6, 0x32, 4,
                                        0x0a, 2, 0x0a, 0}; /* value { kvlistValue { values { key } } } */
        otk_buffer_append(&b->bytes, piece, sizeof piece);
        begin(b, 2);
        begin(b, 6);
        begin(b, 1);
    }
    while (b->depth > outer)
        otk_write_end(&b->bytes, &b->gaps, b->open[--b->depth]);
}

struct otk_buffer attack_split_values(void)
{
    struct body b = WITHIN(IN_SPAN);
    for (int i = 0; i < 1500; i++)
        split_value(&b);
    return end(&b);
}

struct otk_buffer attack_unknown_fields(void)
{
    return repeated(WITHIN(IN_SPAN), "\xb8\x3e\x01", 3, MEGABYTE / 3);
}

/* A histogram's bucket counts, one record each. */
struct otk_buffer attack_unpacked_buckets(void)
{
    return repeated(WITHIN(IN_SCOPE_SPANS, 2, 9, 1), "\x31\x01\0\0\0\0\0\0\0", 9, MEGABYTE / 9);
}

struct otk_buffer attack_bad_utf8_at_the_end(void)
{
    struct body b = WITHIN(IN_SPAN);
    begin(&b, 5);
    for (size_t i = 0; i < MEGABYTE / 4; i++)
        otk_buffer_append(&b.bytes, "\xf0\x9f\x98\x80", 4);
    otk_buffer_byte(&b.bytes, 0xff);
    return end(&b);
}

/* ---- JSON ------------------------------------------------------------ */

#define JSON_IN_SCOPE_SPANS "{\"resourceSpans\":[{\"scopeSpans\":[{"
#define JSON_IN_SPAN JSON_IN_SCOPE_SPANS "\"spans\":[{"
#define JSON_IN_VALUE JSON_IN_SPAN "\"attributes\":[{\"key\":\"k\",\"value\":{"

static struct otk_buffer json(const char *head, const char *piece, size_t times, const char *tail)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    otk_buffer_text(&b, head);
    for (size_t i = 0; i < times; i++)
        otk_buffer_text(&b, piece);
    if (otk_buffer_text(&b, tail))
        abort();
    return b;
}

struct otk_buffer attack_json_arrays_200000_deep(void)
{
    return json(JSON_IN_SPAN "\"unknown\":", "[", 200000, "");
}

struct otk_buffer attack_json_values_200000_deep(void)
{
    return json(JSON_IN_VALUE, "\"arrayValue\":{\"values\":[{", 200000, "");
}

struct otk_buffer attack_json_objects_200000_deep(void)
{
    return json("", "{\"a\":", 200000, "");
}

struct otk_buffer attack_json_empty_spans(void)
{
    return json(JSON_IN_SCOPE_SPANS "\"spans\":[{}", ",{}", MEGABYTE / 3, "]}]}]}");
}

struct otk_buffer attack_json_resources(void)
{
    return json("{\"resourceSpans\":[{\"resource\":{}", ",\"resource\":{}", 70000, "}]}");
}

struct otk_buffer attack_json_unknown_keys(void)
{
    return json(JSON_IN_SPAN "\"a\":0", ",\"a\":0", MEGABYTE / 6, "}]}]}]}");
}

struct otk_buffer attack_json_digits(void)
{
    return json(JSON_IN_VALUE "\"doubleValue\":1", "0123456789", MEGABYTE / 10, "}}]}]}]}]}");
}

struct otk_buffer attack_json_escapes(void)
{
    return json(JSON_IN_SPAN "\"name\":\"", "\\ud83d\\ude00", MEGABYTE / 12, "\"}]}]}]}");
}

/* ---- Compressed ------------------------------------------------------ */

static const uint8_t zeros[1 << 20];

#define BOMB_PIECES (BOMB_SIZE / sizeof zeros)

/* A piece of a deflate stream that stands for itself, so that the same bytes can follow one another. */
static size_t deflate_piece(uint8_t *out, size_t size)
{
    z_stream z = {
        .next_in = (uint8_t *)(uintptr_t)zeros, .avail_in = sizeof zeros, .next_out = out, .avail_out = (unsigned)size};
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    if (deflate(&z, Z_FULL_FLUSH) != Z_OK || z.avail_in)
        abort();
    deflateEnd(&z);
    return size - z.avail_out;
}

static void put_deflated(struct otk_buffer *b)
{
    uint8_t piece[8192];
    size_t size = deflate_piece(piece, sizeof piece);
    for (size_t i = 0; i < BOMB_PIECES; i++)
        otk_buffer_append(b, piece, size);
    otk_buffer_append(b, "\x03\x00", 2); /* the last block, empty */
}

static void put_big_endian(struct otk_buffer *b, uLong n)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        otk_buffer_byte(b, (uint8_t)(n >> shift));
}

static void put_little_endian(struct otk_buffer *b, uLong n)
{
    for (int shift = 0; shift < 32; shift += 8)
        otk_buffer_byte(b, (uint8_t)(n >> shift));
}

static struct otk_buffer gzip_bomb(void)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    uLong piece = crc32(crc32(0, NULL, 0), zeros, sizeof zeros), all = piece;
    for (size_t i = 1; i < BOMB_PIECES; i++)
        all = crc32_combine(all, piece, sizeof zeros);
    otk_buffer_append(&b, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    put_deflated(&b);
    put_little_endian(&b, all);
    put_little_endian(&b, BOMB_SIZE);
    return b;
}

static struct otk_buffer deflate_bomb(void)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    uLong piece = adler32(adler32(0, NULL, 0), zeros, sizeof zeros), all = piece;
    for (size_t i = 1; i < BOMB_PIECES; i++)
        all = adler32_combine(all, piece, sizeof zeros);
    otk_buffer_append(&b, "\x78\xda", 2);
    put_deflated(&b);
    put_big_endian(&b, all);
    return b;
}

/* A window of 128 KiB, no sizes, and blocks of as much that repeat one byte (RFC 8878, section 3.1.1.2). */
static struct otk_buffer zstd_bomb(void)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    enum { BLOCK = 1 << 17, REPEATED = 1 << 1, LAST = 1 };
    otk_buffer_append(&b, "\x28\xb5\x2f\xfd\x00\x38", 6);
    for (size_t left = BOMB_SIZE / BLOCK; left; left--) {
        unsigned header = BLOCK << 3 | REPEATED | (left == 1 ? LAST : 0);
        uint8_t block[] = {(uint8_t)header, (uint8_t)(header >> 8), (uint8_t)(header >> 16), 0};
        otk_buffer_append(&b, block, sizeof block);
    }
    return b;
}

struct otk_buffer attack_bomb(enum otk_coding coding)
{
    return coding == OTK_CODING_ZSTD ? zstd_bomb() : coding == OTK_CODING_GZIP ? gzip_bomb() : deflate_bomb();
}
