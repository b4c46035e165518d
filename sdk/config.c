#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- The table ------------------------------------------------------- */

#define EVERY OTK_EVERY_SIGNAL
#define FIELD(field) offsetof(struct otk_config, field)

/* The macros are rows, too. */
/* clang-format off */
#define EXPORTER(what, index) \
    {"OTEL_" what "_EXPORTER", NULL, "otlp", &otk_kind_exporter, FIELD(signals[index].enabled), 0, EVERY, \
     "otlp, or none"}

#define OTLP_ONE(what, index, suffix, fallback, kind, field, help) \
    {"OTEL_EXPORTER_OTLP_" what "_" suffix, "OTEL_EXPORTER_OTLP_" suffix, fallback, &otk_kind_##kind, \
     FIELD(signals[index].field), 0, index, help}
#define OTLP(suffix, fallback, kind, field, help) \
    OTLP_ONE("TRACES", OTK_SIGNAL_TRACES, suffix, fallback, kind, field, help), \
    OTLP_ONE("METRICS", OTK_SIGNAL_METRICS, suffix, fallback, kind, field, help), \
    OTLP_ONE("LOGS", OTK_SIGNAL_LOGS, suffix, fallback, kind, field, help)

#define NUMBER(name, general, fallback, kind, field, minimum, help) \
    {name, general, fallback, &otk_kind_##kind, FIELD(field), minimum, EVERY, help}
#define BATCH(prefix, index, delay) \
    NUMBER(prefix "_SCHEDULE_DELAY", NULL, delay, number, signals[index].delay_ms, 0, \
           "milliseconds between two exports"), \
    NUMBER(prefix "_EXPORT_TIMEOUT", NULL, "30000", timeout, signals[index].export_timeout_ms, 0, \
           "milliseconds that an export may take; 0: no limit"), \
    NUMBER(prefix "_MAX_QUEUE_SIZE", NULL, "2048", number, signals[index].queue_size, 1, \
           "what is recorded beyond it is dropped"), \
    NUMBER(prefix "_MAX_EXPORT_BATCH_SIZE", NULL, "512", number, signals[index].batch_size, 1, \
           "items in one export; not above the queue size")

#define LENGTH(name, field) \
    NUMBER(name, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", length, field, 0, \
           "characters of a text, bytes of a byte string; empty: no limit")
#define COUNT(name, general, field, what) \
    NUMBER(name, general, "128", number, field, 0, "the most " what)
#define ATTRIBUTES(name, field, what) COUNT(name, "OTEL_ATTRIBUTE_COUNT_LIMIT", field, "attributes of " what)
#define ONLY(name, fallback, signal, help) {name, NULL, fallback, &otk_kind_only, 0, 0, signal, help}
/* clang-format on */

/* The exporters come first: what they switch off is not looked at. A sampler comes before its argument. */
static const struct otk_variable variables[] = {
    {"OTEL_CONFIG_FILE", NULL, "", &otk_kind_never, 0, 0, EVERY, "not supported"},
    {"OTEL_SDK_DISABLED", NULL, "false", &otk_kind_bool, FIELD(disabled), 0, EVERY, "true: nothing is recorded"},
    EXPORTER("TRACES", OTK_SIGNAL_TRACES),
    EXPORTER("METRICS", OTK_SIGNAL_METRICS),
    EXPORTER("LOGS", OTK_SIGNAL_LOGS),
    {"OTEL_SERVICE_NAME", NULL, "", &otk_kind_text, FIELD(service_name), 0, EVERY, "the resource's service.name"},
    {"OTEL_RESOURCE_ATTRIBUTES", NULL, "", &otk_kind_text, FIELD(resource_attributes), 0, EVERY,
     "key=value,key=value, percent-encoded"},
    {"OTEL_PROPAGATORS", NULL, "tracecontext,baggage", &otk_kind_propagators, FIELD(propagators), 0, EVERY,
     "tracecontext, baggage, both, or none"},
    {"OTEL_TRACES_SAMPLER", NULL, "parentbased_always_on", &otk_kind_sampler, FIELD(sampler), 0, EVERY,
     "always_on, always_off, traceidratio, or parentbased_ and one of these"},
    {"OTEL_TRACES_SAMPLER_ARG", NULL, "1.0", &otk_kind_ratio, FIELD(sampler), 0, EVERY,
     "the ratio of traceidratio, from 0 to 1"},
    OTLP("ENDPOINT", "http://localhost:4318", endpoint, endpoint, "URL; that for all signals is a base"),
    OTLP("PROTOCOL", "http/protobuf", protocol, json, "http/protobuf, or http/json"),
    OTLP("HEADERS", "", headers, headers, "key=value,key=value, percent-encoded"),
    OTLP("TIMEOUT", "10000", timeout, timeout_ms, "milliseconds for one export and its retries; 0: no limit"),
    OTLP("COMPRESSION", "none", compression, gzip, "gzip, or none"),
    OTLP("CERTIFICATE", "", text, certificate, "file of the certificates to trust"),
    OTLP("CLIENT_KEY", "", text, client_key, "file of the client's private key"),
    OTLP("CLIENT_CERTIFICATE", "", text, client_certificate, "file of the client's certificate"),
    BATCH("OTEL_BSP", OTK_SIGNAL_TRACES, "5000"),
    BATCH("OTEL_BLRP", OTK_SIGNAL_LOGS, "1000"),
    NUMBER("OTEL_METRIC_EXPORT_INTERVAL", NULL, "60000", number, signals[OTK_SIGNAL_METRICS].delay_ms, 1,
           "milliseconds between two exports"),
    NUMBER("OTEL_METRIC_EXPORT_TIMEOUT", NULL, "30000", timeout, signals[OTK_SIGNAL_METRICS].export_timeout_ms, 0,
           "milliseconds that an export may take; 0: no limit"),
    ONLY("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", OTK_SIGNAL_METRICS, "only cumulative"),
    ONLY("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram", OTK_SIGNAL_METRICS,
         "only explicit_bucket_histogram"),
    ONLY("OTEL_METRICS_EXEMPLAR_FILTER", "always_off", OTK_SIGNAL_METRICS, "only always_off"),
    LENGTH("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", span_attribute_length),
    LENGTH("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", log_attribute_length),
    ATTRIBUTES("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", span_attributes, "a span"),
    ATTRIBUTES("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", log_attributes, "a log record"),
    ATTRIBUTES("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", event_attributes, "an event"),
    ATTRIBUTES("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", link_attributes, "a link"),
    COUNT("OTEL_SPAN_EVENT_COUNT_LIMIT", NULL, span_events, "events of a span"),
    COUNT("OTEL_SPAN_LINK_COUNT_LIMIT", NULL, span_links, "links of a span"),
    NUMBER("OTEL_C_EXPORTER_RETRY_DELAY", NULL, "1000", number, retry_delay_ms, 0,
           "milliseconds before the first retry"),
    NUMBER("OTEL_C_EXPORTER_MAX_REQUEST_BYTES", NULL, "67108864", number, max_request_bytes, 1,
           "of a request, before compression"),
    NUMBER("OTEL_C_EXPORTER_MAX_RESPONSE_BYTES", NULL, "4194304", number, max_response_bytes, 1, "of an answer"),
};

_Static_assert(sizeof variables / sizeof *variables == OTK_CONFIG_VARIABLES, "as many as their origins");

const struct otk_variable *otk_config_variable(size_t i)
{
    return &variables[i];
}

void otk_config_show(const struct otk_config *config, size_t i, struct otk_buffer *out)
{
    variables[i].kind->show(out, &variables[i], (const char *)config + variables[i].field);
}

/* ---- Where values come from ------------------------------------------ */

struct loader {
    struct otk_config *config;
    const otk_sdk_options *options;
    const char *const *environment;
    struct otk_warnings *warnings;
};

static const char *from_fields(const otk_sdk_options *o, const char *name)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"OTEL_SERVICE_NAME", o->service_name},
        {"OTEL_EXPORTER_OTLP_ENDPOINT", o->endpoint},
        {"OTEL_EXPORTER_OTLP_HEADERS", o->headers},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    return NULL;
}

