#include "draft.h"

#include "value.h"

#include <stdlib.h>

const struct otk_draft_limits otk_draft_unlimited = {{SIZE_MAX, SIZE_MAX}, OTK_DRAFT_QUICK_COUNT, OTK_DRAFT_QUICK_SIZE};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct otk_draft_limits otk_draft_limit(struct otk_limits limits)
{
    return (struct otk_draft_limits){limits, smaller(limits.count, OTK_DRAFT_QUICK_COUNT),
                                     smaller(limits.value_length, OTK_DRAFT_QUICK_SIZE)};
}

/* ---- Reading --------------------------------------------------------- */

static bool same_key(const otk_string *a, const otk_string *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

const uint8_t *otk_draft_find(const uint8_t *at, const uint8_t *end, const otk_string *key)
{
    const uint8_t *found = NULL;
    struct otk_draft_item item;
    for (const uint8_t *next; at < end; at = next) {
        next = otk_draft_read(at, &item);
        if (same_key(&item.key, key))
            found = at;
    }
    return found;
}

size_t otk_draft_distinct(const uint8_t *at, const uint8_t *end)
{
    struct otk_draft_item item;
    size_t distinct = 0;
    while (at < end) {
        at = otk_draft_read(at, &item);
        distinct += !otk_draft_find(at, end, &item.key);
    }
    return distinct;
}

bool otk_draft_value(const struct otk_draft_item *item, otk_value *out)
{
    *out = (otk_value){.type = item->type};
    switch (item->type) {
    case OTK_VALUE_STRING:
        out->as.string_value = (otk_string){(const char *)item->content.data, item->content.size};
        return true;
    case OTK_VALUE_BYTES:
        out->as.bytes_value = item->content;
        return true;
    case OTK_VALUE_BOOL:
        out->as.bool_value = item->content.data[0];
        return true;
    case OTK_VALUE_INT:
        memcpy(&out->as.int_value, item->content.data, sizeof out->as.int_value);
        return true;
    case OTK_VALUE_DOUBLE:
        memcpy(&out->as.double_value, item->content.data, sizeof out->as.double_value);
        return true;
    default:
        return item->type == OTK_VALUE_EMPTY;
    }
}

/* ---- Writing --------------------------------------------------------- */

static void append_content(struct otk_buffer *b, const otk_value *value, size_t value_length)
{
    switch (value->type) {
    case OTK_VALUE_STRING:
        otk_text_append(b, value->as.string_value.data, value->as.string_value.size, value_length);
        break;
    case OTK_VALUE_BYTES:
        otk_buffer_append(b, value->as.bytes_value.data, smaller(value->as.bytes_value.size, value_length));
        break;
    case OTK_VALUE_BOOL:
        otk_buffer_byte(b, value->as.bool_value);
        break;
    case OTK_VALUE_INT:
        otk_buffer_append(b, &value->as.int_value, sizeof value->as.int_value);
        break;
    case OTK_VALUE_DOUBLE:
        otk_buffer_append(b, &value->as.double_value, sizeof value->as.double_value);
        break;
    default:
        otk_value_write_content(b, value, value_length);
    }
}

/* Where an attribute that is being appended begins, and its content does. */
struct open {
    size_t at, content_at;
    uint32_t key_size;
};

static struct open begin(struct otk_buffer *b, const otk_string *key)
{
    struct open open = {.at = b->size};
    otk_buffer_append(b, &(struct otk_draft_head){0}, sizeof(struct otk_draft_head));
    otk_text_append(b, key->data, key->size, OTK_TEXT_UNLIMITED);
    open.content_at = b->size;
    open.key_size = (uint32_t)(b->size - open.at - sizeof(struct otk_draft_head));
    return open;
}

/* Takes back what was begun, and the buffer's failure, if it failed. */
static bool end(struct otk_buffer *b, struct open open, otk_value_type type)
{
    if (b->failed) {
        b->size = open.at;
        b->failed = 0;
        return false;
    }
    uint32_t size = (uint32_t)(b->size - open.content_at);
    struct otk_draft_head head = {open.key_size, size << OTK_DRAFT_TYPE_BITS | (uint32_t)type};
    memcpy(b->data + open.at, &head, sizeof head);
    return true;
}

static bool append(struct otk_draft *set, const otk_attribute *attribute)
{
    const otk_value *value = &attribute->value;
    struct open open = begin(&set->bytes, &attribute->key);
    append_content(&set->bytes, value, set->limits->exact.value_length);
    bool known = (unsigned)value->type < OTK_VALUE_STRING_STRINDEX;
    return end(&set->bytes, open, known ? value->type : OTK_VALUE_EMPTY);
}

static void remove_at(struct otk_draft *set, size_t at)
{
    struct otk_draft_item item;
    uint8_t *gone = set->bytes.data + at;
    const uint8_t *next = otk_draft_read(gone, &item);
    size_t size = (size_t)(next - gone);
    memmove(gone, next, set->bytes.size - at - size);
    set->bytes.size -= size;
}

/* Leaves one of each key: the last. */
static void settle(struct otk_draft *set)
{
    struct otk_draft_item item;
    const uint8_t *end = set->bytes.data + set->bytes.size;
    size_t to = set->from;
    set->quick_left = set->count = 0;
    set->settled = true;
    for (const uint8_t *at = set->bytes.data + to, *next; at < end; at = next) {
        next = otk_draft_read(at, &item);
        if (otk_draft_find(next, end, &item.key))
            continue;
        memmove(set->bytes.data + to, at, (size_t)(next - at));
        to += (size_t)(next - at);
        set->count++;
    }
    set->bytes.size = to;
}

/* As long as few bytes stand there, it does not matter whether one of them is not needed. */
static bool is_to_settle(const struct otk_draft *set)
{
    return !set->settled && (!set->quick_left || set->bytes.size - set->from > OTK_DRAFT_QUICK_SIZE);
}

/* Has the one that stands at `at`, behind the others, replace that with the same key, which is repaired by now. False,
 * and it is gone, when it is one too many. */
static bool take_last(struct otk_draft *set, size_t at)
{
    const uint8_t *data = set->bytes.data;
    struct otk_draft_item last;
    otk_draft_read(data + at, &last);
    const uint8_t *old = otk_draft_find(data + set->from, data + at, &last.key);
    if (!old && set->count >= set->limits->exact.count) {
        set->bytes.size = at;
        return false;
    }
    if (old)
        remove_at(set, (size_t)(old - data));
    else
        set->count++;
    return true;
}

static bool put(struct otk_draft *set, const otk_attribute *attribute)
{
    size_t at = set->bytes.size;
    if (!append(set, attribute))
        return false;
    if (set->settled)
        return take_last(set, at);
    set->quick_left--;
    return true;
}

static bool put_quickly(struct otk_draft *set, const otk_attribute *attribute)
{
    if (attribute->value.type == OTK_VALUE_STRING)
        return otk_draft_quick_text(set, attribute->key, attribute->value.as.string_value);
    return attribute->value.type == OTK_VALUE_INT &&
           otk_draft_quick_int(set, attribute->key, attribute->value.as.int_value);
}

void otk_draft_put(struct otk_draft *set, const otk_attribute *attribute)
{
    if (!attribute->key.data || !attribute->key.size || put_quickly(set, attribute))
        return;
    if (is_to_settle(set))
        settle(set);
    set->dropped += !put(set, attribute);
}

void otk_draft_put_all(struct otk_draft *set, const otk_attributes *attributes)
{
    for (size_t i = 0; attributes && attributes->items && i < attributes->count; i++)
        otk_draft_put(set, &attributes->items[i]);
}

static void append_clean(struct otk_draft *set, const struct otk_draft_item *item)
{
    struct otk_buffer *b = &set->bytes;
    struct open open = begin(b, &item->key);
    if (item->type == OTK_VALUE_STRING)
        otk_text_append(b, (const char *)item->content.data, item->content.size, OTK_TEXT_UNLIMITED);
    else
        otk_buffer_append(b, item->content.data, item->content.size);
    end(b, open, item->type);
}

void otk_draft_clean(struct otk_draft *set, const uint8_t *at, const uint8_t *end)
{
    struct otk_draft_item item;
    while (at < end) {
        at = otk_draft_read(at, &item);
        append_clean(set, &item);
    }
    settle(set);
}

/* ---- Sorting --------------------------------------------------------- */

static int by_key(const void *left, const void *right)
{
    struct otk_draft_item a, b;
    otk_draft_read(*(const uint8_t *const *)left, &a);
    otk_draft_read(*(const uint8_t *const *)right, &b);
    int order = memcmp(a.key.data, b.key.data, smaller(a.key.size, b.key.size));
    return order ? order : (a.key.size > b.key.size) - (a.key.size < b.key.size);
}

/* Shows where each of them stands; returns whether that is in order. */
static bool list(const struct otk_draft *set, const uint8_t **out)
{
    struct otk_draft_item item;
    const uint8_t *at = set->bytes.data + set->from;
    bool sorted = true;
    for (size_t i = 0; i < set->count; i++) {
        out[i] = at;
        sorted = sorted && (i == 0 || by_key(&out[i - 1], &out[i]) < 0);
        at = otk_draft_read(at, &item);
    }
    return sorted;
}

static void copy_in_order(uint8_t *to, const uint8_t *const *order, size_t count)
{
    struct otk_draft_item item;
    for (size_t i = 0; i < count; i++) {
        size_t size = (size_t)(otk_draft_read(order[i], &item) - order[i]);
        memcpy(to, order[i], size);
        to += size;
    }
}

int otk_draft_sort(struct otk_draft *set)
{
    settle(set);
    if (set->count < 2)
        return 0;
    size_t size = set->bytes.size - set->from;
    const uint8_t **order = malloc(set->count * sizeof *order + size);
    if (!order)
        return OTK_ENOMEM;
    if (!list(set, order)) {
        uint8_t *sorted = (uint8_t *)(order + set->count);
        qsort(order, set->count, sizeof *order, by_key);
        copy_in_order(sorted, order, set->count);
        memcpy(set->bytes.data + set->from, sorted, size);
    }
    free(order);
    return 0;
}
