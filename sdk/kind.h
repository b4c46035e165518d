/* What a variable can be: how each kind of value is read, and shown again. */
#ifndef OTLPKIT_KIND_H
#define OTLPKIT_KIND_H

#include "buffer.h"
#include "warning.h"

struct otk_kind;

struct otk_variable {
    const char *name;
    const char *general; /* asked when `name` is not set, or NULL */
    const char *fallback;
    const struct otk_kind *kind;
    size_t field;     /* its offset in struct otk_config */
    unsigned minimum; /* of numbers */
    int signal;       /* whose exporter it concerns, or OTK_EVERY_SIGNAL */
    const char *help;
};

#define OTK_EVERY_SIGNAL (-1)

/* What is to be read, and from where. */
struct otk_raw {
    const struct otk_variable *variable;
    const char *name; /* the variable's own, or the general one */
    const char *text;
    struct otk_warnings *warnings;
};

/* Returned by parsers that ran out of memory. */
extern const char otk_kind_no_memory[];

struct otk_kind {
    /* Reads into the field at `to`. Returns NULL, or what is wrong. */
    const char *(*parse)(const struct otk_raw *raw, void *to);
    /* Appends the field at `at`, secrets masked. */
    void (*show)(struct otk_buffer *out, const struct otk_variable *v, const void *at);
    /* Appends text that has secrets in it; NULL: it has none. */
    void (*mask)(struct otk_buffer *out, const char *text);
};

extern const struct otk_kind otk_kind_bool;
extern const struct otk_kind otk_kind_number;
extern const struct otk_kind otk_kind_timeout; /* 0 is no limit; 24 days pass for that */
extern const struct otk_kind otk_kind_length;  /* empty is no limit */
extern const struct otk_kind otk_kind_text;
extern const struct otk_kind otk_kind_exporter;    /* whether it is otlp */
extern const struct otk_kind otk_kind_protocol;    /* whether it is http/json */
extern const struct otk_kind otk_kind_compression; /* whether it is gzip */
extern const struct otk_kind otk_kind_endpoint;
extern const struct otk_kind otk_kind_headers;
extern const struct otk_kind otk_kind_propagators; /* a bool for each otk_propagator */
extern const struct otk_kind otk_kind_sampler;
extern const struct otk_kind otk_kind_ratio; /* of a sampler */
extern const struct otk_kind otk_kind_only;  /* nothing but the default is done here; has no field */
extern const struct otk_kind otk_kind_never; /* the variable itself is not looked at; has no field */

#endif
