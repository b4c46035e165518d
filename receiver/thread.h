/* A thread that leaves the program's signals to the program. */
#ifndef OTLPKIT_THREAD_H
#define OTLPKIT_THREAD_H

#include <pthread.h>

/* With all signals blocked: none is handled on it, and SIGPIPE stays away from what it writes. Returns 0 or an errno. */
int otk_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg);

#endif
