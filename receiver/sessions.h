/* Sessions: receivers inside a receiver, by name.
 *
 * A session is made by its first use and is there until it is deleted, or its root stops. References keep its memory
 * while somebody looks at it: the table holds one, each question one, and a program that was given a handle one more.
 */
#ifndef OTLPKIT_SESSIONS_H
#define OTLPKIT_SESSIONS_H

#include "target.h"

#include <stdatomic.h>

struct otk_sessions;

/* A receiver's part in the table. */
struct otk_session {
    char name[OTK_SESSION_NAME_MAX + 1]; /* "" for a root */
    uint64_t number;                     /* in the order in which they were made */
    atomic_uint references;
    bool listed;     /* these by the table's lock: in the table, not yet deleted */
    bool handed_out; /* a program has a handle */
    otk_receiver *next, *previous;
    otk_receiver *next_of_hash;
};

/* Of those inside `root`: `max` at once. NULL when memory ran out. */
struct otk_sessions *otk_sessions_new(otk_receiver *root, unsigned max);

/* Frees all that are left, held or not. */
void otk_sessions_free(struct otk_sessions *s);

/* The session of that name, made when there is none, with a reference for otk_session_release(). OTK_EINVAL: no name for
 * a session; OTK_ELIMIT: too many; OTK_ENOMEM. */
int otk_sessions_use(struct otk_sessions *s, otk_string name, otk_receiver **out);

/* Why that failed, for people. */
const char *otk_session_refusal(int code);

/* Makes the reference that came from otk_sessions_use() a program's handle, for otk_session_take_back(); false, and the
 * reference is gone, when the session was deleted meanwhile. */
bool otk_session_hand_out(otk_receiver *rx);

/* Ends and forgets the session of a handle. */
void otk_session_take_back(otk_receiver *rx);

/* Ends the session; its name is forgotten, its captures stay as long as a reference to it. */
void otk_session_end(otk_receiver *rx);

/* These take a receiver or any of its sessions. */

/* The oldest session made after number `number`, with a reference; or NULL. The way to walk: 0, then session.number. */
otk_receiver *otk_session_after(otk_receiver *rx, uint64_t number);

/* Ends and forgets the session of that name; false: there is none. */
bool otk_session_delete(otk_receiver *rx, otk_string name);

/* One reference more, or less; the last one frees. */
otk_receiver *otk_session_hold(otk_receiver *rx);
void otk_session_release(otk_receiver *rx);

/* Of receiver.c: a session, not in the table yet, with one reference; and what frees one. */
otk_receiver *otk_receiver_inside(otk_receiver *root, otk_string name);
void otk_receiver_free(otk_receiver *rx);

/* Of receiver.c: nothing more comes into the session. */
void otk_receiver_end(otk_receiver *rx);

#endif
