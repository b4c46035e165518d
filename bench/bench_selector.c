/* Selectors over 100,000 spans against writing them as JSON; and what one more span costs a query that has seen them. */
#include <stdio.h>
#include <stdlib.h>

#include "capture.h"
#include "json.h"
#include "measure.h"
#include "payload.h"
#include "query.h"

#define SPANS_A_REQUEST 512
#define REQUESTS 196 /* 100,352 spans */

struct subject {
    struct capture *captures[REQUESTS];
    struct capture *one_more;
    const char *selector;
    struct otk_query *fed;
    struct otk_buffer json;
};

/* Trace ids begin with the request's number, so that requests do not share traces. */
static struct capture *make_capture(size_t spans, uint8_t number)
{
    struct otk_fault fault;
    struct otk_buffer bytes = bench_payload(spans, true);
    struct capture *c = otk_capture_new();
    if (!c || otk_buffer_append(&c->body, bytes.data, bytes.size))
        abort();
    otk_buffer_clear(&bytes);
    otk_capture_end_body(c);
    c->pub.has_signal = true;
    c->pub.encoding = OTK_ENCODING_PROTOBUF;
    c->pub.status = 200;
    if (otk_capture_decode(c, NULL, SIZE_MAX, &fault))
        abort();
    for (size_t i = 0; i < c->index.item_count; i++)
        c->body.data[otk_wire_message(c->body.data, c->index.items[i]).data - c->body.data + 2] = number;
    return c;
}

static struct otk_query *new_query(const struct subject *s)
{
    struct otk_query *q;
    otk_error error;
    if (otk_query_new(&q, s->selector, &error))
        abort();
    return q;
}

static void feed_all(const struct subject *s, struct otk_query *q)
{
    for (size_t i = 0; i < REQUESTS; i++)
        if (otk_query_feed(q, s->captures[i]))
            abort();
}

static void select_all(void *arg)
{
    const struct subject *s = arg;
    struct otk_query *q = new_query(s);
    feed_all(s, q);
    otk_query_free(q);
}

static void write_all(void *arg)
{
    struct subject *s = arg;
    for (size_t i = 0; i < REQUESTS; i++) {
        s->json.size = 0;
        if (otk_json_write(&s->json, otk_schema(OTK_MESSAGE_TRACES_REQUEST), s->captures[i]->pub.message.data,
                           s->captures[i]->pub.message.size))
            abort();
    }
}

static void feed_one_more(void *arg)
{
    const struct subject *s = arg;
    if (otk_query_feed(s->fed, s->one_more))
        abort();
}

/* A query that has seen nothing, fed with the same span. */
static void feed_first(void *arg)
{
    const struct subject *s = arg;
    struct otk_query *q = new_query(s);
    if (otk_query_feed(q, s->one_more))
        abort();
    otk_query_free(q);
}

static void measure(struct subject *s, const char *selector, double bound)
{
    s->selector = selector;
    struct bench_pair pair = bench_compare(select_all, write_all, s);
    bench_row(selector, "all spans / as JSON", pair.ours / pair.floor, true, bound);
    printf("  (%.0f ns a span)\n", pair.ours * 1e3 / (REQUESTS * SPANS_A_REQUEST));
}

static void measure_one_more(struct subject *s)
{
    s->selector = "{ name = \"x\" && span.http.status_code >= 500 }";
    s->fed = new_query(s);
    feed_all(s, s->fed);
    struct bench_pair pair = bench_compare(feed_one_more, feed_first, s);
    bench_row("one span more", "after 100,000 / a new query's first", pair.ours / pair.floor, true, 1);
    otk_query_free(s->fed);
}

int main(void)
{
    struct subject s = {.json = OTK_BUFFER_INIT((size_t)1 << 30), .one_more = make_capture(1, 0xff)};
    for (size_t i = 0; i < REQUESTS; i++)
        s.captures[i] = make_capture(SPANS_A_REQUEST, (uint8_t)i);
    measure(&s, "{ name = \"x\" && span.http.status_code >= 500 }", 1);
    measure(&s, "{ resource.service.name = \"shop\" && .url.full =~ \".*/9\" }", 1);
    measure(&s, "{ kind = server } !>> { event.cache.hit = true }", 3); /* 100,000 traces of one span each */
    measure_one_more(&s);
    for (size_t i = 0; i < REQUESTS; i++)
        otk_capture_free(s.captures[i]);
    otk_capture_free(s.one_more);
    otk_buffer_clear(&s.json);
    return bench_exit();
}
