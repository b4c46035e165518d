/* Cases that lie as data in fixtures/cases: what goes in, and what must come of it.
 *
 *     ## RX-PB-04 a scalar that comes twice: the last wins
 *     in span                 what stands around the bytes: request, resource, span, value, metric, point, histogram, log
 *     wire 2a{"a"} 2a{"b"}    bytes: hex, "text", {length-prefixed}, 3*(repeated)
 *     text {"name":"b"}       or OTLP/JSON that goes in, instead of wire
 *     json {"name":"b"}       the JSON that comes out
 *     fault name: …           or the fault
 *     note …                  what was odd but taken (the start of it)
 *
 * A line that starts with a space continues the one before.
 */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include "buffer.h"

struct test_case {
    char *title;
    const struct case_frame *frame;
    bool is_text;
    struct otk_buffer input; /* complete request */
    char *json;              /* complete expected output, or NULL */
    char *fault;
    char *note;
    otk_signal signal;
};

struct test_cases {
    struct test_case *items;
    size_t count;
};

/* Reads all cases of a file; a mistake in it ends the program with a sentence. */
struct test_cases test_cases_read(const char *path);
void test_cases_free(struct test_cases *cases);

#endif
