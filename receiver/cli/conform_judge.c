#include "conform.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#define MS 1000000u
#define GIVEN_UP_NS ((uint64_t)9000 * MS)
#define AT_ONCE_NS ((uint64_t)60 * MS)
/* Of the time between two attempts: what is more than a machine adds, and by what the last is longer than the first. */
#define JITTER 0.05
#define GROWTH 1.1

static const char *const signal_names[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

__attribute__((format(printf, 3, 4))) static enum answer say(char *text, enum answer answer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, SEEN_SIZE, format, args);
    va_end(args);
    return answer;
}

/* ---- What came ------------------------------------------------------- */

/* The first request of the signal from position `*at` on, which is moved behind it; or NULL. */
static const otk_capture *next_of(const struct trial *t, otk_signal signal, size_t *at)
{
    const otk_capture *c;
    while (t->rx && (c = otk_receiver_request(t->rx, (*at)++)))
        if (c->has_signal && c->signal == signal)
            return c;
    return NULL;
}

static const otk_capture *first_of(const struct trial *t, otk_signal signal)
{
    size_t at = 0;
    return next_of(t, signal, &at);
}

bool otk_conform_has(const struct trial *t, otk_signal signal)
{
    return first_of(t, signal);
}

static const otk_capture *first_accepted(const struct trial *t, otk_signal signal)
{
    size_t at = 0;
    const otk_capture *c;
    while ((c = next_of(t, signal, &at)) && c->status != 200)
        continue;
    return c;
}

/* The first payload of the signal, which met the fault script if there is one. */
static const otk_payload *payload_of(const struct trial *t, otk_signal signal)
{
    const otk_payload *p = NULL;
    for (size_t i = 0; t->attempts && (p = otk_attempts_payload(t->attempts, i)); i++)
        if (p->has_signal && p->signal == signal)
            return p;
    return NULL;
}

/* One that was ended before it came so far shows nothing. */
static enum answer nothing_came(const struct seen *s, char *text)
{
    if (s->trial->killed && !s->baseline->killed && s->trial->plan->port == TRIAL_OPEN)
        return say(text, ANSWER_UNSEEN, "its time was over before it exported");
    return say(text, ANSWER_NO, "nothing came");
}

/* ---- Requests -------------------------------------------------------- */

/* It is accepted. */
enum answer otk_judge_delivered(const struct seen *s, otk_signal signal, char *text)
{
    const otk_capture *first = first_of(s->trial, signal);
    if (!first)
        return nothing_came(s, text);
    if (first_accepted(s->trial, signal))
        return say(text, ANSWER_YES, "delivered");
    return say(text, ANSWER_NO, "refused: %s", first->reason);
}

/* Something came after the port was opened. Whose time is over by then depends on when that is: one signal will do. */
enum answer otk_judge_reopened(const struct seen *s, char *text)
{
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (first_accepted(s->trial, (otk_signal)i))
            return say(text, ANSWER_YES, "delivered");
    return nothing_came(s, text);
}

/* Every payload is sent once. */
enum answer otk_judge_once(const struct seen *s, otk_signal signal, char *text)
{
    const otk_payload *p;
    for (size_t i = 0; (p = otk_attempts_payload(s->trial->attempts, i)); i++)
        if (p->has_signal && p->signal == signal && p->attempt_count > 1)
            return say(text, ANSWER_NO, "sent more than once");
    return otk_judge_delivered(s, signal, text);
}

/* A request came to the path that the argument names, {signal} in it being the signal's. */
enum answer otk_judge_target(const struct seen *s, otk_signal signal, char *text)
{
    char wanted[64];
    const char *name = signal_names[signal], *place = strstr(s->argument, "{signal}"), *stray = NULL;
    snprintf(wanted, sizeof wanted, "%.*s%s%s", (int)(place - s->argument), s->argument, name,
             place + strlen("{signal}"));
    const otk_capture *c;
    for (size_t i = 0; (c = otk_receiver_request(s->trial->rx, i)); i++) {
        if (strcmp(c->target, wanted) == 0)
            return say(text, ANSWER_YES, "to %s", s->argument);
        if (c->has_signal ? c->signal == signal : strstr(c->target, name) != NULL)
            stray = c->target;
    }
    return stray ? say(text, ANSWER_NO, "to %s", stray) : nothing_came(s, text);
}

