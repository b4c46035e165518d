#include "cors.h"

#include "patterns.h"

#define UNSENDABLE "\t\r\n" /* in a header of ours */

bool otk_cors_allows(const char *list, const char *origin)
{
    return *origin && !strpbrk(origin, UNSENDABLE) && otk_patterns_have(list, origin);
}

bool otk_cors_is_preflight(const otk_capture *c)
{
    return strcmp(c->method, "OPTIONS") == 0 && otk_headers_get(&c->headers, "Origin") &&
           otk_headers_get(&c->headers, "Access-Control-Request-Method");
}

size_t otk_cors_headers(const otk_capture *c, const char *methods, otk_header *out)
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
    out[n++] = (otk_header){"Access-Control-Allow-Methods", methods};
    if (asked && *asked && !strpbrk(asked, UNSENDABLE))
        out[n++] = (otk_header){"Access-Control-Allow-Headers", asked};
    out[n++] = (otk_header){"Access-Control-Max-Age", "600"};
    return n;
}
