#include "clause.h"

#include "caret.h"
#include "fault.h"
#include "selector_lexer.h"
#include "visible.h"

#include <stdio.h>

#define FAULTS_MAX 10
#define PLACE_MAX ((size_t)1 << 20)

/* A condition: a line and those that go on it. */
struct clause {
    struct reading *r;
    size_t begin, at, end; /* `at`: read up to here */
    const char *selector;  /* "" when there is none */
    unsigned within_ms;
};

/* ---- Faults ---------------------------------------------------------- */

static unsigned line_of(const struct clause *c, size_t at)
{
    unsigned line = c->r->line;
    for (size_t i = c->begin; i < at; i++)
        line += c->r->original[i] == '\n';
    return line;
}

/* shop.expect:3: sentence, the line, and a caret. */
static void write_fault(struct reading *r, unsigned line, const char *sentence, struct sel_place place)
{
    struct otk_buffer *out = r->faults;
    size_t from = out->size;
    if (r->where)
        otk_visible(out, r->where, strlen(r->where), "");
    otk_buffer_printf(out, r->where ? ":%u: " : "line %u: ", line);
    otk_visible(out, sentence, strlen(sentence), "");
    if (!r->fault_count && !out->failed)
        snprintf(r->error.message, sizeof r->error.message, "%.*s", (int)(out->size - from), (char *)out->data + from);
    otk_caret_write(out, r->original, place.at, place.size);
}

static int wrong(const struct clause *c, struct sel_place place, const char *sentence)
{
    struct reading *r = c->r;
    if (r->fault_count < FAULTS_MAX)
        write_fault(r, line_of(c, place.at), sentence, place);
    r->fault_count++;
    return OTK_EINVAL;
}

static int wrong_here(const struct clause *c, const char *sentence)
{
    return wrong(c, (struct sel_place){(uint32_t)c->at, 1}, sentence);
}

/* ---- Pieces ---------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Goes to what is no space and no comment, and makes spaces of what lies between. */
static void skip_blank(struct clause *c)
{
    char *text = c->r->text;
    bool comment = false;
    for (; c->at < c->end && (comment || is_space(text[c->at]) || text[c->at] == '#'); c->at++) {
        comment = text[c->at] == '#' || (comment && text[c->at] != '\n');
        text[c->at] = ' ';
    }
}

static bool take_word(struct clause *c, const char *word)
{
    size_t n = strlen(word);
    const char *at = c->r->text + c->at;
    if (c->end - c->at < n || memcmp(at, word, n) != 0 || (c->end - c->at > n && is_letter(at[n])))
        return false;
    c->at += n;
    return true;
}

static bool take_dots(struct clause *c)
{
    bool dots = c->end - c->at >= 2 && memcmp(c->r->text + c->at, "..", 2) == 0;
    c->at += dots ? 2 : 0;
    return dots;
}

static int take_number(struct clause *c, uint64_t *out)
{
    struct sel_place place = {(uint32_t)c->at, 0};
    for (*out = 0; c->at < c->end && is_digit(c->r->text[c->at]); c->at++)
        *out = *out * 10 + (uint64_t)(c->r->text[c->at] - '0');
    place.size = (uint32_t)c->at - place.at;
    return place.size <= 18 ? 0 : wrong(c, place, "this number is too large");
}

static bool at_digit(const struct clause *c)
{
    return c->at < c->end && is_digit(c->r->text[c->at]);
}

static bool at_range(const struct clause *c)
{
    return at_digit(c) || (c->end - c->at >= 2 && memcmp(c->r->text + c->at, "..", 2) == 0);
}

/* ---- Selectors ------------------------------------------------------- */

/* Comments are no tokens of selectors. */
static int next_token(struct clause *c, struct sel_token *out)
{
    struct sel_fault fault;
    skip_blank(c);
    struct sel_lexer lexer = {c->r->text + c->at, c->end - c->at, 0, c->r->room, &fault};
    int rc = otk_sel_next_token(&lexer, out);
    if (rc)
        return wrong(c, (struct sel_place){fault.place.at + (uint32_t)c->at, fault.place.size}, fault.sentence);
    out->place.at += (uint32_t)c->at;
    c->at += lexer.at;
    return 0;
}

static int depth_change(const struct sel_token *t)
{
    if (t->kind != SEL_TOKEN_SIGN || t->text.size != 1)
        return 0;
    return strchr("({[", *t->text.data) ? 1 : strchr(")}]", *t->text.data) ? -1 : 0;
}

static bool is_within(const struct sel_token *t)
{
    return t->kind == SEL_TOKEN_WORD && t->text.size == 6 && memcmp(t->text.data, "within", 6) == 0;
}

