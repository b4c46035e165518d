/* What a client speaks, told by the first bytes of its connection. */
#ifndef OTLPKIT_SPEECH_H
#define OTLPKIT_SPEECH_H

#include <stddef.h>

enum otk_speech {
    OTK_SPEECH_HTTP, /* or anything else */
    OTK_SPEECH_GRPC, /* HTTP/2 with prior knowledge */
    OTK_SPEECH_TLS
};

/* As many bytes as it takes to tell. */
#define OTK_SPEECH_BYTES 14

enum otk_speech otk_speech_of(const char *bytes, size_t size);

/* What it was, and what to do about it; NULL for HTTP. */
const char *otk_speech_advice(enum otk_speech speech);

#endif
