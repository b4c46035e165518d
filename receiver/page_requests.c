/* GET /otlpkit/requests: what came and what it was answered. */
#include "json_request.h"
#include "pages.h"

struct requests {
    struct page_walk walk;
    struct page_list list;
};

static const char *const arguments[] = {"limit", NULL};

static bool open_requests(struct otk_question *q)
{
    struct requests *s = q->state;
    otk_page_walk_init(&s->walk, q);
    return otk_page_list_init(&s->list, q);
}

static enum otk_step step_requests(struct otk_question *q)
{
    struct requests *s = q->state;
    s->walk.in_step = 0;
    while (!otk_page_is_enough(&s->walk, q)) {
        struct capture *c = otk_page_walk_next(&s->walk, q);
        bool shown = c && otk_page_list_next(&s->list, q);
        if (shown)
            otk_json_request(&q->out, &c->pub);
        otk_capture_free(c);
        if (!shown)
            return otk_page_list_end(&s->list, q);
    }
    return OTK_STEP_AGAIN;
}

const struct otk_page otk_page_requests = {
    .method = "GET",
    .path = "/otlpkit/requests",
    .arguments = arguments,
    .state_size = sizeof(struct requests),
    .open = open_requests,
    .step = step_requests,
};
