#include "batch.h"

#include "writer.h"

/* The three signals share these numbers. */
enum { REQUEST_RESOURCE_ITEMS = 1, RESOURCE = 1, RESOURCE_SCOPE_ITEMS = 2, SCOPE = 1, SCOPE_ITEMS = 2 };

static size_t record_size(size_t content)
{
    return 1 + otk_varint_size(content) + content;
}

static void write_head(struct otk_buffer *b, unsigned number, size_t size)
{
    uint8_t *to = otk_buffer_reserve(b, 2 * OTK_VARINT_MAX);
    if (to)
        b->size = (size_t)(otk_varint_put(otk_varint_put(to, (uint64_t)number << 3 | OTK_WIRE_LEN), size) - b->data);
}

/* Lists the scopes of the items and adds up what each will hold. */
static struct otk_scope *list_scopes(const struct otk_item *items, size_t count)
{
    struct otk_scope *first = NULL;
    struct otk_scope **end = &first;
    for (size_t i = 0; i < count; i++)
        items[i].scope->batch_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct otk_scope *scope = items[i].scope;
        if (!scope->batch_bytes) {
            scope->batch_bytes = record_size(scope->content.size) + scope->schema_url.size;
            scope->batch_next = NULL;
            *end = scope;
            end = &scope->batch_next;
        }
        scope->batch_bytes += record_size(items[i].size);
    }
    return first;
}

static void write_scope(struct otk_buffer *b, const struct otk_scope *scope, const struct otk_item *items, size_t count)
{
    write_head(b, RESOURCE_SCOPE_ITEMS, scope->batch_bytes);
    otk_write_bytes(b, SCOPE, scope->content.data, scope->content.size);
    for (size_t i = 0; i < count; i++)
        if (items[i].scope == scope)
            otk_write_bytes(b, SCOPE_ITEMS, items[i].data, items[i].size);
    otk_buffer_append(b, scope->schema_url.data, scope->schema_url.size);
}

int otk_batch_write(struct otk_buffer *b, const struct otk_buffer *resource, const struct otk_item *items, size_t count)
{
    const struct otk_scope *scopes = list_scopes(items, count);
    size_t size = record_size(resource->size);
    for (const struct otk_scope *scope = scopes; scope; scope = scope->batch_next)
        size += record_size(scope->batch_bytes);
    if (record_size(size) > b->limit - b->size)
        return OTK_ELIMIT;

    if (!otk_buffer_reserve(b, record_size(size)))
        return b->failed;
    write_head(b, REQUEST_RESOURCE_ITEMS, size);
    otk_write_bytes(b, RESOURCE, resource->data, resource->size);
    for (const struct otk_scope *scope = scopes; scope; scope = scope->batch_next)
        write_scope(b, scope, items, count);
    return b->failed;
}
