#include "mutate.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct range {
    size_t at, size;
};

static struct range some_range(size_t size, struct dice *dice)
{
    size_t at = roll(dice, (uint32_t)size + 1), left = size - at;
    return (struct range){at, roll(dice, (uint32_t)(left < 64 ? left : 64) + 1)};
}

static void insert(struct otk_buffer *b, size_t at, const uint8_t *data, size_t size)
{
    uint8_t copy[64];
    if (!size || size > sizeof copy)
        return;
    memcpy(copy, data, size); /* may stand in `b` itself */
    if (!otk_buffer_reserve(b, size))
        return;
    memmove(b->data + at + size, b->data + at, b->size - at);
    memcpy(b->data + at, copy, size);
    b->size += size;
}

static void flip_bit(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    (void)other;
    if (b->size)
        b->data[roll(dice, (uint32_t)b->size)] ^= (uint8_t)(1u << roll(dice, 8));
}

static void set_byte(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0x0a, 0x12, 0x22, 0x2a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xff};
    (void)other;
    if (b->size)
        b->data[roll(dice, (uint32_t)b->size)] = bytes[roll(dice, COUNT(bytes))];
}

static void cut(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    struct range range = some_range(b->size, dice);
    (void)other;
    if (!range.size)
        return;
    memmove(b->data + range.at, b->data + range.at + range.size, b->size - range.at - range.size);
    b->size -= range.size;
}

static void repeat(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    struct range range = some_range(b->size, dice);
    (void)other;
    if (range.size)
        insert(b, roll(dice, (uint32_t)b->size + 1), b->data + range.at, range.size);
}

static void graft(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    struct range range = some_range(other.size, dice);
    if (range.size)
        insert(b, roll(dice, (uint32_t)b->size + 1), other.data + range.at, range.size);
}

static void shorten(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    (void)other;
    b->size = roll(dice, (uint32_t)b->size + 1);
}

void mutate(struct otk_buffer *b, otk_bytes other, struct dice *dice)
{
    static void (*const changes[])(struct otk_buffer *, otk_bytes, struct dice *) = {
        flip_bit, set_byte, cut, repeat, graft, flip_bit, set_byte, shorten};
    for (uint32_t i = 1 + roll(dice, 4); i; i--)
        changes[roll(dice, i == 1 ? COUNT(changes) : COUNT(changes) - 1)](b, other, dice);
}
