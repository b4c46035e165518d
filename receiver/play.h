/* A step of the fault script on its way over the wire.
 *
 * Everything that libmicrohttpd does not do by itself is here. It reads as fast as it can, answers whole and at once, and
 * closes in order; a play makes it wait, by holding the connection, or goes past it to the socket: to reset it, or to
 * write an answer that breaks off or stalls. After that the daemon gets the connection back only to close it.
 *
 * A play begins when the head of a request was read and ends with its answer, or, where an idle connection is to be
 * closed, with that or the next request.
 */
#ifndef OTLPKIT_PLAY_H
#define OTLPKIT_PLAY_H

#include "fault.h"

struct otk_conn;
struct otk_http;
struct otk_play;

/* For the request that `n` reads, which has met a fault. False when memory ran out. */
bool otk_play_begin(struct otk_conn *n);

/* How much of the body that is there is read now. If that is not all as fast as may be, the connection is held. */
size_t otk_play_pace(struct otk_conn *n, size_t offered);

/* Whether the connection is to be reset, with so much of the body read. */
bool otk_play_breaks(const struct otk_conn *n, enum otk_fault_when when);
void otk_play_reset(struct otk_conn *n);

/* What the daemon is to do next with a request that is whole. Asked when it is so, and again when a connection that was
 * held goes on. */
enum otk_play_order { OTK_PLAY_ANSWER, OTK_PLAY_HOLD, OTK_PLAY_CLOSE };
enum otk_play_order otk_play_next(struct otk_conn *n);

/* The request that was held so, or NULL. */
const otk_capture *otk_play_held(const struct otk_conn *n);

/* The client has closed its side. */
void otk_play_unattend(struct otk_conn *n);

/* The request is over; and so is the play. */
void otk_play_complete(struct otk_conn *n);
void otk_play_end(struct otk_conn *n);

/* When the next one is due, or UINT64_MAX; and those that are, go on. */
uint64_t otk_plays_due(const struct otk_http *h);
void otk_plays_expire(struct otk_http *h);

#endif
