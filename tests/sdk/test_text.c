#include "test.h"

#include "endpoint.h"
#include "headers.h"
#include "random.h"
#include "text.h"

/* SDK-ENC-12: strings are valid UTF-8. SDK-LIM-01: limits count characters and split none. */
static void test_text_is_repaired_and_cut_by_characters(void **state)
{
    static const struct {
        const char *in;
        size_t max;
        const char *out;
    } cases[] = {
        {"plain", SIZE_MAX, "plain"},
        {"", SIZE_MAX, ""},
        {"a\xff"
         "b",
         SIZE_MAX,
         "a\xEF\xBF\xBD"
         "b"},
        {"\xC3", SIZE_MAX, "\xEF\xBF\xBD"},
        {"\xED\xA0\x80", SIZE_MAX, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"gr\xC3\xBC\xC3\x9F"
         "e",
         3, "gr\xC3\xBC"},
        {"gr\xC3\xBC\xC3\x9F"
         "e",
         5,
         "gr\xC3\xBC\xC3\x9F"
         "e"},
        {"\xff\xff\xff", 2, "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"abc", 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct otk_buffer b = OTK_BUFFER_INIT(1024);
        otk_text_write(&b, 1, cases[i].in, strlen(cases[i].in), cases[i].max);
        size_t size = strlen(cases[i].out);
        assert_int_equal(otk_text_size(cases[i].in, strlen(cases[i].in), cases[i].max), size);
        assert_int_equal(b.size, size + 2);
        assert_int_equal(b.data[0], 0x0a);
        assert_int_equal(b.data[1], size);
        assert_memory_equal(b.data + 2, cases[i].out, size);
        otk_text_append(&b, cases[i].in, strlen(cases[i].in), cases[i].max);
        assert_int_equal(b.size, 2 * size + 2);
        assert_memory_equal(b.data + 2 + size, cases[i].out, size);
        otk_buffer_clear(&b);
    }
}

static void test_escapes_are_decoded_and_others_reported(void **state)
{
    static const struct {
        const char *in, *out;
        bool bad;
    } cases[] = {
        {"a%3Db", "a=b", false}, {"c%2cd", "c,d", false}, {"%zz", "%zz", true},
        {"50%", "50%", true},    {"%4", "%4", true},      {"Basic%20eA==", "Basic eA==", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[64];
        bool bad = false;
        size_t size = otk_text_decode((otk_string){cases[i].in, strlen(cases[i].in)}, out, &bad);
        assert_int_equal(size, strlen(cases[i].out));
        assert_memory_equal(out, cases[i].out, size);
        assert_int_equal(bad, cases[i].bad);
    }
}

/* SDK-HDR-01, SDK-HDR-02, SDK-HDR-03, SDK-HDR-04, SDK-HDR-06 */
static void test_headers_are_read_as_baggage_says(void **state)
{
    static const struct {
        const char *in;
        const char *lines[3];
        unsigned warnings;
    } cases[] = {
        {"k1=v1,k2=v2", {"k1: v1", "k2: v2"}, 0},
        {" k = v , x=y", {"k: v", "x: y"}, 0},
        {"Authorization=Basic%20dXNlcg==", {"Authorization: Basic dXNlcg=="}, 0},
        {"Authorization=Basic abc", {"Authorization: Basic abc"}, 0},
        {"a=b=c", {"a: b=c"}, 0},
        {"a=1;x=2", {"a: 1;x=2"}, 0},
        {"a=,b=2", {"a;", "b: 2"}, 0},
        {"good=1,bad,also=2", {"good: 1", "also: 2"}, 1},
        {"=v,x y=1,ok=1", {"ok: 1"}, 2},
        {"Content-Length=0,transfer-encoding=chunked,a=1", {"a: 1"}, 2},
        {"Content-Type=a,content-encoding=b,Connection=c,EXPECT=d,a=1", {"a: 1"}, 4},
        {"a=b%0d%0aX:1", {NULL}, 1},
        {"a%0d%0ab=c,d=\x01", {NULL}, 2},
        {"", {NULL}, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct otk_warnings warnings;
        struct notes notes = {0};
        struct otk_header_list list;
        otk_warnings_init(&warnings, note, &notes);
        assert_int_equal(otk_header_list_parse("HEADERS", cases[i].in, &warnings, &list), 0);
        size_t count = 0;
        for (; count < 3 && cases[i].lines[count]; count++) {
            assert_true(count < list.count);
            assert_string_equal(list.lines[count], cases[i].lines[count]);
        }
        assert_int_equal(list.count, count);
        assert_int_equal(notes.count, cases[i].warnings);
        otk_header_list_clear(&list);
        otk_warnings_clear(&warnings);
    }
}

/* SDK-URL-01, SDK-URL-02, SDK-URL-03, SDK-URL-04, SDK-URL-07 */
static void test_endpoints_keep_what_they_are_given(void **state)
{
    static const struct {
        const char *in;
        bool base;
        const char *out; /* NULL: refused */
    } cases[] = {
        {"http://c", true, "http://c/v1/traces"},
        {"HTTP://c/", true, "HTTP://c/v1/traces"},
        {"http://c:1/x", true, "http://c:1/x/v1/traces"},
        {"http://c/x/?q=1#f", true, "http://c/x/v1/traces"},
        {" http://c ", true, "http://c/v1/traces"},
        {"http://u:p@c", true, "http://u:p@c/v1/traces"},
        {"http://[::1]:4318", true, "http://[::1]:4318/v1/traces"},
        {"http://c", false, "http://c/"},
        {"http://c?q=1", false, "http://c/?q=1"},
        {"https://c/v1/traces/", false, "https://c/v1/traces/"},
        {"localhost:4318", true, NULL},
        {"ftp://x", true, NULL},
        {"http://", true, NULL},
        {"http:///v1", true, NULL},
        {"http://:4318", true, NULL},
        {"http://a b", true, NULL},
        {"http://a\nb", false, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *out = NULL;
        int rc = otk_endpoint_new(cases[i].in, cases[i].base, OTK_SIGNAL_TRACES, &out);
        assert_int_equal(rc, cases[i].out ? 0 : OTK_EINVAL);
        if (cases[i].out)
            assert_string_equal(out, cases[i].out);
        free(out);
    }
}

static void test_this_machine_is_known_by_its_names(void **state)
{
    (void)state;
    assert_true(otk_endpoint_is_loopback("http://localhost:4318/v1/traces"));
    assert_true(otk_endpoint_is_loopback("http://127.0.0.1/"));
    assert_true(otk_endpoint_is_loopback("https://[::1]:4318/"));
    assert_false(otk_endpoint_is_loopback("http://localhost.example.com/"));
    assert_false(otk_endpoint_is_loopback("http://localhost@example.com/"));
    assert_false(otk_endpoint_is_loopback("http://127.0.0.1.example.com/"));
}

/* SDK-ID-01, SDK-ID-02; SDK-ID-03 but for the flag: each bit is sometimes set and sometimes not */
static void test_ids_are_random_and_never_zero(void **state)
{
    uint8_t seen[1000][8];
    uint64_t any = 0, all = UINT64_MAX;
    (void)state;
    for (size_t i = 0; i < COUNT(seen); i++) {
        uint64_t id;
        otk_random_ids(seen[i], 1);
        memcpy(&id, seen[i], 8);
        assert_true(id != 0);
        any |= id;
        all &= id;
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[k], seen[i], 8);
    }
    assert_true(any == UINT64_MAX && all == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_repaired_and_cut_by_characters),
        cmocka_unit_test(test_escapes_are_decoded_and_others_reported),
        cmocka_unit_test(test_headers_are_read_as_baggage_says),
        cmocka_unit_test(test_endpoints_keep_what_they_are_given),
        cmocka_unit_test(test_this_machine_is_known_by_its_names),
        cmocka_unit_test(test_ids_are_random_and_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
