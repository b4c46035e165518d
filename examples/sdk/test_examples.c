/* Each example runs as a program of its own, and the receiver tells what it exported. */
#include <arpa/inet.h>
#include <otlpkit/cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
    pid_t pid;
    FILE *out; /* what it prints */
};

static struct program run(otk_receiver *rx, const char *path, const char *argument)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", otk_receiver_url(rx), 1);
        setenv("OTEL_SERVICE_NAME", "example", 1);
        setenv("TSAN_OPTIONS", "report_thread_leaks=0", 1); /* not all of them stop the SDK */
        execl(path, path, argument, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    return (struct program){pid, fdopen(ends[0], "r")};
}

static int wait_for(struct program p)
{
    int status;
    fclose(p.out);
    assert_int_equal(waitpid(p.pid, &status, 0), p.pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void get(unsigned port, const char *path, const char *headers)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[1024];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: here\r\n%s\r\n", path, headers);
    assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
    while (recv(fd, text, sizeof text, 0) > 0)
        continue;
    close(fd);
}

static void ten_lines_export_a_span(void **state)
{
    otk_receiver *rx = *state;
    assert_int_equal(wait_for(run(rx, EXAMPLE_FIRST, NULL)), 0);
    otk_assert_seen(rx, "{ name = \"checkout\" && span.user.id = \"ada\" && resource.service.name = \"example\" }");
}

static void a_web_server_continues_its_clients_traces(void **state)
{
    otk_receiver *rx = *state;
    unsigned port;
    struct program p = run(rx, EXAMPLE_WEB_SERVER, "2");
    assert_int_equal(fscanf(p.out, "%u", &port), 1);
    get(port, "/cart", "TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    get(port, "/nowhere", "traceparent: 00-garbage\r\n");
    assert_int_equal(wait_for(p), 0);
    otk_assert_seen(rx, "{ name = \"GET\" && kind = server && trace:id = \"0af7651916cd43dd8448eb211c80319c\" && "
                        "span:parentID = \"b7ad6b7169203331\" && span.http.response.status_code = 200 } > "
                        "{ name = \"look up\" }");
    otk_assert_seen(rx, "{ span.url.path = \"/nowhere\" && span.http.response.status_code = 404 } >> "
                        "{ span.logfire.msg = \"nothing under /nowhere\" }");
    otk_assert_seen(rx, "{ event.exception.type = \"LookupError\" }");
    otk_assert_none(rx, "{ status = error }");
}

static void a_tool_and_its_child_share_a_trace(void **state)
{
    otk_receiver *rx = *state;
    assert_int_equal(wait_for(run(rx, EXAMPLE_BACKUP, "letters")), 0);
    otk_assert_seen(
        rx, "{ name = \"backup\" && span.process.exit.code = 0 } > { name = \"compress\" && span.file = \"letters\" }");
    otk_assert_none(rx, "{ status = error }");
    assert_int_equal(wait_for(run(rx, EXAMPLE_BACKUP, "unreadable")), 1);
    otk_assert_seen(rx,
                    "{ name = \"backup\" && span.process.exit.code = 1 } > { name = \"compress\" && status = error }");
    otk_assert_seen(rx, "{ span.logfire.msg = \"unreadable ended with 1\" && status = error }");
}

#ifdef EXAMPLE_ORDERS
static void spans_in_cpp_end_when_something_is_thrown(void **state)
{
    otk_receiver *rx = *state;
    assert_int_equal(wait_for(run(rx, EXAMPLE_ORDERS, NULL)), 0);
    otk_assert_seen(rx, "{ name = \"order\" && status = unset } > { name = \"charge\" && span.amount = 12.5 }");
    otk_assert_seen(rx,
                    "{ name = \"order\" && status = error && statusMessage = \"no card\" } > { name = \"charge\" }");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        otk_unit_test(ten_lines_export_a_span),
        otk_unit_test(a_web_server_continues_its_clients_traces),
        otk_unit_test(a_tool_and_its_child_share_a_trace),
#ifdef EXAMPLE_ORDERS
        otk_unit_test(spans_in_cpp_end_when_something_is_thrown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
