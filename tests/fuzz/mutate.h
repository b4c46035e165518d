/* Changes bytes at random, as the dice say. */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include "buffer.h"
#include "dice.h"

/* One to four small changes; `other` is something to take pieces from. */
void mutate(struct otk_buffer *b, otk_bytes other, struct dice *dice);

#endif
