#include "span.h"

#include <pthread.h>
#include <stdlib.h>

/* A thread that ends what others started piles up no more than these. */
enum { SPARES_MAX = 64, KEPT_BYTES = 4096 };

_Thread_local struct otk_spares otk_spares;
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool has_key;

static void destroy(otk_span *span)
{
    struct otk_buffer *buffers[] = {&span->attributes.bytes, &span->events.bytes,   &span->links.bytes,
                                    &span->trace_state,      &span->status_message, &span->message};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        otk_buffer_clear(buffers[i]);
    free(span);
}

static void free_spares(void *arg)
{
    struct otk_spares *spares = arg;
    while (spares->first) {
        otk_span *next = spares->first->next;
        destroy(spares->first);
        spares->first = next;
    }
    *spares = (struct otk_spares){0};
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, free_spares) == 0;
}

/* The first time, if all that a thread keeps will be freed with it. */
static __attribute__((noinline)) bool make_room(struct otk_spares *spares)
{
    if (spares->watched)
        return false;
    pthread_once(&key_once, make_key);
    spares->watched = has_key && pthread_setspecific(key, spares) == 0;
    if (spares->watched)
        spares->room = SPARES_MAX;
    return spares->watched;
}

static inline void empty(struct otk_buffer *b)
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
    empty(&span->attributes.bytes);
    if (span->adorned)
        remove_adornments(span);
    if (span->message.capacity)
        otk_buffer_clear(&span->message);
    span->used = false;
    atomic_store_explicit(&span->recording, false, memory_order_relaxed);
}

otk_span *otk_span_new(void)
{
    otk_span *span = calloc(1, sizeof *span);
    if (!span)
        return NULL;
    span->attributes.bytes = OTK_BUFFER_INIT(OTK_DRAFT_MAX_BYTES);
    span->trace_state = span->status_message = OTK_BUFFER_INIT(OTK_DRAFT_MAX_BYTES);
    /* These are given more room than they need. */
    span->events.bytes = span->links.bytes = OTK_BUFFER_INIT(4 * OTK_DRAFT_MAX_BYTES);
    span->message = OTK_BUFFER_INIT(UINT32_MAX);
    return span;
}

void otk_span_give_back(otk_span *span)
{
    struct otk_spares *spares = &otk_spares;
    if (!spares->room && !make_room(spares)) {
        destroy(span);
        return;
    }
    if (span->used)
        empty_buffers(span);
    span->next = spares->first;
    spares->first = span;
    spares->room--;
}
