#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void must_hold(const char *wrong)
{
    if (!wrong)
        return;
    fprintf(stderr, "does not hold: %s\n", wrong);
    abort();
}