/* All requests came to /, which an endpoint without a path means. */
enum answer otk_judge_root(const struct seen *s, char *text)
{
    const otk_capture *c;
    for (size_t i = 0; (c = otk_receiver_request(s->trial->rx, i)); i++)
        if (strcmp(c->target, "/") != 0)
            return say(text, ANSWER_NO, "to %s", c->target);
    return otk_receiver_request(s->trial->rx, 0) ? say(text, ANSWER_YES, "to /") : nothing_came(s, text);
}

/* Name and value of "name: value"; the name is lower-cased by none, as names have no case. */
static const char *value_in(const char *line, char *name, size_t size)
{
    size_t n = strcspn(line, ":");
    snprintf(name, size, "%.*s", (int)n, line);
    return line + n + 2;
}

/* Every request has the header in the argument, "name: value"; more of them stand behind newlines. */
enum answer otk_judge_header(const struct seen *s, otk_signal signal, char *text)
{
    char name[64], line[128];
    size_t at = 0, requests = 0;
    const otk_capture *c;
    for (; (c = next_of(s->trial, signal, &at)); requests++)
        for (const char *rest = s->argument; *rest; rest += strlen(line) + (rest[strlen(line)] == '\n')) {
            snprintf(line, sizeof line, "%.*s", (int)strcspn(rest, "\n"), rest);
            const char *wanted = value_in(line, name, sizeof name);
            const char *value = otk_headers_get(&c->headers, name);
            if (!value)
                return say(text, ANSWER_NO, "no %s", name);
            if (strcmp(value, wanted) != 0)
                return say(text, ANSWER_NO, "%s: %s", name, value);
        }
    return requests ? say(text, ANSWER_YES, "sent") : nothing_came(s, text);
}

/* No request has the header; at most its value is that of the argument, "name: value". */
enum answer otk_judge_absent(const struct seen *s, otk_signal signal, char *text)
{
    char name[64];
    const char *allowed = value_in(s->argument, name, sizeof name);
    size_t at = 0;
    const otk_capture *c;
    while ((c = next_of(s->trial, signal, &at))) {
        const char *value = otk_headers_get(&c->headers, name);
        if (value && strcmp(value, allowed) != 0)
            return say(text, ANSWER_NO, "%s: %s", name, value);
    }
    enum answer delivered = otk_judge_delivered(s, signal, text);
    return delivered == ANSWER_YES ? say(text, ANSWER_YES, "delivered without") : delivered;
}

/* The header in the argument, which came in by a line break, is not there; what else becomes of it is left open. */
enum answer otk_judge_unbroken(const struct seen *s, otk_signal signal, char *text)
{
    size_t at = 0;
    const otk_capture *c;
    while ((c = next_of(s->trial, signal, &at)))
        if (otk_headers_get(&c->headers, s->argument))
            return say(text, ANSWER_NO, "%s was sent", s->argument);
    return first_of(s->trial, signal) ? say(text, ANSWER_YES, "sent without") : say(text, ANSWER_OPEN, "nothing came");
}

enum answer otk_judge_user_agent(const struct seen *s, otk_signal signal, char *text)
{
    const otk_capture *c = first_of(s->trial, signal);
    const char *agent = otk_headers_get(&c->headers, "User-Agent");
    if (!agent)
        return say(text, ANSWER_NO, "no User-Agent");
    return say(text, strstr(agent, "OTel-OTLP-Exporter-") ? ANSWER_YES : ANSWER_NO, "%s", agent);
}

/* No request is empty. */
enum answer otk_judge_filled(const struct seen *s, otk_signal signal, char *text)
{
    size_t at = 0;
    const otk_capture *c;
    while ((c = next_of(s->trial, signal, &at)))
        if (c->status == 200 && !c->span_count && !c->data_point_count && !c->log_record_count)
            return say(text, ANSWER_NO, "an empty request");
    return say(text, ANSWER_YES, "none is empty");
}

