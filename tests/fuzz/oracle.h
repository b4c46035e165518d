/* What must be true of the reader and the writers, whatever bytes come: they
 * are held against protobuf-c's own unpack, against jansson, and against
 * themselves.
 *
 * Each check returns NULL, or a sentence that says what does not hold.
 */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include "buffer.h"
#include "schema.h"

/* How far the comparison went. */
struct oracle_result {
    bool accepted; /* by our reader */
    bool compared; /* the content too, with protobuf-c's */
};

/* A request in protobuf bytes: read, merged, written as JSON and read back. */
const char *oracle_wire(otk_signal signal, const uint8_t *bytes, size_t size, struct oracle_result *out);

/* A request in OTLP/JSON. */
const char *oracle_json_in(otk_signal signal, const char *text, size_t size, struct oracle_result *out);

/* Any message in protobuf bytes: what is written of it is JSON. */
const char *oracle_json_out(enum otk_message_id id, const uint8_t *bytes, size_t size, struct oracle_result *out);

/* A string of any bytes, written as JSON. */
const char *oracle_json_string(const char *text, size_t size);

/* One JSON value without repeated keys, for jansson. */
const char *oracle_is_json(const char *text, size_t size);

/* Bytes that the reader takes as such a message. */
const char *oracle_is_message(enum otk_message_id id, const uint8_t *bytes, size_t size);

/* Whether protobuf-c takes these bytes as a request. */
bool oracle_unpacks(otk_signal signal, const uint8_t *bytes, size_t size);

#endif
