#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ENDPOINT "OTEL_EXPORTER_OTLP_ENDPOINT"
#define OWN_URL "OTLPKIT_URL"

/* Each is set when none of its names is. A metric reader refuses a timeout that is longer than its interval. */
static const struct {
    const char *names[2];
    const char *value; /* NULL: the receiver's URL */
} settings[] = {
    {{ENDPOINT}, NULL},
    {{"OTEL_EXPORTER_OTLP_PROTOCOL"}, "http/protobuf"},
    {{"OTEL_BSP_SCHEDULE_DELAY"}, "200"},
    {{"OTEL_BLRP_SCHEDULE_DELAY"}, "200"},
    {{"OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"}, "1000"},
    {{"LOGFIRE_SEND_TO_LOGFIRE"}, "false"},
};

/* OpenTelemetry reads an empty variable as one that is not set. */
static const char *get(const char *name)
{
    const char *value = name ? getenv(name) : NULL;
    return value && *value ? value : NULL;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Where one run is inside of another, what that has set is nobody's wish. */
static void forget_outer(void)
{
    const char *outer = get(OWN_URL), *endpoint = get(ENDPOINT);
    if (outer && endpoint && starts_with(endpoint, outer))
        unsetenv(ENDPOINT);
}

static bool configures(const char *variable)
{
    const char *end = strchr(variable, '=');
    return starts_with(variable, "OTEL_") ||
           (end && end - variable >= 6 && strncasecmp(end - 6, "_proxy", 6) == 0);
}

bool otk_environment_clean(void)
{
    bool ok = true;
    for (char **e = environ; *e && ok;) {
        if (!configures(*e)) {
            e++;
            continue;
        }
        char *name = strndup(*e, strcspn(*e, "="));
        ok = name && unsetenv(name) == 0; /* what was behind it moves up */
        free(name);
    }
    return ok;
}

bool otk_environment_set(const char *url)
{
    forget_outer();
    bool ok = setenv(OWN_URL, url, 1) == 0;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *const *names = settings[i].names;
        if (get(names[0]) || get(names[1]))
            continue;
        for (size_t k = 0; k < 2 && names[k]; k++)
            ok = setenv(names[k], settings[i].value ? settings[i].value : url, 1) == 0 && ok;
    }
    return ok;
}

/* ---- What was in the way --------------------------------------------- */

static bool is_true(const char *value, const char *url)
{
    (void)url;
    return strcasecmp(value, "true") == 0;
}

static bool is_not_otlp(const char *value, const char *url)
{
    (void)url;
    return !strstr(value, "otlp");
}

static bool is_grpc(const char *value, const char *url)
{
    (void)url;
    return strcasecmp(value, "grpc") == 0;
}

static bool is_elsewhere(const char *value, const char *url)
{
    return !starts_with(value, url);
}

static bool is_off(const char *value, const char *url)
{
    (void)url;
    return strstr(value, "always_off");
}

static bool is_in_the_way(const char *value, const char *url)
{
    const char *direct = get("no_proxy") ? get("no_proxy") : get("NO_PROXY");
    (void)value;
    (void)url;
    return !direct || !(strstr(direct, "127.0.0.1") || strchr(direct, '*'));
}

static bool is_set(const char *value, const char *url)
{
    (void)value;
    (void)url;
    return true;
}

#define NOT_EXPORTED "so these are not exported with OTLP"
#define NOT_GRPC "but the receiver takes OTLP over HTTP: unset it, or say http/protobuf"
#define NOT_HERE "so the child exports there and not to the receiver"

static const struct {
    const char *name;
    bool (*applies)(const char *value, const char *url);
    const char *consequence;
} obstacles[] = {
    {"OTEL_SDK_DISABLED", is_true, "so the SDK does nothing"},
    {"OTEL_TRACES_EXPORTER", is_not_otlp, NOT_EXPORTED},
    {"OTEL_METRICS_EXPORTER", is_not_otlp, NOT_EXPORTED},
    {"OTEL_LOGS_EXPORTER", is_not_otlp, NOT_EXPORTED},
    {"OTEL_TRACES_SAMPLER", is_off, "so no span is recorded"},
    {"OTEL_EXPORTER_OTLP_PROTOCOL", is_grpc, NOT_GRPC},
    {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", is_grpc, NOT_GRPC},
    {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", is_grpc, NOT_GRPC},
    {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", is_grpc, NOT_GRPC},
    {ENDPOINT, is_elsewhere, NOT_HERE},
    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", is_elsewhere, NOT_HERE},
    {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", is_elsewhere, NOT_HERE},
    {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", is_elsewhere, NOT_HERE},
    {"OTEL_CONFIG_FILE", is_set, "and then an SDK may pass over the other variables"},
    {"http_proxy", is_in_the_way, "and NO_PROXY does not name 127.0.0.1, so exports may go to the proxy"},
    {"HTTP_PROXY", is_in_the_way, "and NO_PROXY does not name 127.0.0.1, so exports may go to the proxy"},
};

void otk_environment_explain(const char *url, FILE *to)
{
    bool explained = false;
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++) {
        const char *value = get(obstacles[i].name);
        if (!value || !obstacles[i].applies(value, url))
            continue;
        fprintf(to, "hint: %s=%s is set, %s\n", obstacles[i].name, value, obstacles[i].consequence);
        explained = true;
    }
    if (!explained)
        fprintf(to,
                "hint: no OTLP over HTTP came to %s: the child's SDK may have no exporter, end without a\n"
                "      flush, or export with gRPC, by default to port 4317\n",
                url);
}
