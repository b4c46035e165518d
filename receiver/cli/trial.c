#include "trial.h"

#include "environment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- Environment ----------------------------------------------------- */

struct places {
    const char *url, *lower, *upper;
};

static const char *place_at(const struct places *p, const char *text, size_t *size)
{
    const struct {
        const char *name, *value;
    } places[] = {{"{url}", p->url}, {"{signal}", p->lower}, {"{SIGNAL}", p->upper}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        *size = strlen(places[i].name);
        if (strncmp(text, places[i].name, *size) == 0)
            return places[i].value;
    }
    return NULL;
}

/* False when memory ran out. */
static bool set(const char *setting, const struct places *places)
{
    char *text = NULL;
    size_t n, size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return false;
    while (*setting) {
        const char *value = place_at(places, setting, &n);
        if (value)
            fputs(value, to);
        else
            fputc(*setting, to);
        setting += value ? n : 1;
    }
    if (fclose(to)) {
        free(text);
        return false;
    }
    char *equals = strchr(text, '=');
    *equals = '\0';
    bool ok = setenv(text, equals + 1, 1) == 0;
    free(text);
    return ok;
}

static bool set_all(const struct trial_plan *plan, const char *url)
{
    static const char *const names[][2] = {{"traces", "TRACES"}, {"metrics", "METRICS"}, {"logs", "LOGS"}};
    bool ok = otk_environment_clean();
    for (const char *const *s = plan->settings; *s && ok; s++) {
        size_t times = strstr(*s, "{signal}") || strstr(*s, "{SIGNAL}") ? 3 : 1;
        for (size_t i = 0; i < times && ok; i++)
            ok = set(*s, &(struct places){url, names[i][0], names[i][1]});
    }
    /* A client ends long before its metrics are due again. */
    return ok && setenv("OTEL_METRIC_EXPORT_INTERVAL", "60000", 0) == 0 && otk_environment_set(url);
}

/* ---- Receiver -------------------------------------------------------- */

static int set_faults(otk_receiver *rx, const char *steps, otk_error *error)
{
    char script[512];
    if (!steps)
        return 0;
    snprintf(script, sizeof script, "traces: %s; metrics: %s; logs: %s", steps, steps, steps);
    return otk_receiver_faults_set(rx, script, error);
}

static void on_capture(const otk_capture *capture, void *arg)
{
    (void)arg;
    if (capture->number == 1)
        kill(getpid(), TRIAL_WAKE);
}

static int listen_on(struct trial *t, const struct command *command)
{
    static const otk_path paths[] = {
        {"/collector/v1/traces", OTK_SIGNAL_TRACES}, {"/collector/v1/metrics", OTK_SIGNAL_METRICS},
        {"/collector/v1/logs", OTK_SIGNAL_LOGS},     {"/own/traces", OTK_SIGNAL_TRACES},
        {"/own/metrics", OTK_SIGNAL_METRICS},        {"/own/logs", OTK_SIGNAL_LOGS},
        {"/own/traces/", OTK_SIGNAL_TRACES},         {"/own/metrics/", OTK_SIGNAL_METRICS},
        {"/own/logs/", OTK_SIGNAL_LOGS},
    };
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    otk_error error;
    options.host = "127.0.0.1";
    options.port = t->port;
    options.max_connections = 100;
    options.on_capture = on_capture;
    options.paths = paths;
    options.path_count = sizeof paths / sizeof *paths;
    t->rx = otk_receiver_start(&options, &error);
    if (t->rx && set_faults(t->rx, t->plan->faults, &error) == 0)
        return EXIT_HOLDS;
    fprintf(stderr, "otlpkit %s: %s\n", command->name, error.message);
    return EXIT_MACHINE;
}

/* Nobody else gets a port that is bound, and without a listen() connections to it are refused. */
static int hold_port(struct trial *t)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    t->held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->held < 0 || bind(t->held, (struct sockaddr *)&address, size) ||
        getsockname(t->held, (struct sockaddr *)&address, &size))
        return errno;
    t->port = ntohs(address.sin_port);
    return 0;
}

static int open_late(struct trial *t, const struct command *command)
{
    close(t->held);
    t->held = -1;
    t->opens_ns = INT64_MAX;
    return listen_on(t, command);
}

