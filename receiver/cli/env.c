/* otlpkit env: what an environment means for an SDK. */
#include "command.h"

#include <errno.h>
#include <otlpkit/sdk.h>
#include <stdlib.h>
#include <unistd.h>

struct env {
    bool list;
};

static const struct option options[] = {
    OPTION("list", NULL, OPTION_FLAG, struct env, list, "every variable that is read, its default, and what it is for"),
};

enum { FIRST_SIZE = 4096, MAX_SIZE = 16 << 20 };

/* ---- A file's -------------------------------------------------------- */

/* All of it and a NUL, or NULL with errno. */
static char *read_all(FILE *file, size_t *size)
{
    char *text = NULL;
    size_t used = 0;
    for (size_t room = FIRST_SIZE; room <= MAX_SIZE; room *= 2) {
        char *larger = realloc(text, room);
        if (!larger)
            break;
        text = larger;
        used += fread(text + used, 1, room - 1 - used, file);
        if (ferror(file))
            break;
        if (used + 1 < room) {
            text[used] = '\0';
            *size = used;
            return text;
        }
        errno = EFBIG;
    }
    free(text);
    return NULL;
}

/* The settings in `text`: each ends with a NUL as in /proc/PID/environ or, where there is none, with its line. */
static const char **split(char *text, size_t size)
{
    char end = memchr(text, '\0', size) ? '\0' : '\n';
    size_t count = 1;
    for (size_t i = 0; i < size; i++)
        count += text[i] == end;
    const char **settings = malloc((count + 1) * sizeof *settings);
    if (!settings)
        return NULL;
    size_t n = 0;
    for (char *at = text; n < count; n++) {
        settings[n] = at;
        at += strcspn(at, end ? "\n" : "");
        *at++ = '\0';
    }
    settings[n] = NULL;
    return settings;
}

static int cannot_read(const char *name)
{
    fprintf(stderr, "otlpkit env: cannot read %s: %s\n", name, strerror(errno));
    return errno == ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
}

/* ---- Showing --------------------------------------------------------- */

static int print(const char *const *environment)
{
    int rc = otk_sdk_print_environment(environment, stdout);
    if (rc >= 0)
        return rc ? EXIT_UNMET : EXIT_HOLDS;
    fputs("otlpkit env: memory ran out\n", stderr);
    return EXIT_MACHINE;
}

static int print_file(const char *name)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    size_t size;
    char *text = file ? read_all(file, &size) : NULL;
    const char **settings = text ? split(text, size) : NULL;
    int code = settings ? print(settings) : cannot_read(name);
    free(settings);
    free(text);
    if (file && file != stdin)
        fclose(file);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct env env = {false};
    struct operands files;
    int code = otk_options_parse(self, argc, argv, &env, &files);
    if (code != OPTIONS_GO)
        return code;
    if (files.count > 1)
        return otk_options_wrong(self, "takes one FILE, but got '%s' too", files.items[1]);
    if (env.list) {
        otk_sdk_print_variables(stdout);
        return EXIT_HOLDS;
    }
    return files.count ? print_file(files.items[0]) : print((const char *const *)environ);
}

const struct command otk_env_command = {
    .name = "env",
    .operands = "[FILE]",
    .summary = "show what an environment means for an SDK",
    .details = "Shows where each signal will go, which values are in force, and what is wrong with those\n"
               "that are set: of its own environment, or of the one in FILE ('-': standard input), which\n"
               "holds NAME=value lines, or is a program's /proc/PID/environ. Secrets are masked.\n"
               "Exits 1 when something is wrong.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
