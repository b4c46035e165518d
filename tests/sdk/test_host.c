/* What the host program may count on: it exits, races and meets dead servers, and the SDK stays out of its way. */
#include "host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

/* ---- Exit ------------------------------------------------------------ */

static int run_program(const char *url, const char *argument, int to_stderr)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(to_stderr, STDERR_FILENO);
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url, 1);
        setenv("TSAN_OPTIONS", "report_thread_leaks=0", 1); /* nobody joins the worker, that is the point */
        execl(PROGRAM_THAT_EXITS, PROGRAM_THAT_EXITS, argument, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_a_program_that_just_exits_has_delivered(void **state)
{
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    assert_int_equal(run_program(otk_receiver_url(rx), "quiet", STDERR_FILENO), 0);
    assert_int_equal(span_count(rx), 0);
    assert_int_equal(run_program(otk_receiver_url(rx), NULL, STDERR_FILENO), 0);
    assert_int_equal(span_count(rx), 1);
    otk_receiver_stop(rx);
}

static void test_an_exit_does_not_wait_for_a_retry(void **state)
{
    const char *const script[] = {SERVER_STATUS("503 Busy"), NULL};
    (void)state;
    struct server *server = server_start(script);
    assert_int_equal(run_program(server_url(server), NULL, STDERR_FILENO), 0);
    assert_int_equal(server_request_count(server), 1);
    server_stop(server);
}

/* SDK-ERR-05: 3 seconds, and not the 10 that an export may take */
static void test_an_exit_does_not_wait_for_a_dead_server(void **state)
{
    const char *const script[] = {server_holds, NULL};
    struct timespec before, after;
    (void)state;
    struct server *server = server_start(script);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(run_program(server_url(server), NULL, STDERR_FILENO), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_in_range(after.tv_sec - before.tv_sec, 0, 8);
    assert_int_equal(server_request_count(server), 1);
    server_stop(server);
}

/* SDK-ERR-03: where no handler is set, on stderr */
static void test_warnings_go_to_stderr(void **state)
{
    char text[256] = "";
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(run_program("nowhere", "quiet", ends[1]), 0);
    close(ends[1]);
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    close(ends[0]);
    assert_string_equal(text, "otlpkit: OTEL_EXPORTER_OTLP_ENDPOINT=nowhere: must be a URL such as "
                              "http://localhost:4318; using http://localhost:4318\n");
}

/* ---- Races ----------------------------------------------------------- */

enum { PRODUCERS = 8, SPANS_EACH = 2000 };

static void *produce_many(void *arg)
{
    for (int i = 0; i < SPANS_EACH; i++)
        record(arg, "raced");
    return NULL;
}

struct watch {
    otk_sdk *sdk;
    atomic_bool *stop;
    bool wrong;
};

static void *watch_accounts(void *arg)
{
    struct watch *w = arg;
    while (!atomic_load(w->stop)) {
        otk_signal_stats stats = stats_of(w->sdk, OTK_SIGNAL_TRACES);
        w->wrong |= !balances(&stats);
    }
    return NULL;
}

static void *flush_often(void *arg)
{
    struct watch *w = arg;
    while (!atomic_load(w->stop) && otk_sdk_force_flush(w->sdk, PATIENCE_MS) != OTK_ESHUTDOWN)
        continue;
    return NULL;
}

static void *shut_down_midway(void *arg)
{
    struct watch *w = arg;
    while (stats_of(w->sdk, OTK_SIGNAL_TRACES).accepted < PRODUCERS * SPANS_EACH / 2)
        continue;
    otk_sdk_shutdown(w->sdk, PATIENCE_MS);
    return NULL;
}

/* SDK-API-24, SDK-PROC-13, SDK-SMP-12, SDK-RTY-14: accepted is always what the rest adds up to */
static void test_accounts_balance_while_all_race(void **state)
{
    static const char *const ratio[] = {"OTEL_TRACES_SAMPLER=parentbased_traceidratio", NULL};
    pthread_t producers[PRODUCERS], others[3];
    atomic_bool stop = false;
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = start(otk_receiver_url(rx), ratio, false);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "t", NULL);
    struct watch watch = {sdk, &stop, false};
    void *(*const parts[])(void *) = {watch_accounts, flush_often, shut_down_midway};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(pthread_create(&others[i], NULL, parts[i], &watch), 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce_many, tracer), 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    pthread_join(others[2], NULL);
    atomic_store(&stop, true);
    pthread_join(others[0], NULL);
    pthread_join(others[1], NULL);
    assert_false(watch.wrong);
    otk_signal_stats stats = traces_of(sdk);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.delivered, span_count(rx));
    assert_true(stats.delivered > 0);
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

/* Sets attributes of one span from many threads, while one of them ends it. */
static void *disturb(void *arg)
{
    char key[16];
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "k%d", i % 40);
        otk_span_set_int(arg, key, i);
        otk_span_add_event(arg, "e", NULL);
        otk_span_update_name(arg, key);
    }
    otk_span_end(arg);
    return NULL;
}

/* SDK-API-24 */
static void test_threads_may_share_a_span(void **state)
{
    pthread_t threads[4];
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = start(otk_receiver_url(rx), NULL, false);
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "t", NULL), "shared", NULL);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, disturb, span), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    otk_span_free(span);
    assert_int_equal(otk_sdk_force_flush(sdk, PATIENCE_MS), 0);
    assert_int_equal(span_count(rx), 1);
    assert_int_equal(otk_receiver_span(rx, 0)->attributes.count, 40);
    assert_string_equal(otk_receiver_request(rx, 0)->notes, "");
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

/* ---- A server that does not answer ------------------------------------ */

static size_t resident_pages(void)
{
    size_t total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%zu %zu", &total, &resident), 2);
    fclose(file);
    return resident;
}

/* SDK-ERR-05, SDK-PROC-04, SDK-PROC-07: memory is taken up to the queue, and no more */
static void test_a_dead_server_costs_no_more_than_the_queue(void **state)
{
    const char *const script[] = {server_holds, NULL};
    (void)state;
    struct server *server = server_start(script);
    otk_sdk *sdk = start(server_url(server), NULL, false);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "t", NULL);
    for (int i = 0; i < 5000; i++)
        record(tracer, "s");
    size_t before = resident_pages();
    for (int i = 0; i < 200000; i++)
        record(tracer, "s");
    assert_true(resident_pages() < before + 256);
    otk_signal_stats stats = traces_of(sdk);
    assert_int_equal(stats.accepted, 205000);
    assert_in_range(stats.queued, 2048, 2048 + 512);
    assert_int_equal(stats.dropped[OTK_DROP_QUEUE_FULL], 205000 - stats.queued);
    server_release(server);
    otk_sdk_stop(sdk);
    server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_that_just_exits_has_delivered),
        cmocka_unit_test(test_an_exit_does_not_wait_for_a_retry),
        cmocka_unit_test(test_an_exit_does_not_wait_for_a_dead_server),
        cmocka_unit_test(test_warnings_go_to_stderr),
        cmocka_unit_test(test_accounts_balance_while_all_race),
        cmocka_unit_test(test_threads_may_share_a_span),
        cmocka_unit_test(test_a_dead_server_costs_no_more_than_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
