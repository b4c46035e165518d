#include "failing.h"

#include <stdatomic.h>
#include <stdlib.h>

#ifdef FAILING_UNDER_SANITIZER
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *old, size_t size);
void REAL(free)(void *p);

static _Thread_local bool counts_here, spared_here;
static atomic_bool counts_everywhere;
static atomic_bool armed;
static atomic_long until_failure;
static atomic_long blocks;

void failing_here(bool on)
{
    counts_here = on;
}

void failing_elsewhere(bool on)
{
    spared_here = on;
    atomic_store(&counts_everywhere, on);
}

void failing_arm(long nth)
{
    atomic_store(&until_failure, nth);
    atomic_store(&armed, true);
}

bool failing_disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&until_failure) <= 0;
}

long failing_blocks(void)
{
#ifdef FAILING_UNDER_SANITIZER
    return 0;
#else
    return atomic_load(&blocks);
#endif
}

static bool counts(void)
{
    return counts_here || (atomic_load(&counts_everywhere) && !spared_here);
}

static bool fails(void)
{
    return counts() && atomic_load(&armed) && atomic_fetch_sub(&until_failure, 1) == 1;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add(&blocks, 1);
    return p;
}

/* These take the place of the C library's, for its own calls and those of every library. */
#define TAKES_PLACE __attribute__((visibility("default")))

TAKES_PLACE void *malloc(size_t size)
{
    return fails() ? NULL : counted(REAL(malloc)(size));
}

TAKES_PLACE void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(REAL(calloc)(count, size));
}

TAKES_PLACE void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    void *p = REAL(realloc)(old, size);
    if (!old)
        return counted(p);
    if (!p && !size)
        atomic_fetch_sub(&blocks, 1);
    return p;
}

TAKES_PLACE void free(void *p)
{
    if (p)
        atomic_fetch_sub(&blocks, 1);
    REAL(free)(p);
}
