/* A capture: one request as it came, its answer, and an index over its bytes.
 *
 * Everything but the views is written once, before the capture enters the
 * store, and never changes. The views (captured spans …) are built at the first
 * look, under the capture's own lock. Captures are counted references: the
 * store holds one, and so does whoever took it in or looks at it from outside
 * the store's lock.
 */
#ifndef OTLPKIT_CAPTURE_H
#define OTLPKIT_CAPTURE_H

#include "arena.h"
#include "buffer.h"
#include "otlpkit/receiver.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>

struct capture {
    otk_capture pub;         /* first, so that the public pointer is this one */
    struct otk_arena arena;  /* headers, strings and, later, the views */
    struct otk_buffer body;  /* pub.body points here … */
    bool body_untouched;     /* its room was reserved in memory that nothing was written to yet */
    struct otk_buffer plain; /* … pub.message here, when it is not the body itself */
    struct otk_buffer answer;
    struct otk_index index;
    const struct otk_fault_step *fault; /* that it met, in its arena; or NULL */
    atomic_uint references;
    size_t weight;           /* what the store accounts for it */
    uint64_t first_item;     /* how many items of its signal came before it, since start or reset */
    uint64_t repeat_key;     /* these two: repeats.c's */
    struct capture *repeat_next;
    pthread_mutex_t views_lock;
    void *views;             /* view.c's: an array of the signal's captured structs, or NULL */
};

static inline struct capture *otk_capture_of(const otk_capture *pub)
{
    return (struct capture *)(uintptr_t)pub;
}

/* A capture with nothing in it and one reference, or NULL. */
struct capture *otk_capture_new(void);

/* Drops one reference; the last one frees. NULL does nothing. */
void otk_capture_free(struct capture *c);

/* Makes room for a body of `size` bytes in one piece. */
int otk_capture_reserve(struct capture *c, size_t size);

/* Adds a piece of the body. Returns 0, OTK_ENOMEM or OTK_ELIMIT. */
int otk_capture_append(struct capture *c, const char *data, size_t size);

/* The body is complete: pub.body shows it. */
void otk_capture_end_body(struct capture *c);

/* Forgets what a refused request has no use for: message, index and counts. */
void otk_capture_drop_message(struct capture *c);

/* Forgets the body's bytes, not its size. */
void otk_capture_drop_body(struct capture *c);

/* Reads pub.body according to its Content-Encoding, pub.encoding and
 * pub.signal: fills message, index, counts and notes. Returns 0, or what is
 * wrong with the body: OTK_EDATA (fault says what), OTK_ELIMIT (inflates to more
 * than max_bytes), OTK_ENOMEM. */
int otk_capture_decode(struct capture *c, const char *content_encoding, size_t max_bytes, struct otk_fault *fault);

/* Adds a sentence to pub.notes. Returns 0 or OTK_ENOMEM. */
int otk_capture_note(struct capture *c, const char *sentence);

/* Bytes of memory that it holds. */
size_t otk_capture_weight(const struct capture *c);

/* How many spans, metrics or log records. */
size_t otk_capture_items(const struct capture *c);

#endif
