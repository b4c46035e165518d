/* otlpkit/otlp.h - the words that the receiver and the SDK share
 *
 * Attribute values, enumerations and error codes, with OTLP's own names and
 * numbers (OTLP 1.11.0). <otlpkit/receiver.h> and <otlpkit/sdk.h> include this
 * file; a program rarely needs to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLPKIT_OTLP_H
#define OTLPKIT_OTLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OTK_API __attribute__((visibility("default")))
#else
#define OTK_API
#endif

/* ---- Errors ---------------------------------------------------------- */

/* What a call returns: 0, or one of these. */
enum otk_code {
    OTK_OK = 0,
    OTK_EINVAL = -1,   /* an argument or option that cannot be */
    OTK_ENOMEM = -2,   /* memory ran out; the handle is as it was */
    OTK_ETIMEOUT = -3, /* the deadline passed first */
    OTK_ESYSTEM = -4,  /* the machine refused: a port, a file, a thread */
    OTK_EDATA = -5,    /* bytes that are not what they should be */
    OTK_ELIMIT = -6,   /* a configured limit was reached */
    OTK_ESHUTDOWN = -7 /* the handle was shut down before */
};

/* Filled by calls that take one (it may be NULL there): `code` to branch on,
 * `message` one sentence for people, without a newline. */
typedef struct otk_error {
    int code;
    char message[512];
} otk_error;

/* ---- Signals --------------------------------------------------------- */

typedef enum otk_signal {
    OTK_SIGNAL_TRACES = 0,
    OTK_SIGNAL_METRICS = 1,
    OTK_SIGNAL_LOGS = 2
} otk_signal;

#define OTK_SIGNAL_COUNT 3

/* ---- Values and attributes ------------------------------------------- */

/* The kinds of opentelemetry.proto.common.v1.AnyValue. OTK_VALUE_EMPTY is an
 * AnyValue with nothing set, which is a legal value of its own. */
typedef enum otk_value_type {
    OTK_VALUE_EMPTY = 0,
    OTK_VALUE_STRING,
    OTK_VALUE_BOOL,
    OTK_VALUE_INT,
    OTK_VALUE_DOUBLE,
    OTK_VALUE_ARRAY,
    OTK_VALUE_KVLIST,
    OTK_VALUE_BYTES,
    OTK_VALUE_STRING_STRINDEX /* string_value_strindex: for profiles only */
} otk_value_type;

struct otk_value;
struct otk_attribute;

/* `size` bytes of UTF-8 text. What the receiver hands out also has a NUL
 * behind it, so that `data` serves as a C string. */
typedef struct otk_string {
    const char *data;
    size_t size;
} otk_string;

typedef struct otk_bytes {
    const uint8_t *data;
    size_t size;
} otk_bytes;

typedef struct otk_array {
    const struct otk_value *values;
    size_t count;
} otk_array;

/* A collection of attributes, or the entries of a kvlist value, in the order
 * of the wire. Keys may repeat there; nothing is removed. */
typedef struct otk_attributes {
    const struct otk_attribute *items;
    size_t count;
} otk_attributes;

typedef struct otk_value {
    otk_value_type type;
    union {
        otk_string string_value;
        bool bool_value;
        int64_t int_value;
        double double_value;
        otk_array array_value;
        otk_attributes kvlist_value;
        otk_bytes bytes_value;
        int32_t string_value_strindex;
    } as;
} otk_value;

typedef struct otk_attribute {
    otk_string key;
    otk_value value;
} otk_attribute;

/* The first value under `key`, or NULL. */
static inline const otk_value *otk_attributes_get(const otk_attributes *attributes, const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < attributes->count; i++) {
        const otk_string *k = &attributes->items[i].key;
        if (k->size == size && memcmp(k->data, key, size) == 0)
            return &attributes->items[i].value;
    }
    return NULL;
}

/* ---- Enumerations of OTLP -------------------------------------------- */

/* Open enumerations: what arrives may carry a number that is not listed. */

typedef enum otk_span_kind {
    OTK_SPAN_KIND_UNSPECIFIED = 0,
    OTK_SPAN_KIND_INTERNAL = 1,
    OTK_SPAN_KIND_SERVER = 2,
    OTK_SPAN_KIND_CLIENT = 3,
    OTK_SPAN_KIND_PRODUCER = 4,
    OTK_SPAN_KIND_CONSUMER = 5
} otk_span_kind;

typedef enum otk_status_code {
    OTK_STATUS_CODE_UNSET = 0,
    OTK_STATUS_CODE_OK = 1,
    OTK_STATUS_CODE_ERROR = 2
} otk_status_code;

typedef enum otk_aggregation_temporality {
    OTK_AGGREGATION_TEMPORALITY_UNSPECIFIED = 0,
    OTK_AGGREGATION_TEMPORALITY_DELTA = 1,
    OTK_AGGREGATION_TEMPORALITY_CUMULATIVE = 2
} otk_aggregation_temporality;

/* The first number of each range; the finer levels are the three after it. */
typedef enum otk_severity_number {
    OTK_SEVERITY_NUMBER_UNSPECIFIED = 0,
    OTK_SEVERITY_NUMBER_TRACE = 1,
    OTK_SEVERITY_NUMBER_DEBUG = 5,
    OTK_SEVERITY_NUMBER_INFO = 9,
    OTK_SEVERITY_NUMBER_WARN = 13,
    OTK_SEVERITY_NUMBER_ERROR = 17,
    OTK_SEVERITY_NUMBER_FATAL = 21
} otk_severity_number;

/* Masks over the `flags` fields (trace.proto SpanFlags, logs.proto
 * LogRecordFlags, metrics.proto DataPointFlags). Bits outside them may be set
 * and mean nothing yet. */
#define OTK_SPAN_FLAGS_TRACE_FLAGS_MASK 0x000000FFu
#define OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK 0x00000100u
#define OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK 0x00000200u
#define OTK_LOG_RECORD_FLAGS_TRACE_FLAGS_MASK 0x000000FFu
#define OTK_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK 0x00000001u

/* Whether a span's parent, or what a link names, is in another process. */
typedef enum otk_remote {
    OTK_REMOTE_UNKNOWN = 0, /* the sender does not say, as those before OTLP 1.2 */
    OTK_REMOTE_NO,
    OTK_REMOTE_YES
} otk_remote;

/* What the flags of a span say of its parent, or those of a link of its span. */
static inline otk_remote otk_flags_remote(uint32_t flags)
{
    if (!(flags & OTK_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK))
        return OTK_REMOTE_UNKNOWN;
    return flags & OTK_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK ? OTK_REMOTE_YES : OTK_REMOTE_NO;
}

#ifdef __cplusplus
}
#endif

#endif
