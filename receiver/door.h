/* The door: connections that have not yet sent a byte.
 *
 * A connection comes in with its first bytes, and by these it is told what it speaks, once for all of its requests: the
 * daemon would only close what is no HTTP/1.1, and wait for the end of a line that TLS never sends.
 */
#ifndef OTLPKIT_DOOR_H
#define OTLPKIT_DOOR_H

#include "deadlines.h"
#include "loop.h"
#include "speech.h"

#include <sys/socket.h>

struct otk_caller {
    int fd;
    struct sockaddr_storage address;
    socklen_t size;
};

struct otk_door {
    struct otk_loop *loop;
    struct otk_deadlines queue; /* its time is how long a connection may be silent */
    unsigned count;

    /* The socket is the callee's from here on. */
    void (*enter)(struct otk_door *d, const struct otk_caller *caller, enum otk_speech speech);
};

/* A connection that was just accepted; many have said something by then. */
void otk_door_add(struct otk_door *d, const struct otk_caller *caller);

/* Closes the oldest; those whose time has passed; all. */
void otk_door_turn_away(struct otk_door *d);
void otk_door_expire(struct otk_door *d);
void otk_door_clear(struct otk_door *d);

#endif
