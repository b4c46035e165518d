#include "draft.h"
#include "put.h"

enum { PAIR_KEY = 1, PAIR_VALUE = 2, ANY_STRING = 1, ANY_BOOL = 2, ANY_INT = 3, ANY_DOUBLE = 4, ANY_BYTES = 7 };

/* Of a varint; most are short. */
static inline size_t size_of(uint64_t number)
{
    return number < 0x80 ? 1 : otk_varint_size(number);
}

static uint64_t number_of(const struct otk_draft_item *item)
{
    uint64_t number = 0;
    memcpy(&number, item->content.data, item->content.size);
    return number;
}

/* Of the AnyValue. */
static inline size_t value_size(const struct otk_draft_item *item)
{
    switch (item->type) {
    case OTK_VALUE_STRING:
    case OTK_VALUE_BYTES:
        return 1 + size_of(item->content.size) + item->content.size;
    case OTK_VALUE_BOOL:
        return 2;
    case OTK_VALUE_INT:
        return 1 + size_of(number_of(item));
    case OTK_VALUE_DOUBLE:
        return 1 + sizeof(double);
    default:
        return item->content.size;
    }
}

static inline uint8_t *put_value(uint8_t *to, const struct otk_draft_item *item)
{
    const otk_bytes *content = &item->content;
    switch (item->type) {
    case OTK_VALUE_STRING:
        return otk_put_text(otk_put_size(to, ANY_STRING, content->size),
                            (otk_string){(const char *)content->data, content->size});
    case OTK_VALUE_BYTES:
        return otk_put_bytes(otk_put_size(to, ANY_BYTES, content->size), content->data, content->size);
    case OTK_VALUE_BOOL:
        return otk_varint_put(otk_put_tag(to, ANY_BOOL, OTK_WIRE_VARINT), content->data[0]);
    case OTK_VALUE_INT:
        return otk_varint_put(otk_put_tag(to, ANY_INT, OTK_WIRE_VARINT), number_of(item));
    case OTK_VALUE_DOUBLE:
        return otk_fixed64_put(otk_put_tag(to, ANY_DOUBLE, OTK_WIRE_I64), number_of(item));
    default:
        return otk_put_bytes(to, content->data, content->size);
    }
}

static inline uint8_t *put_attribute(uint8_t *to, unsigned number, const struct otk_draft_item *item)
{
    size_t size = value_size(item);
    size_t pair = 2 + size_of(item->key.size) + item->key.size + size_of(size) + size;
    to = otk_put_text(otk_put_size(otk_put_size(to, number, pair), PAIR_KEY, item->key.size), item->key);
    return to ? put_value(otk_put_size(to, PAIR_VALUE, size), item) : NULL;
}

/* One bit for a key, not always another one. */
static uint64_t slot_of(const otk_string *key)
{
    return UINT64_C(1) << (((uint8_t)key->data[key->size - 1] + 7 * key->size) & 63);
}

static bool is_again(const struct otk_draft_item *item, const uint8_t *first, const uint8_t *at, uint64_t *slots)
{
    uint64_t slot = slot_of(&item->key);
    bool again = (*slots & slot) && otk_draft_find(first, at, &item->key);
    *slots |= slot;
    return again;
}

uint8_t *otk_draft_encode(uint8_t *to, unsigned number, const uint8_t *first, const uint8_t *end, bool keys_differ)
{
    uint64_t slots = 0;
    struct otk_draft_item item;
    for (const uint8_t *at = first, *next; at < end && to; at = next) {
        next = otk_draft_read(at, &item);
        to = !keys_differ && is_again(&item, first, at, &slots) ? NULL : put_attribute(to, number, &item);
    }
    return to;
}

static void write_repaired(struct otk_buffer *b, unsigned number, const uint8_t *first, const uint8_t *end)
{
    struct otk_draft copy = otk_draft_new(&otk_draft_unlimited, UINT32_MAX);
    if (otk_buffer_reserve(&copy.bytes, 3 * (size_t)(end - first))) {
        otk_draft_clean(&copy, first, end);
        otk_draft_write(b, number, &copy);
    } else {
        b->failed = copy.bytes.failed;
    }
    otk_buffer_clear(&copy.bytes);
}

void otk_draft_write(struct otk_buffer *b, unsigned number, const struct otk_draft *set)
{
    size_t size = set->bytes.size - set->from;
    uint8_t *to = size ? otk_buffer_reserve(b, 2 * size) : NULL;
    if (!to)
        return;
    const uint8_t *first = set->bytes.data + set->from;
    to = otk_draft_encode(to, number, first, first + size, set->settled);
    if (to)
        b->size = (size_t)(to - b->data);
    else
        write_repaired(b, number, first, first + size);
}
