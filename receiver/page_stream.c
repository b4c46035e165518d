/* GET /otlpkit/stream: server-sent events of what comes (HTML Standard, "Server-sent events").
 *
 * The last event of a request has the request's number as its id, so that a client which was cut off in the middle of
 * one gets all of it again.
 */
#include "expect.h"
#include "json.h"
#include "json_item.h"
#include "json_request.h"
#include "pages.h"
#include "quantity.h"
#include "view.h"

#include <inttypes.h>

#define BEAT_NS UINT64_C(15000000000) /* so that a client which has gone is noticed, and proxies stay awake */

struct stream {
    struct otk_query *query; /* of ?where, else NULL */
    struct otk_json_item writer;
    bool begun;
    uint64_t number; /* of the newest request that was looked at */
    uint64_t beat_ns;
    struct capture *capture; /* that is being shown, with a reference; or NULL */
    uint64_t next;           /* its item or match */
};

static const char *const item_events[] = {"span", "metric", "log"};

static void close_stream(struct otk_question *q)
{
    struct stream *s = q->state;
    otk_query_free(s->query);
    otk_capture_free(s->capture);
    otk_json_item_clear(&s->writer);
}

/* A client that connects again says so in the header, and has the same ?after as before. A number that has not been
 * reached is one of a receiver before this one. */
static bool find_beginning(struct otk_question *q, struct stream *s)
{
    const char *last = otk_headers_get(&q->request->pub.headers, "Last-Event-ID");
    uint64_t newest = otk_store_newest(otk_receiver_store(q->rx));
    s->number = newest;
    if (!otk_page_number(q, "after", &s->number))
        return false;
    if (last && !otk_count_read((otk_string){last, strlen(last)}, &s->number))
        return otk_page_refuse(q, 400, "Last-Event-ID is the number of a request");
    s->number = s->number > newest ? 0 : s->number;
    return true;
}

static bool open_stream(struct otk_question *q)
{
    struct stream *s = q->state;
    otk_json_item_init(&s->writer);
    q->content_type = "text/event-stream";
    if (!find_beginning(q, s) || !otk_page_where(q, &s->query))
        return false;
    return !s->query || otk_query_only_grows(s->query) ||
           otk_page_refuse(q, 400,
                           "the selector looks at whole traces, which are never whole while they come; "
                           "a stream takes one that looks at each item by itself");
}

/* ---- Events ---------------------------------------------------------- */

static void begin_event(struct otk_buffer *out, const char *event, uint64_t id)
{
    otk_buffer_printf(out, "event: %s\n", event);
    if (id)
        otk_buffer_printf(out, "id: %" PRIu64 "\n", id);
    otk_buffer_text(out, "data: ");
}

static void show_item(struct otk_question *q, struct stream *s, size_t item, uint64_t id)
{
    begin_event(&q->out, item_events[s->capture->pub.signal], id);
    otk_json_item_write(&s->writer, &q->out, s->capture, item);
    otk_buffer_text(&q->out, "\n\n");
}

static void show_request(struct otk_question *q, struct stream *s)
{
    begin_event(&q->out, "request", s->number);
    otk_json_request(&q->out, &s->capture->pub);
    otk_buffer_text(&q->out, "\n\n");
}

static void tell_dropped(struct otk_question *q, uint64_t requests)
{
    begin_event(&q->out, "dropped", 0);
    otk_buffer_printf(&q->out, "{\"requests\":%" PRIu64 "}\n\n", requests);
}

static void tell_failed(struct otk_question *q, const char *message)
{
    begin_event(&q->out, "failed", 0);
    otk_buffer_printf(&q->out, "{\"request\":%" PRIu64 ",\"message\":", ((struct stream *)q->state)->number);
    otk_json_string(&q->out, message, strlen(message));
    otk_buffer_text(&q->out, "}\n\n");
}

/* ---- One request ----------------------------------------------------- */

static void leave_capture(struct stream *s)
{
    otk_capture_free(s->capture);
    s->capture = NULL;
    s->next = 0;
}

/* False: there is none. */
static bool enter_next_capture(struct otk_question *q, struct stream *s)
{
    s->capture = otk_store_next(otk_receiver_store(q->rx), s->number);
    if (!s->capture)
        return false;
    uint64_t number = s->capture->pub.number;
    if (number > s->number + 1)
        tell_dropped(q, number - s->number - 1);
    s->number = number;
    if (!s->query)
        return true;
    otk_query_clear(s->query);
    int rc = otk_query_feed(s->query, s->capture);
    if (rc == OTK_ELIMIT)
        tell_failed(q, "a regular expression is too costly for what came");
    else if (rc)
        otk_page_fail(q, rc);
    return true;
}

/* Shows one thing of the capture; false behind the last. */
static bool show_next(struct otk_question *q, struct stream *s)
{
    bool shows_items = otk_capture_accepted(&s->capture->pub);
    if (shows_items && s->next < otk_capture_items(s->capture)) {
        show_item(q, s, s->next++, 0);
        return true;
    }
    show_request(q, s);
    return false;
}

/* Each point of a metric is a match; the metric is shown once, at the last of them. */
static bool show_next_match(struct otk_question *q, struct stream *s)
{
    struct otk_query_match m, following;
    if (otk_query_match(s->query, s->next++, &m))
        return false;
    bool is_last = otk_query_match(s->query, s->next, &following) != 0;
    if (is_last || following.item != m.item)
        show_item(q, s, m.item, is_last ? s->number : 0);
    return !is_last;
}

static void show_some(struct otk_question *q, struct stream *s)
{
    unsigned captures = 0;
    while (captures < PAGE_STEP_CAPTURES && q->out.size < PAGE_STEP_BYTES && !q->out.failed) {
        if (!s->capture && !enter_next_capture(q, s))
            return;
        if (s->query ? show_next_match(q, s) : show_next(q, s))
            continue;
        leave_capture(s);
        captures++;
    }
}

static bool has_more(const struct otk_question *q, const struct stream *s)
{
    return s->capture || otk_store_newest(otk_receiver_store(q->rx)) > s->number;
}

static enum otk_step step_stream(struct otk_question *q)
{
    struct stream *s = q->state;
    uint64_t now_ns = otk_now_ns();
    if (!s->begun)
        otk_buffer_text(&q->out, "retry: 1000\n\n");
    s->begun = true;
    show_some(q, s);
    if (!q->out.size && now_ns >= s->beat_ns)
        otk_buffer_text(&q->out, ":\n\n");
    if (q->out.size)
        s->beat_ns = now_ns + BEAT_NS;
    if (q->out.failed)
        return OTK_STEP_DONE;
    q->again_ns = s->beat_ns;
    return has_more(q, s) ? OTK_STEP_AGAIN : OTK_STEP_IDLE;
}

static bool concerns_stream(struct otk_question *q, const struct capture *c)
{
    const struct stream *s = q->state;
    return !s->query || (otk_capture_accepted(&c->pub) && c->pub.signal == otk_query_signal(s->query));
}

static const char *const arguments[] = {"where", "after", NULL};

const struct otk_page otk_page_stream = {
    .method = "GET",
    .path = "/otlpkit/stream",
    .arguments = arguments,
    .state_size = sizeof(struct stream),
    .open = open_stream,
    .step = step_stream,
    .close = close_stream,
    .concerns = concerns_stream,
};
