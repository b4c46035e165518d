/* GET /otlpkit/sessions, and DELETE /otlpkit/sessions/NAME. */
#include "json.h"
#include "pages.h"
#include "receiver_inside.h"

struct sessions {
    struct page_list list;
    uint64_t number; /* of the one shown last */
};

static const char *const no_arguments[] = {NULL};

static bool open_sessions(struct otk_question *q)
{
    struct sessions *s = q->state;
    return otk_page_list_init(&s->list, q);
}

static void show_session(struct otk_question *q, otk_receiver *session)
{
    otk_buffer_byte(&q->out, '{');
    otk_json_text(&q->out, "name", session->session.name);
    otk_json_text(&q->out, "url", otk_receiver_url(session));
    otk_page_counts(q, session);
    otk_buffer_byte(&q->out, '}');
}

static enum otk_step step_sessions(struct otk_question *q)
{
    struct sessions *s = q->state;
    while (q->out.size < PAGE_STEP_BYTES && !q->out.failed) {
        otk_receiver *session = otk_session_after(q->rx, s->number);
        if (!session)
            return otk_page_list_end(&s->list, q);
        s->number = session->session.number;
        bool more = otk_page_list_next(&s->list, q);
        if (more)
            show_session(q, session);
        otk_session_release(session);
        if (!more)
            return otk_page_list_end(&s->list, q);
    }
    return OTK_STEP_AGAIN;
}

static enum otk_step delete_named(struct otk_question *q)
{
    q->status = 204;
    if (!otk_session_delete(q->rx, q->rest))
        otk_page_refuse(q, 404, "there is no session of that name");
    return OTK_STEP_DONE;
}

static const char *const arguments[] = {"limit", NULL};

const struct otk_page otk_page_sessions = {
    .method = "GET",
    .path = "/otlpkit/sessions",
    .arguments = arguments,
    .state_size = sizeof(struct sessions),
    .open = open_sessions,
    .step = step_sessions,
};

const struct otk_page otk_page_named_session = {
    .method = "DELETE", .path = "/otlpkit/sessions/", .arguments = no_arguments, .step = delete_named};
