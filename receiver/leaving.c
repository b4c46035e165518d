#include "leaving.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct leaver {
    struct otk_entry entry;
    struct otk_source source;
    struct otk_leaving *among;
};

static struct leaver *leaver_of(struct otk_source *s)
{
    return (struct leaver *)(void *)((char *)s - offsetof(struct leaver, source));
}

static void end(struct leaver *l)
{
    otk_deadlines_remove(&l->among->queue, &l->entry);
    otk_loop_forget(l->among->loop, &l->source); /* others may still hold the socket open */
    close(l->source.fd);
    free(l);
}

static void drain(struct otk_source *s)
{
    char unread[16384];
    ssize_t n = recv(s->fd, unread, sizeof unread, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        end(leaver_of(s));
}

void otk_leaving_add(struct otk_leaving *among, int fd)
{
    struct leaver *l = calloc(1, sizeof *l);
    int held = l ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (held < 0) {
        free(l);
        return;
    }
    l->among = among;
    otk_deadlines_push(&among->queue, &l->entry, among->loop->now_ms);
    shutdown(held, SHUT_WR);
    if (!otk_loop_watch(among->loop, &l->source, held, EPOLLIN, drain))
        end(l);
}

void otk_leaving_expire(struct otk_leaving *among)
{
    struct otk_entry *e;
    while ((e = otk_deadlines_due(&among->queue, among->loop->now_ms)))
        end((struct leaver *)e);
}

void otk_leaving_clear(struct otk_leaving *among)
{
    while (among->queue.first)
        end((struct leaver *)among->queue.first);
}
