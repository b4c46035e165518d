/* Text from outside, made safe to show: what a terminal, a log or a reader of XML would act on is spelled out instead. */
#ifndef OTLPKIT_VISIBLE_H
#define OTLPKIT_VISIBLE_H

#include "buffer.h"

/* Appends `text`; control characters and marks that turn the direction of writing become \n, \t, \u001b …, bytes that
 * are no UTF-8 \xff. Each character that is in `also` gets a backslash. */
void otk_visible(struct otk_buffer *out, const char *text, size_t size, const char *also);

/* Makes one line of UTF-8 of a sentence that quotes what came from outside, in place: what is neither becomes a '?'. */
void otk_make_text(char *sentence);

/* Whether what is at `p` must not be shown as it is: such a character, or a byte that is no UTF-8. Its size goes to
 * `length`. */
bool otk_is_hidden(const uint8_t *p, size_t size, size_t *length);

#endif