/* Nothing of the signal comes. */
enum answer otk_judge_nothing(const struct seen *s, otk_signal signal, char *text)
{
    return first_of(s->trial, signal) ? say(text, ANSWER_NO, "exported all the same")
                                      : say(text, ANSWER_YES, "nothing came");
}

/* It is delivered, and what is in the argument is spoken of on standard error. */
enum answer otk_judge_warned(const struct seen *s, otk_signal signal, char *text)
{
    char line[4096];
    enum answer delivered = otk_judge_delivered(s, signal, text);
    if (delivered != ANSWER_YES)
        return delivered;
    rewind(s->trial->said);
    while (fgets(line, sizeof line, s->trial->said))
        if (strstr(line, s->argument))
            return say(text, ANSWER_YES, "delivered, and warned of it");
    return say(text, ANSWER_OPEN, "delivered without a warning");
}

/* ---- Attempts -------------------------------------------------------- */

/* What was refused once is sent again, and is there once. */
enum answer otk_judge_retried(const struct seen *s, otk_signal signal, char *text)
{
    const otk_payload *p = payload_of(s->trial, signal);
    if (!p)
        return nothing_came(s, text);
    if (p->attempt_count == 1 && !p->accepted_count)
        return say(text, ANSWER_NO, "not sent again: lost");
    if (!p->accepted_count)
        return say(text, ANSWER_NO, "sent again, but lost");
    return p->accepted_count == 1 ? say(text, ANSWER_YES, "delivered once")
                                  : say(text, ANSWER_NO, "delivered more than once");
}

/* What has its final answer is not sent again. */
enum answer otk_judge_final(const struct seen *s, otk_signal signal, char *text)
{
    const otk_payload *p = payload_of(s->trial, signal);
    if (!p)
        return nothing_came(s, text);
    return p->attempt_count == 1 ? say(text, ANSWER_YES, "not sent again") : say(text, ANSWER_NO, "sent again");
}

/* It is sent again when the time in the answer is over, and not before. With an argument it may be a second too early:
 * dates have whole seconds, and clients that take the difference for whole seconds, too, are right enough. */
enum answer otk_judge_waited(const struct seen *s, otk_signal signal, char *text)
{
    const otk_payload *p = payload_of(s->trial, signal);
    if (!p)
        return nothing_came(s, text);
    if (p->attempt_count == 1)
        return say(text, ANSWER_NO, "not sent again: lost");
    const otk_attempt *again = &p->attempts[1];
    uint64_t slack_ns = s->argument ? 1000 * MS : 0;
    bool early = *again->wrong && again->time_unix_nano + slack_ns < again[-1].not_before_unix_nano;
    return early ? say(text, ANSWER_NO, "sent again too early") : say(text, ANSWER_YES, "waited for it");
}

/* A spoilt answer to what was accepted changes nothing; sending that again is left open. */
enum answer otk_judge_taken(const struct seen *s, otk_signal signal, char *text)
{
    const otk_payload *p = payload_of(s->trial, signal);
    if (!p)
        return nothing_came(s, text);
    if (s->trial->killed && !s->baseline->killed)
        return say(text, ANSWER_NO, "did not end");
    return p->attempt_count == 1 ? say(text, ANSWER_YES, "not sent again") : say(text, ANSWER_OPEN, "sent again");
}

enum answer otk_judge_redirect(const struct seen *s, otk_signal signal, char *text)
{
    const otk_capture *c;
    const otk_payload *p = payload_of(s->trial, signal);
    for (size_t i = 0; (c = otk_receiver_request(s->trial->rx, i)); i++)
        if (strcmp(c->target, "/elsewhere") == 0)
            return say(text, ANSWER_OPEN, "followed");
    if (!p)
        return nothing_came(s, text);
    return p->attempt_count == 1 ? say(text, ANSWER_YES, "not followed")
                                 : say(text, ANSWER_OPEN, "sent again to the same place");
}

