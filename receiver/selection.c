/* Selectors for those who use the library: counting, JSON of what is selected, and what is wrong with one. */
#include "caret.h"
#include "narrow.h"
#include "selector.h"
#include "store.h"
#include "visible.h"

#include <stdio.h>
#include <stdlib.h>

/* Feeds a query with all that came. */
static int ask(otk_receiver *rx, const char *selector, struct otk_query **out, otk_error *error)
{
    struct otk_store *store = otk_receiver_store(rx);
    struct otk_query *q = NULL;
    struct capture *c;
    uint64_t number = 0;
    int rc = otk_query_new(&q, selector, error);
    if (rc)
        return rc;
    while (!rc && (c = otk_store_next(store, number))) {
        number = c->pub.number;
        rc = otk_query_feed(q, c);
        otk_capture_free(c);
    }
    if (!rc) {
        *out = q;
        return 0;
    }
    otk_query_free(q);
    if (error) {
        error->code = rc;
        snprintf(error->message, sizeof error->message, "%s",
                 rc == OTK_ENOMEM ? "out of memory" : "a regular expression is too costly for a text that came");
    }
    return rc;
}

int64_t otk_receiver_count(otk_receiver *rx, const char *selector, otk_error *error)
{
    struct otk_query *q;
    if (ask(rx, selector, &q, error))
        return -1;
    int64_t count = (int64_t)otk_query_matches(q);
    otk_query_free(q);
    return count;
}

/* ---- JSON of what is selected ---------------------------------------- */

static int write_next(struct otk_narrowing *n, FILE *to)
{
    struct otk_buffer line = OTK_BUFFER_INIT(SIZE_MAX);
    int rc = otk_narrowing_next(n, &line);
    if (!rc && line.size && fwrite(line.data, 1, line.size, to) != line.size)
        rc = OTK_ESYSTEM;
    otk_buffer_clear(&line);
    return rc;
}

int otk_receiver_write_json_where(otk_receiver *rx, const char *selector, FILE *to, otk_error *error)
{
    struct otk_narrowing n;
    struct otk_query *q;
    int rc = ask(rx, selector, &q, error);
    if (rc)
        return rc;
    rc = otk_narrowing_begin(&n, q);
    while (!rc && !n.done)
        rc = write_next(&n, to);
    otk_query_free(q);
    return rc ? rc : fflush(to) ? OTK_ESYSTEM : 0;
}

/* ---- Explaining ------------------------------------------------------ */

char *otk_selector_explain(const char *selector)
{
    struct sel_selector *s;
    struct sel_fault fault = {0};
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    int rc = otk_selector_parse(&s, selector, &fault);
    if (!rc)
        otk_selector_free(s);
    if (rc != OTK_EINVAL)
        return NULL;
    otk_visible(&out, fault.sentence, strlen(fault.sentence), "");
    otk_caret_write(&out, selector, fault.place.at, fault.place.size);
    if (!otk_buffer_string(&out))
        otk_buffer_clear(&out);
    return (char *)out.data;
}
