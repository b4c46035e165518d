#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct show otk_show(bool json)
{
    const char *no_color = getenv("NO_COLOR");
    return (struct show){json, isatty(STDOUT_FILENO) && !(no_color && *no_color)};
}

/* What a client sent may hold what a terminal obeys. */
static void put_clean(const char *text)
{
    for (; *text; text++)
        putc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, stderr);
}

static void tell(const char *where, const otk_capture *c, const char *what, const char *text)
{
    fprintf(stderr, "%s: request %" PRIu64 ": %s", where, c->number, what);
    put_clean(text);
    putc('\n', stderr);
}

static void tell_refusal(const char *where, const otk_capture *c)
{
    fprintf(stderr, "%s: request %" PRIu64 ": refused with %u: ", where, c->number, c->status);
    put_clean(c->method);
    putc(' ', stderr);
    put_clean(c->target);
    fputs(": ", stderr);
    put_clean(c->reason);
    putc('\n', stderr);
}

int otk_show_capture(const struct show *show, const otk_capture *capture, const char *where)
{
    if (!show->json)
        return otk_capture_write_text(capture, stdout, show->color);
    if (capture->status >= 400)
        tell_refusal(where, capture);
    if (*capture->notes)
        tell(where, capture, "", capture->notes);
    return otk_capture_write_json(capture, stdout);
}

const char *otk_show_error(int code)
{
    return code == OTK_ESYSTEM ? strerror(errno) : code == OTK_ENOMEM ? "out of memory" : "too much for one line";
}
