#include "listener.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often the kernel may pick a port on 127.0.0.1 that is taken on ::1. */
#define PORT_ATTEMPTS 32

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static uint16_t port_of(const union address *a)
{
    return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

static void set_port(union address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else
        a->v4.sin_port = htons(port);
}

static union address loopback(int family)
{
    union address a = {0};
    a.any.sa_family = (sa_family_t)family;
    if (family == AF_INET6)
        a.v6.sin6_addr = in6addr_loopback;
    else
        a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* A listening socket, or a negative errno. The port that was picked goes into `a`. */
static int listen_on(union address *a)
{
    int on = 1;
    socklen_t size = a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &a->any, size) || listen(fd, SOMAXCONN) || getsockname(fd, &a->any, &size)) {
        int failed = errno;
        close(fd);
        return -failed;
    }
    return fd;
}

static int fail(otk_error *error, const union address *a, int failed)
{
    char host[INET6_ADDRSTRLEN] = "";
    bool v6 = a->any.sa_family == AF_INET6;
    const void *bytes = v6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr;
    inet_ntop(a->any.sa_family, bytes, host, sizeof host);
    const char *why = strerror(failed);
    error->code = OTK_ESYSTEM;
    snprintf(error->message, sizeof error->message, "cannot listen on %s%s%s:%u: %c%s", v6 ? "[" : "", host,
             v6 ? "]" : "", port_of(a), tolower((unsigned char)*why), why + 1);
    return OTK_ESYSTEM;
}

static bool has_no_ipv6(int failed)
{
    return failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT || failed == ENETUNREACH;
}

/* 127.0.0.1, and ::1 where there is one. */
static int open_loopback(struct otk_listener *l, uint16_t port, otk_error *error)
{
    for (int attempt = 1;; attempt++) {
        union address v4 = loopback(AF_INET);
        union address v6 = loopback(AF_INET6);
        set_port(&v4, port);
        int first = listen_on(&v4);
        if (first < 0)
            return fail(error, &v4, -first);
        set_port(&v6, port_of(&v4));
        int second = listen_on(&v6);
        if (second < 0 && !has_no_ipv6(-second)) {
            close(first);
            if (second == -EADDRINUSE && port == 0 && attempt < PORT_ATTEMPTS)
                continue;
            return fail(error, &v6, -second);
        }
        l->sockets[l->count++] = first;
        if (second >= 0)
            l->sockets[l->count++] = second;
        l->port = port_of(&v4);
        snprintf(l->url, sizeof l->url, "http://127.0.0.1:%u", l->port);
        return 0;
    }
}

/* A URL that reaches the socket: the wildcard address names no host. */
static void name_url(struct otk_listener *l, const char *host, const union address *a)
{
    if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr))
        host = "::1";
    if (a->any.sa_family == AF_INET && a->v4.sin_addr.s_addr == htonl(INADDR_ANY))
        host = "127.0.0.1";
    bool literal = strchr(host, ':') != NULL;
    snprintf(l->url, sizeof l->url, "http://%s%.255s%s:%u", literal ? "[" : "", host, literal ? "]" : "", l->port);
}

static int open_host(struct otk_listener *l, const char *host, uint16_t port, otk_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    union address a = {0};
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc) {
        error->code = rc == EAI_MEMORY ? OTK_ENOMEM : OTK_EINVAL;
        snprintf(error->message, sizeof error->message, "cannot listen on %.200s: %s", host, gai_strerror(rc));
        return error->code;
    }
    if (found->ai_addrlen <= sizeof a)
        memcpy(&a, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    set_port(&a, port);
    int fd = listen_on(&a);
    if (fd < 0)
        return fail(error, &a, -fd);
    l->sockets[l->count++] = fd;
    l->port = port_of(&a);
    name_url(l, host, &a);
    return 0;
}

int otk_listener_open(struct otk_listener *out, const char *host, uint16_t port, otk_error *error)
{
    *out = (struct otk_listener){0};
    return host ? open_host(out, host, port, error) : open_loopback(out, port, error);
}

void otk_listener_close(struct otk_listener *l)
{
    for (size_t i = 0; i < l->count; i++)
        close(l->sockets[i]);
    l->count = 0;
}
