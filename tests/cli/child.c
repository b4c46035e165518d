/* What `otlpkit run` runs in tests: `post NAME` exports a span; `preface` speaks HTTP/2, as gRPC does; `signals` says
 * that it is ready, counts the SIGINTs that come before a SIGTERM, and returns how many that were. */
#include "client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SPAN                                                                                                           \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","              \
    "\"spanId\":\"0102030405060708\",\"name\":\"%s\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}]}]}]}"

static bool find_port(uint16_t *out)
{
    const char *url = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    return url && sscanf(url, "http://127.0.0.1:%" SCNu16, out) == 1;
}

static int speak_http_2(void)
{
    uint16_t port;
    if (!find_port(&port))
        return 9;
    struct client c = client_open(port);
    bool refused = client_print(&c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") && client_sees_end(&c);
    client_close(&c);
    return refused ? 0 : 8;
}

static int post_span(const char *name)
{
    char body[1024];
    uint16_t port;
    int size = snprintf(body, sizeof body, SPAN, name);
    if (!find_port(&port))
        return 9;
    struct client c = client_open(port);
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
    if (argc == 2 && strcmp(argv[1], "preface") == 0)
        return speak_http_2();
    if (argc == 2 && strcmp(argv[1], "signals") == 0)
        return count_signals();
    return 99;
}
