/* The command that `run` is around, as a child of ours.
 *
 * It stays in our process group, so that the terminal is its own and what is typed there (Ctrl-C, Ctrl-Z) reaches it
 * from the terminal; signals that somebody sends to us alone are passed on. What it leaves behind becomes our child.
 */
#ifndef OTLPKIT_CHILD_H
#define OTLPKIT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int status;
    sigset_t signals; /* what we take ourselves */
    sigset_t mask;    /* what was blocked before */
    int interrupted;  /* the signal that ended otk_child_wait_left, or 0 */
};

/* Blocks the signals that are passed on, and `wake`. To be called before there are threads, which inherit this. */
void otk_child_prepare(struct child *c, int wake);

/* Starts argv[0] with the signal mask of before and the limit `files`. Returns 0, or the errno of exec. */
int otk_child_start(struct child *c, char **argv, const struct rlimit *files);

/* Passes signals on until it has ended. Returns the exit code that a shell would have for it. */
int otk_child_wait(struct child *c);

/* Waits until all that it left behind has ended, `enough` (asked at first and after each `wake`) says so, a signal
 * comes, or `timeout_ms` have passed. */
void otk_child_wait_left(struct child *c, unsigned timeout_ms, bool (*enough)(void *arg), void *arg);

#endif
