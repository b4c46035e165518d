#include "oracle.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "json.h"
#include "merge.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "utf8.h"

#define LIMIT ((size_t)1 << 28)

/* The bytes of nothing: a pointer all the same. */
static const uint8_t nothing;

static const ProtobufCMessageDescriptor *const requests[OTK_SIGNAL_COUNT] = {
    &otk__collector__trace__export_trace_service_request__descriptor,
    &otk__collector__metrics__export_metrics_service_request__descriptor,
    &otk__collector__logs__export_logs_service_request__descriptor,
};

/* A oneof's member is there when its case says so; any other element when it is not NULL. */
#define MEMBER(message_, offset_) ((void *)((char *)(message_) + (offset_)))

/* ---- protobuf-c's view of some bytes --------------------------------- */

/* Ways in which protobuf-c is known to differ. Bytes may use them; then the two cannot be compared, or not fully. */
struct traits {
    bool foreign; /* protobuf-c refuses groups, known fields of another wire type, tags and lengths over 5 bytes */
    bool replace; /* protobuf-c replaces where it should merge, or refuses: a message in a oneof, or with one, split */
    bool split;   /* protobuf-c forgets the unknown fields of all pieces but the last */
    bool hollow;  /* a packed chunk without elements: [] in JSON, and nothing at all when that is read */
};

static size_t varint_size(const uint8_t *p)
{
    size_t size = 1;
    while (*p++ & 0x80)
        size++;
    return size;
}

static bool has_oneof(const struct otk_message *m)
{
    for (unsigned i = 0; i < m->field_count; i++)
        if (m->fields[i].oneof)
            return true;
    return false;
}

static void look_at_repeat(struct traits *t, const struct otk_field *f)
{
    t->split = true;
    if (f->oneof || has_oneof(f->message))
        t->replace = true;
}

static void look_at(struct traits *t, const struct otk_message *m, const uint8_t *p, const uint8_t *end)
{
    uint32_t seen = 0;
    while (p < end) {
        const uint8_t *start = p;
        struct otk_record record;
        otk_wire_next(m, &p, &record);
        size_t tag_size = varint_size(start);
        bool known_number = record.number < 32 && m->number[record.number];
        if (tag_size > 5 || record.wire_type == OTK_WIRE_GROUP || (known_number && !record.field) ||
            (record.wire_type == OTK_WIRE_LEN && record.data - start - (ptrdiff_t)tag_size > 5))
            t->foreign = true;
        if (record.field && record.field->wire_type != OTK_WIRE_LEN && record.wire_type == OTK_WIRE_LEN && !record.size)
            t->hollow = true;
        if (!record.field || !record.field->message)
            continue;
        if (!record.field->repeated && seen & UINT32_C(1) << record.number)
            look_at_repeat(t, record.field);
        seen |= UINT32_C(1) << record.number;
        look_at(t, record.field->message, record.data, record.data + record.size);
    }
}

static void forget_unknown(ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->n_unknown_fields; i++)
        free(m->unknown_fields[i].data);
    free(m->unknown_fields);
    m->unknown_fields = NULL;
    m->n_unknown_fields = 0;
}

static void regularise(ProtobufCMessage *m, bool strip);

static void regularise_element(const ProtobufCFieldDescriptor *f, void *element, bool strip)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage *child = *(ProtobufCMessage **)element;
        if (child)
            regularise(child, strip);
    } else if (f->type == PROTOBUF_C_TYPE_DOUBLE && isnan(*(double *)element)) {
        *(double *)element = (double)NAN; /* JSON has one NaN only */
    }
}

static void regularise_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, bool strip)
{
    void *member = MEMBER(m, f->offset);
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *(uint32_t *)MEMBER(m, f->quantifier_offset) == f->id)
            regularise_element(f, member, strip);
        return;
    }
    size_t width = f->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : sizeof(double);
    bool of_interest = f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_DOUBLE;
    size_t count = of_interest ? *(size_t *)MEMBER(m, f->quantifier_offset) : 0;
    for (size_t i = 0; i < count; i++)
        regularise_element(f, *(char **)member + i * width, strip);
}

