#include "expectations.h"

#include "clause.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_SIZE_MAX ((size_t)1 << 20)
#define LINES_MAX 10000
#define FAULTS_LIMIT ((size_t)4 << 20)
#define SCRIPT_MAX ((size_t)64 << 10)

struct otk_expectations {
    struct otk_arena arena;
    otk_condition *conditions;
    size_t count, capacity;
    struct otk_buffer faults; /* of the last text */
    struct otk_buffer script; /* of all `fault` lines */
    const char *script_at;    /* where the first of them is, or "" */
};

/* ---- Texts ----------------------------------------------------------- */

static int keep(otk_expectations *e, const otk_condition *condition)
{
    if (e->count == e->capacity) {
        size_t capacity = e->capacity ? 2 * e->capacity : 16;
        otk_condition *more = realloc(e->conditions, capacity * sizeof *more);
        if (!more)
            return OTK_ENOMEM;
        e->conditions = more;
        e->capacity = capacity;
    }
    e->conditions[e->count++] = *condition;
    return 0;
}

static int read_one(otk_expectations *e, struct reading *r, size_t begin, size_t end)
{
    otk_condition condition;
    int rc = otk_clause_read(r, begin, end, &condition);
    return rc || !condition.kind ? rc : keep(e, &condition);
}

/* Windows' editors put a byte order mark before the first line. */
static int read_all(otk_expectations *e, struct reading *r)
{
    size_t at = strncmp(r->original, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    int rc = 0;
    for (r->line = 1; !rc && at < r->size;) {
        size_t end = otk_clause_end(r, at);
        rc = read_one(e, r, at, end);
        for (; at < end; at++)
            r->line += r->original[at] == '\n';
    }
    return rc ? rc : r->fault_count ? OTK_EINVAL : 0;
}

/* Replaces what was said so far. */
static int fail(otk_expectations *e, otk_error *error, int code, const char *sentence)
{
    if (error) {
        error->code = code;
        snprintf(error->message, sizeof error->message, "%s", sentence);
    }
    e->faults.size = 0;
    otk_buffer_printf(&e->faults, "%s\n", sentence);
    return code;
}

static int read_copy(otk_expectations *e, struct reading *r)
{
    size_t before = e->count, script_before = e->script.size;
    int rc = r->text && r->room ? read_all(e, r) : OTK_ENOMEM;
    if (!rc && e->count > OTK_CONDITIONS_MAX)
        rc = fail(e, &r->error, OTK_ELIMIT, "these are more than 1000 conditions");
    if (rc == OTK_ENOMEM)
        fail(e, &r->error, rc, "out of memory");
    if (e->script.failed == OTK_ELIMIT)
        fail(e, &r->error, rc, "fault lines of more than 64 KiB");
    if (rc) {
        e->script.failed = 0;
        e->count = before;
        e->script.size = script_before;
    }
    r->error.code = rc;
    return rc;
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;
    while ((text = strchr(text, '\n'))) {
        text++;
        lines++;
    }
    return lines;
}

/* ---- Public ---------------------------------------------------------- */

otk_expectations *otk_expectations_new(void)
{
    otk_expectations *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->faults = OTK_BUFFER_INIT(FAULTS_LIMIT);
    e->script = OTK_BUFFER_INIT(SCRIPT_MAX);
    return e;
}

void otk_expectations_free(otk_expectations *e)
{
    if (!e)
        return;
    otk_arena_clear(&e->arena);
    otk_buffer_clear(&e->faults);
    otk_buffer_clear(&e->script);
    free(e->conditions);
    free(e);
}

int otk_expectations_add(otk_expectations *e, const char *text, const char *where, otk_error *error)
{
    size_t size = strlen(text);
    e->faults.size = 0;
    e->faults.failed = 0;
    if (size > TEXT_SIZE_MAX || count_lines(text) > LINES_MAX + 1)
        return fail(e, error, OTK_ELIMIT, "expectations of more than 1 MiB or 10000 lines");
    struct reading r = {.arena = &e->arena,
                        .faults = &e->faults,
                        .script = &e->script,
                        .script_at = &e->script_at,
                        .original = text,
                        .size = size,
                        .selector = OTK_BUFFER_INIT(TEXT_SIZE_MAX)};
    r.where = where ? otk_arena_string(&e->arena, where, strlen(where)) : NULL;
    r.text = where && !r.where ? NULL : malloc(size + 1);
    r.room = malloc(size + 1);
    if (r.text)
        memcpy(r.text, text, size + 1);
    int rc = read_copy(e, &r);
    otk_buffer_clear(&r.selector);
    free(r.text);
    free(r.room);
    if (error)
        *error = r.error;
    return rc;
}

/* Reads up to a byte more than may be. */
static int read_file(FILE *file, struct otk_buffer *out)
{
    size_t n;
    uint8_t *to = otk_buffer_reserve(out, out->limit);
    while (to && (n = fread(to + out->size, 1, out->limit - 1 - out->size, file)) > 0)
        out->size += n;
    return !to ? OTK_ENOMEM : ferror(file) ? OTK_ESYSTEM : 0;
}

static int add_stream(otk_expectations *e, FILE *file, const char *path, otk_error *error)
{
    struct otk_buffer text = OTK_BUFFER_INIT(TEXT_SIZE_MAX + 2);
    char sentence[512];
    int rc = file ? read_file(file, &text) : OTK_ESYSTEM;
    if (rc) {
        snprintf(sentence, sizeof sentence, "cannot read %s: %s", path, strerror(errno));
        fail(e, error, rc, rc == OTK_ENOMEM ? "out of memory" : sentence);
    } else if (memchr(text.data, '\0', text.size)) {
        snprintf(sentence, sizeof sentence, "%s is no text: it holds a NUL", path);
        rc = fail(e, error, OTK_EINVAL, sentence);
    } else {
        text.data[text.size] = '\0';
        rc = otk_expectations_add(e, (const char *)text.data, path, error);
    }
    otk_buffer_clear(&text);
    return rc;
}

int otk_expectations_add_file(otk_expectations *e, const char *path, otk_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "r");
    int rc = add_stream(e, file, path, error);
    if (file && !is_stdin)
        fclose(file);
    return rc;
}

const char *otk_expectations_explain(otk_expectations *e)
{
    const char *text = e->faults.failed ? NULL : otk_buffer_string(&e->faults);
    return text ? text : "out of memory\n";
}

const char *otk_expectations_faults(otk_expectations *e)
{
    const char *text = otk_buffer_string(&e->script);
    return text ? text : "";
}

const char *otk_expectations_faults_at(const otk_expectations *e)
{
    return e->script.size ? e->script_at : "";
}

otk_condition otk_expectations_condition(const otk_expectations *e)
{
    return otk_all_of(e->conditions, e->count);
}

int otk_receiver_judge(otk_receiver *rx, const otk_expectations *e, unsigned timeout_ms, otk_report **report)
{
    otk_condition all = otk_expectations_condition(e);
    return otk_receiver_wait(rx, &all, timeout_ms, report);
}
