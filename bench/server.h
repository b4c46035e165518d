/* Servers to compare, each in a process of its own so that its CPU time can be told, and a client for them. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "buffer.h"

#include <sys/types.h>

/* Starts listening on loopback, writes its port to `port`, and serves until it is killed. */
typedef void bench_serve(int port_pipe);

struct bench_server {
    pid_t pid;
    int fd; /* a keep-alive connection to it */
};

struct bench_server bench_server_start(bench_serve *serve);
void bench_server_stop(struct bench_server *s);

/* CPU seconds that the server's process has used. */
double bench_server_seconds(const struct bench_server *s);

/* A connection to a server that runs already. */
int bench_connect(uint16_t port);

/* A whole HTTP request that carries `body`. */
struct otk_buffer bench_request(const struct otk_buffer *body);

/* Sends it and reads the answer; ends the program when that is not 200. */
void bench_exchange(const struct bench_server *s, const struct otk_buffer *request);

/* Tells the parent through the pipe which port a server listens on. */
void bench_tell_port(int port_pipe, uint16_t port);

/* The floors: libmicrohttpd with a handler that only drains, and with one that keeps a malloc'd copy of each body. */
void bench_serve_null(int port_pipe);
void bench_serve_keeping(int port_pipe);

/* Starts the first of them in this process and returns. */
void bench_start_null(int port_pipe);

#endif
