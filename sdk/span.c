#include "span.h"

#include <pthread.h>
#include <stdlib.h>

/* A thread that ends what others started piles up no more than these. */
enum { SPARES_MAX = 64, KEPT_BYTES = 4096, KEPT_ENTRIES = 64 };

struct local {
    otk_span *spans;
    size_t count;
    bool watched; /* freed when the thread ends */
};

static _Thread_local struct local local __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool has_key;

static void destroy(otk_span *span)
{
    struct otk_buffer *buffers[] = {&span->trace_state, &span->events.bytes, &span->links.bytes, &span->status_message};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        otk_buffer_clear(buffers[i]);
    otk_attribute_set_clear(&span->attributes);
    free(span);
}

static void free_local(void *arg)
{
    struct local *l = arg;
    while (l->spans) {
        otk_span *next = l->spans->next;
        destroy(l->spans);
        l->spans = next;
    }
    *l = (struct local){0};
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, free_local) == 0;
}

/* Whether this thread may keep something: it will be freed with the thread. */
static inline bool watch(struct local *l)
{
    if (!l->watched) {
        pthread_once(&key_once, make_key);
        l->watched = has_key && pthread_setspecific(key, l) == 0;
    }
    return l->watched;
}

static void empty(struct otk_buffer *b)
{
    if (b->capacity > KEPT_BYTES)
        otk_buffer_clear(b);
    b->size = 0;
    b->failed = 0;
}

static void remove_adornments(otk_span *span)
{
    empty(&span->trace_state);
    empty(&span->events.bytes);
    empty(&span->links.bytes);
    empty(&span->status_message);
    span->events.count = span->events.dropped = span->links.count = span->links.dropped = 0;
    span->adorned = false;
}

static inline void empty_buffers(otk_span *span)
{
    if (span->attributes.bytes.capacity > KEPT_BYTES || span->attributes.capacity > KEPT_ENTRIES)
        otk_attribute_set_clear(&span->attributes);
    otk_attribute_set_reset(&span->attributes);
    if (span->adorned)
        remove_adornments(span);
    span->used = false;
}

static otk_span *new_span(void)
{
    otk_span *span = calloc(1, sizeof *span);
    if (!span)
        return NULL;
    otk_attribute_set_init(&span->attributes, OTK_SPAN_ATTRIBUTES, OTK_LIMITS_NONE, OTK_SPAN_MAX_BYTES);
    span->trace_state = span->events.bytes = span->links.bytes = span->status_message =
        OTK_BUFFER_INIT(OTK_SPAN_MAX_BYTES);
    return span;
}

otk_span *otk_span_take(void)
{
    struct local *l = &local;
    otk_span *span = l->spans;
    if (!span)
        return new_span();
    l->spans = span->next;
    l->count--;
    return span;
}

void otk_span_give_back(otk_span *span)
{
    struct local *l = &local;
    if (l->count == SPARES_MAX || !watch(l)) {
        destroy(span);
        return;
    }
    if (span->used)
        empty_buffers(span);
    span->next = l->spans;
    l->spans = span;
    l->count++;
}
