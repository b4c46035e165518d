/* What `otlpkit run` runs in tests: `post NAME` exports a span; `signals` says that it is ready, counts the SIGINTs that
 * come before a SIGTERM, and returns how many that were. */
#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SPAN                                                                                                           \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","              \
    "\"spanId\":\"0102030405060708\",\"name\":\"%s\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}]}]}]}"

static int post_span(const char *name)
{
    char body[1024];
    unsigned port;
    int size = snprintf(body, sizeof body, SPAN, name);
    const char *url = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (!url || sscanf(url, "http://127.0.0.1:%u", &port) != 1)
        return 9;
    struct client c = client_open((uint16_t)port);
    struct response r = client_post(&c, (struct post){.type = "application/json", .body = body, .size = (size_t)size});
    int code = r.status == 200 ? 0 : 8;
    response_clear(&r);
    client_close(&c);
    return code;
}

/* sigwait takes the signals in the order of their numbers: every SIGINT before the SIGTERM that came after it. */
static int count_signals(void)
{
    sigset_t signals;
    int number, count = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    fputs("ready\n", stderr);
    while (sigwait(&signals, &number) == 0 && number != SIGTERM) {
        count++;
        fputs("interrupted\n", stderr);
    }
    return count;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "post") == 0)
        return post_span(argv[2]);
    if (argc == 2 && strcmp(argv[1], "signals") == 0)
        return count_signals();
    return 99;
}
