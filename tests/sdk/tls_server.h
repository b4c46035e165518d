/* A server for tests that takes everything over TLS. */
#ifndef OTLPKIT_TEST_TLS_SERVER_H
#define OTLPKIT_TEST_TLS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct tls_server;

/* Its certificate and key are CERTIFICATES/name.pem and .key; of a client it
 * may demand one by CERTIFICATES/authority.pem, or answers 403. */
struct tls_server *tls_server_start(const char *name, bool demands_certificate);
void tls_server_stop(struct tls_server *s);

uint16_t tls_server_port(const struct tls_server *s);
unsigned tls_server_requests(struct tls_server *s);
unsigned tls_server_connections(struct tls_server *s);

#endif
