/* The host program forks, and its children go on with the SDK; and no signal reaches it. */
#include "host.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

/* Runs `work` in a child, which ends with its result; returns that. */
static int in_child(int (*work)(void *arg), void *arg)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(work(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- Fork ------------------------------------------------------------ */

struct family {
    otk_sdk *sdk;
    otk_tracer *tracer;
    otk_counter *counter;
    otk_span *open;
};

/* Returns the number of the check that failed. */
static int live_as_child(void *arg)
{
    struct family *f = arg;
    otk_signal_stats stats = stats_of(f->sdk, OTK_SIGNAL_TRACES);
    if (stats.accepted || stats.queued)
        return 1;
    otk_span *span = otk_span_start(f->tracer, "child", f->open);
    otk_span_free(span);
    otk_span_end(f->open);
    otk_counter_add(f->counter, 1, NULL);
    otk_logger_log(otk_sdk_logger(f->sdk, "l", NULL), OTK_SEVERITY_NUMBER_INFO, "from the child", NULL);
    if (otk_sdk_force_flush(f->sdk, PATIENCE_MS))
        return 2;
    stats = stats_of(f->sdk, OTK_SIGNAL_TRACES);
    if (stats.accepted != 1 || stats.delivered != 1)
        return 3;
    return 0;
}

static void assert_all_different(otk_receiver *rx)
{
    for (size_t i = 0; i < span_count(rx); i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(otk_receiver_span(rx, i)->span_id.data, otk_receiver_span(rx, k)->span_id.data, 8);
}

static void assert_values(otk_receiver *rx, int64_t one, int64_t other)
{
    assert_int_equal(counts_of(rx).metrics, 2);
    assert_int_equal(otk_receiver_metric(rx, 0)->points[0].value.as.int_value, one);
    assert_int_equal(otk_receiver_metric(rx, 1)->points[0].value.as.int_value, other);
}

/* SDK-PROC-15, SDK-ID-05: each of the two exports what is its own, once */
static void test_a_forked_child_starts_clean(void **state)
{
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = start(otk_receiver_url(rx), NULL, false);
    struct family f = {sdk, otk_sdk_tracer(sdk, "t", NULL), NULL, NULL};
    f.counter = otk_meter_counter(otk_sdk_meter(sdk, "m", NULL), "count", NULL, NULL);
    otk_counter_add(f.counter, 5, NULL);
    for (int i = 0; i < 3; i++)
        record(f.tracer, "before");
    f.open = otk_span_start(f.tracer, "open", NULL);

    assert_int_equal(in_child(live_as_child, &f), 0);
    assert_int_equal(span_count(rx), 1);
    assert_string_equal(otk_receiver_span(rx, 0)->name, "child");
    assert_memory_equal(otk_receiver_span(rx, 0)->parent_span_id.data, otk_span_get_context(f.open)->span_id, 8);

    assert_int_equal(counts_of(rx).log_records, 1);
    otk_span_free(f.open);
    record(f.tracer, "after");
    assert_int_equal(otk_sdk_force_flush(sdk, PATIENCE_MS), 0);
    assert_int_equal(span_count(rx), 6);
    assert_all_different(rx);
    assert_values(rx, 1, 5);
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

static int live_as_grandchild(void *arg)
{
    return in_child(live_as_child, arg);
}

/* SDK-PROC-15: as daemons do it, which fork twice */
static void test_a_childs_child_starts_clean_too(void **state)
{
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = start(otk_receiver_url(rx), NULL, false);
    struct family f = {sdk, otk_sdk_tracer(sdk, "t", NULL), NULL, NULL};
    f.counter = otk_meter_counter(otk_sdk_meter(sdk, "m", NULL), "count", NULL, NULL);
    f.open = otk_span_start(f.tracer, "open", NULL);
    assert_int_equal(in_child(live_as_grandchild, &f), 0);
    assert_int_equal(span_count(rx), 1);
    otk_span_free(f.open);
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

static int record_and_stop(void *arg)
{
    struct family *f = arg;
    record(f->tracer, "child");
    int rc = otk_sdk_force_flush(f->sdk, PATIENCE_MS);
    otk_sdk_stop(f->sdk);
    return rc ? 1 : 0;
}

struct producer {
    otk_tracer *tracer;
    atomic_bool *stop;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    while (!atomic_load(p->stop))
        record(p->tracer, "busy");
    return NULL;
}

/* SDK-PROC-15: whatever the other threads are in the middle of */
static void test_a_fork_may_come_at_any_moment(void **state)
{
    pthread_t threads[2];
    atomic_bool stop = false;
    const char *const quick[] = {"OTEL_BSP_SCHEDULE_DELAY=1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=16", NULL};
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = start(otk_receiver_url(rx), quick, false);
    struct family f = {sdk, otk_sdk_tracer(sdk, "t", NULL), NULL, NULL};
    struct producer producer = {f.tracer, &stop};
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producer), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(in_child(record_and_stop, &f), 0);
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

struct forking {
    bool forked;
    pid_t child;
};

static void fork_once(otk_span *span, void *arg)
{
    struct forking *f = arg;
    (void)span;
    if (!f->forked) {
        f->forked = true;
        f->child = fork();
    }
}

/* SDK-PROC-15: the child comes back from a processor in the middle of a span's end, which is the parent's. */
static void test_a_fork_in_a_processor_exports_the_span_once(void **state)
{
    struct forking f = {false, 0};
    const otk_span_processor processor = {NULL, fork_once, NULL, NULL, &f};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    int status;
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    options.endpoint = otk_receiver_url(rx);
    options.ignore_environment = true;
    options.processors = &processor;
    options.processor_count = 1;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    fflush(NULL);
    otk_span_free(otk_span_start(otk_sdk_tracer(sdk, "t", NULL), "ends once", NULL));
    if (f.child == 0)
        _exit(otk_sdk_force_flush(sdk, PATIENCE_MS) ? 1 : 42);
    assert_int_equal(waitpid(f.child, &status, 0), f.child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(otk_sdk_force_flush(sdk, PATIENCE_MS), 0);
    assert_int_equal(span_count(rx), 1);
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

/* ---- Signals --------------------------------------------------------- */

static void read_handlers(struct sigaction out[NSIG])
{
    for (int i = 1; i < NSIG; i++)
        if (sigaction(i, NULL, &out[i]))
            out[i].sa_handler = SIG_DFL;
}

static bool same_handlers(const struct sigaction *a, const struct sigaction *b)
{
    bool same = true;
    for (int i = 1; i < NSIG; i++)
        same = same && a[i].sa_handler == b[i].sa_handler && a[i].sa_flags == b[i].sa_flags;
    return same;
}

static int export_to_hangups(void *arg)
{
    static struct sigaction handlers[2][NSIG];
    static sigset_t before, after; /* the kernel fills a part of them */
    const char *const settings[] = {"OTEL_C_EXPORTER_RETRY_DELAY=1", NULL};
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    read_handlers(handlers[0]);
    otk_sdk *sdk = start(arg, settings, true);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "t", NULL);
    for (int i = 0; i < 3; i++) {
        record(tracer, "s");
        otk_sdk_force_flush(sdk, PATIENCE_MS);
    }
    otk_sdk_stop(sdk);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    read_handlers(handlers[1]);
    return !same_handlers(handlers[0], handlers[1]) || memcmp(&before, &after, sizeof before) != 0;
}

static unsigned count_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count - 2; /* "." and ".." */
}

/* What this thread does not want goes nowhere: the other one would end the process by it. */
static int signal_past_the_sdk(void *arg)
{
    sigset_t unwanted, pending;
    sigemptyset(&unwanted);
    sigaddset(&unwanted, SIGUSR1);
    otk_sdk *sdk = start(arg, NULL, true);
    unsigned threads = count_threads();
    pthread_sigmask(SIG_BLOCK, &unwanted, NULL);
    kill(getpid(), SIGUSR1);
    sigpending(&pending);
    otk_sdk_stop(sdk);
    return threads != 2 || !sigismember(&pending, SIGUSR1);
}

static void test_the_one_thread_of_the_sdk_takes_no_signal(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    assert_int_equal(in_child(signal_past_the_sdk, (void *)(uintptr_t)server_url(server)), 0);
    server_stop(server);
}

static void test_no_signal_comes_from_the_network_and_none_is_handled(void **state)
{
    const char *const script[] = {server_hangs_up, server_hangs_up, SERVER_OK, server_hangs_up, NULL};
    (void)state;
    struct server *server = server_start(script);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(in_child(export_to_hangups, (void *)(uintptr_t)server_url(server)), 0);
    server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_forked_child_starts_clean),
        cmocka_unit_test(test_a_childs_child_starts_clean_too),
        cmocka_unit_test(test_a_fork_may_come_at_any_moment),
        cmocka_unit_test(test_a_fork_in_a_processor_exports_the_span_once),
        cmocka_unit_test(test_the_one_thread_of_the_sdk_takes_no_signal),
        cmocka_unit_test(test_no_signal_comes_from_the_network_and_none_is_handled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
