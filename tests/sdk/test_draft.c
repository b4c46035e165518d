/* Attributes on their way to the worker, against a model that is slow and plain; what protobuf-c reads is what counts. */
#include "test.h"

#include "draft.h"
#include "opentelemetry/proto/trace/v1/trace.pb-c.h"
#include "span_record.h"

enum { ROUNDS = 400, PUTS = 300, KEYS_MAX = 160 };

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % below);
}

/* What should be there, in order. */
struct model {
    unsigned keys[KEYS_MAX];
    int64_t values[KEYS_MAX];
    size_t count;
    uint32_t dropped;
};

static void put_into_model(struct model *m, size_t limit, unsigned key, int64_t value)
{
    size_t at = 0;
    while (at < m->count && m->keys[at] != key)
        at++;
    if (at == m->count && m->count == limit) {
        m->dropped++;
        return;
    }
    if (at == m->count)
        m->count++;
    for (; at + 1 < m->count; at++) {
        m->keys[at] = m->keys[at + 1];
        m->values[at] = m->values[at + 1];
    }
    m->keys[at] = key;
    m->values[at] = value;
}

/* In one of the ways an attribute comes in: quickly, or any way. */
static void put(struct otk_draft *draft, unsigned key, int64_t value)
{
    char name[32], text[32];
    snprintf(name, sizeof name, "key.%u", key);
    snprintf(text, sizeof text, "%lld", (long long)value);
    const otk_attribute as_int = otk_attribute_int(name, value), as_text = otk_attribute_string(name, text);
    switch (draw(3)) {
    case 0:
        if (!otk_draft_quick_int(draft, as_int.key, value))
            otk_draft_put(draft, &as_int);
        break;
    case 1:
        if (!otk_draft_quick_text(draft, as_text.key, as_text.value.as.string_value))
            otk_draft_put(draft, &as_text);
        break;
    default:
        otk_draft_put(draft, &as_int);
    }
}

/* A record with nothing but these attributes, and them behind it. */
static Otk__Trace__Span *encoded(const struct otk_draft *draft, struct otk_buffer *message)
{
    struct otk_buffer b = OTK_BUFFER_INIT(1 << 24);
    struct otk_span_record record = {.dropped_attributes = draft->dropped, .keys_differ = draft->settled};
    record.attributes_size = (uint32_t)(draft->bytes.size - draft->from);
    otk_buffer_append(&b, &record, sizeof record);
    otk_buffer_append(&b, draft->bytes.data + draft->from, record.attributes_size);
    otk_span_record_encode((const void *)b.data, message);
    otk_buffer_clear(&b);
    assert_false(message->failed);
    return otk__trace__span__unpack(NULL, message->size, message->data);
}

static void assert_pair(const Otk__Common__KeyValue *pair, unsigned key, int64_t value)
{
    char name[32], text[32];
    snprintf(name, sizeof name, "key.%u", key);
    snprintf(text, sizeof text, "%lld", (long long)value);
    assert_string_equal(pair->key, name);
    if (pair->value->value_case == OTK__COMMON__ANY_VALUE__VALUE_STRING_VALUE)
        assert_string_equal(pair->value->string_value, text);
    else
        assert_int_equal(pair->value->int_value, value);
}

static void assert_as_model(const struct otk_draft *draft, const struct model *m)
{
    struct otk_buffer message = OTK_BUFFER_INIT(1 << 20);
    const uint8_t *first = draft->bytes.data + draft->from;
    Otk__Trace__Span *span = encoded(draft, &message);
    assert_int_equal(otk_draft_distinct(first, draft->bytes.data + draft->bytes.size), m->count);
    assert_non_null(span);
    assert_int_equal(span->n_attributes, m->count);
    assert_int_equal(span->dropped_attributes_count, m->dropped);
    for (size_t i = 0; i < m->count; i++)
        assert_pair(span->attributes[i], m->keys[i], m->values[i]);
    otk__trace__span__free_unpacked(span, NULL);
    otk_buffer_clear(&message);
}

/* SDK-API-06, SDK-ENC-09: the last value of a key counts, and only new keys are beyond a limit */
static void test_a_draft_is_what_was_put_into_it(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t limit = draw(4) ? draw(KEYS_MAX) : SIZE_MAX;
        const struct otk_draft_limits limits = otk_draft_limit((struct otk_limits){SIZE_MAX, limit});
        struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 20)};
        struct model model = {.count = 0};
        unsigned keys = 1 + draw(KEYS_MAX - 1), puts = draw(PUTS);
        otk_buffer_text(&draft.bytes, "a name");
        otk_draft_begin(&draft, &limits);
        for (unsigned i = 0; i < puts; i++) {
            unsigned key = draw(keys);
            put(&draft, key, (int64_t)i - 100);
            put_into_model(&model, limit, key, (int64_t)i - 100);
        }
        assert_as_model(&draft, &model);
        otk_buffer_clear(&draft.bytes);
    }
}

/* A text that is set again and again takes the memory of a few, not of all. */
static void test_what_is_replaced_takes_no_memory(void **state)
{
    enum { TEXT = 1000 };
    char text[TEXT + 1];
    struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 20)};
    (void)state;
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    const otk_attribute attribute = otk_attribute_string("key", text);
    otk_draft_begin(&draft, &otk_draft_unlimited);
    for (int i = 0; i < 10000; i++)
        otk_draft_put(&draft, &attribute);
    assert_int_equal(draft.dropped, 0);
    assert_true(draft.bytes.capacity <= 8 * TEXT);
    otk_buffer_clear(&draft.bytes);
}

