/* The request headers that OTEL_EXPORTER_OTLP_HEADERS asks for.
 *
 * Always holds: names are tokens and values have no control characters, so
 * that nothing can smuggle a line into a request, and none of them is about the
 * body.
 */
#ifndef OTLPKIT_HEADERS_H
#define OTLPKIT_HEADERS_H

#include "warning.h"

struct otk_header_list {
    char **lines; /* "Name: value", as curl takes them */
    size_t count;
};

/* Reads `key=value,key=value`. A member that cannot be a header is warned about,
 * without its value, and left out. Returns 0 or OTK_ENOMEM. */
int otk_header_list_parse(const char *name, const char *text, struct otk_warnings *warnings,
                          struct otk_header_list *out);

void otk_header_list_clear(struct otk_header_list *list);

#endif
