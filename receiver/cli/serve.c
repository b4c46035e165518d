/* otlpkit serve: catch and show, until a signal ends it. */
#include "catcher.h"
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_PORT 4318 /* OTLP/HTTP Default Port */

struct serve {
    struct catcher catcher;
    const char *ready_file;
    bool json;

    /* From here on the receiver's thread writes, and the main thread reads once the receiver has stopped. */
    struct show show;
    otk_receiver_counts counts;
};

static const struct option options[] = {
    OPTION("port", "PORT", OPTION_PORT, struct serve, catcher.receiver.port, "default 4318; 0 picks a free one"),
    OPTION("ready-file", "FILE", OPTION_TEXT, struct serve, ready_file, "gets the URL once connections are accepted"),
    OPTION("json", NULL, OPTION_FLAG, struct serve, json, "OTLP/JSON, one request a line, instead of readable lines"),
    OPTION("max-memory", "SIZE", OPTION_SIZE, struct serve, catcher.receiver.max_capture_bytes,
           "of all requests kept, the oldest are dropped (default 1GiB)"),
    OPTION("timeout", "TIME", OPTION_DURATION, struct serve, catcher.receiver.timeout_ms,
           "for a request to arrive whole, and for an idle connection (default 1m)"),
};

/* ---- On the receiver's thread ---------------------------------------- */

static void count(otk_receiver_counts *n, const otk_capture *c)
{
    n->requests++;
    n->refused += *c->reason != '\0';
    n->spans += c->span_count;
    n->metrics += c->metric_count;
    n->data_points += c->data_point_count;
    n->log_records += c->log_record_count;
    n->body_bytes += c->body_size;
    n->rejected += c->rejected_count;
    n->repeated_requests += c->repeat_of != 0;
}

static int show(struct serve *s, const otk_capture *capture)
{
    int rc = otk_show_capture(&s->show, capture, "otlpkit serve");
    return rc ? rc : fflush(stdout) ? OTK_ESYSTEM : 0;
}

/* The client has its answer when this returns: by then everything is written out. */
static void on_capture(const otk_capture *capture, void *arg)
{
    struct serve *s = arg;
    count(&s->counts, capture);
    if (!otk_catcher_save(&s->catcher, capture))
        return;
    int rc = show(s, capture);
    if (rc)
        otk_catcher_fail(&s->catcher, "standard output", rc);
}

static void on_notice(const char *sentence, void *arg)
{
    (void)arg;
    fprintf(stderr, "otlpkit serve: %s\n", sentence);
}

/* ---- On the main thread ---------------------------------------------- */

static bool write_ready_file(const char *path, const char *url)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool written = fprintf(file, "%s\n", url) > 0;
    return fclose(file) == 0 && written;
}

/* By rename, so that who waits for the file finds the whole URL in it. */
static int announce(const struct serve *s, const char *url)
{
    fprintf(stderr, "listening on %s\n", url);
    if (!s->ready_file)
        return EXIT_HOLDS;
    char *unfinished;
    if (asprintf(&unfinished, "%s.%ld", s->ready_file, (long)getpid()) < 0)
        return EXIT_MACHINE;
    bool written = write_ready_file(unfinished, url) && rename(unfinished, s->ready_file) == 0;
    if (!written) {
        fprintf(stderr, "otlpkit serve: cannot write %s: %s\n", s->ready_file, strerror(errno));
        unlink(unfinished);
    }
    free(unfinished);
    return written ? EXIT_HOLDS : EXIT_MACHINE;
}

/* `, 3 spans`; nothing for none. */
static void print_count(const char *before, uint64_t count, const char *one, const char *many)
{
    if (count)
        fprintf(stderr, "%s%" PRIu64 " %s", before, count, count == 1 ? one : many);
}

static void print_summary(const otk_receiver_counts *n)
{
    if (!n->requests)
        fputs("no request came", stderr);
    print_count("", n->requests, "request", "requests");
    print_count(", ", n->refused, "of them refused", "of them refused");
    print_count(", ", n->repeated_requests, "of them a repetition", "of them repetitions");
    print_count(", ", n->spans, "span", "spans");
    print_count(", ", n->metrics, "metric", "metrics");
    print_count(" with ", n->data_points, "data point", "data points");
    print_count(", ", n->log_records, "log record", "log records");
    print_count(", ", n->rejected, "item rejected", "items rejected");
    print_count(", ", n->body_bytes, "byte", "bytes");
    print_count("; dropped from memory: ", n->dropped_captures, "request", "requests");
    if (n->dropped_captures)
        print_count(" of ", n->dropped_bytes, "byte", "bytes");
    print_count("; not readable: ", n->unreadable_connections, "connection", "connections");
    print_count(", ", n->grpc_connections, "of them gRPC", "of them gRPC");
    print_count(", ", n->tls_connections, "of them TLS", "of them TLS");
    fputc('\n', stderr);
}

static int serve(struct serve *s, const sigset_t *signals)
{
    otk_receiver_counts last;
    otk_receiver *rx;
    int signal_number, code = otk_catcher_start(&s->catcher, &rx);
    if (code)
        return code;
    code = announce(s, otk_receiver_url(rx));
    if (!code)
        sigwait(signals, &signal_number);
    otk_receiver_close(rx);
    otk_receiver_counts_get(rx, &last);
    otk_receiver_stop(rx);
    s->counts.dropped_captures = last.dropped_captures;
    s->counts.dropped_bytes = last.dropped_bytes;
    s->counts.unreadable_connections = last.unreadable_connections;
    s->counts.grpc_connections = last.grpc_connections;
    s->counts.tls_connections = last.tls_connections;
    if (!code)
        print_summary(&s->counts);
    int ended = otk_catcher_end(&s->catcher);
    return code ? code : ended;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct serve s = {.catcher = {.command = self, .receiver = OTK_RECEIVER_OPTIONS_INIT}};
    struct operands none;
    s.catcher.receiver.port = DEFAULT_PORT;
    s.catcher.receiver.drop_oldest = true;
    s.catcher.receiver.on_capture = on_capture;
    s.catcher.receiver.on_capture_arg = &s;
    s.catcher.receiver.on_notice = on_notice;
    int code = otk_options_parse(self, argc, argv, &s, &none);
    if (code != OPTIONS_GO)
        goto out;

    /* All threads of the receiver inherit this mask, so that sigwait gets the signals. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, CATCHER_WAKE);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    s.show = otk_show(s.json);
    code = serve(&s, &signals);
out:
    otk_catcher_clear(&s.catcher);
    return code;
}

const struct command otk_serve_command = {
    .name = "serve",
    .operands = "",
    .summary = "catch what programs export, and show it",
    .details = "Listens for OTLP over HTTP and shows every span, metric and log record, until SIGINT or\n"
               "SIGTERM. A client has its answer once its data is written out.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .shared = {{&otk_catcher_options, offsetof(struct serve, catcher)}},
    .run = run,
};
