#include "cors.h"

#include <strings.h>

#define SEPARATORS ", \t"
#define UNSENDABLE "\t\r\n" /* in a header of ours */

/* Scheme and host are the same in either case, and browsers write them small. */
static bool fits(const char *pattern, size_t size, const char *origin)
{
    const char *star = memchr(pattern, '*', size);
    size_t length = strlen(origin);
    if (!star)
        return length == size && strncasecmp(pattern, origin, size) == 0;
    size_t front = (size_t)(star - pattern), back = size - front - 1;
    return length >= front + back && strncasecmp(pattern, origin, front) == 0 &&
           strncasecmp(star + 1, origin + length - back, back) == 0;
}

bool otk_cors_allows(const char *list, const char *origin)
{
    if (!*origin || strpbrk(origin, UNSENDABLE))
        return false;
    while (list && *list) {
        list += strspn(list, SEPARATORS);
        size_t size = strcspn(list, SEPARATORS);
        if (size && fits(list, size, origin))
            return true;
        list += size;
    }
    return false;
}

bool otk_cors_is_preflight(const otk_capture *c)
{
    return strcmp(c->method, "OPTIONS") == 0 && otk_headers_get(&c->headers, "Origin") &&
           otk_headers_get(&c->headers, "Access-Control-Request-Method");
}

size_t otk_cors_headers(const otk_capture *c, otk_header *out)
{
    const char *asked = otk_headers_get(&c->headers, "Access-Control-Request-Headers");
    size_t n = 0;
    out[n++] = (otk_header){"Access-Control-Allow-Origin", otk_headers_get(&c->headers, "Origin")};
    out[n++] = (otk_header){"Access-Control-Allow-Credentials", "true"}; /* navigator.sendBeacon has it this way */
    out[n++] = (otk_header){"Vary", "Origin"};
    if (!otk_cors_is_preflight(c)) {
        out[n++] = (otk_header){"Access-Control-Expose-Headers", "Retry-After"};
        return n;
    }
    out[n++] = (otk_header){"Access-Control-Allow-Methods", "POST"};
    if (asked && *asked && !strpbrk(asked, UNSENDABLE))
        out[n++] = (otk_header){"Access-Control-Allow-Headers", asked};
    out[n++] = (otk_header){"Access-Control-Max-Age", "600"};
    return n;
}
