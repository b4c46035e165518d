/* A command-line tool that starts itself once more for a part of the work: the child goes on with the trace that it
 * finds in its environment. Neither says goodbye to the SDK, which delivers at exit. */
#include <otlpkit/sdk.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int compress(otk_sdk *sdk, otk_tracer *tracer, const char *what)
{
    otk_context *parent = otk_extract_environment(sdk);
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.parent = otk_context_span(parent);
    options.attributes = OTK_ATTRIBUTES(otk_attribute_string("file", what));
    otk_span *span = otk_span_start_with(tracer, "compress", &options);
    bool fine = strcmp(what, "unreadable") != 0;
    if (!fine)
        otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "cannot be read");
    otk_span_free(span);
    otk_context_free(parent);
    return fine ? 0 : 1;
}

static int run_child(otk_sdk *sdk, char *self, char *what)
{
    char compress_word[] = "compress";
    char *argv[] = {self, compress_word, what, NULL};
    char **environment = otk_inject_environment(sdk, otk_span_get_context(otk_span_current()), NULL);
    pid_t child;
    int status = -1;
    if (environment && posix_spawn(&child, self, NULL, NULL, argv, environment) == 0)
        waitpid(child, &status, 0);
    free(environment);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static int back_up(otk_sdk *sdk, otk_tracer *tracer, char *self, char *what)
{
    OTK_SCOPED_SPAN(span, tracer, "backup");
    int status = run_child(sdk, self, what);
    otk_message(tracer, status ? OTK_SEVERITY_NUMBER_ERROR : OTK_SEVERITY_NUMBER_INFO, "{file} ended with {status}",
                OTK_ATTRIBUTES(otk_attribute_string("file", what), otk_attribute_int("status", status)));
    otk_span_set_int(span, "process.exit.code", status);
    return status;
}

int main(int argc, char **argv)
{
    otk_sdk *sdk = otk_sdk_start(NULL, NULL);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "backup", NULL);
    if (argc == 3 && strcmp(argv[1], "compress") == 0)
        return compress(sdk, tracer, argv[2]);
    if (argc == 2)
        return back_up(sdk, tracer, argv[0], argv[1]);
    fputs("usage: backup FILE\n", stderr);
    return 2;
}
