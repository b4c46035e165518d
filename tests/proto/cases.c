#include "cases.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct case_frame {
    const char *name;
    otk_signal signal;
    const char *wire[2];
    const char *json[2];
};

static const struct case_frame frames[] = {
    {"request", OTK_SIGNAL_TRACES, {"", ""}, {"", ""}},
    {"resource", OTK_SIGNAL_TRACES, {"0a{0a{", "}}"}, {"{\"resourceSpans\":[{\"resource\":", "}]}"}},
    {"span",
     OTK_SIGNAL_TRACES,
     {"0a{12{12{", "}}}"},
     {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[", "]}]}]}"}},
    {"value",
     OTK_SIGNAL_TRACES,
     {"0a{12{12{4a{0a{\"k\"}12{", "}}}}}"},
     {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"key\":\"k\",\"value\":", "}]}]}]}]}"}},
    {"metric",
     OTK_SIGNAL_METRICS,
     {"0a{12{12{", "}}}"},
     {"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[", "]}]}]}"}},
    {"point",
     OTK_SIGNAL_METRICS,
     {"0a{12{12{2a{0a{", "}}}}}"},
     {"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[", "]}}]}]}]}"}},
    {"histogram",
     OTK_SIGNAL_METRICS,
     {"0a{12{12{4a{0a{", "}}}}}"},
     {"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"histogram\":{\"dataPoints\":[", "]}}]}]}]}"}},
    {"exponential",
     OTK_SIGNAL_METRICS,
     {"0a{12{12{52{0a{", "}}}}}"},
     {"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"exponentialHistogram\":{\"dataPoints\":[",
      "]}}]}]}]}"}},
    {"log",
     OTK_SIGNAL_LOGS,
     {"0a{12{12{", "}}}"},
     {"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[", "]}]}]}"}},
};

#define LIMIT ((size_t)64 << 20)

__attribute__((noreturn)) static void mistake(const char *path, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", path, line, what);
    exit(2);
}

/* ---- Bytes as text --------------------------------------------------- */

static const char *assemble(struct otk_buffer *out, const char *p, char close);

static void put_prefixed(struct otk_buffer *out, const struct otk_buffer *content)
{
    size_t size = content->size;
    for (; size >= 0x80; size >>= 7)
        otk_buffer_byte(out, (uint8_t)(size | 0x80));
    otk_buffer_byte(out, (uint8_t)size);
    otk_buffer_append(out, content->data, content->size);
}

static const char *assemble_repeated(struct otk_buffer *out, const char *p)
{
    struct otk_buffer once = OTK_BUFFER_INIT(LIMIT);
    char *rest;
    unsigned long times = strtoul(p, &rest, 10);
    const char *end = assemble(&once, rest + 2, ')');
    while (times--)
        otk_buffer_append(out, once.data, once.size);
    otk_buffer_clear(&once);
    return end;
}

static bool is_repeated(const char *p)
{
    while (isdigit((unsigned char)*p))
        p++;
    return p[0] == '*' && p[1] == '(';
}

static const char *assemble_one(struct otk_buffer *out, const char *p)
{
    if (*p == '"') {
        const char *end = strchr(p + 1, '"');
        otk_buffer_append(out, p + 1, (size_t)(end - p - 1));
        return end + 1;
    }
    if (*p == '{') {
        struct otk_buffer content = OTK_BUFFER_INIT(LIMIT);
        p = assemble(&content, p + 1, '}');
        put_prefixed(out, &content);
        otk_buffer_clear(&content);
        return p;
    }
    if (is_repeated(p))
        return assemble_repeated(out, p);
    char hex[3] = {p[0], p[1], '\0'};
    char *end;
    otk_buffer_byte(out, (uint8_t)strtoul(hex, &end, 16));
    return *end || !hex[0] ? NULL : p + 2;
}

/* Assembles up to `close`; returns what stands behind it, or NULL. */
static const char *assemble(struct otk_buffer *out, const char *p, char close)
{
    while (p && *p && *p != close) {
        if (isspace((unsigned char)*p))
            p++;
        else
            p = assemble_one(out, p);
    }
    return p && *p == close ? p + (close != '\0') : NULL;
}

