/* Dice that roll what a fuzzer's input says, or what a seed says. */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stddef.h>
#include <stdint.h>

struct dice {
    const uint8_t *data, *end; /* rolls come from here first … */
    uint64_t state;            /* … and then from this seed; 0: every further roll is 0 */
};

#define DICE_FROM_SEED(seed_) ((struct dice){.state = (seed_)})
#define DICE_FROM_BYTES(data_, size_) ((struct dice){.data = (data_), .end = (data_) + (size_)})

/* A number below `sides`. */
static inline uint32_t roll(struct dice *dice, uint32_t sides)
{
    uint32_t value = 0;
    if (dice->data < dice->end) {
        value = *dice->data++;
        if (sides > 256 && dice->data < dice->end)
            value |= (uint32_t)*dice->data++ << 8;
    } else if (dice->state) {
        dice->state ^= dice->state << 13; /* xorshift64 */
        dice->state ^= dice->state >> 7;
        dice->state ^= dice->state << 17;
        value = (uint32_t)(dice->state >> 32);
    }
    return sides ? value % sides : 0;
}

#endif
