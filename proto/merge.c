#include "merge.h"

#include <stdlib.h>

#include "wire.h"
#include "writer.h"

/* A record of the message that is being merged. There may be one for every two bytes: it is kept small. */
struct piece {
    uint32_t start, end; /* offsets of its tag, and behind it */
    uint8_t head;        /* bytes before its content */
    uint8_t number;      /* of its field, 0: unknown */
};

/* One of the extents that a split message consists of. */
struct part {
    uint32_t start, end;
};

/* Pieces and parts are stacks: a message pushes its own and pops them before it returns. */
struct merger {
    struct otk_buffer *out;
    struct otk_gaps gaps;
    const uint8_t *bytes;
    struct piece *pieces;
    struct part *parts;
    size_t piece_count, piece_capacity;
    size_t part_count, part_capacity;
};

static bool room(struct merger *g, void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    size_t grown = *capacity ? 2 * *capacity : 64;
    void *to = realloc(*items, grown * item_size);
    if (!to) {
        g->out->failed = OTK_ENOMEM;
        return false;
    }
    *items = to;
    *capacity = grown;
    return true;
}

static bool push_piece(struct merger *g, struct piece piece)
{
    void *items = g->pieces;
    bool ok = room(g, &items, g->piece_count, &g->piece_capacity, sizeof *g->pieces);
    g->pieces = items;
    if (ok)
        g->pieces[g->piece_count++] = piece;
    return ok;
}

static bool push_part(struct merger *g, struct part part)
{
    void *items = g->parts;
    bool ok = room(g, &items, g->part_count, &g->part_capacity, sizeof *g->parts);
    g->parts = items;
    if (ok)
        g->parts[g->part_count++] = part;
    return ok;
}

static bool push_pieces_of(struct merger *g, const struct otk_message *m, struct part part)
{
    const uint8_t *p = g->bytes + part.start, *end = g->bytes + part.end;
    while (p < end) {
        struct otk_record record;
        const uint8_t *start = p;
        otk_wire_next(m, &p, &record);
        struct piece piece = {.start = (uint32_t)(start - g->bytes),
                              .end = (uint32_t)(p - g->bytes),
                              .head = (uint8_t)(record.data - start),
                              .number = record.field ? record.field->number : 0};
        if (!push_piece(g, piece))
            return false;
    }
    return true;
}

static struct part content_of(const struct piece *piece)
{
    return (struct part){piece->start + piece->head, piece->end};
}

static void copy(struct merger *g, const struct piece *piece)
{
    otk_buffer_append(g->out, g->bytes + piece->start, piece->end - piece->start);
}

static void merge_parts(struct merger *g, const struct otk_message *m, size_t first_part);

/* Whether it can be copied as it is: no messages within, and no field comes again but for a repeated one in a row. */
static bool is_plain(const struct merger *g, const struct otk_message *m, struct part part)
{
    const uint8_t *p = g->bytes + part.start, *end = g->bytes + part.end;
    const struct otk_field *last = NULL;
    uint32_t seen = 0;
    while (p < end) {
        struct otk_record record;
        otk_wire_next(m, &p, &record);
        const struct otk_field *f = record.field;
        if (!f || f->message || f->oneof || (seen & f->bit && !(f == last && f->repeated)))
            return false;
        seen |= f->bit;
        last = f;
    }
    return true;
}

static void merge_child(struct merger *g, const struct otk_field *f, size_t first_part)
{
    struct part part = g->parts[first_part];
    if (g->part_count == first_part + 1 && is_plain(g, f->message, part)) {
        otk_write_bytes(g->out, f->number, g->bytes + part.start, part.end - part.start);
        g->part_count = first_part;
        return;
    }
    struct otk_open open = otk_write_begin(g->out, &g->gaps, f->number);
    merge_parts(g, f->message, first_part);
    otk_write_end(g->out, &g->gaps, open);
    g->part_count = first_part;
}

static void write_repeated(struct merger *g, const struct otk_field *f, size_t from, size_t to)
{
    for (size_t i = from; i < to && !g->out->failed; i++) {
        struct piece piece = g->pieces[i];
        if (piece.number != f->number)
            continue;
        if (!f->message)
            copy(g, &piece);
        else if (push_part(g, content_of(&piece)))
            merge_child(g, f, g->part_count - 1);
    }
}

/* The pieces of a singular message merge; of several scalars the last wins. */
static void write_singular(struct merger *g, const struct otk_field *f, size_t from, size_t to)
{
    size_t first_part = g->part_count, last = from;
    for (size_t i = from; i < to; i++) {
        const struct piece *piece = &g->pieces[i];
        if (piece->number != f->number)
            continue;
        last = i;
        if (f->message && !push_part(g, content_of(piece)))
            return;
    }
    if (f->message)
        merge_child(g, f, first_part);
    else
        copy(g, &g->pieces[last]);
}

/* Where the surviving pieces of oneof member `f` begin: behind the last piece of another member; `to` when another
 * member comes last. */
static size_t oneof_from(const struct merger *g, const struct otk_field *f, size_t from, size_t to)
{
    size_t survives = from;
    bool last_is_f = true;
    for (size_t i = from; i < to; i++) {
        uint8_t number = g->pieces[i].number;
        if (!(f->oneof >> number & 1))
            continue;
        last_is_f = number == f->number;
        if (!last_is_f)
            survives = i + 1;
    }
    return last_is_f ? survives : to;
}

static void write_field(struct merger *g, const struct otk_field *f, size_t from, size_t to)
{
    if (f->repeated) {
        write_repeated(g, f, from, to);
        return;
    }
    if (f->oneof)
        from = oneof_from(g, f, from, to);
    if (from < to)
        write_singular(g, f, from, to);
}

static void merge_parts(struct merger *g, const struct otk_message *m, size_t first_part)
{
    size_t from = g->piece_count;
    for (size_t i = first_part; i < g->part_count; i++)
        if (!push_pieces_of(g, m, g->parts[i]))
            return;
    size_t to = g->piece_count;

    uint32_t written = 0;
    for (size_t i = from; i < to && !g->out->failed; i++) {
        const struct otk_field *f = m->number[g->pieces[i].number];
        if (!f || written & f->bit)
            continue;
        written |= f->bit;
        write_field(g, f, i, to);
    }
    for (size_t i = from; i < to; i++)
        if (!g->pieces[i].number)
            copy(g, &g->pieces[i]);
    g->piece_count = from;
}

int otk_merge(struct otk_buffer *out, const struct otk_message *type, const uint8_t *bytes, size_t size)
{
    struct merger g = {.out = out, .gaps = OTK_GAPS_INIT, .bytes = bytes};
    if (push_part(&g, (struct part){0, (uint32_t)size}))
        merge_parts(&g, type, 0);
    free(g.pieces);
    free(g.parts);
    return otk_write_finish(out, &g.gaps);
}
