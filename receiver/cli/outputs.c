#include "outputs.h"

#include <errno.h>
#include <otlpkit/receiver.h>
#include <stdlib.h>

static const char *file_of(const char *wanted)
{
    const char *equals = strchr(wanted, '=');
    return equals && strcmp(equals, "=-") != 0 ? equals + 1 : NULL;
}

/* The position of the format that begins `wanted`, or -1. */
static int format_of(const struct outputs *o, const char *wanted)
{
    size_t size = strcspn(wanted, "=");
    for (int i = 0; o->formats[i]; i++)
        if (strlen(o->formats[i]) == size && memcmp(o->formats[i], wanted, size) == 0)
            return i;
    return -1;
}

static int wrong_format(const struct outputs *o, const char *wanted)
{
    char names[128] = "";
    size_t size = 0;
    for (int i = 0; o->formats[i] && size < sizeof names; i++)
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s",
                                 !i ? "" : o->formats[i + 1] ? ", " : " or ", o->formats[i]);
    return otk_options_wrong(o->command, "--report needs %s, not '%s'", names, wanted);
}

static int open_one(struct outputs *o, size_t i)
{
    const char *wanted = o->wanted.items[i], *file = file_of(wanted);
    if (format_of(o, wanted) < 0)
        return wrong_format(o, wanted);
    o->files[i] = file ? fopen(file, "we") : stdout;
    if (o->files[i])
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit %s: cannot write %s: %s\n", o->command->name, file, strerror(errno));
    return EXIT_MACHINE;
}

int otk_outputs_open(struct outputs *o, const struct command *command, const char *const *formats)
{
    int code = EXIT_HOLDS;
    o->command = command;
    o->formats = formats;
    o->files = calloc(o->wanted.count + 1, sizeof *o->files);
    if (!o->files) {
        fprintf(stderr, "otlpkit %s: out of memory\n", o->command->name);
        return EXIT_MACHINE;
    }
    for (size_t i = 0; i < o->wanted.count && !code; i++)
        code = open_one(o, i);
    return code;
}

static int write_one(struct outputs *o, size_t i, output_fn *write, void *arg)
{
    const char *wanted = o->wanted.items[i], *file = file_of(wanted);
    int rc = write(arg, format_of(o, wanted), o->files[i]);
    if (o->files[i] != stdout && fclose(o->files[i]))
        rc = OTK_ESYSTEM;
    o->files[i] = NULL;
    if (!rc)
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit %s: cannot write %s: %s\n", o->command->name, file ? file : "to standard output",
            rc == OTK_ESYSTEM ? strerror(errno) : "out of memory");
    return EXIT_MACHINE;
}

int otk_outputs_write(struct outputs *o, output_fn *write, void *arg)
{
    int code = EXIT_HOLDS;
    for (size_t i = 0; i < o->wanted.count; i++) {
        int written = write_one(o, i, write, arg);
        code = written ? written : code;
    }
    return code;
}

void otk_outputs_clear(struct outputs *o)
{
    for (size_t i = 0; i < o->wanted.count && o->files; i++)
        if (o->files[i] && o->files[i] != stdout)
            fclose(o->files[i]);
    free(o->files);
    free(o->wanted.items);
}
