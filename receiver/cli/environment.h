/* The environment of a child: what points it at the receiver, and what may have kept it from there. */
#ifndef OTLPKIT_ENVIRONMENT_H
#define OTLPKIT_ENVIRONMENT_H

#include <stdbool.h>
#include <stdio.h>

/* Removes what configures an SDK, or sends it through a proxy. False when memory ran out. */
bool otk_environment_clean(void);

/* Sets what the child will inherit, except what the user has set. False when memory ran out. */
bool otk_environment_set(const char *url);

/* Why nothing may have come from it: a line for each reason that can be seen. */
void otk_environment_explain(const char *url, FILE *to);

#endif
