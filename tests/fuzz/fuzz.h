/* What a fuzz target is: one function over one input. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when `wrong` is not NULL. */
void must_hold(const char *wrong);

#define must(condition_) must_hold((condition_) ? NULL : #condition_)

/* The first byte of an input, which chooses among ways to read the rest. */
static inline uint8_t take_byte(const uint8_t **data, size_t *size)
{
    if (!*size)
        return 0;
    --*size;
    return *(*data)++;
}

#endif