static void regularise(ProtobufCMessage *m, bool strip)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        regularise_field(m, &m->descriptor->fields[i], strip);
    if (strip)
        forget_unknown(m);
}

/* What protobuf-c packs of what it unpacked of the bytes; false when it refuses them. */
static bool canonical(struct otk_buffer *out, otk_signal signal, const uint8_t *bytes, size_t size, bool strip)
{
    ProtobufCMessage *m = protobuf_c_message_unpack(requests[signal], NULL, size, size ? bytes : &nothing);
    if (!m)
        return false;
    regularise(m, strip);
    size_t packed = protobuf_c_message_get_packed_size(m);
    uint8_t *to = otk_buffer_reserve(out, packed + 1);
    if (to)
        out->size += protobuf_c_message_pack(m, to);
    protobuf_c_message_free_unpacked(m, NULL);
    return to;
}

bool oracle_unpacks(otk_signal signal, const uint8_t *bytes, size_t size)
{
    struct otk_buffer ignored = OTK_BUFFER_INIT(LIMIT);
    bool ok = canonical(&ignored, signal, bytes, size, false);
    otk_buffer_clear(&ignored);
    return ok;
}

static bool same(const struct otk_buffer *a, const struct otk_buffer *b)
{
    return a->size == b->size && (!a->size || memcmp(a->data, b->data, a->size) == 0);
}

/* Both as protobuf-c sees them. */
static bool same_content(otk_signal signal, const struct otk_buffer *a, const struct otk_buffer *b, bool strip)
{
    struct otk_buffer x = OTK_BUFFER_INIT(LIMIT), y = OTK_BUFFER_INIT(LIMIT);
    bool ok = canonical(&x, signal, a->data, a->size, strip) && canonical(&y, signal, b->data, b->size, strip) &&
              same(&x, &y);
    otk_buffer_clear(&x);
    otk_buffer_clear(&y);
    return ok;
}

/* ---- Faults ---------------------------------------------------------- */

static const char *check_fault(const struct otk_fault *fault, size_t size)
{
    if (!memchr(fault->what, '\0', sizeof fault->what) || !memchr(fault->path, '\0', sizeof fault->path))
        return "a fault's text has no end";
    if (!*fault->what)
        return "a fault says nothing";
    if (fault->offset > size)
        return "a fault stands behind the end";
    size_t path = strlen(fault->path), what = strlen(fault->what);
    if (otk_utf8_valid((const uint8_t *)fault->path, path) != path ||
        otk_utf8_valid((const uint8_t *)fault->what, what) != what)
        return "a fault's text is not UTF-8";
    return NULL;
}

/* Faults that protobuf-c finds as well. The others (UTF-8, ids, depth, field numbers, varints over 64 bits) it does
 * not look for; deep ones it must not even see, for it recurses without limit. */
