#include "speech.h"

#include <string.h>

static const struct {
    const char *begins;
    size_t size;
    const char *advice;
} others[] = {
    /* The preface of RFC 9113, section 3.4. */
    [OTK_SPEECH_GRPC] = {"PRI * HTTP/2.0", 14, "gRPC, over HTTP/2: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"},
    /* A record with a handshake of version 3.x: RFC 8446, section 5.1. */
    [OTK_SPEECH_TLS] = {"\x16\x03", 2, "TLS: let the endpoint begin with http://, not https://"},
};

enum otk_speech otk_speech_of(const char *bytes, size_t size)
{
    for (enum otk_speech s = OTK_SPEECH_GRPC; s <= OTK_SPEECH_TLS; s++)
        if (size >= others[s].size && memcmp(bytes, others[s].begins, others[s].size) == 0)
            return s;
    return OTK_SPEECH_HTTP;
}

const char *otk_speech_advice(enum otk_speech speech)
{
    return others[speech].advice;
}
