/* Reading and writing against protobuf-c and jansson. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "measure.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"
#include "payload.h"
#include "wire.h"

struct subject {
    struct otk_buffer bytes;
    struct otk_buffer json;
};

static const struct otk_message *traces(void)
{
    return otk_schema(OTK_MESSAGE_TRACES_REQUEST);
}

static void read_wire(void *arg)
{
    const struct subject *s = arg;
    struct otk_index index;
    struct otk_fault fault;
    if (otk_wire_read(&index, traces(), s->bytes.data, s->bytes.size, &fault))
        abort();
    otk_index_clear(&index);
}

static void unpack(void *arg)
{
    const struct subject *s = arg;
    ProtobufCMessage *m = protobuf_c_message_unpack(
        &otk__collector__trace__export_trace_service_request__descriptor, NULL, s->bytes.size, s->bytes.data);
    if (!m)
        abort();
    protobuf_c_message_free_unpacked(m, NULL);
}

static void write_json(void *arg)
{
    struct subject *s = arg;
    s->json.size = 0;
    if (otk_json_write(&s->json, traces(), s->bytes.data, s->bytes.size))
        abort();
}

/* ---- The same as a jansson tree -------------------------------------- */

static json_t *tree_of(const struct otk_message *m, const uint8_t *p, const uint8_t *end);

static json_t *hex(const uint8_t *data, size_t size)
{
    char text[64];
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    return json_stringn(text, 2 * size);
}

static json_t *number_text(uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

static json_t *value_of(const struct otk_record *r)
{
    switch (r->field->type) {
    case OTK_FIELD_MESSAGE:
        return tree_of(r->field->message, r->data, r->data + r->size);
    case OTK_FIELD_STRING:
        return json_stringn((const char *)r->data, r->size);
    case OTK_FIELD_BYTES:
        return hex(r->data, r->size);
    case OTK_FIELD_DOUBLE:
        return json_real(otk_wire_double(r->scalar));
    case OTK_FIELD_BOOL:
        return json_boolean(r->scalar);
    case OTK_FIELD_INT64:
    case OTK_FIELD_FIXED64:
        return number_text(r->scalar);
    default:
        return json_integer((json_int_t)r->scalar);
    }
}

static json_t *tree_of(const struct otk_message *m, const uint8_t *p, const uint8_t *end)
{
    json_t *object = json_object();
    while (p < end) {
        struct otk_record r;
        otk_wire_next(m, &p, &r);
        const char *key = r.field->json + 1;
        size_t key_size = r.field->json_size - 3u;
        if (!r.field->repeated) {
            json_object_setn_new(object, key, key_size, value_of(&r));
            continue;
        }
        json_t *array = json_object_getn(object, key, key_size);
        if (!array) {
            array = json_array();
            json_object_setn_new(object, key, key_size, array);
        }
        json_array_append_new(array, value_of(&r));
    }
    return object;
}

static void dump_tree(void *arg)
{
    const struct subject *s = arg;
    json_t *tree = tree_of(traces(), s->bytes.data, s->bytes.data + s->bytes.size);
    char *text = json_dumps(tree, JSON_COMPACT);
    if (!text)
        abort();
    free(text);
    json_decref(tree);
}

static void measure(size_t spans, double read_bound)
{
    struct subject s = {.bytes = bench_payload(spans, spans == 512), .json = OTK_BUFFER_INIT((size_t)1 << 30)};
    char what[64];
    struct bench_pair pair = bench_compare(read_wire, unpack, &s);
    double unpack_us = pair.floor;
    snprintf(what, sizeof what, "reader with checks and index, %zu spans", spans);
    bench_row(what, "protobuf-c unpack + free / ours", pair.floor / pair.ours, false, read_bound);

    pair = bench_compare(write_json, dump_tree, &s);
    snprintf(what, sizeof what, "JSON out, %zu spans", spans);
    bench_row(what, "jansson tree + dump / ours", pair.floor / pair.ours, false, 20);
    pair = bench_compare(write_json, unpack, &s);
    bench_row(what, "ours / protobuf-c unpack + free", pair.ours / pair.floor, true, 0.5);
    printf("  (%zu bytes; unpack %.1f us)\n", s.bytes.size, unpack_us);
    otk_buffer_clear(&s.bytes);
    otk_buffer_clear(&s.json);
}

int main(void)
{
    measure(1, 5);
    measure(100, 5);
    measure(512, 8);
    return bench_exit();
}