static const char *from_settings(const char *const *settings, const char *name)
{
    size_t size = strlen(name);
    for (; settings && *settings; settings++)
        if (strncmp(*settings, name, size) == 0 && (*settings)[size] == '=')
            return *settings + size + 1;
    return NULL;
}

static bool is_set(const char *value)
{
    return value && *value;
}

static const char *from_code(const struct loader *l, const char *name)
{
    if (!l->options)
        return NULL;
    const char *value = from_fields(l->options, name);
    return is_set(value) ? value : from_settings(l->options->settings, name);
}

static const char *from_environment(const struct loader *l, const char *name)
{
    return from_settings(l->environment, name);
}

/* ---- One variable ---------------------------------------------------- */

struct wrong {
    const char *name, *text, *why;
};

/* What is found out about a variable; each source may have its own name and the general one. */
struct search {
    const struct loader *loader;
    const struct otk_variable *variable;
    struct otk_origin *origin;
    const char *used; /* the text that the value comes from */
    struct wrong wrongs[4];
    size_t wrong_count;
};

/* Returns 1 when the text gave the value, 0 when not, or OTK_ENOMEM. */
static int use(struct search *s, const char *name, const char *text, otk_source source)
{
    const struct otk_variable *v = s->variable;
    struct otk_raw raw = {v, name, text, s->loader->warnings};
    const char *why = v->kind->parse(&raw, (char *)s->loader->config + v->field);
    if (why == otk_kind_no_memory)
        return OTK_ENOMEM;
    if (why) {
        s->wrongs[s->wrong_count++] = (struct wrong){name, text, why};
        return 0;
    }
    s->used = text;
    *s->origin = (struct otk_origin){source, name != v->name, s->wrong_count > 0};
    return 1;
}