/* Reads up to `within` outside of all brackets, or the end, and keeps the tokens with single spaces between. */
static int take_tokens(struct clause *c, struct sel_place *place, struct sel_token *behind)
{
    struct otk_buffer *out = &c->r->selector;
    int depth = 0;
    size_t end = c->at;
    out->size = 0;
    for (;;) {
        int rc = next_token(c, behind);
        if (rc)
            return rc;
        if (behind->kind == SEL_TOKEN_END || (depth <= 0 && is_within(behind)))
            break;
        if (!out->size)
            place->at = behind->place.at;
        else if (behind->place.at > end)
            otk_buffer_byte(out, ' ');
        otk_buffer_append(out, behind->text.data, behind->text.size);
        depth += depth_change(behind);
        end = behind->place.at + behind->text.size;
    }
    place->size = out->size ? (uint32_t)end - place->at : 0;
    return out->failed;
}

/* Whether only white space stands before `at` in a line that goes on the one before. */
static bool is_indented(const struct clause *c, size_t at)
{
    while (at > c->begin && is_space(c->r->original[at - 1]) && c->r->original[at - 1] != '\n')
        at--;
    return at > c->begin && c->r->original[at - 1] == '\n' && is_space(c->r->original[at]);
}

static int wrong_selector(struct clause *c, struct sel_place place, const struct sel_fault *fault)
{
    char sentence[512];
    struct sel_place at = {place.at + fault->place.at, fault->place.size};
    if (!fault->place.at && is_letter(c->r->text[place.at]))
        return wrong(
            c, at,
            "a line is a selector, { … } metric{ … } or log{ … }, behind a count, never or complete; or begins "
            "with retried, delivered or fault");
    bool is_second = strncmp(fault->sentence, "the selector should end", 23) == 0 && is_indented(c, at.at);
    snprintf(sentence, sizeof sentence, "%s%s", fault->sentence,
             is_second ? "; it goes on the line before, because it begins with white space" : "");
    return wrong(c, at, sentence);
}

/* The text is parsed where it stands, for places; what is kept has no line breaks and comments in it. */
static int check_selector(struct clause *c, struct sel_place place, bool of_spans)
{
    struct sel_selector *s;
    struct sel_fault fault = {0};
    char *end = c->r->text + place.at + place.size, behind = *end;
    *end = '\0';
    int rc = otk_selector_parse(&s, c->r->text + place.at, &fault);
    *end = behind;
    if (rc == OTK_EINVAL)
        return wrong_selector(c, place, &fault);
    if (rc)
        return rc;
    bool wrong_signal = of_spans && s->signal != OTK_SIGNAL_TRACES;
    otk_selector_free(s);
    if (wrong_signal)
        return wrong(c, place, "a trace is told by a selector of spans: { … }");
    c->selector = otk_arena_string(c->r->arena, (const char *)c->r->selector.data, c->r->selector.size);
    return c->selector ? 0 : OTK_ENOMEM;
}

static int take_deadline(struct clause *c)
{
    struct sel_token t;
    int rc = next_token(c, &t);
    if (rc)
        return rc;
    if (t.kind != SEL_TOKEN_DURATION || t.i < 1000000)
        return wrong(c, t.place, "behind `within` stands a duration of 1ms or more, as in within 2s");
    if (t.i / 1000000 > 1000 * 3600)
        return wrong(c, t.place, "this is longer than an hour");
    c->within_ms = (unsigned)(t.i / 1000000);
    rc = next_token(c, &t);
    return rc || t.kind == SEL_TOKEN_END ? rc : wrong(c, t.place, "the line should end behind the duration");
}

/* What all kinds of lines end with: a selector, and `within`. */
static int take_rest(struct clause *c, bool of_spans)
{
    struct sel_place place = {0};
    struct sel_token behind;
    int rc = take_tokens(c, &place, &behind);
    if (!rc && place.size)
        rc = check_selector(c, place, of_spans);
    return rc || behind.kind == SEL_TOKEN_END ? rc : take_deadline(c);
}

static int take_selector(struct clause *c, const char *missing)
{
    size_t at = c->at;
    int rc = take_rest(c, false);
    if (rc || *c->selector)
        return rc;
    c->at = at;
    return wrong_here(c, missing);
}

/* ---- Kinds of lines -------------------------------------------------- */

static int read_never(struct clause *c, otk_condition *out)
{
    int rc = take_selector(c, "behind `never` stands a selector, as in never { status = error }");
    *out = otk_none(c->selector, c->within_ms);
    return rc;
}

static int read_complete(struct clause *c, otk_condition *out)
{
    uint64_t spans = 0;
    skip_blank(c);
    int rc = at_digit(c) ? take_number(c, &spans) : 0;
    if (!rc)
        rc = take_rest(c, true);
    *out = otk_trace_complete(*c->selector ? c->selector : NULL, spans, 0);
    out->within_ms = c->within_ms;
    return rc;
}

