/* Waiting: from a request sent to the waiter awake, against a blocking echo; and what waits in place cost ingestion. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <otlpkit/receiver.h>

#include "measure.h"
#include "payload.h"
#include "server.h"

#define EXCHANGES 2000
#define ROUNDS 9
#define WAITS 10000

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* Time for the other side to fall asleep. Not slept through here: that would let caches and the core go cold, which is
 * not what is measured. */
static void settle(void)
{
    for (double until = bench_wall_seconds() + 50e-6; bench_wall_seconds() < until;)
        ;
}

static double percentile(double *sorted, size_t count, double p)
{
    return sorted[(size_t)(p * (double)(count - 1))];
}

/* ---- The floor: a blocking TCP echo of a request's size --------------- */

struct echo {
    int listener;
    size_t size;
};

static void read_whole(int fd, uint8_t *to, size_t size)
{
    while (size) {
        ssize_t n = recv(fd, to, size, 0);
        if (n <= 0)
            return;
        to += n;
        size -= (size_t)n;
    }
}

static void *echo(void *arg)
{
    const struct echo *e = arg;
    int fd = accept(e->listener, NULL, NULL), on = 1;
    uint8_t *data = malloc(e->size);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (size_t i = 0; i < EXCHANGES; i++) {
        read_whole(fd, data, e->size);
        if (send(fd, data, e->size, MSG_NOSIGNAL) < 0)
            break;
    }
    free(data);
    close(fd);
    return NULL;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void measure_echo(const struct otk_buffer *request, double *us)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    struct echo e = {socket(AF_INET, SOCK_STREAM, 0), request->size};
    if (bind(e.listener, (struct sockaddr *)&a, size) || listen(e.listener, 1) ||
        getsockname(e.listener, (struct sockaddr *)&a, &size))
        die("listen");
    pthread_t thread;
    pthread_create(&thread, NULL, echo, &e);
    int fd = connect_to(ntohs(a.sin_port));
    uint8_t *back = malloc(request->size);
    for (size_t i = 0; i < EXCHANGES; i++) {
        settle();
        double sent = bench_wall_seconds();
        if (send(fd, request->data, request->size, MSG_NOSIGNAL) < 0)
            die("send");
        read_whole(fd, back, request->size);
        us[i] = (bench_wall_seconds() - sent) * 1e6;
    }
    pthread_join(thread, NULL);
    free(back);
    close(fd);
    close(e.listener);
}

/* ---- POST sent to waiter awake --------------------------------------- */

struct waiter {
    otk_receiver *rx;
    sem_t go, awake;
    double awake_at;
};

static void *wait_often(void *arg)
{
    struct waiter *w = arg;
    const otk_condition one = otk_seen("{ name != \"\" }");
    for (size_t i = 0; i < EXCHANGES; i++) {
        sem_wait(&w->go);
        if (otk_receiver_wait(w->rx, &one, 10000, NULL))
            die("wait");
        w->awake_at = bench_wall_seconds();
        sem_post(&w->awake);
    }
    return NULL;
}

