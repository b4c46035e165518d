#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void must_hold(const char *wrong)
{
    if (!wrong)
        return;
    fprintf(stderr, "does not hold: %s (%s)\n", wrong, strerror(errno));
    abort();
}
