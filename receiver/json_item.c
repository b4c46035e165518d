#include "json_item.h"

#include "json.h"
#include "number.h"

#include <inttypes.h>
#include <stdlib.h>

/* A key and what it has; `place` keeps the order of those that repeat. */
struct entry {
    otk_string key;
    struct otk_extent value; /* of an AnyValue; `data` is NULL when there is none */
    size_t place;
};

static void write_members(struct otk_json_item *w, const struct otk_message *m, struct otk_extent from);

static struct otk_extent extent_of(const struct otk_record *r)
{
    return (struct otk_extent){r->data, r->data + r->size};
}

static bool is_type(const struct otk_message *m, const char *name)
{
    size_t size = strlen(m->name), end = strlen(name);
    return size > end && m->name[size - end - 1] == '.' && strcmp(m->name + size - end, name) == 0;
}

static bool is_attributes(const struct otk_field *f)
{
    return f->type == OTK_FIELD_MESSAGE && is_type(f->message, "KeyValue");
}

/* ---- Scalars --------------------------------------------------------- */

static bool ends_in(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void write_int(struct otk_buffer *out, int64_t value)
{
    uint8_t *to = otk_buffer_reserve(out, OTK_NUMBER_MAX);
    if (to)
        out->size += otk_number_i64((char *)to, value);
}

static void write_uint(struct otk_buffer *out, uint64_t value)
{
    uint8_t *to = otk_buffer_reserve(out, OTK_NUMBER_MAX);
    if (to)
        out->size += otk_number_u64((char *)to, value);
}

static void write_time(struct otk_buffer *out, uint64_t value)
{
    otk_buffer_byte(out, '"');
    write_uint(out, value);
    otk_buffer_byte(out, '"');
}

/* With a fraction or an exponent, so that 3.0 is not taken for the integer 3. */
static void write_double(struct otk_buffer *out, double value)
{
    size_t before = out->size;
    otk_json_double(out, value);
    for (size_t i = before; i < out->size; i++)
        if (strchr(".eN\"", out->data[i]))
            return;
    otk_buffer_text(out, ".0");
}

static void write_scalar(struct otk_buffer *out, const struct otk_field *f, uint64_t raw)
{
    switch (f->type) {
    case OTK_FIELD_DOUBLE:
        write_double(out, otk_wire_double(raw));
        break;
    case OTK_FIELD_BOOL:
        otk_buffer_text(out, raw ? "true" : "false");
        break;
    case OTK_FIELD_INT32:
        write_int(out, (int32_t)(uint32_t)raw);
        break;
    case OTK_FIELD_SINT32:
        write_int(out, otk_wire_zigzag32(raw));
        break;
    case OTK_FIELD_INT64:
    case OTK_FIELD_SFIXED64:
        write_int(out, (int64_t)raw);
        break;
    default:
        (ends_in(f->name, "_unix_nano") ? write_time : write_uint)(out, raw);
        break;
    }
}

/* ---- Attributes and values ------------------------------------------- */

static void write_any(struct otk_json_item *w, const struct otk_message *m, struct otk_extent from);

static struct entry read_entry(const struct otk_message *m, struct otk_extent from)
{
    struct entry e = {.key = {"", 0}};
    struct otk_record r;
    for (const uint8_t *p = from.data; p < from.end;) {
        otk_wire_next(m, &p, &r);
        if (r.field && r.number == 1)
            e.key = (otk_string){(const char *)r.data, r.size};
        else if (r.field && r.number == 2)
            e.value = extent_of(&r);
    }
    return e;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t size = x->key.size < y->key.size ? x->key.size : y->key.size;
    int order = memcmp(x->key.data, y->key.data, size);
    if (!order)
        order = (x->key.size > y->key.size) - (x->key.size < y->key.size);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* The records of field `f` at *p, sorted by key, at the end of w->entries. Returns how many. */
static size_t collect(struct otk_json_item *w, const struct otk_message *m, const struct otk_field *f,
                      const uint8_t **p, const uint8_t *end)
{
    size_t first = w->entries.size, count = 0;
    while (*p < end) {
        const uint8_t *next = *p;
        struct otk_record r;
        otk_wire_next(m, &next, &r);
        if (r.field != f)
            break;
        struct entry e = read_entry(f->message, extent_of(&r));
        e.place = count++;
        otk_buffer_append(&w->entries, &e, sizeof e);
        *p = next;
    }
    if (w->entries.failed) {
        w->out->failed = w->entries.failed;
        return 0;
    }
    qsort(w->entries.data + first, count, sizeof(struct entry), compare_entries);
    return count;
}

/* Nested collections move the array. */
static struct entry entry_at(const struct otk_json_item *w, size_t first, size_t i)
{
    struct entry e;
    memcpy(&e, w->entries.data + first + i * sizeof e, sizeof e);
    return e;
}

static bool repeats(const struct otk_json_item *w, size_t first, size_t i)
{
    if (!i)
        return false;
    struct entry a = entry_at(w, first, i - 1), b = entry_at(w, first, i);
    return a.key.size == b.key.size && memcmp(a.key.data, b.key.data, a.key.size) == 0;
}

static size_t count_repeats(const struct otk_json_item *w, size_t first, size_t count)
{
    size_t repeated = 0;
    for (size_t i = 0; i < count; i++)
        repeated += repeats(w, first, i);
    return repeated;
}

static const struct otk_message *value_type(const struct otk_field *f)
{
    return f->message->number[2]->message;
}

/* {"key":value,…} */
static void write_object(struct otk_json_item *w, const struct otk_field *f, size_t first, size_t count)
{
    const char *gap = "";
    otk_buffer_byte(w->out, '{');
    for (size_t i = 0; i < count && !w->out->failed; i++) {
        struct entry e = entry_at(w, first, i);
        if (repeats(w, first, i))
            continue;
        otk_buffer_text(w->out, gap);
        otk_json_string(w->out, e.key.data, e.key.size);
        otk_buffer_byte(w->out, ':');
        write_any(w, value_type(f), e.value);
        gap = ",";
    }
    otk_buffer_byte(w->out, '}');
}

/* [{"key":"key","value":value},…] */
static void write_pairs(struct otk_json_item *w, const struct otk_field *f, size_t first, size_t count,
                        bool only_repeated)
{
    const char *gap = "";
    otk_buffer_byte(w->out, '[');
    for (size_t i = 0; i < count && !w->out->failed; i++) {
        struct entry e = entry_at(w, first, i);
        if (only_repeated && !repeats(w, first, i))
            continue;
        otk_buffer_text(w->out, gap);
        otk_buffer_text(w->out, "{\"key\":");
        otk_json_string(w->out, e.key.data, e.key.size);
        otk_buffer_text(w->out, ",\"value\":");
        write_any(w, value_type(f), e.value);
        otk_buffer_byte(w->out, '}');
        gap = ",";
    }
    otk_buffer_byte(w->out, ']');
}

/* Members of a message: "attributes":{…}, and keys that came again beside it. */
static void write_attributes(struct otk_json_item *w, const struct otk_message *m, const struct otk_field *f,
                             const uint8_t **p, const uint8_t *end)
{
    size_t first = w->entries.size, count = collect(w, m, f, p, end);
    write_object(w, f, first, count);
    if (count_repeats(w, first, count)) {
        otk_json_key(w->out, "repeatedAttributes");
        write_pairs(w, f, first, count, true);
    }
    w->entries.size = first;
}

/* A value that is a map: {…}, or {"kvlistValue":[…]} where a key came again. */
static void write_map(struct otk_json_item *w, const struct otk_message *m, struct otk_extent from)
{
    const struct otk_field *f = m->number[1];
    const uint8_t *p = from.data;
    size_t first = w->entries.size, count = collect(w, m, f, &p, from.end);
    if (count_repeats(w, first, count)) {
        otk_buffer_text(w->out, "{\"kvlistValue\":");
        write_pairs(w, f, first, count, false);
        otk_buffer_byte(w->out, '}');
    } else {
        write_object(w, f, first, count);
    }
    w->entries.size = first;
}

static void write_array(struct otk_json_item *w, const struct otk_message *m, struct otk_extent from)
{
    const char *gap = "";
    otk_buffer_byte(w->out, '[');
    for (const uint8_t *p = from.data; p < from.end && !w->out->failed;) {
        struct otk_record r;
        otk_wire_next(m, &p, &r);
        if (!r.field)
            continue;
        otk_buffer_text(w->out, gap);
        write_any(w, r.field->message, extent_of(&r));
        gap = ",";
    }
    otk_buffer_byte(w->out, ']');
}

static void write_any_member(struct otk_json_item *w, const struct otk_record *r)
{
    const struct otk_field *f = r->field;
    if (f->type == OTK_FIELD_STRING) {
        otk_json_string(w->out, (const char *)r->data, r->size);
    } else if (f->type == OTK_FIELD_BYTES) {
        otk_buffer_text(w->out, "{\"bytesValue\":");
        otk_json_base64(w->out, r->data, r->size);
        otk_buffer_byte(w->out, '}');
    } else if (f->type == OTK_FIELD_INT32) { /* an index into a table that only profiles have */
        otk_buffer_printf(w->out, "{\"stringValueStrindex\":%" PRId32 "}", (int32_t)(uint32_t)r->scalar);
    } else if (f->type != OTK_FIELD_MESSAGE) {
        write_scalar(w->out, f, r->scalar);
    } else if (is_type(f->message, "KeyValueList")) {
        write_map(w, f->message, extent_of(r));
    } else {
        write_array(w, f->message, extent_of(r));
    }
}

static void write_any(struct otk_json_item *w, const struct otk_message *m, struct otk_extent from)
{
    for (const uint8_t *p = from.data; p < from.end;) {
        struct otk_record r;
        otk_wire_next(m, &p, &r);
        if (!r.field)
            continue;
        write_any_member(w, &r);
        return;
    }
    otk_buffer_text(w->out, "null");
}

/* ---- Messages -------------------------------------------------------- */

static void write_value(struct otk_json_item *w, const struct otk_record *r)
{
    const struct otk_field *f = r->field;
    if (f->type == OTK_FIELD_STRING) {
        otk_json_string(w->out, (const char *)r->data, r->size);
    } else if (f->type == OTK_FIELD_BYTES) {
        (f->id_size ? otk_json_hex : otk_json_base64)(w->out, r->data, r->size);
    } else if (f->type != OTK_FIELD_MESSAGE) {
        write_scalar(w->out, f, r->scalar);
    } else if (is_type(f->message, "AnyValue")) {
        write_any(w, f->message, extent_of(r));
    } else {
        otk_buffer_byte(w->out, '{');
        write_members(w, f->message, extent_of(r));
        otk_buffer_byte(w->out, '}');
    }
}

static void write_packed(struct otk_buffer *out, const struct otk_record *r, const char **gap)
{
    for (const uint8_t *p = r->data, *end = p + r->size; p < end && !out->failed;) {
        struct otk_record element;
        otk_wire_content(&p, r->field->wire_type, &element);
        otk_buffer_text(out, *gap);
        write_scalar(out, r->field, element.scalar);
        *gap = ",";
    }
}

/* The records of field `f` at *p. */
static void write_list(struct otk_json_item *w, const struct otk_message *m, const struct otk_field *f,
                       const uint8_t **p, const uint8_t *end)
{
    const char *gap = "";
    otk_buffer_byte(w->out, '[');
    while (*p < end && !w->out->failed) {
        const uint8_t *next = *p;
        struct otk_record r;
        otk_wire_next(m, &next, &r);
        if (r.field != f)
            break;
        *p = next;
        if (r.wire_type == OTK_WIRE_LEN && f->wire_type != OTK_WIRE_LEN) {
            write_packed(w->out, &r, &gap);
            continue;
        }
        otk_buffer_text(w->out, gap);
        write_value(w, &r);
        gap = ",";
    }
    otk_buffer_byte(w->out, ']');
}

/* An int and a double of points and exemplars are told apart by how they are written, as attributes are. */
static void write_field_key(struct otk_buffer *out, const struct otk_field *f)
{
    if (strcmp(f->name, "as_int") == 0 || strcmp(f->name, "as_double") == 0) {
        otk_json_key(out, "value");
        return;
    }
    if (out->size && out->data[out->size - 1] != '{')
        otk_buffer_byte(out, ',');
    otk_buffer_append(out, f->json, f->json_size);
}

/* The records of one field, which stand together, from *p on. */
static void write_field(struct otk_json_item *w, const struct otk_message *m, const struct otk_record *r,
                        const uint8_t **p, const uint8_t *end)
{
    write_field_key(w->out, r->field);
    if (is_attributes(r->field)) {
        write_attributes(w, m, r->field, p, end);
    } else if (r->field->repeated) {
        write_list(w, m, r->field, p, end);
    } else {
        write_value(w, r);
        *p = r->data + r->size;
    }
}

/* Of these none and an empty one are the same on the wire. */
static void write_empty(struct otk_buffer *out, const struct otk_message *m, uint32_t seen)
{
    static const char *const always[] = {"attributes", "events", "links", "data_points"};
    for (size_t i = 0; i < m->field_count; i++)
        for (size_t k = 0; k < sizeof always / sizeof *always; k++) {
            const struct otk_field *f = &m->fields[i];
            if (seen & f->bit || strcmp(f->name, always[k]) != 0)
                continue;
            write_field_key(out, f);
            otk_buffer_text(out, is_attributes(f) ? "{}" : "[]");
        }
}

/* A metric's data becomes members of the metric, and its name the metric's type. */
static void write_data(struct otk_json_item *w, const struct otk_record *r)
{
    otk_json_key(w->out, "type");
    otk_buffer_append(w->out, r->field->json, r->field->json_size - 1U); /* without its colon */
    write_members(w, r->field->message, extent_of(r));
}

static bool is_data(const struct otk_message *m, const struct otk_field *f)
{
    return m->role == OTK_ROLE_ITEM && f->oneof;
}

/* What stands inside an envelope is written by itself. */
static bool is_inside(const struct otk_field *f)
{
    return f->repeated && f->type == OTK_FIELD_MESSAGE &&
           (f->message->role == OTK_ROLE_SCOPE_ENVELOPE || f->message->role == OTK_ROLE_ITEM);
}

static void write_members(struct otk_json_item *w, const struct otk_message *m, struct otk_extent from)
{
    uint32_t seen = 0;
    for (const uint8_t *p = from.data; p < from.end && !w->out->failed;) {
        const uint8_t *next = p;
        struct otk_record r;
        otk_wire_next(m, &next, &r);
        seen |= r.field ? r.field->bit : 0;
        w->unknown_fields += !r.field;
        if (!r.field || is_inside(r.field)) {
            p = next;
        } else if (is_data(m, r.field)) {
            write_data(w, &r);
            p = next;
        } else {
            write_field(w, m, &r, &p, from.end);
        }
    }
    write_empty(w->out, m, seen);
}

/* ---- The item and what is around it ---------------------------------- */

/* The first record of field `number`; false: there is none. */
static bool find(const struct otk_message *m, struct otk_extent from, uint32_t number, struct otk_record *out)
{
    for (const uint8_t *p = from.data; p < from.end;) {
        otk_wire_next(m, &p, out);
        if (out->field && out->number == number)
            return true;
    }
    return false;
}

#define SPAN_START 7
#define SPAN_END 8

static void write_duration(struct otk_buffer *out, const struct otk_message *m, struct otk_extent span)
{
    struct otk_record start, end;
    if (!find(m, span, SPAN_START, &start) || !find(m, span, SPAN_END, &end))
        return;
    otk_json_key(out, "durationNano");
    otk_buffer_printf(out, "\"%" PRId64 "\"", (int64_t)(end.scalar - start.scalar));
}

/* `"resource":{…}`, with the envelope's schema URL as a member of it. */
static void write_around(struct otk_json_item *w, const char *name, const struct otk_message *m,
                         struct otk_extent envelope)
{
    struct otk_record inner, url = {0};
    bool has_inner = find(m, envelope, 1, &inner), has_url = find(m, envelope, 3, &url);
    if (!has_inner && !has_url)
        return;
    otk_json_key(w->out, name);
    otk_buffer_byte(w->out, '{');
    if (has_inner)
        write_members(w, inner.field->message, extent_of(&inner));
    if (has_url) {
        otk_json_key(w->out, "schemaUrl");
        otk_json_string(w->out, (const char *)url.data, url.size);
    }
    otk_buffer_byte(w->out, '}');
}

static void write_service(struct otk_buffer *out, const struct otk_message *m, struct otk_extent envelope)
{
    static const char name[] = "service.name";
    struct otk_record resource, value, text;
    otk_json_key(out, "service");
    const uint8_t *p = find(m, envelope, 1, &resource) ? resource.data : NULL;
    while (p && p < resource.data + resource.size) {
        otk_wire_next(resource.field->message, &p, &value);
        if (!value.field || !is_attributes(value.field))
            continue;
        struct entry e = read_entry(value.field->message, extent_of(&value));
        if (e.key.size != sizeof name - 1 || memcmp(e.key.data, name, e.key.size) != 0)
            continue;
        if (!find(value_type(value.field), e.value, 1, &text))
            break;
        otk_json_string(out, (const char *)text.data, text.size);
        return;
    }
    otk_buffer_text(out, "\"\"");
}

#define NOWHERE SIZE_MAX

/* What is written in between goes to `a`. */
static void begin_around(struct otk_json_item *w, struct otk_item_around *a, size_t place)
{
    a->place = place;
    a->text.size = 0;
    w->out = &a->text;
    w->unknown_fields = 0;
}

static void end_around(struct otk_json_item *w, struct otk_item_around *a, struct otk_buffer *out)
{
    if (a->text.failed)
        out->failed = a->text.failed;
    a->unknown_fields = w->unknown_fields;
}

/* The texts of what stands around the item, for which the whole of its envelopes is passed over. */
static void enter(struct otk_json_item *w, struct otk_buffer *out, const struct capture *c, size_t scope)
{
    const struct otk_message *outer = otk_schema((enum otk_message_id)c->pub.signal)->number[1]->message;
    size_t resource = c->index.scopes[scope].resource;
    if (w->capture != c || w->number != c->pub.number)
        w->resource.place = w->scope.place = NOWHERE;
    w->capture = c;
    w->number = c->pub.number;
    if (w->resource.place != resource) {
        struct otk_extent e = otk_wire_message(c->pub.message.data, c->index.resources[resource].offset);
        begin_around(w, &w->resource, resource);
        write_service(w->out, outer, e);
        write_around(w, "resource", outer, e);
        end_around(w, &w->resource, out);
    }
    if (w->scope.place != scope) {
        begin_around(w, &w->scope, scope);
        write_around(w, "scope", outer->number[2]->message,
                     otk_wire_message(c->pub.message.data, c->index.scopes[scope].offset));
        end_around(w, &w->scope, out);
    }
}

/* ---- Items ----------------------------------------------------------- */

void otk_json_item_init(struct otk_json_item *w)
{
    *w = (struct otk_json_item){
        .resource.text = OTK_BUFFER_INIT(SIZE_MAX),
        .scope.text = OTK_BUFFER_INIT(SIZE_MAX),
        .entries = OTK_BUFFER_INIT(SIZE_MAX),
    };
}

void otk_json_item_clear(struct otk_json_item *w)
{
    otk_buffer_clear(&w->resource.text);
    otk_buffer_clear(&w->scope.text);
    otk_buffer_clear(&w->entries);
}

static void write_item(struct otk_json_item *w, const struct capture *c, size_t i)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)c->pub.signal);
    struct otk_extent item = otk_wire_message(c->pub.message.data, c->index.items[i]);
    type = type->number[1]->message->number[2]->message->number[2]->message;
    write_members(w, type, item);
    if (c->pub.signal == OTK_SIGNAL_TRACES)
        write_duration(w->out, type, item);
}

static void write_text(struct otk_buffer *out, const struct otk_buffer *text)
{
    if (text->size && out->size && out->data[out->size - 1] != '{')
        otk_buffer_byte(out, ',');
    otk_buffer_append(out, text->data, text->size);
}

int otk_json_item_write(struct otk_json_item *w, struct otk_buffer *out, const struct capture *c, size_t i)
{
    enter(w, out, c, otk_index_scope_of(&c->index, i));
    w->out = out;
    w->unknown_fields = w->resource.unknown_fields + w->scope.unknown_fields;
    otk_buffer_byte(out, '{');
    write_item(w, c, i);
    write_text(out, &w->resource.text);
    write_text(out, &w->scope.text);
    if (w->unknown_fields)
        otk_json_number(out, "unknownFields", w->unknown_fields);
    otk_json_number(out, "request", c->pub.number);
    otk_buffer_byte(out, '}');
    return out->failed;
}
