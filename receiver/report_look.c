#include "report_inside.h"

#include <inttypes.h>

/* Items that are looked at for near misses, of one finding and of all: a report is to come in a moment. */
#define LOOKED_AT_MAX 20000
#define LOOKED_AT_IN_ALL 100000

void otk_look_begin(struct otk_gathering *g, size_t findings)
{
    g->to_look = LOOKED_AT_IN_ALL;
    g->newest = otk_store_newest(g->store);
    if (!findings)
        return;
    g->looks_at_items = true;
    g->looks = otk_arena_alloc(&g->report->arena, findings * sizeof *g->looks);
    g->asked = otk_arena_alloc(&g->report->arena, findings * sizeof *g->asked);
    g->failed |= !g->looks || !g->asked;
}

/* ---- Near misses ----------------------------------------------------- */

static uint64_t item_count(const otk_receiver_counts *counts, otk_signal signal)
{
    return signal == OTK_SIGNAL_TRACES    ? counts->spans
           : signal == OTK_SIGNAL_METRICS ? counts->data_points
                                          : counts->log_records;
}

void otk_look_near(struct otk_gathering *g, struct report_finding *f, struct otk_query *q)
{
    uint64_t items = item_count(&g->report->counts, otk_query_signal(q));
    uint64_t to_look = g->to_look < LOOKED_AT_MAX ? g->to_look : LOOKED_AT_MAX;
    if (items < to_look)
        to_look = items;
    g->to_look -= to_look;
    if (to_look)
        g->looks[g->look_count++] = (struct look){f, q, items - to_look, NULL};
}

/* The room of the one that falls out is used again. */
static void insert_near(struct otk_gathering *g, struct report_items *best, size_t at, const struct otk_near *near,
                        const struct otk_query_match *item)
{
    struct otk_near *room;
    if (best->count < REPORT_NEAR_MAX) {
        room = otk_arena_alloc(&g->report->arena, sizeof *room);
        g->failed |= !room || !otk_add_item(g, best);
        if (g->failed)
            return;
    } else {
        room = best->items[best->count - 1].near;
    }
    memmove(&best->items[at + 1], &best->items[at], (best->count - 1 - at) * sizeof *best->items);
    *room = *near;
    otk_describe(g, item, &best->items[at]);
    best->items[at].near = room;
}

static void look_near(struct otk_gathering *g, struct look *l, const struct otk_query_match *item)
{
    struct report_items *best = &l->finding->near;
    struct otk_near near;
    if (!l->query || item->capture->pub.signal != otk_query_signal(l->query) || (l->to_skip && l->to_skip--))
        return;
    if (otk_query_near(l->query, item->capture, item->item, item->point, &near)) {
        g->failed = true;
        return;
    }
    size_t at = best->count;
    while (at && best->items[at - 1].near->distance > near.distance)
        at--;
    if (near.distance && at < REPORT_NEAR_MAX)
        insert_near(g, best, at, &near, item);
}

/* ---- Requests -------------------------------------------------------- */

void otk_look_request(struct otk_gathering *g, struct report_finding *f)
{
    g->looks[g->look_count++] = (struct look){.finding = f};
}

static void look_at_request(struct look *l, struct capture *c)
{
    const otk_request_match path = {.path = l->finding->condition->request.path, .status = OTK_STATUS_ANY};
    if (l->query || !otk_request_matches(&path, &c->pub))
        return;
    otk_capture_free(l->newest);
    atomic_fetch_add(&c->references, 1);
    l->newest = c;
}

/* The newest request that is on the path but otherwise not as described: what it has instead. */
static void describe_request(struct otk_gathering *g, const struct look *l)
{
    const otk_request_match *m = &l->finding->condition->request;
    const otk_capture *c = &l->newest->pub;
    const char *coding = otk_headers_get(&c->headers, "Content-Encoding");
    const char *type = otk_headers_get(&c->headers, "Content-Type");
    const char *value = m->header ? otk_headers_get(&c->headers, m->header) : NULL;
    l->finding->hint = otk_phrase(
        g,
        "the last one, request %" PRIu64
        ": %s %.80s, Content-Type %.80s, Content-Encoding %.40s%s%.60s%s%.80s, answered with %u",
        c->number, c->method, c->target, type ? type : "absent", coding ? coding : "absent", m->header ? ", " : "",
        m->header ? m->header : "", m->header ? " " : "", m->header ? value ? value : "absent" : "", c->status);
}

