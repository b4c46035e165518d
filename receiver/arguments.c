#include "arguments.h"

#include "utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at `from`, an escape or plain; or -1. */
static int next_byte(const char **from)
{
    const char *p = *from;
    *from += *p == '%' ? 3 : 1;
    if (*p != '%')
        return *p == '+' ? ' ' : (unsigned char)*p;
    int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
    return low < 0 ? -1 : high << 4 | low;
}

/* In place: what is unescaped is never longer. */
static int unescape(char *text, otk_string *out)
{
    char *to = text;
    for (const char *from = text; *from;) {
        int byte = next_byte(&from);
        if (byte <= 0)
            return OTK_EDATA;
        *to++ = (char)byte;
    }
    *to = '\0';
    *out = (otk_string){text, (size_t)(to - text)};
    return otk_utf8_valid((const uint8_t *)text, out->size) == out->size ? 0 : OTK_EDATA;
}

static int read_one(struct otk_argument *out, char *text)
{
    otk_string name;
    size_t size = strcspn(text, "=");
    char *value = text + size + (text[size] == '=');
    text[size] = '\0';
    int rc = unescape(text, &name);
    out->name = name.data;
    return rc ? rc : unescape(value, &out->value);
}

static size_t count_of(const char *query)
{
    size_t count = 1;
    for (; *query; query++)
        count += *query == '&';
    return count;
}

int otk_arguments_read(struct otk_arguments *out, const char *target, struct otk_arena *arena)
{
    const char *query = target + strcspn(target, "?#");
    query += *query == '?';
    char *text = otk_arena_string(arena, query, strcspn(query, "#"));
    struct otk_argument *items = text ? otk_arena_alloc(arena, count_of(text) * sizeof *items) : NULL;
    size_t count = 0;
    if (!items)
        return OTK_ENOMEM;
    for (char *next = text; next; text = next) {
        next = strchr(text, '&');
        if (next)
            *next++ = '\0';
        int rc = *text ? read_one(&items[count++], text) : 0;
        if (rc)
            return rc;
    }
    *out = (struct otk_arguments){items, count};
    return 0;
}
