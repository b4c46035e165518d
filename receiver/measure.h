/* Numbers out of metric points: series by series, since start or the last reset.
 *
 * A measure is fed with the points that a selector matches. Deltas add up; of a
 * cumulative series the newest point counts, less what the series had reached
 * at the reset (its baseline).
 */
#ifndef OTLPKIT_MEASURE_H
#define OTLPKIT_MEASURE_H

#include "capture.h"

/* The newest point of each cumulative series that was there at a reset. Its calls lock by themselves. */
struct otk_baseline;

struct otk_baseline *otk_baseline_new(void);
void otk_baseline_free(struct otk_baseline *b);

/* Takes in the cumulative points of a capture that is about to be forgotten. 0 or OTK_ENOMEM. */
int otk_baseline_feed(struct otk_baseline *b, struct capture *c);

struct otk_measured;

struct otk_measured *otk_measured_new(struct otk_baseline *baseline);
void otk_measured_free(struct otk_measured *m);

/* Takes in point `point` of metric `item`. 0 or OTK_ENOMEM. */
int otk_measured_feed(struct otk_measured *m, struct capture *c, uint32_t item, uint32_t point);

/* The measure of all series together. False when nothing was fed that has it. */
bool otk_measured_get(const struct otk_measured *m, otk_measure measure, double argument, double *out);

#endif
