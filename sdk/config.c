#include "config.h"

#include "endpoint.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct variable;

struct loader {
    struct otk_config *config;
    const otk_sdk_options *options;
    struct otk_warnings *warnings;
};

/* Reads `raw` into the field at `to`. Returns NULL, or a sentence on what is wrong; `no_memory` when that ran out. */
typedef const char *parse_fn(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                             void *to);

struct variable {
    const char *name;
    const char *general; /* asked when `name` is not set, or NULL */
    const char *fallback;
    parse_fn *parse;
    size_t field;     /* its offset in struct otk_config */
    unsigned minimum; /* of numbers */
    int signal;       /* whose exporter it concerns, or EVERY */
};

enum { EVERY = -1 };

static const char no_memory[] = "";

/* ---- Parsers --------------------------------------------------------- */

static bool is_word(const char *raw, const char *word)
{
    otk_string text = otk_text_trim((otk_string){raw, strlen(raw)});
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

static const char *parse_bool(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                              void *to)
{
    (void)l, (void)v, (void)name;
    bool truth = is_word(raw, "true");
    *(bool *)to = truth;
    return truth || is_word(raw, "false") ? NULL : "must be true or false";
}

static bool read_number(const char *raw, unsigned *out)
{
    otk_string text = otk_text_trim((otk_string){raw, strlen(raw)});
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
        if (number > INT32_MAX)
            return false;
    }
    *out = (unsigned)number;
    return text.size > 0;
}

static const char *parse_number(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                void *to)
{
    (void)l, (void)name;
    unsigned number;
    if (!read_number(raw, &number) || number < v->minimum)
        return v->minimum ? "must be a whole number from 1 to 2147483647"
                          : "must be a whole number from 0 to 2147483647";
    *(unsigned *)to = number;
    return NULL;
}

/* 0 means no limit; 24 days pass for that. */
static const char *parse_timeout(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                 void *to)
{
    const char *why = parse_number(l, v, name, raw, to);
    if (!why && *(unsigned *)to == 0)
        *(unsigned *)to = INT32_MAX;
    return why ? "must be a whole number of milliseconds" : NULL;
}

static const char *parse_length(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                void *to)
{
    if (*raw)
        return parse_number(l, v, name, raw, to);
    *(unsigned *)to = OTK_CONFIG_UNLIMITED;
    return NULL;
}

static const char *parse_text(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                              void *to)
{
    (void)l, (void)v, (void)name;
    char *copy = *raw ? otk_text_copy(raw, strlen(raw)) : NULL;
    *(char **)to = copy;
    return copy || !*raw ? NULL : no_memory;
}

/* A name that we have no exporter for means that the user wants the data elsewhere: it is not sent. */
static const char *parse_exporter(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                  void *to)
{
    (void)v;
    bool *enabled = to;
    otk_string rest = {raw, strlen(raw)};
    otk_string member;
    *enabled = false;
    while (otk_text_next_member(&rest, &member)) {
        if (member.size == 4 && strncasecmp(member.data, "otlp", 4) == 0)
            *enabled = true;
        else if (member.size != 4 || strncasecmp(member.data, "none", 4) != 0)
            otk_warn(l->warnings, "%s: there is no exporter \"%.*s\" here, nothing is sent to it", name,
                     (int)member.size, member.data);
    }
    return NULL;
}

static const char *parse_protocol(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                  void *to)
{
    (void)l, (void)v, (void)name, (void)to;
    return is_word(raw, "http/protobuf") ? NULL : "is not spoken here, http/protobuf is used";
}

static const char *parse_compression(const struct loader *l, const struct variable *v, const char *name,
                                     const char *raw, void *to)
{
    (void)l, (void)v, (void)name;
    bool gzip = is_word(raw, "gzip");
    if (!gzip && !is_word(raw, "none"))
        return "must be gzip or none";
    *(bool *)to = gzip;
    return NULL;
}

static const char *parse_endpoint(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                  void *to)
{
    (void)l;
    bool base = strcmp(name, v->name) != 0;
    int rc = otk_endpoint_new(raw, base, (otk_signal)v->signal, to);
    return rc == OTK_ENOMEM ? no_memory : rc ? "must be a URL such as http://localhost:4318" : NULL;
}

static const char *parse_headers(const struct loader *l, const struct variable *v, const char *name, const char *raw,
                                 void *to)
{
    (void)v;
    return otk_header_list_parse(name, raw, l->warnings, to) ? no_memory : NULL;
}

