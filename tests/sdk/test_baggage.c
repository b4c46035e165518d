#include "carrier.h"

#include "baggage.h"

static otk_baggage *read_header(const char *value)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    set_header(&carrier, "Baggage", value);
    return otk_baggage_read(get_header, &carrier);
}

/* Its header, until the next call. */
static const char *written(const otk_baggage *baggage)
{
    static struct otk_buffer b = {.limit = 2 * OTK_BAGGAGE_MAX_BYTES};
    b.size = 0;
    otk_baggage_write(&b, baggage);
    return otk_buffer_string(&b);
}

/* Sets, and lets go of the old one. */
static otk_baggage *with(otk_baggage *old, const char *name, const char *value, const char *metadata)
{
    otk_baggage *made = otk_baggage_set(old, name, value, metadata);
    otk_baggage_free(old);
    return made;
}

/* SDK-BG-04: get, get all, set, remove, clear; it works without an SDK. */
static void test_entries_are_set_and_removed(void **state)
{
    size_t count;
    (void)state;
    otk_baggage *baggage = with(with(with(NULL, "a", "1", NULL), "b", "2", "meta"), "A", "3", NULL);
    assert_string_equal(otk_baggage_get(baggage, "a"), "1");
    assert_string_equal(otk_baggage_get(baggage, "A"), "3");
    assert_null(otk_baggage_get(baggage, "c"));
    baggage = with(baggage, "a", "4", NULL);
    const otk_baggage_entry *entries = otk_baggage_entries(baggage, &count);
    assert_int_equal(count, 3);
    assert_string_equal(entries[0].name, "b");
    assert_string_equal(entries[0].metadata, "meta");
    assert_string_equal(entries[2].name, "a");
    assert_string_equal(entries[2].value, "4");
    otk_baggage *less = otk_baggage_remove(baggage, "b");
    assert_string_equal(written(less), "A=3,a=4");
    otk_baggage_free(less);
    otk_baggage_free(baggage);
}

/* SDK-BG-04, SDK-CTX-01 */
static void test_a_baggage_never_changes(void **state)
{
    (void)state;
    otk_baggage *first = otk_baggage_set(NULL, "a", "1", NULL);
    otk_baggage *second = otk_baggage_set(first, "a", "2", NULL);
    otk_baggage *third = otk_baggage_remove(first, "a");
    assert_string_equal(otk_baggage_get(first, "a"), "1");
    assert_string_equal(otk_baggage_get(second, "a"), "2");
    assert_null(third);
    otk_baggage_free(first);
    otk_baggage_free(second);
}

static void test_null_is_the_empty_baggage(void **state)
{
    size_t count;
    (void)state;
    assert_null(otk_baggage_get(NULL, "a"));
    assert_null(otk_baggage_entries(NULL, &count));
    assert_int_equal(count, 0);
    assert_null(otk_baggage_remove(NULL, "a"));
    assert_null(otk_baggage_set(NULL, NULL, "1", NULL));
    assert_string_equal(written(NULL), "");
    otk_baggage_free(NULL);
}

/* SDK-BG-01: and nothing of it can begin another header or entry. */
static void test_what_no_header_can_carry_changes_nothing(void **state)
{
    static const struct {
        const char *name, *metadata;
    } bad[] = {{"", NULL},     {"a b", NULL},  {"a=b", NULL},     {"a,b", NULL}, {"a\r\n", NULL},
               {"\xc3", NULL}, {"a", "x,b=2"}, {"a", "\r\nX: 1"}, {"a", "\x7f"}};
    (void)state;
    otk_baggage *baggage = otk_baggage_set(NULL, "a", "1", NULL);
    for (size_t i = 0; i < COUNT(bad); i++) {
        otk_baggage *same = otk_baggage_set(baggage, bad[i].name, "2", bad[i].metadata);
        assert_string_equal(written(same), "a=1");
        otk_baggage_free(same);
    }
    otk_baggage_free(baggage);
}

