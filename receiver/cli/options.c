#include "options.h"

#include "command.h"

#include <errno.h>
#include <otlpkit/receiver.h>
#include <stdarg.h>
#include <stdlib.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},      {"B", 1},        {"KiB", 1 << 10},   {"MiB", 1 << 20}, {"GiB", 1 << 30},
    {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {NULL, 0},
};

static const struct unit duration_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};

/* The command's options and then those that it shares, one after the other: the one at position `i`, and the offset of
 * what takes it. NULL beyond the last. */
static const struct option *option_at(const struct command *command, size_t i, size_t *at)
{
    const struct option *option = i < command->option_count ? &command->options[i] : NULL;
    size_t base = 0;
    i -= option ? 0 : command->option_count;
    for (size_t k = 0; !option && k < SHARED_MAX && command->shared[k].group; k++) {
        const struct option_group *group = command->shared[k].group;
        base = command->shared[k].at;
        option = i < group->count ? &group->items[i] : NULL;
        i -= option ? 0 : group->count;
    }
    *at = option ? base + option->at : 0;
    return option;
}

/* ---- Arguments ------------------------------------------------------- */

/* A number and one of `units`, from 1 to `max`. */
static bool parse_quantity(const char *text, const struct unit *units, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long number = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (!number || errno)
        return false;
    while (units->name && strcmp(units->name, end) != 0)
        units++;
    *out = number * units->factor;
    return units->name && number <= max / units->factor;
}

static bool parse_size(const char *text, const struct option *option, void *to)
{
    uint64_t value;
    (void)option;
    if (!parse_quantity(text, size_units, SIZE_MAX, &value))
        return false;
    *(size_t *)to = (size_t)value;
    return true;
}

static bool parse_duration(const char *text, const struct option *option, void *to)
{
    uint64_t value;
    (void)option;
    if (!parse_quantity(text, duration_units, INT32_MAX, &value))
        return false;
    *(unsigned *)to = (unsigned)value;
    return true;
}

static bool parse_count(const char *text, const struct option *option, void *to)
{
    uint64_t value;
    (void)option;
    if (!parse_quantity(text, size_units, INT32_MAX, &value) || strspn(text, "0123456789") != strlen(text))
        return false;
    *(unsigned *)to = (unsigned)value;
    return true;
}

static bool parse_port(const char *text, const struct option *option, void *to)
{
    size_t digits = strspn(text, "0123456789");
    (void)option;
    if (!digits || text[digits] || digits > 5 || atol(text) > UINT16_MAX)
        return false;
    *(uint16_t *)to = (uint16_t)atol(text);
    return true;
}

static bool parse_text(const char *text, const struct option *option, void *to)
{
    (void)option;
    *(const char **)to = text;
    return *text;
}

bool otk_words_add(struct words *words, const char *word)
{
    const char **longer = reallocarray(words->items, words->count + 1, sizeof *longer);
    if (!longer)
        return false;
    words->items = longer;
    words->items[words->count++] = word;
    return true;
}

static bool parse_list(const char *text, const struct option *option, void *to)
{
    (void)option;
    return otk_words_add(to, text) && *text;
}

static bool parse_choice(const char *text, const struct option *option, void *to)
{
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) != 0)
            continue;
        *(int *)to = i;
        return true;
    }
    return false;
}

static const struct {
    bool (*parse)(const char *text, const struct option *option, void *to);
    const char *wanted;
} kinds[] = {
    [OPTION_FLAG] = {NULL, ""},
    [OPTION_TEXT] = {parse_text, "some text"},
    [OPTION_LIST] = {parse_list, "some text"},
    [OPTION_PORT] = {parse_port, "a port from 0 to 65535"},
    [OPTION_SIZE] = {parse_size, "a size such as 64MiB"},
    [OPTION_DURATION] = {parse_duration, "a duration such as 500ms, 2s or 1m"},
    [OPTION_COUNT] = {parse_count, "a number from 1"},
    [OPTION_CHOICE] = {parse_choice, "one of"},
};

