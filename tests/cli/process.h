/* The command as a process: what it is given, what it says, how it ends. */
#ifndef OTLPKIT_TEST_PROCESS_H
#define OTLPKIT_TEST_PROCESS_H

#include "test.h"

#include "buffer.h"

#include <stdio.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    FILE *out;      /* what it wrote to standard output so far, from the start */
    FILE *err;      /* its standard error, a pipe */
    int code;       /* once it has ended */
    struct otk_buffer out_text;
    struct otk_buffer err_text;
};

/* Starts `otlpkit ARGUMENTS…` (ended by NULL), its input from the file `input`,
 * or empty when that is NULL. Output goes to `output`, or is kept when that is NULL. */
struct process process_start(const char *const *arguments, const char *input, const char *output);

/* The next line of its standard error, without its end. */
void process_error_line(struct process *p, char *line, size_t size);

/* What it has written to standard output by now. */
const char *process_output(struct process *p);

/* Waits for its end: code, out_text and err_text are complete then. */
void process_wait(struct process *p);

void process_clear(struct process *p);

/* Start, wait. */
struct process process_run(const char *const *arguments, const char *input);

/* Starts a `serve`, and waits until it listens. */
struct process process_serve(const char *const *arguments, const char *output, uint16_t *port);

#define SERVE(port, ...) process_serve((const char *const[]){"serve", "--port", "0", __VA_ARGS__, NULL}, NULL, port)

/* Posts OTLP/JSON to it. Returns the status. */
unsigned post(uint16_t port, const char *target, const char *json);

/* Ends it by a signal: code, out_text and err_text are complete then. */
void process_stop(struct process *p, int signal_number);

void assert_has(const struct otk_buffer *text, const char *part);

/* That it ended with `code`, having written `out` and `err` among other things. Clears it. */
void assert_ends(struct process p, int code, const char *out, const char *err);

void write_file(const char *path, const char *text);

/* For a group of tests: a new folder to be in, which is empty again at the end. */
int process_enter_folder(void **state);
int process_leave_folder(void **state);

#define RUN(...) process_run((const char *const[]){__VA_ARGS__, NULL}, NULL)
#define START(...) process_start((const char *const[]){__VA_ARGS__, NULL}, NULL, NULL)

#endif
