/* HTTP/1.1 on loopback: sockets, connections, and requests read whole.
 *
 * One thread runs it all. What a request means is the endpoint's business, and
 * where it goes the store's; here it is only read, kept in time, and answered.
 */
#ifndef OTLPKIT_HTTP_H
#define OTLPKIT_HTTP_H

#include "store.h"

struct otk_http;

/* Listens as `options` say and takes requests into `store`. NULL and `error`
 * (never NULL here) when that cannot be. */
struct otk_http *otk_http_start(const otk_receiver_options *options, struct otk_store *store, otk_error *error);

/* Closes the port, answers what has arrived whole, and ends the thread. */
void otk_http_stop(struct otk_http *h);

const char *otk_http_url(const struct otk_http *h);
uint16_t otk_http_port(const struct otk_http *h);

#endif
