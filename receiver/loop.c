#include "loop.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16

static void look_at_clock(struct otk_loop *l)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    l->now_ms = (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

bool otk_loop_open(struct otk_loop *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    look_at_clock(l);
    return l->epoll >= 0;
}

void otk_loop_close(struct otk_loop *l)
{
    if (l->epoll >= 0)
        close(l->epoll);
    l->epoll = -1;
}

bool otk_loop_watch(struct otk_loop *l, struct otk_source *s, int fd, uint32_t events,
                    void (*ready)(struct otk_source *s))
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    *s = (struct otk_source){ready, fd};
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void otk_loop_change(struct otk_loop *l, struct otk_source *s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->fd, &event);
}

void otk_loop_forget(struct otk_loop *l, struct otk_source *s)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
}

int otk_loop_round(struct otk_loop *l, int timeout_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(l->epoll, events, EVENTS_AT_ONCE, timeout_ms);
    look_at_clock(l);
    for (int i = 0; i < n; i++) {
        struct otk_source *s = events[i].data.ptr;
        s->ready(s);
    }
    return n;
}
