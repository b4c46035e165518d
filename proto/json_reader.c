#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "json.h"
#include "number.h"
#include "utf8.h"
#include "writer.h"

/* Objects and arrays inside one another. A message that protobuf allows (OTK_WIRE_DEPTH_MAX) takes at most one of each. */
#define DEPTH_MAX (2 * OTK_WIRE_DEPTH_MAX)

/* Where the reader is: a field, and which element of it. */
struct step {
    const struct step *up;
    const struct otk_field *field;
    size_t index;
};

struct reader {
    const char *start, *p, *end; /* the text is valid UTF-8 as a whole */
    unsigned depth;
    struct otk_buffer *out;
    struct otk_gaps gaps;
    const struct step *step;
    struct otk_json_notes *notes;
    struct otk_fault *fault;
};

/* A string's or a number's characters, without quotes. */
struct token {
    const char *text;
    size_t size;
    bool quoted;
    bool escaped; /* a string with a backslash in it */
};

/* ---- Faults and notes ------------------------------------------------ */

/* Builds the path from its end, so that what does not fit is cut off in front. */
static void write_path(const struct step *step, char *out, size_t size)
{
    char text[256];
    char *p = text + sizeof text - 1;
    *p = '\0';
    for (; step; step = step->up) {
        char part[80];
        int name = step->field->json_size - 3;
        int n = step->field->repeated
                    ? snprintf(part, sizeof part, "%.*s[%zu]", name, step->field->json + 1, step->index)
                    : snprintf(part, sizeof part, "%.*s", name, step->field->json + 1);
        size_t dot = *p != '\0';
        if ((size_t)(p - text) < (size_t)n + dot + 3) {
            p -= 3;
            memcpy(p, "...", 3);
            break;
        }
        if (dot)
            *--p = '.';
        p -= n;
        memcpy(p, part, (size_t)n);
    }
    snprintf(out, size, "%s", p);
}

__attribute__((cold, format(printf, 3, 4))) static void set_fault(struct reader *r, const char *at,
                                                                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->fault->what, sizeof r->fault->what, format, args);
    va_end(args);
    r->fault->offset = (size_t)(at - r->start);
    write_path(r->step, r->fault->path, sizeof r->fault->path);
}

/* A macro, so that the compiler sees at every place that nothing goes on from there. */
#define fault(...) (set_fault(__VA_ARGS__), false)

/* How many bytes of a name may be shown in a message without cutting a character. */
static int shown(const struct token *t, size_t most)
{
    size_t n = t->size < most ? t->size : most;
    return (int)otk_utf8_valid((const uint8_t *)t->text, n);
}

__attribute__((cold)) static void note(struct reader *r, size_t *counter, const char *what, const struct token *t)
{
    ++*counter;
    if (r->notes->first[0])
        return;
    char path[256];
    write_path(r->step, path, sizeof path);
    snprintf(r->notes->first, sizeof r->notes->first, "%.120s%s%s \"%.*s\" at byte %zu", path, *path ? ": " : "", what,
             shown(t, 60), t->text, (size_t)(t->text - r->start));
}

/* ---- Tokens ---------------------------------------------------------- */

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static int peek(struct reader *r)
{
    skip_space(r);
    return r->p < r->end ? (unsigned char)*r->p : -1;
}

static bool expect(struct reader *r, char c)
{
    if (peek(r) != c)
        return fault(r, r->p, r->p == r->end ? "text ends where '%c' should stand" : "'%c' expected", c);
    r->p++;
    return true;
}

static bool literal(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return fault(r, r->p, "no JSON value");
    r->p += n;
    return true;
}

