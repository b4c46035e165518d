#include "forks.h"

#include "otlpkit/otlp.h"

#include <pthread.h>

atomic_uint otk_forks = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int failed;

static void in_child(void)
{
    atomic_fetch_add_explicit(&otk_forks, 1, memory_order_relaxed);
}

static void watch(void)
{
    failed = pthread_atfork(NULL, NULL, in_child) ? OTK_ENOMEM : 0;
}

int otk_forks_watch(void)
{
    pthread_once(&once, watch);
    return failed;
}
