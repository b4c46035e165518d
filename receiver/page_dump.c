/* GET /otlpkit/dump: requests as lines of OTLP/JSON. */
#include "json_view.h"
#include "narrow.h"
#include "pages.h"

struct dump {
    struct page_walk walk;
    struct otk_query *query; /* of ?where, else NULL */
    bool fed;
    struct otk_narrowing narrowing;
};

static void close_dump(struct otk_question *q)
{
    struct dump *s = q->state;
    otk_query_free(s->query);
}

static bool open_dump(struct otk_question *q)
{
    struct dump *s = q->state;
    otk_page_walk_init(&s->walk, q);
    q->content_type = "application/x-ndjson";
    return otk_page_where(q, &s->query);
}

static enum otk_step show_all(struct otk_question *q, struct dump *s)
{
    s->walk.in_step = 0;
    while (!otk_page_is_enough(&s->walk, q)) {
        struct capture *c = otk_page_walk_next(&s->walk, q);
        if (!c)
            return OTK_STEP_DONE;
        otk_json_append_line(&q->out, &c->pub);
        otk_capture_free(c);
    }
    return OTK_STEP_AGAIN;
}

static enum otk_step show_selected(struct otk_question *q, struct dump *s)
{
    int rc = 0;
    while (!rc && !s->narrowing.done && q->out.size < PAGE_STEP_BYTES)
        rc = otk_narrowing_next(&s->narrowing, &q->out);
    return rc ? otk_page_fail(q, rc) : s->narrowing.done ? OTK_STEP_DONE : OTK_STEP_AGAIN;
}

static enum otk_step step_dump(struct otk_question *q)
{
    struct dump *s = q->state;
    if (!s->query)
        return show_all(q, s);
    if (s->fed)
        return show_selected(q, s);
    enum otk_step step = otk_page_feed(&s->walk, q, s->query);
    if (step != OTK_STEP_IDLE)
        return step;
    s->fed = true;
    int rc = otk_narrowing_begin(&s->narrowing, s->query);
    return rc ? otk_page_fail(q, rc) : show_selected(q, s);
}

static const char *const arguments[] = {"where", NULL};

const struct otk_page otk_page_dump = {
    .method = "GET",
    .path = "/otlpkit/dump",
    .arguments = arguments,
    .state_size = sizeof(struct dump),
    .open = open_dump,
    .step = step_dump,
    .close = close_dump,
};
