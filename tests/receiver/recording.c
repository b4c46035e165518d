#include "recording.h"

#include <stdio.h>

struct otk_buffer read_recording(const char *name)
{
    char path[512];
    struct otk_buffer b = OTK_BUFFER_INIT(1 << 24);
    snprintf(path, sizeof path, "%s/%s", RECORDINGS, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n;
    do {
        uint8_t *to = otk_buffer_reserve(&b, 65536);
        assert_non_null(to);
        n = fread(to, 1, 65536, f);
        b.size += n;
    } while (n);
    fclose(f);
    return b;
}

/* ---- Equal in value -------------------------------------------------- */

static bool same(const json_t *expected, const json_t *actual);

/* Absent, null and an empty array say the same in OTLP/JSON. */
static bool says_nothing(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0);
}

static bool same_object(const json_t *expected, const json_t *actual)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)expected, key, value) {
        const json_t *other = json_object_get(actual, key);
        if (!(says_nothing(value) && says_nothing(other)) && !same(value, other))
            return false;
    }
    json_object_foreach((json_t *)(uintptr_t)actual, key, value)
        if (!json_object_get(expected, key) && !says_nothing(value))
            return false;
    return true;
}

static bool same_array(const json_t *expected, const json_t *actual)
{
    if (json_array_size(expected) != json_array_size(actual))
        return false;
    for (size_t i = 0; i < json_array_size(expected); i++)
        if (!same(json_array_get(expected, i), json_array_get(actual, i)))
            return false;
    return true;
}

static double number_of(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
}

/* 64-bit integers stand as strings or as numbers. */
static bool same_number(const json_t *expected, const json_t *actual)
{
    char text[2][64];
    const json_t *sides[2] = {expected, actual};
    if (json_is_real(expected) || json_is_real(actual))
        return number_of(expected) == number_of(actual);
    for (int i = 0; i < 2; i++) {
        if (json_is_integer(sides[i]))
            snprintf(text[i], sizeof text[i], "%" JSON_INTEGER_FORMAT, json_integer_value(sides[i]));
        else if (json_is_string(sides[i]))
            snprintf(text[i], sizeof text[i], "%s", json_string_value(sides[i]));
        else
            return false;
    }
    return strcmp(text[0], text[1]) == 0;
}

static bool same(const json_t *expected, const json_t *actual)
{
    if (!expected || !actual)
        return false;
    if (json_is_object(expected) && json_is_object(actual))
        return same_object(expected, actual);
    if (json_is_array(expected) && json_is_array(actual))
        return same_array(expected, actual);
    if (json_is_string(expected) && json_is_string(actual))
        return json_equal(expected, actual);
    if (json_is_number(expected) || json_is_number(actual))
        return same_number(expected, actual);
    return json_equal(expected, actual);
}

/* JSON.stringify wrote two numbers that no int64 holds as intValue; the receiver keeps them as doubles, and
 * says so. */
static void expect_doubles_of_recording_30(json_t *expected)
{
    json_t *resource = json_array_get(json_object_get(expected, "resourceSpans"), 0);
    json_t *scope = json_array_get(json_object_get(resource, "scopeSpans"), 0);
    json_t *span = json_array_get(json_object_get(scope, "spans"), 0);
    size_t i;
    json_t *attribute;
    json_array_foreach(json_object_get(span, "attributes"), i, attribute) {
        const char *key = json_string_value(json_object_get(attribute, "key"));
        json_t *value = json_object_get(attribute, "value");
        if (strcmp(key, "huge") && strcmp(key, "twop63"))
            continue;
        json_object_set(value, "doubleValue", json_object_get(value, "intValue"));
        json_object_del(value, "intValue");
    }
}

static json_t *as_reals(const json_t *tree)
{
    char *text = json_dumps(tree, 0);
    json_t *reals = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
    free(text);
    return reals;
}

void assert_recording(json_t *actual, const char *decoded, bool quirks)
{
    struct otk_buffer text = read_recording(decoded);
    json_t *expected = json_loadb((const char *)text.data, text.size, 0, NULL);
    assert_non_null(actual);
    if (!expected) { /* two recordings hold integers beyond 64 bits, which jansson takes as doubles only */
        json_t *reals = as_reals(actual);
        json_decref(actual);
        actual = reals;
        expected = json_loadb((const char *)text.data, text.size, JSON_DECODE_INT_AS_REAL, NULL);
    }
    assert_non_null(expected);
    if (quirks)
        expect_doubles_of_recording_30(expected);
    if (!same(expected, actual)) {
        char *got = json_dumps(actual, JSON_INDENT(1));
        print_error("%s differs; got %s\n", decoded, got);
        free(got);
        fail();
    }
    json_decref(expected);
    json_decref(actual);
    otk_buffer_clear(&text);
}
