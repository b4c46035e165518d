#include "selector_lexer.h"

#include "number.h"

#include <math.h>
#include <stdio.h>

static char peek(const struct sel_lexer *x, size_t ahead)
{
    return x->at + ahead < x->size ? x->text[x->at + ahead] : '\0';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct sel_place here(const struct sel_lexer *x, size_t from)
{
    return (struct sel_place){(uint32_t)from, (uint32_t)(x->at > from ? x->at - from : 1)};
}

#define wrong(x_, from_, ...) otk_selector_fault((x_)->fault, here(x_, from_), __VA_ARGS__)

/* ---- Strings --------------------------------------------------------- */

static void put_utf8(char **to, uint32_t c)
{
    char *p = *to;
    if (c < 0x80) {
        *p++ = (char)c;
    } else if (c < 0x800) {
        *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *p++ = (char)(0xe0 | c >> 12);
        *p++ = (char)(0x80 | (c >> 6 & 0x3f));
        *p++ = (char)(0x80 | (c & 0x3f));
    } else {
        *p++ = (char)(0xf0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 0x3f));
        *p++ = (char)(0x80 | (c >> 6 & 0x3f));
        *p++ = (char)(0x80 | (c & 0x3f));
    }
    *to = p;
}

/* `count` hexadecimal digits as a character. */
static int read_hex(struct sel_lexer *x, size_t from, size_t count, char **to)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = peek(x, 0);
        uint32_t digit = is_digit(c) ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;
        if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
            return wrong(x, from, "an escape needs %zu hexadecimal digits here", count);
        value = value << 4 | digit;
        x->at++;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return wrong(x, from, "there is no such character");
    put_utf8(to, value);
    return 0;
}

static int read_escape(struct sel_lexer *x, char **to)
{
    static const char letters[] = "abfnrtv\\\"'", meaning[] = "\a\b\f\n\r\t\v\\\"'";
    size_t from = x->at++;
    char c = peek(x, 0);
    const char *known = c ? strchr(letters, c) : NULL;
    x->at += x->at < x->size;
    if (known)
        *(*to)++ = meaning[known - letters];
    else if (c == 'x' || c == 'u' || c == 'U')
        return read_hex(x, from, c == 'x' ? 2 : c == 'u' ? 4 : 8, to);
    else
        return wrong(x, from, "no such escape in a string; a backslash itself is \\\\, or use `backticks`");
    return 0;
}

/* Reads a quoted string and appends what it stands for, which is never longer, to *to. */
static int read_quoted(struct sel_lexer *x, char **to)
{
    size_t from = x->at;
    char quote = x->text[x->at++];
    while (x->at < x->size && x->text[x->at] != quote) {
        if (x->text[x->at] == '\\' && quote == '"') {
            int rc = read_escape(x, to);
            if (rc)
                return rc;
        } else {
            *(*to)++ = x->text[x->at++];
        }
    }
    if (x->at == x->size) {
        x->at = from;
        return wrong(x, from, "this string has no end");
    }
    x->at++;
    return 0;
}

static int read_string(struct sel_lexer *x, struct sel_token *out)
{
    char *text = x->room;
    int rc = read_quoted(x, &x->room);
    out->kind = SEL_TOKEN_STRING;
    out->string = (otk_string){text, (size_t)(x->room - text)};
    return rc;
}

/* ---- Attributes ------------------------------------------------------ */

static bool in_attribute(char c)
{
    return c && !is_space(c) && !strchr("{}()=~!<>&|^,[]", c);
}

/* From the dot on. Quoted parts may hold any character. */
static int read_attribute(struct sel_lexer *x, struct sel_token *out, size_t from)
{
    size_t dot = x->at++;
    char *text = x->room;
    while (in_attribute(peek(x, 0))) {
        int rc = 0;
        if (peek(x, 0) == '"')
            rc = read_quoted(x, &x->room);
        else
            *x->room++ = x->text[x->at++];
        if (rc)
            return rc;
    }
    out->kind = SEL_TOKEN_ATTRIBUTE;
    out->scope = (otk_string){x->text + from, dot - from};
    out->string = (otk_string){text, (size_t)(x->room - text)};
    return x->room == text ? wrong(x, from, "an attribute needs a name behind the dot") : 0;
}

static int read_word(struct sel_lexer *x, struct sel_token *out)
{
    size_t from = x->at;
    while (is_letter(peek(x, 0)) || is_digit(peek(x, 0)) || (peek(x, 0) == ':' && is_letter(peek(x, 1))))
        x->at++;
    if (peek(x, 0) == '.')
        return read_attribute(x, out, from);
    out->kind = SEL_TOKEN_WORD;
    return 0;
}

/* ---- Numbers --------------------------------------------------------- */

static const struct {
    const char *name;
    double nanoseconds;
} units[] = {
    {"ns", 1},   {"us", 1e3},   {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},          {"s", 1e9},
    {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9},     {"w", 7 * 86400e9}, {"y", 365 * 86400e9},
};

