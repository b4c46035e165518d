/* A report in the formats there are. */
#include "report.h"

#include <stdlib.h>

#define OUT_OF_MEMORY "out of memory: there is no report"
#define WRITTEN_LIMIT ((size_t)16 << 20)

const char *const otk_report_signal_names[] = {"span", "metric", "log"};

/* ---- Text and JSON --------------------------------------------------- */

static otk_report out_of_memory = {.code = OTK_ENOMEM, .error = OUT_OF_MEMORY, .explain = "", .url = ""};

otk_report *otk_report_out_of_memory(void)
{
    return &out_of_memory;
}

static const char *written(otk_report *r, struct otk_buffer *out, const char *otherwise,
                           void (*write)(const otk_report *, struct otk_buffer *))
{
    if (r == &out_of_memory)
        return otherwise;
    if (!out->size && !out->failed)
        write(r, out);
    const char *text = out->failed ? NULL : otk_buffer_string(out);
    return text ? text : otherwise;
}

int otk_report_code(const otk_report *report)
{
    return report->code;
}

const char *otk_report_text(otk_report *report)
{
    return written(report, &report->text, OUT_OF_MEMORY "\n", otk_report_write_text);
}

const char *otk_report_json(otk_report *report)
{
    return written(report, &report->json, "{\"holds\":false,\"error\":\"" OUT_OF_MEMORY "\"}", otk_report_write_json);
}

/* ---- As results of tests --------------------------------------------- */

struct listing {
    const otk_report *report;
    struct otk_arena arena;
    struct otk_buffer text;
    otk_result *items;
    size_t count;
    bool failed;
};

/* What was written to the listing's text. */
static const char *take_text(struct listing *l)
{
    const char *text = l->text.failed ? NULL : otk_buffer_string(&l->text);
    const char *kept = text ? otk_arena_string(&l->arena, text, l->text.size) : NULL;
    l->failed |= !kept;
    l->text.size = 0;
    return kept;
}

static void list_one(struct listing *l, const char *name, bool passed)
{
    otk_result *to = &l->items[l->count++];
    to->name = name;
    to->outcome = passed ? OTK_PASSED : OTK_FAILED;
    to->message = take_text(l);
}

/* With those of its parts. */
static void write_message(struct listing *l, size_t at, bool first)
{
    const otk_report *r = l->report;
    do {
        if (!r->findings[at].met)
            otk_report_write_missing(r, &r->findings[at], first, &l->text);
        first = false;
    } while (++at < r->finding_count && r->findings[at].is_part);
}

static void list_findings(struct listing *l)
{
    const otk_report *r = l->report;
    bool first = true;
    for (size_t i = 0; i < r->finding_count && !l->failed; i++) {
        const struct report_finding *f = &r->findings[i];
        if (f->is_part)
            continue;
        otk_buffer_printf(&l->text, "%s, wanted %s", f->what, f->wanted);
        const char *name = take_text(l);
        if (!f->met)
            write_message(l, i, first);
        list_one(l, name, f->met);
        l->items[l->count - 1].file = f->file;
        l->items[l->count - 1].line = f->line;
        first = first && f->met;
    }
}

/* A report that tells of no condition, but of what went wrong, is a test that failed. */
static void list(struct listing *l)
{
    const otk_report *r = l->report;
    list_findings(l);
    if (l->count || !r->code)
        return;
    otk_report_write_text(r, &l->text);
    list_one(l, *r->error ? "conditions can be judged" : "nothing was lost on the way in", false);
}

static int write_results(const otk_report *r, otk_report_format format, FILE *to)
{
    int rc = OTK_ENOMEM;
    struct listing l = {.report = r, .text = OTK_BUFFER_INIT(WRITTEN_LIMIT)};
    l.items = otk_arena_alloc(&l.arena, (r->finding_count + 1) * sizeof *l.items);
    l.failed = !l.items;
    if (!l.failed)
        list(&l);
    if (!l.failed && r->finding_count)
        otk_report_write_notes(r, &l.text);
    const char *notes = take_text(&l);
    if (!l.failed)
        rc = otk_results_write(&(otk_results){"otlpkit", l.items, l.count, notes}, format, to);
    otk_buffer_clear(&l.text);
    otk_arena_clear(&l.arena);
    return rc;
}

/* ---- Any format ------------------------------------------------------ */

int otk_report_write(otk_report *report, otk_report_format format, FILE *to)
{
    if (format > OTK_REPORT_JSON)
        return write_results(report, format, to);
    bool failed = format == OTK_REPORT_TEXT ? fputs(otk_report_text(report), to) == EOF
                                            : fprintf(to, "%s\n", otk_report_json(report)) < 0;
    return failed || fflush(to) ? OTK_ESYSTEM : 0;
}

void otk_report_free(otk_report *report)
{
    if (!report || report == &out_of_memory)
        return;
    otk_buffer_clear(&report->text);
    otk_buffer_clear(&report->json);
    otk_arena_clear(&report->arena);
    free(report);
}
