/* Everything that can be set: the OTEL_* variables, from code or environment,
 * parsed by one table. */
#ifndef OTLPKIT_CONFIG_H
#define OTLPKIT_CONFIG_H

#include "headers.h"

struct otk_signal_config {
    bool enabled; /* its exporter is otlp */
    char *endpoint;
    struct otk_header_list headers;
    bool gzip;
    unsigned timeout_ms; /* of one export, retries included */
    char *certificate, *client_key, *client_certificate;
    unsigned delay_ms; /* metrics: the interval */
    unsigned export_timeout_ms;
    unsigned queue_size, batch_size; /* not for metrics */
};

struct otk_config {
    bool disabled;
    char *service_name;        /* OTEL_SERVICE_NAME, or NULL */
    char *resource_attributes; /* OTEL_RESOURCE_ATTRIBUTES, or NULL */
    struct otk_signal_config signals[OTK_SIGNAL_COUNT];
    unsigned span_attribute_length, span_attributes, span_events, span_links, event_attributes, link_attributes;
    unsigned log_attribute_length, log_attributes;
    unsigned retry_delay_ms; /* before the first retry */
    unsigned max_request_bytes, max_response_bytes;
};

/* What a length limit holds when there is none. */
#define OTK_CONFIG_UNLIMITED 0xffffffffu

/* Fills `out`, to be cleared by the caller. `options` may be NULL. Returns 0, or
 * a code and `error`: OTK_EINVAL for a setting without such a name, OTK_ENOMEM. */
int otk_config_load(struct otk_config *out, const otk_sdk_options *options, struct otk_warnings *warnings,
                    otk_error *error);

void otk_config_clear(struct otk_config *config);

#endif
