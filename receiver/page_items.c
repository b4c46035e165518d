/* GET /otlpkit/spans, metrics and logs: one flat object an item. */
#include "json_item.h"
#include "pages.h"
#include "view.h"

struct items {
    struct page_walk walk;
    struct page_list list;
    struct otk_json_item writer;

    struct otk_query *query; /* of ?where, else NULL */
    bool fed;
    uint64_t next; /* match */
    struct otk_query_match shown;

    struct capture *capture; /* without ?where: that is being shown, with a reference */
    size_t item;             /* in it */
};

static const char *const arguments[] = {"where", "limit", NULL};
static const char *const signal_names[] = {"spans", "metrics", "logs"};

static otk_signal signal_of(const struct otk_question *q)
{
    return q->page == &otk_page_spans     ? OTK_SIGNAL_TRACES
           : q->page == &otk_page_metrics ? OTK_SIGNAL_METRICS
                                          : OTK_SIGNAL_LOGS;
}

static void close_items(struct otk_question *q)
{
    struct items *s = q->state;
    otk_query_free(s->query);
    otk_capture_free(s->capture);
    otk_json_item_clear(&s->writer);
}

static bool open_items(struct otk_question *q)
{
    struct items *s = q->state;
    otk_page_walk_init(&s->walk, q);
    otk_json_item_init(&s->writer);
    if (!otk_page_list_init(&s->list, q) || !otk_page_where(q, &s->query))
        return false;
    otk_signal signal = s->query ? otk_query_signal(s->query) : signal_of(q);
    return signal == signal_of(q) || otk_page_refuse(q, 400, "the selector is about %s; ask /otlpkit/%s",
                                                     signal_names[signal], signal_names[signal]);
}

/* ---- All ------------------------------------------------------------- */

static bool has_more(const struct otk_question *q, const struct items *s)
{
    const otk_capture *c = &s->capture->pub;
    return otk_capture_accepted(c) && c->signal == signal_of(q) && s->item < otk_capture_items(s->capture);
}

static enum otk_step show_all(struct otk_question *q, struct items *s)
{
    s->walk.in_step = 0;
    while (!otk_page_is_enough(&s->walk, q)) {
        if (!s->capture)
            s->capture = otk_page_walk_next(&s->walk, q);
        if (!s->capture)
            return otk_page_list_end(&s->list, q);
        if (!has_more(q, s)) {
            otk_capture_free(s->capture);
            s->capture = NULL;
            s->item = 0;
        } else if (otk_page_list_next(&s->list, q)) {
            otk_json_item_write(&s->writer, &q->out, s->capture, s->item++);
        } else {
            return otk_page_list_end(&s->list, q);
        }
    }
    return OTK_STEP_AGAIN;
}

/* ---- Those of a selector --------------------------------------------- */

/* Each point of a metric is a match; the metric is shown once. */
static bool is_shown(const struct items *s, const struct otk_query_match *m)
{
    return m->capture == s->shown.capture && m->item == s->shown.item;
}

static enum otk_step show_selected(struct otk_question *q, struct items *s)
{
    struct otk_query_match m;
    while (q->out.size < PAGE_STEP_BYTES && !q->out.failed) {
        int rc = otk_query_match(s->query, s->next++, &m);
        if (rc && rc != OTK_EINVAL)
            return otk_page_fail(q, rc);
        if (!rc && is_shown(s, &m))
            continue;
        if (rc || !otk_page_list_next(&s->list, q))
            return otk_page_list_end(&s->list, q);
        otk_json_item_write(&s->writer, &q->out, m.capture, m.item);
        s->shown = m;
    }
    return OTK_STEP_AGAIN;
}

static enum otk_step step_items(struct otk_question *q)
{
    struct items *s = q->state;
    if (!s->query)
        return show_all(q, s);
    if (s->fed)
        return show_selected(q, s);
    enum otk_step step = otk_page_feed(&s->walk, q, s->query);
    s->fed = step == OTK_STEP_IDLE;
    return s->fed ? show_selected(q, s) : step;
}

#define PAGE(path_)                                                                                                    \
    {                                                                                                                  \
        .method = "GET", .path = path_, .arguments = arguments, .state_size = sizeof(struct items),                    \
        .open = open_items, .step = step_items, .close = close_items                                                   \
    }

const struct otk_page otk_page_spans = PAGE("/otlpkit/spans");
const struct otk_page otk_page_metrics = PAGE("/otlpkit/metrics");
const struct otk_page otk_page_logs = PAGE("/otlpkit/logs");
