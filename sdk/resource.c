#include "resource.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RESOURCE_ATTRIBUTES = 1, MAX_BYTES = 16 << 20 };

static void put_text(struct otk_attribute_set *set, const char *key, const char *text)
{
    otk_attribute attribute = otk_attribute_string(key, text);
    otk_attribute_set_put(set, &attribute);
}

static void put_own(struct otk_attribute_set *set)
{
    char name[256] = "unknown_service";
    const char *program = program_invocation_short_name;
    if (program && *program)
        snprintf(name, sizeof name, "unknown_service:%s", program);
    put_text(set, "service.name", name);
    put_text(set, "telemetry.sdk.name", "otlpkit");
    put_text(set, "telemetry.sdk.language", "c");
    put_text(set, "telemetry.sdk.version", OTLPKIT_VERSION);
}

/* Decodes into `scratch`, which has room for the whole variable. */
static bool decode_member(otk_string member, char *scratch, otk_attribute *out)
{
    otk_string key, value;
    bool bad = false;
    if (!otk_text_split(member, &key, &value))
        return false;
    out->key = (otk_string){scratch, otk_text_decode(key, scratch, &bad)};
    char *behind = scratch + out->key.size;
    out->value = (otk_value){.type = OTK_VALUE_STRING};
    out->value.as.string_value = (otk_string){behind, otk_text_decode(value, behind, &bad)};
    return !bad;
}

/* All of the variable or, when any part of it cannot be read, nothing. */
static int put_variable(struct otk_attribute_set *set, const char *variable, struct otk_warnings *warnings)
{
    size_t size = strlen(variable);
    char *scratch = malloc(size + 1);
    if (!scratch)
        return OTK_ENOMEM;
    bool good = true;
    for (int round = 0; round < 2 && good; round++) {
        otk_string rest = {variable, size};
        otk_string member;
        while (good && otk_text_next_member(&rest, &member)) {
            otk_attribute attribute;
            good = decode_member(member, scratch, &attribute);
            if (good && round == 1)
                otk_attribute_set_put(set, &attribute);
        }
    }
    free(scratch);
    if (!good)
        otk_warn(warnings, "OTEL_RESOURCE_ATTRIBUTES=%s: must be key=value,key=value with percent-encoding; ignored",
                 variable);
    return 0;
}

int otk_resource_make(struct otk_attribute_set *out, const struct otk_config *config, const otk_sdk_options *options,
                      struct otk_warnings *warnings)
{
    otk_attribute_set_init(out, RESOURCE_ATTRIBUTES, OTK_LIMITS_NONE, MAX_BYTES);
    put_own(out);
    int rc = config->resource_attributes ? put_variable(out, config->resource_attributes, warnings) : 0;
    if (config->service_name)
        put_text(out, "service.name", config->service_name);
    if (options) {
        otk_attribute_set_put_all(out, options->resource);
        if (options->service_name && *options->service_name)
            put_text(out, "service.name", options->service_name);
    }
    if (!rc && out->dropped)
        rc = OTK_ENOMEM;
    if (rc)
        otk_attribute_set_clear(out);
    return rc;
}
