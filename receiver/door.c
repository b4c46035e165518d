#include "door.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct silent {
    struct otk_entry entry;
    struct otk_source source;
    struct otk_door *door;
    struct otk_caller caller;
};

/* Whether there is something to tell it by. The end of a connection is nothing. */
static bool listen_to(int fd, enum otk_speech *out)
{
    char first[OTK_SPEECH_BYTES];
    ssize_t size = recv(fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT);
    if (size > 0)
        *out = otk_speech_of(first, (size_t)size);
    return size > 0;
}

/* The caller is left to whoever calls. */
static struct otk_caller forget(struct silent *s)
{
    struct otk_caller caller = s->caller;
    otk_deadlines_remove(&s->door->queue, &s->entry);
    otk_loop_forget(s->door->loop, &s->source);
    s->door->count--;
    free(s);
    return caller;
}

static void shut(struct silent *s)
{
    close(forget(s).fd);
}

static void hear(struct otk_source *source)
{
    struct silent *s = (struct silent *)(void *)((char *)source - offsetof(struct silent, source));
    struct otk_door *d = s->door;
    enum otk_speech speech;
    if (!listen_to(source->fd, &speech)) {
        shut(s);
        return;
    }
    struct otk_caller caller = forget(s);
    d->enter(d, &caller, speech);
}

void otk_door_add(struct otk_door *d, const struct otk_caller *caller)
{
    enum otk_speech speech = OTK_SPEECH_HTTP;
    struct silent *s = listen_to(caller->fd, &speech) ? NULL : calloc(1, sizeof *s);
    if (!s) {
        d->enter(d, caller, speech);
        return;
    }
    s->door = d;
    s->caller = *caller;
    otk_deadlines_push(&d->queue, &s->entry, d->loop->now_ms);
    d->count++;
    if (!otk_loop_watch(d->loop, &s->source, caller->fd, EPOLLIN, hear))
        shut(s);
}

void otk_door_turn_away(struct otk_door *d)
{
    shut((struct silent *)d->queue.first);
}

void otk_door_expire(struct otk_door *d)
{
    while (otk_deadlines_due(&d->queue, d->loop->now_ms))
        otk_door_turn_away(d);
}

void otk_door_clear(struct otk_door *d)
{
    while (d->queue.first)
        otk_door_turn_away(d);
}
