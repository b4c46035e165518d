/* Questions to a receiver that runs elsewhere: the HTTP client of wait, check, clear and dump. */
#ifndef OTLPKIT_CLIENT_H
#define OTLPKIT_CLIENT_H

#include "command.h"

#include <stdio.h>

struct client {
    const struct command *command;
    const char *url;
    const char *session;
};

/* Of struct client. */
extern const struct option_group otk_client_options;

struct ask {
    const char *method;
    const char *path;             /* /otlpkit/wait */
    const char *argument, *value; /* of the query, or NULL */
    const char *accept;           /* a media type, or NULL */
    const char *body;             /* or NULL */
    unsigned wait_ms;             /* how long the answer may be waited for by itself */
    FILE *holds;                  /* where a 2xx answer goes; NULL: nowhere */
    FILE *unmet;                  /* where a 417 answer goes */
};

/* Says on standard error what went wrong. Returns the code to exit with, EXIT_UNMET for a 417. */
int otk_client_ask(const struct client *c, const struct ask *ask);

/* All that came, or what `where` (NULL: all) selects of it, as OTLP/JSON lines. */
int otk_client_dump(const struct client *c, const char *where, FILE *to);

#endif
