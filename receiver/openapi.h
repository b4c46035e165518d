/* docs/openapi.json, as it is built in by cmake/embed.cmake. */
#ifndef OTLPKIT_OPENAPI_H
#define OTLPKIT_OPENAPI_H

#include <stddef.h>

extern const unsigned char otk_openapi_json[];
extern const size_t otk_openapi_json_size;

#endif
