/* Content codings are undone exactly, or refused with the reason. */
#include "test.h"

#include "inflate.h"

#include <zlib.h>
#include <zstd.h>

#define SIZE 100000

static uint8_t text[SIZE];
static struct otk_buffer packed[OTK_CODING_UNKNOWN];
static char what[128];

static void pack_zlib(struct otk_buffer *out)
{
    uLongf size = compressBound(SIZE);
    assert_int_equal(compress(otk_buffer_reserve(out, size), &size, text, SIZE), Z_OK);
    out->size = size;
}

static void pack_zstd(struct otk_buffer *out)
{
    size_t room = ZSTD_compressBound(SIZE);
    out->size = ZSTD_compress(otk_buffer_reserve(out, room), room, text, SIZE, 3);
    assert_false(ZSTD_isError(out->size));
}

static int pack(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (uint8_t)(i * i >> 7);
    for (size_t i = 0; i < OTK_CODING_UNKNOWN; i++)
        packed[i] = OTK_BUFFER_INIT(1 << 24);
    otk_buffer_append(&packed[OTK_CODING_IDENTITY], text, SIZE);
    assert_int_equal(otk_gzip(&packed[OTK_CODING_GZIP], text, SIZE), 0);
    pack_zlib(&packed[OTK_CODING_DEFLATE]);
    pack_zstd(&packed[OTK_CODING_ZSTD]);
    return 0;
}

static int unpack(void **state)
{
    (void)state;
    for (size_t i = 0; i < OTK_CODING_UNKNOWN; i++)
        otk_buffer_clear(&packed[i]);
    return 0;
}

static int inflated_size(enum otk_coding coding, const void *data, size_t size, size_t limit, size_t *out)
{
    struct otk_buffer b = OTK_BUFFER_INIT(limit);
    int rc = otk_inflate(&b, coding, data, size, what);
    assert_true(b.capacity <= limit);
    *out = b.size;
    otk_buffer_clear(&b);
    return rc;
}

/* RX-ENC-05: names have no case, identity and nothing are none. */
static void test_names_have_no_case(void **state)
{
    (void)state;
    assert_int_equal(otk_coding_of(NULL), OTK_CODING_IDENTITY);
    assert_int_equal(otk_coding_of(" "), OTK_CODING_IDENTITY);
    assert_int_equal(otk_coding_of("Identity"), OTK_CODING_IDENTITY);
    assert_int_equal(otk_coding_of("GZip "), OTK_CODING_GZIP);
    assert_int_equal(otk_coding_of("x-gzip"), OTK_CODING_GZIP);
    assert_int_equal(otk_coding_of("deflate"), OTK_CODING_DEFLATE);
    assert_int_equal(otk_coding_of("zstd"), OTK_CODING_ZSTD);
    assert_int_equal(otk_coding_of("gzip, gzip"), OTK_CODING_UNKNOWN);
    assert_int_equal(otk_coding_of("br"), OTK_CODING_UNKNOWN);
}

static void test_each_coding_is_told_from_its_bytes(void **state)
{
    (void)state;
    for (unsigned i = OTK_CODING_GZIP; i < OTK_CODING_UNKNOWN; i++)
        assert_int_equal(otk_coding_sniff(packed[i].data, packed[i].size), i);
    assert_int_equal(otk_coding_sniff("\x0a\x07", 2), OTK_CODING_IDENTITY);
    assert_int_equal(otk_coding_sniff("{\"resourceSpans\"", 16), OTK_CODING_IDENTITY);
    assert_int_equal(otk_coding_sniff(NULL, 0), OTK_CODING_IDENTITY);
}

/* RX-ENC-01 */
static void test_each_coding_is_undone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OTK_CODING_UNKNOWN; i++) {
        struct otk_buffer b = OTK_BUFFER_INIT(1 << 24);
        assert_int_equal(otk_inflate(&b, (enum otk_coding)i, packed[i].data, packed[i].size, what), 0);
        assert_int_equal(b.size, SIZE);
        assert_memory_equal(b.data, text, SIZE);
        otk_buffer_clear(&b);
    }
}

