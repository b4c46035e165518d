/* A hash of bytes (FNV-1a) for tables of our own data. */
#ifndef OTLPKIT_HASH_H
#define OTLPKIT_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t otk_hash(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