static int search(struct search *s)
{
    static const struct {
        otk_source source;
        const char *(*get)(const struct loader *l, const char *name);
    } sources[] = {{OTK_SOURCE_CODE, from_code}, {OTK_SOURCE_ENVIRONMENT, from_environment}};
    const struct otk_variable *v = s->variable;
    const char *names[] = {v->name, v->general};
    for (size_t i = 0; i < 4; i++) {
        const char *name = names[i % 2];
        const char *text = name ? sources[i / 2].get(s->loader, name) : NULL;
        int rc = is_set(text) ? use(s, name, text, sources[i / 2].source) : 0;
        if (rc)
            return rc;
    }
    /* The general name, so that an endpoint's default gets its path. */
    return use(s, v->general ? v->general : v->name, v->fallback, OTK_SOURCE_DEFAULT);
}

/* As it may be shown. */
static void show_text(struct otk_buffer *out, const struct otk_variable *v, const char *text)
{
    if (v->kind->mask)
        v->kind->mask(out, text);
    else
        otk_buffer_text(out, text);
}

static void warn(const struct search *s, const struct wrong *wrong)
{
    struct otk_buffer text = OTK_BUFFER_INIT(UINT16_MAX);
    otk_buffer_printf(&text, "%s=", wrong->name);
    show_text(&text, s->variable, wrong->text);
    otk_buffer_printf(&text, ": %s; %s", wrong->why, *s->used ? "using " : "ignored");
    show_text(&text, s->variable, s->used);
    const char *message = otk_buffer_string(&text);
    otk_warn(s->loader->warnings, "%s", message ? message : wrong->name);
    otk_buffer_clear(&text);
}

static int load_variable(const struct loader *l, size_t i)
{
    struct search s = {.loader = l, .variable = &variables[i], .origin = &l->config->origins[i]};
    int rc = search(&s);
    for (size_t k = 0; k < s.wrong_count && rc > 0; k++)
        warn(&s, &s.wrongs[k]);
    return rc < 0 ? rc : 0;
}

/* ---- What fits together ---------------------------------------------- */

