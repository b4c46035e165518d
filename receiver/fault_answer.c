#include "fault_answer.h"

#include "answer.h"
#include "http_date.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ANSWER_MAX ((size_t)9 << 20) /* a script may ask for 8 MiB */
#define GARBAGE_SIZE 64
#define PADDING_FIELD 15 /* no response has it */

/* Content-Type, Location, Retry-After, Connection */
#define HEADERS_MAX 4

/* ---- What is answered ------------------------------------------------ */

static void show_answer(struct capture *c)
{
    c->pub.answer = (otk_bytes){c->answer.data, c->answer.size};
}

static void refuse(const struct otk_endpoint *e, struct capture *c, const struct otk_fault_step *step)
{
    char reason[512];
    snprintf(reason, sizeof reason, "as the fault script says: %.400s", step->text);
    otk_endpoint_refuse(e, c, (unsigned)step->status, step->message ? step->message : reason);
    if (step->status < 300) { /* a Status is for failures */
        otk_buffer_clear(&c->answer);
        otk_answer_success(&c->answer, c->pub.encoding);
        show_answer(c);
    }
}

/* Of what was accepted, some is said to be rejected; or with a message and nothing rejected, there is a warning. */
static int answer_partially(struct capture *c, const struct otk_fault_step *step)
{
    otk_buffer_clear(&c->answer);
    c->answer.limit = ANSWER_MAX;
    c->pub.rejected_count = (size_t)step->rejected;
    int rc = otk_answer_partial(&c->answer, c->pub.encoding, c->pub.signal, (size_t)step->rejected,
                                step->message ? step->message : "");
    show_answer(c);
    return rc;
}

static void leave_unanswered(struct capture *c)
{
    otk_capture_drop_message(c);
    otk_buffer_clear(&c->answer);
    c->pub.status = 0;
    c->pub.rejected_count = 0;
    c->pub.answer_headers = (otk_headers){0};
    c->pub.reason = "left without an answer, as the fault script says";
    show_answer(c);
}

/* ---- What is in it --------------------------------------------------- */

static bool fill(struct otk_buffer *b, uint8_t byte, size_t size)
{
    uint8_t *to = otk_buffer_reserve(b, size);
    if (to)
        memset(to, byte, size);
    b->size += to ? size : 0;
    return to;
}

/* No message begins with these bytes, and no JSON. */
static bool make_garbage(struct otk_buffer *b, size_t size)
{
    b->size = 0;
    return fill(b, 0xff, size > GARBAGE_SIZE ? size : GARBAGE_SIZE);
}

/* Up to `size`, with what a reader passes over: white space, or a field that it does not know. */
static bool pad(struct otk_buffer *b, otk_encoding encoding, size_t size)
{
    size_t missing = size > b->size ? size - b->size : 0;
    if (encoding != OTK_ENCODING_PROTOBUF)
        return fill(b, ' ', missing);
    uint8_t *zeros = missing ? calloc(1, missing) : NULL;
    if (!zeros)
        return !missing;
    otk_write_bytes(b, PADDING_FIELD, zeros, missing);
    free(zeros);
    return !b->failed;
}

static bool change_body(struct capture *c, const struct otk_fault_step *step)
{
    c->answer.limit = ANSWER_MAX;
    bool changed = step->garbage ? make_garbage(&c->answer, (size_t)step->size)
                                 : pad(&c->answer, c->pub.encoding, (size_t)step->size);
    show_answer(c);
    return changed;
}

static const char *retry_after(struct capture *c, const struct otk_fault_step *step)
{
    char date[OTK_HTTP_DATE_SIZE];
    struct timespec now;
    if (!step->retry_after_is_date)
        return step->retry_after;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t from_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    otk_http_date_write(date, (time_t)((from_ms + step->retry_after_ms) / 1000));
    return otk_arena_string(&c->arena, date, strlen(date));
}

/* The endpoint's own, without those that the script is to say. */
static bool is_kept(const otk_header *h, const struct otk_fault_step *step)
{
    return (!step->type || strcasecmp(h->name, "Content-Type") != 0) &&
           (step->act != OTK_FAULT_STATUS || strcasecmp(h->name, "Retry-After") != 0);
}

static bool change_headers(struct capture *c, const struct otk_fault_step *step)
{
    const otk_headers before = c->pub.answer_headers;
    const otk_header added[HEADERS_MAX] = {
        {"Content-Type", step->type},
        {"Location", step->location},
        {"Retry-After", step->retry_after ? retry_after(c, step) : NULL},
        {"Connection", step->close ? "close" : NULL},
    };
    otk_header *all = otk_arena_alloc(&c->arena, (before.count + HEADERS_MAX) * sizeof *all);
    size_t count = 0;
    if (!all)
        return false;
    for (size_t i = 0; i < before.count; i++)
        if (is_kept(&before.items[i], step))
            all[count++] = before.items[i];
    for (size_t i = 0; i < HEADERS_MAX; i++)
        if (added[i].value)
            all[count++] = added[i];
    c->pub.answer_headers = (otk_headers){all, count};
    return true;
}

void otk_fault_answer(const struct otk_endpoint *e, struct capture *c)
{
    const struct otk_fault_step *step = c->fault;
    bool partial = step->act == OTK_FAULT_PARTIAL || (step->act == OTK_FAULT_SERVE && step->message);
    bool whole = true;
    if (step->act == OTK_FAULT_HANG || step->act == OTK_FAULT_RESET) {
        leave_unanswered(c);
        return;
    }
    if (step->act == OTK_FAULT_STATUS)
        refuse(e, c, step);
    else if (partial && c->pub.status == 200)
        whole = answer_partially(c, step) == 0;
    if (whole && (step->garbage || step->size))
        whole = change_body(c, step);
    if (!whole || !change_headers(c, step))
        otk_endpoint_refuse(e, c, 503, "out of memory");
}
