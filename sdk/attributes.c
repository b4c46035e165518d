#include "attributes.h"

#include "quick.h"
#include "text.h"
#include "wire.h"
#include "writer.h"

#include <stdlib.h>

enum { KEY = 1, VALUE = 2, ANY_STRING = 1, ANY_ARRAY = 5, ANY_KVLIST = 6, ANY_BYTES = 7, LIST_VALUES = 1 };

/* ---- Values ---------------------------------------------------------- */

static bool string_is_plain(const otk_string *s, size_t value_length)
{
    return s->size <= value_length && otk_text_size(s->data, s->size, SIZE_MAX) == s->size;
}

static bool same_key(const otk_string *a, const otk_string *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Whether a later entry has the same key, and so replaces this one. */
static bool is_replaced(const otk_attributes *list, size_t i)
{
    for (size_t later = i + 1; later < list->count; later++)
        if (same_key(&list->items[i].key, &list->items[later].key))
            return true;
    return false;
}

static bool value_is_plain(const otk_value *value, size_t value_length, unsigned depth);

static bool array_is_plain(const otk_array *array, size_t value_length, unsigned depth)
{
    for (size_t i = 0; i < array->count; i++)
        if (!value_is_plain(&array->values[i], value_length, depth))
            return false;
    return true;
}

static bool kvlist_is_plain(const otk_attributes *list, size_t value_length, unsigned depth)
{
    for (size_t i = 0; i < list->count; i++)
        if (!string_is_plain(&list->items[i].key, SIZE_MAX) || is_replaced(list, i) ||
            !value_is_plain(&list->items[i].value, value_length, depth))
            return false;
    return true;
}

/* Whether the value may be written as it is. */
static bool value_is_plain(const otk_value *value, size_t value_length, unsigned depth)
{
    switch (value->type) {
    case OTK_VALUE_STRING:
        return string_is_plain(&value->as.string_value, value_length);
    case OTK_VALUE_BYTES:
        return value->as.bytes_value.size <= value_length;
    case OTK_VALUE_ARRAY:
        return depth < OTK_VALUE_DEPTH_MAX && array_is_plain(&value->as.array_value, value_length, depth + 1);
    case OTK_VALUE_KVLIST:
        return depth < OTK_VALUE_DEPTH_MAX && kvlist_is_plain(&value->as.kvlist_value, value_length, depth + 1);
    case OTK_VALUE_STRING_STRINDEX:
        return false;
    default:
        return true;
    }
}

/* The careful way, for values that are not plain: everything is repaired while it is written. */
struct careful {
    struct otk_buffer *b;
    struct otk_gaps gaps;
    size_t value_length;
};

static void write_carefully(struct careful *c, const otk_value *value, unsigned depth);

static void write_array(struct careful *c, const otk_array *array, unsigned depth)
{
    struct otk_open list = otk_write_begin(c->b, &c->gaps, ANY_ARRAY);
    for (size_t i = 0; i < array->count; i++) {
        struct otk_open item = otk_write_begin(c->b, &c->gaps, LIST_VALUES);
        write_carefully(c, &array->values[i], depth);
        otk_write_end(c->b, &c->gaps, item);
    }
    otk_write_end(c->b, &c->gaps, list);
}

static void write_pair(struct careful *c, unsigned number, const otk_attribute *attribute, unsigned depth)
{
    struct otk_open pair = otk_write_begin(c->b, &c->gaps, number);
    otk_text_write(c->b, KEY, attribute->key.data, attribute->key.size, SIZE_MAX);
    struct otk_open value = otk_write_begin(c->b, &c->gaps, VALUE);
    write_carefully(c, &attribute->value, depth);
    otk_write_end(c->b, &c->gaps, value);
    otk_write_end(c->b, &c->gaps, pair);
}

static void write_kvlist(struct careful *c, const otk_attributes *list, unsigned depth)
{
    struct otk_open open = otk_write_begin(c->b, &c->gaps, ANY_KVLIST);
    for (size_t i = 0; i < list->count; i++)
        if (!is_replaced(list, i))
            write_pair(c, LIST_VALUES, &list->items[i], depth);
    otk_write_end(c->b, &c->gaps, open);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void write_carefully(struct careful *c, const otk_value *value, unsigned depth)
{
    switch (value->type) {
    case OTK_VALUE_STRING:
        otk_text_write(c->b, ANY_STRING, value->as.string_value.data, value->as.string_value.size, c->value_length);
        break;
    case OTK_VALUE_BYTES:
        otk_write_bytes(c->b, ANY_BYTES, value->as.bytes_value.data,
                        smaller(value->as.bytes_value.size, c->value_length));
        break;
    case OTK_VALUE_ARRAY:
        if (depth < OTK_VALUE_DEPTH_MAX)
            write_array(c, &value->as.array_value, depth + 1);
        break;
    case OTK_VALUE_KVLIST:
        if (depth < OTK_VALUE_DEPTH_MAX)
            write_kvlist(c, &value->as.kvlist_value, depth + 1);
        break;
    case OTK_VALUE_STRING_STRINDEX: /* an index into a table that only profiles have */
        break;
    default:
        otk_write_value(c->b, value);
    }
}

void otk_attributes_write_value(struct otk_buffer *b, unsigned number, const otk_value *value, size_t value_length)
{
    struct careful c = {b, OTK_GAPS_INIT, value_length};
    struct otk_open open = otk_write_begin(b, &c.gaps, number);
    write_carefully(&c, value, 0);
    otk_write_end(b, &c.gaps, open);
    otk_write_finish(b, &c.gaps);
}

void otk_attributes_write_content(struct otk_buffer *b, const otk_value *value, size_t value_length)
{
    struct careful c = {b, OTK_GAPS_INIT, value_length};
    write_carefully(&c, value, 0);
    otk_write_finish(b, &c.gaps);
}

/* ---- Records --------------------------------------------------------- */

static void write_record(struct otk_attribute_set *set, const otk_attribute *attribute)
{
    size_t value_length = set->limits.value_length;
    if (string_is_plain(&attribute->key, SIZE_MAX) && value_is_plain(&attribute->value, value_length, 0)) {
        otk_write_attribute(&set->bytes, set->number, attribute);
        return;
    }
    struct careful c = {&set->bytes, OTK_GAPS_INIT, value_length};
    write_pair(&c, set->number, attribute, 0);
    otk_write_finish(&set->bytes, &c.gaps);
}

/* ---- The set --------------------------------------------------------- */

void otk_attribute_set_init(struct otk_attribute_set *set, unsigned number, struct otk_limits limits, size_t max_bytes)
{
    *set = (struct otk_attribute_set){.bytes = OTK_BUFFER_INIT(max_bytes), .number = number, .limits = limits};
}

void otk_attribute_set_clear(struct otk_attribute_set *set)
{
    otk_buffer_clear(&set->bytes);
    free(set->entries);
    set->entries = NULL;
    set->count = set->capacity = 0;
    set->slots = 0;
}

void otk_attribute_set_reset(struct otk_attribute_set *set)
{
    set->bytes.size = 0;
    set->bytes.failed = 0;
    set->count = 0;
    set->slots = 0;
    set->dropped = 0;
}

static const uint8_t *key_of(const struct otk_attribute_set *set, const struct otk_entry *entry)
{
    return set->bytes.data + entry->at + entry->key_at;
}

static bool reserve_entry(struct otk_attribute_set *set)
{
    if (set->count < set->capacity)
        return true;
    size_t capacity = set->capacity ? 2 * set->capacity : 8;
    struct otk_entry *entries = realloc(set->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    set->entries = entries;
    set->capacity = capacity;
    return true;
}

/* Finds the key in the record that stands at the end: tag, length, tag of the key, its length. */
static struct otk_entry entry_at(const struct otk_attribute_set *set, size_t at)
{
    const uint8_t *start = set->bytes.data + at;
    const uint8_t *p = start;
    otk_wire_varint(&p);
    otk_wire_varint(&p);
    p++;
    uint32_t key_size = (uint32_t)otk_wire_varint(&p);
    return (struct otk_entry){(uint32_t)at, (uint32_t)(set->bytes.size - at), (uint32_t)(p - start), key_size};
}

/* The entry with this key, or the count. */
static size_t find(const struct otk_attribute_set *set, const void *key, size_t size)
{
    size_t i = 0;
    while (i < set->count &&
           (set->entries[i].key_size != size || memcmp(key_of(set, &set->entries[i]), key, size) != 0))
        i++;
    return i;
}

bool otk_attribute_set_has(const struct otk_attribute_set *set, const char *key, size_t size)
{
    return find(set, key, size) < set->count;
}

static void remove_entry(struct otk_attribute_set *set, size_t i)
{
    struct otk_entry gone = set->entries[i];
    size_t behind = gone.at + gone.size;
    memmove(set->bytes.data + gone.at, set->bytes.data + behind, set->bytes.size - behind);
    set->bytes.size -= gone.size;
    memmove(&set->entries[i], &set->entries[i + 1], (set->count - i - 1) * sizeof *set->entries);
    set->count--;
    for (; i < set->count; i++)
        set->entries[i].at -= gone.size;
}

/* Takes back what was written from `at` on. */
static void refuse(struct otk_attribute_set *set, size_t at)
{
    set->bytes.size = at;
    set->bytes.failed = 0;
    set->dropped++;
}

/* Makes the record that stands at `at`, behind the others, one of the set, or refuses it. */
static void take_last(struct otk_attribute_set *set, size_t at)
{
    if (set->bytes.failed || !reserve_entry(set)) {
        refuse(set, at);
        return;
    }
    struct otk_entry entry = entry_at(set, at);
    const uint8_t *key = key_of(set, &entry);
    size_t old = find(set, key, entry.key_size);
    if (old == set->count && set->count >= set->limits.count) {
        refuse(set, at);
        return;
    }
    set->slots |= otk_quick_slot(key, entry.key_size);
    set->entries[set->count++] = entry;
    if (old < set->count - 1)
        remove_entry(set, old);
}

void otk_attribute_set_put(struct otk_attribute_set *set, const otk_attribute *attribute)
{
    size_t at = set->bytes.size;
    if (otk_quick_put(set, attribute) || !attribute->key.size || !attribute->key.data)
        return;
    write_record(set, attribute);
    take_last(set, at);
}

void otk_attribute_set_put_all(struct otk_attribute_set *set, const otk_attributes *attributes)
{
    for (size_t i = 0; attributes && attributes->items && i < attributes->count; i++)
        otk_attribute_set_put(set, &attributes->items[i]);
}

struct sortable {
    const uint8_t *key;
    struct otk_entry entry;
};

static int by_key(const void *left, const void *right)
{
    const struct sortable *a = left;
    const struct sortable *b = right;
    size_t common = smaller(a->entry.key_size, b->entry.key_size);
    int order = memcmp(a->key, b->key, common);
    return order ? order : (a->entry.key_size > b->entry.key_size) - (a->entry.key_size < b->entry.key_size);
}

static bool is_sorted(const struct otk_attribute_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        struct sortable a = {key_of(set, &set->entries[i - 1]), set->entries[i - 1]};
        struct sortable b = {key_of(set, &set->entries[i]), set->entries[i]};
        if (by_key(&a, &b) > 0)
            return false;
    }
    return true;
}

int otk_attribute_set_sort(struct otk_attribute_set *set)
{
    if (is_sorted(set))
        return 0;
    struct sortable *order = malloc(set->count * sizeof *order);
    uint8_t *sorted = malloc(set->bytes.size);
    if (!order || !sorted) {
        free(order);
        free(sorted);
        return OTK_ENOMEM;
    }
    for (size_t i = 0; i < set->count; i++)
        order[i] = (struct sortable){key_of(set, &set->entries[i]), set->entries[i]};
    qsort(order, set->count, sizeof *order, by_key);
    uint32_t at = 0;
    for (size_t i = 0; i < set->count; i++) {
        set->entries[i] = order[i].entry;
        memcpy(sorted + at, set->bytes.data + order[i].entry.at, order[i].entry.size);
        set->entries[i].at = at;
        at += order[i].entry.size;
    }
    memcpy(set->bytes.data, sorted, set->bytes.size);
    free(order);
    free(sorted);
    return 0;
}
