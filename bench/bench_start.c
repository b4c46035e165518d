/* From exec to the first 200: the command against a bare libmicrohttpd server, both as processes of their own. And what
 * `otlpkit run` adds to a command that does nothing. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "payload.h"
#include "server.h"

#define ROUNDS 41

static pid_t spawn(char *const argv[], int *stderr_end)
{
    int ends[2];
    if (pipe(ends))
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execv(argv[0], argv);
        _exit(127);
    }
    close(ends[1]);
    *stderr_end = ends[0];
    return pid;
}

static uint16_t read_port(int fd)
{
    char line[256];
    size_t have = 0;
    while (have < sizeof line - 1 && (!have || line[have - 1] != '\n')) {
        ssize_t n = read(fd, line + have, sizeof line - 1 - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    line[have] = '\0';
    const char *colon = strrchr(line, ':');
    return colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

static double start_of(char *const argv[], const struct otk_buffer *request)
{
    int end;
    double before = bench_wall_seconds();
    pid_t pid = spawn(argv, &end);
    uint16_t port = read_port(end);
    if (!port) {
        fprintf(stderr, "%s did not say where it listens\n", argv[0]);
        exit(2);
    }
    struct bench_server s = {pid, bench_connect(port)};
    bench_exchange(&s, request);
    double took = bench_wall_seconds() - before;
    bench_server_stop(&s);
    close(end);
    return took * 1e6;
}

static double run_of(char *const argv[])
{
    int end;
    double before = bench_wall_seconds();
    pid_t pid = spawn(argv, &end);
    waitpid(pid, NULL, 0);
    double took = bench_wall_seconds() - before;
    close(end);
    return took * 1e3;
}

static void compare_run(void)
{
    char command[] = OTLPKIT_COMMAND, run[] = "run", nothing[] = "/bin/true";
    char *const around[] = {command, run, nothing, NULL}, *const alone[] = {nothing, NULL};
    double around_ms[ROUNDS], alone_ms[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        around_ms[i] = run_of(around);
        alone_ms[i] = run_of(alone);
    }
    double a = bench_median(around_ms, ROUNDS), b = bench_median(alone_ms, ROUNDS);
    bench_row("otlpkit run -- true", "ms more than true", a - b, true, 10);
    printf("  (%.2f ms against %.2f ms)\n", a, b);
}

int main(void)
{
    char serve[] = OTLPKIT_COMMAND, bare[] = OTLPKIT_BARE, verb[] = "serve", port[] = "--port", zero[] = "0";
    char *const ours[] = {serve, verb, port, zero, NULL}, *const floor[] = {bare, NULL};
    double ours_us[ROUNDS], floor_us[ROUNDS];
    struct otk_buffer body = bench_payload(1, false), request = bench_request(&body);
    start_of(ours, &request);
    start_of(floor, &request);
    for (size_t i = 0; i < ROUNDS; i++) {
        ours_us[i] = start_of(ours, &request);
        floor_us[i] = start_of(floor, &request);
    }
    double a = bench_median(ours_us, ROUNDS), b = bench_median(floor_us, ROUNDS);
    bench_row("exec to the first 200", "otlpkit serve / bare libmicrohttpd", a / b, true, 1.2);
    printf("  (%.0f us against %.0f us)\n", a, b);
    otk_buffer_clear(&body);
    otk_buffer_clear(&request);
    compare_run();
    return bench_exit();
}
