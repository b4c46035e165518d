/* Waiting: from a request sent to the waiter awake, against a blocking echo; and what waits in place, and sessions, cost
 * ingestion. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <otlpkit/receiver.h>

#include "measure.h"
#include "payload.h"
#include "server.h"

#define EXCHANGES 2000
#define ROUNDS 9
#define WAITS 10000
#define HTTP_WAITS 1000
#define SESSIONS 50
#define SETTLE_US 50
#define SETTLE_HTTP_US 500 /* a question passes through two threads before it waits */
#define RING_BYTES ((size_t)64 << 20)

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* Time for the other side to fall asleep. Not slept through here: that would let caches and the core go cold, which is
 * not what is measured. How long it sleeps matters to how it wakes: both sides of a comparison get the same. */
static void settle(unsigned us)
{
    for (double until = bench_wall_seconds() + us * 1e-6; bench_wall_seconds() < until;)
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

static void measure_echo(const struct otk_buffer *request, unsigned settle_us, double *us)
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
        settle(settle_us);
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

static void measure_waits(const struct otk_buffer *request, unsigned settle_us, double *us)
{
    struct waiter w = {.rx = otk_receiver_start(NULL, NULL)};
    pthread_t thread;
    sem_init(&w.go, 0, 0);
    sem_init(&w.awake, 0, 0);
    pthread_create(&thread, NULL, wait_often, &w);
    int fd = connect_to(otk_receiver_port(w.rx));
    for (size_t i = 0; i < EXCHANGES; i++) {
        sem_post(&w.go);
        settle(settle_us);
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

/* ---- The same over HTTP ---------------------------------------------- */

struct http_waiter {
    uint16_t port;
    int fd; /* its connection, which ends with each answer */
    sem_t awake;
    double awake_at;
};

/* Answers with a body: it begins when it is there. */
static void *await_answers(void *arg)
{
    struct http_waiter *w = arg;
    char answer[4096];
    for (size_t i = 0; i < EXCHANGES; i++) {
        ssize_t n = recv(w->fd, answer, sizeof answer, 0);
        w->awake_at = bench_wall_seconds();
        if (n < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
            die("answer to a wait");
        close(w->fd);
        w->fd = connect_to(w->port);
        sem_post(&w->awake);
    }
    return NULL;
}

static void send_text(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        die("send");
}

/* With the operator and the string that a span's name is compared with. */
static void write_question(char *out, size_t room, const char *operator, const char *name)
{
    snprintf(out, room,
             "GET /otlpkit/wait?until=%%7bname%s%%22%s%%22%%7d&timeout=1h HTTP/1.1\r\nHost: localhost\r\n\r\n", operator,
             name);
}

static void measure_http_waits(const struct otk_buffer *request, unsigned settle_us, double *us)
{
    char question[256];
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    struct http_waiter w = {.port = otk_receiver_port(rx), .fd = connect_to(otk_receiver_port(rx))};
    pthread_t thread;
    write_question(question, sizeof question, "!=", "");
    sem_init(&w.awake, 0, 0);
    pthread_create(&thread, NULL, await_answers, &w);
    int fd = connect_to(otk_receiver_port(rx));
    for (size_t i = 0; i < EXCHANGES; i++) {
        send_text(w.fd, question);
        settle(settle_us);
        double sent = bench_wall_seconds();
        if (send(fd, request->data, request->size, MSG_NOSIGNAL) < 0)
            die("send");
        read_answer(fd);
        sem_wait(&w.awake);
        us[i] = (w.awake_at - sent) * 1e6;
        otk_receiver_reset(rx);
    }
    pthread_join(thread, NULL);
    close(fd);
    close(w.fd);
    otk_receiver_stop(rx);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_latency(const char *what,
                            void (*measure)(const struct otk_buffer *request, unsigned settle_us, double *us),
                            unsigned settle_us, double bound, double tail_bound)
{
    static double ours[EXCHANGES], floor_us[EXCHANGES];
    double p50[2][ROUNDS], p99[2][ROUNDS];
    char row[96];
    struct otk_buffer body = bench_payload(1, false), request = bench_request(&body);
    for (size_t i = 0; i < ROUNDS; i++) {
        measure(&request, settle_us, ours);
        measure_echo(&request, settle_us, floor_us);
        qsort(ours, EXCHANGES, sizeof *ours, compare);
        qsort(floor_us, EXCHANGES, sizeof *floor_us, compare);
        p50[0][i] = percentile(ours, EXCHANGES, 0.5);
        p50[1][i] = percentile(floor_us, EXCHANGES, 0.5);
        p99[0][i] = percentile(ours, EXCHANGES, 0.99);
        p99[1][i] = percentile(floor_us, EXCHANGES, 0.99);
    }
    double median = bench_median(p50[0], ROUNDS), median_floor = bench_median(p50[1], ROUNDS);
    double tail = bench_median(p99[0], ROUNDS), tail_floor = bench_median(p99[1], ROUNDS);
    snprintf(row, sizeof row, "%s, median", what);
    bench_row(row, "ours / TCP echo round trip", median / median_floor, true, bound);
    printf("  (%.1f us against %.1f us)\n", median, median_floor);
    snprintf(row, sizeof row, "%s, 99th percentile", what);
    bench_row(row, "ours / TCP echo round trip", tail / tail_floor, true, tail_bound);
    printf("  (%.1f us against %.1f us)\n", tail, tail_floor);
    otk_buffer_clear(&body);
    otk_buffer_clear(&request);
}

/* ---- Many waits in place --------------------------------------------- */

static otk_receiver *start_receiver(void)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_capture_bytes = RING_BYTES;
    options.max_session_bytes = RING_BYTES / SESSIONS;
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

static void serve_asked(int port_pipe)
{
    struct rlimit files;
    char question[256], name[32];
    otk_receiver *rx = start_receiver();
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (size_t i = 0; i < HTTP_WAITS; i++) {
        snprintf(name, sizeof name, "never-%zu", i);
        write_question(question, sizeof question, "=", name);
        send_text(connect_to(otk_receiver_port(rx)), question);
    }
    sleep(2);
    bench_tell_port(port_pipe, otk_receiver_port(rx));
    for (;;)
        pause();
}

/* Each of `count` requests in turn. */
static double exchange_many(const struct bench_server *s, const struct otk_buffer *requests, size_t count, size_t times)
{
    double before = bench_wall_seconds();
    for (size_t i = 0; i < times; i++)
        bench_exchange(s, &requests[i % count]);
    return (bench_wall_seconds() - before) / (double)times * 1e6;
}

/* `serve` with `count` requests in turn, against a receiver alone with the first of them. */
static void measure_ingestion(const char *what, bench_serve *serve, const struct otk_buffer *requests, size_t count,
                              const struct otk_buffer *plain, size_t times, double bound)
{
    struct bench_server alone = bench_server_start(serve_alone), other = bench_server_start(serve);
    double ours[ROUNDS], floor_us[ROUNDS];
    exchange_many(&alone, plain, 1, times);
    exchange_many(&other, requests, count, times);
    double cpu = bench_server_seconds(&other);
    for (size_t i = 0; i < ROUNDS; i++) {
        ours[i] = exchange_many(&other, requests, count, times);
        floor_us[i] = exchange_many(&alone, plain, 1, times);
    }
    cpu = bench_server_seconds(&other) - cpu;
    double a = bench_median(ours, ROUNDS), b = bench_median(floor_us, ROUNDS);
    bench_row(what, "ours / the receiver alone", a / b, true, bound);
    printf("  (%.1f us against %.1f us; CPU of the whole process %.1f us a request)\n", a, b,
           cpu / (double)(ROUNDS * times) * 1e6);
    bench_server_stop(&alone);
    bench_server_stop(&other);
}

static struct otk_buffer request_of_session(const struct otk_buffer *plain, size_t number)
{
    static const char front[] = "POST ";
    struct otk_buffer b = OTK_BUFFER_INIT((size_t)1 << 28);
    otk_buffer_printf(&b, "%s/s/test-%zu", front, number);
    otk_buffer_append(&b, plain->data + sizeof front - 1, plain->size - (sizeof front - 1));
    return b;
}

static void measure_spans(size_t spans, size_t times)
{
    struct otk_buffer body = bench_payload(spans, false), plain = bench_request(&body), of_session[SESSIONS];
    const char *plural = spans == 1 ? "" : "s";
    char what[96];
    for (size_t i = 0; i < SESSIONS; i++)
        of_session[i] = request_of_session(&plain, i);
    snprintf(what, sizeof what, "a request of %zu span%s, 10,000 waits in place", spans, plural);
    measure_ingestion(what, serve_waiting, &plain, 1, &plain, times, 1.2);
    snprintf(what, sizeof what, "a request of %zu span%s, 1,000 waits over HTTP", spans, plural);
    measure_ingestion(what, serve_asked, &plain, 1, &plain, times, 1.2);
    snprintf(what, sizeof what, "a request of %zu span%s, 50 sessions", spans, plural);
    measure_ingestion(what, serve_alone, of_session, SESSIONS, &plain, times, 1.1);
    for (size_t i = 0; i < SESSIONS; i++)
        otk_buffer_clear(&of_session[i]);
    otk_buffer_clear(&body);
    otk_buffer_clear(&plain);
}

int main(void)
{
    measure_latency("POST sent to waiter awake", measure_waits, SETTLE_US, 1, 2);
    measure_latency("POST sent to answer of a wait over HTTP", measure_http_waits, SETTLE_HTTP_US, 1.5, 3);
    measure_spans(1, 2000);
    measure_spans(100, 300);
    return bench_exit();
}