static bool is_structural(const struct otk_fault *fault)
{
    static const char *const starts[] = {"truncated", "length ",   "packed chunk", "end of",
                                         "group ",    "wire type", "varint longer"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(fault->what, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static const char *check_refusal(otk_signal signal, const uint8_t *bytes, size_t size, const struct otk_fault *fault)
{
    const char *wrong = check_fault(fault, size);
    if (!wrong && is_structural(fault) && oracle_unpacks(signal, bytes, size))
        wrong = "protobuf-c takes what the reader calls broken";
    return wrong;
}

/* ---- JSON ------------------------------------------------------------ */

const char *oracle_is_json(const char *text, size_t size)
{
    json_error_t error;
    if (otk_utf8_valid((const uint8_t *)text, size) != size)
        return "JSON that is not UTF-8";
    json_t *tree = json_loadb(
        text, size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!tree)
        return "jansson refuses what was written as JSON";
    json_decref(tree);
    return NULL;
}

static const char *check_jansson(const struct otk_buffer *json)
{
    return oracle_is_json((const char *)json->data, json->size);
}

/* Regular bytes, written as JSON and read back, are the same; unknown fields apart, which JSON has no place for. */
static const char *check_json(otk_signal signal, const struct otk_buffer *bytes, const struct traits *traits)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)signal);
    struct otk_buffer json = OTK_BUFFER_INIT(LIMIT), back = OTK_BUFFER_INIT(LIMIT), again = OTK_BUFFER_INIT(LIMIT);
    struct otk_json_notes notes;
    struct otk_fault fault;
    struct otk_index index = {0};
    const char *wrong = NULL;
    if (otk_json_write(&json, type, bytes->size ? bytes->data : &nothing, bytes->size))
        wrong = "JSON cannot be written";
    else if ((wrong = check_jansson(&json)))
        ;
    else if (otk_json_read(&back, type, (const char *)json.data, json.size, &notes, &fault))
        wrong = "JSON that was written is not taken";
    else if (notes.first[0])
        wrong = "JSON that was written is odd";
    else if (otk_wire_read(&index, type, back.data, back.size, &fault) || !index.regular)
        wrong = "bytes that JSON became are not regular";
    else if (otk_json_write(&again, type, back.size ? back.data : &nothing, back.size) ||
             (!traits->hollow && !same(&json, &again)))
        wrong = "JSON changes when it is read and written once more";
    else if (!traits->foreign && !same_content(signal, bytes, &back, true))
        wrong = "JSON and bytes differ in content";
    otk_index_clear(&index);
    otk_buffer_clear(&json);
    otk_buffer_clear(&back);
    otk_buffer_clear(&again);
    return wrong;
}

const char *oracle_json_string(const char *text, size_t size)
{
    struct otk_buffer json = OTK_BUFFER_INIT(LIMIT);
    otk_json_string(&json, text, size);
    const char *wrong = json.failed ? "a string cannot be written" : check_jansson(&json);
    otk_buffer_clear(&json);
    return wrong;
}

const char *oracle_is_message(enum otk_message_id id, const uint8_t *bytes, size_t size)
{
    struct otk_index index;
    struct otk_fault fault;
    if (otk_wire_read(&index, otk_schema(id), bytes, size, &fault))
        return "the reader refuses what was written as a message";
    otk_index_clear(&index);
    return NULL;
}

/* ---- Accepted bytes -------------------------------------------------- */

static const char *check_regular(const struct otk_message *type, const struct otk_index *before,
                                 const struct otk_buffer *merged)
{
    struct otk_index index;
    struct otk_fault fault;
    struct otk_buffer again = OTK_BUFFER_INIT(LIMIT);
    const char *wrong = NULL;
    if (otk_wire_read(&index, type, merged->data, merged->size, &fault))
        return "merged bytes are not taken";
    if (!index.regular)
        wrong = "merged bytes are not regular";
    else if (index.item_count != before->item_count || index.scope_count != before->scope_count ||
             index.resource_count != before->resource_count)
        wrong = "merging loses or makes up items";
    else if (otk_merge(&again, type, merged->size ? merged->data : &nothing, merged->size) || !same(merged, &again))
        wrong = "merging what is merged changes it";
    otk_index_clear(&index);
    otk_buffer_clear(&again);
    return wrong;
}

static const char *check_index(const struct otk_index *x, size_t size)
{
    size_t scope = 0;
    for (size_t i = 0; i < x->item_count; i++) {
        while (scope + 1 < x->scope_count && x->scopes[scope + 1].first_item <= i)
            scope++;
        if (x->items[i] >= size || otk_index_scope_of(x, i) != scope)
            return "an item stands in the wrong scope";
    }
    for (size_t i = 0; i < x->scope_count; i++)
        if (x->scopes[i].resource >= x->resource_count || x->scopes[i].first_item > x->item_count)
            return "a scope stands in the wrong resource";
    return NULL;
}

