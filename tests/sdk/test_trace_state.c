#include "test.h"

#include "trace_state.h"

/* Fills `out` with "key1=value,key2=value…", `count` members of this value. */
static void list_members(char *out, size_t size, size_t count, const char *value)
{
    size_t used = 0;
    for (size_t i = 1; i <= count; i++)
        used += (size_t)snprintf(out + used, size - used, "%sk%zu=%s", i > 1 ? "," : "", i, value);
    assert_true(used < size);
}

static void assert_reads(const char *text, const char *expected)
{
    char *out = NULL;
    int rc = otk_trace_state_read(text, &out);
    if (!expected && rc == 0)
        fail_msg("\"%s\" is taken for \"%s\"", text, out);
    assert_int_equal(rc, expected ? 0 : OTK_EDATA);
    if (expected)
        assert_string_equal(out, expected);
    free(out);
}

/* SDK-TS-03: the grammar */
static void test_members_follow_the_grammar(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a=1", "a=1"},
        {"a=1,b=2", "a=1,b=2"},
        {" \ta=1 ,\t b=2\t", "a=1,b=2"},
        {",a=1,,b=2,", "a=1,b=2"},
        {"0a=1", "0a=1"},
        {"a_-*/@z9=1", "a_-*/@z9=1"},
        {"tenant@system=1", "tenant@system=1"},
        {"a= 1", "a= 1"},
        {"a=!\"#$%&'()*+-./09:;<>?@AZ[\\]^_`az{|}~", "a=!\"#$%&'()*+-./09:;<>?@AZ[\\]^_`az{|}~"},
        {"", NULL},
        {" , ,", NULL},
        {"a", NULL},
        {"=1", NULL},
        {"a=", NULL},
        {"a =1", NULL},
        {"A=1", NULL},
        {"_a=1", NULL},
        {"@a=1", NULL},
        {"a.b=1", NULL},
        {"a=1=2", NULL},
        {"a=\x01", NULL},
        {"a=\x7f", NULL},
        {"a=\xc3\xa9", NULL},
        {"a=1,b", NULL},
        {"a=1;b=2=", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_reads(cases[i].text, cases[i].expected);
}

static void test_keys_and_values_have_at_most_256_characters(void **state)
{
    char text[600];
    (void)state;
    for (int over = 0; over < 2; over++) {
        memset(text, 'k', 256);
        snprintf(text + 256 + over, sizeof text - 257, "=v");
        text[255 + over] = 'k';
        assert_reads(text, over ? NULL : text);
        snprintf(text, sizeof text, "k=%0*d", 256 + over, 0);
        assert_reads(text, over ? NULL : text);
    }
}

/* SDK-TS-03; SDK-TS-05: nothing is cut that the grammar allows. */
static void test_32_members_of_any_size_are_passed_on(void **state)
{
    char text[20000], value[257];
    (void)state;
    list_members(text, sizeof text, 32, "v");
    assert_reads(text, text);
    list_members(text, sizeof text, 33, "v");
    assert_reads(text, NULL);
    memset(value, 'v', 256);
    value[256] = '\0';
    list_members(text, sizeof text, 32, value);
    assert_reads(text, text);
}

/* SDK-TS-04 */
static void test_of_a_repeated_key_the_first_counts(void **state)
{
    (void)state;
    assert_reads("a=1,b=2,a=3", "a=1,b=2");
}

static void assert_taken(char *made, const char *expected)
{
    assert_string_equal(made, expected);
    free(made);
}

/* SDK-TS-04, SDK-TS-07 */
static void test_what_is_set_stands_in_front(void **state)
{
    (void)state;
    assert_taken(otk_trace_state_set("a=1,b=2", "c", "3"), "c=3,a=1,b=2");
    assert_taken(otk_trace_state_set("a=1,b=2", "b", "3"), "b=3,a=1");
    assert_taken(otk_trace_state_set(NULL, "a", "1"), "a=1");
    assert_taken(otk_trace_state_set("not a list", "a", "1"), "a=1");
    assert_taken(otk_trace_state_remove("a=1,b=2,c=3", "b"), "a=1,c=3");
    assert_taken(otk_trace_state_remove("a=1", "a"), "");
}

/* SDK-TS-07 */
static void test_invalid_input_changes_nothing(void **state)
{
    static const struct {
        const char *key, *value;
    } bad[] = {{"A", "1"},  {"", "1"},      {NULL, "1"}, {"a", ""},
               {"a", NULL}, {"a", "1,b=2"}, {"a", "1 "}, {"a", "\r\nX: 1"}};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_taken(otk_trace_state_set("a=0,b=2", bad[i].key, bad[i].value), "a=0,b=2");
    assert_taken(otk_trace_state_remove("a=0,b=2", "c"), "a=0,b=2");
    assert_taken(otk_trace_state_remove("a=0,b=2", NULL), "a=0,b=2");
}

/* SDK-TS-04 */
static void test_a_33rd_member_pushes_out_the_last(void **state)
{
    char text[1000];
    (void)state;
    list_members(text, sizeof text, 32, "v");
    char *made = otk_trace_state_set(text, "new", "1");
    assert_memory_equal(made, "new=1,k1=v,", 11);
    assert_non_null(strstr(made, ",k31=v"));
    assert_null(strstr(made, "k32"));
    free(made);
}

/* SDK-TS-07 */
static void test_a_value_is_found_by_its_key(void **state)
{
    (void)state;
    otk_string value = otk_trace_state_get("a=1, bc=2 3", "bc");
    assert_int_equal(value.size, 3);
    assert_memory_equal(value.data, "2 3", 3);
    assert_null(otk_trace_state_get("a=1,bc=2", "b").data);
    assert_null(otk_trace_state_get(NULL, "a").data);
    assert_null(otk_trace_state_get("a=1", NULL).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_follow_the_grammar),
        cmocka_unit_test(test_keys_and_values_have_at_most_256_characters),
        cmocka_unit_test(test_32_members_of_any_size_are_passed_on),
        cmocka_unit_test(test_of_a_repeated_key_the_first_counts),
        cmocka_unit_test(test_what_is_set_stands_in_front),
        cmocka_unit_test(test_invalid_input_changes_nothing),
        cmocka_unit_test(test_a_33rd_member_pushes_out_the_last),
        cmocka_unit_test(test_a_value_is_found_by_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
