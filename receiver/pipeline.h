/* A pipeline: runs the stages of a selector over one trace (of metrics and logs: over all that came), as TraceQL does.
 *
 * A set is a list of the trace's spans in order of arrival, never empty; a stage turns each set that comes in into
 * none, one or several.
 */
#ifndef OTLPKIT_PIPELINE_H
#define OTLPKIT_PIPELINE_H

#include "match.h"
#include "traces.h"

/* Fits the trace's spans to those filters that look at the trace. */
int otk_pipeline_refit(struct otk_matcher *m, struct trace *t, struct otk_arena *scratch);

/* Loads a span, and what of its trace the selector asks for. */
int otk_pipeline_load(struct otk_matcher *m, const struct trace *t, const struct trace_span *span,
                      struct otk_arena *scratch);

/* Runs the selector over the trace: fills matched, matched_count, holds and reached. Returns 0, or OTK_ENOMEM or
 * OTK_ELIMIT, and the trace is as before. */
int otk_pipeline_run(struct otk_matcher *m, struct trace *t, struct otk_arena *scratch);

/* What the selector says of nothing at all: count() = 0 holds then. */
bool otk_pipeline_holds_empty(const struct sel_selector *s);

/* Whether spans that fit no filter still matter, to structure or to what is counted. */
bool otk_pipeline_needs_all(const struct sel_selector *s);

#endif
