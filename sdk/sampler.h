/* The samplers that come with the SDK, and their names.
 *
 * A span start asks it so, after its ids are settled:
 *
 *     const otk_sampler *s = &sdk->config.sampler;
 *     otk_sampling_result r = s->sample(s, &input);
 *
 * DROP: an id, nothing recorded, not sampled. RECORD_ONLY: recorded, not
 * sampled, not exported. The span's trace state is r.trace_state, and
 * r.attributes come behind the caller's. A ratio sampler that decides for a
 * child breaks traces: otk_sampler_ignores_parent() tells when to warn.
 */
#ifndef OTLPKIT_SAMPLER_H
#define OTLPKIT_SAMPLER_H

#include "otlpkit/sdk.h"

/* The one with a name of OTEL_TRACES_SAMPLER, in any case; ratios are 1. */
bool otk_sampler_named(otk_string name, otk_sampler *out);

/* Its name there, or of one that has none the description. */
const char *otk_sampler_name(const otk_sampler *sampler);

bool otk_sampler_ignores_parent(const otk_sampler *sampler);

/* Whether it decides on all root spans alike, so that it needs not be asked: then `out` is what it says. */
bool otk_sampler_is_fixed(const otk_sampler *sampler, otk_sampling_decision *out);

#endif
