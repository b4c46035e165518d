/* What one thread polls, and the time of its last look at the clock. */
#ifndef OTLPKIT_LOOP_H
#define OTLPKIT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct otk_loop {
    int epoll;
    uint64_t now_ms; /* of CLOCK_MONOTONIC */
};

struct otk_source {
    void (*ready)(struct otk_source *s);
    int fd;
};

/* False when the machine refuses; errno says why. */
bool otk_loop_open(struct otk_loop *l);
void otk_loop_close(struct otk_loop *l);

bool otk_loop_watch(struct otk_loop *l, struct otk_source *s, int fd, uint32_t events,
                    void (*ready)(struct otk_source *s));
void otk_loop_change(struct otk_loop *l, struct otk_source *s, uint32_t events);
void otk_loop_forget(struct otk_loop *l, struct otk_source *s);

/* Waits up to `timeout_ms` (-1: for good), and calls what is ready. How many that were. */
int otk_loop_round(struct otk_loop *l, int timeout_ms);

#endif
