#include "encoding.h"

#include "gzip.h"
#include "json.h"
#include "merge.h"

struct otk_encoder otk_encoder_init(const struct otk_config *config)
{
    return (struct otk_encoder){
        .regular = OTK_BUFFER_INIT((size_t)INT32_MAX),
        .json = OTK_BUFFER_INIT(config->max_request_bytes),
        .compressed = OTK_BUFFER_INIT((size_t)INT32_MAX),
    };
}

void otk_encoder_clear(struct otk_encoder *e)
{
    otk_buffer_clear(&e->regular);
    otk_buffer_clear(&e->json);
    otk_buffer_clear(&e->compressed);
}

static struct otk_buffer *emptied(struct otk_buffer *b)
{
    b->size = 0;
    b->failed = 0;
    return b;
}

/* A span's attributes may stand in several places, as they were set; in JSON they are one array. */
static int make_json(struct otk_encoder *e, otk_signal signal, const struct otk_buffer *request)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)signal);
    int rc = otk_merge(emptied(&e->regular), type, request->data, request->size);
    return rc ? rc : otk_json_write(emptied(&e->json), type, e->regular.data, e->regular.size);
}

int otk_encode(struct otk_encoder *e, const struct otk_signal_config *config, otk_signal signal,
               const struct otk_buffer *request, const struct otk_buffer **out)
{
    const struct otk_buffer *body = config->json ? &e->json : request;
    int rc = config->json ? make_json(e, signal, request) : 0;
    if (!rc && config->gzip) {
        rc = otk_gzip_body(emptied(&e->compressed), body->data, body->size);
        body = &e->compressed;
    }
    if (!rc)
        *out = body;
    return rc;
}