/* ---- Time between attempts ------------------------------------------- */

/* The gaps in front of the attempt at position `i` over all payloads that have one. */
struct gaps {
    size_t count;
    double least, most, sum;
};

static struct gaps gaps_before(const struct trial *t, size_t i)
{
    struct gaps g = {0};
    const otk_payload *p;
    for (size_t k = 0; (p = otk_attempts_payload(t->attempts, k)); k++) {
        if (i >= p->attempt_count)
            continue;
        double gap = (double)p->attempts[i].gap_nano;
        g.least = g.count && g.least < gap ? g.least : gap;
        g.most = g.most > gap ? g.most : gap;
        g.sum += gap;
        g.count++;
    }
    return g;
}

static size_t most_attempts(const struct trial *t)
{
    size_t most = 0;
    const otk_payload *p;
    for (size_t i = 0; (p = otk_attempts_payload(t->attempts, i)); i++)
        most = most > p->attempt_count ? most : p->attempt_count;
    return most;
}

/* No attempt comes at once after the one before. */
enum answer otk_judge_patience(const struct seen *s, char *text)
{
    size_t attempts = most_attempts(s->trial);
    if (attempts < 2)
        return say(text, ANSWER_UNSEEN, "not sent again");
    for (size_t i = 1; i < attempts; i++)
        if (gaps_before(s->trial, i).least < (double)AT_ONCE_NS)
            return say(text, ANSWER_NO, "sent again at once");
    return say(text, ANSWER_YES, "waited");
}

/* Without a wait there is nothing to grow or to differ. */
static bool has_waits(const struct seen *s, char *text)
{
    return otk_judge_patience(s, text) == ANSWER_YES;
}

/* The last gaps are longer than the first ones. */
enum answer otk_judge_growth(const struct seen *s, char *text)
{
    size_t attempts = most_attempts(s->trial);
    if (!has_waits(s, text))
        return ANSWER_NO;
    if (attempts < 3)
        return say(text, ANSWER_UNSEEN, "sent again only once in this time");
    struct gaps first = gaps_before(s->trial, 1), last = gaps_before(s->trial, attempts - 1);
    bool grows = last.sum / (double)last.count > GROWTH * first.sum / (double)first.count;
    return grows ? say(text, ANSWER_YES, "they grow") : say(text, ANSWER_NO, "they do not grow");
}

/* Payloads that were refused as often do not wait for the same time: on the average, for on a busy machine it may seem
 * so once. */
enum answer otk_judge_jitter(const struct seen *s, char *text)
{
    size_t attempts = most_attempts(s->trial), compared = 0;
    double spread = 0;
    if (!has_waits(s, text))
        return ANSWER_NO;
    for (size_t i = 1; i < attempts; i++) {
        struct gaps g = gaps_before(s->trial, i);
        spread += g.count > 1 ? (g.most - g.least) / g.most : 0;
        compared += g.count > 1;
    }
    if (!compared)
        return say(text, ANSWER_UNSEEN, "one payload alone does not show it");
    bool differ = spread > JITTER * (double)compared;
    return differ ? say(text, ANSWER_YES, "they differ") : say(text, ANSWER_NO, "nearly the same");
}

/* ---- The end of the program ------------------------------------------ */

static enum answer never_ends(char *text)
{
    return say(text, ANSWER_UNSEEN, "the program does not end by itself");
}

/* It ends by itself, as it does with a receiver. */
enum answer otk_judge_end(const struct seen *s, char *text)
{
    if (s->baseline->killed)
        return never_ends(text);
    if (s->trial->killed)
        return say(text, ANSWER_NO, "did not end");
    int code = WEXITSTATUS(s->trial->status), usual = WEXITSTATUS(s->baseline->status);
    return say(text, code == usual ? ANSWER_YES : ANSWER_OPEN, "ended with exit code %d", code);
}

/* What has no answer is given up before the usual 10 s are over: it is sent again by then, or the program ends, where
 * nothing is ever sent again. */
