/* The wire reader's index and limits; the rules of the bytes are in fixtures/cases/wire.cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "merge.h"
#include "wire.h"
#include "writer.h"

#define LIMIT ((size_t)1 << 30)

static const struct otk_message *traces(void)
{
    return otk_schema(OTK_MESSAGE_TRACES_REQUEST);
}

static void wrap(struct otk_buffer *b, unsigned number)
{
    struct otk_buffer outer = OTK_BUFFER_INIT(LIMIT);
    otk_write_bytes(&outer, number, b->data, b->size);
    otk_buffer_clear(b);
    *b = outer;
}

/* A request with one span event whose attribute is an int inside `depth` maps or arrays. */
static struct otk_buffer nested(size_t depth, bool maps)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    otk_write_varint(&b, 3, 1);
    for (size_t i = 0; i < depth; i++) {
        if (maps)
            wrap(&b, 2);
        wrap(&b, 1);
        wrap(&b, maps ? 6 : 5);
    }
    const unsigned envelope[] = {2, 3, 11, 2, 2, 1};
    for (size_t i = 0; i < sizeof envelope / sizeof *envelope; i++)
        wrap(&b, envelope[i]);
    return b;
}

/* The same far deeper, and built from its end, since wrapping is quadratic. */
static struct otk_buffer nested_deep(size_t depth)
{
    struct otk_buffer back = OTK_BUFFER_INIT(LIMIT);
    size_t size = 0;
    for (size_t i = 0; i < 2 * depth; i++) {
        uint8_t prefix[OTK_VARINT_MAX];
        size_t n = (size_t)(otk_varint_put(prefix, size) - prefix);
        for (size_t k = n; k-- > 0;)
            otk_buffer_byte(&back, prefix[k]);
        otk_buffer_byte(&back, i % 2 ? 0x2a : 0x0a);
        size += n + 1;
    }
    for (size_t i = 0, k = back.size - 1; i < k; i++, k--) {
        uint8_t swap = back.data[i];
        back.data[i] = back.data[k];
        back.data[k] = swap;
    }
    const unsigned envelope[] = {2, 9, 2, 2, 1};
    for (size_t i = 0; i < sizeof envelope / sizeof *envelope; i++)
        wrap(&back, envelope[i]);
    return back;
}

static int read_all(const struct otk_buffer *b, struct otk_index *index, struct otk_fault *fault)
{
    return otk_wire_read(index, traces(), b->data, b->size, fault);
}

/* RX-LIM-04 */
static void values_64_deep_pass(void **state)
{
    (void)state;
    for (int maps = 0; maps < 2; maps++) {
        struct otk_buffer b = nested(64, maps), json = OTK_BUFFER_INIT(LIMIT);
        struct otk_index index;
        struct otk_fault fault;
        assert_int_equal(read_all(&b, &index, &fault), 0);
        assert_int_equal(otk_json_write(&json, traces(), b.data, b.size), 0);
        struct otk_buffer back = OTK_BUFFER_INIT(LIMIT);
        struct otk_json_notes notes;
        assert_int_equal(otk_json_read(&back, traces(), (char *)json.data, json.size, &notes, &fault), 0);
        assert_int_equal(back.size, b.size);
        assert_memory_equal(back.data, b.data, b.size);
        otk_index_clear(&index);
        otk_buffer_clear(&json);
        otk_buffer_clear(&back);
        otk_buffer_clear(&b);
    }
}

/* RX-LIM-04 */
static void values_100000_deep_are_refused(void **state)
{
    (void)state;
    const size_t depths[] = {10000, 100000};
    for (size_t i = 0; i < 2; i++) {
        struct otk_buffer b = nested_deep(depths[i]);
        struct otk_index index;
        struct otk_fault fault;
        assert_int_equal(read_all(&b, &index, &fault), OTK_EDATA);
        assert_string_equal(fault.what, "nested deeper than 256 messages");
        assert_memory_equal(fault.path, "...", 3);
        otk_buffer_clear(&b);
    }
}

static void the_index_knows_every_item_and_its_scope(void **state)
{
    (void)state;
    /* two resources; scopes with 2, 0 and 3 spans */
    const size_t spans[] = {2, 0, 3};
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    struct otk_gaps gaps = OTK_GAPS_INIT;
    struct otk_open resource = otk_write_begin(&b, &gaps, 1);
    for (size_t s = 0; s < 3; s++) {
        if (s == 2) {
            otk_write_end(&b, &gaps, resource);
            resource = otk_write_begin(&b, &gaps, 1);
        }
        struct otk_open scope = otk_write_begin(&b, &gaps, 2);
        for (size_t i = 0; i < spans[s]; i++)
            otk_write_bytes(&b, 2, "\x2a\x01x", 3);
        otk_write_end(&b, &gaps, scope);
    }
    otk_write_end(&b, &gaps, resource);
    assert_int_equal(otk_write_finish(&b, &gaps), 0);

    struct otk_index x;
    struct otk_fault fault;
    assert_int_equal(read_all(&b, &x, &fault), 0);
    assert_int_equal(x.resource_count, 2);
    assert_int_equal(x.scope_count, 3);
    assert_int_equal(x.item_count, 5);
    assert_true(x.regular);
    const size_t scope_of[] = {0, 0, 2, 2, 2};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(otk_index_scope_of(&x, i), scope_of[i]);
        struct otk_extent e = otk_wire_message(b.data, x.items[i]);
        assert_int_equal(e.end - e.data, 3);
    }
    assert_int_equal(x.scopes[1].resource, 0);
    assert_int_equal(x.scopes[2].resource, 1);
    otk_index_clear(&x);
    otk_buffer_clear(&b);
}

