#include "headers.h"

#include "text.h"

#include <stdlib.h>

static bool is_field_value(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* "Name: value", or for an empty value "Name;", curl's way to say so. NULL when memory ran out; `ok` tells whether the
 * member is a header at all. */
static char *line_of(otk_string key, otk_string value, bool *ok)
{
    char *line = malloc(key.size + value.size + 3);
    if (!line)
        return NULL;
    size_t name_size = otk_text_decode(key, line, NULL);
    line[name_size] = ':';
    line[name_size + 1] = ' ';
    char *decoded = line + name_size + 2;
    size_t size = otk_text_decode(value, decoded, NULL);
    *ok = otk_text_is_token((otk_string){line, name_size}) && is_field_value(decoded, size);
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

static int add_member(struct otk_header_list *list, otk_string key, otk_string value, bool *ok)
{
    char *line = line_of(key, value, ok);
    if (!line)
        return OTK_ENOMEM;
    int rc = *ok ? append(list, line) : 0;
    if (rc || !*ok)
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
        bool ok = otk_text_split(member, &key, &value);
        if (ok && add_member(&list, key, value, &ok)) {
            otk_header_list_clear(&list);
            return OTK_ENOMEM;
        }
        if (!ok)
            otk_warn(warnings, "%s: header %u is not of the form name=value, left out", name, position);
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
