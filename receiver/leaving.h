/* Connections that are answered and closed on our side, while what their clients still send is thrown away.
 *
 * Closing at once would reset the connection and could destroy the answer on its way (RFC 9112, section 9.6).
 */
#ifndef OTLPKIT_LEAVING_H
#define OTLPKIT_LEAVING_H

#include "loop.h"
#include "deadlines.h"

struct otk_leaving {
    struct otk_loop *loop;
    struct otk_deadlines queue; /* its time is how long a client may go on */
};

/* Holds the socket open beyond its closing by others. */
void otk_leaving_add(struct otk_leaving *l, int fd);

/* Closes those whose time has passed; all. */
void otk_leaving_expire(struct otk_leaving *l);
void otk_leaving_clear(struct otk_leaving *l);

#endif
