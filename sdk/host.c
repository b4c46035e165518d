#include "host.h"

#include <pthread.h>
#include <stdlib.h>

#define EXIT_TIMEOUT_MS 3000

static pthread_once_t fork_once = PTHREAD_ONCE_INIT, exit_once = PTHREAD_ONCE_INIT;
static int fork_watched, exit_watched;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* covers the list; taken before that of an SDK */
static otk_sdk *all;

/* Neither queues nor libraries may be in the middle of something when their copy is made. */
static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
    for (otk_sdk *sdk = all; sdk; sdk = sdk->next) {
        pthread_mutex_lock(&sdk->mutex);
        if (sdk->own.exporter)
            otk_exporter_hold(sdk->own.exporter);
        otk_sdk_hold_queues(sdk);
    }
}

static void after_fork_in_parent(void)
{
    for (otk_sdk *sdk = all; sdk; sdk = sdk->next) {
        otk_sdk_release_queues(sdk);
        if (sdk->own.exporter)
            otk_exporter_let_go(sdk->own.exporter);
        pthread_mutex_unlock(&sdk->mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static void after_fork_in_child(void)
{
    for (otk_sdk *sdk = all; sdk; sdk = sdk->next) {
        otk_sdk_forget(sdk);
        otk_sdk_release_queues(sdk);
        pthread_mutex_unlock(&sdk->mutex);
    }
    pthread_mutex_unlock(&mutex);
}

/* The worker's thread ends in any case: what a TLS library does at exit pulls the rug from under it. */
static void end(otk_sdk *sdk)
{
    otk_sdk_shutdown(sdk, sdk->quiet_exit ? 0 : EXIT_TIMEOUT_MS);
    pthread_mutex_lock(&sdk->mutex);
    bool ends = sdk->started && sdk->finished;
    sdk->started = sdk->started && !ends;
    pthread_mutex_unlock(&sdk->mutex);
    if (ends)
        pthread_join(sdk->worker, NULL);
}

static void at_exit(void)
{
    pthread_mutex_lock(&mutex);
    for (otk_sdk *sdk = all; sdk; sdk = sdk->next)
        end(sdk);
    pthread_mutex_unlock(&mutex);
}

static void watch_fork(void)
{
    fork_watched = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) ? OTK_ENOMEM : 0;
}

static void watch_exit(void)
{
    exit_watched = atexit(at_exit) ? OTK_ENOMEM : 0;
}

int otk_host_enter(otk_sdk *sdk)
{
    pthread_once(&fork_once, watch_fork);
    if (fork_watched)
        return fork_watched;
    pthread_mutex_lock(&mutex);
    sdk->next = all;
    all = sdk;
    pthread_mutex_unlock(&mutex);
    return 0;
}

int otk_host_flush_at_exit(void)
{
    pthread_once(&exit_once, watch_exit);
    return exit_watched;
}

void otk_host_leave(otk_sdk *sdk)
{
    pthread_mutex_lock(&mutex);
    for (otk_sdk **at = &all; *at; at = &(*at)->next) {
        if (*at == sdk) {
            *at = sdk->next;
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
}
