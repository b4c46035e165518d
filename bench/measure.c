#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 15
#define ROUND_SECONDS 0.02

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_thread_seconds(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double bench_process_seconds(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_wall_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static double round_of(bench_work *work, void *arg, size_t calls)
{
    double before = bench_thread_seconds();
    for (size_t i = 0; i < calls; i++)
        work(arg);
    return (bench_thread_seconds() - before) / (double)calls * 1e6;
}

static size_t calls_a_round(bench_work *work, void *arg)
{
    size_t calls = 1;
    while (round_of(work, arg, calls) * (double)calls < ROUND_SECONDS * 1e6)
        calls *= 2;
    return calls;
}

struct bench_pair bench_compare(bench_work *ours, bench_work *floor, void *arg)
{
    double ours_us[ROUNDS], floor_us[ROUNDS];
    size_t ours_calls = calls_a_round(ours, arg), floor_calls = calls_a_round(floor, arg);
    for (size_t i = 0; i < ROUNDS; i++) {
        ours_us[i] = round_of(ours, arg, ours_calls);
        floor_us[i] = round_of(floor, arg, floor_calls);
    }
    return (struct bench_pair){bench_median(ours_us, ROUNDS), bench_median(floor_us, ROUNDS)};
}

static bool failed;

void bench_row(const char *what, const char *against, double ratio, bool most, double bound)
{
    bool holds = most ? ratio <= bound : ratio >= bound;
    failed |= !holds;
    printf("%-52s %-34s %8.2f  %s %.2f  %s\n", what, against, ratio, most ? "at most" : "at least", bound,
           holds ? "holds" : "MISSED");
    fflush(stdout);
}

int bench_exit(void)
{
    return failed;
}
