#include "catcher.h"

#include "show.h"

#include <errno.h>
#include <stdlib.h>

/* Besides connections: standard ones, listening and waking, files that are saved to. */
#define OTHER_FILES 64

static const struct option options[] = {
    OPTION("host", "HOST", OPTION_TEXT, struct catcher, receiver.host,
           "address or name to listen on (default 127.0.0.1 and ::1)"),
    OPTION("save", "FILE", OPTION_TEXT, struct catcher, save,
           "keep what came: .jsonl for OTLP/JSON lines, .warc for the requests as they were"),
    OPTION("fault", "SCRIPT", OPTION_LIST, struct catcher, faults,
           "how the next requests are answered: '503 x2 retry-after=1, ok'; repeats"),
    OPTION("strict", NULL, OPTION_FLAG, struct catcher, receiver.strict,
           "answer as a strict backend: reject invalid items, warn of odd ones; all is shown still"),
    OPTION("authorization", "VALUE", OPTION_TEXT, struct catcher, receiver.authorization,
           "refuse requests without this Authorization header"),
    OPTION("cors-origins", "LIST", OPTION_TEXT, struct catcher, receiver.cors_origins,
           "web pages whose scripts may send: http://localhost:*,https://app.example"),
    OPTION("traces-path", "PATH", OPTION_TEXT, struct catcher, paths[OTK_SIGNAL_TRACES],
           "take traces there too, besides /v1/traces"),
    OPTION("metrics-path", "PATH", OPTION_TEXT, struct catcher, paths[OTK_SIGNAL_METRICS], "the same for metrics"),
    OPTION("logs-path", "PATH", OPTION_TEXT, struct catcher, paths[OTK_SIGNAL_LOGS], "the same for logs"),
    OPTION("max-request-size", "SIZE", OPTION_SIZE, struct catcher, receiver.max_request_bytes,
           "of one body, sent or inflated (default 64MiB)"),
    OPTION("max-response-size", "SIZE", OPTION_SIZE, struct catcher, receiver.max_response_bytes,
           "of one answer, longer messages are cut (default 4MiB)"),
    OPTION("max-connections", "N", OPTION_COUNT, struct catcher, receiver.max_connections, "at once (default 2000)"),
    OPTION("max-sessions", "N", OPTION_COUNT, struct catcher, receiver.max_sessions, "at once (default 1000)"),
    OPTION("max-session-size", "SIZE", OPTION_SIZE, struct catcher, receiver.max_session_bytes,
           "of all requests kept of one session (default 64MiB)"),
    OPTION("allow-host", "LIST", OPTION_TEXT, struct catcher, receiver.allowed_hosts,
           "further names that the pages under /otlpkit/ may be asked for by: ci-runner,otlp.test"),
};

const struct option_group otk_catcher_options = {options, sizeof options / sizeof *options};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static int machine_refused(const struct catcher *c, const char *message)
{
    fprintf(stderr, "otlpkit %s: %s\n", c->command->name, message);
    return EXIT_MACHINE;
}

static int open_save(struct catcher *c)
{
    otk_error error;
    if (!c->save)
        return EXIT_HOLDS;
    if (ends_with(c->save, ".warc")) {
        c->archive = otk_archive_open(c->save, &error);
        return c->archive ? EXIT_HOLDS : machine_refused(c, error.message);
    }
    if (!ends_with(c->save, ".jsonl"))
        return otk_options_wrong(c->command, "--save needs a name that ends in .jsonl or .warc, not '%s'", c->save);
    c->lines = fopen(c->save, "we");
    if (c->lines)
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit %s: cannot write %s: %s\n", c->command->name, c->save, strerror(errno));
    return EXIT_MACHINE;
}

