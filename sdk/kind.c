#include "config.h"

#include "endpoint.h"
#include "number.h"
#include "sampler.h"
#include "text.h"

#include <strings.h>

const char otk_kind_no_memory[] = "";

static otk_string trimmed(const char *text)
{
    return otk_text_trim((otk_string){text, strlen(text)});
}

static bool equals(otk_string text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

static bool is_word(const struct otk_raw *raw, const char *word)
{
    return equals(trimmed(raw->text), word);
}

/* ---- Booleans -------------------------------------------------------- */

static const char *parse_bool(const struct otk_raw *raw, void *to)
{
    *(bool *)to = is_word(raw, "true");
    return *(bool *)to || is_word(raw, "false") ? NULL : "must be true or false";
}

static void show_bool(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)v;
    otk_buffer_text(out, *(const bool *)at ? "true" : "false");
}

const struct otk_kind otk_kind_bool = {parse_bool, show_bool, NULL};

/* ---- Numbers --------------------------------------------------------- */

static bool read_number(otk_string text, unsigned *out)
{
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

static const char *parse_number(const struct otk_raw *raw, void *to)
{
    unsigned number;
    if (!read_number(trimmed(raw->text), &number) || number < raw->variable->minimum)
        return raw->variable->minimum ? "must be a whole number from 1 to 2147483647"
                                      : "must be a whole number from 0 to 2147483647";
    *(unsigned *)to = number;
    return NULL;
}

static void show_number(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)v;
    otk_buffer_printf(out, "%u", *(const unsigned *)at);
}

const struct otk_kind otk_kind_number = {parse_number, show_number, NULL};

static const char *parse_timeout(const struct otk_raw *raw, void *to)
{
    const char *why = parse_number(raw, to);
    if (!why && *(unsigned *)to == 0)
        *(unsigned *)to = INT32_MAX;
    return why ? "must be a whole number of milliseconds" : NULL;
}

static void show_timeout(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    unsigned none = 0;
    show_number(out, v, *(const unsigned *)at == INT32_MAX ? &none : at);
}

const struct otk_kind otk_kind_timeout = {parse_timeout, show_timeout, NULL};

static const char *parse_length(const struct otk_raw *raw, void *to)
{
    if (*raw->text)
        return parse_number(raw, to);
    *(unsigned *)to = OTK_CONFIG_UNLIMITED;
    return NULL;
}

static void show_length(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    if (*(const unsigned *)at != OTK_CONFIG_UNLIMITED)
        show_number(out, v, at);
}

const struct otk_kind otk_kind_length = {parse_length, show_length, NULL};

/* ---- Texts ----------------------------------------------------------- */

static const char *parse_text(const struct otk_raw *raw, void *to)
{
    char *copy = *raw->text ? otk_text_copy(raw->text, strlen(raw->text)) : NULL;
    *(char **)to = copy;
    return copy || !*raw->text ? NULL : otk_kind_no_memory;
}

static void show_text(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    const char *text = *(char *const *)at;
    (void)v;
    otk_buffer_text(out, text ? text : "");
}

const struct otk_kind otk_kind_text = {parse_text, show_text, NULL};

/* ---- Exporters ------------------------------------------------------- */

/* A name that we have no exporter for means that the user wants the data elsewhere: it is not sent. */
static const char *parse_exporter(const struct otk_raw *raw, void *to)
{
    bool *enabled = to;
    otk_string rest = {raw->text, strlen(raw->text)};
    otk_string member;
    *enabled = false;
    while (otk_text_next_member(&rest, &member)) {
        if (equals(member, "otlp"))
            *enabled = true;
        else if (!equals(member, "none"))
            otk_warn(raw->warnings, "%s: there is no exporter \"%.*s\" here, nothing is sent to it", raw->name,
                     (int)member.size, member.data);
    }
    return NULL;
}

static void show_exporter(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)v;
    otk_buffer_text(out, *(const bool *)at ? "otlp" : "none");
}

const struct otk_kind otk_kind_exporter = {parse_exporter, show_exporter, NULL};

static const char *parse_protocol(const struct otk_raw *raw, void *to)
{
    bool json = is_word(raw, "http/json");
    if (!json && !is_word(raw, "http/protobuf"))
        return "must be http/protobuf or http/json";
    *(bool *)to = json;
    return NULL;
}

static void show_protocol(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)v;
    otk_buffer_text(out, *(const bool *)at ? "http/json" : "http/protobuf");
}

const struct otk_kind otk_kind_protocol = {parse_protocol, show_protocol, NULL};

static const char *parse_compression(const struct otk_raw *raw, void *to)
{
    bool gzip = is_word(raw, "gzip");
    if (!gzip && !is_word(raw, "none"))
        return "must be gzip or none";
    *(bool *)to = gzip;
    return NULL;
}

static void show_compression(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)v;
    otk_buffer_text(out, *(const bool *)at ? "gzip" : "none");
}

const struct otk_kind otk_kind_compression = {parse_compression, show_compression, NULL};

/* The general URL is a base. */
static const char *parse_endpoint(const struct otk_raw *raw, void *to)
{
    bool base = raw->name != raw->variable->name;
    int rc = otk_endpoint_new(raw->text, base, (otk_signal)raw->variable->signal, to);
    return rc == OTK_ENOMEM ? otk_kind_no_memory : rc ? "must be a URL such as http://localhost:4318" : NULL;
}

