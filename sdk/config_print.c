#include "provider.h"

static const char *const signals[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

/* An environment is not ours: it must not command the terminal. */
static void print_text(FILE *to, const char *text)
{
    for (; text && *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, to);
}

static void print_value(FILE *to, const struct otk_config *config, size_t i)
{
    struct otk_buffer text = OTK_BUFFER_INIT(UINT32_MAX);
    otk_config_show(config, i, &text);
    print_text(to, otk_buffer_string(&text));
    otk_buffer_clear(&text);
}

/* ---- What is in force ------------------------------------------------ */

static bool is_endpoint(const struct otk_variable *v, int signal)
{
    return v->signal == signal && v->kind == &otk_kind_endpoint;
}

static void print_destination(FILE *to, const struct otk_config *config, int signal)
{
    size_t i = 0;
    while (!is_endpoint(otk_config_variable(i), signal))
        i++;
    fprintf(to, "%-13s", signals[signal]);
    if (config->disabled)
        fputs("nowhere, the SDK is disabled", to);
    else if (config->signals[signal].enabled)
        print_value(to, config, i);
    else
        fputs("nowhere, its exporter is not otlp", to);
    fputc('\n', to);
}

static void print_setting(FILE *to, const struct otk_config *config, size_t i)
{
    static const char *const sources[] = {"default", "code", "environment"};
    const struct otk_variable *v = otk_config_variable(i);
    struct otk_origin origin = config->origins[i];
    fprintf(to, "%-13s%s=", sources[origin.source], v->name);
    print_value(to, config, i);
    if (origin.general && origin.source != OTK_SOURCE_DEFAULT)
        fprintf(to, "  (%s)", v->general);
    fputs(origin.wrong ? "  (what was set is wrong)\n" : "\n", to);
}

static void print_config(FILE *to, const struct otk_config *config)
{
    for (int signal = 0; signal < OTK_SIGNAL_COUNT; signal++)
        print_destination(to, config, signal);
    fputc('\n', to);
    for (size_t i = 0; i < OTK_CONFIG_VARIABLES; i++) {
        int signal = otk_config_variable(i)->signal;
        if (signal == OTK_EVERY_SIGNAL || config->signals[signal].enabled)
            print_setting(to, config, i);
    }
}

void otk_sdk_print_config(const otk_sdk *sdk, FILE *to)
{
    if (sdk && to)
        print_config(to, &sdk->config);
}

/* ---- Of another program ---------------------------------------------- */

struct report {
    FILE *to;
    int warnings;
};

static void print_warning(const char *message, void *arg)
{
    struct report *report = arg;
    fputs("warning      ", report->to);
    print_text(report->to, message);
    fputc('\n', report->to);
    report->warnings++;
}

int otk_sdk_print_environment(const char *const *environment, FILE *to)
{
    struct report report = {to, 0};
    struct otk_warnings warnings;
    struct otk_config config;
    if (!to)
        return 0;
    otk_warnings_init(&warnings, print_warning, &report);
    int rc = otk_config_load_environment(&config, environment, &warnings);
    otk_warnings_clear(&warnings);
    if (rc)
        return rc;
    print_config(to, &config);
    otk_config_clear(&config);
    return report.warnings;
}

/* ---- What there is --------------------------------------------------- */

static void print_variable(FILE *to, const char *name, const struct otk_variable *v)
{
    fprintf(to, "%s=%s\n    %s\n", name, v->fallback, v->help);
}

void otk_sdk_print_variables(FILE *to)
{
    const char *general = NULL;
    for (size_t i = 0; to && i < OTK_CONFIG_VARIABLES; i++) {
        const struct otk_variable *v = otk_config_variable(i);
        if (v->general && (!general || strcmp(v->general, general) != 0))
            print_variable(to, v->general, v);
        general = v->general;
        print_variable(to, v->name, v);
    }
}
