/* GET and POST /otlpkit/wait: until expectations hold, or it is too late. */
#include "expectations.h"
#include "pages.h"
#include "receiver_inside.h"
#include "report.h"
#include "wait.h"
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 5000

/* Of all waits together. Each takes up to some 30 kB while it waits. */
#define HELD_CONDITIONS_MAX 10000

struct waiting {
    otk_expectations *lines;
    otk_condition condition; /* of them */
    size_t held;             /* how many of these are counted as held */
    struct otk_expectation expectation;
    struct otk_watch watch;
    struct otk_gathering *gathering; /* the report, once the wait is over; or NULL */
    int rc;                          /* of the wait */
    uint64_t timeout_ms;
    unsigned format; /* in `formats` */
};

static const struct {
    const char *name;
    otk_report_format format;
    const char *content_type;
} formats[] = {
    {"json", OTK_REPORT_JSON, "application/json"},
    {"text", OTK_REPORT_TEXT, "text/plain; charset=utf-8"},
    {"tap", OTK_REPORT_TAP, "text/plain; charset=utf-8"},
    {"junit", OTK_REPORT_JUNIT, "application/xml"},
    {"github", OTK_REPORT_GITHUB, "text/plain; charset=utf-8"},
};

#define FORMAT_COUNT (sizeof formats / sizeof *formats)

static void close_wait(struct otk_question *q)
{
    struct waiting *s = q->state;
    otk_report_free(otk_gathering_end(s->gathering));
    otk_expectation_clear(&s->expectation);
    otk_expectations_free(s->lines);
    atomic_fetch_sub(&q->rx->root->held_conditions, s->held);
}

/* ---- What is asked --------------------------------------------------- */

/* Whoever shares these lines with `otlpkit run` would else believe them played. */
static bool refuse_faults(struct otk_question *q, const char *at)
{
    return otk_page_refuse(q, 400,
                           "%s%sa wait plays no faults: POST what stands behind `fault` to /otlpkit/faults first, and "
                           "wait without such lines",
                           at, *at ? ": " : "");
}

static bool add_lines(struct otk_question *q, const char *text, const char *where)
{
    struct waiting *s = q->state;
    otk_error error;
    int rc = otk_expectations_add(s->lines, text, where, &error);
    if (!rc)
        return !*otk_expectations_faults(s->lines) || refuse_faults(q, otk_expectations_faults_at(s->lines));
    const char *explained = otk_expectations_explain(s->lines);
    otk_question_refuse(q, rc == OTK_ENOMEM ? 503 : 400, *explained ? explained : error.message);
    return false;
}

static bool add_arguments(struct otk_question *q)
{
    bool any = false;
    for (size_t i = 0; i < q->arguments.count; i++) {
        const struct otk_argument *a = &q->arguments.items[i];
        if (strcmp(a->name, "until") != 0)
            continue;
        if (!add_lines(q, a->value.data, NULL))
            return false;
        any = true;
    }
    return any || otk_page_refuse(q, 400, "until is missing: what to wait for, as until={ name = \"checkout\" }");
}

static bool add_body(struct otk_question *q)
{
    const otk_capture *c = &q->request->pub;
    const char *name;
    if (!otk_page_text(q, "name", &name))
        return false;
    if (otk_headers_get(&c->headers, "Content-Encoding"))
        return otk_page_refuse(q, 415, "expectations are sent as they are, without a Content-Encoding");
    if (c->body.size && memchr(c->body.data, '\0', c->body.size))
        return otk_page_refuse(q, 400, "expectations are lines of text, but there is a NUL byte in the body");
    const char *text = otk_arena_string(&q->request->arena, (const char *)c->body.data, c->body.size);
    return text ? add_lines(q, text, name) : otk_page_refuse(q, 503, "out of memory");
}

/* By ?report, else by what comes first in Accept. */
static bool choose_format(struct otk_question *q)
{
    struct waiting *s = q->state;
    const char *name, *accept = otk_headers_get(&q->request->pub.headers, "Accept");
    if (!otk_page_text(q, "report", &name))
        return false;
    if (!name) {
        const char *text = accept ? strstr(accept, "text/plain") : NULL;
        const char *json = accept ? strstr(accept, "application/json") : NULL;
        name = text && (!json || text < json) ? "text" : "json";
    }
    for (s->format = 0; s->format < FORMAT_COUNT; s->format++)
        if (strcmp(formats[s->format].name, name) == 0)
            return true;
    return otk_page_refuse(q, 400, "report is json, text, tap, junit or github");
}

/* ---- Waiting --------------------------------------------------------- */