static void read_answer(int fd)
{
    char answer[1024];
    size_t have = 0;
    while (have < 4 || memcmp(answer + have - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = recv(fd, answer + have, sizeof answer - have, 0);
        if (n <= 0)
            die("recv");
        have += (size_t)n;
    }
}

static void measure_waits(const struct otk_buffer *request, double *us)
{
    struct waiter w = {.rx = otk_receiver_start(NULL, NULL)};
    pthread_t thread;
    sem_init(&w.go, 0, 0);
    sem_init(&w.awake, 0, 0);
    pthread_create(&thread, NULL, wait_often, &w);
    int fd = connect_to(otk_receiver_port(w.rx));
    for (size_t i = 0; i < EXCHANGES; i++) {
        sem_post(&w.go);
        settle();
        double sent = bench_wall_seconds();
        if (send(fd, request->data, request->size, MSG_NOSIGNAL) < 0)
            die("send");
        read_answer(fd);
        sem_wait(&w.awake);
        us[i] = (w.awake_at - sent) * 1e6;
        otk_receiver_reset(w.rx);
    }
    pthread_join(thread, NULL);
    close(fd);
    otk_receiver_stop(w.rx);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_latency(void)
{
    static double ours[EXCHANGES], floor_us[EXCHANGES];
    double p50[2][ROUNDS], p99[2][ROUNDS];
    struct otk_buffer body = bench_payload(1, false), request = bench_request(&body);
    for (size_t i = 0; i < ROUNDS; i++) {
        measure_waits(&request, ours);
        measure_echo(&request, floor_us);
        qsort(ours, EXCHANGES, sizeof *ours, compare);
        qsort(floor_us, EXCHANGES, sizeof *floor_us, compare);
        p50[0][i] = percentile(ours, EXCHANGES, 0.5);
        p50[1][i] = percentile(floor_us, EXCHANGES, 0.5);
        p99[0][i] = percentile(ours, EXCHANGES, 0.99);
        p99[1][i] = percentile(floor_us, EXCHANGES, 0.99);
    }
    double median = bench_median(p50[0], ROUNDS), median_floor = bench_median(p50[1], ROUNDS);
    double tail = bench_median(p99[0], ROUNDS), tail_floor = bench_median(p99[1], ROUNDS);
    bench_row("POST sent to waiter awake, median", "ours / TCP echo round trip", median / median_floor, true, 1);
    printf("  (%.1f us against %.1f us)\n", median, median_floor);
    bench_row("POST sent to waiter awake, 99th percentile", "ours / TCP echo round trip", tail / tail_floor, true, 2);
    printf("  (%.1f us against %.1f us)\n", tail, tail_floor);
    otk_buffer_clear(&body);
    otk_buffer_clear(&request);
}

/* ---- Many waits in place --------------------------------------------- */

static otk_receiver *start_receiver(void)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_capture_bytes = (size_t)64 << 20;
    options.drop_oldest = true;
    otk_receiver *rx = otk_receiver_start(&options, NULL);
    if (!rx)
        die("receiver");
    return rx;
}

static void serve_alone(int port_pipe)
{
    otk_receiver *rx = start_receiver();
    bench_tell_port(port_pipe, otk_receiver_port(rx));
    for (;;)
        pause();
}

struct place {
    otk_receiver *rx;
    size_t number;
};

static void *wait_long(void *arg)
{
    struct place *p = arg;
    char selector[64];
    snprintf(selector, sizeof selector, "{ name = \"never %zu\" }", p->number);
    otk_condition never = otk_seen(selector);
    otk_receiver_wait(p->rx, &never, 3600000, NULL);
    return NULL;
}

static void serve_waiting(int port_pipe)
{
    static struct place places[WAITS];
    otk_receiver *rx = start_receiver();
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, (size_t)128 << 10);
    for (size_t i = 0; i < WAITS; i++) {
        pthread_t thread;
        places[i] = (struct place){rx, i};
        if (pthread_create(&thread, &small, wait_long, &places[i]))
            die("pthread_create");
    }
    sleep(2);
    bench_tell_port(port_pipe, otk_receiver_port(rx));
    for (;;)
        pause();
}

static double exchange_many(const struct bench_server *s, const struct otk_buffer *request, size_t times)
{
    double before = bench_wall_seconds();
    for (size_t i = 0; i < times; i++)
        bench_exchange(s, request);
    return (bench_wall_seconds() - before) / (double)times * 1e6;
}

static void measure_ingestion(size_t spans, size_t times)
{
    struct otk_buffer body = bench_payload(spans, false), request = bench_request(&body);
    struct bench_server alone = bench_server_start(serve_alone), waiting = bench_server_start(serve_waiting);
    double ours[ROUNDS], floor_us[ROUNDS];
    char what[64];
    exchange_many(&alone, &request, times);
    exchange_many(&waiting, &request, times);
    double cpu = bench_server_seconds(&waiting);
    for (size_t i = 0; i < ROUNDS; i++) {
        ours[i] = exchange_many(&waiting, &request, times);
        floor_us[i] = exchange_many(&alone, &request, times);
    }
    cpu = bench_server_seconds(&waiting) - cpu;
    double a = bench_median(ours, ROUNDS), b = bench_median(floor_us, ROUNDS);
    snprintf(what, sizeof what, "a request of %zu span%s, 10,000 waits in place", spans, spans == 1 ? "" : "s");
    bench_row(what, "ours / no waits", a / b, true, 1.2);
    printf("  (%.1f us against %.1f us; CPU of the whole process %.1f us a request)\n", a, b,
           cpu / (double)(ROUNDS * times) * 1e6);
    bench_server_stop(&alone);
    bench_server_stop(&waiting);
    otk_buffer_clear(&body);
    otk_buffer_clear(&request);
}

int main(void)
{
    measure_latency();
    measure_ingestion(1, 2000);
    measure_ingestion(100, 300);
    return bench_exit();
}
