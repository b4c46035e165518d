#include "visible.h"

#include "utf8.h"

#define NO_UTF8 0x110000

/* C1 controls act like their ESC forms, bidirectional marks make a line read as what it is not, and some readers break
 * lines at U+2028 or refuse what is no character. */
static const struct {
    unsigned first, last;
} hidden[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x200e, 0x200f}, {0x2028, 0x202e},
    {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfffe, 0xffff},
};

/* The character at `p`, which is well-formed and of at most three bytes. */
static unsigned decode(const uint8_t *p, size_t length)
{
    return length == 1   ? p[0]
           : length == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)
                         : (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

size_t otk_hidden_at(const uint8_t *p, size_t size, unsigned *code)
{
    if (*p >= 0x20 && *p < 0x7f)
        return 0;
    size_t length = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    *code = NO_UTF8;
    if (length > size || otk_utf8_valid(p, length) != length)
        return 1;
    *code = length < 4 ? decode(p, length) : 0;
    for (size_t i = 0; length < 4 && i < sizeof hidden / sizeof *hidden; i++)
        if (*code >= hidden[i].first && *code <= hidden[i].last)
            return length;
    return 0;
}

static void add_hidden(struct otk_buffer *out, unsigned code, uint8_t byte)
{
    static const char *const short_forms[] = {['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (code == NO_UTF8)
        otk_buffer_printf(out, "\\x%02x", byte);
    else if (code <= '\r' && short_forms[code])
        otk_buffer_text(out, short_forms[code]);
    else
        otk_buffer_printf(out, "\\u%04x", code);
}

void otk_visible(struct otk_buffer *out, const char *text, size_t size, const char *also)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + size;
    unsigned code;
    while (p < end) {
        size_t n = otk_hidden_at(p, (size_t)(end - p), &code);
        if (n) {
            add_hidden(out, code, *p);
            p += n;
            continue;
        }
        if (strchr(also, *p))
            otk_buffer_byte(out, '\\');
        otk_buffer_byte(out, *p++);
        while (p < end && (*p & 0xc0) == 0x80)
            otk_buffer_byte(out, *p++);
    }
}
