/* One run of a client program: a receiver of its own, an environment, and a deadline.
 *
 * It is in a process group of its own, and what it leaves behind ends with it.
 */
#ifndef OTLPKIT_TRIAL_H
#define OTLPKIT_TRIAL_H

#include "command.h"

#include <otlpkit/receiver.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

/* What wakes us when the first request of a trial has come. Nobody else sends it. */
#define TRIAL_WAKE SIGURG

enum trial_port {
    TRIAL_OPEN,
    TRIAL_LATE, /* connections are refused at first */
    TRIAL_DEAD  /* and for ever */
};

/* In a setting {url} is the receiver's URL, and one with {signal} or {SIGNAL} stands for three: traces, TRACES … */
struct trial_plan {
    const char *settings[8]; /* NAME=VALUE, of the environment */
    const char *faults;      /* of the requests of each signal; NULL: none */
    enum trial_port port;
    bool is_long;            /* it takes seconds whatever the client does */
};

struct trial {
    const struct trial_plan *plan;
    otk_receiver *rx; /* NULL when nothing ever listened */
    otk_attempts *attempts;
    FILE *said;       /* on standard error */
    int held;         /* a socket that keeps a port that nobody listens on, or -1 */
    uint16_t port;
    pid_t pid;        /* 0: it does not run */
    int status;
    bool killed;      /* at the deadline */
    int64_t opens_ns, deadline_ns;
    uint64_t started_unix_ns, ended_unix_ns;
};

struct trial_setup {
    const struct command *command;
    char **argv;
    sigset_t mask; /* of the client */
    unsigned late_ms, timeout_ms;
};

/* Returns 0, or the code to exit with. */
int otk_trial_start(struct trial *t, const struct trial_plan *plan, const struct trial_setup *setup);

/* What is due at `now_ns` (monotonic) is done. Returns 0, or the code to exit with; it has ended when its pid is 0. */
int otk_trial_step(struct trial *t, const struct trial_setup *setup, int64_t now_ns);

/* Whether connections to it are refused, until its port opens. */
bool otk_trial_is_closed(const struct trial *t);

/* Whether nothing came of it yet, so that it may well be at work. */
bool otk_trial_is_starting(const struct trial *t);

/* When something will be due. */
int64_t otk_trial_due(const struct trial *t);

/* Ends it, if it runs, and frees all. */
void otk_trial_clear(struct trial *t);

#endif