/* SDK-BG-01 */
static void test_values_are_percent_encoded(void **state)
{
    static const struct {
        const char *value, *header;
    } cases[] = {
        {"DF 28", "k=DF%2028"},
        {"50%", "k=50%25"},
        {"a=b", "k=a=b"},
        {"\"\\,;", "k=%22%5C%2C%3B"},
        {"caf\xc3\xa9", "k=caf%C3%A9"},
        {"\r\n\t\x7f", "k=%0D%0A%09%7F"},
        {"\xff", "k=%EF%BF%BD"},
        {"", "k="},
        {"!#$&'()*+-./:<>?@[]^_`{|}~", "k=!#$&'()*+-./:<>?@[]^_`{|}~"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        otk_baggage *baggage = otk_baggage_set(NULL, "k", cases[i].value, NULL);
        assert_string_equal(written(baggage), cases[i].header);
        otk_baggage_free(baggage);
    }
}

/* SDK-BG-02 */
static void test_a_header_is_decoded(void **state)
{
    static const struct {
        const char *header, *value, *metadata;
    } cases[] = {
        {"k=DF%2028", "DF 28", ""},
        {"k=a=b=c", "a=b=c", ""},
        {" k \t=\t v ", "v", ""},
        {"k=v;p1;p2=x", "v", "p1;p2=x"},
        {"k = v ; p = 1 ", "v", "p = 1"},
        {"k=", "", ""},
        {"k=%ff%C3%A9", "\xEF\xBF\xBD\xC3\xA9", ""},
        {"k=a%00b",
         "a\xEF\xBF\xBD"
         "b",
         ""},
        {"k=%zz%4", "%zz%4", ""},
        {"k=%0d%0a", "\r\n", ""},
        {"k=\xff", "\xEF\xBF\xBD", ""},
        {"k=1,k=2", "2", ""},
        {",,k=1,", "1", ""},
        {"bad name=1,k=2", "2", ""},
        {"=1,k=2", "2", ""},
        {"novalue,k=2", "2", ""},
        {";=,k=2", "2", ""},
        {"K=1;\x01,k=2", "2", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t count;
        otk_baggage *baggage = read_header(cases[i].header);
        const otk_baggage_entry *entries = otk_baggage_entries(baggage, &count);
        assert_int_equal(count, 1);
        assert_string_equal(entries[0].name, "k");
        assert_string_equal(entries[0].value, cases[i].value);
        assert_string_equal(entries[0].metadata, cases[i].metadata);
        otk_baggage_free(baggage);
    }
}

/* SDK-BG-03 */
static void test_64_entries_and_8192_bytes_are_passed_on(void **state)
{
    char header[9000], value[9000];
    size_t used = 0, count;
    (void)state;
    for (int i = 0; i < 64; i++)
        used += (size_t)snprintf(header + used, sizeof header - used, "%sk%02d=%0123d", i ? "," : "", i, 0);
    assert_int_equal(used, 8191);
    otk_baggage *baggage = read_header(header);
    otk_baggage_entries(baggage, &count);
    assert_int_equal(count, 64);
    assert_string_equal(written(baggage), header);

    snprintf(header + used, sizeof header - used, ",one=more");
    otk_baggage *cut = read_header(header);
    assert_string_equal(written(cut), written(baggage));
    otk_baggage_free(cut);

    /* Set by the program: it is kept, but not sent. */
    baggage = with(baggage, "one", "more", NULL);
    assert_string_equal(otk_baggage_get(baggage, "one"), "more");
    assert_null(strstr(written(baggage), "one=more"));
    otk_baggage_free(baggage);

    snprintf(value, sizeof value, "%08190d", 0);
    baggage = with(with(NULL, "a", value, NULL), "b", "1", NULL);
    assert_int_equal(strlen(written(baggage)), 8192);
    baggage = with(with(baggage, "a", value + 100, NULL), "c", value, NULL);
    assert_memory_equal(written(baggage), "b=1,a=", 6);
    assert_null(strstr(written(baggage), "c="));
    otk_baggage_free(baggage);
}

/* SDK-BG-03: in and out, to the byte; several entries have commas between them */
static void test_8192_bytes_are_the_limit(void **state)
{
    char header[9000];
    (void)state;
    for (int over = 0; over < 2; over++) {
        snprintf(header, sizeof header, "a=%0*d", 8190 + over, 0);
        otk_baggage *one = read_header(header);
        assert_string_equal(written(one), over ? "" : header);
        otk_baggage_free(one);
        snprintf(header, sizeof header, "a=%08185d,b=%0*d", 0, 2 + over, 0);
        otk_baggage *two = read_header(header);
        assert_int_equal(strlen(header), 8192 + over);
        assert_int_equal(otk_baggage_get(two, "b") != NULL, !over);
        assert_int_equal(strlen(written(two)), over ? 8187 : 8192);
        otk_baggage_free(two);
    }
}

/* SDK-BG-03: it is kept, but the 65th is not sent. */
static void test_64_entries_are_the_limit(void **state)
{
    char name[8];
    size_t count, sent = 1;
    otk_baggage *baggage = NULL;
    (void)state;
    for (int i = 0; i < 65; i++) {
        snprintf(name, sizeof name, "k%d", i);
        baggage = with(baggage, name, "v", NULL);
    }
    otk_baggage_entries(baggage, &count);
    assert_int_equal(count, 65);
    for (const char *c = written(baggage); *c; c++)
        sent += *c == ',';
    assert_int_equal(sent, 64);
    otk_baggage_free(baggage);
}

/* SDK-BG-03: the limits hold for all headers together. */
static void test_several_headers_are_one_list(void **state)
{
    static struct carrier carrier;
    char value[5000];
    (void)state;
    carrier = (struct carrier){0};
    snprintf(value, sizeof value, "a=%04990d", 0);
    set_header(&carrier, "baggage", "b=1");
    set_header(&carrier, "BAGGAGE", value);
    set_header(&carrier, "baggage", "c=2");
    value[0] = 'd';
    set_header(&carrier, "baggage", value);
    otk_baggage *baggage = otk_baggage_read(get_header, &carrier);
    size_t count;
    const otk_baggage_entry *entries = otk_baggage_entries(baggage, &count);
    assert_int_equal(count, 3);
    assert_string_equal(entries[2].name, "c");
    otk_baggage_free(baggage);
}

static const char *endless(void *arg, const char *name, size_t index)
{
    (void)name, (void)index;
    ++*(size_t *)arg;
    return "";
}

static void test_a_carrier_without_end_is_left(void **state)
{
    size_t asked = 0;
    (void)state;
    assert_null(otk_baggage_read(endless, &asked));
    assert_true(asked <= OTK_BAGGAGE_MAX_ENTRIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_set_and_removed),
        cmocka_unit_test(test_a_baggage_never_changes),
        cmocka_unit_test(test_null_is_the_empty_baggage),
        cmocka_unit_test(test_what_no_header_can_carry_changes_nothing),
        cmocka_unit_test(test_values_are_percent_encoded),
        cmocka_unit_test(test_a_header_is_decoded),
        cmocka_unit_test(test_64_entries_and_8192_bytes_are_passed_on),
        cmocka_unit_test(test_8192_bytes_are_the_limit),
        cmocka_unit_test(test_64_entries_are_the_limit),
        cmocka_unit_test(test_several_headers_are_one_list),
        cmocka_unit_test(test_a_carrier_without_end_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
