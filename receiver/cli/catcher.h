/* A receiver that the command runs itself, with what it saves: what serve and run have in common. */
#ifndef OTLPKIT_CATCHER_H
#define OTLPKIT_CATCHER_H

#include "command.h"

#include <otlpkit/receiver.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

/* What wakes the main thread, which has it blocked. Nobody else sends it. */
#define CATCHER_WAKE SIGURG

struct catcher {
    const struct command *command;
    otk_receiver_options receiver;       /* on_capture is the command's own */
    const char *paths[OTK_SIGNAL_COUNT]; /* besides the usual ones */
    const char *save;
    struct words faults; /* parts of the fault script */

    pthread_t main_thread;
    struct rlimit files; /* how many could be open before there were connections */

    /* Of the receiver's thread, and of the main thread once that has ended. */
    FILE *lines;          /* --save to JSON lines, … */
    otk_archive *archive; /* … or to an archive */
    bool failed;
};

/* Of struct catcher. */
extern const struct option_group otk_catcher_options;

/* Opens the file and starts the receiver. Returns the code to exit with; only with 0 there is a receiver. */
int otk_catcher_start(struct catcher *c, otk_receiver **out);

/* For on_capture: writes it out. False when there is nothing more to do, now or ever before. */
bool otk_catcher_save(struct catcher *c, const otk_capture *capture);

/* The same for what else on_capture writes, after `code` came of it. */
void otk_catcher_fail(struct catcher *c, const char *where, int code);

void otk_catcher_wake(const struct catcher *c);

/* Closes the file, after the receiver. Returns the code to exit with. */
int otk_catcher_end(struct catcher *c);

/* Frees what its options took. */
void otk_catcher_clear(struct catcher *c);

#endif
