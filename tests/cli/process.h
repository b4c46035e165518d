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

#define RUN(...) process_run((const char *const[]){__VA_ARGS__, NULL}, NULL)
#define START(...) process_start((const char *const[]){__VA_ARGS__, NULL}, NULL, NULL)

#endif