/* RX-PB-02: unknown fields are counted, and the first one can be named. */
static void unknown_fields_are_counted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x0a, 0x0a, 0x12, 0x08, 0x12, 0x03, 0xb8, 0x3e, 0x07, 0xb8, 0x3e, 0x07};
    struct otk_index x;
    struct otk_fault fault;
    assert_int_equal(otk_wire_read(&x, traces(), bytes, sizeof bytes, &fault), 0);
    assert_int_equal(x.unknown_count, 2);
    assert_int_equal(x.unknown_offset, 6);
    otk_wire_locate(traces(), bytes, sizeof bytes, x.unknown_offset, &fault);
    assert_string_equal(fault.path, "resourceSpans[0].scopeSpans[0].spans[0].field 999");
    otk_index_clear(&x);
}

/* 250,000 pieces of one resource merge in linear time: twice the pieces cost about twice. RX-PB-04 */
static void many_pieces_of_a_resource_merge(void **state)
{
    (void)state;
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT), merged = OTK_BUFFER_INIT(LIMIT);
    for (int i = 0; i < 250000; i++)
        otk_write_bytes(&b, 1, "\x10\x01", 2);
    wrap(&b, 1);
    struct otk_index x;
    struct otk_fault fault;
    assert_int_equal(read_all(&b, &x, &fault), 0);
    assert_false(x.regular);
    otk_index_clear(&x);
    assert_int_equal(otk_merge(&merged, traces(), b.data, b.size), 0);
    assert_int_equal(merged.size, 6);
    assert_memory_equal(merged.data, "\x0a\x04\x0a\x02\x10\x01", 6);
    otk_buffer_clear(&b);
    otk_buffer_clear(&merged);
}

/* RX-PB-12: a payload cut at every byte is either refused or a shorter valid one, and never read past its end. */
static void a_payload_cut_at_every_byte_is_safe(void **state)
{
    (void)state;
    struct otk_buffer whole = nested(3, true);
    size_t refused = 0;
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *exact = malloc(size + !size);
        memcpy(exact, whole.data, size);
        struct otk_index x;
        struct otk_fault fault;
        int rc = otk_wire_read(&x, traces(), exact, size, &fault);
        refused += rc == OTK_EDATA;
        if (rc == 0)
            otk_index_clear(&x);
        free(exact);
    }
    assert_int_equal(refused, whole.size - 1); /* only the empty one is whole */
    otk_buffer_clear(&whole);
}

/* RX-JSON-02: what is not known may nest deep, but not without end. */
static void json_200000_deep_is_refused(void **state)
{
    (void)state;
    const char *const shapes[] = {"{\"x\":", "["};
    for (size_t s = 0; s < 2; s++) {
        struct otk_buffer text = OTK_BUFFER_INIT(LIMIT), out = OTK_BUFFER_INIT(LIMIT);
        otk_buffer_text(&text, "{\"x\":");
        for (int i = 0; i < 200000; i++)
            otk_buffer_text(&text, shapes[s]);
        struct otk_json_notes notes;
        struct otk_fault fault;
        assert_int_equal(otk_json_read(&out, traces(), (char *)text.data, text.size, &notes, &fault), OTK_EDATA);
        assert_string_equal(fault.what, "nested deeper than 512 objects and arrays");
        otk_buffer_clear(&text);
        otk_buffer_clear(&out);
    }
}

static void json_tells_its_signal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        otk_signal signal;
    } rows[] = {
        {"{\"resourceSpans\":[]}", 0, OTK_SIGNAL_TRACES},
        {" {\"x\":{\"resourceSpans\":1},\"resourceMetrics\":[", 0, OTK_SIGNAL_METRICS},
        {"{\"resourceLogs\":", 0, OTK_SIGNAL_LOGS},
        {"{}", OTK_EDATA, OTK_SIGNAL_TRACES},
        {"{\"x\":1}", OTK_EDATA, OTK_SIGNAL_TRACES},
        {"[]", OTK_EDATA, OTK_SIGNAL_TRACES},
        {"", OTK_EDATA, OTK_SIGNAL_TRACES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        otk_signal signal = OTK_SIGNAL_TRACES;
        assert_int_equal(otk_json_signal(rows[i].text, strlen(rows[i].text), &signal), rows[i].rc);
        assert_int_equal(signal, rows[i].signal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_64_deep_pass),
        cmocka_unit_test(values_100000_deep_are_refused),
        cmocka_unit_test(the_index_knows_every_item_and_its_scope),
        cmocka_unit_test(unknown_fields_are_counted),
        cmocka_unit_test(many_pieces_of_a_resource_merge),
        cmocka_unit_test(a_payload_cut_at_every_byte_is_safe),
        cmocka_unit_test(json_200000_deep_is_refused),
        cmocka_unit_test(json_tells_its_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