static const char *parse_config_file(const struct loader *l, const struct variable *v, const char *name,
                                     const char *raw, void *to)
{
    (void)l, (void)v, (void)name, (void)to;
    return *raw ? "configuration files are not supported, the other variables count" : NULL;
}

/* ---- The table ------------------------------------------------------- */

#define FIELD(field) offsetof(struct otk_config, field)

/* The macros are rows, too. */
/* clang-format off */
#define EXPORTER(what, index) \
    {"OTEL_" what "_EXPORTER", NULL, "otlp", parse_exporter, FIELD(signals[index].enabled), 0, EVERY}

#define OTLP_ONE(what, index, suffix, fallback, parse, field) \
    {"OTEL_EXPORTER_OTLP_" what "_" suffix, "OTEL_EXPORTER_OTLP_" suffix, fallback, parse, \
     FIELD(signals[index].field), 0, index}
#define OTLP(suffix, fallback, parse, field) \
    OTLP_ONE("TRACES", OTK_SIGNAL_TRACES, suffix, fallback, parse, field), \
    OTLP_ONE("METRICS", OTK_SIGNAL_METRICS, suffix, fallback, parse, field), \
    OTLP_ONE("LOGS", OTK_SIGNAL_LOGS, suffix, fallback, parse, field)

#define BATCH(prefix, index, delay) \
    {prefix "_SCHEDULE_DELAY", NULL, delay, parse_number, FIELD(signals[index].delay_ms), 0, EVERY}, \
    {prefix "_EXPORT_TIMEOUT", NULL, "30000", parse_timeout, FIELD(signals[index].export_timeout_ms), 0, EVERY}, \
    {prefix "_MAX_QUEUE_SIZE", NULL, "2048", parse_number, FIELD(signals[index].queue_size), 1, EVERY}, \
    {prefix "_MAX_EXPORT_BATCH_SIZE", NULL, "512", parse_number, FIELD(signals[index].batch_size), 1, EVERY}

#define LENGTH(name, field) {name, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", parse_length, FIELD(field), 0, EVERY}
#define COUNT(name, general, field) {name, general, "128", parse_number, FIELD(field), 0, EVERY}
#define OWN(name, fallback, minimum, field) \
    {"OTEL_C_EXPORTER_" name, NULL, fallback, parse_number, FIELD(field), minimum, EVERY}
/* clang-format on */

/* The exporters come first: what they switch off is not looked at. */
static const struct variable variables[] = {
    {"OTEL_CONFIG_FILE", NULL, "", parse_config_file, 0, 0, EVERY},
    {"OTEL_SDK_DISABLED", NULL, "false", parse_bool, FIELD(disabled), 0, EVERY},
    EXPORTER("TRACES", OTK_SIGNAL_TRACES),
    EXPORTER("METRICS", OTK_SIGNAL_METRICS),
    EXPORTER("LOGS", OTK_SIGNAL_LOGS),
    {"OTEL_SERVICE_NAME", NULL, "", parse_text, FIELD(service_name), 0, EVERY},
    {"OTEL_RESOURCE_ATTRIBUTES", NULL, "", parse_text, FIELD(resource_attributes), 0, EVERY},
    OTLP("ENDPOINT", "http://localhost:4318", parse_endpoint, endpoint),
    OTLP("PROTOCOL", "http/protobuf", parse_protocol, enabled),
    OTLP("HEADERS", "", parse_headers, headers),
    OTLP("TIMEOUT", "10000", parse_timeout, timeout_ms),
    OTLP("COMPRESSION", "none", parse_compression, gzip),
    OTLP("CERTIFICATE", "", parse_text, certificate),
    OTLP("CLIENT_KEY", "", parse_text, client_key),
    OTLP("CLIENT_CERTIFICATE", "", parse_text, client_certificate),
    BATCH("OTEL_BSP", OTK_SIGNAL_TRACES, "5000"),
    BATCH("OTEL_BLRP", OTK_SIGNAL_LOGS, "1000"),
    {"OTEL_METRIC_EXPORT_INTERVAL", NULL, "60000", parse_number, FIELD(signals[OTK_SIGNAL_METRICS].delay_ms), 1, EVERY},
    {"OTEL_METRIC_EXPORT_TIMEOUT", NULL, "30000", parse_timeout, FIELD(signals[OTK_SIGNAL_METRICS].export_timeout_ms),
     0, EVERY},
    LENGTH("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", span_attribute_length),
    LENGTH("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", log_attribute_length),
    COUNT("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", span_attributes),
    COUNT("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", log_attributes),
    COUNT("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", event_attributes),
    COUNT("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT", link_attributes),
    COUNT("OTEL_SPAN_EVENT_COUNT_LIMIT", NULL, span_events),
    COUNT("OTEL_SPAN_LINK_COUNT_LIMIT", NULL, span_links),
    OWN("RETRY_DELAY", "1000", 0, retry_delay_ms),
    OWN("MAX_REQUEST_BYTES", "67108864", 1, max_request_bytes),
    OWN("MAX_RESPONSE_BYTES", "4194304", 1, max_response_bytes),
};

