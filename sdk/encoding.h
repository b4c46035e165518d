/* What is posted: a request as it is, or as OTLP/JSON; gzipped or not. */
#ifndef OTLPKIT_ENCODING_H
#define OTLPKIT_ENCODING_H

#include "config.h"

/* Memory that is used again. */
struct otk_encoder {
    struct otk_buffer regular, json, compressed;
};

struct otk_encoder otk_encoder_init(const struct otk_config *config);
void otk_encoder_clear(struct otk_encoder *e);

/* Gives the body of a request, valid until the next call and as long as
 * `request`. Returns 0, OTK_ENOMEM, or OTK_ELIMIT when it exceeds
 * max_request_bytes as JSON. */
int otk_encode(struct otk_encoder *e, const struct otk_signal_config *config, otk_signal signal,
               const struct otk_buffer *request, const struct otk_buffer **out);

#endif