static bool read_string(struct reader *r, struct token *out)
{
    if (!expect(r, '"'))
        return false;
    const char *p = r->p;
    out->escaped = false;
    for (; p < r->end && *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return fault(r, p, "control character in a string");
        if (*p != '\\')
            continue;
        out->escaped = true;
        if (++p == r->end)
            break;
    }
    if (p >= r->end)
        return fault(r, r->p, "string without an end");
    out->text = r->p;
    out->size = (size_t)(p - r->p);
    out->quoted = true;
    r->p = p + 1;
    return true;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Where the number at `p` ends, or NULL when there is none (RFC 8259 section 6). */
static const char *number_end(const char *p, const char *end)
{
    const char *from;
    if (p < end && *p == '-')
        p++;
    p = digits(from = p, end);
    if (p == from || (*from == '0' && p - from > 1))
        return NULL;
    if (p < end && *p == '.') {
        p = digits(from = p + 1, end);
        if (p == from)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        p = digits(from = p, end);
        if (p == from)
            return NULL;
    }
    return p;
}

static bool read_number(struct reader *r, struct token *out)
{
    const char *to = number_end(r->p, r->end);
    if (!to)
        return fault(r, r->p, "no JSON value");
    *out = (struct token){.text = r->p, .size = (size_t)(to - r->p)};
    r->p = to;
    return true;
}

static bool enter(struct reader *r)
{
    return ++r->depth <= DEPTH_MAX || fault(r, r->p, "nested deeper than %d objects and arrays", DEPTH_MAX);
}

/* After a member or element: moves over the comma or the closing character; *more says which it was. */
static bool next_or_close(struct reader *r, char close, bool *more)
{
    int c = peek(r);
    if (c != ',' && c != close)
        return fault(r, r->p, c < 0 ? "text ends inside what '%c' should close" : "',' or '%c' expected", close);
    r->p++;
    *more = c == ',';
    r->depth -= !*more;
    return true;
}

/* Opens an object or array; *more is false when it is empty, and closed at once. */
static bool open_and_peek(struct reader *r, char open, char close, bool *more)
{
    if (!expect(r, open) || !enter(r))
        return false;
    *more = peek(r) != close;
    if (!*more) {
        r->p++;
        r->depth--;
    }
    return true;
}

/* ---- Skipping what is not known -------------------------------------- */

static bool skip_value(struct reader *r);
static bool unescape(struct reader *r, const struct token *t);

/* Its escapes are checked by decoding them, behind what was written so far. */
static bool skip_string(struct reader *r)
{
    struct token t;
    size_t before = r->out->size;
    bool ok = read_string(r, &t) && (!t.escaped || unescape(r, &t));
    r->out->size = before;
    return ok;
}

static bool skip_container(struct reader *r, char open, char close)
{
    bool more;
    if (!open_and_peek(r, open, close, &more))
        return false;
    while (more) {
        if (open == '{' && (!skip_string(r) || !expect(r, ':')))
            return false;
        if (!skip_value(r) || !next_or_close(r, close, &more))
            return false;
    }
    return true;
}

static bool skip_value(struct reader *r)
{
    struct token ignored;
    switch (peek(r)) {
    case '{':
        return skip_container(r, '{', '}');
    case '[':
        return skip_container(r, '[', ']');
    case '"':
        return skip_string(r);
    case 't':
        return literal(r, "true");
    case 'f':
        return literal(r, "false");
    case 'n':
        return literal(r, "null");
    default:
        return read_number(r, &ignored);
    }
}

/* ---- Strings and bytes ----------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of \uXXXX, of which p stands behind the u; -1 when it is none. */
static int32_t code_unit(const char *p, const char *end)
{
    int32_t unit = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static void put_utf8(struct otk_buffer *out, uint32_t c)
{
    uint8_t bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6)
        bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
    bytes[0] = (uint8_t)(lead[n] | c);
    otk_buffer_append(out, bytes, n);
}

/* Decodes a \u escape; *p stands behind the u and moves behind the escape. */
static bool read_unicode(struct reader *r, const char **p, const char *end)
{
    const char *at = *p - 2;
    int32_t unit = code_unit(*p, end);
    if (unit < 0)
        return fault(r, at, "\\u without four hex digits");
    *p += 4;
    uint32_t c = (uint32_t)unit;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        int32_t low = unit < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? code_unit(*p + 2, end) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return fault(r, at, "surrogate without its other half");
        c = 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
        *p += 6;
    }
    put_utf8(r->out, c);
    return true;
}

