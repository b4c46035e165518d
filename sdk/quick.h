/* The quick way into a set of attributes, for most of them: a new ASCII key with a
 * number or an ASCII text, so short that every length takes one byte, where
 * there is room. Each function returns false for others, and then the set is as
 * it was.
 */
#ifndef OTLPKIT_QUICK_H
#define OTLPKIT_QUICK_H

#include "attributes.h"
#include "text.h"
#include "writer.h"

/* The bytes before key and AnyValue: tag and length of the record, and of each of the two. */
enum { OTK_QUICK_KEY_AT = 4, OTK_QUICK_FRAME = 6 };

enum { OTK_QUICK_STRING = 1, OTK_QUICK_BOOL = 2, OTK_QUICK_INT = 3, OTK_QUICK_DOUBLE = 4 };

static inline bool otk_quick_fits(const struct otk_attribute_set *set, size_t key_size, size_t value_size)
{
    size_t size = OTK_QUICK_FRAME + key_size + value_size;
    return (key_size | value_size | (size - 2)) < 0x80 && key_size && set->count < set->capacity &&
           set->count < set->limits.count && set->bytes.capacity - set->bytes.size >= size;
}

static inline bool otk_quick_is_known(const struct otk_attribute_set *set, const char *key, size_t size)
{
    for (const struct otk_entry *e = set->entries, *end = e + set->count; e < end; e++)
        if (e->key_size == size && memcmp(set->bytes.data + e->at + e->key_at, key, size) == 0)
            return true;
    return false;
}

/* Writes the record around an AnyValue that already stands in its place, and takes it into the set, if all `bits` are
 * ASCII's. */
static inline bool otk_quick_take(struct otk_attribute_set *set, const char *key, size_t key_size, size_t value_size,
                                  uint64_t bits)
{
    uint8_t *to = set->bytes.data + set->bytes.size;
    uint32_t size = (uint32_t)(OTK_QUICK_FRAME + key_size + value_size);
    bits |= otk_text_copy_bits(to + OTK_QUICK_KEY_AT, key, key_size);
    if ((bits & OTK_TEXT_HIGH_BITS) || otk_quick_is_known(set, key, key_size))
        return false;
    to[0] = (uint8_t)(set->number << 3 | OTK_WIRE_LEN);
    to[1] = (uint8_t)(size - 2);
    to[2] = 1 << 3 | OTK_WIRE_LEN;
    to[3] = (uint8_t)key_size;
    to[OTK_QUICK_KEY_AT + key_size] = 2 << 3 | OTK_WIRE_LEN;
    to[OTK_QUICK_KEY_AT + key_size + 1] = (uint8_t)value_size;
    set->entries[set->count++] =
        (struct otk_entry){(uint32_t)set->bytes.size, size, OTK_QUICK_KEY_AT, (uint32_t)key_size};
    set->bytes.size += size;
    return true;
}

static inline uint8_t *otk_quick_value(const struct otk_attribute_set *set, size_t key_size)
{
    return set->bytes.data + set->bytes.size + OTK_QUICK_FRAME + key_size;
}

static inline bool otk_quick_text(struct otk_attribute_set *set, const char *key, size_t key_size, const char *text,
                                  size_t size)
{
    if (size > set->limits.value_length || !otk_quick_fits(set, key_size, 2 + size))
        return false;
    uint8_t *value = otk_quick_value(set, key_size);
    value[0] = OTK_QUICK_STRING << 3 | OTK_WIRE_LEN;
    value[1] = (uint8_t)size;
    return otk_quick_take(set, key, key_size, 2 + size, otk_text_copy_bits(value + 2, text, size));
}

static inline bool otk_quick_varint(struct otk_attribute_set *set, const char *key, size_t key_size, unsigned member,
                                    uint64_t number)
{
    size_t size = 1 + otk_varint_size(number);
    if (!otk_quick_fits(set, key_size, size))
        return false;
    uint8_t *value = otk_quick_value(set, key_size);
    value[0] = (uint8_t)(member << 3 | OTK_WIRE_VARINT);
    otk_varint_put(value + 1, number);
    return otk_quick_take(set, key, key_size, size, 0);
}

static inline bool otk_quick_double(struct otk_attribute_set *set, const char *key, size_t key_size, double number)
{
    uint64_t raw;
    memcpy(&raw, &number, sizeof raw);
    if (!otk_quick_fits(set, key_size, 1 + sizeof raw))
        return false;
    uint8_t *value = otk_quick_value(set, key_size);
    value[0] = OTK_QUICK_DOUBLE << 3 | OTK_WIRE_I64;
    otk_fixed64_put(value + 1, raw);
    return otk_quick_take(set, key, key_size, 1 + sizeof raw, 0);
}

static inline bool otk_quick_put(struct otk_attribute_set *set, const otk_attribute *attribute)
{
    const otk_string *key = &attribute->key;
    const otk_value *value = &attribute->value;
    if (!key->data)
        return false;
    switch (value->type) {
    case OTK_VALUE_STRING:
        return otk_quick_text(set, key->data, key->size, value->as.string_value.data, value->as.string_value.size);
    case OTK_VALUE_INT:
        return otk_quick_varint(set, key->data, key->size, OTK_QUICK_INT, (uint64_t)value->as.int_value);
    case OTK_VALUE_BOOL:
        return otk_quick_varint(set, key->data, key->size, OTK_QUICK_BOOL, value->as.bool_value);
    case OTK_VALUE_DOUBLE:
        return otk_quick_double(set, key->data, key->size, value->as.double_value);
    default:
        return false;
    }
}

#endif
