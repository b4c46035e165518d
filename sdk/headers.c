#include "headers.h"

#include "text.h"

#include <stdlib.h>
#include <strings.h>

static bool is_field_value(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* A second one of these would contradict the first, or make two requests of one. */
static bool is_ours(otk_string name)
{
    static const char *const ours[] = {"content-type",      "content-length", "content-encoding",
                                       "transfer-encoding", "connection",     "expect"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (name.size == strlen(ours[i]) && strncasecmp(name.data, ours[i], name.size) == 0)
            return true;
    return false;
}

static const char not_a_header[] = "is not of the form name=value";

/* "Name: value", or for an empty value "Name;", curl's way to say so. NULL when memory ran out; `why` tells why the
 * member cannot be used. */
static char *line_of(otk_string key, otk_string value, const char **why)
{
    char *line = malloc(key.size + value.size + 3);
    if (!line)
        return NULL;
    size_t name_size = otk_text_decode(key, line, NULL);
    line[name_size] = ':';
    line[name_size + 1] = ' ';
    char *decoded = line + name_size + 2;
    size_t size = otk_text_decode(value, decoded, NULL);
    otk_string name = {line, name_size};
    if (!otk_text_is_token(name) || !is_field_value(decoded, size))
        *why = not_a_header;
    else if (is_ours(name))
        *why = "is one that the exporter sets";
    decoded[size] = '\0';
    if (size == 0)
        memcpy(line + name_size, ";", 2);
    return line;
}

static int append(struct otk_header_list *list, char *line)
{
    char **lines = realloc(list->lines, (list->count + 1) * sizeof *lines);
    if (!lines)
        return OTK_ENOMEM;
    list->lines = lines;
    list->lines[list->count++] = line;
    return 0;
}

static int add_member(struct otk_header_list *list, otk_string key, otk_string value, const char **why)
{
    char *line = line_of(key, value, why);
    if (!line)
        return OTK_ENOMEM;
    int rc = *why ? 0 : append(list, line);
    if (rc || *why)
        free(line);
    return rc;
}

int otk_header_list_parse(const char *name, const char *text, struct otk_warnings *warnings,
                          struct otk_header_list *out)
{
    struct otk_header_list list = {0};
    otk_string rest = {text, strlen(text)};
    otk_string member, key, value;
    for (unsigned position = 1; otk_text_next_member(&rest, &member); position++) {
        const char *why = otk_text_split(member, &key, &value) ? NULL : not_a_header;
        if (!why && add_member(&list, key, value, &why)) {
            otk_header_list_clear(&list);
            return OTK_ENOMEM;
        }
        if (why)
            otk_warn(warnings, "%s: header %u %s, left out", name, position, why);
    }
    *out = list;
    return 0;
}

void otk_header_list_clear(struct otk_header_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->lines[i]);
    free(list->lines);
    *list = (struct otk_header_list){0};
}
