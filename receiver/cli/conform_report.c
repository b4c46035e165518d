/* The findings, in the formats there are. */
#include "conform.h"

#include <stdlib.h>

static const char *const words[] = {
    [VERDICT_PASS] = "pass", [VERDICT_MAY] = "may", [VERDICT_FAIL] = "fail", [VERDICT_SKIPPED] = "skipped"};

#define WORD_COUNT (sizeof words / sizeof *words)

enum { MARKDOWN = OTK_REPORT_GITHUB + 1 };

const char *const otk_conform_formats[] = {
    [OTK_REPORT_TEXT] = "text",   [OTK_REPORT_JSON] = "json",     [OTK_REPORT_TAP] = "tap",
    [OTK_REPORT_JUNIT] = "junit", [OTK_REPORT_GITHUB] = "github", [MARKDOWN] = "markdown", NULL,
};

size_t otk_conform_count(const struct conform_results *r, enum verdict_word verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        n += r->items[i].finding.verdict == verdict;
    return n;
}

/* 3 pass, 1 fail */
static void write_summary(const struct conform_results *r, FILE *to)
{
    const char *between = "";
    for (size_t i = 0; i < WORD_COUNT; i++) {
        size_t n = otk_conform_count(r, (enum verdict_word)i);
        if (!n)
            continue;
        fprintf(to, "%s%zu %s", between, n, words[i]);
        between = ", ";
    }
}

/* ---- For people ------------------------------------------------------ */

static int max_width(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

/* What failed or may be better gets its section of the specification. */
static void write_text(const struct conform_results *r, FILE *to)
{
    int name = 4, expected = 8;
    for (size_t i = 0; i < r->count; i++) {
        name = max_width(name, r->items[i].of->name);
        expected = max_width(expected, r->items[i].of->expected);
    }
    fprintf(to, "%-7s  %-*s  %-*s  seen\n", "verdict", name, "case", expected, "expected");
    for (size_t i = 0; i < r->count; i++) {
        const struct conform_case *c = r->items[i].of;
        const struct finding *f = &r->items[i].finding;
        fprintf(to, "%-7s  %-*s  %-*s  %s\n", words[f->verdict], name, c->name, expected, c->expected, f->seen);
        if (f->verdict == VERDICT_FAIL || f->verdict == VERDICT_MAY)
            fprintf(to, "%-7s  %-*s  %s: %s\n", "", name, "", c->level, c->spec);
    }
    write_summary(r, to);
    fputc('\n', to);
}

/* ---- For documents --------------------------------------------------- */

/* A | would end the cell. */
static void write_cell(const char *text, FILE *to)
{
    fputc(' ', to);
    for (; *text; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_' || *text == '`' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
    fputs(" |", to);
}

static void write_markdown(const struct conform_results *r, FILE *to)
{
    fputs("| case | expected | seen | verdict | specification |\n|---|---|---|---|---|\n", to);
    for (size_t i = 0; i < r->count; i++) {
        const struct conform_case *c = r->items[i].of;
        fprintf(to, "| `%s` |", c->name);
        write_cell(c->expected, to);
        write_cell(r->items[i].finding.seen, to);
        fprintf(to, " %s |", words[r->items[i].finding.verdict]);
        fprintf(to, " %s: %s |\n", c->level, c->spec);
    }
    fputc('\n', to);
    write_summary(r, to);
    fputc('\n', to);
}

/* ---- For tools ------------------------------------------------------- */

/* All texts are printable ASCII. */
static void write_member(const char *name, const char *text, FILE *to)
{
    fprintf(to, "\"%s\":\"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void write_case(const struct conform_result *r, FILE *to)
{
    const char *const members[][2] = {
        {"case", r->of->name},         {"verdict", words[r->finding.verdict]}, {"expected", r->of->expected},
        {"seen", r->finding.seen},     {"level", r->of->level},                {"specification", r->of->spec},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        fputc(i ? ',' : '{', to);
        write_member(members[i][0], members[i][1], to);
    }
    fputc('}', to);
}

static void write_json(const struct conform_results *r, FILE *to)
{
    fputc('{', to);
    for (size_t i = 0; i < WORD_COUNT; i++)
        fprintf(to, "\"%s\":%zu,", words[i], otk_conform_count(r, (enum verdict_word)i));
    fputs("\"cases\":[", to);
    for (size_t i = 0; i < r->count; i++) {
        fputs(i ? "," : "", to);
        write_case(&r->items[i], to);
    }
    fputs("]}\n", to);
}

#define MESSAGE_SIZE 512

static otk_result result_of(const struct conform_result *r, char *message)
{
    static const otk_outcome outcomes[WORD_COUNT] = {
        [VERDICT_PASS] = OTK_PASSED,
        [VERDICT_MAY] = OTK_PASSED,
        [VERDICT_FAIL] = OTK_FAILED,
        [VERDICT_SKIPPED] = OTK_SKIPPED,
    };
    if (r->finding.verdict == VERDICT_SKIPPED)
        snprintf(message, MESSAGE_SIZE, "%s", r->finding.seen);
    else
        snprintf(message, MESSAGE_SIZE, "expected: %s\nseen: %s\n%s: %s", r->of->expected, r->finding.seen,
                 r->of->level, r->of->spec);
    return (otk_result){.name = r->of->name, .outcome = outcomes[r->finding.verdict], .message = message};
}

static int write_results(const struct conform_results *r, int format, FILE *to)
{
    char(*messages)[MESSAGE_SIZE] = calloc(r->count, sizeof *messages);
    otk_result *items = calloc(r->count, sizeof *items);
    int rc = messages && items ? 0 : OTK_ENOMEM;
    for (size_t i = 0; i < r->count && !rc; i++)
        items[i] = result_of(&r->items[i], messages[i]);
    if (!rc)
        rc = otk_results_write(&(otk_results){"conform", items, r->count, ""}, (otk_report_format)format, to);
    free(items);
    free(messages);
    return rc;
}

/* ---- Any format ------------------------------------------------------ */

int otk_conform_write(void *arg, int format, FILE *to)
{
    static void (*const writers[])(const struct conform_results *, FILE *) = {
        [OTK_REPORT_TEXT] = write_text,
        [OTK_REPORT_JSON] = write_json,
        [MARKDOWN] = write_markdown,
    };
    const struct conform_results *results = arg;
    if (!writers[format])
        return write_results(results, format, to);
    writers[format](results, to);
    return fflush(to) || ferror(to) ? OTK_ESYSTEM : 0;
}
