#include "watch.h"

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A thread that is late judges as at the deadline: the quiet of the time after that does not count. After the last that
 * comes, it stays quiet for good. */
static void judge_at(struct otk_watch *w, uint64_t now_ns)
{
    now_ns = w->over ? UINT64_MAX : sooner(now_ns, w->deadline_ns);
    w->judgement = otk_expectation_judge(w->what, now_ns);
    w->what->judged_ns = now_ns;
}

void otk_watch_init(struct otk_watch *w, struct otk_expectation *what, unsigned timeout_ms)
{
    *w = (struct otk_watch){.what = what, .deadline_ns = otk_now_ns() + (uint64_t)timeout_ms * 1000000u};
}

void otk_watch_feed(struct otk_watch *w, const struct otk_news *news)
{
    uint64_t now_ns = otk_now_ns();
    if (w->resets < news->resets && !w->rc)
        w->rc = otk_expectation_restart(w->what, now_ns);
    w->resets = news->resets > w->resets ? news->resets : w->resets;
    for (size_t i = 0; i < news->count && !w->rc; i++)
        if (news->items[i]->pub.number > w->number)
            w->rc = otk_expectation_feed(w->what, news->items[i], now_ns);
    w->number = news->number > w->number ? news->number : w->number;
    w->over = news->last;
    judge_at(w, now_ns);
}

bool otk_watch_look(struct otk_watch *w, struct otk_store *store)
{
    struct otk_news news;
    otk_store_news(store, w->number, &news);
    otk_watch_feed(w, &news);
    otk_news_release(&news);
    return news.count == sizeof news.items / sizeof *news.items;
}

void otk_watch_judge(struct otk_watch *w)
{
    judge_at(w, otk_now_ns());
}

bool otk_watch_is_settled(const struct otk_watch *w)
{
    return w->rc || w->over || w->judgement.verdict != OTK_VERDICT_OPEN;
}

uint64_t otk_watch_next_ns(const struct otk_watch *w)
{
    return sooner(w->deadline_ns, w->judgement.again_ns);
}

int otk_watch_end(const struct otk_watch *w, bool *hopeless)
{
    *hopeless = !w->rc && w->judgement.verdict == OTK_VERDICT_HOPELESS;
    return w->rc ? w->rc : w->judgement.verdict == OTK_VERDICT_HOLDS ? 0 : OTK_ETIMEOUT;
}
