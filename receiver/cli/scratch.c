#include "scratch.h"

#include <errno.h>
#include <string.h>

static int refused(const struct command *command, const char *what)
{
    fprintf(stderr, "otlpkit %s: cannot %s a temporary file: %s\n", command->name, what, strerror(errno));
    return EXIT_MACHINE;
}

int otk_scratch_open(struct scratch *s, const struct command *command)
{
    s->file = tmpfile();
    if (!s->file)
        return refused(command, "make");
    snprintf(s->path, sizeof s->path, "/proc/self/fd/%d", fileno(s->file));
    return EXIT_HOLDS;
}

int otk_scratch_finish(const struct scratch *s, const struct command *command, bool *some)
{
    if (fflush(s->file) || ferror(s->file))
        return refused(command, "write");
    *some = ftell(s->file) > 0;
    return EXIT_HOLDS;
}
