/* Everything that can be set: the OTEL_* variables, from code or environment,
 * parsed by one table, which also knows where each value came from. */
#ifndef OTLPKIT_CONFIG_H
#define OTLPKIT_CONFIG_H

#include "headers.h"
#include "kind.h"

struct otk_signal_config {
    bool enabled; /* its exporter is otlp */
    char *endpoint;
    struct otk_header_list headers;
    bool json, gzip;
    unsigned timeout_ms; /* of one export, retries included */
    char *certificate, *client_key, *client_certificate;
    unsigned delay_ms; /* metrics: the interval */
    unsigned export_timeout_ms;
    unsigned queue_size, batch_size; /* not for metrics */
};

typedef enum otk_propagator { OTK_PROPAGATOR_TRACE_CONTEXT = 0, OTK_PROPAGATOR_BAGGAGE } otk_propagator;

#define OTK_PROPAGATOR_COUNT 2

typedef enum otk_source { OTK_SOURCE_DEFAULT = 0, OTK_SOURCE_CODE, OTK_SOURCE_ENVIRONMENT } otk_source;

/* Where the value of a variable comes from. */
struct otk_origin {
    otk_source source;
    bool general; /* from the variable for all signals */
    bool wrong;   /* what was set could not be used */
};

#define OTK_CONFIG_VARIABLES 58

struct otk_config {
    bool disabled;
    bool propagators[OTK_PROPAGATOR_COUNT]; /* which are in force, by otk_propagator */
    otk_sampler sampler;
    char *service_name;        /* OTEL_SERVICE_NAME, or NULL */
    char *resource_attributes; /* OTEL_RESOURCE_ATTRIBUTES, or NULL */
    struct otk_signal_config signals[OTK_SIGNAL_COUNT];
    unsigned span_attribute_length, span_attributes, span_events, span_links, event_attributes, link_attributes;
    unsigned log_attribute_length, log_attributes;
    unsigned retry_delay_ms; /* before the first retry */
    unsigned max_request_bytes, max_response_bytes;
    struct otk_origin origins[OTK_CONFIG_VARIABLES];
};

/* What a length limit holds when there is none. */
#define OTK_CONFIG_UNLIMITED 0xffffffffu

/* Fills `out`, to be cleared by the caller. `options` may be NULL. Returns 0, or
 * a code and `error`: OTK_EINVAL for a setting without such a name, OTK_ENOMEM. */
int otk_config_load(struct otk_config *out, const otk_sdk_options *options, struct otk_warnings *warnings,
                    otk_error *error);

/* The same for a program that has this environment ("NAME=value", NULL at the end)
 * and no options. */
int otk_config_load_environment(struct otk_config *out, const char *const *environment, struct otk_warnings *warnings);

void otk_config_clear(struct otk_config *config);

/* ---- The table, to be shown ------------------------------------------ */

/* `i` is below OTK_CONFIG_VARIABLES. */
const struct otk_variable *otk_config_variable(size_t i);

/* Appends the value that is in force; of secrets only that there are some. */
void otk_config_show(const struct otk_config *config, size_t i, struct otk_buffer *out);

#endif
