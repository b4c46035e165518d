#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* SIGTSTP is not among them: its default stops us with the child, so that the shell has the terminal again. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};

void otk_child_prepare(struct child *c, int wake)
{
    sigemptyset(&c->signals);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        sigaddset(&c->signals, passed_on[i]);
    sigaddset(&c->signals, SIGCHLD);
    sigaddset(&c->signals, wake);
    pthread_sigmask(SIG_BLOCK, &c->signals, &c->mask);
    signal(SIGCHLD, SIG_DFL); /* where it was ignored there would be nothing to wait for */
}

/* In the child. Only an exec that fails returns, and says why through `tell`. */
static void become(const struct child *c, char **argv, const struct rlimit *files, int tell)
{
    setrlimit(RLIMIT_NOFILE, files);
    pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
    execvp(argv[0], argv);
    int failed = errno;
    _exit(write(tell, &failed, sizeof failed) < 0 ? 126 : 127);
}

int otk_child_start(struct child *c, char **argv, const struct rlimit *files)
{
    int failed = 0, tell[2];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe2(tell, O_CLOEXEC))
        return errno;
    c->pid = fork();
    if (c->pid == 0)
        become(c, argv, files, tell[1]);
    if (c->pid < 0)
        failed = errno;
    close(tell[1]);
    /* The pipe is closed by a successful exec. */
    if (!failed && read(tell[0], &failed, sizeof failed) > 0)
        waitpid(c->pid, NULL, 0);
    close(tell[0]);
    return failed;
}

/* What it is told by the terminal, the child is told as well: passed on is what came to us alone. */
static bool is_for_us_alone(const siginfo_t *info)
{
    return info->si_code <= 0;
}

static bool is_passed_on(int number)
{
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        if (passed_on[i] == number)
            return true;
    return false;
}

/* Whether any child is left. */
static bool reap(struct child *c)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != c->pid)
            continue;
        c->status = status;
        c->pid = 0;
    }
    return pid == 0;
}

int otk_child_wait(struct child *c)
{
    siginfo_t info;
    while (reap(c), c->pid) {
        int number = sigwaitinfo(&c->signals, &info);
        if (number > 0 && is_passed_on(number) && is_for_us_alone(&info))
            kill(c->pid, number);
    }
    return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void otk_child_wait_left(struct child *c, unsigned timeout_ms, bool (*enough)(void *arg), void *arg)
{
    int64_t left, end = now_ns() + (int64_t)timeout_ms * 1000000;
    while (reap(c) && !enough(arg) && (left = end - now_ns()) > 0) {
        struct timespec time = {left / 1000000000, left % 1000000000};
        int number = sigtimedwait(&c->signals, NULL, &time);
        if (number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM) {
            c->interrupted = number;
            return;
        }
    }
}
