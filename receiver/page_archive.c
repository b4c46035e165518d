/* GET /otlpkit/archive: each request with its answer, and what is not held any more, as a WARC file. */
#include "archive.h"
#include "pages.h"

struct archive {
    struct page_walk walk;
    struct capture *capture; /* that the pieces are of, or NULL */
    struct otk_warc_pieces pieces;
    size_t piece, said; /* what comes next: a piece, and how much of it was said */
    bool last;          /* nothing comes behind these pieces */
};

static void close_archive(struct otk_question *q)
{
    struct archive *s = q->state;
    otk_warc_pieces_clear(&s->pieces);
    otk_capture_free(s->capture);
}

static bool open_archive(struct otk_question *q)
{
    struct archive *s = q->state;
    otk_page_walk_init(&s->walk, q);
    q->content_type = "application/warc";
    return !otk_warc_begin(&s->pieces) || otk_page_refuse(q, 503, "an archive cannot be made now");
}

static int go_on(struct otk_question *q, struct archive *s)
{
    otk_receiver_counts counts;
    otk_warc_pieces_clear(&s->pieces);
    otk_capture_free(s->capture);
    s->piece = 0;
    s->capture = otk_page_walk_next(&s->walk, q);
    if (s->capture)
        return otk_warc_capture(&s->pieces, &s->capture->pub);
    s->last = true;
    otk_receiver_counts_get(q->rx, &counts);
    return otk_warc_lost(&s->pieces, &counts);
}

/* A body may be larger than a step. */
static void say_some(struct otk_question *q, struct archive *s)
{
    const otk_bytes *piece = &s->pieces.items[s->piece];
    size_t left = piece->size - s->said, room = PAGE_STEP_BYTES - q->out.size;
    size_t size = left < room ? left : room;
    otk_buffer_append(&q->out, piece->data + s->said, size);
    s->said += size;
    if (s->said < piece->size)
        return;
    s->piece++;
    s->said = 0;
}

static enum otk_step step_archive(struct otk_question *q)
{
    struct archive *s = q->state;
    int rc = 0;
    s->walk.in_step = 0;
    while (!rc && !otk_page_is_enough(&s->walk, q)) {
        if (s->piece < s->pieces.count)
            say_some(q, s);
        else if (s->last)
            return OTK_STEP_DONE;
        else
            rc = go_on(q, s);
    }
    return rc ? otk_page_fail(q, rc) : OTK_STEP_AGAIN;
}

static const char *const arguments[] = {NULL};

const struct otk_page otk_page_archive = {
    .method = "GET",
    .path = "/otlpkit/archive",
    .arguments = arguments,
    .state_size = sizeof(struct archive),
    .open = open_archive,
    .step = step_archive,
    .close = close_archive,
};
