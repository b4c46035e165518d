/* Bodies that look harmless from outside. */
#ifndef OTLPKIT_TEST_ATTACK_H
#define OTLPKIT_TEST_ATTACK_H

#include "buffer.h"
#include "inflate.h"

typedef struct otk_buffer attack_fn(void);

/* ---- Protobuf -------------------------------------------------------- */

attack_fn attack_arrays_10000_deep, attack_arrays_100000_deep, attack_maps_100000_deep, attack_groups_100000_deep;
attack_fn attack_empty_spans, attack_empty_envelopes, attack_empty_attributes;
attack_fn attack_resources, attack_resources_with_attributes, attack_scopes, attack_split_values;
attack_fn attack_unknown_fields, attack_unpacked_buckets;
attack_fn attack_bad_utf8_at_the_end;

/* ---- JSON ------------------------------------------------------------ */

attack_fn attack_json_arrays_200000_deep, attack_json_values_200000_deep, attack_json_objects_200000_deep;
attack_fn attack_json_empty_spans, attack_json_resources, attack_json_unknown_keys, attack_json_digits,
    attack_json_escapes;

/* ---- Compressed ------------------------------------------------------ */

/* About a megabyte that inflates to 1 GiB of zeros. */
struct otk_buffer attack_bomb(enum otk_coding coding);

#endif
