/* A request as a carrier: its headers, any of them several times. */
#ifndef OTLPKIT_SDK_CARRIER_H
#define OTLPKIT_SDK_CARRIER_H

#include "test.h"

#include <strings.h>

struct carrier {
    struct {
        char name[32];
        char value[20000];
    } headers[4];
    size_t count;
    size_t asked; /* how often a header was read */
};

static inline void set_header(void *arg, const char *name, const char *value)
{
    struct carrier *carrier = arg;
    assert_true(carrier->count < COUNT(carrier->headers));
    size_t i = carrier->count++;
    assert_true(strlen(value) < sizeof carrier->headers[i].value);
    snprintf(carrier->headers[i].name, sizeof carrier->headers[i].name, "%s", name);
    snprintf(carrier->headers[i].value, sizeof carrier->headers[i].value, "%s", value);
}

/* Without regard to case, as HTTP has it. */
static inline const char *get_header(void *arg, const char *name, size_t index)
{
    struct carrier *carrier = arg;
    carrier->asked++;
    for (size_t i = 0; i < carrier->count; i++)
        if (strcasecmp(carrier->headers[i].name, name) == 0 && index-- == 0)
            return carrier->headers[i].value;
    return NULL;
}

/* The only header of this name, or NULL. */
static inline const char *header(struct carrier *carrier, const char *name)
{
    assert_null(get_header(carrier, name, 1));
    return get_header(carrier, name, 0);
}

#endif