static bool read_escape(struct reader *r, const char **p, const char *end)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *(*p)++;
    if (letter == 'u')
        return read_unicode(r, p, end);
    const char *at = letter ? strchr(letters, letter) : NULL;
    if (!at)
        return fault(r, *p - 2, "unknown escape in a string");
    otk_buffer_byte(r->out, (uint8_t)meanings[at - letters]);
    return true;
}

/* Appends the characters of a string, its escapes decoded. */
static bool unescape(struct reader *r, const struct token *t)
{
    const char *p = t->text, *end = p + t->size;
    while (p < end) {
        const char *plain = p;
        while (p < end && *p != '\\')
            p++;
        otk_buffer_append(r->out, plain, (size_t)(p - plain));
        if (p < end && (p++, !read_escape(r, &p, end)))
            return false;
    }
    return true;
}

static bool write_text(struct reader *r, const struct otk_field *f, const struct token *t)
{
    if (!t->escaped) {
        otk_write_bytes(r->out, f->number, t->text, t->size);
        return true;
    }
    struct otk_open open = otk_write_begin(r->out, &r->gaps, f->number);
    bool ok = unescape(r, t);
    otk_write_end(r->out, &r->gaps, open);
    return ok;
}

/* The bytes are decoded where they go: the characters stand in for them until then. */
static bool write_id(struct reader *r, const struct otk_field *f, const struct token *t)
{
    size_t size = t->size / 2;
    if (t->size % 2 || (size && size != f->id_size && !f->id_lenient))
        return fault(r, t->text, "%zu characters long instead of %d hex digits", t->size, 2 * f->id_size);
    otk_write_bytes(r->out, f->number, t->text, size);
    uint8_t *id = r->out->failed ? NULL : r->out->data + r->out->size - size;
    for (size_t i = 0; id && i < size; i++) {
        int high = hex_value(t->text[2 * i]), low = hex_value(t->text[2 * i + 1]);
        if (high < 0 || low < 0)
            return fault(r, t->text + 2 * i, "no hex digits: ids are hex in OTLP/JSON, not base64");
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool decode_base64(struct reader *r, const char *text, size_t size)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            return fault(r, text + i, "no base64");
        bits = bits << 6 | (uint32_t)value;
        if (i % 4)
            otk_buffer_byte(r->out, (uint8_t)(bits >> (6 - 2 * (i % 4))));
    }
    return true;
}

/* Standard and URL-safe alphabet, with and without padding, as ProtoJSON takes them. */
static bool write_base64(struct reader *r, const struct otk_field *f, const struct token *t)
{
    size_t size = t->size;
    while (size && t->size - size < 2 && t->text[size - 1] == '=')
        size--;
    if (size % 4 == 1 || (size != t->size && t->size % 4))
        return fault(r, t->text, "no base64: wrong length");
    struct otk_open open = otk_write_begin(r->out, &r->gaps, f->number);
    bool ok = decode_base64(r, t->text, size);
    otk_write_end(r->out, &r->gaps, open);
    return ok;
}

/* ---- Numbers --------------------------------------------------------- */

/* A number, bare or in quotes. */
static bool read_numeric(struct reader *r, struct token *t)
{
    int c = peek(r);
    if (c == '"')
        return read_string(r, t);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, t);
    return fault(r, r->p, "a number expected");
}

static bool is_number(const struct token *t)
{
    return t->size && number_end(t->text, t->text + t->size) == t->text + t->size;
}

static bool read_double(struct reader *r, const struct token *t, uint64_t *raw)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
    const double values[] = {NAN, INFINITY, -INFINITY};
    double value = 0;
    size_t i = 0;
    while (t->quoted && i < 3 && (t->size != strlen(names[i]) || memcmp(t->text, names[i], t->size) != 0))
        i++;
    if (t->quoted && i < 3)
        value = values[i];
    else if (!is_number(t))
        return fault(r, t->text, "no number");
    else if (isinf(value = otk_number_parse_double(t->text, t->size)))
        return fault(r, t->text, "does not fit a double");
    memcpy(raw, &value, sizeof *raw);
    return true;
}

