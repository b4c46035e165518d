/* Numbers as text, exact both ways and independent of the locale. */
#ifndef OTLPKIT_NUMBER_H
#define OTLPKIT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTK_NUMBER_MAX 32 /* room that any of the writers below is content with */

/* Each writes without a NUL and returns the length. */
size_t otk_number_u64(char *out, uint64_t value);
size_t otk_number_i64(char *out, int64_t value);

/* The shortest decimal that reads back to the same bits, in the notation of
 * ECMAScript's Number::toString; minus zero is -0.0. The value is finite. */
size_t otk_number_double(char *out, double value);

/* A JSON number (RFC 8259 section 6), already known to be one lexically. */
struct otk_decimal {
    bool negative;
    bool integral;      /* has no fraction once its exponent is applied */
    bool fits;          /* integral, and its magnitude is in `magnitude` */
    uint64_t magnitude;
};

/* The integer in a number such as 12, 1e2 or 1.0. */
struct otk_decimal otk_number_parse(const char *text, size_t size);

/* The nearest double, infinity when too large. */
double otk_number_parse_double(const char *text, size_t size);

#endif
