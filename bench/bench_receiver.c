/* The whole receiver against libmicrohttpd with a handler that only drains: CPU a request, latency, memory, start. */
#include <otlpkit/receiver.h>

#include <dirent.h>
#include <malloc.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"
#include "payload.h"
#include "server.h"

#define ROUNDS 9
#define RING_BYTES ((size_t)16 << 20)

static void serve_receiver(int port_pipe, size_t max_capture_bytes)
{
    otk_error error;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_capture_bytes = max_capture_bytes;
    options.drop_oldest = true;
    otk_receiver *rx = otk_receiver_start(&options, &error);
    if (!rx) {
        fprintf(stderr, "%s\n", error.message);
        _exit(2);
    }
    bench_tell_port(port_pipe, otk_receiver_port(rx));
    for (;;)
        pause();
}

static void serve_ring(int port_pipe)
{
    serve_receiver(port_pipe, RING_BYTES);
}

static void serve_growing(int port_pipe)
{
    serve_receiver(port_pipe, (size_t)8 << 30);
}

/* ---- CPU and latency a request --------------------------------------- */

struct figures {
    double cpu_us;
    double latency_us; /* median */
};

/* Gives the first span a new trace id: clients do not send the same bytes again, and a receiver that sees them has
 * something to say about it. */
static void renew(struct otk_buffer *request)
{
    static uint64_t count;
    static const char trace_id[] = "trace-01";
    uint8_t *id = memmem(request->data, request->size, trace_id, sizeof trace_id - 1);
    if (id)
        memcpy(id + sizeof trace_id - 1, &count, sizeof count);
    count++;
}

static struct figures exchange_many(const struct bench_server *s, struct otk_buffer *request, size_t times)
{
    double *latencies = malloc(times * sizeof *latencies);
    double before = bench_server_seconds(s);
    for (size_t i = 0; i < times; i++) {
        renew(request);
        double sent = bench_wall_seconds();
        bench_exchange(s, request);
        latencies[i] = (bench_wall_seconds() - sent) * 1e6;
    }
    struct figures f = {(bench_server_seconds(s) - before) / (double)times * 1e6, bench_median(latencies, times)};
    free(latencies);
    return f;
}

/* Both servers in turn; the medians of the rounds. */
static void compare(bench_serve *ours, bench_serve *floor, struct otk_buffer *request, size_t times, size_t warm_up,
                    struct figures *ours_out, struct figures *floor_out)
{
    struct bench_server a = bench_server_start(ours), b = bench_server_start(floor);
    double cpu[2][ROUNDS], latency[2][ROUNDS];
    exchange_many(&a, request, warm_up);
    exchange_many(&b, request, times);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct figures one = exchange_many(&a, request, times), other = exchange_many(&b, request, times);
        cpu[0][i] = one.cpu_us;
        cpu[1][i] = other.cpu_us;
        latency[0][i] = one.latency_us;
        latency[1][i] = other.latency_us;
    }
    *ours_out = (struct figures){bench_median(cpu[0], ROUNDS), bench_median(latency[0], ROUNDS)};
    *floor_out = (struct figures){bench_median(cpu[1], ROUNDS), bench_median(latency[1], ROUNDS)};
    bench_server_stop(&a);
    bench_server_stop(&b);
}

static void measure_requests(size_t spans, double ring_bound)
{
    struct otk_buffer body = bench_payload(spans, spans == 512), request = bench_request(&body);
    struct figures ours, floor;
    char what[64];
    size_t times = spans == 1 ? 4000 : spans == 100 ? 800 : 200;
    size_t fill = RING_BYTES / body.size + times;

    compare(serve_ring, bench_serve_null, &request, times, fill, &ours, &floor);
    snprintf(what, sizeof what, "CPU a request, %zu spans, a full ring of 16 MiB", spans);
    bench_row(what, "ours / null libmicrohttpd", ours.cpu_us / floor.cpu_us, true, ring_bound);
    printf("  (%.1f us against %.1f us)\n", ours.cpu_us, floor.cpu_us);
    if (spans == 1)
        bench_row("latency of the answer, 1 span, keep-alive", "ours / null libmicrohttpd",
                  ours.latency_us / floor.latency_us, true, 1.3);

    compare(serve_growing, bench_serve_keeping, &request, times, times, &ours, &floor);
    snprintf(what, sizeof what, "CPU a request, %zu spans, memory growing", spans);
    bench_row(what, "ours / a malloc copy kept", ours.cpu_us / floor.cpu_us, true, 1.7);
    otk_buffer_clear(&body);
    otk_buffer_clear(&request);
}

/* ---- Memory ---------------------------------------------------------- */

static long resident_kb(pid_t pid)
{
    char path[64], line[128];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

static void measure_memory(void)
{
    struct otk_buffer body = bench_payload(512, true), request = bench_request(&body);
    struct bench_server s = bench_server_start(serve_growing);
    const size_t times = 1000;
    exchange_many(&s, &request, 10);
    long before = resident_kb(s.pid);
    exchange_many(&s, &request, times);
    double kept = (double)(resident_kb(s.pid) - before) * 1024 / (double)times;
    bench_row("retained memory a span, 512 spans", "ours / wire size", kept / (double)body.size, true, 1.3);
    bench_server_stop(&s);
    otk_buffer_clear(&body);
    otk_buffer_clear(&request);
}

/* ---- Start and stop -------------------------------------------------- */

static void start_stop_receiver(void *arg)
{
    (void)arg;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    if (!rx)
        abort();
    otk_receiver_stop(rx);
}

static enum MHD_Result refuse(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    (void)arg, (void)c, (void)url, (void)method, (void)version, (void)data, (void)size, (void)context;
    return MHD_NO;
}

static void start_stop_daemon(void *arg)
{
    (void)arg;
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, refuse, NULL, MHD_OPTION_END);
    if (!d)
        abort();
    MHD_stop_daemon(d);
}

static double wall_of(bench_work *work, size_t times)
{
    double before = bench_wall_seconds();
    for (size_t i = 0; i < times; i++)
        work(NULL);
    return (bench_wall_seconds() - before) / (double)times * 1e6;
}

static void measure_start_stop(void)
{
    double ours[ROUNDS], floor[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        ours[i] = wall_of(start_stop_receiver, 100);
        floor[i] = wall_of(start_stop_daemon, 100);
    }
    double a = bench_median(ours, ROUNDS), b = bench_median(floor, ROUNDS);
    bench_row("start + stop in process", "ours / libmicrohttpd's own", a / b, true, 2);
    printf("  (%.1f us against %.1f us)\n", a, b);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        count++;
    if (d)
        closedir(d);
    return count;
}

static void measure_cycles(void)
{
    size_t descriptors = open_descriptors();
    long before = resident_kb(getpid());
    for (int i = 0; i < 1000; i++)
        start_stop_receiver(NULL);
    bench_row("descriptors left by 1,000 cycles", "count", (double)(open_descriptors() - descriptors), true, 0);
    bench_row("memory left by 1,000 cycles", "kB", (double)(resident_kb(getpid()) - before), true, 1000);
}

int main(void)
{
    measure_requests(1, 1.3);
    measure_requests(100, 3.5);
    measure_requests(512, 7);
    measure_memory();
    measure_start_stop();
    measure_cycles();
    return bench_exit();
}
