/* otlpkit serve: catch and show, until a signal ends it. */
#include "command.h"
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_PORT 4318 /* OTLP/HTTP Default Port */

struct serve {
    otk_receiver_options receiver;
    const char *paths[OTK_SIGNAL_COUNT]; /* besides the usual ones */
    const char *ready_file;
    const char *save;
    bool json;

    /* From here on the receiver's thread writes, and the main thread reads once the receiver has stopped. */
    struct show show;
    FILE *lines;          /* --save to JSON lines, … */
    otk_archive *archive; /* … or to an archive */
    otk_receiver_counts counts;
    bool failed;
    pthread_t main_thread;
};

static const struct option options[] = {
    OPTION("host", "HOST", OPTION_TEXT, struct serve, receiver.host,
           "address or name to listen on (default 127.0.0.1 and ::1)"),
    OPTION("port", "PORT", OPTION_PORT, struct serve, receiver.port, "default 4318; 0 picks a free one"),
    OPTION("ready-file", "FILE", OPTION_TEXT, struct serve, ready_file, "gets the URL once connections are accepted"),
    OPTION("json", NULL, OPTION_FLAG, struct serve, json, "OTLP/JSON, one request a line, instead of readable lines"),
    OPTION("save", "FILE", OPTION_TEXT, struct serve, save,
           "keep what came: .jsonl for OTLP/JSON lines, .warc for the requests as they were"),
    OPTION("max-request-size", "SIZE", OPTION_SIZE, struct serve, receiver.max_request_bytes,
           "of one body, sent or inflated (default 64MiB)"),
    OPTION("max-memory", "SIZE", OPTION_SIZE, struct serve, receiver.max_capture_bytes,
           "of all requests kept, the oldest are dropped (default 1GiB)"),
    OPTION("max-connections", "N", OPTION_COUNT, struct serve, receiver.max_connections, "at once (default 1000)"),
    OPTION("timeout", "TIME", OPTION_DURATION, struct serve, receiver.timeout_ms,
           "for a request to arrive whole, and for an idle connection (default 1m)"),
    OPTION("strict", NULL, OPTION_FLAG, struct serve, receiver.strict,
           "answer as a strict backend: reject invalid items, warn of odd ones; all is shown still"),
    OPTION("authorization", "VALUE", OPTION_TEXT, struct serve, receiver.authorization,
           "refuse requests without this Authorization header"),
    OPTION("cors-origins", "LIST", OPTION_TEXT, struct serve, receiver.cors_origins,
           "web pages whose scripts may send: http://localhost:*,https://app.example"),
    OPTION("traces-path", "PATH", OPTION_TEXT, struct serve, paths[OTK_SIGNAL_TRACES],
           "take traces there too, besides /v1/traces"),
    OPTION("metrics-path", "PATH", OPTION_TEXT, struct serve, paths[OTK_SIGNAL_METRICS], "the same for metrics"),
    OPTION("logs-path", "PATH", OPTION_TEXT, struct serve, paths[OTK_SIGNAL_LOGS], "the same for logs"),
    OPTION("max-response-size", "SIZE", OPTION_SIZE, struct serve, receiver.max_response_bytes,
           "of one answer, longer messages are cut (default 4MiB)"),
};

/* ---- On the receiver's thread ---------------------------------------- */

static void fail(struct serve *s, const char *where, int code)
{
    fprintf(stderr, "otlpkit serve: cannot write to %s: %s\n", where, otk_show_error(code));
    s->failed = true;
    pthread_kill(s->main_thread, SIGUSR1);
}

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

static int save(struct serve *s, const otk_capture *capture)
{
    if (s->archive)
        return otk_archive_add(s->archive, capture);
    if (!s->lines)
        return 0;
    int rc = otk_capture_write_json(capture, s->lines);
    return rc ? rc : fflush(s->lines) ? OTK_ESYSTEM : 0;
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
    if (s->failed)
        return;
    int rc = save(s, capture);
    if (rc) {
        fail(s, s->save, rc);
        return;
    }
    rc = show(s, capture);
    if (rc)
        fail(s, "standard output", rc);
}

/* ---- On the main thread ---------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static int open_save(struct serve *s)
{
    otk_error error;
    if (!s->save)
        return EXIT_HOLDS;
    if (ends_with(s->save, ".warc")) {
        s->archive = otk_archive_open(s->save, &error);
        if (s->archive)
            return EXIT_HOLDS;
        fprintf(stderr, "otlpkit serve: %s\n", error.message);
        return EXIT_MACHINE;
    }
    s->lines = fopen(s->save, "we");
    if (s->lines)
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit serve: cannot write %s: %s\n", s->save, strerror(errno));
    return EXIT_MACHINE;
}

static int close_save(struct serve *s)
{
    bool failed = s->archive && otk_archive_close(s->archive);
    failed = (s->lines && fclose(s->lines)) || failed;
    if (!failed || s->failed)
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit serve: cannot write to %s: %s\n", s->save, strerror(errno));
    return EXIT_MACHINE;
}

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
    if (!n->requests) {
        fputs("no request came\n", stderr);
        return;
    }
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
    fputc('\n', stderr);
}

static int serve(struct serve *s, const sigset_t *signals)
{
    otk_error error;
    otk_receiver_counts last;
    int signal_number;
    otk_receiver *rx = otk_receiver_start(&s->receiver, &error);
    if (!rx) {
        fprintf(stderr, "otlpkit serve: %s\n", error.message);
        return error.code == OTK_EINVAL ? EXIT_USAGE : EXIT_MACHINE;
    }
    int code = announce(s, otk_receiver_url(rx));
    if (!code)
        sigwait(signals, &signal_number);
    otk_receiver_counts_get(rx, &last);
    otk_receiver_stop(rx);
    s->counts.dropped_captures = last.dropped_captures;
    s->counts.dropped_bytes = last.dropped_bytes;
    if (!code)
        print_summary(&s->counts);
    return s->failed ? EXIT_MACHINE : code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct serve s = {.receiver = OTK_RECEIVER_OPTIONS_INIT};
    struct operands none;
    otk_path paths[OTK_SIGNAL_COUNT];
    s.receiver.port = DEFAULT_PORT;
    s.receiver.drop_oldest = true;
    s.receiver.on_capture = on_capture;
    s.receiver.on_capture_arg = &s;
    int code = otk_options_parse(self, argc, argv, &s, &none);
    if (code != OPTIONS_GO)
        return code;
    if (s.save && !ends_with(s.save, ".jsonl") && !ends_with(s.save, ".warc"))
        return otk_options_wrong(self, "--save needs a name that ends in .jsonl or .warc, not '%s'", s.save);
    s.receiver.paths = paths;
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (s.paths[i])
            paths[s.receiver.path_count++] = (otk_path){s.paths[i], (otk_signal)i};

    /* All threads of the receiver inherit this mask, so that sigwait gets the signals. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    s.show = otk_show(s.json);
    s.main_thread = pthread_self();
    code = open_save(&s);
    if (!code)
        code = serve(&s, &signals);
    int closed = close_save(&s);
    return code ? code : closed;
}

const struct command otk_serve_command = {
    .name = "serve",
    .operands = "",
    .summary = "catch what programs export, and show it",
    .details = "Listens for OTLP over HTTP and shows every span, metric and log record, until SIGINT or\n"
               "SIGTERM. A client has its answer once its data is written out.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
