/* Many clients at once: what was accepted is stored, every item exactly once, and what was refused is counted.
 *
 *   usage: test_hostile_load [SECONDS]
 */
#include "given.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define CLIENTS 32
#define SECONDS_IN_THE_SUITE 3
#define REQUESTS_A_ROUND 20 /* of each client */
#define ITEMS_MAX 512       /* of one request */

/* Requests beyond this are refused; what clients send is below it, unless they mean it. */
#define REQUEST_LIMIT ((size_t)256 << 10)

/* ---- What each client did in a round --------------------------------- */

struct sent {
    otk_signal signal;
    uint64_t first; /* number of its first item */
    size_t count;
};

struct sender {
    pthread_t thread;
    uint64_t random;
    struct client connection;
    bool connected;
    struct sent accepted[REQUESTS_A_ROUND];
    size_t accepted_count;
    uint64_t refused;
    const char *fault; /* what must not happen */
};

static struct target target;
static struct sender senders[CLIENTS];
static pthread_barrier_t begin, end;
static atomic_bool over, round_over;
static const char *looker_fault;
static unsigned seconds = SECONDS_IN_THE_SUITE;

static size_t roll(struct sender *s, size_t sides)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (size_t)(s->random % sides);
}

/* ---- One request ----------------------------------------------------- */

enum mischief { NONE, TRUNCATED, WRONG_PATH, WRONG_TYPE, TOO_LARGE, LEAVES, MISCHIEF_COUNT };

struct letter {
    otk_signal signal;
    bool json;
    enum otk_coding coding;
    enum mischief mischief;
    size_t announced;
    struct otk_buffer body;
};

static struct letter compose(struct sender *s, uint64_t first, size_t count)
{
    struct letter l = {.signal = (otk_signal)roll(s, OTK_SIGNAL_COUNT),
                       .json = roll(s, 2),
                       .coding = (enum otk_coding)roll(s, OTK_CODING_UNKNOWN),
                       .mischief = roll(s, 4) ? NONE : (enum mischief)roll(s, MISCHIEF_COUNT)};
    struct otk_buffer body = payload_items(l.signal, first, count);
    if (l.json) {
        struct otk_buffer protobuf = body;
        body = payload_json(l.signal, &protobuf);
        otk_buffer_clear(&protobuf);
    }
    l.body = payload_coded(l.coding, body.data, body.size);
    otk_buffer_clear(&body);
    if (l.mischief == TRUNCATED)
        l.body.size--;
    l.announced = l.mischief == TOO_LARGE ? REQUEST_LIMIT + 1 : l.body.size;
    return l;
}

