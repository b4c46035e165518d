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

#endif