static const char *keep(struct otk_gathering *g, const char *text)
{
    return otk_keep(g, text, strlen(text));
}

static void note_refused(struct otk_gathering *g, const otk_capture *c)
{
    otk_report *r = g->report;
    const char *agent = otk_headers_get(&c->headers, "User-Agent");
    if (r->refused_shown == REPORT_ITEMS_MAX)
        memmove(r->refused, r->refused + 1, --r->refused_shown * sizeof *r->refused);
    r->refused[r->refused_shown++] = (struct report_request){
        c->number, c->status, keep(g, c->method), keep(g, c->target), keep(g, c->reason), agent ? keep(g, agent) : ""};
}

/* ---- What nothing asked for ------------------------------------------ */

static void next_asked(struct otk_gathering *g, struct asked *a)
{
    int rc = otk_query_match(a->query, a->next++, &a->match);
    a->ended = rc != 0;
    g->failed |= rc == OTK_ENOMEM;
}

void otk_look_beyond(struct otk_gathering *g, struct otk_query *q)
{
    struct asked *a = &g->asked[g->asked_count++];
    *a = (struct asked){.query = q};
    next_asked(g, a);
}

static int compare(const struct otk_query_match *a, const struct otk_query_match *b)
{
    if (a->capture->pub.number != b->capture->pub.number)
        return a->capture->pub.number < b->capture->pub.number ? -1 : 1;
    if (a->item != b->item)
        return a->item < b->item ? -1 : 1;
    return (a->point > b->point) - (a->point < b->point);
}

static bool is_asked_for(struct otk_gathering *g, const struct otk_query_match *item)
{
    for (size_t i = 0; i < g->asked_count; i++) {
        struct asked *a = &g->asked[i];
        while (!a->ended && compare(&a->match, item) < 0)
            next_asked(g, a);
        if (!a->ended && compare(&a->match, item) == 0)
            return true;
    }
    return false;
}

static void look_beyond(struct otk_gathering *g, const struct otk_query_match *item)
{
    struct report_items *extra = &g->report->extra;
    if (is_asked_for(g, item))
        return;
    extra->total++;
    if (extra->count < REPORT_ITEMS_MAX && otk_add_item(g, extra))
        otk_describe(g, item, &extra->items[extra->count - 1]);
}

/* ---- The walk -------------------------------------------------------- */

static void enter_item(struct otk_gathering *g)
{
    const struct capture *c = g->capture;
    g->point = 0;
    g->point_count = g->item < c->index.item_count ? otk_query_points(c, g->item) : 0;
}

/* Of what was refused no item is looked at. */
static bool enter_next(struct otk_gathering *g)
{
    struct capture *c = g->number < g->newest ? otk_store_next(g->store, g->number) : NULL;
    if (!c)
        return false;
    g->number = c->pub.number;
    if (c->pub.status != 200)
        note_refused(g, &c->pub);
    for (size_t i = 0; i < g->look_count; i++)
        look_at_request(&g->looks[i], c);
    g->capture = c;
    g->item = c->pub.status == 200 && g->looks_at_items ? 0 : (uint32_t)c->index.item_count;
    enter_item(g);
    return true;
}

static void look_at_item(struct otk_gathering *g)
{
    bool metrics = g->capture->pub.signal == OTK_SIGNAL_METRICS;
    const struct otk_query_match item = {g->capture, g->item, metrics ? g->point : OTK_NO_POINT};
    for (size_t i = 0; i < g->look_count && !g->failed; i++)
        look_near(g, &g->looks[i], &item);
    if (!g->failed)
        look_beyond(g, &item);
    g->point++;
}

bool otk_look_on(struct otk_gathering *g)
{
    if (g->failed)
        return false;
    if (!g->capture)
        return enter_next(g);
    if (g->point < g->point_count) {
        look_at_item(g);
    } else if (g->item < g->capture->index.item_count) {
        g->item++;
        enter_item(g);
    } else {
        otk_capture_free(g->capture);
        g->capture = NULL;
    }
    return true;
}

void otk_look_end(struct otk_gathering *g)
{
    otk_capture_free(g->capture);
    for (size_t i = 0; i < g->look_count; i++) {
        if (g->looks[i].newest)
            describe_request(g, &g->looks[i]);
        otk_capture_free(g->looks[i].newest);
    }
}
