/* otlpkit dump: requests that lie on disk or in a running receiver, as OTLP/JSON or as lines. */
#include "client.h"
#include "scratch.h"
#include "show.h"

#include <signal.h>
#include <stdlib.h>

struct dump {
    int signal; /* -1: told from the bytes */
    bool text;
    otk_load_options load;
    const char *where;
    struct client client;
    struct show show;
    const char *file;
};

static const char *const signal_names[] = {"traces", "metrics", "logs", NULL};

static const struct option options[] = {
    OPTION_OF("signal", "SIGNAL", signal_names, struct dump, signal,
              "what a protobuf body holds, when its bytes do not tell: traces, metrics or logs"),
    OPTION("text", NULL, OPTION_FLAG, struct dump, text, "readable lines instead of OTLP/JSON"),
    OPTION("where", "SELECTOR", OPTION_TEXT, struct dump, where, "only these: '{ status = error }'"),
    OPTION("max-request-size", "SIZE", OPTION_SIZE, struct dump, load.max_request_bytes,
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

static int tell(const otk_error *error)
{
    fflush(stdout);
    fprintf(stderr, "otlpkit dump: %s\n", error->message);
    return error->code == OTK_ENOMEM ? EXIT_MACHINE : EXIT_USAGE;
}

static int dump_file(struct dump *d, const char *file)
{
    otk_error error;
    d->file = strcmp(file, "-") == 0 ? "standard input" : file;
    return otk_load(file, &d->load, dump_capture, d, &error) ? tell(&error) : EXIT_HOLDS;
}

/* All of them, also behind one that cannot be read. */
static int dump_files(struct dump *d, const struct operands *files)
{
    int worst = EXIT_HOLDS;
    for (int i = 0; i < files->count; i++) {
        int code = dump_file(d, files->items[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

/* What the selector finds may be spread over the files: they are read first, as one. */
static int select_from_files(struct dump *d, const struct operands *files, FILE *to)
{
    otk_error error;
    otk_receiver *rx = otk_receiver_open((const char *const *)files->items, (size_t)files->count, &d->load, &error);
    if (!rx)
        return tell(&error);
    int rc = otk_receiver_write_json_where(rx, d->where, to, &error);
    otk_receiver_stop(rx);
    if (rc == OTK_EINVAL)
        return tell(&error);
    if (rc && to == stdout)
        stop_at_broken_output(rc);
    return rc ? EXIT_MACHINE : EXIT_HOLDS;
}

static int select_from(struct dump *d, const struct operands *files, FILE *to)
{
    return files->count ? select_from_files(d, files, to) : otk_client_dump(&d->client, d->where, to);
}

/* Lines are made of OTLP/JSON, which is what a selector or a running receiver gives. */
static int show_selected(struct dump *d, const struct operands *files)
{
    struct scratch scratch;
    bool some = false;
    int code = otk_scratch_open(&scratch, d->client.command);
    if (code)
        return code;
    code = select_from(d, files, scratch.file);
    if (!code)
        code = otk_scratch_finish(&scratch, d->client.command, &some);
    if (some)
        code = dump_file(d, scratch.path);
    fclose(scratch.file);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct dump d = {.signal = -1, .load = OTK_LOAD_OPTIONS_INIT, .client.command = self};
    struct operands files;
    int code = otk_options_parse(self, argc, argv, &d, &files);
    if (code != OPTIONS_GO)
        return code;
    if (files.count && (d.client.url || d.client.session))
        return otk_options_wrong(self, "takes a FILE or --url, not both");
    d.load.has_signal = d.signal >= 0;
    d.load.signal = d.load.has_signal ? (otk_signal)d.signal : OTK_SIGNAL_TRACES;
    signal(SIGPIPE, SIG_IGN);
    d.show = otk_show(!d.text);
    if (files.count && !d.where)
        return dump_files(&d, &files);
    return d.text ? show_selected(&d, &files) : select_from(&d, &files, stdout);
}

const struct command otk_dump_command = {
    .name = "dump",
    .operands = "[FILE]...",
    .summary = "show what lies on disk, or in a running receiver, as OTLP/JSON or text",
    .details = "Writes the requests in each FILE ('-': standard input) as OTLP/JSON, one a line; without a FILE\n"
               "those that a running receiver holds.\n"
               "A FILE holds one request body in protobuf or OTLP/JSON, JSON lines, or an archive\n"
               "of 'otlpkit serve --save'; plain or compressed. The kind is told from the bytes.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .shared = {{&otk_client_options, offsetof(struct dump, client)}},
    .run = run,
};
