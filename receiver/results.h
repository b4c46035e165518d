/* Results: the outcome of several checks, each with a name, for the tools that show tests.
 *
 * Whatever stands in the texts, what is written stays well-formed: it is spelled out where a format has no place for it.
 */
#ifndef OTLPKIT_RESULTS_H
#define OTLPKIT_RESULTS_H

#include "buffer.h"
#include "otlpkit/receiver.h"

enum otk_outcome { OTK_PASSED, OTK_FAILED, OTK_SKIPPED };

struct otk_result {
    const char *name;
    const char *file; /* where the check is written, or NULL */
    unsigned line;
    enum otk_outcome outcome;
    const char *message;  /* lines on why it failed or was skipped */
    uint64_t duration_ns; /* 0: not measured */
};

struct otk_results {
    const char *suite;
    const struct otk_result *items;
    size_t count;
    const char *notes; /* lines on all of them, or "" */
};

/* Any format but OTK_REPORT_TEXT. */
void otk_results_write(const struct otk_results *r, otk_report_format format, struct otk_buffer *out);

#endif