/* RX-ENC-07 */
static void test_members_and_frames_follow_one_another(void **state)
{
    (void)state;
    const enum otk_coding codings[] = {OTK_CODING_GZIP, OTK_CODING_ZSTD};
    for (size_t i = 0; i < 2; i++) {
        struct otk_buffer twice = OTK_BUFFER_INIT(1 << 24);
        const struct otk_buffer *one = &packed[codings[i]];
        size_t size;
        otk_buffer_append(&twice, one->data, one->size);
        otk_buffer_append(&twice, one->data, one->size);
        assert_int_equal(inflated_size(codings[i], twice.data, twice.size, 1 << 24, &size), 0);
        assert_int_equal(size, 2 * SIZE);
        otk_buffer_clear(&twice);
    }
}

/* RX-ENC-06 */
static void test_truncation_at_any_byte_is_a_fault(void **state)
{
    (void)state;
    for (unsigned i = OTK_CODING_GZIP; i < OTK_CODING_UNKNOWN; i++) {
        size_t step = packed[i].size / 200 + 1, size;
        for (size_t cut = 0; cut < packed[i].size; cut += step)
            assert_int_equal(inflated_size((enum otk_coding)i, packed[i].data, cut, 1 << 24, &size), OTK_EDATA);
        assert_int_equal(inflated_size((enum otk_coding)i, packed[i].data, packed[i].size - 1, 1 << 24, &size), OTK_EDATA);
        assert_non_null(strstr(what, "truncated"));
    }
}

static void test_bytes_behind_the_stream_are_a_fault(void **state)
{
    (void)state;
    for (unsigned i = OTK_CODING_GZIP; i < OTK_CODING_UNKNOWN; i++) {
        struct otk_buffer more = OTK_BUFFER_INIT(1 << 24);
        size_t size;
        otk_buffer_append(&more, packed[i].data, packed[i].size);
        otk_buffer_text(&more, "rest");
        assert_int_equal(inflated_size((enum otk_coding)i, more.data, more.size, 1 << 24, &size), OTK_EDATA);
        otk_buffer_clear(&more);
    }
}

static void test_flipped_bits_are_a_fault(void **state)
{
    (void)state;
    struct otk_buffer *gzip = &packed[OTK_CODING_GZIP];
    size_t size;
    for (size_t at = gzip->size - 8; at < gzip->size; at++) { /* CRC and size */
        gzip->data[at] ^= 1;
        assert_int_equal(inflated_size(OTK_CODING_GZIP, gzip->data, gzip->size, 1 << 24, &size), OTK_EDATA);
        gzip->data[at] ^= 1;
    }
}

/* RX-LIM-01: the limit holds while inflating; the size that a header promises is not believed. */
static void test_output_is_bounded(void **state)
{
    (void)state;
    for (unsigned i = OTK_CODING_GZIP; i < OTK_CODING_UNKNOWN; i++) {
        size_t size;
        assert_int_equal(inflated_size((enum otk_coding)i, packed[i].data, packed[i].size, SIZE, &size), 0);
        assert_int_equal(size, SIZE);
        assert_int_equal(inflated_size((enum otk_coding)i, packed[i].data, packed[i].size, SIZE - 1, &size), OTK_ELIMIT);
    }
}

static void test_zstd_window_is_bounded(void **state)
{
    (void)state;
    /* Magic, a frame header with a window of 2 GiB and no content size, and a block. */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00};
    size_t size;
    assert_int_equal(inflated_size(OTK_CODING_ZSTD, frame, sizeof frame, 1 << 24, &size), OTK_EDATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_have_no_case),
        cmocka_unit_test(test_each_coding_is_told_from_its_bytes),
        cmocka_unit_test(test_each_coding_is_undone),
        cmocka_unit_test(test_members_and_frames_follow_one_another),
        cmocka_unit_test(test_truncation_at_any_byte_is_a_fault),
        cmocka_unit_test(test_bytes_behind_the_stream_are_a_fault),
        cmocka_unit_test(test_flipped_bits_are_a_fault),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_zstd_window_is_bounded),
    };
    return cmocka_run_group_tests(tests, pack, unpack);
}