static int wrong_argument(const struct command *command, const struct option *option, const char *text)
{
    char choices[128] = "";
    for (size_t i = 0, used = 0; option->choices && option->choices[i] && used < sizeof choices; i++)
        used += (size_t)snprintf(choices + used, sizeof choices - used, "%s%s", i ? ", " : " ", option->choices[i]);
    const char *wanted = kinds[option->kind].wanted;
    if (!text)
        return otk_options_wrong(command, "--%s needs %s%s", option->name, wanted, choices);
    return otk_options_wrong(command, "--%s needs %s%s, not '%s'", option->name, wanted, choices, text);
}

/* ---- Help ------------------------------------------------------------ */

static void print_option(const char *name, const char *argument, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
    printf("  %-24s %s\n", left, help);
}

static void print_help(const struct command *command)
{
    printf("Usage: otlpkit %s [OPTION]...%s%s\n\n%s\n\n", command->name, *command->operands ? " " : "",
           command->operands, command->details);
    size_t at;
    const struct option *option;
    for (size_t i = 0; (option = option_at(command, i, &at)); i++)
        print_option(option->name, option->argument, option->help);
    print_option("help", NULL, "show this and exit");
    print_option("version", NULL, "show the version and exit");
}

int otk_options_wrong(const struct command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "otlpkit %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'otlpkit %s --help'.\n", command->name);
    return EXIT_USAGE;
}

/* ---- Parsing --------------------------------------------------------- */

static const struct option *find(const struct command *command, const char *name, size_t size, size_t *at)
{
    size_t i = 0;
    const struct option *option;
    do
        option = option_at(command, i++, at);
    while (option && (strlen(option->name) != size || memcmp(option->name, name, size) != 0));
    return option;
}

static int unknown(const struct command *command, const char *word, size_t size)
{
    const char *names[32] = {"help", "version"};
    size_t at, count = 2;
    const struct option *option;
    for (size_t i = 0; count < sizeof names / sizeof *names && (option = option_at(command, i, &at)); i++)
        names[count++] = option->name;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : sizeof name), word);
    const char *nearest = otk_nearest(name, names, count);
    if (nearest)
        return otk_options_wrong(command, "unknown option --%s, did you mean --%s?", name, nearest);
    return otk_options_wrong(command, "unknown option --%s", name);
}

/* Reads the option at argv[*i], and moves *i to its argument when that is a word of its own. */
static int parse_option(const struct command *command, int argc, char **argv, int *i, void *values)
{
    const char *word = argv[*i];
    if (word[1] != '-')
        return otk_options_wrong(command, "unknown option %s", word);
    size_t at, size = strcspn(word + 2, "=");
    const struct option *option = find(command, word + 2, size, &at);
    const char *text = word[2 + size] ? word + 3 + size : NULL;
    if (!option)
        return unknown(command, word + 2, size);
    char *to = (char *)values + at;
    if (option->kind == OPTION_FLAG) {
        if (text)
            return otk_options_wrong(command, "--%s takes no argument", option->name);
        *(bool *)(void *)to = true;
        return OPTIONS_GO;
    }
    if (!text && *i + 1 < argc)
        text = argv[++*i];
    bool parsed = text && kinds[option->kind].parse(text, option, to);
    return parsed ? OPTIONS_GO : wrong_argument(command, option, text);
}

int otk_options_parse(const struct command *command, int argc, char **argv, void *values, struct operands *operands)
{
    bool only_operands = false;
    *operands = (struct operands){argv, 0};
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (only_operands || *word != '-' || !word[1]) {
            operands->items[operands->count++] = argv[i];
            only_operands = only_operands || command->ends_at_operand;
        } else if (strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(command);
            return EXIT_HOLDS;
        } else if (strcmp(word, "--version") == 0) {
            printf("otlpkit %s\n", otk_receiver_version());
            return EXIT_HOLDS;
        } else {
            int rc = parse_option(command, argc, argv, &i, values);
            if (rc != OPTIONS_GO)
                return rc;
        }
    }
    operands->items[operands->count] = NULL;
    if (operands->count && !*command->operands)
        return otk_options_wrong(command, "takes no operands, but got '%s'", operands->items[0]);
    if (!operands->count && *command->operands && *command->operands != '[')
        return otk_options_wrong(command, "needs at least one %.*s", (int)strcspn(command->operands, ". "),
                                 command->operands);
    return OPTIONS_GO;
}
