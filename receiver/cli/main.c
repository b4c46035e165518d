#include "command.h"

#include <errno.h>
#include <otlpkit/receiver.h>

static const struct command *const commands[] = {
    &otk_run_command, &otk_serve_command, &otk_wait_command, &otk_check_command, &otk_clear_command, &otk_dump_command,
    &otk_env_command, &otk_conform_command,
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static void print_help(FILE *to)
{
    fputs("Usage: otlpkit COMMAND [OPTION]...\n\n"
          "Catches what programs export as OTLP, and shows it.\n\n",
          to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'otlpkit COMMAND --help' tells more.\n", to);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* How many letters must change to make one of the other (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= sizeof row / sizeof *row)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[n];
}

const char *otk_nearest(const char *word, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d < least && d < strlen(names[i])) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}

static int unknown_command(const char *word)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i]->name;
    const char *nearest = otk_nearest(word, names, COMMAND_COUNT);
    if (nearest)
        fprintf(stderr, "otlpkit: unknown command '%s', did you mean '%s'?\n", word, nearest);
    else
        fprintf(stderr, "otlpkit: unknown command '%s'\n", word);
    fputs("Try 'otlpkit --help'.\n", stderr);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (!*word) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return EXIT_HOLDS;
    }
    if (strcmp(word, "--version") == 0) {
        printf("otlpkit %s\n", otk_receiver_version());
        return EXIT_HOLDS;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, word) == 0)
            return commands[i]->run(commands[i], argc - 2, argv + 2);
    return unknown_command(word);
}

int main(int argc, char **argv)
{
    int code = run(argc, argv);
    if (code != EXIT_MACHINE && (fflush(stdout) || ferror(stdout))) {
        fprintf(stderr, "otlpkit: cannot write to standard output: %s\n", strerror(errno));
        return EXIT_MACHINE;
    }
    return code;
}