static const struct {
    uint64_t most;       /* the largest value */
    uint64_t most_below; /* the magnitude of the smallest */
} ranges[] = {
    [OTK_FIELD_INT32] = {INT32_MAX, (uint64_t)INT32_MAX + 1},
    [OTK_FIELD_SINT32] = {INT32_MAX, (uint64_t)INT32_MAX + 1},
    [OTK_FIELD_UINT32] = {UINT32_MAX, 0},
    [OTK_FIELD_FIXED32] = {UINT32_MAX, 0},
    [OTK_FIELD_INT64] = {INT64_MAX, (uint64_t)INT64_MAX + 1},
    [OTK_FIELD_SFIXED64] = {INT64_MAX, (uint64_t)INT64_MAX + 1},
    [OTK_FIELD_UINT64] = {UINT64_MAX, 0},
    [OTK_FIELD_FIXED64] = {UINT64_MAX, 0},
};

static bool in_range(const struct otk_field *f, const struct otk_decimal *d)
{
    return d->fits && d->magnitude <= (d->negative ? ranges[f->type].most_below : ranges[f->type].most);
}

static bool read_integer(struct reader *r, const struct otk_field *f, const struct token *t, uint64_t *raw)
{
    if (!is_number(t))
        return fault(r, t->text, "no integer");
    struct otk_decimal d = otk_number_parse(t->text, t->size);
    if (!d.integral)
        return fault(r, t->text, "not a whole number");
    if (!in_range(f, &d))
        return fault(r, t->text, "does not fit the field");
    *raw = d.negative ? ~d.magnitude + 1 : d.magnitude;
    if (f->type == OTK_FIELD_SINT32) {
        uint32_t n = (uint32_t)*raw;
        *raw = (n << 1) ^ (~(n >> 31) + 1);
    }
    return true;
}

/* An enum by its name: senders must not, and it is clear what they mean. */
static bool read_enum_name(struct reader *r, const struct otk_field *f, const struct token *t, uint64_t *raw)
{
    for (const struct otk_enum_name *name = f->names; name->name; name++)
        if (strlen(name->name) == t->size && memcmp(name->name, t->text, t->size) == 0) {
            *raw = (uint64_t)(int64_t)name->number;
            note(r, &r->notes->enum_names, "enum given by name", t);
            return true;
        }
    return fault(r, t->text, "no such enum value");
}

static bool read_bool(struct reader *r, uint64_t *raw)
{
    int c = peek(r);
    *raw = c == 't';
    return c == 't' ? literal(r, "true") : c == 'f' ? literal(r, "false") : fault(r, r->p, "true or false expected");
}

static bool read_scalar(struct reader *r, const struct otk_field *f, uint64_t *raw)
{
    struct token t;
    if (f->type == OTK_FIELD_BOOL)
        return read_bool(r, raw);
    if (!read_numeric(r, &t))
        return false;
    if (f->type == OTK_FIELD_DOUBLE)
        return read_double(r, &t, raw);
    if (f->names && t.quoted && !is_number(&t))
        return read_enum_name(r, f, &t, raw);
    return read_integer(r, f, &t, raw);
}

static void write_scalar(struct otk_buffer *out, const struct otk_field *f, uint64_t raw)
{
    if (f->wire_type == OTK_WIRE_VARINT)
        otk_write_varint(out, f->number, raw);
    else if (f->wire_type == OTK_WIRE_I64)
        otk_write_fixed64(out, f->number, raw);
    else
        otk_write_fixed32(out, f->number, (uint32_t)raw);
}

/* The double beside an integer in its oneof: double_value beside int_value, as_double beside as_int. */
static const struct otk_field *double_beside(const struct otk_message *m, const struct otk_field *f)
{
    for (unsigned i = 0; f->oneof && i < m->field_count; i++)
        if (m->fields[i].oneof == f->oneof && m->fields[i].type == OTK_FIELD_DOUBLE)
            return &m->fields[i];
    return NULL;
}

/* JavaScript's exporters write a double that happens to be whole as an integer, 1e308 too. What does not fit is taken
 * as the double that it is. Returns whether that was so. */
