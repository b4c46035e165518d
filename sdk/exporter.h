/* The exporter: posts requests over HTTP and retries what may be retried. The
 * connection stays open between requests.
 */
#ifndef OTLPKIT_EXPORTER_H
#define OTLPKIT_EXPORTER_H

#include "buffer.h"
#include "config.h"

struct otk_exporter;

/* What became of a request. */
struct otk_delivery {
    bool delivered;
    uint64_t rejected;      /* if delivered: how many items a partial success takes back */
    otk_drop_reason reason; /* if not */
    unsigned retries;
};

/* `config` and `warnings` must outlive it. Returns 0 or OTK_ENOMEM. */
int otk_exporter_new(const struct otk_config *config, struct otk_warnings *warnings, struct otk_exporter **out);
void otk_exporter_free(struct otk_exporter *e);

/* Takes a request, to be sent next, and borrows it until then. Returns 0,
 * OTK_ENOMEM, or OTK_ELIMIT when it is too large for one. */
int otk_exporter_prepare(struct otk_exporter *e, otk_signal signal, const struct otk_buffer *request);

/* Sends what was prepared; blocks no longer than the signal's timeout. One
 * thread at a time. */
void otk_exporter_send(struct otk_exporter *e, otk_signal signal, struct otk_delivery *out);

/* From any thread: the exporter is between two steps until it is let go, and no
 * lock of its libraries is held, so that the process may fork. */
void otk_exporter_hold(struct otk_exporter *e);
void otk_exporter_let_go(struct otk_exporter *e);

/* From any thread: from now on nothing is retried, and everything ends at
 * `deadline` (of the monotonic clock). */
void otk_exporter_hurry(struct otk_exporter *e, uint64_t deadline);

#endif
