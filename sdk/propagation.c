#include "baggage.h"
#include "provider.h"
#include "text.h"
#include "trace_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRACE_PARENT "traceparent"
#define TRACE_STATE "tracestate"
#define BAGGAGE "baggage"

/* W3C: 00-‹32 hex›-‹16 hex›-‹2 hex› */
enum { PARENT_SIZE = 55, TRACE_ID_AT = 3, SPAN_ID_AT = 36, FLAGS_AT = 53 };

enum {
    KNOWN_FLAGS = 0x03,         /* sampled, random: the others are not passed on */
    MAX_STATE_BYTES = 64 << 10, /* of all headers together; 32 members are at most a quarter of that */
    MAX_STATE_HEADERS = 512
};

struct otk_context {
    otk_span_context span;
    char *trace_state; /* what the span's points to */
    otk_baggage *baggage;
};

/* ---- traceparent ----------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Later versions begin like this one, and may go on. */
static bool is_framed(otk_string text, uint8_t version)
{
    const char *t = text.data;
    if (t[2] != '-' || t[SPAN_ID_AT - 1] != '-' || t[FLAGS_AT - 1] != '-' || version == 0xff)
        return false;
    return text.size == PARENT_SIZE || (version > 0 && t[PARENT_SIZE] == '-');
}

static bool read_parent(const char *header, otk_span_context *out)
{
    otk_string text = otk_text_trim((otk_string){header, strlen(header)});
    otk_span_context span = {.is_remote = true};
    uint8_t version;
    if (text.size < PARENT_SIZE || !read_hex(text.data, &version, 1) || !is_framed(text, version) ||
        !read_hex(text.data + TRACE_ID_AT, span.trace_id, sizeof span.trace_id) ||
        !read_hex(text.data + SPAN_ID_AT, span.span_id, sizeof span.span_id) ||
        !read_hex(text.data + FLAGS_AT, &span.trace_flags, 1) || !otk_span_context_is_valid(&span))
        return false;
    span.trace_flags &= KNOWN_FLAGS;
    *out = span;
    return true;
}

static void write_parent(const otk_span_context *span, char out[PARENT_SIZE + 1])
{
    char trace_id[33], span_id[17];
    otk_span_context_trace_id(span, trace_id);
    otk_span_context_span_id(span, span_id);
    snprintf(out, PARENT_SIZE + 1, "00-%s-%s-%02x", trace_id, span_id, (unsigned)(span->trace_flags & KNOWN_FLAGS));
}

/* ---- Trace context --------------------------------------------------- */

/* Several headers are one list. */
static void join_states(struct otk_buffer *b, otk_get_header_fn *get, void *carrier)
{
    const char *header;
    for (size_t i = 0; i < MAX_STATE_HEADERS && (header = get(carrier, TRACE_STATE, i)); i++) {
        otk_buffer_text(b, header);
        otk_buffer_byte(b, ',');
    }
}

static int extract_state(otk_context *context, otk_get_header_fn *get, void *carrier)
{
    struct otk_buffer joined = OTK_BUFFER_INIT(MAX_STATE_BYTES);
    join_states(&joined, get, carrier);
    const char *text = otk_buffer_string(&joined);
    int rc = text ? otk_trace_state_read(text, &context->trace_state) : joined.failed;
    otk_buffer_clear(&joined);
    context->span.trace_state = context->trace_state;
    return rc == OTK_ENOMEM ? rc : 0;
}

/* Who sends two parents leaves open which one is meant. */
static int extract_trace_context(otk_context *context, otk_get_header_fn *get, void *carrier)
{
    const char *parent = get(carrier, TRACE_PARENT, 0);
    otk_span_context span;
    if (!parent || !read_parent(parent, &span) || get(carrier, TRACE_PARENT, 1))
        return 0;
    context->span = span;
    return extract_state(context, get, carrier);
}

static void inject_trace_context(const otk_span_context *span, otk_set_header_fn *set, void *carrier)
{
    char parent[PARENT_SIZE + 1], *state;
    if (!otk_span_context_is_valid(span))
        return;
    write_parent(span, parent);
    set(carrier, TRACE_PARENT, parent);
    if (!span->trace_state || otk_trace_state_read(span->trace_state, &state))
        return;
    set(carrier, TRACE_STATE, state);
    free(state);
}

static void inject_baggage(const otk_baggage *baggage, otk_set_header_fn *set, void *carrier)
{
    struct otk_buffer b = OTK_BUFFER_INIT(2 * OTK_BAGGAGE_MAX_BYTES);
    otk_baggage_write(&b, baggage);
    const char *text = b.size ? otk_buffer_string(&b) : NULL;
    if (text)
        set(carrier, BAGGAGE, text);
    otk_buffer_clear(&b);
}

/* ---- Calls ----------------------------------------------------------- */

