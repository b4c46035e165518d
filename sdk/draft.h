/* Attributes as they were set, one behind the other, to be encoded later.
 *
 * Always holds: no key is empty, and values keep the limits. As long as nobody
 * looked (`settled`), a key may stand there more than once: the last one counts.
 */
#ifndef OTLPKIT_DRAFT_H
#define OTLPKIT_DRAFT_H

#include "text.h"

struct otk_limits {
    size_t value_length; /* characters of a string, bytes of a byte array */
    size_t count;
};

struct otk_draft_limits {
    struct otk_limits exact;
    size_t quick_count, quick_size; /* attributes, and bytes of a text, that need no look at these limits */
};

struct otk_draft {
    struct otk_buffer bytes;
    size_t from; /* where the attributes begin, behind what the owner put there */
    const struct otk_draft_limits *limits;
    size_t quick_left; /* so many more are appended without a look at the others */
    size_t count;      /* once it is settled */
    bool settled;
    uint32_t dropped;
};

/* Stands before the key, which the value follows. */
struct otk_draft_head {
    uint32_t key_size;
    uint32_t value; /* its size, and in the lowest bits its type: otk_value_type */
};

enum { OTK_DRAFT_TYPE_BITS = 4, OTK_DRAFT_QUICK_SIZE = 1024, OTK_DRAFT_QUICK_COUNT = 128 };

struct otk_draft_limits otk_draft_limit(struct otk_limits limits);
extern const struct otk_draft_limits otk_draft_unlimited;

/* Appends behind what stands in `bytes`. */
static inline void otk_draft_begin(struct otk_draft *set, const struct otk_draft_limits *limits)
{
    set->from = set->bytes.size;
    set->limits = limits;
    set->quick_left = limits->quick_count;
    set->settled = false;
    set->dropped = 0;
}

/* So that what becomes three times as large when it is repaired has a size of 28 bits. */
#define OTK_DRAFT_MAX_BYTES ((size_t)64 << 20)

/* An empty one. */
static inline struct otk_draft otk_draft_new(const struct otk_draft_limits *limits, size_t max_bytes)
{
    struct otk_draft set = {.bytes = OTK_BUFFER_INIT(max_bytes)};
    otk_draft_begin(&set, limits);
    return set;
}

static inline void otk_draft_copy(uint8_t *to, const char *from, size_t size)
{
    size_t last = size - 16;
    if (size < 16) {
        otk_text_copy_bits(to, from, size);
        return;
    }
    for (size_t i = 0; i < last; i += 16)
        memcpy(to + i, from + i, 16);
    memcpy(to + last, from + last, 16); /* over what is there already */
}

/* Where the value goes, behind the key, if both are short and there is room; NULL leaves it to otk_draft_put(). */
static inline uint8_t *otk_draft_quick(struct otk_draft *set, otk_string key, otk_value_type type, size_t size)
{
    struct otk_buffer *b = &set->bytes;
    size_t all = sizeof(struct otk_draft_head) + key.size + size;
    if (!key.size || !set->quick_left || b->capacity - b->size < all)
        return NULL;
    uint8_t *to = b->data + b->size;
    struct otk_draft_head head = {(uint32_t)key.size, (uint32_t)(size << OTK_DRAFT_TYPE_BITS | type)};
    memcpy(to, &head, sizeof head);
    otk_draft_copy(to + sizeof head, key.data, key.size);
    b->size += all;
    set->quick_left--;
    return to + sizeof head + key.size;
}

/* Both return false when it is left to otk_draft_put(). */
static inline bool otk_draft_quick_text(struct otk_draft *set, otk_string key, otk_string text)
{
    uint8_t *to = text.data && text.size <= set->limits->quick_size
                      ? otk_draft_quick(set, key, OTK_VALUE_STRING, text.size)
                      : NULL;
    if (to)
        otk_draft_copy(to, text.data, text.size);
    return to;
}

static inline bool otk_draft_quick_int(struct otk_draft *set, otk_string key, int64_t number)
{
    uint8_t *to = otk_draft_quick(set, key, OTK_VALUE_INT, sizeof number);
    if (to)
        memcpy(to, &number, sizeof number);
    return to;
}

/* Puts any attribute, or counts it as dropped. */
void otk_draft_put(struct otk_draft *set, const otk_attribute *attribute);
void otk_draft_put_all(struct otk_draft *set, const otk_attributes *attributes);

/* Sorts by key, so that equal sets are encoded equally. Returns 0 or OTK_ENOMEM. */
int otk_draft_sort(struct otk_draft *set);

/* Appends the attributes of another one from `at` to `end`, with all texts valid and no key more than once. There is
 * room for three times as many bytes. */
void otk_draft_clean(struct otk_draft *set, const uint8_t *at, const uint8_t *end);

/* An attribute that stands there. */
struct otk_draft_item {
    otk_string key;
    otk_value_type type;
    otk_bytes content;
};

/* Reads the one at `at`; returns where the next one stands. */
static inline const uint8_t *otk_draft_read(const uint8_t *at, struct otk_draft_item *out)
{
    struct otk_draft_head head;
    memcpy(&head, at, sizeof head);
    at += sizeof head;
    out->key = (otk_string){(const char *)at, head.key_size};
    out->type = (otk_value_type)(head.value & ((1u << OTK_DRAFT_TYPE_BITS) - 1));
    out->content = (otk_bytes){at + head.key_size, head.value >> OTK_DRAFT_TYPE_BITS};
    return out->content.data + out->content.size;
}

/* Where the last one with this key stands from `at` to `end`, or NULL. */
const uint8_t *otk_draft_find(const uint8_t *at, const uint8_t *end, const otk_string *key);

/* How many keys there are. */
size_t otk_draft_distinct(const uint8_t *at, const uint8_t *end);

/* False for an array and a map: the content is that of an AnyValue then. */
bool otk_draft_value(const struct otk_draft_item *item, otk_value *out);

/* Puts the attributes that stand from `first` to `end` as KeyValues with a number below 16, which takes at most
 * twice as many bytes. Returns where they end, or NULL when a text is not valid or, unless `keys_differ`, a key
 * comes again. */
uint8_t *otk_draft_encode(uint8_t *to, unsigned number, const uint8_t *first, const uint8_t *end, bool keys_differ);

/* Appends them all, repaired, and of each key the last. */
void otk_draft_write(struct otk_buffer *b, unsigned number, const struct otk_draft *set);

#endif
