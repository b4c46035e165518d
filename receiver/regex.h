/* Regular expressions that cannot run away.
 *
 * Patterns are matched as a whole (anchored at both ends), as TraceQL does, in time linear in the text and in memory
 * fixed at compile time. What no automaton can do (look-around, back references, atomic groups, recursion) is refused.
 */
#ifndef OTLPKIT_REGEX_H
#define OTLPKIT_REGEX_H

#include "otlpkit/otlp.h"

struct otk_regex {
    struct otk_regex *next; /* for the owner */
    void *code;
    int *workspace;
};

/* Returns 0, OTK_EINVAL with a sentence and the offset of what is wrong, or OTK_ENOMEM. */
int otk_regex_new(struct otk_regex **out, otk_string pattern, char *sentence, size_t sentence_size, size_t *offset);
void otk_regex_free(struct otk_regex *r);

/* 1, 0, or OTK_ELIMIT when the pattern needs more states for this text than it may have; not for two threads at once.
 * The text is UTF-8. */
int otk_regex_match(struct otk_regex *r, otk_string text);

#endif
