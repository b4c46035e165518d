#include "number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- Integers -------------------------------------------------------- */

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

size_t otk_number_u64(char *out, uint64_t value)
{
    char text[20];
    char *p = text + sizeof text;
    while (value >= 100) {
        p -= 2;
        memcpy(p, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        p -= 2;
        memcpy(p, digit_pairs + 2 * value, 2);
    } else {
        *--p = (char)('0' + value);
    }
    size_t size = (size_t)(text + sizeof text - p);
    memcpy(out, p, size);
    return size;
}

size_t otk_number_i64(char *out, int64_t value)
{
    if (value >= 0)
        return otk_number_u64(out, (uint64_t)value);
    *out = '-';
    return 1 + otk_number_u64(out + 1, ~(uint64_t)value + 1);
}

/* ---- Doubles to text ------------------------------------------------- */

/* The shortest digits are found as Raffaello Giulietti describes in "The Schubfach way to render doubles": scale the
 * value and the two ends of its rounding interval by a power of ten, and pick a multiple of ten, else of one, between
 * the ends. The powers of ten, 128 bits each and rounded up, are computed at the first use. */

__extension__ typedef unsigned __int128 wide;

struct u128 {
    uint64_t high, low;
};

#define POWER_MIN (-292)
#define POWER_MAX 324
#define LIMBS 19 /* 1216 bits: 10^324 has 1077; 2^1215 / 10^292 keeps 245 */

static struct u128 powers[POWER_MAX - POWER_MIN + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

/* The top 128 bits of a number of LIMBS limbs, lowest first, rounded up when anything below them is set. */
static struct u128 top_bits(const uint64_t *limbs, bool inexact)
{
    int top = LIMBS - 1;
    while (!limbs[top])
        top--;
    uint64_t three[3] = {0};
    for (int i = 0; i < 3 && top - i >= 0; i++)
        three[i] = limbs[top - i];
    int shift = __builtin_clzll(three[0]);
    struct u128 bits = {three[0], three[1]};
    uint64_t rest = three[2];
    if (shift) {
        bits.high = three[0] << shift | three[1] >> (64 - shift);
        bits.low = three[1] << shift | three[2] >> (64 - shift);
        rest = three[2] << shift;
    }
    for (int i = top - 3; i >= 0; i--)
        rest |= limbs[i];
    if ((rest || inexact) && ++bits.low == 0)
        bits.high++;
    return bits;
}

static void times_ten(uint64_t *limbs)
{
    wide carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (wide)limbs[i] * 10;
        limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void divide_by_ten(uint64_t *limbs)
{
    wide rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 64 | limbs[i];
        limbs[i] = (uint64_t)(rest / 10);
        rest %= 10;
    }
}

static void compute_powers(void)
{
    uint64_t up[LIMBS] = {1}, down[LIMBS] = {0};
    for (int k = 0; k <= POWER_MAX; k++, times_ten(up))
        powers[k - POWER_MIN] = top_bits(up, false);
    down[LIMBS - 1] = UINT64_C(1) << 63;
    for (int k = -1; k >= POWER_MIN; k--) {
        divide_by_ten(down); /* floors, and floors of floors are exact: 10^k itself lies a little above */
        powers[k - POWER_MIN] = top_bits(down, true);
    }
}

static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

static int floor_log10_pow2(int e, bool three_quarters)
{
    return (e * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

/* The high half of g * factor, its last bit set when the product has bits below. */
static uint64_t round_to_odd(struct u128 g, uint64_t factor)
{
    wide low = (wide)g.low * factor;
    wide high = (wide)g.high * factor + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

struct decimal {
    uint64_t digits;
    int exponent;
};

static struct decimal shortest(uint64_t fraction, int biased)
{
    uint64_t c = biased ? fraction | UINT64_C(1) << 52 : fraction;
    int q = (biased ? biased : 1) - 1075;
    bool even = c % 2 == 0;
    bool narrow_below = fraction == 0 && biased > 1;

    int k = floor_log10_pow2(q, narrow_below);
    int h = q + floor_log2_pow10(-k) + 1;
    struct u128 g = powers[-k - POWER_MIN];
    uint64_t below = round_to_odd(g, (4 * c - 2 + narrow_below) << h) + !even;
    uint64_t value = round_to_odd(g, (4 * c) << h);
    uint64_t above = round_to_odd(g, (4 * c + 2) << h) - !even;

    uint64_t s = value / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down_fits = below <= 40 * tens, up_fits = 40 * tens + 40 <= above;
        if (down_fits != up_fits)
            return (struct decimal){tens + up_fits, k + 1};
    }
    bool down_fits = below <= 4 * s, up_fits = 4 * s + 4 <= above;
    if (down_fits != up_fits)
        return (struct decimal){s + up_fits, k};
    uint64_t middle = 4 * s + 2;
    return (struct decimal){s + (value > middle || (value == middle && s % 2)), k};
}

static size_t put_zeros(char *out, int n)
{
    memset(out, '0', (size_t)n);
    return (size_t)n;
}

/* Digits and exponent in ECMAScript's notation: plain between 1e-7 and 1e21, else with an exponent. `point` is where
 * the decimal point stands, counted from the first digit. */
static size_t put_decimal(char *out, const char *digits, size_t count, int point)
{
    char *p = out;
    int n = (int)count;
    if (n <= point && point <= 21) {
        memcpy(p, digits, count);
        p += count;
        p += put_zeros(p, point - n);
    } else if (0 < point && point <= 21) {
        memcpy(p, digits, (size_t)point);
        p[point] = '.';
        memcpy(p + point + 1, digits + point, (size_t)(n - point));
        p += n + 1;
    } else if (-6 < point && point <= 0) {
        memcpy(p, "0.", 2);
        p += 2;
        p += put_zeros(p, -point);
        memcpy(p, digits, count);
        p += count;
    } else {
        *p++ = digits[0];
        if (n > 1) {
            *p++ = '.';
            memcpy(p, digits + 1, count - 1);
            p += count - 1;
        }
        *p++ = 'e';
        *p++ = point > 0 ? '+' : '-';
        p += otk_number_u64(p, (uint64_t)abs(point - 1));
    }
    return (size_t)(p - out);
}

size_t otk_number_double(char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t sign = bits >> 63;
    if (bits << 1 == 0) {
        memcpy(out, sign ? "-0.0" : "0", sign ? 4 : 1);
        return sign ? 4 : 1;
    }
    *out = '-';
    double magnitude = fabs(value);
    if (magnitude < 9007199254740992.0 && magnitude == (double)(uint64_t)magnitude)
        return sign + otk_number_u64(out + sign, (uint64_t)magnitude);

    pthread_once(&powers_once, compute_powers);
    struct decimal d = shortest(bits & ((UINT64_C(1) << 52) - 1), (int)(bits >> 52 & 0x7ff));
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    char digits[20];
    size_t count = otk_number_u64(digits, d.digits);
    return sign + put_decimal(out + sign, digits, count, (int)count + d.exponent);
}

/* ---- Text to numbers ------------------------------------------------- */

/* A number's digits without leading and trailing zeros, the exponent applied to their end. */
struct scan {
    uint64_t digits; /* the first 20 at most */
    long long exponent;
    bool negative;
    bool exact;      /* all digits are in `digits` */
};

#define EXPONENT_MAX 100000000 /* beyond any double and any length of text; keeps sums from overflowing */

static const char *scan_exponent(const char *p, const char *end, long long *exponent)
{
    bool negative = p < end && *p == '-';
    long long value = 0;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    for (; p < end; p++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*p - '0');
    *exponent += negative ? -value : value;
    return p;
}

static struct scan scan(const char *p, size_t size)
{
    const char *end = p + size;
    struct scan s = {.exact = true, .negative = size && *p == '-'};
    bool fraction = false;
    size_t zeros = 0, kept = 0;
    if (s.negative)
        p++;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        s.exponent -= fraction;
        if (*p == '0') { /* counts only when another digit follows */
            zeros++;
            continue;
        }
        size_t place = kept ? zeros + 1 : 1;
        for (zeros = 0; place; place--) {
            unsigned digit = place == 1 ? (unsigned)(*p - '0') : 0;
            if (kept >= 20 || __builtin_mul_overflow(s.digits, 10, &s.digits) ||
                __builtin_add_overflow(s.digits, digit, &s.digits)) {
                s.exact = false;
                break;
            }
            kept++;
        }
        if (!s.exact)
            break;
    }
    if (!s.exact)
        return s;
    s.exponent += kept ? (long long)zeros : 0;
    if (!kept)
        s.exponent = 0;
    else if (p < end)
        scan_exponent(p + 1, end, &s.exponent);
    return s;
}

struct otk_decimal otk_number_parse(const char *text, size_t size)
{
    struct scan s = scan(text, size);
    struct otk_decimal d = {.negative = s.negative, .magnitude = s.digits};
    if (!s.exact) { /* over 64 bits; whether it has a fraction matters to nobody then */
        d.integral = true;
        return d;
    }
    d.integral = s.exponent >= 0;
    d.fits = d.integral && (s.digits == 0 || s.exponent < 20);
    for (long long i = 0; d.fits && s.digits && i < s.exponent; i++)
        d.fits = !__builtin_mul_overflow(d.magnitude, 10, &d.magnitude);
    return d;
}

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* strtod in the C locale, whatever the host has set. */
static double parse_slowly(const char *text, size_t size)
{
    char small[128];
    char *copy = size < sizeof small ? small : malloc(size + 1);
    if (!copy) {
        copy = small; /* the first digits give the double to within its last bit */
        size = sizeof small - 1;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    pthread_once(&c_locale_once, make_c_locale);
    double value = c_locale ? strtod_l(copy, NULL, c_locale) : strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return value;
}

double otk_number_parse_double(const char *text, size_t size)
{
    struct scan s = scan(text, size);
    /* Both numbers are exact doubles, so that one operation rounds once (William Clinger, 1990). */
    if (s.exact && s.digits <= UINT64_C(1) << 53 && s.exponent >= -22 && s.exponent <= 22) {
        double magnitude = (double)s.digits;
        magnitude = s.exponent < 0 ? magnitude / exact_powers[-s.exponent] : magnitude * exact_powers[s.exponent];
        return s.negative ? -magnitude : magnitude;
    }
    return parse_slowly(text, size);
}
