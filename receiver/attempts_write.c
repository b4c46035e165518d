/* The retry timeline as JSON, and as text along a time line. */
#include "attempts.h"

#include "json.h"

#include <inttypes.h>
#include <stdio.h>

#define AXIS_WIDTH 56
#define AXIS_TICKS 5
#define LABEL_WIDTH 14
#define SPAN_MAX_NS ((uint64_t)1 << 62) /* files may claim any time */

static const char *const signals[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

static const char *signal_of(const otk_payload *p)
{
    return p->has_signal ? signals[p->signal] : "other";
}

static const char *outcome_of(const otk_payload *p)
{
    return !p->accepted_count ? "lost" : p->accepted_count == 1 ? "delivered" : "duplicated";
}

/* ---- JSON ------------------------------------------------------------ */

static const char *const retries[] = {
    [OTK_RETRY_FINAL] = "final", [OTK_RETRY_BACKOFF] = "backoff", [OTK_RETRY_AFTER] = "after", [OTK_RETRY_MAY] = "may"};

/* Like all numbers of 64 bits in OTLP/JSON. */
static void write_nano(struct otk_buffer *out, const char *name, uint64_t nano)
{
    otk_json_key(out, name);
    otk_buffer_printf(out, "\"%" PRIu64 "\"", nano);
}

static void write_attempt_json(struct otk_buffer *out, const otk_attempt *t)
{
    otk_buffer_byte(out, '{');
    otk_json_number(out, "request", t->number);
    write_nano(out, "timeUnixNano", t->time_unix_nano);
    write_nano(out, "gapNano", t->gap_nano);
    otk_json_number(out, "status", t->status);
    otk_json_flag(out, "accepted", t->accepted);
    otk_json_flag(out, "unfinished", t->unfinished);
    otk_json_text(out, "retry", retries[t->retry]);
    if (t->retry == OTK_RETRY_AFTER)
        write_nano(out, "notBeforeUnixNano", t->not_before_unix_nano);
    otk_json_text(out, "wrong", t->wrong);
    otk_json_text(out, "fault", t->fault);
    otk_buffer_byte(out, '}');
}

static void write_payload_json(struct otk_buffer *out, const otk_payload *p)
{
    otk_buffer_byte(out, '{');
    otk_json_text(out, "signal", signal_of(p));
    otk_json_number(out, "size", p->size);
    otk_json_text(out, "outcome", outcome_of(p));
    otk_json_number(out, "accepted", p->accepted_count);
    otk_json_key(out, "attempts");
    for (size_t i = 0; i < p->attempt_count; i++) {
        otk_buffer_byte(out, i ? ',' : '[');
        write_attempt_json(out, &p->attempts[i]);
    }
    otk_buffer_text(out, "]}");
}

void otk_attempts_json(const otk_attempts *a, struct otk_buffer *out)
{
    struct otk_attempts_sum sum = otk_attempts_sum(a);
    const otk_payload *p;
    otk_buffer_byte(out, '{');
    otk_json_number(out, "lost", sum.lost);
    otk_json_number(out, "duplicated", sum.duplicated);
    otk_json_number(out, "wrong", sum.wrong);
    otk_json_key(out, "payloads");
    otk_buffer_byte(out, '[');
    for (size_t i = 0; (p = otk_attempts_payload(a, i)); i++) {
        otk_buffer_text(out, i ? ",\n" : "\n");
        write_payload_json(out, p);
    }
    otk_buffer_text(out, "]}\n");
}

/* ---- The time line --------------------------------------------------- */

struct axis {
    uint64_t start_ns;
    uint64_t span_ns; /* not 0 */
};

static struct axis axis_of(const otk_attempts *a)
{
    uint64_t first = UINT64_MAX, last = 0;
    const otk_payload *p;
    for (size_t i = 0; (p = otk_attempts_payload(a, i)); i++)
        for (size_t k = 0; k < p->attempt_count; k++) {
            uint64_t at = p->attempts[k].time_unix_nano;
            first = at < first ? at : first;
            last = at > last ? at : last;
        }
    uint64_t span = last > first ? last - first : 1;
    return (struct axis){first, span < SPAN_MAX_NS ? span : SPAN_MAX_NS};
}

static size_t column_of(const struct axis *x, uint64_t at_ns)
{
    uint64_t since = at_ns - x->start_ns;
    double part = since < x->span_ns ? (double)since / (double)x->span_ns : 1;
    return (size_t)(part * (AXIS_WIDTH - 1));
}

/* 1, 2 or 5 times a power of ten, so that there are at most AXIS_TICKS. */
static uint64_t tick_of(const struct axis *x)
{
    static const uint64_t factors[] = {1, 2, 5};
    for (uint64_t power = 1000000;; power *= 10)
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
            if (x->span_ns / (power * factors[i]) < AXIS_TICKS)
                return power * factors[i];
}

static void write_axis(struct otk_buffer *out, const struct axis *x)
{
    char line[AXIS_WIDTH + 24];
    uint64_t tick = tick_of(x);
    memset(line, ' ', sizeof line);
    size_t end = 0;
    for (uint64_t at = 0; at <= x->span_ns; at += tick) {
        char label[24];
        int size = tick < 1000000000 ? snprintf(label, sizeof label, "%" PRIu64 " ms", at / 1000000)
                                     : snprintf(label, sizeof label, "%" PRIu64 " s", at / 1000000000);
        size_t column = column_of(x, x->start_ns + at);
        memcpy(line + column, label, (size_t)size);
        end = column + (size_t)size;
    }
    otk_buffer_printf(out, "%*s%.*s\n", LABEL_WIDTH, "", (int)end, line);
}

static char mark_of(const otk_attempt *t)
{
    if (*t->wrong)
        return '!';
    if (t->accepted)
        return 'o';
    return !t->status ? '?' : t->retry == OTK_RETRY_FINAL ? 'X' : 'x';
}

static void write_line(struct otk_buffer *out, const struct axis *x, const otk_payload *p)
{
    char line[AXIS_WIDTH + 1], label[LABEL_WIDTH + 24];
    size_t last = column_of(x, p->attempts[p->attempt_count - 1].time_unix_nano),
           first = column_of(x, p->attempts[0].time_unix_nano);
    memset(line, ' ', AXIS_WIDTH);
    memset(line + first, '-', last - first);
    for (size_t i = 0; i < p->attempt_count; i++)
        line[column_of(x, p->attempts[i].time_unix_nano)] = mark_of(&p->attempts[i]);
    line[AXIS_WIDTH] = '\0';
    snprintf(label, sizeof label, "%s #%" PRIu64, signal_of(p), p->attempts[0].number);
    otk_buffer_printf(out, "%-*.*s%s  %s\n", LABEL_WIDTH, LABEL_WIDTH, label, line, outcome_of(p));
}

/* ---- Text ------------------------------------------------------------ */

static void write_answer(struct otk_buffer *out, const otk_attempt *t)
{
    static const char *const advice[] = {
        [OTK_RETRY_FINAL] = "final", [OTK_RETRY_BACKOFF] = "to be sent again", [OTK_RETRY_MAY] = "may be sent again"};
    if (t->status)
        otk_buffer_printf(out, "%u", t->status);
    else
        otk_buffer_text(out, t->unfinished ? "cut off" : "no answer");
    if (t->retry == OTK_RETRY_AFTER)
        otk_buffer_printf(out, ", to be sent again after %.3f s",
                          ((double)t->not_before_unix_nano - (double)t->time_unix_nano) / 1e9);
    else if (!t->accepted || t->retry != OTK_RETRY_FINAL)
        otk_buffer_printf(out, ", %s", advice[t->retry]);
}

static void write_attempt(struct otk_buffer *out, const otk_attempt *t, bool first)
{
    otk_buffer_printf(out, "  #%-6" PRIu64 " %s%.3f s  ", t->number, first ? " " : "+", (double)t->gap_nano / 1e9);
    write_answer(out, t);
    if (*t->wrong)
        otk_buffer_printf(out, "\n           wrong: %s", t->wrong);
    otk_buffer_text(out, "\n");
}

static bool went_smoothly(const otk_payload *p)
{
    return p->attempt_count == 1 && p->accepted_count == 1 && p->attempts->retry == OTK_RETRY_FINAL;
}

static void write_payload(struct otk_buffer *out, const otk_payload *p)
{
    otk_buffer_printf(out, "\n%s, %zu bytes: %s\n", signal_of(p), p->size, outcome_of(p));
    for (size_t i = 0; i < p->attempt_count; i++)
        write_attempt(out, &p->attempts[i], i == 0);
}

static void write_sum(struct otk_buffer *out, const otk_attempts *a, size_t smooth)
{
    struct otk_attempts_sum sum = otk_attempts_sum(a);
    otk_buffer_printf(out, "%zu payload%s: %zu lost, %zu duplicated, %zu attempt%s wrong; %zu delivered at once\n",
                      sum.payloads, sum.payloads == 1 ? "" : "s", sum.lost, sum.duplicated, sum.wrong,
                      sum.wrong == 1 ? "" : "s", smooth);
}

/* What was delivered at once is only counted. */
void otk_attempts_text(const otk_attempts *a, struct otk_buffer *out)
{
    struct axis x = axis_of(a);
    const otk_payload *p;
    size_t smooth = 0, count = 0;
    for (; (p = otk_attempts_payload(a, count)); count++)
        smooth += went_smoothly(p);
    write_sum(out, a, smooth);
    if (smooth == count)
        return;
    otk_buffer_text(out, "\n");
    write_axis(out, &x);
    for (size_t i = 0; (p = otk_attempts_payload(a, i)); i++)
        if (!went_smoothly(p))
            write_line(out, &x, p);
    otk_buffer_text(out, "o accepted   x to be sent again   X refused for good   ? no answer   ! wrong\n");
    for (size_t i = 0; (p = otk_attempts_payload(a, i)); i++)
        if (!went_smoothly(p))
            write_payload(out, p);
}

/* ---- Public ---------------------------------------------------------- */

static int write_to(FILE *to, const otk_attempts *a, void (*write)(const otk_attempts *a, struct otk_buffer *out))
{
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    write(a, &out);
    int rc = out.failed;
    if (!rc && ((out.size && fwrite(out.data, 1, out.size, to) != out.size) || fflush(to)))
        rc = OTK_ESYSTEM;
    otk_buffer_clear(&out);
    return rc;
}

int otk_attempts_write_json(const otk_attempts *attempts, FILE *to)
{
    return write_to(to, attempts, otk_attempts_json);
}

int otk_attempts_write_text(const otk_attempts *attempts, FILE *to)
{
    return write_to(to, attempts, otk_attempts_text);
}
