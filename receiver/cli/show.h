/* Captures on standard output, as lines for people or as OTLP/JSON; then what
 * has no place in JSON, refusals and notes, goes to standard error. */
#ifndef OTLPKIT_SHOW_H
#define OTLPKIT_SHOW_H

#include <otlpkit/receiver.h>

struct show {
    bool json;
    bool color;
};

/* Colour on a terminal, unless NO_COLOR is set (no-color.org). */
struct show otk_show(bool json);

/* `where` starts the lines on standard error. Returns what the receiver's
 * writers return. */
int otk_show_capture(const struct show *show, const otk_capture *capture, const char *where);

/* What went wrong, after OTK_ESYSTEM in words of errno. */
const char *otk_show_error(int code);

#endif
