#include "resource.h"

#include "random.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { RESOURCE_ATTRIBUTES = 1, MAX_BYTES = 16 << 20 };

static void put_text(struct otk_draft *set, const char *key, const char *text)
{
    otk_attribute attribute = otk_attribute_string(key, text);
    otk_draft_put(set, &attribute);
}

static void put_own(struct otk_draft *set)
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

/* ---- Detectors ------------------------------------------------------- */

static void put_int(struct otk_draft *set, const char *key, int64_t number)
{
    otk_attribute attribute = otk_attribute_int(key, number);
    otk_draft_put(set, &attribute);
}

/* A UUID of version 4 (RFC 9562). */
static void put_instance(struct otk_draft *set)
{
    uint8_t id[16];
    char text[37];
    otk_random_ids(id, sizeof id / sizeof(uint64_t));
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    char *to = text;
    for (size_t i = 0; i < sizeof id; i++)
        to += sprintf(to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    put_text(set, "service.instance.id", text);
}

static size_t read_whole(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(out, 1, size, file) : 0;
    if (file)
        fclose(file);
    return n;
}

/* The kernel has them one behind the other, each with a NUL. */
static void put_command(struct otk_draft *set)
{
    static const char key[] = "process.command_args";
    char text[4096];
    otk_value args[64];
    size_t size = read_whole("/proc/self/cmdline", text, sizeof text - 1), count = 0;
    text[size] = '\0';
    for (const char *at = text; at < text + size && count < 64; at += strlen(at) + 1)
        args[count++] = otk_value_string(at);
    otk_attribute attribute = otk_attribute_of(key, otk_value_array(args, count));
    if (count)
        otk_draft_put(set, &attribute);
}

static void put_process(struct otk_draft *set)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    put_int(set, "process.pid", getpid());
    put_int(set, "process.parent_pid", getppid());
    put_text(set, "process.executable.name", program_invocation_short_name);
    if (size > 0) {
        path[size] = '\0';
        put_text(set, "process.executable.path", path);
    }
    put_command(set);
}

static const char *arch_of(const char *machine)
{
    static const char *const names[][2] = {
        {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"ppc64le", "ppc64"}, {"i686", "x86"}, {"armv7l", "arm32"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(machine, names[i][0]) == 0)
            return names[i][1];
    return machine;
}

static void put_host(struct otk_draft *set)
{
    struct utsname host;
    if (uname(&host))
        return;
    put_text(set, "host.name", host.nodename);
    put_text(set, "host.arch", arch_of(host.machine));
    put_text(set, "os.type", "linux");
    put_text(set, "os.version", host.release);
}

static void put_detected(struct otk_draft *set, unsigned detectors)
{
    if (detectors & OTK_DETECT_SERVICE)
        put_instance(set);
    if (detectors & OTK_DETECT_PROCESS)
        put_process(set);
    if (detectors & OTK_DETECT_HOST)
        put_host(set);
}

/* ---- The variable ---------------------------------------------------- */

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
static int put_variable(struct otk_draft *set, const char *variable, struct otk_warnings *warnings)
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
                otk_draft_put(set, &attribute);
        }
    }
    free(scratch);
    if (!good)
        otk_warn(warnings, "OTEL_RESOURCE_ATTRIBUTES=%s: must be key=value,key=value with percent-encoding; ignored",
                 variable);
    return 0;
}

int otk_resource_make(struct otk_buffer *out, const struct otk_config *config, const otk_sdk_options *options,
                      struct otk_warnings *warnings)
{
    struct otk_draft set = otk_draft_new(&otk_draft_unlimited, MAX_BYTES);
    *out = OTK_BUFFER_INIT(2 * MAX_BYTES);
    put_own(&set);
    put_detected(&set, options ? options->detectors : 0);
    int rc = config->resource_attributes ? put_variable(&set, config->resource_attributes, warnings) : 0;
    if (config->service_name)
        put_text(&set, "service.name", config->service_name);
    if (options) {
        otk_draft_put_all(&set, options->resource);
        if (options->service_name && *options->service_name)
            put_text(&set, "service.name", options->service_name);
    }
    otk_draft_write(out, RESOURCE_ATTRIBUTES, &set);
    otk_buffer_clear(&set.bytes);
    return rc || set.dropped || out->failed ? OTK_ENOMEM : 0;
}