/* 3, 2.., ..5, 2..5 */
static int take_range(struct clause *c, uint64_t *low, uint64_t *high)
{
    struct sel_place place = {(uint32_t)c->at, 0};
    int rc = take_number(c, low);
    *high = UINT64_MAX;
    if (!rc && !take_dots(c))
        *high = *low;
    else if (!rc && at_digit(c))
        rc = take_number(c, high);
    place.size = (uint32_t)c->at - place.at;
    return rc || *low <= *high ? rc : wrong(c, place, "from more to less: the smaller number comes first");
}

static int read_count(struct clause *c, otk_condition *out)
{
    uint64_t low = 0, high = 0;
    int rc = take_range(c, &low, &high);
    if (!rc)
        rc = take_selector(c, "behind a count stands a selector, as in 3 { name = \"charge\" }");
    *out = otk_seen_times(c->selector, low, high);
    out->within_ms = c->within_ms;
    return rc;
}

static int read_seen(struct clause *c, otk_condition *out)
{
    int rc = take_selector(c, "a selector should stand here");
    *out = otk_seen(c->selector);
    out->within_ms = c->within_ms;
    return rc;
}

/* These speak of all that came: only a deadline may follow. */
static int take_end(struct clause *c, otk_condition *out)
{
    size_t at = c->at;
    int rc = take_rest(c, false);
    out->within_ms = c->within_ms;
    if (rc || !*c->selector)
        return rc;
    c->at = at;
    return wrong_here(c, "no selector stands here: this is about all requests");
}

static int read_delivered(struct clause *c, otk_condition *out)
{
    skip_blank(c);
    *out = otk_delivered(take_word(c, "once"));
    return take_end(c, out);
}

static int read_retried(struct clause *c, otk_condition *out)
{
    uint64_t low = 1, high = UINT64_MAX;
    skip_blank(c);
    bool rightly = take_word(c, "rightly");
    int rc = !rightly && at_range(c) ? take_range(c, &low, &high) : 0;
    *out = rightly ? otk_retried_rightly() : otk_retried(low, high);
    return rc ? rc : take_end(c, out);
}

/* Settles where the first `fault` line is. */
static int note_script(struct clause *c)
{
    struct reading *r = c->r;
    if (r->script->size)
        return 0;
    struct otk_buffer place = OTK_BUFFER_INIT(PLACE_MAX);
    if (r->where)
        otk_buffer_printf(&place, "%s:%u", r->where, line_of(c, c->at));
    *r->script_at = otk_arena_string(r->arena, (const char *)place.data, place.size);
    otk_buffer_clear(&place);
    return *r->script_at && !place.failed ? 0 : OTK_ENOMEM;
}

/* No condition: what the line says is kept for otk_expectations_faults(). */
static int read_fault(struct clause *c, otk_condition *out)
{
    struct otk_fault_mistake fault;
    char *script = c->r->text + c->at, behind = c->r->text[c->end];
    c->r->text[c->end] = '\0';
    int rc = otk_fault_script_check(script, &fault);
    if (!rc)
        rc = note_script(c);
    if (!rc)
        rc = otk_buffer_printf(c->r->script, "%s\n", script);
    c->r->text[c->end] = behind;
    *out = (otk_condition){0};
    if (rc != OTK_EINVAL)
        return rc;
    return wrong(c, (struct sel_place){(uint32_t)(c->at + fault.at), (uint32_t)fault.size}, fault.sentence);
}

/* The words that a line may begin with. */
static const struct kind {
    const char *word;
    int (*read)(struct clause *c, otk_condition *out);
} kinds[] = {
    {"never", read_never},         {"complete", read_complete}, {"retried", read_retried},
    {"delivered", read_delivered}, {"fault", read_fault},
};

static int read_clause(struct clause *c, otk_condition *out)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (take_word(c, kinds[i].word))
            return kinds[i].read(c, out);
    return at_range(c) ? read_count(c, out) : read_seen(c, out);
}

/* ---- Clauses --------------------------------------------------------- */

static size_t end_of_line(const struct reading *r, size_t at)
{
    const char *end = memchr(r->text + at, '\n', r->size - at);
    return end ? (size_t)(end - r->text) + 1 : r->size;
}

/* No clause begins so: with white space, a comment, or what closes and joins. */
static bool goes_on(char c)
{
    return is_space(c) || strchr("#})]&|", c);
}

size_t otk_clause_end(const struct reading *r, size_t at)
{
    do
        at = end_of_line(r, at);
    while (at < r->size && goes_on(r->text[at]));
    return at;
}

int otk_clause_read(struct reading *r, size_t begin, size_t end, otk_condition *out)
{
    struct clause c = {.r = r, .begin = begin, .at = begin, .end = end, .selector = ""};
    *out = (otk_condition){0};
    skip_blank(&c);
    if (c.at == c.end)
        return 0;
    unsigned line = line_of(&c, c.at);
    int rc = read_clause(&c, out);
    if (rc)
        *out = (otk_condition){0};
    out->file = r->where;
    out->line = r->where ? line : 0;
    return rc == OTK_EINVAL ? 0 : rc;
}
