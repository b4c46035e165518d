/* Attributes on their way out, encoded as they are set.
 *
 * Always holds: keys are unique and not empty, strings are valid UTF-8, and
 * limits are kept. What could not be taken is counted in `dropped`.
 */
#ifndef OTLPKIT_ATTRIBUTES_H
#define OTLPKIT_ATTRIBUTES_H

#include "buffer.h"

/* Maps and arrays inside one another; the ones deeper become empty values. */
#define OTK_VALUE_DEPTH_MAX 64

struct otk_limits {
    size_t value_length; /* characters of a string, bytes of a byte array */
    size_t count;
};

#define OTK_LIMITS_NONE ((struct otk_limits){SIZE_MAX, SIZE_MAX})

struct otk_entry {
    uint32_t at, size;         /* of the record in the set's bytes */
    uint32_t key_at, key_size; /* from the record's start */
};

struct otk_attribute_set {
    struct otk_buffer bytes; /* KeyValue records with the number `number`, behind what the owner wrote first */
    unsigned number;
    struct otk_limits limits;
    struct otk_entry *entries;
    size_t count, capacity;
    uint64_t slots; /* of the keys, as otk_quick_slot() gives them: a key whose slot is free is a new one */
    uint32_t dropped;
};

/* `max_bytes` bounds the whole set and is below 4 GiB. */
void otk_attribute_set_init(struct otk_attribute_set *set, unsigned number, struct otk_limits limits, size_t max_bytes);
void otk_attribute_set_clear(struct otk_attribute_set *set);

/* Empties it, and keeps its memory. */
void otk_attribute_set_reset(struct otk_attribute_set *set);

void otk_attribute_set_put(struct otk_attribute_set *set, const otk_attribute *attribute);
void otk_attribute_set_put_all(struct otk_attribute_set *set, const otk_attributes *attributes);

/* For quick.h. */
bool otk_attribute_set_has(const struct otk_attribute_set *set, const char *key, size_t size);

/* Sorts by key, so that equal sets have equal bytes. Returns 0 or OTK_ENOMEM. */
int otk_attribute_set_sort(struct otk_attribute_set *set);

/* Writes an AnyValue as record `number`, under the same rules. */
void otk_attributes_write_value(struct otk_buffer *b, unsigned number, const otk_value *value, size_t value_length);

/* Writes no more than its content. */
void otk_attributes_write_content(struct otk_buffer *b, const otk_value *value, size_t value_length);

#endif
