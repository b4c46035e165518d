#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "number.h"

static const char *text_of(double value)
{
    static char text[OTK_NUMBER_MAX + 1];
    text[otk_number_double(text, value)] = '\0';
    return text;
}

static void doubles_look_as_in_ecmascript(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"}, {-0.0, "-0.0"}, {1, "1"}, {-1.5, "-1.5"}, {0.1, "0.1"}, {1e21, "1e+21"}, {1e20, "100000000000000000000"},
        {123456789012345680000.0, "123456789012345680000"}, {1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.25e-7, "1.25e-7"},
        {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"}, {2.2250738585072014e-308,
        "2.2250738585072014e-308"}, {9007199254740993.0, "9007199254740992"}, {1.0 / 3, "0.3333333333333333"},
        {4.35, "4.35"}, {9.5e-10, "9.5e-10"}, {12345.678, "12345.678"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(text_of(rows[i].value), rows[i].text);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* strtod and printf of the C library are the oracle: same bits back, and no shorter precision would do. */
static void random_doubles_are_exact_and_shortest(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(88172645463325252);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&seed);
        if (i % 4 == 1)
            bits >>= 12; /* subnormal */
        if (i % 4 == 2)
            bits &= UINT64_C(0x7ff) << 52; /* powers of two */
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) || value == 0)
            continue;
        const char *text = text_of(value);
        assert_true(strtod(text, NULL) == value);
        assert_true(otk_number_parse_double(text, strlen(text)) == value);
        size_t digits = 0;
        for (const char *p = text; *p && *p != 'e'; p++)
            digits += *p >= '0' && *p <= '9' && (digits || *p != '0');
        char shorter[64];
        snprintf(shorter, sizeof shorter, "%.*e", digits > 2 ? (int)digits - 2 : 0, value);
        if (digits > 1 && strpbrk(text, ".e")) /* whole numbers may end in zeros */
            assert_false(strtod(shorter, NULL) == value);
    }
}

static void integers_are_written_to_the_ends_of_their_range(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"}, {-1, "-1"}, {99, "99"}, {100, "100"}, {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    char text[OTK_NUMBER_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text[otk_number_i64(text, rows[i].value)] = '\0';
        assert_string_equal(text, rows[i].text);
    }
    text[otk_number_u64(text, UINT64_MAX)] = '\0';
    assert_string_equal(text, "18446744073709551615");
}

/* RX-JSON-10 RX-JSON-12 */
static void whole_numbers_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool negative, integral, fits;
        uint64_t magnitude;
    } rows[] = {
        {"0", false, true, true, 0},
        {"-0", true, true, true, 0},
        {"0e999999999999", false, true, true, 0},
        {"0.000", false, true, true, 0},
        {"18446744073709551615", false, true, true, UINT64_MAX},
        {"1844674407370955161500e-2", false, true, true, UINT64_MAX},
        {"18446744073709551616", false, true, false, 0},
        {"1e19", false, true, true, UINT64_C(10000000000000000000)},
        {"1e20", false, true, false, 0},
        {"1e99999999999999999999", false, true, false, 0},
        {"-120e-1", true, true, true, 12},
        {"1.5", false, false, false, 0},
        {"1.0000", false, true, true, 1},
        {"100000000000000000000000000000000000000000e-41", false, true, true, 1},
        {"0.00000000000000000000000000000000000000001e41", false, true, true, 1},
        {"1e-1", false, false, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct otk_decimal d = otk_number_parse(rows[i].text, strlen(rows[i].text));
        assert_int_equal(d.negative, rows[i].negative);
        assert_int_equal(d.integral, rows[i].integral);
        assert_int_equal(d.fits, rows[i].fits);
        if (d.fits)
            assert_true(d.magnitude == rows[i].magnitude);
    }
}

static void doubles_are_read_to_the_nearest(void **state)
{
    (void)state;
    const char *const rows[] = {"0.1", "1e22", "1e23", "9007199254740993", "2.2250738585072011e-308", "1e-400", "-1.5e3",
                                "123456789012345678901234567890.12345", "4.9406564584124654e-324", "-0"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double ours = otk_number_parse_double(rows[i], strlen(rows[i])), theirs = strtod(rows[i], NULL);
        assert_memory_equal(&ours, &theirs, sizeof ours);
    }
    assert_true(isinf(otk_number_parse_double("1e999", 5)));
    char many[2000];
    memset(many, '1', sizeof many);
    many[1] = '.';
    assert_true(otk_number_parse_double(many, sizeof many) == 1.1111111111111112);
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        setlocale(LC_NUMERIC, "C"); /* without that locale this only says that numbers work */
    assert_string_equal(text_of(1234.5), "1234.5");
    const char *slow = "1234.50000000000000000000000001";
    assert_true(otk_number_parse_double(slow, strlen(slow)) == 1234.5);
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_look_as_in_ecmascript),
        cmocka_unit_test(random_doubles_are_exact_and_shortest),
        cmocka_unit_test(integers_are_written_to_the_ends_of_their_range),
        cmocka_unit_test(whole_numbers_are_read_exactly),
        cmocka_unit_test(doubles_are_read_to_the_nearest),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
