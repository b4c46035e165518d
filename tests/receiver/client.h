/* A small HTTP/1.1 client for tests: what is sent is exactly what the test
 * says, and every read has a deadline. */
#ifndef OTLPKIT_TEST_CLIENT_H
#define OTLPKIT_TEST_CLIENT_H

#include "test.h"

#include "buffer.h"
#include "schema.h"

struct client {
    int fd;
    struct otk_buffer in; /* received and not yet read */
};

struct response {
    unsigned status;
    char head[4096]; /* status line and headers, each line ended by a NUL */
    size_t head_size;
    struct otk_buffer body;
};

struct client client_open(uint16_t port);
struct client client_open_at(const char *host, uint16_t port);
void client_close(struct client *c);

/* Sends all of it; false when the peer does not take it. */
bool client_send(struct client *c, const void *data, size_t size);
bool client_print(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads one response with its body, chunked or of a given length; false when the connection ends or ten
 * seconds pass first. Clear `out` by response_clear(). */
bool client_read(struct client *c, struct response *out);

/* Receives until `text` has come, within ten seconds, and forgets all up to its end. */
bool client_sees(struct client *c, const char *text);

/* Whether the peer closes the connection within ten seconds. */
bool client_sees_end(struct client *c);

void response_clear(struct response *r);
const char *response_header(const struct response *r, const char *name);

/* The body, which must be a message of type `type`, as JSON whatever it came as; json_decref() it. */
struct json_t *response_message(const struct response *r, enum otk_message_id type);

struct post {
    const char *method; /* NULL: POST */
    const char *target; /* NULL: /v1/traces */
    const char *type;   /* NULL: application/x-protobuf; "": none */
    const char *coding; /* NULL: none */
    const char *extra;  /* further header lines, each with its CRLF; or NULL */
    const void *body;
    size_t size;
};

/* One request and its response, by Content-Length. */
struct response client_post(struct client *c, struct post p);

/* The same for a question: "GET /otlpkit/stats". `extra` and `body` may be NULL. */
struct response client_ask(struct client *c, const char *what, const char *extra, const char *body);

/* Sends it and does not wait. */
void client_send_question(struct client *c, const char *what, const char *extra, const char *body);

/* The body as text, valid until response_clear(). */
const char *response_text(struct response *r);

#endif
