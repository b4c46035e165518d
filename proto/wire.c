#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"

#define GROUP_DEPTH_MAX OTK_WIRE_DEPTH_MAX
#define FIELD_NUMBER_MAX ((UINT32_C(1) << 29) - 1)

struct reader {
    const uint8_t *start;
    struct otk_index *index;
    int code;
    const uint8_t *at; /* of the fault */
    char what[128];
};

/* ---- Faults ---------------------------------------------------------- */

__attribute__((cold, format(printf, 3, 4))) static void set_fault(struct reader *r, const uint8_t *at,
                                                                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->what, sizeof r->what, format, args);
    va_end(args);
    r->at = at;
    r->code = OTK_EDATA;
}

/* A macro, so that the compiler sees at every place that nothing goes on from there. */
#define fault(...) (set_fault(__VA_ARGS__), (const uint8_t *)NULL)

void otk_fault_sentence(const struct otk_fault *f, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s at byte %zu", f->path, *f->path ? ": " : "", f->what, f->offset);
}

/* ---- Checked pieces: each returns where it ends, or NULL ------------- */

static const uint8_t *read_varint_slow(struct reader *r, const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    const uint8_t *at = p;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (p == end)
            return fault(r, at, "truncated varint");
        uint8_t byte = *p++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (shift == 63 && byte > 1)
                return fault(r, at, "varint over 64 bits");
            *out = value;
            return p;
        }
    }
    return fault(r, at, "varint longer than 10 bytes");
}

static inline const uint8_t *read_varint(struct reader *r, const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    if (p < end && *p < 0x80) {
        *out = *p;
        return p + 1;
    }
    return read_varint_slow(r, p, end, out);
}

static inline const uint8_t *read_length(struct reader *r, const uint8_t *p, const uint8_t *end, size_t *out)
{
    uint64_t length;
    const uint8_t *content = read_varint(r, p, end, &length);
    if (!content)
        return NULL;
    if (length > (uint64_t)(end - content))
        return fault(r, p, "length %llu runs past the end, %zu bytes are left", (unsigned long long)length,
                     (size_t)(end - content));
    *out = (size_t)length;
    return content;
}

static inline const uint8_t *skip_fixed(struct reader *r, const uint8_t *p, const uint8_t *end, size_t size)
{
    return (size_t)(end - p) >= size ? p + size : fault(r, p, "truncated %zu-byte number", size);
}

static const uint8_t *read_tag(struct reader *r, const uint8_t *p, const uint8_t *end, uint32_t *out)
{
    uint64_t tag;
    const uint8_t *next = read_varint(r, p, end, &tag);
    if (!next)
        return NULL;
    if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
        return fault(r, p, "field number %llu cannot be", (unsigned long long)(tag >> 3));
    *out = (uint32_t)tag;
    return next;
}

static const uint8_t *skip_group(struct reader *r, const uint8_t *p, const uint8_t *end, uint32_t tag, unsigned depth);

/* Skips what follows `tag`, of which nothing is known but its wire type. */
static const uint8_t *skip_content(struct reader *r, const uint8_t *p, const uint8_t *end, uint32_t tag, unsigned depth)
{
    uint64_t ignored;
    size_t size;
    switch (tag & 7) {
    case OTK_WIRE_VARINT:
        return read_varint(r, p, end, &ignored);
    case OTK_WIRE_I64:
        return skip_fixed(r, p, end, 8);
    case OTK_WIRE_I32:
        return skip_fixed(r, p, end, 4);
    case OTK_WIRE_LEN:
        p = read_length(r, p, end, &size);
        return p ? p + size : NULL;
    case OTK_WIRE_GROUP:
        return skip_group(r, p, end, tag, depth);
    case OTK_WIRE_GROUP_END:
        return fault(r, p, "end of a group that was not begun");
    default:
        return fault(r, p, "wire type %u does not exist", tag & 7);
    }
}

static const uint8_t *skip_group(struct reader *r, const uint8_t *p, const uint8_t *end, uint32_t tag, unsigned depth)
{
    const uint8_t *begin = p;
    if (depth >= GROUP_DEPTH_MAX)
        return fault(r, p, "groups nested deeper than %d", GROUP_DEPTH_MAX);
    while (p < end) {
        uint32_t inner;
        const uint8_t *content = read_tag(r, p, end, &inner);
        if (!content)
            return NULL;
        if ((inner & 7) == OTK_WIRE_GROUP_END)
            return inner >> 3 == tag >> 3 ? content : fault(r, p, "end of another group than was begun");
        p = skip_content(r, content, end, inner, depth + 1);
        if (!p)
            return NULL;
    }
    return fault(r, begin, "group without an end");
}

