#include "scopes.h"

#include "text.h"

#include <stdlib.h>

enum { SCOPE_NAME = 1, SCOPE_VERSION = 2, SCOPE_ATTRIBUTES = 3, ENVELOPE_SCHEMA_URL = 3, SCOPE_MAX_BYTES = 1 << 20 };

void otk_scopes_free(struct otk_scope *scope, otk_signal signal)
{
    while (scope) {
        struct otk_scope *next = scope->next;
        if (signal == OTK_SIGNAL_METRICS)
            otk_meter_clear((otk_meter *)scope);
        otk_buffer_clear(&scope->content);
        otk_buffer_clear(&scope->schema_url);
        free(scope);
        scope = next;
    }
}

/* Equal scopes give equal bytes. */
static int encode_scope(struct otk_scope *scope, const char *name, const otk_scope_options *options)
{
    struct otk_draft set = otk_draft_new(&otk_draft_unlimited, SCOPE_MAX_BYTES);
    otk_draft_put_all(&set, options->attributes);
    int rc = set.dropped ? OTK_ENOMEM : otk_draft_sort(&set);
    otk_text_write(&scope->content, SCOPE_NAME, name, strlen(name), OTK_TEXT_UNLIMITED);
    otk_text_write_optional(&scope->content, SCOPE_VERSION, options->version);
    otk_draft_write(&scope->content, SCOPE_ATTRIBUTES, &set);
    otk_text_write_optional(&scope->schema_url, ENVELOPE_SCHEMA_URL, options->schema_url);
    otk_buffer_clear(&set.bytes);
    return rc || scope->content.failed || scope->schema_url.failed ? OTK_ENOMEM : 0;
}

static struct otk_scope *new_scope(otk_sdk *sdk, otk_signal signal, size_t size, const char *name,
                                   const otk_scope_options *options)
{
    struct otk_scope *scope = calloc(1, size);
    if (!scope)
        return NULL;
    scope->sdk = sdk;
    scope->signal = signal;
    scope->content = scope->schema_url = OTK_BUFFER_INIT(SCOPE_MAX_BYTES);
    if (encode_scope(scope, name, options)) {
        otk_scopes_free(scope, signal);
        return NULL;
    }
    return scope;
}

static bool same_bytes(const struct otk_buffer *a, const struct otk_buffer *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Returns the known one that equals `scope`, or that itself, which is known from now on. */
static struct otk_scope *unify(otk_sdk *sdk, struct otk_scope *scope)
{
    struct otk_scope **known = &sdk->scopes[scope->signal];
    for (struct otk_scope *other = *known; other; other = other->next)
        if (same_bytes(&other->content, &scope->content) && same_bytes(&other->schema_url, &scope->schema_url))
            return other;
    scope->next = *known;
    *known = scope;
    return scope;
}

/* A handle of `size` bytes, which begins with its scope. */
static void *get_scope(otk_sdk *sdk, otk_signal signal, size_t size, const char *name, const otk_scope_options *options)
{
    static const otk_scope_options none = OTK_SCOPE_OPTIONS_INIT;
    if (!sdk)
        return NULL;
    if (!name || !*name)
        otk_warn(&sdk->warnings, "a tracer, meter or logger was asked for without a name");
    struct otk_scope *scope = new_scope(sdk, signal, size, name ? name : "", options ? options : &none);
    if (!scope)
        return NULL;
    pthread_mutex_lock(&sdk->mutex);
    struct otk_scope *found = unify(sdk, scope);
    pthread_mutex_unlock(&sdk->mutex);
    if (found != scope)
        otk_scopes_free(scope, signal);
    return found;
}

otk_tracer *otk_sdk_tracer(otk_sdk *sdk, const char *name, const otk_scope_options *options)
{
    return get_scope(sdk, OTK_SIGNAL_TRACES, sizeof(otk_tracer), name, options);
}

otk_meter *otk_sdk_meter(otk_sdk *sdk, const char *name, const otk_scope_options *options)
{
    return get_scope(sdk, OTK_SIGNAL_METRICS, sizeof(otk_meter), name, options);
}

otk_logger *otk_sdk_logger(otk_sdk *sdk, const char *name, const otk_scope_options *options)
{
    return get_scope(sdk, OTK_SIGNAL_LOGS, sizeof(otk_logger), name, options);
}
