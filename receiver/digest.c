#include "digest.h"

#include <sys/random.h>
#include <time.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

struct otk_digest otk_digest_key(void)
{
    struct otk_digest key = {{(uint64_t)(uintptr_t)&key, (uint64_t)time(NULL)}};
    ssize_t got = getrandom(&key, sizeof key, GRND_NONBLOCK);
    (void)got; /* address and time have to do then */
    return key;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void mix(struct state *s, unsigned rounds)
{
    while (rounds--) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void add(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, 2);
    s->v0 ^= word;
}

static uint64_t word_at(const uint8_t *p, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

static uint64_t half(struct state *s)
{
    mix(s, 4);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

struct otk_digest otk_digest_of(struct otk_digest key, const void *data, size_t size)
{
    const uint8_t *p = data;
    size_t rest = size % 8;
    struct otk_digest out;
    struct state s = {
        key.half[0] ^ 0x736f6d6570736575,
        key.half[1] ^ 0x646f72616e646f6d ^ 0xee,
        key.half[0] ^ 0x6c7967656e657261,
        key.half[1] ^ 0x7465646279746573,
    };
    for (size_t i = 0; i + 8 <= size; i += 8)
        add(&s, word_at(p + i, 8));
    add(&s, (uint64_t)size << 56 | (rest ? word_at(p + size - rest, rest) : 0));
    s.v2 ^= 0xee;
    out.half[0] = half(&s);
    s.v1 ^= 0xdd;
    out.half[1] = half(&s);
    return out;
}
