/* Selectors for those who use the library: counting, JSON of what is selected, and what is wrong with one. */
#include "caret.h"
#include "json.h"
#include "query.h"
#include "selector.h"
#include "store.h"
#include "writer.h"

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

#define INSIDE 2 /* an envelope's field that holds what is inside it */

/* Writes requests again with some of their items. */
struct narrowing {
    struct otk_query *q;
    struct otk_query_match match; /* the next one */
    uint64_t next;
    bool done;
    struct otk_buffer bytes;
    struct otk_gaps gaps;
};

static int next_match(struct narrowing *n)
{
    int rc = otk_query_match(n->q, n->next++, &n->match);
    n->done = rc != 0;
    return rc == OTK_EINVAL ? 0 : rc;
}

static void copy_records(struct narrowing *n, const struct otk_message *type, struct otk_extent from)
{
    for (const uint8_t *p = from.data; p < from.end;) {
        const uint8_t *start = p;
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (r.number != INSIDE)
            otk_buffer_append(&n->bytes, start, (size_t)(p - start));
    }
}

static int write_items(struct narrowing *n, const struct capture *c, size_t scope)
{
    int rc = 0;
    while (!rc && !n->done && n->match.capture == c && otk_index_scope_of(&c->index, n->match.item) == scope) {
        uint32_t item = n->match.item;
        struct otk_extent e = otk_wire_message(c->pub.message.data, c->index.items[item]);
        otk_write_bytes(&n->bytes, INSIDE, e.data, (size_t)(e.end - e.data));
        while (!rc && !n->done && n->match.capture == c && n->match.item == item)
            rc = next_match(n);
    }
    return rc;
}

static int write_resource(struct narrowing *n, const struct capture *c, const struct otk_message *type)
{
    const uint8_t *bytes = c->pub.message.data;
    size_t scope = otk_index_scope_of(&c->index, n->match.item), resource = c->index.scopes[scope].resource;
    int rc = 0;
    struct otk_open envelope = otk_write_begin(&n->bytes, &n->gaps, 1);
    copy_records(n, type, otk_wire_message(bytes, c->index.resources[resource].offset));
    while (!rc && !n->done && n->match.capture == c) {
        scope = otk_index_scope_of(&c->index, n->match.item);
        if (c->index.scopes[scope].resource != resource)
            break;
        struct otk_open inner = otk_write_begin(&n->bytes, &n->gaps, INSIDE);
        copy_records(n, type->number[INSIDE]->message, otk_wire_message(bytes, c->index.scopes[scope].offset));
        rc = write_items(n, c, scope);
        otk_write_end(&n->bytes, &n->gaps, inner);
    }
    otk_write_end(&n->bytes, &n->gaps, envelope);
    return rc;
}

static int write_capture(struct narrowing *n, FILE *to)
{
    const struct capture *c = n->match.capture;
    const struct otk_message *type = otk_schema((enum otk_message_id)c->pub.signal);
    struct otk_buffer json = OTK_BUFFER_INIT(SIZE_MAX);
    int rc = 0;
    n->bytes = OTK_BUFFER_INIT(UINT32_MAX);
    n->gaps = OTK_GAPS_INIT;
    while (!rc && !n->done && n->match.capture == c)
        rc = write_resource(n, c, type->number[1]->message);
    int finished = otk_write_finish(&n->bytes, &n->gaps);
    rc = rc ? rc : finished;
    if (!rc)
        rc = otk_json_write(&json, type, n->bytes.data, n->bytes.size);
    if (!rc)
        rc = otk_buffer_byte(&json, '\n');
    if (!rc && fwrite(json.data, 1, json.size, to) != json.size)
        rc = OTK_ESYSTEM;
    otk_buffer_clear(&n->bytes);
    otk_buffer_clear(&json);
    return rc;
}

int otk_receiver_write_json_where(otk_receiver *rx, const char *selector, FILE *to, otk_error *error)
{
    struct narrowing n = {0};
    int rc = ask(rx, selector, &n.q, error);
    if (rc)
        return rc;
    rc = next_match(&n);
    while (!rc && !n.done)
        rc = write_capture(&n, to);
    otk_query_free(n.q);
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
    otk_buffer_text(&out, fault.sentence);
    otk_caret_write(&out, selector, fault.place.at, fault.place.size);
    if (!otk_buffer_string(&out))
        otk_buffer_clear(&out);
    return (char *)out.data;
}