static bool is_name(const char *name, const char *text, size_t size)
{
    return name && strlen(name) == size && memcmp(name, text, size) == 0;
}

/* The variable with this name, its own or the general one; OTK_CONFIG_VARIABLES when there is none. */
static size_t find(const char *name, size_t size)
{
    size_t i = 0;
    while (i < OTK_CONFIG_VARIABLES && !is_name(variables[i].name, name, size) &&
           !is_name(variables[i].general, name, size))
        i++;
    return i;
}

/* The default gives way to a small queue without a word. */
static void fit_batch(const struct loader *l, otk_signal signal, const char *name)
{
    struct otk_signal_config *config = &l->config->signals[signal];
    struct otk_origin *origin = &l->config->origins[find(name, strlen(name))];
    if (config->batch_size <= config->queue_size)
        return;
    unsigned fitting = config->queue_size < 512 ? config->queue_size : 512;
    if (origin->source != OTK_SOURCE_DEFAULT) {
        otk_warn(l->warnings, "%s=%u: must not exceed the queue size %u; using %u", name, config->batch_size,
                 config->queue_size, fitting);
        *origin = (struct otk_origin){OTK_SOURCE_DEFAULT, false, true};
    }
    config->batch_size = fitting;
}

static int check_settings(const otk_sdk_options *options, otk_error *error)
{
    for (const char *const *setting = options ? options->settings : NULL; setting && *setting; setting++) {
        size_t size = strcspn(*setting, "=");
        if ((*setting)[size] && find(*setting, size) < OTK_CONFIG_VARIABLES)
            continue;
        if (error) {
            error->code = OTK_EINVAL;
            snprintf(error->message, sizeof error->message, "there is no setting \"%.*s\"", (int)size, *setting);
        }
        return OTK_EINVAL;
    }
    return 0;
}

static int load(const struct loader *l)
{
    struct otk_config *config = l->config;
    int rc = 0;
    for (size_t i = 0; i < OTK_CONFIG_VARIABLES && !rc; i++)
        if (variables[i].signal == EVERY || config->signals[variables[i].signal].enabled)
            rc = load_variable(l, i);
    if (rc) {
        otk_config_clear(config);
        return rc;
    }
    fit_batch(l, OTK_SIGNAL_TRACES, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    fit_batch(l, OTK_SIGNAL_LOGS, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE");
    return 0;
}

static void take_sampler(struct otk_config *config, const otk_sampler *sampler)
{
    static const char name[] = "OTEL_TRACES_SAMPLER";
    config->sampler = *sampler;
    config->origins[find(name, strlen(name))] = (struct otk_origin){.source = OTK_SOURCE_CODE};
}

int otk_config_load(struct otk_config *out, const otk_sdk_options *options, struct otk_warnings *warnings,
                    otk_error *error)
{
    struct otk_config config = {0};
    bool alone = options && options->ignore_environment;
    struct loader loader = {&config, options, alone ? NULL : (const char *const *)environ, warnings};
    int rc = check_settings(options, error);
    if (rc)
        return rc;
    rc = load(&loader);
    if (rc) {
        if (error)
            *error = (otk_error){rc, "memory ran out"};
        return rc;
    }
    if (options && options->sampler && options->sampler->sample)
        take_sampler(&config, options->sampler);
    *out = config;
    return 0;
}

int otk_config_load_environment(struct otk_config *out, const char *const *environment, struct otk_warnings *warnings)
{
    struct otk_config config = {0};
    struct loader loader = {&config, NULL, environment, warnings};
    int rc = load(&loader);
    if (!rc)
        *out = config;
    return rc;
}

void otk_config_clear(struct otk_config *config)
{
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++) {
        struct otk_signal_config *signal = &config->signals[i];
        otk_header_list_clear(&signal->headers);
        free(signal->endpoint);
        free(signal->certificate);
        free(signal->client_key);
        free(signal->client_certificate);
    }
    free(config->service_name);
    free(config->resource_attributes);
    *config = (struct otk_config){0};
}
