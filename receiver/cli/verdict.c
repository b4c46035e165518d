#include "verdict.h"

#include <stdlib.h>

static const char *const formats[] = {
    [OTK_REPORT_TEXT] = "text",   [OTK_REPORT_JSON] = "json",     [OTK_REPORT_TAP] = "tap",
    [OTK_REPORT_JUNIT] = "junit", [OTK_REPORT_GITHUB] = "github", NULL,
};

static const struct option options[] = {
    OPTION("assert", "LINE", OPTION_LIST, struct verdict, asserts,
           "what must be true: '{ name = \"checkout\" }', 'never { status = error }'; repeats"),
    OPTION("expect", "FILE", OPTION_LIST, struct verdict, files, "such lines in a file; repeats"),
    OPTION("complete", NULL, OPTION_FLAG, struct verdict, complete, "every trace has its root and all parents"),
    OPTION("allow-refused", NULL, OPTION_FLAG, struct verdict, allow_refused,
           "hold even when requests were refused, rejected in part or dropped"),
    OPTION("report", "FORMAT[=FILE]", OPTION_LIST, struct verdict, reports.wanted,
           "text, json, tap, junit or github, to FILE or standard output; repeats"),
};

const struct option_group otk_verdict_options = {options, sizeof options / sizeof *options};

/* ---- Before ---------------------------------------------------------- */

static int out_of_memory(const struct verdict *v)
{
    fprintf(stderr, "otlpkit %s: out of memory\n", v->command->name);
    return EXIT_MACHINE;
}

static int add_expectations(struct verdict *v)
{
    otk_error error;
    int rc = 0;
    for (size_t i = 0; i < v->files.count && !rc; i++)
        rc = otk_expectations_add_file(v->expectations, v->files.items[i], &error);
    for (size_t i = 0; i < v->asserts.count && !rc; i++)
        rc = otk_expectations_add(v->expectations, v->asserts.items[i], NULL, &error);
    if (v->complete && !rc)
        rc = otk_expectations_add(v->expectations, "complete", NULL, &error);
    if (!rc)
        return EXIT_HOLDS;
    const char *explained = otk_expectations_explain(v->expectations);
    fprintf(stderr, "otlpkit %s: %s%s", v->command->name, *explained ? explained : error.message,
            *explained ? "" : "\n");
    return rc == OTK_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
}

int otk_verdict_prepare(struct verdict *v)
{
    v->expectations = otk_expectations_new();
    if (!v->expectations)
        return out_of_memory(v);
    int code = add_expectations(v);
    return code ? code : otk_outputs_open(&v->reports, v->command, formats);
}

/* ---- Afterwards ------------------------------------------------------ */

static bool has_expectations(const struct verdict *v)
{
    return v->asserts.count || v->files.count || v->complete;
}

/* Who asks for nothing wants to see that something came. */
static int judge(const struct verdict *v, otk_receiver *rx, otk_report **report)
{
    const otk_condition something = otk_requests(&(otk_request_match){0}, 1, UINT64_MAX);
    if (has_expectations(v))
        return otk_receiver_judge(rx, v->expectations, 0, report);
    return otk_receiver_wait(rx, &something, 0, report);
}

bool otk_verdict_is_settled(const struct verdict *v, otk_receiver *rx)
{
    return otk_expectations_lasting(v->expectations) && judge(v, rx, NULL) == 0;
}

/* The report on what does not hold, else on what does; NULL when memory ran out. */
static otk_report *find(const struct verdict *v, otk_receiver *rx)
{
    otk_report *report = NULL;
    int rc = judge(v, rx, &report);
    if (rc || v->allow_refused)
        return report;
    otk_report *lost = otk_expect_nothing_lost(rx);
    if (!lost)
        return report;
    otk_report_free(report);
    return lost;
}

static int write_report(void *report, int format, FILE *to)
{
    return otk_report_write(report, (otk_report_format)format, to);
}

int otk_verdict_give(struct verdict *v, otk_receiver *rx)
{
    otk_report *report = find(v, rx);
    if (!report)
        return out_of_memory(v);
    int code = otk_report_code(report) ? EXIT_UNMET : EXIT_HOLDS;
    if (code)
        fputs(otk_report_text(report), stderr);
    int written = otk_outputs_write(&v->reports, write_report, report);
    otk_report_free(report);
    return written ? written : code;
}

void otk_verdict_clear(struct verdict *v)
{
    free(v->asserts.items);
    free(v->files.items);
    otk_outputs_clear(&v->reports);
    otk_expectations_free(v->expectations);
}