/* The unit at the lexer's place, as nanoseconds, or 0. */
static double take_unit(struct sel_lexer *x)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].name);
        if (x->size - x->at < n || memcmp(x->text + x->at, units[i].name, n) != 0)
            continue;
        char next = x->at + n < x->size ? x->text[x->at + n] : '\0';
        if (is_letter(next))
            continue;
        x->at += n;
        return units[i].nanoseconds;
    }
    return 0;
}

static size_t take_digits(struct sel_lexer *x)
{
    size_t from = x->at;
    while (is_digit(peek(x, 0)))
        x->at++;
    return x->at - from;
}

/* Digits with fraction and exponent; whether there was one of the latter. */
static bool take_number(struct sel_lexer *x)
{
    bool fraction = false;
    take_digits(x);
    if (peek(x, 0) == '.' && is_digit(peek(x, 1))) {
        fraction = true;
        x->at++;
        take_digits(x);
    }
    size_t sign = peek(x, 1) == '+' || peek(x, 1) == '-';
    if ((peek(x, 0) | 0x20) == 'e' && is_digit(peek(x, 1 + sign))) {
        fraction = true;
        x->at += 1 + sign;
        take_digits(x);
    }
    return fraction;
}

/* The rest of 1h30m, whose first number and unit are read. */
static int read_duration(struct sel_lexer *x, struct sel_token *out, size_t from, double nanoseconds)
{
    while (is_digit(peek(x, 0))) {
        size_t start = x->at;
        take_number(x);
        double count = otk_number_parse_double(x->text + start, x->at - start), unit = take_unit(x);
        if (unit == 0)
            return wrong(x, start, "a duration ends with a unit: ns, us, ms, s, m, h, d, w or y");
        nanoseconds += count * unit;
    }
    if (!(nanoseconds < 9.2e18))
        return wrong(x, from, "this duration is longer than 292 years");
    out->kind = SEL_TOKEN_DURATION;
    out->i = (int64_t)llround(nanoseconds);
    return 0;
}

static int read_number(struct sel_lexer *x, struct sel_token *out)
{
    char padded[OTK_NUMBER_MAX * 2] = "0";
    size_t from = x->at;
    bool fraction = take_number(x);
    size_t n = x->at - from, zero = x->text[from] == '.';
    if (n + zero >= sizeof padded)
        return wrong(x, from, "this number is too long");
    memcpy(padded + zero, x->text + from, n);
    double value = otk_number_parse_double(padded, n + zero), unit = take_unit(x);
    if (unit > 0)
        return read_duration(x, out, from, value * unit);
    if (is_letter(peek(x, 0)))
        return wrong(x, from, "numbers end here, or with a unit of time: ns, us, ms, s, m, h, d, w or y");
    struct otk_decimal integer = otk_number_parse(padded, n + zero);
    bool fits = !fraction && integer.fits && integer.magnitude <= INT64_MAX;
    out->kind = fits ? SEL_TOKEN_INT : SEL_TOKEN_DOUBLE;
    out->i = fits ? (int64_t)integer.magnitude : 0;
    out->d = value;
    return isfinite(value) ? 0 : wrong(x, from, "this number is too large");
}

/* ---- Signs ----------------------------------------------------------- */

static const char *const signs[] = {
    /* the longer first */
    "!>>", "!<<", "&>>", "&<<", "!=", "=~", "!~", "<=", ">=", ">>", "<<", "!>", "!<", "&>", "&<", "&~", "&&", "||", "=",
    "<",   ">",   "~",   "|",   "!",  "+",  "-",  "*",  "/",  "%",  "^",  "(",  ")",  "{",  "}",  "[",  "]",  ",",
};

static int read_sign(struct sel_lexer *x, struct sel_token *out)
{
    if (peek(x, 0) == '=' && peek(x, 1) == '=') {
        x->at += 2;
        return wrong(x, x->at - 2, "== is no operator, = compares");
    }
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (x->size - x->at >= n && memcmp(x->text + x->at, signs[i], n) == 0) {
            x->at += n;
            out->kind = SEL_TOKEN_SIGN;
            return 0;
        }
    }
    size_t from = x->at++;
    if (x->text[from] == '&')
        return wrong(x, from, "& alone is no operator, && is");
    if (x->text[from] == '\'')
        return wrong(x, from, "strings stand in \"double quotes\" or `backticks`");
    if ((unsigned char)x->text[from] < ' ' || (unsigned char)x->text[from] > '~')
        return wrong(x, from, "no selector has this character outside of a string");
    return wrong(x, from, "%c means nothing here", x->text[from]);
}

int otk_sel_next_token(struct sel_lexer *x, struct sel_token *out)
{
    while (is_space(peek(x, 0)))
        x->at++;
    size_t from = x->at;
    char c = peek(x, 0);
    *out = (struct sel_token){.kind = SEL_TOKEN_END};
    int rc = 0;
    if (x->at == x->size)
        rc = 0;
    else if (is_digit(c) || (c == '.' && is_digit(peek(x, 1))))
        rc = read_number(x, out);
    else if (c == '"' || c == '`')
        rc = read_string(x, out);
    else if (c == '.')
        rc = read_attribute(x, out, from);
    else if (is_letter(c))
        rc = read_word(x, out);
    else
        rc = read_sign(x, out);
    out->place = here(x, from);
    out->text = (otk_string){x->text + from, x->at - from};
    return rc;
}
