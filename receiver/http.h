/* HTTP/1.1 on loopback: sockets, connections, and requests read whole.
 *
 * One thread runs it all. What a request means is the endpoint's business, and
 * where it goes the store's; here it is only read, kept in time, and answered.
 */
#ifndef OTLPKIT_HTTP_H
#define OTLPKIT_HTTP_H

#include "desk.h"

struct otk_http;

/* Listens as `options` say; what comes belongs to `root` and its sessions. NULL and `error` (never NULL here) when that
 * cannot be. */
struct otk_http *otk_http_new(const otk_receiver_options *options, otk_receiver *root, otk_error *error);
void otk_http_free(struct otk_http *h);

/* Begins to accept connections. 0, or the code that it also puts in `error`. */
int otk_http_start(struct otk_http *h, otk_error *error);

/* Closes the port, answers what has arrived whole, and ends the thread. Once is enough. */
void otk_http_close(struct otk_http *h);

const char *otk_http_url(const struct otk_http *h);
uint16_t otk_http_port(const struct otk_http *h);
struct otk_desk *otk_http_desk(const struct otk_http *h);

#endif
