/* A keyed digest of bytes (SipHash-2-4, 128 bits): who does not know the key cannot make two that agree. */
#ifndef OTLPKIT_DIGEST_H
#define OTLPKIT_DIGEST_H

#include "otlpkit/otlp.h"

struct otk_digest {
    uint64_t half[2];
};

/* A key that nobody else knows. */
struct otk_digest otk_digest_key(void);

struct otk_digest otk_digest_of(struct otk_digest key, const void *data, size_t size);

#endif
