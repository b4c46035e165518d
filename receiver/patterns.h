/* Lists of names in which "*" stands for anything, separated by commas: http://localhost:*,https://app.example */
#ifndef OTLPKIT_PATTERNS_H
#define OTLPKIT_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `text` is among those of the list, NULL for an empty one; the same in either case. */
bool otk_patterns_have(const char *list, const char *text);

#endif
