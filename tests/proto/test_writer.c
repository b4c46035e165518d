#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opentelemetry/proto/common/v1/common.pb-c.h"
#include "writer.h"

#define LIMIT ((size_t)1 << 28)

#define STRING(s) {s, sizeof s - 1}

/* protobuf-c is the oracle: it reads what was written, and packs the same bytes. */
static void every_kind_of_value_is_written_as_protobuf_c_packs_it(void **state)
{
    (void)state;
    const otk_value inner[] = {
        {.type = OTK_VALUE_EMPTY},
        {.type = OTK_VALUE_INT, .as.int_value = -2},
        {.type = OTK_VALUE_BYTES, .as.bytes_value = {(const uint8_t *)"\0\xff", 2}},
    };
    const otk_attribute pairs[] = {
        {STRING("empty"), {.type = OTK_VALUE_STRING, .as.string_value = STRING("")}},
        {STRING("list"), {.type = OTK_VALUE_ARRAY, .as.array_value = {inner, 3}}},
        {STRING("yes"), {.type = OTK_VALUE_BOOL, .as.bool_value = true}},
        {STRING("pi"), {.type = OTK_VALUE_DOUBLE, .as.double_value = 3.14}},
    };
    const otk_value map = {.type = OTK_VALUE_KVLIST, .as.kvlist_value = {pairs, 4}};

    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    otk_write_value(&b, &map);
    assert_int_equal(b.size, otk_value_size(&map));
    Otk__Common__AnyValue *read = otk__common__any_value__unpack(NULL, b.size, b.data);
    assert_non_null(read);
    assert_int_equal(read->kvlist_value->n_values, 4);
    assert_true(read->kvlist_value->values[1]->value->array_value->values[1]->int_value == -2);
    uint8_t packed[256];
    assert_int_equal(otk__common__any_value__get_packed_size(read), b.size);
    otk__common__any_value__pack(read, packed);
    assert_memory_equal(packed, b.data, b.size);
    otk__common__any_value__free_unpacked(read, NULL);
    otk_buffer_clear(&b);
}

/* Messages that grow past every length of prefix, inside one another. */
static void gaps_close_to_the_size_of_their_prefix(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 100, 127, 128, 16383, 16384, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct otk_buffer b = OTK_BUFFER_INIT(LIMIT), content = OTK_BUFFER_INIT(LIMIT), expected = OTK_BUFFER_INIT(LIMIT);
        memset(otk_buffer_reserve(&content, sizes[i] + 1), 'x', sizes[i]);
        content.size = sizes[i];

        struct otk_gaps gaps = OTK_GAPS_INIT;
        struct otk_open outer = otk_write_begin(&b, &gaps, 1);
        struct otk_open inner = otk_write_begin(&b, &gaps, 2);
        otk_buffer_append(&b, content.data, content.size);
        otk_write_end(&b, &gaps, inner);
        inner = otk_write_begin(&b, &gaps, 16);
        otk_write_end(&b, &gaps, inner);
        otk_write_end(&b, &gaps, outer);
        assert_int_equal(otk_write_finish(&b, &gaps), 0);

        struct otk_buffer body = OTK_BUFFER_INIT(LIMIT);
        otk_write_bytes(&body, 2, content.data, content.size);
        otk_write_bytes(&body, 16, "", 0);
        otk_write_bytes(&expected, 1, body.data, body.size);
        assert_int_equal(b.size, expected.size);
        assert_memory_equal(b.data, expected.data, b.size);
        otk_buffer_clear(&b);
        otk_buffer_clear(&body);
        otk_buffer_clear(&content);
        otk_buffer_clear(&expected);
    }
}

static void a_buffer_stops_at_its_limit_and_stays_whole(void **state)
{
    (void)state;
    struct otk_buffer b = OTK_BUFFER_INIT(10);
    assert_int_equal(otk_buffer_append(&b, "12345678", 8), 0);
    assert_int_equal(otk_buffer_append(&b, "123", 3), OTK_ELIMIT);
    assert_int_equal(b.size, 8);
    assert_memory_equal(b.data, "12345678", 8);
    assert_int_equal(b.failed, OTK_ELIMIT);
    otk_buffer_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_written_as_protobuf_c_packs_it),
        cmocka_unit_test(gaps_close_to_the_size_of_their_prefix),
        cmocka_unit_test(a_buffer_stops_at_its_limit_and_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
