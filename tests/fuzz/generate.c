#include "generate.h"

#define DEPTH_MAX 300 /* beyond what the reader takes */
#define RECORDS_MAX 2000
#define LIMIT ((size_t)1 << 20)

struct generator {
    struct dice *dice;
    unsigned records_left;
};

static const uint64_t numbers[] = {
    0, 1, 2, 127, 128, 16383, INT32_MAX, (uint64_t)INT32_MAX + 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX,
    (uint64_t)INT64_MAX + 1, UINT64_MAX, UINT64_MAX - 1, 0xffffffff80000000, 0x3ff0000000000000, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff8000000000000, 0x7ff8000000000001, 0x8000000000000000, 0x4340000000000001,
};

/* The last two are no UTF-8. */
static const struct {
    const char *text;
    uint8_t size;
} texts[] = {
    {"", 0}, {"a", 1}, {"service.name", 12}, {"a\0b", 3}, {"\"\\/\n", 4}, {"\x7f\x01", 2}, {"\xe2\x82\xac", 3},
    {"\xf0\x9f\x98\x80", 4}, {"\xef\xbf\xbf", 3}, {"\xc3", 1}, {"\xed\xa0\x80", 3},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool once_in(struct generator *g, uint32_t n)
{
    return roll(g->dice, n) == n - 1;
}

static void put_varint(struct generator *g, struct otk_buffer *out, uint64_t value)
{
    size_t padding = once_in(g, 64) ? roll(g->dice, 10) : 0;
    size_t size = 1;
    for (; value >= 0x80; value >>= 7, size++)
        otk_buffer_byte(out, (uint8_t)(value | 0x80));
    for (; padding && size < 10; padding--, size++) {
        otk_buffer_byte(out, (uint8_t)(value | 0x80));
        value = 0;
    }
    otk_buffer_byte(out, (uint8_t)value);
}

static void put_tag(struct generator *g, struct otk_buffer *out, uint32_t number, unsigned wire_type)
{
    put_varint(g, out, (uint64_t)number << 3 | wire_type);
}

static void put_prefixed(struct generator *g, struct otk_buffer *out, const struct otk_buffer *content)
{
    put_varint(g, out, content->size);
    otk_buffer_append(out, content->data, content->size);
}

static uint64_t any_number(struct generator *g)
{
    uint64_t value = numbers[roll(g->dice, COUNT(numbers))];
    return once_in(g, 4) ? value ^ roll(g->dice, 65536) : value;
}

static void put_number(struct generator *g, struct otk_buffer *out, unsigned wire_type)
{
    uint64_t value = any_number(g);
    if (wire_type == OTK_WIRE_VARINT) {
        put_varint(g, out, value);
        return;
    }
    for (unsigned i = 0; i < (wire_type == OTK_WIRE_I64 ? 8 : 4); i++)
        otk_buffer_byte(out, (uint8_t)(value >> (8 * i)));
}

static void put_text(struct generator *g, struct otk_buffer *out)
{
    size_t i = roll(g->dice, 4) ? roll(g->dice, COUNT(texts) - 2) : roll(g->dice, COUNT(texts));
    struct otk_buffer text = OTK_BUFFER_INIT(LIMIT);
    otk_buffer_append(&text, texts[i].text, texts[i].size);
    for (uint32_t more = once_in(g, 16) ? roll(g->dice, 200) : 0; more; more--)
        otk_buffer_byte(&text, (uint8_t)(' ' + more % 95));
    put_prefixed(g, out, &text);
    otk_buffer_clear(&text);
}

static void put_bytes(struct generator *g, struct otk_buffer *out, size_t id_size)
{
    size_t size = id_size && !once_in(g, 16) ? id_size : roll(g->dice, 80);
    put_varint(g, out, size);
    while (size--)
        otk_buffer_byte(out, (uint8_t)roll(g->dice, 256));
}

static void put_packed(struct generator *g, struct otk_buffer *out, const struct otk_field *f)
{
    struct otk_buffer chunk = OTK_BUFFER_INIT(LIMIT);
    for (uint32_t i = roll(g->dice, 6); i; i--)
        put_number(g, &chunk, f->wire_type);
    if (once_in(g, 64))
        otk_buffer_byte(&chunk, 0x80);
    put_prefixed(g, out, &chunk);
    otk_buffer_clear(&chunk);
}

static void put_group(struct generator *g, struct otk_buffer *out, uint32_t number, unsigned depth)
{
    put_tag(g, out, number, OTK_WIRE_GROUP);
    for (uint32_t i = roll(g->dice, 3); i && depth < DEPTH_MAX; i--) {
        if (once_in(g, 3)) {
            put_group(g, out, 1 + roll(g->dice, 40), depth + 1);
        } else {
            put_tag(g, out, 1 + roll(g->dice, 40), OTK_WIRE_VARINT);
            put_number(g, out, OTK_WIRE_VARINT);
        }
    }
    put_tag(g, out, once_in(g, 32) ? number + 1 : number, OTK_WIRE_GROUP_END);
}

/* A field that the schema does not know, or a known number with some wire type. */
static void put_stranger(struct generator *g, struct otk_buffer *out)
{
    static const uint8_t wire_types[] = {OTK_WIRE_VARINT, OTK_WIRE_I64, OTK_WIRE_I32, OTK_WIRE_LEN, OTK_WIRE_GROUP, 6};
    uint32_t number = once_in(g, 4) ? 1 + roll(g->dice, 31) : 40 + roll(g->dice, 60000);
    unsigned wire_type = wire_types[roll(g->dice, once_in(g, 8) ? COUNT(wire_types) : 4)];
    if (wire_type == OTK_WIRE_GROUP) {
        put_group(g, out, number, 0);
        return;
    }
    put_tag(g, out, number, wire_type);
    if (wire_type == OTK_WIRE_LEN)
        put_bytes(g, out, 0);
    else
        put_number(g, out, wire_type);
}

static void put_message(struct generator *g, struct otk_buffer *out, const struct otk_message *m, unsigned depth);

static void put_child(struct generator *g, struct otk_buffer *out, const struct otk_message *m, unsigned depth)
{
    struct otk_buffer content = OTK_BUFFER_INIT(LIMIT);
    if (depth < DEPTH_MAX)
        put_message(g, &content, m, depth + 1);
    put_prefixed(g, out, &content);
    otk_buffer_clear(&content);
}

static void put_field(struct generator *g, struct otk_buffer *out, const struct otk_field *f, unsigned depth)
{
    if (f->repeated && f->wire_type != OTK_WIRE_LEN && roll(g->dice, 2)) {
        put_tag(g, out, f->number, OTK_WIRE_LEN);
        put_packed(g, out, f);
        return;
    }
    put_tag(g, out, f->number, f->wire_type);
    switch (f->type) {
    case OTK_FIELD_MESSAGE:
        put_child(g, out, f->message, depth);
        break;
    case OTK_FIELD_STRING:
        put_text(g, out);
        break;
    case OTK_FIELD_BYTES:
        put_bytes(g, out, f->id_size);
        break;
    default:
        put_number(g, out, f->wire_type);
        break;
    }
}

static void put_message(struct generator *g, struct otk_buffer *out, const struct otk_message *m, unsigned depth)
{
    uint32_t records = roll(g->dice, 2) ? 1 + roll(g->dice, 3) : roll(g->dice, 8);
    for (; records && g->records_left; records--) {
        g->records_left--;
        if (!m->field_count || once_in(g, 24))
            put_stranger(g, out);
        else
            put_field(g, out, &m->fields[roll(g->dice, m->field_count)], depth);
    }
}

void generate_message(struct otk_buffer *out, const struct otk_message *type, struct dice *dice)
{
    struct generator g = {dice, RECORDS_MAX};
    put_message(&g, out, type, 0);
}
