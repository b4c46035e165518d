#include "caret.h"

/* As many spaces as there are characters before it. */
void otk_caret_write(struct otk_buffer *out, const char *text, size_t at, size_t size)
{
    size_t from = at;
    while (from && text[from - 1] != '\n')
        from--;
    otk_buffer_text(out, "\n  ");
    otk_buffer_append(out, text + from, strcspn(text + from, "\n"));
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