static bool take_as_double(struct reader *r, const struct otk_message *m, const struct otk_field *f)
{
    const struct otk_field *beside = f->type == OTK_FIELD_INT64 || f->type == OTK_FIELD_SFIXED64 ? double_beside(m, f)
                                                                                                 : NULL;
    skip_space(r);
    const char *to = beside ? number_end(r->p, r->end) : NULL;
    if (!to)
        return false;
    struct token t = {.text = r->p, .size = (size_t)(to - r->p)};
    struct otk_decimal d = otk_number_parse(t.text, t.size);
    double value = otk_number_parse_double(t.text, t.size);
    if (!d.integral || in_range(f, &d) || isinf(value))
        return false;
    note(r, &r->notes->out_of_range, "integer taken as a double, for it does not fit 64 bits:", &t);
    otk_write_double(r->out, beside->number, value);
    r->p = to;
    return true;
}

/* ---- Messages -------------------------------------------------------- */

static bool read_members(struct reader *r, const struct otk_message *m);

static bool read_element(struct reader *r, const struct otk_field *f)
{
    struct token t;
    uint64_t raw;
    switch (f->type) {
    case OTK_FIELD_MESSAGE: {
        struct otk_open open = otk_write_begin(r->out, &r->gaps, f->number);
        bool ok = read_members(r, f->message);
        otk_write_end(r->out, &r->gaps, open);
        return ok;
    }
    case OTK_FIELD_STRING:
        return read_string(r, &t) && write_text(r, f, &t);
    case OTK_FIELD_BYTES:
        return read_string(r, &t) && (f->id_size ? write_id(r, f, &t) : write_base64(r, f, &t));
    default:
        if (!read_scalar(r, f, &raw))
            return false;
        write_scalar(r->out, f, raw);
        return true;
    }
}

static void put_packed(struct otk_buffer *out, const struct otk_field *f, uint64_t raw)
{
    uint8_t *to = otk_buffer_reserve(out, OTK_VARINT_MAX);
    if (!to)
        return;
    if (f->wire_type == OTK_WIRE_VARINT) {
        out->size = (size_t)(otk_varint_put(to, raw) - out->data);
        return;
    }
    size_t width = f->wire_type == OTK_WIRE_I64 ? 8 : 4;
    for (size_t i = 0; i < width; i++)
        to[i] = (uint8_t)(raw >> (8 * i));
    out->size += width;
}

static bool read_packed_element(struct reader *r, const struct otk_field *f)
{
    uint64_t raw;
    if (!read_scalar(r, f, &raw))
        return false;
    put_packed(r->out, f, raw);
    return true;
}

static bool read_elements(struct reader *r, const struct otk_field *f, struct step *step,
                          bool (*read_one)(struct reader *, const struct otk_field *))
{
    for (bool more = true; more; step->index++) {
        if (peek(r) == 'n')
            return fault(r, r->p, "null cannot stand in an array");
        if (!read_one(r, f) || !next_or_close(r, ']', &more))
            return false;
    }
    return true;
}

static bool read_array(struct reader *r, const struct otk_field *f, struct step *step)
{
    bool more;
    if (!open_and_peek(r, '[', ']', &more))
        return false;
    if (!more)
        return true;
    if (f->wire_type == OTK_WIRE_LEN)
        return read_elements(r, f, step, read_element);
    struct otk_open open = otk_write_begin(r->out, &r->gaps, f->number);
    bool ok = read_elements(r, f, step, read_packed_element);
    otk_write_end(r->out, &r->gaps, open);
    return ok;
}

/* As if the key were not there; but a value that is lost so deserves a word. */
static bool read_null(struct reader *r, const struct otk_field *f)
{
    struct token t = {.text = r->p, .size = strlen("null")};
    if (!literal(r, "null"))
        return false;
    if (f->oneof)
        note(r, &r->notes->null_values, "taken as no value:", &t);
    return true;
}

static bool read_field(struct reader *r, const struct otk_message *m, const struct otk_field *f)
{
    struct step step = {.up = r->step, .field = f};
    bool ok;
    r->step = &step;
    if (peek(r) == 'n')
        ok = read_null(r, f);
    else if (f->repeated)
        ok = read_array(r, f, &step);
    else
        ok = take_as_double(r, m, f) || read_element(r, f);
    r->step = step.up;
    return ok;
}

