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

enum { OTK_QUICK_STRING = 1, OTK_QUICK_BOOL = 2, OTK_QUICK_INT = 3, OTK_QUICK_DOUBLE = 4 };

/* The bytes before the key: tag and length of the record and of the key. Behind it come tag and length of the AnyValue,
 * and the tag of its member. */
enum { OTK_QUICK_HEAD = 4 };

/* One bit for a key, not always another one. */
static inline uint64_t otk_quick_slot(const void *key, size_t size)
{
    return UINT64_C(1) << ((((const uint8_t *)key)[size - 1] + 7 * size) & 63);
}

static inline bool otk_quick_fits(const struct otk_attribute_set *set, size_t key_size, size_t value_size)
{
    size_t size = OTK_QUICK_HEAD + key_size + value_size;
    return (key_size | value_size | size) < 0x80 && key_size && set->count < set->capacity &&
           set->count < set->limits.count && set->bytes.capacity - set->bytes.size >= 2 + size;
}

/* Copies the key to its place, and returns its bits. */
static inline uint64_t otk_quick_key(const struct otk_attribute_set *set, const char *key, size_t key_size)
{
    return otk_text_copy_bits(set->bytes.data + set->bytes.size + OTK_QUICK_HEAD, key, key_size);
}

/* Where the AnyValue's member goes, behind its tag. */
static inline uint8_t *otk_quick_member(const struct otk_attribute_set *set, size_t key_size)
{
    return set->bytes.data + set->bytes.size + OTK_QUICK_HEAD + key_size + 3;
}

/* Takes the attribute, whose key and member stand in their places, into the set, if it is a new one and all `bits` are
 * ASCII's. */
static inline bool otk_quick_take(struct otk_attribute_set *set, const char *key, size_t key_size, unsigned member_tag,
                                  size_t value_size, uint64_t bits)
{
    uint64_t slot = otk_quick_slot(key, key_size);
    if ((bits & OTK_TEXT_HIGH_BITS) || ((set->slots & slot) && otk_attribute_set_has(set, key, key_size)))
        return false;
    struct otk_entry *entry = set->entries + set->count;
    uint8_t *to = set->bytes.data + set->bytes.size;
    uint8_t *value = to + OTK_QUICK_HEAD + key_size;
    uint32_t size = (uint32_t)(OTK_QUICK_HEAD + 2 + key_size + value_size);
    *entry = (struct otk_entry){(uint32_t)set->bytes.size, size, OTK_QUICK_HEAD, (uint32_t)key_size};
    set->slots |= slot;
    set->count++;
    set->bytes.size += size;
    to[0] = (uint8_t)(set->number << 3 | OTK_WIRE_LEN);
    to[1] = (uint8_t)(size - 2);
    to[2] = 1 << 3 | OTK_WIRE_LEN;
    to[3] = (uint8_t)key_size;
    value[0] = 2 << 3 | OTK_WIRE_LEN;
    value[1] = (uint8_t)value_size;
    value[2] = (uint8_t)member_tag;
    return true;
}

static inline bool otk_quick_text(struct otk_attribute_set *set, const char *key, size_t key_size, const char *text,
                                  size_t size)
{
    if (size > set->limits.value_length || !otk_quick_fits(set, key_size, 2 + size))
        return false;
    uint64_t bits = otk_quick_key(set, key, key_size);
    uint8_t *member = otk_quick_member(set, key_size);
    *member = (uint8_t)size;
    bits |= otk_text_copy_bits(member + 1, text, size);
    return otk_quick_take(set, key, key_size, OTK_QUICK_STRING << 3 | OTK_WIRE_LEN, 2 + size, bits);
}

static inline bool otk_quick_varint(struct otk_attribute_set *set, const char *key, size_t key_size, unsigned member,
                                    uint64_t number)
{
    if (!otk_quick_fits(set, key_size, 1 + OTK_VARINT_MAX))
        return false;
    uint64_t bits = otk_quick_key(set, key, key_size);
    uint8_t *to = otk_quick_member(set, key_size);
    size_t size = 1 + (size_t)(otk_varint_put(to, number) - to);
    return otk_quick_take(set, key, key_size, member << 3 | OTK_WIRE_VARINT, size, bits);
}

static inline bool otk_quick_double(struct otk_attribute_set *set, const char *key, size_t key_size, double number)
{
    uint64_t raw;
    memcpy(&raw, &number, sizeof raw);
    if (!otk_quick_fits(set, key_size, 1 + sizeof raw))
        return false;
    uint64_t bits = otk_quick_key(set, key, key_size);
    otk_fixed64_put(otk_quick_member(set, key_size), raw);
    return otk_quick_take(set, key, key_size, OTK_QUICK_DOUBLE << 3 | OTK_WIRE_I64, 1 + sizeof raw, bits);
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