/* User and password, and a query, which may hold a token. */
static void mask_url(struct otk_buffer *out, const char *url)
{
    size_t size = strcspn(url, "?");
    const char *scheme = strstr(url, "://");
    const char *at = memrchr(url, '@', size);
    if (at) {
        otk_buffer_append(out, url, scheme && scheme < at ? (size_t)(scheme - url) + 3 : 0);
        otk_buffer_text(out, "***");
    }
    const char *rest = at ? at : url;
    otk_buffer_append(out, rest, size - (size_t)(rest - url));
    otk_buffer_text(out, url[size] ? "?***" : "");
}

static void show_endpoint(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    const char *url = *(char *const *)at;
    (void)v;
    mask_url(out, url ? url : "");
}

const struct otk_kind otk_kind_endpoint = {parse_endpoint, show_endpoint, mask_url};

static const char *parse_headers(const struct otk_raw *raw, void *to)
{
    return otk_header_list_parse(raw->name, raw->text, raw->warnings, to) ? otk_kind_no_memory : NULL;
}

static void show_headers(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    const struct otk_header_list *list = at;
    (void)v;
    for (size_t i = 0; i < list->count; i++)
        otk_buffer_printf(out, "%s%.*s=***", i ? "," : "", (int)strcspn(list->lines[i], ":;"), list->lines[i]);
}

static void mask_headers(struct otk_buffer *out, const char *text)
{
    (void)text;
    otk_buffer_text(out, "***");
}

const struct otk_kind otk_kind_headers = {parse_headers, show_headers, mask_headers};

/* ---- Propagators ----------------------------------------------------- */

static const char *const propagators[OTK_PROPAGATOR_COUNT] = {
    [OTK_PROPAGATOR_TRACE_CONTEXT] = "tracecontext",
    [OTK_PROPAGATOR_BAGGAGE] = "baggage",
};

static bool choose_propagator(bool *chosen, otk_string name)
{
    for (size_t i = 0; i < OTK_PROPAGATOR_COUNT; i++) {
        if (!equals(name, propagators[i]))
            continue;
        chosen[i] = true;
        return true;
    }
    return equals(name, "none");
}

/* As with exporters: who asks for other headers does not get these. */
static const char *parse_propagators(const struct otk_raw *raw, void *to)
{
    bool *chosen = to;
    otk_string rest = {raw->text, strlen(raw->text)};
    otk_string member;
    memset(chosen, false, OTK_PROPAGATOR_COUNT * sizeof *chosen);
    while (otk_text_next_member(&rest, &member))
        if (!choose_propagator(chosen, member))
            otk_warn(raw->warnings, "%s: there is no propagator \"%.*s\" here, it is left out", raw->name,
                     (int)member.size, member.data);
    return NULL;
}

static void show_propagators(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    const bool *chosen = at;
    const char *separator = "";
    (void)v;
    for (size_t i = 0; i < OTK_PROPAGATOR_COUNT; i++) {
        if (!chosen[i])
            continue;
        otk_buffer_printf(out, "%s%s", separator, propagators[i]);
        separator = ",";
    }
    otk_buffer_text(out, *separator ? "" : "none");
}

const struct otk_kind otk_kind_propagators = {parse_propagators, show_propagators, NULL};

/* ---- Samplers -------------------------------------------------------- */

static const char *parse_sampler(const struct otk_raw *raw, void *to)
{
    return otk_sampler_named(trimmed(raw->text), to)
               ? NULL
               : "must be always_on, always_off, traceidratio, or parentbased_ and one of these";
}

static void show_sampler(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)v;
    otk_buffer_text(out, otk_sampler_name(at));
}

const struct otk_kind otk_kind_sampler = {parse_sampler, show_sampler, NULL};

/* Digits, and a point between them: strtod() would follow the locale. */
static bool is_decimal(otk_string text)
{
    size_t points = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool point = text.data[i] == '.' && i > 0 && i + 1 < text.size;
        if (!point && (text.data[i] < '0' || text.data[i] > '9'))
            return false;
        points += point;
    }
    return text.size > 0 && points <= 1;
}

static const char *parse_ratio(const struct otk_raw *raw, void *to)
{
    otk_string text = trimmed(raw->text);
    double ratio = is_decimal(text) ? otk_number_parse_double(text.data, text.size) : -1;
    if (!(ratio >= 0 && ratio <= 1))
        return "must be a number from 0 to 1";
    ((otk_sampler *)to)->ratio = ratio;
    return NULL;
}

static void show_ratio(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    char text[OTK_NUMBER_MAX];
    (void)v;
    otk_buffer_append(out, text, otk_number_double(text, ((const otk_sampler *)at)->ratio));
}

const struct otk_kind otk_kind_ratio = {parse_ratio, show_ratio, NULL};

/* ---- What is not done here ------------------------------------------- */

static const char *parse_only(const struct otk_raw *raw, void *to)
{
    (void)to;
    return is_word(raw, raw->variable->fallback) ? NULL : "is not supported here";
}

static void show_only(struct otk_buffer *out, const struct otk_variable *v, const void *at)
{
    (void)at;
    otk_buffer_text(out, v->fallback);
}

const struct otk_kind otk_kind_only = {parse_only, show_only, NULL};

static const char *parse_never(const struct otk_raw *raw, void *to)
{
    (void)to;
    return *raw->text ? "is not supported here, the other variables count" : NULL;
}

const struct otk_kind otk_kind_never = {parse_never, show_only, NULL};
