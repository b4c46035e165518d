/* Makes up protobuf bytes that use all the freedom of the wire: fields in any
 * order, repeated where they are singular, split, packed or not, unknown ones
 * between, varints longer than need be. */
#ifndef TESTS_GENERATE_H
#define TESTS_GENERATE_H

#include "buffer.h"
#include "dice.h"
#include "schema.h"

/* Appends a message of type `type`; what it looks like is up to the dice. */
void generate_message(struct otk_buffer *out, const struct otk_message *type, struct dice *dice);

#endif
