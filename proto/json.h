/* OTLP/JSON, both ways (OTLP specification, "JSON Protobuf Encoding"). */
#ifndef OTLPKIT_JSON_H
#define OTLPKIT_JSON_H

#include "buffer.h"
#include "wire.h"

/* Appends regular bytes (merge.h) as one JSON object, without white space and
 * without a newline. A field is written if and only if it is on the wire;
 * unknown fields have no name and are left out. `type` google.rpc.Status has
 * its details written by their "@type". Returns out->failed. */
int otk_json_write(struct otk_buffer *out, const struct otk_message *type, const uint8_t *bytes, size_t size);

/* Appends `text` as a JSON string, quotes included; bytes that are not UTF-8
 * become U+FFFD. */
void otk_json_string(struct otk_buffer *out, const char *text, size_t size);

/* Append bytes as a JSON string: in lower case hex, and in base64. */
void otk_json_hex(struct otk_buffer *out, const uint8_t *data, size_t size);
void otk_json_base64(struct otk_buffer *out, const uint8_t *data, size_t size);

/* Appends the shortest number that reads back the same, or "NaN", "Infinity", "-Infinity". */
void otk_json_double(struct otk_buffer *out, double value);

/* ---- Members of an object, written one after the other --------------- */

/* `"name":`, behind a comma unless the object has just begun. */
void otk_json_key(struct otk_buffer *out, const char *name);
void otk_json_text(struct otk_buffer *out, const char *name, const char *text);
void otk_json_number(struct otk_buffer *out, const char *name, uint64_t number);
void otk_json_flag(struct otk_buffer *out, const char *name, bool flag);

/* ---- Reading --------------------------------------------------------- */

/* What a reader of JSON took although a sender must not write it so, and what
 * has no place in protobuf bytes: counted, and the first one named. */
struct otk_json_notes {
    size_t unknown_keys;
    size_t enum_names;    /* enums by name */
    size_t out_of_range;  /* intValue taken as doubleValue: does not fit an int64 */
    size_t oneof_repeats; /* two members of one oneof */
    size_t null_values;   /* a value of null: what JavaScript makes of NaN and Infinity */
    char first[256];      /* a sentence on the first one; "" when all are 0 */
};

/* Reads one JSON object as a message of type `type` and appends it as protobuf
 * bytes. Returns 0, OTK_EDATA and fills `fault`, or OTK_ENOMEM / OTK_ELIMIT. */
int otk_json_read(struct otk_buffer *out, const struct otk_message *type, const char *text, size_t size,
                  struct otk_json_notes *notes, struct otk_fault *fault);

/* Which request the object is, by its first known key. Returns 0 or OTK_EDATA. */
int otk_json_signal(const char *text, size_t size, otk_signal *out);

#endif
