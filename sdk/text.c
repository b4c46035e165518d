#include "text.h"

#include "utf8.h"
#include "writer.h"

#include <stdlib.h>

/* ---- UTF-8 ----------------------------------------------------------- */

static const char replacement[3] = "\xEF\xBF\xBD";

/* The bytes that the first `*chars` characters of well-formed text take; counts `*chars` down. */
static size_t cut(const uint8_t *text, size_t size, size_t *chars)
{
    size_t i = 0;
    while (i < size) {
        bool starts = (text[i] & 0xC0) != 0x80;
        if (starts && *chars == 0)
            break;
        *chars -= starts;
        i++;
    }
    return i;
}

/* Into `out` when that is not NULL; returns the size either way. */
static size_t repair(uint8_t *out, const uint8_t *text, size_t size, size_t chars)
{
    size_t written = 0;
    while (size && chars) {
        size_t run = cut(text, otk_utf8_valid(text, size), &chars);
        if (out && run)
            memcpy(out + written, text, run);
        written += run;
        text += run;
        size -= run;
        if (!size || !chars)
            break;
        if (out)
            memcpy(out + written, replacement, sizeof replacement);
        written += sizeof replacement;
        text++;
        size--;
        chars--;
    }
    return written;
}

static bool is_fine(const uint8_t *text, size_t size, size_t max_chars)
{
    return size <= max_chars && otk_utf8_valid(text, size) == size;
}

size_t otk_text_size(const char *text, size_t size, size_t max_chars)
{
    const uint8_t *bytes = (const uint8_t *)text;
    return is_fine(bytes, size, max_chars) ? size : repair(NULL, bytes, size, max_chars);
}

uint64_t otk_text_copy_long(uint8_t *to, const char *from, size_t size)
{
    uint64_t all = otk_text_copy_two_words(to + size - 16, from + size - 16);
    for (size_t i = 0; i < size - 16; i += 16)
        all |= otk_text_copy_two_words(to + i, from + i);
    return all;
}

/* False when the text needs repair. */
static bool copy_valid(uint8_t *to, const char *text, size_t size)
{
    if (!(otk_text_copy_bits(to, text, size) & OTK_TEXT_HIGH_BITS))
        return true;
    if (otk_utf8_valid((const uint8_t *)text, size) != size)
        return false;
    memcpy(to, text, size);
    return true;
}

void otk_text_write(struct otk_buffer *b, unsigned number, const char *text, size_t size, size_t max_chars)
{
    const uint8_t *bytes = (const uint8_t *)text;
    if (size <= max_chars) {
        uint8_t *plain = otk_buffer_reserve(b, 2 * OTK_VARINT_MAX + size);
        if (!plain)
            return;
        plain = otk_varint_put(plain, (uint64_t)number << 3 | OTK_WIRE_LEN);
        plain = otk_varint_put(plain, size);
        if (copy_valid(plain, text, size)) {
            b->size = (size_t)(plain - b->data) + size;
            return;
        }
    }
    size_t repaired = repair(NULL, bytes, size, max_chars);
    uint8_t *to = otk_buffer_reserve(b, 2 * OTK_VARINT_MAX + repaired);
    if (!to)
        return;
    to = otk_varint_put(to, (uint64_t)number << 3 | OTK_WIRE_LEN);
    to = otk_varint_put(to, repaired);
    repair(to, bytes, size, max_chars);
    b->size = (size_t)(to - b->data) + repaired;
}

void otk_text_write_optional(struct otk_buffer *b, unsigned number, const char *text)
{
    if (text && *text)
        otk_text_write(b, number, text, strlen(text), OTK_TEXT_UNLIMITED);
}

void otk_text_append(struct otk_buffer *b, const char *text, size_t size, size_t max_chars)
{
    uint8_t *to = size <= max_chars ? otk_buffer_reserve(b, size) : NULL;
    if (to && copy_valid(to, text, size)) {
        b->size += size;
    } else if (!b->failed) {
        size_t repaired = repair(NULL, (const uint8_t *)text, size, max_chars);
        to = otk_buffer_reserve(b, repaired);
        if (to)
            b->size += repair(to, (const uint8_t *)text, size, max_chars);
    }
}

size_t otk_text_repair(char *out, const char *text, size_t size, size_t max_chars)
{
    return repair((uint8_t *)out, (const uint8_t *)text, size, max_chars);
}

/* ---- Lists ----------------------------------------------------------- */

bool otk_text_is_token(otk_string text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return text.size > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

otk_string otk_text_trim(otk_string text)
{
    while (text.size && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Cuts `rest` in two at `separator`; the second part is empty when there is none. */
static otk_string cut_off(otk_string *rest, char separator)
{
    const char *at = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    size_t size = at ? (size_t)(at - rest->data) : rest->size;
    otk_string head = {rest->data, size};
    size_t skipped = at ? size + 1 : size;
    if (skipped)
        rest->data += skipped;
    rest->size -= skipped;
    return head;
}

bool otk_text_next_member(otk_string *rest, otk_string *member)
{
    while (rest->size) {
        *member = otk_text_trim(cut_off(rest, ','));
        if (member->size)
            return true;
    }
    return false;
}

bool otk_text_split(otk_string member, otk_string *key, otk_string *value)
{
    if (!memchr(member.data, '=', member.size))
        return false;
    *key = otk_text_trim(cut_off(&member, '='));
    *value = otk_text_trim(member);
    return key->size > 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t otk_text_decode(otk_string text, char *out, bool *bad)
{
    size_t written = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        int high = c == '%' && text.size - i > 2 ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '%' && bad) {
            *bad = true;
        }
        out[written++] = c;
    }
    return written;
}

char *otk_text_copy(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}
