/* The requests that everything here is measured with. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include "buffer.h"

/* An ExportTraceServiceRequest of `spans` spans, each with 9 attributes of mixed kinds and, when `events`, two events. */
struct otk_buffer bench_payload(size_t spans, bool events);

#endif
