/* A receiver that the command runs itself, with what it saves: what serve and run have in common. */
#ifndef OTLPKIT_CATCHER_H
#define OTLPKIT_CATCHER_H

#include "command.h"

#include <otlpkit/receiver.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

/* What wakes the main thread, which has it blocked. Nobody else sends it. */
#define CATCHER_WAKE SIGURG

struct catcher {
    const struct command *command;
    otk_receiver_options receiver; /* on_capture is the command's own */
    const char *paths[OTK_SIGNAL_COUNT]; /* besides the usual ones */
    const char *save;

    pthread_t main_thread;
    struct rlimit files; /* how many could be open before there were connections */

    /* Of the receiver's thread, and of the main thread once that has ended. */
    FILE *lines;          /* --save to JSON lines, … */
    otk_archive *archive; /* … or to an archive */
    bool failed;
};

#define CATCHER_INIT(self) {.command = (self), .receiver = OTK_RECEIVER_OPTIONS_INIT}

/* The options of both; `catcher` is the member of `type`. */
#define CATCHER_OPTIONS(type) \
    OPTION("host", "HOST", OPTION_TEXT, type, catcher.receiver.host, \
           "address or name to listen on (default 127.0.0.1 and ::1)"), \
    OPTION("save", "FILE", OPTION_TEXT, type, catcher.save, \
           "keep what came: .jsonl for OTLP/JSON lines, .warc for the requests as they were"), \
    OPTION("strict", NULL, OPTION_FLAG, type, catcher.receiver.strict, \
           "answer as a strict backend: reject invalid items, warn of odd ones; all is shown still"), \
    OPTION("authorization", "VALUE", OPTION_TEXT, type, catcher.receiver.authorization, \
           "refuse requests without this Authorization header"), \
    OPTION("cors-origins", "LIST", OPTION_TEXT, type, catcher.receiver.cors_origins, \
           "web pages whose scripts may send: http://localhost:*,https://app.example"), \
    OPTION("traces-path", "PATH", OPTION_TEXT, type, catcher.paths[OTK_SIGNAL_TRACES], \
           "take traces there too, besides /v1/traces"), \
    OPTION("metrics-path", "PATH", OPTION_TEXT, type, catcher.paths[OTK_SIGNAL_METRICS], "the same for metrics"), \
    OPTION("logs-path", "PATH", OPTION_TEXT, type, catcher.paths[OTK_SIGNAL_LOGS], "the same for logs"), \
    OPTION("max-request-size", "SIZE", OPTION_SIZE, type, catcher.receiver.max_request_bytes, \
           "of one body, sent or inflated (default 64MiB)"), \
    OPTION("max-response-size", "SIZE", OPTION_SIZE, type, catcher.receiver.max_response_bytes, \
           "of one answer, longer messages are cut (default 4MiB)"), \
    OPTION("max-connections", "N", OPTION_COUNT, type, catcher.receiver.max_connections, "at once (default 1000)")

/* Opens the file and starts the receiver. Returns the code to exit with; only with 0 there is a receiver. */
int otk_catcher_start(struct catcher *c, otk_receiver **out);

/* For on_capture: writes it out. False when there is nothing more to do, now or ever before. */
bool otk_catcher_save(struct catcher *c, const otk_capture *capture);

/* The same for what else on_capture writes, after `code` came of it. */
void otk_catcher_fail(struct catcher *c, const char *where, int code);

void otk_catcher_wake(const struct catcher *c);

/* Closes the file, after the receiver. Returns the code to exit with. */
int otk_catcher_end(struct catcher *c);

#endif