otk_context *otk_extract(const otk_sdk *sdk, otk_get_header_fn *get, void *carrier)
{
    otk_context *context = calloc(1, sizeof *context);
    if (!context || !sdk || !get)
        return context;
    if (sdk->config.propagators[OTK_PROPAGATOR_TRACE_CONTEXT] && extract_trace_context(context, get, carrier)) {
        otk_context_free(context);
        return NULL;
    }
    if (sdk->config.propagators[OTK_PROPAGATOR_BAGGAGE])
        context->baggage = otk_baggage_read(get, carrier);
    return context;
}

const otk_span_context *otk_context_span(const otk_context *context)
{
    return context ? &context->span : otk_span_get_context(NULL);
}

const otk_baggage *otk_context_baggage(const otk_context *context)
{
    return context ? context->baggage : NULL;
}

void otk_context_free(otk_context *context)
{
    if (!context)
        return;
    free(context->trace_state);
    otk_baggage_free(context->baggage);
    free(context);
}

void otk_inject(const otk_sdk *sdk, const otk_span_context *span, const otk_baggage *baggage, otk_set_header_fn *set,
                void *carrier)
{
    if (!sdk || !set)
        return;
    if (sdk->config.propagators[OTK_PROPAGATOR_TRACE_CONTEXT])
        inject_trace_context(span, set, carrier);
    if (sdk->config.propagators[OTK_PROPAGATOR_BAGGAGE])
        inject_baggage(baggage, set, carrier);
}

const char *const *otk_propagation_fields(const otk_sdk *sdk)
{
    static const char *const all[] = {TRACE_PARENT, TRACE_STATE, BAGGAGE, NULL};
    static const char *const trace_context[] = {TRACE_PARENT, TRACE_STATE, NULL};
    enum { BAGGAGE_AT = 2, END_AT = 3 };
    if (sdk && sdk->config.propagators[OTK_PROPAGATOR_TRACE_CONTEXT])
        return sdk->config.propagators[OTK_PROPAGATOR_BAGGAGE] ? all : trace_context;
    return all + (sdk && sdk->config.propagators[OTK_PROPAGATOR_BAGGAGE] ? BAGGAGE_AT : END_AT);
}

/* ---- The environment ------------------------------------------------- */

enum { MAX_FIELD = 16 };

/* The names of our headers are all letters, so upper case is all it takes. */
static void variable_of(const char *name, char out[MAX_FIELD])
{
    size_t i = 0;
    for (; name[i] && i < MAX_FIELD - 1; i++) {
        char c = name[i];
        out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    out[i] = '\0';
}

static const char *get_variable(void *carrier, const char *name, size_t index)
{
    char variable[MAX_FIELD];
    (void)carrier;
    variable_of(name, variable);
    return index == 0 ? getenv(variable) : NULL;
}

otk_context *otk_extract_environment(const otk_sdk *sdk)
{
    return otk_extract(sdk, get_variable, NULL);
}

/* The settings of a child's environment, NUL behind each. */
struct settings {
    struct otk_buffer text;
    size_t count;
};

static void add_setting(void *carrier, const char *name, const char *value)
{
    struct settings *settings = carrier;
    char variable[MAX_FIELD];
    variable_of(name, variable);
    otk_buffer_text(&settings->text, variable);
    otk_buffer_byte(&settings->text, '=');
    otk_buffer_append(&settings->text, value, strlen(value) + 1);
    settings->count++;
}

static bool is_field(const otk_sdk *sdk, const char *setting)
{
    for (const char *const *field = otk_propagation_fields(sdk); *field; field++) {
        char variable[MAX_FIELD];
        variable_of(*field, variable);
        size_t size = strlen(variable);
        if (strncmp(setting, variable, size) == 0 && setting[size] == '=')
            return true;
    }
    return false;
}

static char **compose(const otk_sdk *sdk, const struct settings *settings)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **made = malloc((count + settings->count + 1) * sizeof *made + settings->text.size);
    if (!made)
        return NULL;
    char *text = (char *)(made + count + settings->count + 1);
    char **to = made;
    for (size_t i = 0; i < count; i++)
        if (!is_field(sdk, environ[i]))
            *to++ = environ[i];
    if (settings->text.size)
        memcpy(text, settings->text.data, settings->text.size);
    for (size_t i = 0; i < settings->count; i++, text += strlen(text) + 1)
        *to++ = text;
    *to = NULL;
    return made;
}

char **otk_inject_environment(const otk_sdk *sdk, const otk_span_context *span, const otk_baggage *baggage)
{
    struct settings settings = {.text = OTK_BUFFER_INIT(UINT32_MAX)};
    otk_inject(sdk, span, baggage, add_setting, &settings);
    char **made = settings.text.failed ? NULL : compose(sdk, &settings);
    otk_buffer_clear(&settings.text);
    return made;
}
