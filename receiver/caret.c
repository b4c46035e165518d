#include "caret.h"

#include "visible.h"

/* Each character takes one column: what cannot be shown becomes a question mark. */
static void add_line(struct otk_buffer *out, const uint8_t *p, size_t size)
{
    const uint8_t *end = p + size;
    for (size_t n; p < end; p += n) {
        if (otk_is_hidden(p, (size_t)(end - p), &n) && *p != '\t')
            otk_buffer_byte(out, '?');
        else
            otk_buffer_append(out, p, n);
    }
}

/* As many spaces as there are characters before it. */
void otk_caret_write(struct otk_buffer *out, const char *text, size_t at, size_t size)
{
    size_t from = at;
    while (from && text[from - 1] != '\n')
        from--;
    otk_buffer_text(out, "\n  ");
    add_line(out, (const uint8_t *)text + from, strcspn(text + from, "\n"));
    otk_buffer_text(out, "\n  ");
    for (size_t i = from; i < at; i++)
        if (text[i] == '\t')
            otk_buffer_byte(out, '\t');
        else if ((text[i] & 0xc0) != 0x80)
            otk_buffer_byte(out, ' ');
    otk_buffer_byte(out, '^');
    for (size_t i = at + 1; i < at + size && text[i] && text[i] != '\n'; i++)
        if ((text[i] & 0xc0) != 0x80)
            otk_buffer_byte(out, '~');
    otk_buffer_byte(out, '\n');
}
