/* Matches by their position, as captured structs. */
#include "expect.h"
#include "store.h"

#include <stdio.h>

static int fail(otk_error *error, int code, const char *sentence)
{
    if (error) {
        error->code = code;
        snprintf(error->message, sizeof error->message, "%s", sentence);
    }
    return code;
}

static int feed_all(struct otk_query *q, struct otk_store *s)
{
    uint64_t number = 0;
    struct capture *c;
    int rc = 0;
    while (!rc && (c = otk_store_next(s, number))) {
        number = c->pub.number;
        rc = otk_query_feed(q, c);
        otk_capture_free(c);
    }
    return rc;
}

static bool show(const struct otk_query_match *m, otk_found *out)
{
    const otk_capture *c = &m->capture->pub;
    *out = (otk_found){.signal = c->signal};
    if (c->signal == OTK_SIGNAL_TRACES)
        return (out->span = otk_capture_span(c, m->item));
    if (c->signal == OTK_SIGNAL_LOGS)
        return (out->log = otk_capture_log(c, m->item));
    out->metric = otk_capture_metric(c, m->item);
    out->point = out->metric && m->point < out->metric->point_count ? &out->metric->points[m->point] : NULL;
    return out->metric;
}

int otk_receiver_find(otk_receiver *rx, const char *selector, uint64_t i, otk_found *out, otk_error *error)
{
    struct otk_query *q = NULL;
    struct otk_query_match m;
    otk_error unread;
    int rc = otk_query_new(&q, selector, error ? error : &unread);
    if (rc == OTK_EINVAL)
        return rc;
    if (!rc)
        rc = feed_all(q, otk_receiver_store(rx));
    if (!rc && i >= otk_query_matches(q))
        rc = fail(error, OTK_EDATA, "the selector has fewer matches");
    if (!rc)
        rc = otk_query_match(q, i, &m);
    if (!rc && !show(&m, out))
        rc = OTK_ENOMEM;
    otk_query_free(q);
    if (rc == OTK_ENOMEM)
        fail(error, rc, "out of memory");
    return rc == OTK_ELIMIT ? fail(error, rc, "a regular expression is too costly for what came") : rc;
}

const otk_capture *otk_receiver_find_request(otk_receiver *rx, const otk_request_match *match, uint64_t i)
{
    const otk_capture *c;
    for (size_t at = 0; (c = otk_receiver_request(rx, at)); at++)
        if (otk_request_matches(match, c) && i-- == 0)
            return c;
    return NULL;
}