static void send_letter(struct sender *s, const struct letter *l)
{
    static const char *const targets[OTK_SIGNAL_COUNT] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
    static const char *const codings[] = {"identity", "gzip", "deflate", "zstd"};
    const char *type = l->mischief == WRONG_TYPE ? "text/plain"
                       : l->json                 ? "application/json"
                                                 : "application/x-protobuf";
    const char *path = l->mischief == WRONG_PATH ? "/v1/nothing" : targets[l->signal];
    char head[512];
    int n = snprintf(head, sizeof head,
                     "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: %s\r\nContent-Encoding: %s\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     path, type, codings[l->coding], l->announced);
    size_t size = l->mischief == LEAVES ? l->body.size / 2 : l->mischief == TOO_LARGE ? 0 : l->body.size;
    if (client_send(&s->connection, head, (size_t)n))
        client_send(&s->connection, l->body.data, size);
}

static void hang_up(struct sender *s)
{
    if (s->connected)
        client_close(&s->connection);
    s->connected = false;
}

static void judge(struct sender *s, const struct letter *l, unsigned status, uint64_t first, size_t count)
{
    static const unsigned expected[] = {
        [NONE] = 200, [TRUNCATED] = 400, [WRONG_PATH] = 404, [WRONG_TYPE] = 415, [TOO_LARGE] = 413};
    if (status != expected[l->mischief])
        s->fault = "an answer with another status than expected";
    if (status == 200)
        s->accepted[s->accepted_count++] = (struct sent){l->signal, first, count};
    else
        s->refused++;
}

/* Thirty-two take their turns, perhaps on one slow processor. */
static bool read_answer(struct sender *s, struct response *r)
{
    struct pollfd readable = {.fd = s->connection.fd, .events = POLLIN};
    if (poll(&readable, 1, 6 * PATIENCE_MS) != 1)
        s->fault = "no answer in a minute";
    else if (!client_read(&s->connection, r))
        s->fault = "a connection that ended without an answer";
    return !s->fault;
}

static void exchange(struct sender *s, uint64_t first, size_t count)
{
    struct response r = {0};
    struct letter l = compose(s, first, count);
    if (!s->connected)
        s->connection = client_open(target_port(&target));
    s->connected = true;
    send_letter(s, &l);
    if (l.mischief == LEAVES)
        s->refused++;
    else if (read_answer(s, &r))
        judge(s, &l, r.status, first, count);
    if (l.mischief == LEAVES || l.mischief == TOO_LARGE || roll(s, 8) == 0)
        hang_up(s);
    response_clear(&r);
    otk_buffer_clear(&l.body);
}

/* ---- Rounds ---------------------------------------------------------- */

static void *send_rounds(void *arg)
{
    struct sender *s = arg;
    uint64_t number = (uint64_t)(s - senders + 1) << 32;
    for (;;) {
        pthread_barrier_wait(&begin);
        if (atomic_load(&over))
            break;
        for (int i = 0; i < REQUESTS_A_ROUND; i++) {
            size_t count = 1 + roll(s, roll(s, 4) ? 20 : ITEMS_MAX);
            exchange(s, number, count);
            number += count;
        }
        pthread_barrier_wait(&end);
    }
    hang_up(s);
    return NULL;
}

/* Somebody looks on, and must find what is counted. */
static void *look_on(void *arg)
{
    (void)arg;
    for (;;) {
        pthread_barrier_wait(&begin);
        if (atomic_load(&over))
            return NULL;
        for (size_t i = 0; !atomic_load(&round_over);) {
            if (otk_receiver_wait_spans(target.rx, i + 1, 10))
                continue;
            if (!otk_receiver_span(target.rx, i))
                looker_fault = "a span that was counted and is not there";
            if (i++ == 100)
                free(otk_receiver_json(target.rx, NULL));
        }
        pthread_barrier_wait(&end);
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t number_at(otk_signal signal, size_t i)
{
    if (signal == OTK_SIGNAL_TRACES)
        return payload_span_number(otk_receiver_span(target.rx, i));
    if (signal == OTK_SIGNAL_METRICS)
        return payload_metric_number(otk_receiver_metric(target.rx, i));
    return payload_log_number(otk_receiver_log(target.rx, i));
}

/* Every item that a client has its 200 for, in order. */
static uint64_t *accepted_numbers(otk_signal signal, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < CLIENTS; i++)
        for (size_t k = 0; k < senders[i].accepted_count; k++)
            *count += senders[i].accepted[k].signal == signal ? senders[i].accepted[k].count : 0;
    uint64_t *numbers = malloc((*count + 1) * sizeof *numbers), *next = numbers;
    assert_non_null(numbers);
    for (size_t i = 0; i < CLIENTS; i++)
        for (size_t k = 0; k < senders[i].accepted_count; k++)
            for (size_t n = 0; senders[i].accepted[k].signal == signal && n < senders[i].accepted[k].count; n++)
                *next++ = senders[i].accepted[k].first + n;
    qsort(numbers, *count, sizeof *numbers, by_number);
    return numbers;
}

static size_t assert_stored_exactly_once(otk_signal signal, uint64_t stored)
{
    size_t count;
    uint64_t *accepted = accepted_numbers(signal, &count);
    uint64_t *found = malloc((count + 1) * sizeof *found);
    assert_non_null(found);
    assert_int_equal(stored, count);
    for (size_t i = 0; i < count; i++)
        found[i] = number_at(signal, i);
    qsort(found, count, sizeof *found, by_number);
    assert_memory_equal(found, accepted, count * sizeof *found);
    free(accepted);
    free(found);
    return count;
}

struct totals {
    uint64_t rounds, items, accepted, refused;
};

static void assert_round(struct totals *t)
{
    uint64_t accepted = 0, refused = 0;
    if (looker_fault)
        fail_msg("who looked on met %s", looker_fault);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (senders[i].fault)
            fail_msg("client %zu met %s", i, senders[i].fault);
        accepted += senders[i].accepted_count;
        refused += senders[i].refused;
    }
    otk_receiver_counts counts = target_counts(&target);
    assert_int_equal(counts.requests, accepted + refused);
    assert_int_equal(counts.refused, refused);
    t->items += assert_stored_exactly_once(OTK_SIGNAL_TRACES, counts.spans);
    t->items += assert_stored_exactly_once(OTK_SIGNAL_METRICS, counts.metrics);
    t->items += assert_stored_exactly_once(OTK_SIGNAL_LOGS, counts.log_records);
    t->accepted += accepted;
    t->refused += refused;
    t->rounds++;
}

static void run_round(void)
{
    otk_receiver_reset(target.rx);
    for (size_t i = 0; i < CLIENTS; i++)
        senders[i].accepted_count = senders[i].refused = 0;
    atomic_store(&round_over, false);
    pthread_barrier_wait(&begin);
    /* Those that left are noticed a little later than they left. */
    otk_receiver_wait_requests(target.rx, (uint64_t)CLIENTS * REQUESTS_A_ROUND, 6 * PATIENCE_MS);
    atomic_store(&round_over, true);
    pthread_barrier_wait(&end);
}

static void start_clients(pthread_t *looker)
{
    pthread_barrier_init(&begin, NULL, CLIENTS + 2);
    pthread_barrier_init(&end, NULL, CLIENTS + 2);
    for (size_t i = 0; i < CLIENTS; i++) {
        senders[i] = (struct sender){.random = UINT64_C(0x9e3779b97f4a7c15) * (i + 1)};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_rounds, &senders[i]), 0);
    }
    assert_int_equal(pthread_create(looker, NULL, look_on, NULL), 0);
}

static void stop_clients(pthread_t looker)
{
    atomic_store(&over, true);
    pthread_barrier_wait(&begin);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(senders[i].thread, NULL);
    pthread_join(looker, NULL);
    pthread_barrier_destroy(&begin);
    pthread_barrier_destroy(&end);
}

static void test_accepted_is_stored_every_one(void **state)
{
    (void)state;
    struct totals t = {0};
    pthread_t looker;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.max_request_bytes = REQUEST_LIMIT;
    target_start(&target, &options);
    start_clients(&looker);
    uint64_t until = usage_cpu_ns(CLOCK_MONOTONIC) + seconds * UINT64_C(1000000000);
    do {
        run_round();
        assert_round(&t);
    } while (usage_cpu_ns(CLOCK_MONOTONIC) < until);
    stop_clients(looker);
    print_message("%d clients, %llu rounds: %llu requests accepted with %llu items, %llu refused\n", CLIENTS,
                  (unsigned long long)t.rounds, (unsigned long long)t.accepted, (unsigned long long)t.items,
                  (unsigned long long)t.refused);
    otk_receiver_reset(target.rx);
    target_serves(&target);
    target_stop(&target);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepted_is_stored_every_one)};
    if (argc > 1)
        seconds = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