static const struct otk_field *find_field(const struct otk_message *m, const struct token *key)
{
    for (unsigned i = 0; i < m->field_count; i++) {
        const struct otk_field *f = &m->fields[i];
        if (f->json_size == key->size + 3 && memcmp(f->json + 1, key->text, key->size) == 0)
            return f;
    }
    return NULL;
}

/* A key may be spelled with escapes: then its decoded form is looked up, in the output buffer and taken back. */
static bool read_key(struct reader *r, const struct otk_message *m, struct token *key, const struct otk_field **out)
{
    if (!read_string(r, key) || !expect(r, ':'))
        return false;
    if (!key->escaped) {
        *out = find_field(m, key);
        return true;
    }
    size_t before = r->out->size;
    if (!unescape(r, key))
        return false;
    struct token decoded = {.text = (const char *)r->out->data + before, .size = r->out->size - before};
    *out = find_field(m, &decoded);
    r->out->size = before;
    return true;
}

static bool read_member(struct reader *r, const struct otk_message *m, uint32_t *seen)
{
    struct token key;
    const struct otk_field *f;
    if (!read_key(r, m, &key, &f))
        return false;
    if (!f) {
        note(r, &r->notes->unknown_keys, "unknown key", &key);
        return skip_value(r);
    }
    if (*seen & f->bit)
        return fault(r, key.text, "key \"%.*s\" stands twice in one object", shown(&key, 60), key.text);
    if (*seen & f->oneof)
        note(r, &r->notes->oneof_repeats, "second member of a oneof, the last one counts:", &key);
    *seen |= f->bit;
    return read_field(r, m, f);
}

static bool read_members(struct reader *r, const struct otk_message *m)
{
    uint32_t seen = 0;
    bool more;
    if (!open_and_peek(r, '{', '}', &more))
        return false;
    while (more && !r->out->failed)
        if (!read_member(r, m, &seen) || !next_or_close(r, '}', &more))
            return false;
    return true;
}

static bool start(struct reader *r)
{
    size_t valid = otk_utf8_valid((const uint8_t *)r->start, (size_t)(r->end - r->start));
    if (r->start + valid != r->end)
        return fault(r, r->start + valid, "invalid UTF-8");
    if (peek(r) != '{')
        return fault(r, r->p, r->p == r->end ? "no JSON: the text is empty" : "a JSON object expected");
    return true;
}

static bool finish(struct reader *r)
{
    skip_space(r);
    return r->p == r->end || fault(r, r->p, "something follows the JSON object");
}

int otk_json_read(struct otk_buffer *out, const struct otk_message *type, const char *text, size_t size,
                  struct otk_json_notes *notes, struct otk_fault *fault_out)
{
    *notes = (struct otk_json_notes){0};
    struct reader r = {.start = text, .p = text, .end = text + size, .out = out, .notes = notes, .fault = fault_out};
    bool ok = start(&r) && read_members(&r, type) && (out->failed || finish(&r));
    int rc = otk_write_finish(out, &r.gaps);
    return rc ? rc : ok ? 0 : OTK_EDATA;
}

static int find_signal(struct reader *r, otk_signal *out)
{
    bool more;
    if (!open_and_peek(r, '{', '}', &more))
        return OTK_EDATA;
    while (more) {
        struct token key;
        if (!read_string(r, &key))
            return OTK_EDATA;
        for (int signal = 0; signal < OTK_SIGNAL_COUNT; signal++)
            if (find_field(otk_schema((enum otk_message_id)signal), &key)) {
                *out = (otk_signal)signal;
                return 0;
            }
        if (!expect(r, ':') || !skip_value(r) || !next_or_close(r, '}', &more))
            return OTK_EDATA;
    }
    return OTK_EDATA;
}

int otk_json_signal(const char *text, size_t size, otk_signal *out)
{
    struct otk_fault ignored;
    struct otk_buffer no_output = OTK_BUFFER_INIT(0);
    struct reader r = {.start = text, .p = text, .end = text + size, .out = &no_output, .fault = &ignored};
    int rc = find_signal(&r, out);
    otk_buffer_clear(&no_output);
    return rc;
}