/* ---- The index ------------------------------------------------------- */

#define INDEX_CAPACITY_FIRST 16

static bool index_room(void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    size_t grown = *capacity ? 2 * *capacity : INDEX_CAPACITY_FIRST;
    void *to = realloc(*items, grown * item_size);
    if (!to)
        return false;
    *items = to;
    *capacity = grown;
    return true;
}

static bool add_resource(struct otk_index *x, uint32_t offset)
{
    void *items = x->resources;
    bool ok = index_room(&items, x->resource_count, &x->resource_capacity, sizeof *x->resources);
    x->resources = items;
    if (ok)
        x->resources[x->resource_count++].offset = offset;
    return ok;
}

static bool add_scope(struct otk_index *x, uint32_t offset)
{
    void *items = x->scopes;
    bool ok = index_room(&items, x->scope_count, &x->scope_capacity, sizeof *x->scopes);
    x->scopes = items;
    if (ok)
        x->scopes[x->scope_count++] =
            (struct otk_scope_entry){offset, (uint32_t)x->resource_count - 1, (uint32_t)x->item_count};
    return ok;
}

static bool add_item(struct otk_index *x, uint32_t offset)
{
    void *items = x->items;
    bool ok = index_room(&items, x->item_count, &x->item_capacity, sizeof *x->items);
    x->items = items;
    if (ok)
        x->items[x->item_count++] = offset;
    return ok;
}

static bool add_to_index(struct reader *r, const struct otk_message *m, const uint8_t *prefix)
{
    uint32_t offset = (uint32_t)(prefix - r->start);
    bool ok = true;
    switch (m->role) {
    case OTK_ROLE_RESOURCE_ENVELOPE:
        ok = add_resource(r->index, offset);
        break;
    case OTK_ROLE_SCOPE_ENVELOPE:
        ok = add_scope(r->index, offset);
        break;
    case OTK_ROLE_ITEM:
        ok = add_item(r->index, offset);
        break;
    case OTK_ROLE_POINT:
        r->index->point_count++;
        break;
    default:
        break;
    }
    if (!ok)
        r->code = OTK_ENOMEM;
    return ok;
}

void otk_index_clear(struct otk_index *index)
{
    free(index->items);
    free(index->scopes);
    free(index->resources);
    *index = (struct otk_index){0};
}

