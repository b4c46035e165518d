#include "verdict.h"

#include <errno.h>
#include <stdlib.h>

static const char *const formats[] = {
    [OTK_REPORT_TEXT] = "text",   [OTK_REPORT_JSON] = "json",     [OTK_REPORT_TAP] = "tap",
    [OTK_REPORT_JUNIT] = "junit", [OTK_REPORT_GITHUB] = "github",
};

#define FORMAT_COUNT (sizeof formats / sizeof *formats)

static const struct option options[] = {
    OPTION("assert", "LINE", OPTION_LIST, struct verdict, asserts,
           "what must be true: '{ name = \"checkout\" }', 'never { status = error }'; repeats"),
    OPTION("expect", "FILE", OPTION_LIST, struct verdict, files, "such lines in a file; repeats"),
    OPTION("complete", NULL, OPTION_FLAG, struct verdict, complete, "every trace has its root and all parents"),
    OPTION("allow-refused", NULL, OPTION_FLAG, struct verdict, allow_refused,
           "hold even when requests were refused, rejected in part or dropped"),
    OPTION("report", "FORMAT[=FILE]", OPTION_LIST, struct verdict, reports,
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

/* The format that begins `text`, FORMAT or FORMAT=FILE; FORMAT_COUNT when it is none. */
static size_t format_of(const char *text)
{
    size_t i = 0, size = strcspn(text, "=");
    while (i < FORMAT_COUNT && (strlen(formats[i]) != size || memcmp(formats[i], text, size) != 0))
        i++;
    return i;
}

static int open_report(struct verdict *v, size_t i)
{
    const char *text = v->reports.items[i], *file = strchr(text, '=');
    if (format_of(text) == FORMAT_COUNT)
        return otk_options_wrong(v->command, "--report needs text, json, tap, junit or github, not '%s'", text);
    bool standard = !file || strcmp(file, "=-") == 0;
    v->outputs[i] = standard ? stdout : fopen(file + 1, "we");
    if (v->outputs[i])
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit %s: cannot write %s: %s\n", v->command->name, file + 1, strerror(errno));
    return EXIT_MACHINE;
}

int otk_verdict_prepare(struct verdict *v)
{
    v->expectations = otk_expectations_new();
    v->outputs = calloc(v->reports.count + 1, sizeof *v->outputs);
    if (!v->expectations || !v->outputs)
        return out_of_memory(v);
    int code = add_expectations(v);
    for (size_t i = 0; i < v->reports.count && !code; i++)
        code = open_report(v, i);
    return code;
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

static int write_report(struct verdict *v, otk_report *report, size_t i)
{
    const char *text = v->reports.items[i], *file = strchr(text, '=');
    int rc = otk_report_write(report, (otk_report_format)format_of(text), v->outputs[i]);
    if (v->outputs[i] != stdout && fclose(v->outputs[i]))
        rc = OTK_ESYSTEM;
    v->outputs[i] = NULL;
    if (!rc)
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit %s: cannot write %s: %s\n", v->command->name, file ? file + 1 : "to standard output",
            rc == OTK_ESYSTEM ? strerror(errno) : "out of memory");
    return EXIT_MACHINE;
}

int otk_verdict_give(struct verdict *v, otk_receiver *rx)
{
    otk_report *report = find(v, rx);
    if (!report)
        return out_of_memory(v);
    int code = otk_report_code(report) ? EXIT_UNMET : EXIT_HOLDS;
    if (code)
        fputs(otk_report_text(report), stderr);
    for (size_t i = 0; i < v->reports.count; i++) {
        int written = write_report(v, report, i);
        code = written ? written : code;
    }
    otk_report_free(report);
    return code;
}

void otk_verdict_clear(struct verdict *v)
{
    for (size_t i = 0; i < v->reports.count && v->outputs; i++)
        if (v->outputs[i] && v->outputs[i] != stdout)
            fclose(v->outputs[i]);
    free(v->outputs);
    free(v->asserts.items);
    free(v->files.items);
    free(v->reports.items);
    otk_expectations_free(v->expectations);
}
