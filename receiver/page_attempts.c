/* GET /otlpkit/attempts: which requests were attempts to deliver the same payload. */
#include "attempts.h"
#include "pages.h"

struct timeline {
    struct page_walk walk;
    otk_attempts *attempts;
    bool as_text;
};

static const char *const arguments[] = {"report", NULL};

static bool choose_format(struct otk_question *q)
{
    struct timeline *s = q->state;
    const char *name;
    if (!otk_page_text(q, "report", &name))
        return false;
    s->as_text = name && strcmp(name, "text") == 0;
    if (s->as_text)
        q->content_type = "text/plain; charset=utf-8";
    return s->as_text || !name || strcmp(name, "json") == 0 || otk_page_refuse(q, 400, "report is json or text");
}

static bool open_attempts(struct otk_question *q)
{
    struct timeline *s = q->state;
    otk_page_walk_init(&s->walk, q);
    s->attempts = otk_attempts_new();
    return s->attempts ? choose_format(q) : otk_page_refuse(q, 503, "out of memory");
}

static enum otk_step show(struct otk_question *q)
{
    struct timeline *s = q->state;
    int rc = otk_attempts_finish(s->attempts);
    if (rc)
        return otk_page_fail(q, rc);
    if (s->as_text)
        otk_attempts_text(s->attempts, &q->out);
    else
        otk_attempts_json(s->attempts, &q->out);
    return OTK_STEP_DONE;
}

static enum otk_step step_attempts(struct otk_question *q)
{
    struct timeline *s = q->state;
    s->walk.in_step = 0;
    while (!otk_page_is_enough(&s->walk, q)) {
        struct capture *c = otk_page_walk_next(&s->walk, q);
        if (!c)
            return show(q);
        int rc = otk_attempts_feed(s->attempts, c);
        otk_capture_free(c);
        if (rc)
            return otk_page_fail(q, rc);
    }
    return OTK_STEP_AGAIN;
}

static void close_attempts(struct otk_question *q)
{
    struct timeline *s = q->state;
    otk_attempts_free(s->attempts);
}

const struct otk_page otk_page_attempts = {
    .method = "GET",
    .path = "/otlpkit/attempts",
    .arguments = arguments,
    .state_size = sizeof(struct timeline),
    .open = open_attempts,
    .step = step_attempts,
    .close = close_attempts,
};
