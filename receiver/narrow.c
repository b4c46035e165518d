#include "narrow.h"

#include "json.h"

#define INSIDE 2 /* an envelope's field that holds what is inside it */

static int next_match(struct otk_narrowing *n)
{
    int rc = otk_query_match(n->query, n->next++, &n->match);
    n->done = rc != 0;
    return rc == OTK_EINVAL ? 0 : rc;
}

static void copy_records(struct otk_narrowing *n, const struct otk_message *type, struct otk_extent from)
{
    for (const uint8_t *p = from.data; p < from.end;) {
        const uint8_t *start = p;
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (r.number != INSIDE)
            otk_buffer_append(&n->bytes, start, (size_t)(p - start));
    }
}

static int write_items(struct otk_narrowing *n, const struct capture *c, size_t scope)
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

static int write_resource(struct otk_narrowing *n, const struct capture *c, const struct otk_message *type)
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

int otk_narrowing_begin(struct otk_narrowing *n, struct otk_query *q)
{
    *n = (struct otk_narrowing){.query = q};
    return next_match(n);
}

int otk_narrowing_next(struct otk_narrowing *n, struct otk_buffer *out)
{
    const struct capture *c = n->match.capture;
    int rc = 0;
    if (n->done)
        return 0;
    const struct otk_message *type = otk_schema((enum otk_message_id)c->pub.signal);
    n->bytes = OTK_BUFFER_INIT(UINT32_MAX);
    n->gaps = OTK_GAPS_INIT;
    while (!rc && !n->done && n->match.capture == c)
        rc = write_resource(n, c, type->number[1]->message);
    int finished = otk_write_finish(&n->bytes, &n->gaps);
    rc = rc ? rc : finished;
    if (!rc)
        rc = otk_json_write(out, type, n->bytes.data, n->bytes.size);
    otk_buffer_clear(&n->bytes);
    return rc ? rc : otk_buffer_byte(out, '\n');
}