enum answer otk_judge_given_up(const struct seen *s, char *text)
{
    const otk_capture *first = otk_receiver_request(s->trial->rx, 0);
    if (!first)
        return nothing_came(s, text);
    double waited_ns = (double)(s->trial->ended_unix_ns - first->time_unix_nano);
    if (most_attempts(s->trial) > 1)
        waited_ns = gaps_before(s->trial, 1).least;
    else if (s->baseline->killed)
        return never_ends(text);
    return waited_ns < (double)GIVEN_UP_NS ? say(text, ANSWER_YES, "gave up in time")
                                           : say(text, ANSWER_NO, "waited for longer");
}

/* ---- Content --------------------------------------------------------- */

static const otk_captured_resource *resource_of(const struct trial *t, otk_signal signal)
{
    const otk_capture *c = first_accepted(t, signal);
    const otk_captured_span *span = c ? otk_capture_span(c, 0) : NULL;
    const otk_captured_metric *metric = c ? otk_capture_metric(c, 0) : NULL;
    const otk_captured_log *log = c ? otk_capture_log(c, 0) : NULL;
    return span ? span->resource : metric ? metric->resource : log ? log->resource : NULL;
}

static const char *text_attribute(const otk_captured_resource *r, const char *key)
{
    const otk_value *value = r ? otk_attributes_get(&r->attributes, key) : NULL;
    return value && value->type == OTK_VALUE_STRING ? value->as.string_value.data : NULL;
}

/* The resource has the attribute in the argument, "key: value". */
enum answer otk_judge_resource(const struct seen *s, otk_signal signal, char *text)
{
    char key[64];
    const char *wanted = value_in(s->argument, key, sizeof key);
    const otk_captured_resource *resource = resource_of(s->trial, signal);
    if (!resource)
        return nothing_came(s, text);
    const char *value = text_attribute(resource, key);
    if (!value)
        return say(text, ANSWER_NO, "no %s", key);
    return strcmp(value, wanted) == 0 ? say(text, ANSWER_YES, "there") : say(text, ANSWER_NO, "%s is %s", key, value);
}

/* The resource says which service, and which SDK. */
enum answer otk_judge_described(const struct seen *s, otk_signal signal, char *text)
{
    static const char *const keys[] = {"service.name", "telemetry.sdk.name", "telemetry.sdk.language",
                                       "telemetry.sdk.version"};
    const otk_captured_resource *resource = resource_of(s->trial, signal);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!text_attribute(resource, keys[i]))
            return say(text, ANSWER_NO, "no %s", keys[i]);
    return say(text, ANSWER_YES, "all there");
}

static enum answer no_spans(char *text)
{
    return say(text, ANSWER_UNSEEN, "the client sends no spans");
}

enum answer otk_judge_unsampled(const struct seen *s, char *text)
{
    return otk_conform_has(s->baseline, OTK_SIGNAL_TRACES) ? otk_judge_nothing(s, OTK_SIGNAL_TRACES, text)
                                                           : no_spans(text);
}

enum answer otk_judge_sampled(const struct seen *s, char *text)
{
    return otk_conform_has(s->baseline, OTK_SIGNAL_TRACES) ? otk_judge_warned(s, OTK_SIGNAL_TRACES, text)
                                                           : no_spans(text);
}

/* The most attributes that one span has. */
static size_t most_attributes(const struct trial *t)
{
    size_t most = 0;
    const otk_captured_span *span;
    for (size_t i = 0; (span = otk_receiver_span(t->rx, i)); i++)
        most = most > span->attributes.count ? most : span->attributes.count;
    return most;
}

/* The most bytes that a string attribute of a span has. */
static size_t longest_attribute(const struct trial *t)
{
    size_t most = 0;
    const otk_captured_span *span;
    for (size_t i = 0; (span = otk_receiver_span(t->rx, i)); i++)
        for (size_t k = 0; k < span->attributes.count; k++) {
            const otk_value *value = &span->attributes.items[k].value;
            if (value->type == OTK_VALUE_STRING && value->as.string_value.size > most)
                most = value->as.string_value.size;
        }
    return most;
}