/* ---- Process --------------------------------------------------------- */

static int spawn_with(struct trial *t, char **argv, posix_spawnattr_t *attributes,
                      posix_spawn_file_actions_t *actions)
{
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failed = failed ? failed : posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(actions, fileno(t->said), STDERR_FILENO);
    return failed ? failed : posix_spawnp(&t->pid, argv[0], actions, attributes, argv, environ);
}

static int spawn(struct trial *t, const struct trial_setup *setup)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_setsigmask(&attributes, &setup->mask);
    int failed = spawn_with(t, setup->argv, &attributes, &actions);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    t->pid = failed ? 0 : t->pid;
    return failed;
}

static int refused(const struct trial_setup *setup, const char *what, int failed)
{
    fprintf(stderr, "otlpkit %s: cannot %s: %s\n", setup->command->name, what, strerror(failed));
    return EXIT_MACHINE;
}

static int64_t now_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int run(struct trial *t, const struct trial_setup *setup)
{
    char url[32];
    int64_t now_ns = now_of(CLOCK_MONOTONIC);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", t->rx ? otk_receiver_port(t->rx) : t->port);
    if (!set_all(t->plan, url))
        return refused(setup, "set the environment", ENOMEM);
    t->started_unix_ns = (uint64_t)now_of(CLOCK_REALTIME);
    int failed = spawn(t, setup);
    if (failed) {
        fprintf(stderr, "otlpkit %s: cannot execute %s: %s\n", setup->command->name, setup->argv[0], strerror(failed));
        return EXIT_USAGE;
    }
    t->opens_ns = t->plan->port == TRIAL_LATE ? now_ns + (int64_t)setup->late_ms * 1000000 : INT64_MAX;
    t->deadline_ns = now_ns + (int64_t)setup->timeout_ms * 1000000;
    return EXIT_HOLDS;
}

int otk_trial_start(struct trial *t, const struct trial_plan *plan, const struct trial_setup *setup)
{
    *t = (struct trial){.plan = plan, .held = -1, .said = tmpfile()};
    if (!t->said)
        return refused(setup, "make a file", errno);
    if (plan->port != TRIAL_OPEN) {
        int failed = hold_port(t);
        return failed ? refused(setup, "hold a port", failed) : run(t, setup);
    }
    int code = listen_on(t, setup->command);
    return code ? code : run(t, setup);
}

bool otk_trial_is_closed(const struct trial *t)
{
    return t->pid && t->opens_ns != INT64_MAX;
}

bool otk_trial_is_starting(const struct trial *t)
{
    return t->pid && t->plan->port == TRIAL_OPEN && !otk_receiver_request(t->rx, 0);
}

int64_t otk_trial_due(const struct trial *t)
{
    return t->opens_ns < t->deadline_ns ? t->opens_ns : t->deadline_ns;
}

/* What it left behind goes first: until it is waited for, its group is nobody else's. */
static void stop(struct trial *t)
{
    kill(-t->pid, SIGKILL);
    waitpid(t->pid, &t->status, 0);
    t->pid = 0;
}

static int end(struct trial *t, const struct trial_setup *setup)
{
    t->ended_unix_ns = (uint64_t)now_of(CLOCK_REALTIME);
    stop(t);
    if (!t->rx)
        return EXIT_HOLDS;
    otk_receiver_close(t->rx);
    t->attempts = otk_receiver_attempts(t->rx);
    return t->attempts ? EXIT_HOLDS : refused(setup, "look at the requests", ENOMEM);
}

int otk_trial_step(struct trial *t, const struct trial_setup *setup, int64_t now_ns)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
        return end(t, setup);
    if (t->deadline_ns <= now_ns) {
        kill(-t->pid, SIGKILL);
        t->killed = true;
        t->deadline_ns = INT64_MAX;
    }
    return t->opens_ns <= now_ns ? open_late(t, setup->command) : EXIT_HOLDS;
}

void otk_trial_clear(struct trial *t)
{
    if (t->pid)
        stop(t);
    otk_attempts_free(t->attempts);
    otk_receiver_stop(t->rx);
    if (t->held >= 0)
        close(t->held);
    if (t->said)
        fclose(t->said);
    *t = (struct trial){.held = -1};
}
