#include "trace_state.h"

#include "text.h"

#include <stdlib.h>

enum { MAX_MEMBERS = 32, MAX_KEY = 256, MAX_VALUE = 256 };

struct member {
    otk_string key, value;
};

/* Room for one more, which is there only until the last is pushed out. */
struct members {
    struct member items[MAX_MEMBERS + 1];
    size_t count;
};

/* ---- Grammar --------------------------------------------------------- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_key(otk_string key)
{
    if (!key.size || key.size > MAX_KEY || !is_alphanumeric(key.data[0]))
        return false;
    for (size_t i = 1; i < key.size; i++)
        if (!is_alphanumeric(key.data[i]) && !memchr("_-*/@", key.data[i], 5))
            return false;
    return true;
}

static bool is_value(otk_string value)
{
    if (!value.size || value.size > MAX_VALUE || value.data[value.size - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < ' ' || value.data[i] > '~' || value.data[i] == ',' || value.data[i] == '=')
            return false;
    return true;
}

/* Unlike in other lists, blanks around '=' are not dropped. */
static bool read_member(otk_string text, struct member *out)
{
    const char *equals = memchr(text.data, '=', text.size);
    if (!equals)
        return false;
    size_t key_size = (size_t)(equals - text.data);
    *out = (struct member){{text.data, key_size}, {equals + 1, text.size - key_size - 1}};
    return is_key(out->key) && is_value(out->value);
}

/* ---- Members --------------------------------------------------------- */

static struct member *find(struct members *m, otk_string key)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].key.size == key.size && memcmp(m->items[i].key.data, key.data, key.size) == 0)
            return &m->items[i];
    return NULL;
}

/* Of a repeated key the first counts, which is the latest change. */
static bool read_members(const char *text, struct members *m)
{
    otk_string rest = {text, strlen(text)};
    otk_string part;
    m->count = 0;
    while (otk_text_next_member(&rest, &part)) {
        struct member member;
        if (!read_member(part, &member))
            return false;
        if (find(m, member.key))
            continue;
        if (m->count == MAX_MEMBERS)
            return false;
        m->items[m->count++] = member;
    }
    return true;
}

static void read_or_empty(const char *text, struct members *m)
{
    if (!text || !read_members(text, m))
        m->count = 0;
}

static void remove_key(struct members *m, otk_string key)
{
    struct member *member = find(m, key);
    if (!member)
        return;
    size_t behind = m->count - (size_t)(member - m->items) - 1;
    memmove(member, member + 1, behind * sizeof *member);
    m->count--;
}

static void push_front(struct members *m, struct member member)
{
    memmove(m->items + 1, m->items, m->count * sizeof *m->items);
    m->items[0] = member;
    if (m->count < MAX_MEMBERS)
        m->count++;
}

static char *put(char *to, otk_string text, char behind)
{
    memcpy(to, text.data, text.size);
    to[text.size] = behind;
    return to + text.size + 1;
}

static char *write_members(const struct members *m)
{
    size_t size = 1;
    for (size_t i = 0; i < m->count; i++)
        size += m->items[i].key.size + m->items[i].value.size + 2;
    char *text = malloc(size);
    if (!text)
        return NULL;
    char *to = text;
    for (size_t i = 0; i < m->count; i++) {
        to = put(to, m->items[i].key, '=');
        to = put(to, m->items[i].value, i + 1 < m->count ? ',' : '\0');
    }
    *to = '\0';
    return text;
}

/* ---- Calls ----------------------------------------------------------- */

int otk_trace_state_read(const char *text, char **out)
{
    struct members members;
    if (!read_members(text, &members) || !members.count)
        return OTK_EDATA;
    char *made = write_members(&members);
    if (!made)
        return OTK_ENOMEM;
    *out = made;
    return 0;
}

static otk_string string_of(const char *text)
{
    return (otk_string){text ? text : "", text ? strlen(text) : 0};
}

otk_string otk_trace_state_get(const char *trace_state, const char *key)
{
    struct members members;
    read_or_empty(trace_state, &members);
    const struct member *member = find(&members, string_of(key));
    return member ? member->value : (otk_string){NULL, 0};
}

char *otk_trace_state_set(const char *trace_state, const char *key, const char *value)
{
    struct members members;
    struct member member = {string_of(key), string_of(value)};
    read_or_empty(trace_state, &members);
    if (is_key(member.key) && is_value(member.value)) {
        remove_key(&members, member.key);
        push_front(&members, member);
    }
    return write_members(&members);
}

char *otk_trace_state_remove(const char *trace_state, const char *key)
{
    struct members members;
    read_or_empty(trace_state, &members);
    remove_key(&members, string_of(key));
    return write_members(&members);
}
