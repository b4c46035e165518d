#include "patterns.h"

#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t"

static bool fits(const char *pattern, size_t size, const char *text)
{
    const char *star = memchr(pattern, '*', size);
    size_t length = strlen(text);
    if (!star)
        return length == size && strncasecmp(pattern, text, size) == 0;
    size_t front = (size_t)(star - pattern), back = size - front - 1;
    return length >= front + back && strncasecmp(pattern, text, front) == 0 &&
           strncasecmp(star + 1, text + length - back, back) == 0;
}

bool otk_patterns_have(const char *list, const char *text)
{
    while (list && *list) {
        list += strspn(list, SEPARATORS);
        size_t size = strcspn(list, SEPARATORS);
        if (size && fits(list, size, text))
            return true;
        list += size;
    }
    return false;
}
