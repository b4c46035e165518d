/* otlpkit dump: requests that lie on disk, as OTLP/JSON or as lines. */
#include "command.h"
#include "show.h"

#include <signal.h>
#include <stdlib.h>

struct dump {
    int signal; /* -1: told from the bytes */
    bool text;
    size_t max_request_bytes;
    struct show show;
    const char *file;
};

static const char *const signal_names[] = {"traces", "metrics", "logs", NULL};

static const struct option options[] = {
    OPTION_OF("signal", "SIGNAL", signal_names, struct dump, signal,
              "what a protobuf body holds, when its bytes do not tell: traces, metrics or logs"),
    OPTION("text", NULL, OPTION_FLAG, struct dump, text, "readable lines instead of OTLP/JSON"),
    OPTION("max-request-size", "SIZE", OPTION_SIZE, struct dump, max_request_bytes,
           "of one request, inflated (default 64MiB)"),
};

/* Nothing that follows can be written either, so this is where the command ends. */
static void stop_at_broken_output(int code)
{
    fprintf(stderr, "otlpkit dump: cannot write to standard output: %s\n", otk_show_error(code));
    exit(EXIT_MACHINE);
}

static void dump_capture(const otk_capture *capture, void *arg)
{
    const struct dump *d = arg;
    int rc = otk_show_capture(&d->show, capture, d->file);
    if (rc)
        stop_at_broken_output(rc);
}

static int dump_file(struct dump *d, const char *file)
{
    otk_load_options load = OTK_LOAD_OPTIONS_INIT;
    otk_error error;
    load.max_request_bytes = d->max_request_bytes;
    if (d->signal >= 0) {
        load.has_signal = true;
        load.signal = (otk_signal)d->signal;
    }
    d->file = strcmp(file, "-") == 0 ? "standard input" : file;
    int rc = otk_load(file, &load, dump_capture, d, &error);
    if (!rc)
        return EXIT_HOLDS;
    fflush(stdout);
    fprintf(stderr, "otlpkit dump: %s\n", error.message);
    return rc == OTK_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
}

static int run(const struct command *self, int argc, char **argv)
{
    const otk_load_options defaults = OTK_LOAD_OPTIONS_INIT;
    struct dump d = {.signal = -1, .max_request_bytes = defaults.max_request_bytes};
    struct operands files;
    int worst = otk_options_parse(self, argc, argv, &d, &files);
    if (worst != OPTIONS_GO)
        return worst;
    signal(SIGPIPE, SIG_IGN);
    d.show = otk_show(!d.text);
    worst = EXIT_HOLDS;
    for (int i = 0; i < files.count; i++) {
        int code = dump_file(&d, files.items[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

const struct command otk_dump_command = {
    .name = "dump",
    .operands = "FILE...",
    .summary = "show requests that lie on disk as OTLP/JSON or text",
    .details = "Writes the requests in each FILE ('-': standard input) as OTLP/JSON, one a line.\n"
               "A FILE holds one request body in protobuf or OTLP/JSON, JSON lines, or an archive\n"
               "of 'otlpkit serve --save'; plain or compressed. The kind is told from the bytes.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