enum { VARIABLES = sizeof variables / sizeof variables[0] };

/* ---- Where values come from ------------------------------------------ */

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
    return l->options && l->options->ignore_environment ? NULL : getenv(name);
}

typedef const char *source_fn(const struct loader *l, const char *name);

static bool is_secret(const struct variable *v)
{
    return v->parse == parse_headers;
}

/* Tries one source under one name. Returns 1 when it gave the value, 0 when not, or OTK_ENOMEM. */
static int try_source(const struct loader *l, const struct variable *v, source_fn *source, const char *name)
{
    const char *raw = name ? source(l, name) : NULL;
    if (!is_set(raw))
        return 0;
    const char *why = v->parse(l, v, name, raw, (char *)l->config + v->field);
    if (why == no_memory)
        return OTK_ENOMEM;
    if (why)
        otk_warn(l->warnings, "%s=%s: %s; ignored", name, is_secret(v) ? "…" : raw, why);
    return !why;
}

static int load_variable(const struct loader *l, const struct variable *v)
{
    static source_fn *const sources[] = {from_code, from_environment};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        int rc = try_source(l, v, sources[i], v->name);
        if (!rc)
            rc = try_source(l, v, sources[i], v->general);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    /* The general name, so that an endpoint's default gets its path. */
    const char *name = v->general ? v->general : v->name;
    const char *why = v->parse(l, v, name, v->fallback, (char *)l->config + v->field);
    return why == no_memory ? OTK_ENOMEM : 0;
}

/* ---- What fits together ---------------------------------------------- */

static void fit_batch(struct otk_signal_config *signal, const char *name, struct otk_warnings *warnings)
{
    if (signal->batch_size <= signal->queue_size)
        return;
    unsigned fitting = signal->queue_size < 512 ? signal->queue_size : 512;
    if (signal->batch_size != 512)
        otk_warn(warnings, "%s=%u: must not exceed the queue size %u; using %u", name, signal->batch_size,
                 signal->queue_size, fitting);
    signal->batch_size = fitting;
}

static bool is_variable(const char *setting)
{
    size_t size = strcspn(setting, "=");
    if (setting[size] != '=')
        return false;
    for (size_t i = 0; i < VARIABLES; i++) {
        const struct variable *v = &variables[i];
        if ((strlen(v->name) == size && memcmp(v->name, setting, size) == 0) ||
            (v->general && strlen(v->general) == size && memcmp(v->general, setting, size) == 0))
            return true;
    }
    return false;
}

static int check_settings(const otk_sdk_options *options, otk_error *error)
{
    for (const char *const *setting = options ? options->settings : NULL; setting && *setting; setting++) {
        if (is_variable(*setting))
            continue;
        if (error) {
            error->code = OTK_EINVAL;
            snprintf(error->message, sizeof error->message, "there is no setting \"%.*s\"", (int)strcspn(*setting, "="),
                     *setting);
        }
        return OTK_EINVAL;
    }
    return 0;
}

int otk_config_load(struct otk_config *out, const otk_sdk_options *options, struct otk_warnings *warnings,
                    otk_error *error)
{
    struct otk_config config = {0};
    struct loader loader = {&config, options, warnings};
    int rc = check_settings(options, error);
    if (rc)
        return rc;
    for (size_t i = 0; i < VARIABLES && !rc; i++) {
        const struct variable *v = &variables[i];
        if (v->signal == EVERY || config.signals[v->signal].enabled)
            rc = load_variable(&loader, v);
    }
    if (rc) {
        otk_config_clear(&config);
        if (error)
            *error = (otk_error){rc, "memory ran out"};
        return rc;
    }
    fit_batch(&config.signals[OTK_SIGNAL_TRACES], "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", warnings);
    fit_batch(&config.signals[OTK_SIGNAL_LOGS], "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", warnings);
    *out = config;
    return 0;
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