/* ---- Lines ----------------------------------------------------------- */

static char *framed(const char *const frame[2], const char *text)
{
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    otk_buffer_printf(&b, "%s%s%s", frame[0], text, frame[1]);
    otk_buffer_string(&b);
    return (char *)b.data;
}

static struct test_case *add_case(struct test_cases *cases, const char *title)
{
    cases->items = realloc(cases->items, (cases->count + 1) * sizeof *cases->items);
    struct test_case *c = &cases->items[cases->count++];
    *c = (struct test_case){.title = strdup(title), .frame = &frames[0], .input = OTK_BUFFER_INIT(LIMIT)};
    return c;
}

static const struct case_frame *find_frame(const char *name)
{
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        if (strcmp(frames[i].name, name) == 0)
            return &frames[i];
    return NULL;
}

static const char *signals[] = {"traces", "metrics", "logs"};

static bool set_frame(struct test_case *c, const char *argument)
{
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (strcmp(argument, signals[i]) == 0) {
            c->signal = (otk_signal)i;
            return true;
        }
    c->frame = find_frame(argument);
    if (c->frame)
        c->signal = c->frame->signal;
    return c->frame;
}

static bool set_wire(struct test_case *c, const char *argument)
{
    char *text = framed(c->frame->wire, argument);
    bool ok = assemble(&c->input, text, '\0');
    free(text);
    return ok;
}

static bool set_text(struct test_case *c, const char *argument)
{
    char *text = framed(c->frame->json, argument);
    otk_buffer_text(&c->input, text);
    c->is_text = true;
    free(text);
    return true;
}

static bool set_json(struct test_case *c, const char *argument)
{
    c->json = framed(c->frame->json, argument);
    return true;
}

static bool set_fault(struct test_case *c, const char *argument)
{
    c->fault = strdup(argument);
    return true;
}

static bool set_note(struct test_case *c, const char *argument)
{
    c->note = strdup(argument);
    return true;
}

static const struct {
    const char *word;
    bool (*set)(struct test_case *c, const char *argument);
} words[] = {{"in ", set_frame}, {"wire ", set_wire},   {"text ", set_text},
             {"json ", set_json}, {"fault ", set_fault}, {"note ", set_note}};

static bool set(struct test_case *c, const char *line)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(line, words[i].word, strlen(words[i].word)) == 0)
            return words[i].set(c, line + strlen(words[i].word));
    return false;
}

/* Reads a line and those that continue it, without newlines; false at the end. */
static bool read_line(FILE *file, struct otk_buffer *line, unsigned *number)
{
    int c;
    line->size = 0;
    while ((c = getc(file)) != EOF) {
        if (c != '\n') {
            otk_buffer_byte(line, (uint8_t)c);
            continue;
        }
        ++*number;
        c = getc(file);
        if (c != ' ') {
            ungetc(c, file);
            break;
        }
    }
    otk_buffer_string(line);
    return line->size || !feof(file);
}

struct test_cases test_cases_read(const char *path)
{
    struct test_cases cases = {0};
    struct otk_buffer line = OTK_BUFFER_INIT(LIMIT);
    unsigned number = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        mistake(path, 0, "cannot be read");
    while (read_line(file, &line, &number)) {
        const char *text = (const char *)line.data;
        if (strncmp(text, "## ", 3) == 0)
            add_case(&cases, text + 3);
        else if (*text && *text != '#' && (!cases.count || !set(&cases.items[cases.count - 1], text)))
            mistake(path, number, text);
    }
    fclose(file);
    otk_buffer_clear(&line);
    return cases;
}

void test_cases_free(struct test_cases *cases)
{
    for (size_t i = 0; i < cases->count; i++) {
        struct test_case *c = &cases->items[i];
        free(c->title);
        free(c->json);
        free(c->fault);
        free(c->note);
        otk_buffer_clear(&c->input);
    }
    free(cases->items);
}
