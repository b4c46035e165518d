/* The captures in order of arrival, and the waiters for them.
 *
 * One mutex and one condition guard it. Captures never change once they are
 * in, so readers hold the lock only to find them. What is held is bounded:
 * accepted captures by `max_bytes`; of the refused ones the newest 1,000 within
 * `max_refused_bytes`, and one that is heavier on its own loses its body.
 */
#ifndef OTLPKIT_STORE_H
#define OTLPKIT_STORE_H

#include "capture.h"

struct otk_store;

/* Bytes that several stores share. */
struct otk_budget {
    atomic_size_t used;
    size_t max;
};

struct otk_store_limits {
    size_t max_bytes;         /* of accepted captures */
    size_t max_refused_bytes; /* of the others */
    bool drop_oldest;         /* to make room */
    struct otk_budget *shared; /* that accepted captures must fit into as well; may be NULL */
};

struct otk_store *otk_store_new(const struct otk_store_limits *limits);
void otk_store_free(struct otk_store *s);

/* Nothing more will come: from now on nobody is kept waiting. */
void otk_store_close(struct otk_store *s);
bool otk_store_is_closed(struct otk_store *s);

/* Counts `c`, numbers it, takes a reference of its own and wakes the waiters;
 * the caller keeps his. Returns 0, or OTK_ELIMIT when there is no room for it, or OTK_ENOMEM.
 * A refused capture that finds no memory is counted all the same. */
int otk_store_add(struct otk_store *s, struct capture *c);

/* Counts what is not among the captures: requests of which not even the head could be kept, connections without any. */
void otk_store_count(struct otk_store *s, const otk_receiver_counts *more);

/* Adds each member. */
void otk_counts_add(otk_receiver_counts *counts, const otk_receiver_counts *more);

void otk_store_reset(struct otk_store *s);
void otk_store_counts(struct otk_store *s, otk_receiver_counts *out);

/* The capture at position `i` among those held, or NULL. Valid until the next
 * reset, or until it makes room. */
struct capture *otk_store_at(struct otk_store *s, size_t i);

/* The first capture with a number above `number`, with a reference that the
 * caller gives back by otk_capture_free(); or NULL. The safe way to walk while
 * captures come and go: start with 0, go on with pub.number. */
struct capture *otk_store_next(struct otk_store *s, uint64_t number);

/* The capture that holds item `i` of `signal`, and the item's place in it; or NULL. */
struct capture *otk_store_find(struct otk_store *s, otk_signal signal, uint64_t i, size_t *place);

/* What came behind a place in the order of arrival. */
struct otk_news {
    struct capture *items[64]; /* each with a reference for the caller */
    size_t count;
    uint64_t number;           /* where to go on from */
    uint64_t resets;           /* since start; when it has changed, what came before is forgotten */
    bool last;                 /* the store is closed, and these are the last ones */
};

/* The captures with numbers above `number`, oldest first. */
void otk_store_news(struct otk_store *s, uint64_t number, struct otk_news *out);

/* Gives the references back. */
void otk_news_release(struct otk_news *news);

/* The number of the newest capture; 0 before the first. */
uint64_t otk_store_newest(struct otk_store *s);

/* Blocks until there is a capture above `number`, the count of resets is not `resets`, the store is closed, or
 * CLOCK_MONOTONIC says `deadline_ns`. For one thread at a time. */
void otk_store_listen(struct otk_store *s, uint64_t number, uint64_t resets, uint64_t deadline_ns);

/* What otk_store_wait() waits for: a member of otk_receiver_counts. */
int otk_store_wait(struct otk_store *s, size_t count_offset, uint64_t count, unsigned timeout_ms);

/* The store of a receiver. */
struct otk_store *otk_receiver_store(otk_receiver *rx);

#endif
