#include "pages.h"

#include "answer.h"
#include "json.h"
#include "openapi.h"
#include "quantity.h"
#include "selector.h"

#include <stdio.h>
#include <stdlib.h>

#define SENTENCE_MAX 1024
#define SHOWN_MAX 200 /* of a word that was sent */
#define TYPO_MAX 4
#define DURATION_MAX_MS 3600000

/* ---- Small pages ----------------------------------------------------- */

static const char *const no_arguments[] = {NULL};

static enum otk_step forget_captures(struct otk_question *q)
{
    otk_receiver_reset(q->rx);
    q->status = 204;
    return OTK_STEP_DONE;
}

static const struct otk_page page_captures = {
    .method = "DELETE", .path = "/otlpkit/captures", .arguments = no_arguments, .step = forget_captures};

static enum otk_step show_openapi(struct otk_question *q)
{
    otk_buffer_append(&q->out, otk_openapi_json, otk_openapi_json_size);
    return OTK_STEP_DONE;
}

static const struct otk_page page_openapi = {
    .method = "GET", .path = "/otlpkit/openapi.json", .arguments = no_arguments, .step = show_openapi};

/* ---- All of them ----------------------------------------------------- */

const struct otk_page *const otk_pages[] = {
    &otk_page_dump,         &otk_page_archive,
    &otk_page_spans,        &otk_page_metrics,
    &otk_page_logs,         &otk_page_requests,
    &otk_page_stats,        &otk_page_wait,
    &otk_page_judge,        &otk_page_stream,
    &otk_page_sessions,     &otk_page_named_session,
    &otk_page_faults,       &otk_page_set_faults,
    &otk_page_clear_faults, &otk_page_attempts,
    &page_captures,         &page_openapi,
    NULL,
};

static bool is_at(const struct otk_page *page, otk_string path)
{
    size_t size = strlen(page->path);
    bool all_below = page->path[size - 1] == '/';
    return (path.size == size || (path.size > size && all_below)) && memcmp(path.data, page->path, size) == 0;
}

