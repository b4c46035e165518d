/* Requests whose every item carries a number, and finding that number again. */
#ifndef OTLPKIT_TEST_PAYLOAD_H
#define OTLPKIT_TEST_PAYLOAD_H

#include "buffer.h"
#include "inflate.h"
#include "otlpkit/receiver.h"

#define PAYLOAD_LIMIT ((size_t)1 << 30)

/* `count` spans, metrics or log records as an SDK sends them, numbered from `first`. */
struct otk_buffer payload_items(otk_signal signal, uint64_t first, size_t count);

/* About `size` bytes of small records, which cost the most a byte: spans with flags and numbers under short keys. */
struct otk_buffer payload_of_size(size_t size);

/* The same bytes as OTLP/JSON. */
struct otk_buffer payload_json(otk_signal signal, const struct otk_buffer *protobuf);

struct otk_buffer payload_coded(enum otk_coding coding, const void *data, size_t size);

uint64_t payload_span_number(const otk_captured_span *span);
uint64_t payload_metric_number(const otk_captured_metric *metric);
uint64_t payload_log_number(const otk_captured_log *log);

#endif
