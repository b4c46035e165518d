/* The recordings of real clients, and what each holds. */
#ifndef OTLPKIT_TEST_RECORDING_H
#define OTLPKIT_TEST_RECORDING_H

#include "test.h"

#include "buffer.h"

#include <jansson.h>

#define RECORDINGS OTLPKIT_SOURCE_DIR "/fixtures/clients"

/* A file of that folder; otk_buffer_clear() it. */
struct otk_buffer read_recording(const char *name);

/* Fails unless `actual`, which it takes, is equal in value to the file
 * `decoded`. `quirks`: what the receiver says about recording 30 applies. */
void assert_recording(json_t *actual, const char *decoded, bool quirks);

#endif
