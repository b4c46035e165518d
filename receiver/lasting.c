/* Whether what holds once may be broken by what comes later. */
#include "expectations.h"
#include "selector.h"

/* What such a set has found stays in it. A trace may change under a filter that looks at it as a whole. */
static bool set_lasts(const struct sel_selector *s, const struct sel_set *set)
{
    if (set->kind == SEL_SET_FILTER)
        return !s->filters[set->filter].of_trace;
    return set->kind != SEL_SET_PIPELINE && !set->negated && set_lasts(s, set->left) && set_lasts(s, set->right);
}

static bool selector_lasts(const char *text)
{
    struct sel_selector *s;
    struct sel_fault fault;
    if (otk_selector_parse(&s, text, &fault))
        return false;
    bool lasts = s->stages->kind == SEL_STAGE_SET && !s->stages->next && set_lasts(s, s->stages->set);
    otk_selector_free(s);
    return lasts;
}

static bool condition_lasts(const otk_condition *c)
{
    return c->kind == OTK_CONDITION_MATCHES && c->at_most == UINT64_MAX && !c->quiet_ms && selector_lasts(c->selector);
}

bool otk_expectations_lasting(const otk_expectations *e)
{
    otk_condition all = otk_expectations_condition(e);
    for (size_t i = 0; i < all.condition_count; i++)
        if (!condition_lasts(&all.conditions[i]))
            return false;
    return true;
}
