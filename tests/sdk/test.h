/* What every test of this folder needs: cmocka, a place for warnings, and the
 * environment of one test. */
#ifndef OTLPKIT_SDK_TEST_H
#define OTLPKIT_SDK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <otlpkit/sdk.h>
#include <stdio.h>
#include <stdlib.h>

/* Long enough for any machine; a test that waits that long has failed. */
#define PATIENCE_MS 10000

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The warnings of an SDK, one a line. */
struct notes {
    char text[4096];
    size_t size;
    unsigned count;
};

static inline void note(const char *message, void *arg)
{
    struct notes *notes = arg;
    int n = snprintf(notes->text + notes->size, sizeof notes->text - notes->size, "%s\n", message);
    if (n > 0 && (size_t)n < sizeof notes->text - notes->size)
        notes->size += (size_t)n;
    notes->count++;
}

static inline void assert_noted(const struct notes *notes, const char *part)
{
    if (!strstr(notes->text, part))
        fail_msg("no warning says \"%s\", but these do:\n%s", part, notes->text);
}

/* ---- Accounts -------------------------------------------------------- */

static inline otk_signal_stats stats_of(otk_sdk *sdk, otk_signal signal)
{
    otk_sdk_stats stats;
    otk_sdk_stats_get(sdk, &stats);
    return stats.signals[signal];
}

/* Accepted is delivered, rejected, dropped or queued, at every moment. */
static inline bool balances(const otk_signal_stats *s)
{
    uint64_t sum = s->delivered + s->rejected + s->queued;
    for (size_t i = 0; i < OTK_DROP_COUNT; i++)
        sum += s->dropped[i];
    return sum == s->accepted;
}

static inline otk_signal_stats traces_of(otk_sdk *sdk)
{
    otk_signal_stats stats = stats_of(sdk, OTK_SIGNAL_TRACES);
    assert_true(balances(&stats));
    return stats;
}

#endif