static enum answer judge_limit(const struct seen *s, size_t (*measure)(const struct trial *t), char *text)
{
    size_t limit = (size_t)atoi(s->argument);
    if (measure(s->baseline) <= limit)
        return say(text, ANSWER_UNSEEN, "no span of the client reaches the limit");
    if (!first_accepted(s->trial, OTK_SIGNAL_TRACES))
        return nothing_came(s, text);
    return measure(s->trial) <= limit ? say(text, ANSWER_YES, "kept") : say(text, ANSWER_NO, "not read");
}

/* No span has more attributes than the argument says. */
enum answer otk_judge_attribute_count(const struct seen *s, char *text)
{
    return judge_limit(s, most_attributes, text);
}

/* No string attribute of a span is longer. */
enum answer otk_judge_attribute_length(const struct seen *s, char *text)
{
    return judge_limit(s, longest_attribute, text);
}

/* ---- Verdicts -------------------------------------------------------- */

struct part {
    enum verdict_word verdict;
    char text[SEEN_SIZE];
    bool told;
};

static enum verdict_word verdict_of(const struct conform_case *c, enum answer answer)
{
    switch (answer) {
    case ANSWER_YES:
        return VERDICT_PASS;
    case ANSWER_NO:
        return c->otherwise;
    case ANSWER_OPEN:
        return VERDICT_MAY;
    default:
        return VERDICT_SKIPPED;
    }
}

/* What was seen of several signals, those with the same under one: "traces, logs: sent; metrics: nothing came". */
static void join(struct part *parts, const unsigned *signals, size_t count, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].told)
            continue;
        size_t same = 0;
        char names[32] = "";
        for (size_t k = i; k < count; k++)
            if (strcmp(parts[k].text, parts[i].text) == 0) {
                parts[k].told = true;
                snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", same++ ? ", " : "",
                         signal_names[signals[k]]);
            }
        bool all = same == count;
        size += (size_t)snprintf(out + size, SEEN_SIZE - size, "%s%s%s%s", size ? "; " : "", all ? "" : names,
                                 all ? "" : ": ", parts[i].text);
        if (size >= SEEN_SIZE)
            return;
    }
}

/* The worst of all, and what was seen of each. */
static struct finding judge_signals(const struct conform_case *c, const struct seen *s)
{
    static const unsigned badness[] = {
        [VERDICT_SKIPPED] = 0, [VERDICT_PASS] = 1, [VERDICT_MAY] = 2, [VERDICT_FAIL] = 3};
    struct finding f = {.verdict = VERDICT_SKIPPED};
    struct part parts[OTK_SIGNAL_COUNT] = {0};
    unsigned signals[OTK_SIGNAL_COUNT];
    size_t count = 0;
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++) {
        if (!otk_conform_has(s->baseline, (otk_signal)i))
            continue;
        struct part *p = &parts[count];
        signals[count++] = i;
        p->verdict = verdict_of(c, c->of_signal(s, (otk_signal)i, p->text));
        f.verdict = badness[p->verdict] > badness[f.verdict] ? p->verdict : f.verdict;
    }
    join(parts, signals, count, f.seen);
    return f;
}

static struct finding judge(const struct conform_case *c, const struct seen *s)
{
    struct finding f = {0};
    if (!s->trial->killed && WIFSIGNALED(s->trial->status)) {
        f.verdict = VERDICT_FAIL;
        say(f.seen, ANSWER_NO, "crashed with signal %d", WTERMSIG(s->trial->status));
        return f;
    }
    if (c->of_signal)
        return judge_signals(c, s);
    f.verdict = verdict_of(c, c->of_run(s, f.seen));
    return f;
}

struct finding otk_conform_judge(const struct conform_case *c, const struct trial *trial,
                                 const struct trial *baseline)
{
    struct finding f = judge(c, &(struct seen){trial, baseline, c->argument});
    for (char *p = f.seen; *p; p++)
        *p = isprint((unsigned char)*p) ? *p : '?';
    return f;
}