static bool hold(struct otk_question *q, struct waiting *s)
{
    s->held = s->condition.condition_count;
    return atomic_fetch_add(&q->rx->root->held_conditions, s->held) + s->held <= HELD_CONDITIONS_MAX ||
           otk_page_refuse(q, 503, "more than %u conditions wait; ask again later, or for less at once",
                           HELD_CONDITIONS_MAX);
}

static bool begin_wait(struct otk_question *q)
{
    struct waiting *s = q->state;
    otk_error error;
    struct otk_beginning at = {otk_store_newest(otk_receiver_store(q->rx)), otk_now_ns(), otk_receiver_baseline(q->rx)};
    s->condition = otk_expectations_condition(s->lines);
    if (!hold(q, s))
        return false;
    int rc = otk_expectation_init(&s->expectation, &s->condition, &at, &error);
    otk_watch_init(&s->watch, &s->expectation, (unsigned)s->timeout_ms);
    return !rc || otk_page_refuse(q, rc == OTK_ENOMEM ? 503 : 400, "%s", error.message);
}

static bool open_with(struct otk_question *q, bool (*add)(struct otk_question *q))
{
    struct waiting *s = q->state;
    s->lines = otk_expectations_new();
    if (!s->lines)
        return otk_page_refuse(q, 503, "out of memory");
    s->timeout_ms = TIMEOUT_MS;
    return otk_page_duration(q, "timeout", &s->timeout_ms) && choose_format(q) && add(q) && begin_wait(q);
}

static bool open_wait(struct otk_question *q)
{
    return open_with(q, add_arguments);
}

static bool open_judge(struct otk_question *q)
{
    return open_with(q, add_body);
}

static int write_report(struct otk_question *q, otk_report *report)
{
    struct waiting *s = q->state;
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    int rc = to ? otk_report_write(report, formats[s->format].format, to) : OTK_ENOMEM;
    if (to && (fclose(to) != 0 || !text)) /* the C library may end it well without memory for the text */
        rc = OTK_ENOMEM;
    if (!rc)
        rc = otk_buffer_append(&q->out, text, size);
    free(text);
    return rc;
}

static enum otk_step tell(struct otk_question *q)
{
    struct waiting *s = q->state;
    if (otk_gathering_step(s->gathering))
        return OTK_STEP_AGAIN;
    otk_report *report = otk_gathering_end(s->gathering);
    s->gathering = NULL;
    q->status = s->rc ? 417 : 200;
    q->content_type = formats[s->format].content_type;
    int rc = report ? write_report(q, report) : OTK_ENOMEM;
    otk_report_free(report);
    return rc ? otk_page_fail(q, rc) : OTK_STEP_DONE;
}

static enum otk_step end_wait(struct otk_question *q)
{
    struct waiting *s = q->state;
    bool hopeless;
    s->rc = otk_watch_end(&s->watch, &hopeless);
    if (s->rc == OTK_ELIMIT) {
        otk_page_refuse(q, 400, "a regular expression is too costly for what came");
        return OTK_STEP_DONE;
    }
    if (s->rc == 0 || s->rc == OTK_ETIMEOUT)
        s->gathering = otk_gathering_new(q->rx, &s->expectation, s->rc, hopeless, (unsigned)s->timeout_ms);
    return s->gathering ? tell(q) : otk_page_fail(q, OTK_ENOMEM);
}

static enum otk_step step_wait(struct otk_question *q)
{
    struct waiting *s = q->state;
    if (s->gathering)
        return tell(q);
    bool more = otk_watch_look(&s->watch, otk_receiver_store(q->rx));
    if (otk_watch_is_settled(&s->watch))
        return end_wait(q);
    if (more)
        return OTK_STEP_AGAIN;
    if (q->ending || otk_now_ns() >= s->watch.deadline_ns)
        return end_wait(q);
    q->again_ns = otk_watch_next_ns(&s->watch);
    return OTK_STEP_IDLE;
}

static bool concerns_wait(struct otk_question *q, const struct capture *c)
{
    const struct waiting *s = q->state;
    return otk_expectation_concerns(&s->expectation, c);
}

static const char *const wait_arguments[] = {"until", "timeout", "report", NULL};
static const char *const judge_arguments[] = {"name", "timeout", "report", NULL};

const struct otk_page otk_page_wait = {
    .method = "GET",
    .path = "/otlpkit/wait",
    .arguments = wait_arguments,
    .state_size = sizeof(struct waiting),
    .open = open_wait,
    .step = step_wait,
    .close = close_wait,
    .concerns = concerns_wait,
};

const struct otk_page otk_page_judge = {
    .method = "POST",
    .path = "/otlpkit/wait",
    .arguments = judge_arguments,
    .state_size = sizeof(struct waiting),
    .open = open_judge,
    .step = step_wait,
    .close = close_wait,
    .concerns = concerns_wait,
};
