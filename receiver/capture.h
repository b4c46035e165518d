/* A capture: one request as it came, its answer, and an index over its bytes.
 *
 * Everything but the views is written once, before the capture enters the
 * store, and never changes. The views (captured spans …) are built at the first
 * look, under the capture's own lock.
 */
#ifndef OTLPKIT_CAPTURE_H
#define OTLPKIT_CAPTURE_H

#include "arena.h"
#include "buffer.h"
#include "otlpkit/receiver.h"
#include "wire.h"

#include <pthread.h>

struct capture {
    otk_capture pub;         /* first, so that the public pointer is this one */
    struct otk_arena arena;  /* headers, strings and, later, the views */
    struct otk_buffer body;  /* pub.body points here … */
    struct otk_buffer plain; /* … pub.message here, when it is not the body itself */
    struct otk_buffer answer;
    struct otk_index index;
    uint64_t first_item;     /* how many items of its signal came before it, since start or reset */
    pthread_mutex_t views_lock;
    void *views;             /* view.c's: an array of the signal's captured structs, or NULL */
};

static inline struct capture *otk_capture_of(const otk_capture *pub)
{
    return (struct capture *)(uintptr_t)pub;
}

/* A capture with nothing in it, or NULL. */
struct capture *otk_capture_new(void);
void otk_capture_free(struct capture *c);

/* Reads pub.body according to its Content-Encoding, pub.encoding and
 * pub.signal: fills message, index, counts and notes. Returns 0, or what is
 * wrong with the body: OTK_EDATA (fault says what), OTK_ELIMIT (inflates to more
 * than max_bytes), OTK_ENOMEM. */
int otk_capture_decode(struct capture *c, const char *content_encoding, size_t max_bytes, struct otk_fault *fault);

/* Bytes of memory that it holds. */
size_t otk_capture_weight(const struct capture *c);

/* How many spans, metrics or log records. */
size_t otk_capture_items(const struct capture *c);

#endif
