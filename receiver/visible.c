#include "visible.h"

#include "utf8.h"

/* C1 controls act like their ESC forms, bidirectional marks make a line read as what it is not, and some readers break
 * lines at U+2028 or refuse what is no character. */
static const struct {
    unsigned first, last;
} hidden[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x200e, 0x200f}, {0x2028, 0x202e},
    {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfffe, 0xffff},
};

static unsigned decode(const uint8_t *p, size_t length)
{
    return length == 1   ? p[0]
           : length == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)
           : length == 3 ? (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu)
                         : 0x10000;
}

bool otk_is_hidden(const uint8_t *p, size_t size, size_t *length)
{
    size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    *length = 1;
    if (*p >= 0x20 && *p < 0x7f)
        return false;
    if (n > size || otk_utf8_valid(p, n) != n)
        return true;
    *length = n;
    unsigned code = decode(p, n);
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    return false;
}

static void add_hidden(struct otk_buffer *out, const uint8_t *p, size_t length)
{
    static const char *const short_forms[] = {['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (*p <= '\r' && short_forms[*p])
        otk_buffer_text(out, short_forms[*p]);
    else if (length == 1 && *p >= 0x80)
        otk_buffer_printf(out, "\\x%02x", *p);
    else
        otk_buffer_printf(out, "\\u%04x", decode(p, length));
}

void otk_visible(struct otk_buffer *out, const char *text, size_t size, const char *also)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + size;
    for (size_t n; p < end; p += n) {
        if (otk_is_hidden(p, (size_t)(end - p), &n)) {
            add_hidden(out, p, n);
            continue;
        }
        if (strchr(also, *p))
            otk_buffer_byte(out, '\\');
        otk_buffer_append(out, p, n);
    }
}

void otk_make_text(char *sentence)
{
    uint8_t *p = (uint8_t *)sentence;
    size_t size = strlen(sentence);
    bool valid = otk_utf8_valid(p, size) == size;
    for (size_t i = 0; i < size; i++)
        if (p[i] < 0x20 || p[i] == 0x7f || (p[i] >= 0x80 && !valid))
            p[i] = '?';
}
