/* What a person should know, told once each.
 *
 * No lock is held while the handler runs.
 */
#ifndef OTLPKIT_WARNING_H
#define OTLPKIT_WARNING_H

#include "otlpkit/sdk.h"

#include <pthread.h>

#define OTK_WARNINGS_REMEMBERED 64

struct otk_warnings {
    otk_warning_fn *handler;
    void *arg;
    pthread_mutex_t mutex;                  /* covers what follows */
    uint64_t told[OTK_WARNINGS_REMEMBERED]; /* hashes, the oldest overwritten first */
    size_t count;
};

void otk_warnings_init(struct otk_warnings *w, otk_warning_fn *handler, void *arg);
void otk_warnings_clear(struct otk_warnings *w);

__attribute__((format(printf, 2, 3))) void otk_warn(struct otk_warnings *w, const char *format, ...);

#endif
