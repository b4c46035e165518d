/* Requests that lie on disk. */
#ifndef OTLPKIT_LOAD_H
#define OTLPKIT_LOAD_H

#include "otlpkit/receiver.h"

/* otk_load(), which also adds to `lost` (NULL: to nothing) what an archive tells of requests that are not in it. */
int otk_load_all(const char *path, const otk_load_options *options, otk_capture_fn *each, void *arg,
                 otk_receiver_counts *lost, otk_error *error);

#endif
