#include "merge.h"

#include <stdlib.h>

#include "wire.h"
#include "writer.h"

/* A record of the message that is being merged. */
struct piece {
    const struct otk_field *field; /* NULL: unknown */
    uint32_t start, content, end;  /* offsets of its tag, its content, and behind it */
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
        struct piece piece = {.start = (uint32_t)(p - g->bytes)};
        otk_wire_next(m, &p, &record);
        piece.field = record.field;
        piece.content = (uint32_t)(record.data - g->bytes);
        piece.end = (uint32_t)(p - g->bytes);
        if (!push_piece(g, piece))
            return false;
    }
    return true;
}

static void copy(struct merger *g, const struct piece *piece)
{
    otk_buffer_append(g->out, g->bytes + piece->start, piece->end - piece->start);
}

static void merge_parts(struct merger *g, const struct otk_message *m, size_t first_part);

static void merge_child(struct merger *g, const struct otk_field *f, size_t first_part)
{
    struct otk_open open = otk_write_begin(g->out, &g->gaps, f->number);
    merge_parts(g, f->message, first_part);
    otk_write_end(g->out, &g->gaps, open);
    g->part_count = first_part;
}

static void write_repeated(struct merger *g, const struct otk_field *f, size_t from, size_t to)
{
    for (size_t i = from; i < to && !g->out->failed; i++) {
        struct piece piece = g->pieces[i];
        if (piece.field != f)
            continue;
        if (!f->message)
            copy(g, &piece);
        else if (push_part(g, (struct part){piece.content, piece.end}))
            merge_child(g, f, g->part_count - 1);
    }
}

/* The pieces of a singular message merge; of several scalars the last wins. */
static void write_singular(struct merger *g, const struct otk_field *f, size_t from, size_t to)
{
    size_t first_part = g->part_count, last = from;
    for (size_t i = from; i < to; i++) {
        const struct piece *piece = &g->pieces[i];
        if (piece->field != f)
            continue;
        last = i;
        if (f->message && !push_part(g, (struct part){piece->content, piece->end}))
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
        const struct otk_field *other = g->pieces[i].field;
        if (!other || other->oneof != f->oneof)
            continue;
        last_is_f = other == f;
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
        const struct otk_field *f = g->pieces[i].field;
        if (!f || written & f->bit)
            continue;
        written |= f->bit;
        write_field(g, f, i, to);
    }
    for (size_t i = from; i < to; i++)
        if (!g->pieces[i].field)
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
