/* A server for tests: it takes requests one after the other and answers them
 * from a script. */
#ifndef OTLPKIT_TEST_SERVER_H
#define OTLPKIT_TEST_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole HTTP response, or one of these. */
#define SERVER_OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define SERVER_STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
extern const char server_hangs_up[]; /* closes the connection instead of answering */
extern const char server_holds[];    /* answers 200 once server_release() was called */
extern const char server_floods[];   /* answers with 5 MiB */

struct request {
    char *head; /* request line and headers */
    uint8_t *body;
    size_t size;
};

struct server;

/* The script ends with NULL; after that everything is answered with 200. */
struct server *server_start(const char *const *script);
void server_stop(struct server *s);

const char *server_url(const struct server *s);
uint16_t server_port(const struct server *s);

/* Blocks until that many requests came; fails the test after ten seconds. */
void server_wait(struct server *s, size_t requests);
void server_release(struct server *s);

size_t server_request_count(struct server *s);
size_t server_connection_count(struct server *s);

/* Valid until stop. */
const struct request *server_request(struct server *s, size_t i);

/* The value of a header, copied into `out`; false when it was not sent. */
bool request_header(const struct request *r, const char *name, char *out, size_t size);
bool request_begins(const struct request *r, const char *line);

#endif