size_t otk_index_scope_of(const struct otk_index *index, size_t item)
{
    size_t low = 0, high = index->scope_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (index->scopes[middle].first_item <= item)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- Messages -------------------------------------------------------- */

__attribute__((noinline)) static const uint8_t *read_unknown(struct reader *r, const uint8_t *at, const uint8_t *p,
                                                             const uint8_t *end, uint32_t tag)
{
    if (r->index->unknown_count++ == 0)
        r->index->unknown_offset = (size_t)(at - r->start);
    return skip_content(r, p, end, tag, 0);
}

static const uint8_t *check_id(struct reader *r, const struct otk_field *f, const uint8_t *prefix, size_t size)
{
    if (!f->id_lenient)
        return fault(r, prefix, "%zu bytes long instead of %u", size, f->id_size);
    r->index->odd_id_count++;
    return prefix;
}

/* A packed chunk holds whole elements only. */
static bool check_packed(struct reader *r, const struct otk_field *f, const uint8_t *p, const uint8_t *end)
{
    size_t width = f->wire_type == OTK_WIRE_I64 ? 8 : f->wire_type == OTK_WIRE_I32 ? 4 : 0;
    if (width && (size_t)(end - p) % width)
        return fault(r, p, "packed chunk of %zu bytes is no multiple of %zu", (size_t)(end - p), width);
    uint64_t ignored;
    while (!width && p && p < end)
        p = read_varint(r, p, end, &ignored);
    return p;
}

static inline const uint8_t *read_string(struct reader *r, const uint8_t *p, const uint8_t *end)
{
    size_t size;
    p = read_length(r, p, end, &size);
    if (!p || otk_is_ascii(p, size))
        return p ? p + size : NULL;
    size_t valid = otk_utf8_valid(p, size);
    return valid == size ? p + size : fault(r, p + valid, "invalid UTF-8");
}

static inline const uint8_t *read_id(struct reader *r, const struct otk_field *f, const uint8_t *prefix,
                                     const uint8_t *end)
{
    size_t size;
    const uint8_t *p = read_length(r, prefix, end, &size);
    if (!p || (size && size != f->id_size && !check_id(r, f, prefix, size)))
        return NULL;
    return p + size;
}

static inline const uint8_t *read_packed(struct reader *r, const struct otk_field *f, const uint8_t *p,
                                         const uint8_t *end)
{
    size_t size;
    p = read_length(r, p, end, &size);
    return p && check_packed(r, f, p, p + size) ? p + size : NULL;
}

/* A fault where the message ends already belongs to whatever follows: it is told at the start of the record instead. */
static bool cut_off(struct reader *r, const uint8_t *record, const uint8_t *end)
{
    if (r->at == end)
        r->at = record;
    return false;
}

/* A message that is kept aside while one inside it is read. */
struct level {
    const struct otk_message *type;
    const uint8_t *end;
    uint32_t seen, last;
};

/* What a record of a known field holds, if not a message: returns where it ends, or NULL. */
static inline const uint8_t *read_content(struct reader *r, const struct otk_message *type, const struct otk_tag *t,
                                          const uint8_t *p, const uint8_t *end)
{
    uint64_t ignored;
    size_t size;
    switch (t->action) {
    case OTK_ACTION_STRING:
        return read_string(r, p, end);
    case OTK_ACTION_VARINT:
        return read_varint(r, p, end, &ignored);
    case OTK_ACTION_I64:
        return skip_fixed(r, p, end, 8);
    case OTK_ACTION_I32:
        return skip_fixed(r, p, end, 4);
    case OTK_ACTION_ID:
        return read_id(r, &type->fields[t->field], p, end);
    case OTK_ACTION_PACKED:
        return read_packed(r, &type->fields[t->field], p, end);
    default:
        p = read_length(r, p, end, &size);
        return p ? p + size : NULL;
    }
}

/* The messages inside one another are kept on a stack here, and the one that is read in registers: no call a message.
 * `seen` has the bits of the fields that came, `last` that of the one before. Aligned, since where the code in
 * front puts it would change its time by a twentieth. */
__attribute__((aligned(64))) static bool read_all(struct reader *r, const struct otk_message *type, const uint8_t *p,
                                                  const uint8_t *end)
{
    struct level stack[OTK_WIRE_DEPTH_MAX];
    uint32_t seen = 0, last = 0;
    unsigned depth = 0;
    bool regular = true;
    for (;;) {
        while (p == end) {
            if (!depth) {
                r->index->regular = regular;
                return true;
            }
            const struct level *outer = &stack[--depth];
            type = outer->type;
            end = outer->end;
            seen = outer->seen;
            last = outer->last;
        }
        const uint8_t *record = p;
        uint32_t tag = *p++;
        if (tag - 8 >= 0x78 && !(p = read_tag(r, record, end, &tag)))
            return false;
        const struct otk_tag *t = tag < 256 ? &type->tag[tag] : NULL;
        if (!t || t->action == OTK_ACTION_UNKNOWN) {
            p = read_unknown(r, record, p, end, tag);
            last = 0;
            if (!p)
                return cut_off(r, record, end);
            continue;
        }
        if (seen & t->conflict && !(t->repeated && last == t->bit))
            regular = false;
        seen |= t->bit;
        last = t->bit;
        if (t->action != OTK_ACTION_MESSAGE) {
            p = read_content(r, type, t, p, end);
            if (!p)
                return cut_off(r, record, end);
            continue;
        }

        size_t size;
        const uint8_t *content = read_length(r, p, end, &size);
        if (!content || depth + 1 == OTK_WIRE_DEPTH_MAX)
            return content ? fault(r, content, "nested deeper than %d messages", OTK_WIRE_DEPTH_MAX) != NULL
                           : cut_off(r, record, end);
        if (t->message->role && !add_to_index(r, t->message, p))
            return false;
        stack[depth++] = (struct level){type, end, seen, last};
        type = t->message;
        p = content;
        end = content + size;
        seen = last = 0;
    }
}

int otk_wire_read(struct otk_index *out, const struct otk_message *type, const uint8_t *bytes, size_t size,
                  struct otk_fault *fault_out)
{
    *out = (struct otk_index){.regular = true};
    struct reader r = {.start = bytes, .index = out};
    if (!size || read_all(&r, type, bytes, bytes + size))
        return 0;
    if (r.code == OTK_EDATA) {
        fault_out->offset = (size_t)(r.at - bytes);
        memcpy(fault_out->what, r.what, sizeof fault_out->what);
        otk_wire_locate(type, bytes, size, fault_out->offset, fault_out);
    }
    otk_index_clear(out);
    return r.code;
}

/* ---- Naming a place -------------------------------------------------- */

/* Appends a step to the path. What does not fit is cut off in front: the end says more. */
static void add_step(char *path, size_t size, const char *step)
{
    size_t have = strlen(path), more = strlen(step) + 1;
    if (have + more + 1 > size) {
        static const char dots[] = "...";
        size_t keep = size / 2;
        const char *tail = strchr(path + have - keep, '.');
        if (!tail)
            tail = path + have;
        memmove(path + sizeof dots - 1, tail, strlen(tail) + 1);
        memcpy(path, dots, sizeof dots - 1);
        have = strlen(path);
    }
    snprintf(path + have, size - have, "%s%s", have ? "." : "", step);
}

/* How many records of field `f` stand between p and `at`. */
static size_t count_before(const struct otk_message *m, const struct otk_field *f, const uint8_t *p, const uint8_t *at)
{
    size_t count = 0;
    while (p < at) {
        struct otk_record record;
        otk_wire_next(m, &p, &record);
        count += record.field == f;
    }
    return count;
}

static void add_field_step(char *path, size_t size, const struct otk_message *m, uint32_t tag,
                           const uint8_t *message, const uint8_t *at)
{
    char step[80];
    const struct otk_field *f = otk_message_field(m, tag);
    if (!f)
        snprintf(step, sizeof step, "field %u", tag >> 3);
    else if (f->repeated)
        snprintf(step, sizeof step, "%.*s[%zu]", f->json_size - 3, f->json + 1, count_before(m, f, message, at));
    else
        snprintf(step, sizeof step, "%.*s", f->json_size - 3, f->json + 1);
    add_step(path, size, step);
}

/* Finds the record of message m that holds `target`: returns its start, or NULL; `end` becomes its end. */
static const uint8_t *find_record(const uint8_t *p, const uint8_t **end, const uint8_t *target, uint32_t *tag,
                                  const uint8_t **content)
{
    struct reader scratch = {.index = NULL};
    while (p < *end) {
        size_t size;
        const uint8_t *at = p;
        if (!(*content = read_tag(&scratch, p, *end, tag)))
            return NULL;
        p = skip_content(&scratch, *content, *end, *tag, 0);
        if (p && p <= target)
            continue;
        if ((*tag & 7) == OTK_WIRE_LEN && (*content = read_length(&scratch, *content, *end, &size)))
            *end = *content + size;
        return at;
    }
    return NULL;
}

void otk_wire_locate(const struct otk_message *m, const uint8_t *bytes, size_t size, size_t offset,
                     struct otk_fault *out)
{
    const uint8_t *p = bytes, *end = bytes + size, *target = bytes + offset, *content;
    uint32_t tag;
    out->path[0] = '\0';
    for (unsigned depth = 0; depth < OTK_WIRE_DEPTH_MAX; depth++) {
        const uint8_t *at = find_record(p, &end, target, &tag, &content);
        if (!at)
            return;
        add_field_step(out->path, sizeof out->path, m, tag, p, at);
        const struct otk_field *f = otk_message_field(m, tag);
        if (!f || !f->message || !content || content > target)
            return;
        m = f->message;
        p = content;
    }
}

/* ---- Walking --------------------------------------------------------- */

const uint8_t *otk_wire_walk_group(const uint8_t *p)
{
    struct otk_record ignored;
    for (size_t open = 1; open;) {
        uint8_t wire_type = otk_wire_varint(&p) & 7;
        if (wire_type == OTK_WIRE_GROUP)
            open++;
        else if (wire_type == OTK_WIRE_GROUP_END)
            open--;
        else
            otk_wire_content(&p, wire_type, &ignored);
    }
    return p;
}
