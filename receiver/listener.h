/* The sockets that a receiver listens on: one, or a pair for 127.0.0.1 and ::1
 * on the same port. */
#ifndef OTLPKIT_LISTENER_H
#define OTLPKIT_LISTENER_H

#include "otlpkit/receiver.h"

#define OTK_LISTENER_SOCKETS 2

struct otk_listener {
    int sockets[OTK_LISTENER_SOCKETS];
    size_t count;
    uint16_t port;
    char url[300];
};

/* Listens on `host` (NULL: on loopback) and `port` (0: one that is free). Returns 0, or the
 * code that it also puts in `error`. */
int otk_listener_open(struct otk_listener *out, const char *host, uint16_t port, otk_error *error);

void otk_listener_close(struct otk_listener *l);

#endif