static const char *check_accepted(otk_signal signal, const uint8_t *bytes, size_t size, const struct otk_index *index,
                                  struct oracle_result *out)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)signal);
    struct otk_buffer input = OTK_BUFFER_INIT(LIMIT), merged = OTK_BUFFER_INIT(LIMIT);
    struct traits traits = {0}, left = {0};
    const char *wrong = check_index(index, size);
    look_at(&traits, type, bytes, bytes + size);
    otk_buffer_append(&input, bytes, size);
    if (!wrong && otk_merge(&merged, type, bytes, size))
        wrong = "accepted bytes cannot be merged";
    if (!wrong)
        wrong = check_regular(type, index, &merged);
    if (wrong)
        goto out;

    if (merged.size)
        look_at(&left, type, merged.data, merged.data + merged.size);
    if (!traits.foreign && !traits.replace && !oracle_unpacks(signal, bytes, size))
        wrong = "protobuf-c refuses what the reader takes";
    else if (!left.foreign && !oracle_unpacks(signal, merged.data, merged.size))
        wrong = "protobuf-c refuses what was merged";
    out->compared = !traits.foreign && !traits.replace;
    if (!wrong && out->compared && !same_content(signal, &input, &merged, traits.split))
        wrong = "merging differs from protobuf-c";
    if (!wrong)
        wrong = check_json(signal, &merged, &left);
out:
    otk_buffer_clear(&input);
    otk_buffer_clear(&merged);
    return wrong;
}

const char *oracle_wire(otk_signal signal, const uint8_t *bytes, size_t size, struct oracle_result *out)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)signal);
    struct otk_index index;
    struct otk_fault fault = {0};
    *out = (struct oracle_result){0};
    if (!size)
        bytes = &nothing;
    int rc = otk_wire_read(&index, type, bytes, size, &fault);
    if (rc == OTK_EDATA)
        return check_refusal(signal, bytes, size, &fault);
    if (rc)
        return "the reader has no memory";
    out->accepted = true;
    const char *wrong = check_accepted(signal, bytes, size, &index, out);
    otk_index_clear(&index);
    return wrong;
}

/* jansson is stricter in what no JSON text forbids: keys with NUL in them, numbers that no double holds. */
static const char *check_text(const char *text, size_t size)
{
    json_error_t error;
    json_t *tree = json_loadb(text, size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    enum json_error_code code = tree ? json_error_unknown : json_error_code(&error);
    bool ok = tree || code == json_error_null_byte_in_key || code == json_error_numeric_overflow;
    json_decref(tree);
    return ok ? NULL : "jansson refuses what was taken as JSON";
}

const char *oracle_json_in(otk_signal signal, const char *text, size_t size, struct oracle_result *out)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)signal);
    struct otk_buffer bytes = OTK_BUFFER_INIT(LIMIT);
    struct otk_json_notes notes;
    struct otk_fault fault = {0};
    struct oracle_result wire = {0};
    const char *wrong;
    *out = (struct oracle_result){0};
    int rc = otk_json_read(&bytes, type, text, size, &notes, &fault);
    if (rc == OTK_EDATA) {
        wrong = check_fault(&fault, size);
    } else if (rc) {
        wrong = "the reader has no memory";
    } else if (!(wrong = check_text(text, size))) {
        out->accepted = true;
        wrong = oracle_wire(signal, bytes.data, bytes.size, &wire);
        out->compared = wire.compared;
        if (!wrong && !wire.accepted)
            wrong = "JSON became bytes that the reader refuses";
    }
    otk_buffer_clear(&bytes);
    return wrong;
}

const char *oracle_json_out(enum otk_message_id id, const uint8_t *bytes, size_t size, struct oracle_result *out)
{
    const struct otk_message *type = otk_schema(id);
    struct otk_buffer merged = OTK_BUFFER_INIT(LIMIT), json = OTK_BUFFER_INIT(LIMIT);
    struct otk_index index;
    struct otk_fault fault;
    const char *wrong = NULL;
    *out = (struct oracle_result){0};
    if (!size)
        bytes = &nothing;
    if (otk_wire_read(&index, type, bytes, size, &fault))
        return NULL;
    out->accepted = true;
    if (otk_merge(&merged, type, bytes, size))
        wrong = "accepted bytes cannot be merged";
    else if (otk_json_write(&json, type, merged.size ? merged.data : &nothing, merged.size))
        wrong = "JSON cannot be written";
    else
        wrong = check_jansson(&json);
    otk_index_clear(&index);
    otk_buffer_clear(&merged);
    otk_buffer_clear(&json);
    return wrong;
}
