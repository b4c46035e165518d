/* One request and its answer as a JSON object, without the body: docs/http.md tells its form. */
#ifndef OTLPKIT_JSON_REQUEST_H
#define OTLPKIT_JSON_REQUEST_H

#include "buffer.h"
#include "otlpkit/receiver.h"

/* Returns out->failed. */
int otk_json_request(struct otk_buffer *out, const otk_capture *c);

#endif
