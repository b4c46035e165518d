/* Makes accepted bytes regular.
 *
 * Protobuf lets a singular message arrive in pieces that a reader merges, lets
 * the last of several scalars win, lets a later member of a oneof replace an
 * earlier one, and lets repeated fields interleave. Regular bytes use none of
 * these: every field's records stand together, a singular field and a oneof
 * have one record. Everything behind the reader walks regular bytes only, so
 * that the rules of merging live here and nowhere else.
 */
#ifndef OTLPKIT_MERGE_H
#define OTLPKIT_MERGE_H

#include "buffer.h"
#include "schema.h"

/* Appends the regular form of `bytes`, which otk_wire_read() accepted; fields
 * keep the order of their first record, unknown ones follow behind. Linear in
 * `size`. Returns 0 or OTK_ENOMEM. */
int otk_merge(struct otk_buffer *out, const struct otk_message *type, const uint8_t *bytes, size_t size);

#endif
