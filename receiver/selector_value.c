#include "selector_value.h"

#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct sel_value otk_sel_any(const struct otk_message *type, struct otk_extent any)
{
    static const uint8_t types[] = {[1] = SEL_STRING, [2] = SEL_BOOL, [3] = SEL_INT,  [4] = SEL_DOUBLE,
                                    [5] = SEL_ARRAY,  [6] = SEL_MAP,  [7] = SEL_BYTES};
    struct sel_value v = sel_nil;
    for (const uint8_t *p = any.data; p < any.end;) {
        struct otk_record r;
        otk_wire_next(type, &p, &r);
        if (!r.field || r.number >= sizeof types)
            continue;
        v = (struct sel_value){.type = types[r.number]};
        if (v.type == SEL_STRING || v.type == SEL_BYTES)
            v.as.s = (otk_string){(const char *)r.data, r.size};
        else if (v.type == SEL_ARRAY || v.type == SEL_MAP)
            v.as.any = (struct otk_extent){r.data, r.data + r.size};
        else if (v.type == SEL_BOOL)
            v.as.b = r.scalar != 0;
        else if (v.type == SEL_DOUBLE)
            v.as.d = otk_wire_double(r.scalar);
        else
            v.as.i = (int64_t)r.scalar;
    }
    return v;
}

/* ---- Comparing ------------------------------------------------------- */

bool otk_sel_is_number(const struct sel_value *v)
{
    return v->type == SEL_INT || v->type == SEL_DOUBLE || v->type == SEL_DURATION;
}

double otk_sel_number(const struct sel_value *v)
{
    return v->type == SEL_DOUBLE ? v->as.d : (double)v->as.i;
}

/* Integers beyond 2^53 differ from doubles next to them. */
static int compare_numbers(const struct sel_value *a, const struct sel_value *b)
{
    if (a->type != SEL_DOUBLE && b->type != SEL_DOUBLE)
        return (a->as.i > b->as.i) - (a->as.i < b->as.i);
    long double x = a->type == SEL_DOUBLE ? (long double)a->as.d : (long double)a->as.i;
    long double y = b->type == SEL_DOUBLE ? (long double)b->as.d : (long double)b->as.i;
    return x != x || y != y ? SEL_UNORDERED : (x > y) - (x < y);
}

static int compare_texts(const struct sel_value *a, const struct sel_value *b)
{
    size_t n = a->as.s.size < b->as.s.size ? a->as.s.size : b->as.s.size;
    int order = n ? memcmp(a->as.s.data, b->as.s.data, n) : 0;
    return order ? (order > 0) - (order < 0) : (a->as.s.size > b->as.s.size) - (a->as.s.size < b->as.s.size);
}

int otk_sel_order(const struct sel_value *a, const struct sel_value *b)
{
    bool same_enum = sel_is_enum(a) && a->type == b->type;
    bool severity = (a->type == SEL_SEVERITY && b->type == SEL_INT) || (a->type == SEL_INT && b->type == SEL_SEVERITY);
    if (otk_sel_is_number(a) && otk_sel_is_number(b))
        return compare_numbers(a, b);
    if (sel_is_text(a) && sel_is_text(b))
        return compare_texts(a, b);
    if (same_enum || severity)
        return (a->as.i > b->as.i) - (a->as.i < b->as.i);
    if (a->type == SEL_BOOL && b->type == SEL_BOOL)
        return a->as.b - b->as.b;
    return SEL_INCOMPARABLE;
}

/* ---- Values as text -------------------------------------------------- */

static void describe_text(const char *kind, otk_string s, char *out, size_t size)
{
    size_t room = size / 2, shown = s.size < room ? s.size : room;
    while (shown && shown < s.size && ((unsigned char)s.data[shown] & 0xc0) == 0x80)
        shown--;
    int n = snprintf(out, size, "%s\"%.*s\"%s", kind, (int)shown, s.data ? s.data : "", shown < s.size ? "…" : "");
    for (int i = 0; i < n && (size_t)i < size && out[i]; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = '?';
}

static void describe_duration(int64_t ns, char *out, size_t size)
{
    static const struct {
        const char *unit;
        double nanoseconds;
    } units[] = {{"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && fabs((double)ns) < units[i].nanoseconds)
        i++;
    snprintf(out, size, "%.6g%s", (double)ns / units[i].nanoseconds, units[i].unit);
}

static void describe_double(double d, char *out, size_t size)
{
    char text[OTK_NUMBER_MAX + 1];
    if (!isfinite(d)) {
        snprintf(out, size, "double %s", isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
        return;
    }
    text[otk_number_double(text, d)] = '\0';
    snprintf(out, size, "double %s", text);
}

void otk_sel_describe(const struct sel_value *v, char *out, size_t size)
{
    const char *word = sel_is_enum(v) ? otk_sel_word_of((enum sel_type)v->type, v->as.i) : NULL;
    if (word)
        snprintf(out, size, "%s", word);
    else if (sel_is_enum(v))
        snprintf(out, size, "number %" PRId64, v->as.i);
    else if (v->type == SEL_STRING)
        describe_text("string ", v->as.s, out, size);
    else if (v->type == SEL_ID)
        describe_text("", v->as.s, out, size);
    else if (v->type == SEL_INT)
        snprintf(out, size, "int %" PRId64, v->as.i);
    else if (v->type == SEL_DOUBLE)
        describe_double(v->as.d, out, size);
    else if (v->type == SEL_DURATION)
        describe_duration(v->as.i, out, size);
    else if (v->type == SEL_BOOL)
        snprintf(out, size, "bool %s", v->as.b ? "true" : "false");
    else if (v->type == SEL_NIL)
        snprintf(out, size, "absent");
    else
        snprintf(out, size, "%s", otk_sel_type_name((enum sel_type)v->type));
}

int otk_sel_group_key(struct otk_buffer *out, const struct sel_value *v)
{
    char text[96];
    if (sel_is_text(v) || v->type == SEL_BYTES) {
        otk_buffer_byte(out, v->type);
        return otk_buffer_append(out, v->as.s.data, v->as.s.size);
    }
    if (v->type == SEL_ARRAY || v->type == SEL_MAP) {
        otk_buffer_byte(out, v->type);
        return otk_buffer_append(out, v->as.any.data, (size_t)(v->as.any.end - v->as.any.data));
    }
    if (otk_sel_is_number(v)) {
        int n = snprintf(text, sizeof text, "%.17g", otk_sel_number(v));
        return otk_buffer_append(out, text, (size_t)n);
    }
    otk_sel_describe(v, text, sizeof text);
    return otk_buffer_text(out, text);
}