/* Every connection is an open file, and the usual soft limit is 1024. */
static void allow_connections(struct catcher *c)
{
    rlim_t wanted = (rlim_t)c->receiver.max_connections + OTHER_FILES;
    getrlimit(RLIMIT_NOFILE, &c->files);
    struct rlimit more = c->files;
    if (more.rlim_cur >= wanted)
        return;
    more.rlim_cur = wanted < more.rlim_max ? wanted : more.rlim_max;
    setrlimit(RLIMIT_NOFILE, &more);
}

/* ---- Faults ---------------------------------------------------------- */

/* Each part is whole by itself. */
static int check_faults(const struct catcher *c)
{
    for (size_t i = 0; i < c->faults.count; i++) {
        char *wrong = otk_faults_explain(c->faults.items[i]);
        if (!wrong)
            continue;
        fprintf(stderr, "otlpkit %s: fault script: %s", c->command->name, wrong);
        free(wrong);
        return EXIT_USAGE;
    }
    return EXIT_HOLDS;
}

static int set_faults(const struct catcher *c, otk_receiver *rx)
{
    otk_error error = {OTK_ENOMEM, "out of memory"};
    char *script = NULL;
    size_t size;
    FILE *to = c->faults.count ? open_memstream(&script, &size) : NULL;
    for (size_t i = 0; i < c->faults.count && to; i++)
        fprintf(to, "%s\n", c->faults.items[i]);
    int rc = to && fclose(to) == 0 ? otk_receiver_faults_set(rx, script, &error) : c->faults.count ? OTK_ENOMEM : 0;
    free(script);
    return rc ? machine_refused(c, error.message) : EXIT_HOLDS;
}

/* ---- Start and end --------------------------------------------------- */

int otk_catcher_start(struct catcher *c, otk_receiver **out)
{
    otk_error error;
    otk_path paths[OTK_SIGNAL_COUNT];
    c->receiver.paths = paths;
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (c->paths[i])
            paths[c->receiver.path_count++] = (otk_path){c->paths[i], (otk_signal)i};
    c->main_thread = pthread_self();
    allow_connections(c);
    int code = check_faults(c);
    if (!code)
        code = open_save(c);
    if (code)
        return code;
    *out = otk_receiver_start(&c->receiver, &error);
    if (!*out) {
        machine_refused(c, error.message);
        code = error.code == OTK_EINVAL ? EXIT_USAGE : EXIT_MACHINE;
    } else if ((code = set_faults(c, *out))) {
        otk_receiver_stop(*out);
    }
    if (code)
        otk_catcher_end(c);
    return code;
}

void otk_catcher_wake(const struct catcher *c)
{
    pthread_kill(c->main_thread, CATCHER_WAKE);
}

void otk_catcher_fail(struct catcher *c, const char *where, int code)
{
    fprintf(stderr, "otlpkit %s: cannot write to %s: %s\n", c->command->name, where, otk_show_error(code));
    c->failed = true;
    otk_catcher_wake(c);
}

static int save(struct catcher *c, const otk_capture *capture)
{
    if (c->archive)
        return otk_archive_add(c->archive, capture);
    if (!c->lines)
        return 0;
    int rc = otk_capture_write_json(capture, c->lines);
    return rc ? rc : fflush(c->lines) ? OTK_ESYSTEM : 0;
}

bool otk_catcher_save(struct catcher *c, const otk_capture *capture)
{
    if (c->failed)
        return false;
    int rc = save(c, capture);
    if (rc)
        otk_catcher_fail(c, c->save, rc);
    return !rc;
}

int otk_catcher_end(struct catcher *c)
{
    bool failed = c->archive && otk_archive_close(c->archive);
    failed = (c->lines && fclose(c->lines)) || failed;
    if (failed && !c->failed)
        fprintf(stderr, "otlpkit %s: cannot write to %s: %s\n", c->command->name, c->save, strerror(errno));
    return failed || c->failed ? EXIT_MACHINE : EXIT_HOLDS;
}

void otk_catcher_clear(struct catcher *c)
{
    free(c->faults.items);
}