/* SDK-ENC-09: keys that are one when repaired are one */
static void test_keys_are_compared_as_they_are_sent(void **state)
{
    struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 20)};
    struct otk_buffer message = OTK_BUFFER_INIT(1 << 20);
    (void)state;
    assert_non_null(otk_buffer_reserve(&draft.bytes, 512));
    otk_draft_begin(&draft, &otk_draft_unlimited);
    assert_true(otk_draft_quick_int(&draft, otk_string_of("k\xff"), 1));
    assert_true(otk_draft_quick_int(&draft, otk_string_of("k\xfe"), 2));
    Otk__Trace__Span *span = encoded(&draft, &message);
    assert_non_null(span);
    assert_int_equal(span->n_attributes, 1);
    assert_string_equal(span->attributes[0]->key, "k\xEF\xBF\xBD");
    assert_int_equal(span->attributes[0]->value->int_value, 2);
    otk__trace__span__free_unpacked(span, NULL);
    otk_buffer_clear(&message);
    otk_buffer_clear(&draft.bytes);
}

/* SDK-ENC-09: also of many attributes, which are looked through as they come */
static void test_keys_of_many_are_compared_as_they_are_sent(void **state)
{
    enum { MANY = OTK_DRAFT_QUICK_COUNT + 1 };
    struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 20)};
    struct model model = {.count = 0};
    (void)state;
    otk_draft_begin(&draft, &otk_draft_unlimited);
    for (unsigned i = 0; i < MANY; i++) {
        put(&draft, i, i);
        put_into_model(&model, SIZE_MAX, i, i);
    }
    for (int64_t i = 0; i < 2; i++) {
        const otk_attribute bad = otk_attribute_int("key.\xff", i);
        const otk_attribute repaired = otk_attribute_int("key.\xEF\xBF\xBD", i);
        otk_draft_put(&draft, i ? &repaired : &bad);
        otk_draft_put(&draft, &bad);
    }
    const uint8_t *first = draft.bytes.data + draft.from;
    assert_int_equal(otk_draft_distinct(first, draft.bytes.data + draft.bytes.size), MANY + 1);
    assert_int_equal(draft.count, MANY + 1);
    otk_buffer_clear(&draft.bytes);
}

/* What is no kind of value is the empty one. */
static void test_a_value_of_no_kind_is_empty(void **state)
{
    static const int kinds[] = {-1, OTK_VALUE_STRING_STRINDEX, OTK_VALUE_STRING_STRINDEX + 1, 100, 1 << 20};
    struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 20)};
    struct otk_buffer message = OTK_BUFFER_INIT(1 << 20);
    (void)state;
    otk_draft_begin(&draft, &otk_draft_unlimited);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const otk_value value = {.type = (otk_value_type)kinds[i], .as.int_value = 7};
        char key[] = {(char)('a' + i), '\0'};
        const otk_attribute attribute = otk_attribute_of(key, value);
        otk_draft_put(&draft, &attribute);
    }
    Otk__Trace__Span *span = encoded(&draft, &message);
    assert_non_null(span);
    assert_int_equal(span->n_attributes, COUNT(kinds));
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_int_equal(span->attributes[i]->value->value_case, OTK__COMMON__ANY_VALUE__VALUE__NOT_SET);
    otk__trace__span__free_unpacked(span, NULL);
    otk_buffer_clear(&message);
    otk_buffer_clear(&draft.bytes);
}

static void assert_at_most_twice_as_large(otk_string key, otk_value value)
{
    const otk_attribute attribute = {key, value};
    struct otk_draft draft = {.bytes = OTK_BUFFER_INIT(1 << 24)};
    struct otk_buffer message = OTK_BUFFER_INIT(1 << 26);
    otk_draft_begin(&draft, &otk_draft_unlimited);
    otk_draft_put(&draft, &attribute);
    otk__trace__span__free_unpacked(encoded(&draft, &message), NULL);
    assert_int_equal(draft.dropped, 0);
    assert_true(message.size <= 160 + 2 * draft.bytes.size);
    otk_buffer_clear(&message);
    otk_buffer_clear(&draft.bytes);
}

static void encode_values(otk_string key, otk_string text)
{
    const otk_value value = {OTK_VALUE_STRING, .as.string_value = text};
    const otk_value values[] = {value,
                                otk_value_bytes(text.data, text.size),
                                otk_value_array(&value, 1),
                                otk_value_int(-1),
                                otk_value_bool(true),
                                otk_value_double(1),
                                otk_value_string(NULL)};
    for (size_t i = 0; i < COUNT(values); i++)
        assert_at_most_twice_as_large(key, values[i]);
}

/* What span_record.c makes room for, where lengths of all that is around a value become longer. */
static void test_attributes_grow_no_more_than_twice_by_encoding(void **state)
{
    static char text[1 << 21];
    static const size_t sizes[] = {1, 2, 118, 119, 120, 127, 128, 16376, 16384, sizeof text};
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        encode_values((otk_string){text, sizes[i]}, (otk_string){text, 0});
        for (size_t k = 0; k < COUNT(sizes); k++)
            encode_values((otk_string){text, sizes[i]}, (otk_string){text, sizes[k]});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_draft_is_what_was_put_into_it),
        cmocka_unit_test(test_what_is_replaced_takes_no_memory),
        cmocka_unit_test(test_keys_are_compared_as_they_are_sent),
        cmocka_unit_test(test_keys_of_many_are_compared_as_they_are_sent),
        cmocka_unit_test(test_a_value_of_no_kind_is_empty),
        cmocka_unit_test(test_attributes_grow_no_more_than_twice_by_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
