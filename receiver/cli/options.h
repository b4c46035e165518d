/* Command line options: one table a subcommand, from which parsing and --help both come. */
#ifndef OTLPKIT_OPTIONS_H
#define OTLPKIT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* What an option's argument is, and the type of the member that takes it. */
enum option_kind {
    OPTION_FLAG,     /* none; bool */
    OPTION_TEXT,     /* const char * */
    OPTION_LIST,     /* text, as often as it is given; struct words */
    OPTION_PORT,     /* 0 to 65535; uint16_t */
    OPTION_SIZE,     /* 64MiB; size_t */
    OPTION_DURATION, /* 500ms, 2s, 1m; unsigned, milliseconds */
    OPTION_COUNT,    /* 1 and more; unsigned */
    OPTION_CHOICE    /* a word of `choices`; int, its position */
};

struct option {
    const char *name;     /* without the dashes */
    const char *argument; /* as help names it; NULL for flags */
    enum option_kind kind;
    size_t at;            /* offset of the member */
    const char *const *choices; /* ended by NULL */
    const char *help;
};

#define OPTION(name, argument, kind, type, member, help) {name, argument, kind, offsetof(type, member), NULL, help}
#define OPTION_OF(name, argument, choices, type, member, help) \
    {name, argument, OPTION_CHOICE, offsetof(type, member), choices, help}

/* Options of a struct that several commands contain. */
struct option_group {
    const struct option *items;
    size_t count;
};

/* Starts empty; free() the items. */
struct words {
    const char **items;
    size_t count;
};

struct operands {
    char **items; /* a NULL behind the last */
    int count;
};

/* False when memory ran out. */
bool otk_words_add(struct words *words, const char *word);

#define OPTIONS_GO (-1)

struct command;

/* Reads `argv` into `values`, and what is no option into `operands`. Answers
 * --help and --version itself. Returns OPTIONS_GO, or the code to exit with. */
int otk_options_parse(const struct command *command, int argc, char **argv, void *values, struct operands *operands);

/* Says what is wrong with the usage, and where help is. Returns the code to exit with. */
__attribute__((format(printf, 2, 3))) int otk_options_wrong(const struct command *command, const char *format, ...);

#endif
