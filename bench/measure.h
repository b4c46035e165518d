/* Ratios against a floor: the two take turns for several rounds in one run, and the medians are compared, so that a
 * noisy machine disturbs both alike. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

/* CPU seconds of this thread, of this process, and the wall's. */
double bench_thread_seconds(void);
double bench_process_seconds(void);
double bench_wall_seconds(void);

double bench_median(double *values, size_t count);

typedef void bench_work(void *arg);

/* The median microseconds of one call of each, over rounds in turn. */
struct bench_pair {
    double ours, floor;
};
struct bench_pair bench_compare(bench_work *ours, bench_work *floor, void *arg);

/* Prints a row, and remembers whether the bound held: `most` true means ratio <= bound, else >= bound. */
void bench_row(const char *what, const char *against, double ratio, bool most, double bound);

/* 0 when every bound held. */
int bench_exit(void);

#endif
