#include "accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"
#define WEIGHT_MAX 1000
#define UNSAID (-1)

/* A qvalue in thousandths; one that is malformed counts as none, so that nobody gets what he may not want. */
static int read_weight(const char *p)
{
    int weight = *p == '0' || *p == '1' ? (*p++ - '0') * WEIGHT_MAX : UNSAID;
    if (weight == UNSAID)
        return 0;
    if (*p == '.')
        p++;
    for (int unit = WEIGHT_MAX / 10; unit && *p >= '0' && *p <= '9'; unit /= 10)
        weight += (*p++ - '0') * unit;
    return weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
}

/* The weight among the parameters in front of `end`. */
static int weight_of(const char *p, const char *end)
{
    while ((p = memchr(p, ';', (size_t)(end - p)))) {
        p += 1 + strspn(p + 1, BLANKS);
        if ((*p == 'q' || *p == 'Q') && p[1] == '=')
            return read_weight(p + 2);
    }
    return WEIGHT_MAX;
}

static bool is(const char *name, size_t size, const char *what)
{
    return size == strlen(what) && strncasecmp(name, what, size) == 0;
}

bool otk_accepts_gzip(const char *list)
{
    int gzip = UNSAID, identity = UNSAID, rest = UNSAID;
    while (list && *list) {
        const char *name = list + strspn(list, BLANKS ",");
        const char *end = name + strcspn(name, ",");
        size_t size = strcspn(name, ",;" BLANKS);
        int weight = weight_of(name, end);
        if (is(name, size, "gzip") || is(name, size, "x-gzip"))
            gzip = weight;
        else if (is(name, size, "identity"))
            identity = weight;
        else if (is(name, size, "*"))
            rest = weight;
        list = end;
    }
    if (gzip == UNSAID)
        gzip = rest;
    return gzip > 0 && gzip >= identity;
}