static bool takes(const struct otk_page *page, const char *method)
{
    return strcmp(page->method, method) == 0 || (strcmp(page->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

struct nearest {
    otk_string word;
    const char *name; /* the one that comes nearest so far, or NULL */
    unsigned distance;
};

static struct nearest nearest_to(otk_string word)
{
    return (struct nearest){word, NULL, TYPO_MAX};
}

static void compare(struct nearest *n, const char *name)
{
    unsigned distance = otk_sel_edit_distance(n->word, (otk_string){name, strlen(name)}, n->distance - 1);
    if (distance >= n->distance)
        return;
    n->name = name;
    n->distance = distance;
}

static bool refuse_path(struct otk_question *q, otk_string path)
{
    struct nearest n = nearest_to(path);
    int shown = (int)(path.size < SHOWN_MAX ? path.size : SHOWN_MAX);
    for (size_t i = 0; otk_pages[i]; i++)
        compare(&n, otk_pages[i]->path);
    if (n.name)
        return otk_page_refuse(q, 404, "there is no page %.*s; the nearest is %s", shown, path.data, n.name);
    return otk_page_refuse(q, 404, "there is no page %.*s; /otlpkit/openapi.json lists those there are", shown,
                           path.data);
}

/* The methods that the pages at this path take, as an Allow header lists them. */
static const char *allow(struct otk_question *q, otk_string path)
{
    struct otk_buffer out = OTK_BUFFER_INIT(SENTENCE_MAX);
    for (size_t i = 0; otk_pages[i]; i++)
        if (is_at(otk_pages[i], path))
            otk_buffer_printf(&out, "%s%s%s", out.size ? ", " : "", otk_pages[i]->method,
                              strcmp(otk_pages[i]->method, "GET") ? "" : ", HEAD");
    const char *list = otk_arena_string(&q->request->arena, (const char *)out.data, out.size);
    otk_buffer_clear(&out);
    return list;
}

static bool find_page(struct otk_question *q, otk_string path)
{
    bool exists = false;
    for (size_t i = 0; otk_pages[i]; i++) {
        if (!is_at(otk_pages[i], path))
            continue;
        exists = true;
        if (!takes(otk_pages[i], q->request->pub.method))
            continue;
        size_t size = strlen(otk_pages[i]->path);
        q->page = otk_pages[i];
        q->rest = (otk_string){path.data + size, path.size - size};
        return true;
    }
    if (!exists)
        return refuse_path(q, path);
    q->allow = allow(q, path);
    return otk_page_refuse(q, 405, "this page is asked by %s", q->allow ? q->allow : "another method");
}

static bool knows(struct otk_question *q, const char *argument)
{
    struct nearest n = nearest_to((otk_string){argument, strlen(argument)});
    const char *const *names = q->page->arguments;
    for (; *names; names++) {
        if (strcmp(*names, argument) == 0)
            return true;
        compare(&n, *names);
    }
    if (n.name)
        return otk_page_refuse(q, 400, "%s has no argument %.*s; did you mean %s?", q->page->path, SHOWN_MAX, argument,
                               n.name);
    return otk_page_refuse(q, 400, "%s has no argument %.*s", q->page->path, SHOWN_MAX, argument);
}

bool otk_question_route(struct otk_question *q, otk_string path)
{
    if (!find_page(q, path))
        return false;
    struct otk_arena *arena = &q->request->arena;
    q->state = otk_arena_alloc(arena, q->page->state_size);
    int rc = q->state ? otk_arguments_read(&q->arguments, q->request->pub.target, arena) : OTK_ENOMEM;
    if (rc == OTK_EDATA)
        return otk_page_refuse(q, 400, "the query is not UTF-8 text with escapes such as %%20");
    if (rc)
        return otk_page_refuse(q, 503, "out of memory");
    for (size_t i = 0; i < q->arguments.count; i++)
        if (!knows(q, q->arguments.items[i].name))
            return false;
    return true;
}

/* ---- Answers --------------------------------------------------------- */

void otk_question_refuse(struct otk_question *q, unsigned status, const char *message)
{
    q->status = status;
    q->content_type = "application/json";
    q->out.size = 0;
    otk_answer_failure(&q->out, OTK_ENCODING_JSON, status, message, NULL);
}

bool otk_page_refuse(struct otk_question *q, unsigned status, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    otk_question_refuse(q, status, sentence);
    return false;
}

enum otk_step otk_page_fail(struct otk_question *q, int code)
{
    q->out.failed = code;
    return OTK_STEP_DONE;
}

/* ---- Arguments ------------------------------------------------------- */

/* The value under `name`, NULL where there is none. False: refused, there are two. */
static bool only(struct otk_question *q, const char *name, const otk_string **out)
{
    *out = NULL;
    for (size_t i = 0; i < q->arguments.count; i++) {
        if (strcmp(q->arguments.items[i].name, name) != 0)
            continue;
        if (*out)
            return otk_page_refuse(q, 400, "%s is given more than once", name);
        *out = &q->arguments.items[i].value;
    }
    return true;
}

bool otk_page_text(struct otk_question *q, const char *name, const char **out)
{
    const otk_string *text;
    if (!only(q, name, &text))
        return false;
    *out = text ? text->data : NULL;
    return true;
}

bool otk_page_number(struct otk_question *q, const char *name, uint64_t *out)
{
    const otk_string *text;
    if (!only(q, name, &text))
        return false;
    return !text || otk_count_read(*text, out) ||
           otk_page_refuse(q, 400, "%s is a number, not %.*s", name, SHOWN_MAX, text->data);
}

bool otk_page_duration(struct otk_question *q, const char *name, uint64_t *ms)
{
    const otk_string *text;
    if (!only(q, name, &text))
        return false;
    return !text || (otk_duration_read(*text, ms) && *ms <= DURATION_MAX_MS) ||
           otk_page_refuse(q, 400, "%s is a duration of an hour at most, such as 500ms, 5s or 1m, not %.*s", name,
                           SHOWN_MAX, text->data);
}

/* {"code":3,"message":"…","position":12}: the message as otk_selector_explain() has it, with a caret below the place,
 * which is `position`, in bytes from 1. */
static bool refuse_selector(struct otk_question *q, const char *selector)
{
    struct sel_selector *parsed;
    struct sel_fault fault = {0};
    char *explained = otk_selector_explain(selector);
    int rc = otk_selector_parse(&parsed, selector, &fault);
    otk_question_refuse(q, 400, explained ? explained : fault.sentence);
    if (rc == OTK_EINVAL && q->out.size) {
        q->out.size--;
        otk_json_number(&q->out, "position", fault.place.at + UINT64_C(1));
        otk_buffer_byte(&q->out, '}');
    }
    free(explained);
    return false;
}

bool otk_page_where(struct otk_question *q, struct otk_query **out)
{
    const otk_string *selector;
    otk_error error;
    *out = NULL;
    if (!only(q, "where", &selector))
        return false;
    int rc = selector ? otk_query_new(out, selector->data, &error) : 0;
    if (rc == OTK_EINVAL)
        return refuse_selector(q, selector->data);
    return !rc || otk_page_refuse(q, 503, "out of memory");
}

/* ---- Walking --------------------------------------------------------- */

void otk_page_walk_init(struct page_walk *w, struct otk_question *q)
{
    *w = (struct page_walk){.newest = otk_store_newest(otk_receiver_store(q->rx))};
}

struct capture *otk_page_walk_next(struct page_walk *w, struct otk_question *q)
{
    struct capture *c = otk_store_next(otk_receiver_store(q->rx), w->number);
    if (c && c->pub.number > w->newest) {
        otk_capture_free(c);
        return NULL;
    }
    w->number = c ? c->pub.number : w->newest;
    w->in_step++;
    return c;
}

bool otk_page_is_enough(const struct page_walk *w, const struct otk_question *q)
{
    return w->in_step >= PAGE_STEP_CAPTURES || q->out.size >= PAGE_STEP_BYTES || q->out.failed;
}

enum otk_step otk_page_feed(struct page_walk *w, struct otk_question *q, struct otk_query *query)
{
    int rc = 0;
    w->in_step = 0;
    while (!rc && !otk_page_is_enough(w, q)) {
        struct capture *c = otk_page_walk_next(w, q);
        if (!c)
            return OTK_STEP_IDLE;
        rc = otk_query_feed(query, c);
        otk_capture_free(c);
    }
    if (!rc)
        return OTK_STEP_AGAIN;
    if (rc == OTK_ELIMIT)
        otk_page_refuse(q, 400, "a regular expression is too costly for what came");
    else
        otk_page_refuse(q, 503, "out of memory");
    return OTK_STEP_DONE;
}

/* ---- Lists ----------------------------------------------------------- */

bool otk_page_list_init(struct page_list *l, struct otk_question *q)
{
    *l = (struct page_list){.limit = UINT64_MAX};
    return otk_page_number(q, "limit", &l->limit);
}

bool otk_page_list_next(struct page_list *l, struct otk_question *q)
{
    if (l->count == l->limit)
        return false;
    otk_buffer_text(&q->out, l->count++ ? ",\n" : "[\n");
    return true;
}

enum otk_step otk_page_list_end(struct page_list *l, struct otk_question *q)
{
    otk_buffer_text(&q->out, l->count ? "\n]\n" : "[]\n");
    return OTK_STEP_DONE;
}
