#include "fault.h"

#include "caret.h"
#include "json.h"
#include "quantity.h"
#include "utf8.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRIPT_MAX ((size_t)64 << 10)
#define TIMES_MAX 1000000
#define TIME_MAX_MS 600000
#define SIZE_LIMIT ((uint64_t)8 << 20)
#define RATE_MAX ((uint64_t)1 << 30)
#define SECONDS_MAX 1000000

struct step {
    struct otk_fault_step step;
    struct step *next;
};

/* Steps for the requests of one signal, of one path, or of all. */
struct track {
    const char *of; /* traces, /v1/traces, or "" */
    bool has_signal;
    otk_signal signal;
    struct step *steps; /* that are not over; NULL: none is left */
    uint64_t taken;     /* times of the first one */
    struct track *next;
};

struct script {
    struct otk_arena arena;
    struct track *tracks;
};

struct otk_faults {
    pthread_mutex_t lock; /* guards the script */
    struct script script;
};

/* How many have a script, in the whole process: mostly none, and then no request needs to ask. */
static atomic_uint scripts;

static const char *const signals[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

/* ---- Words ----------------------------------------------------------- */

enum value {
    VALUE_NONE,
    VALUE_COUNT,
    VALUE_TIME,
    VALUE_SIZE,
    VALUE_RATE,
    VALUE_TEXT,
    VALUE_RETRY_AFTER,
    VALUE_CUT,
    VALUE_WHEN
};

/* What a step does first of all, and what of its answer and its sending another word says. */
enum part {
    PART_ACT = 1 << 0,
    PART_BODY = 1 << 1,    /* speaks of what is in the answer */
    PART_SENDING = 1 << 2, /* of how it is sent */
    PART_END = 1 << 3      /* of the connection after it */
};

#define AT(member) offsetof(struct otk_fault_step, member)
#define ANSWER (PART_BODY | PART_SENDING | PART_END)

/* A word, its value, and the parts that no word beside it may speak of. */
static const struct word {
    const char *name;
    enum value value;
    unsigned part, alone_in;
    enum otk_fault_act act;
    size_t at;
    uint64_t most;
} words[] = {
    {"ok", VALUE_NONE, PART_ACT, 0, OTK_FAULT_SERVE, 0, 0},
    {"partial", VALUE_COUNT, PART_ACT, 0, OTK_FAULT_PARTIAL, AT(rejected), INT64_MAX},
    {"hang", VALUE_NONE, PART_ACT, ANSWER, OTK_FAULT_HANG, 0, 0},
    {"reset", VALUE_WHEN, PART_ACT, ANSWER, OTK_FAULT_RESET, AT(reset), 0},
    {"slow", VALUE_RATE, 0, 0, 0, AT(slow), RATE_MAX},
    {"delay", VALUE_TIME, 0, 0, 0, AT(delay_ms), TIME_MAX_MS},
    {"stall", VALUE_TIME, PART_SENDING, PART_END, 0, AT(stall_ms), TIME_MAX_MS},
    {"cut", VALUE_CUT, PART_SENDING, PART_END, 0, AT(cut), SIZE_LIMIT},
    {"close", VALUE_NONE, PART_END, PART_END, 0, AT(close), 0},
    {"idle", VALUE_TIME, PART_END, PART_END, 0, AT(idle_ms), TIME_MAX_MS},
    {"garbage", VALUE_NONE, PART_BODY, 0, 0, AT(garbage), 0},
    {"size", VALUE_SIZE, PART_BODY, 0, 0, AT(size), SIZE_LIMIT},
    {"type", VALUE_TEXT, PART_BODY, 0, 0, AT(type), 0},
    {"location", VALUE_TEXT, PART_BODY, 0, 0, AT(location), 0},
    {"message", VALUE_TEXT, PART_BODY, 0, 0, AT(message), 0},
    {"retry-after", VALUE_RETRY_AFTER, PART_BODY, 0, 0, AT(retry_after), SECONDS_MAX},
};

#define WORD_COUNT (sizeof words / sizeof *words)
#define WORDS                                                                                                          \
    "a status such as 503, ok, partial=N, hang, reset, delay=, stall=, cut, slow=, close, idle=, garbage, "            \
    "size=, type=, location=, message=, retry-after= or xN"

/* ---- Reading --------------------------------------------------------- */

struct reader {
    const char *text;
    const char *at;
    struct otk_arena *arena;
    const char *wrong_at; /* where and what is wrong, once something is */
    size_t wrong_size;
    char sentence[256];
};

/* A word of a step as it stands there: name, name=value, name="value". */
struct token {
    otk_string name;
    otk_string value;     /* with escapes undone */
    const char *value_at; /* NULL without a = */
    bool quoted;
    const char *end;
};

__attribute__((format(printf, 4, 5))) static int wrong(struct reader *r, const char *at, size_t size,
                                                       const char *format, ...)
{
    va_list args;
    r->wrong_at = at;
    r->wrong_size = size ? size : 1;
    va_start(args, format);
    vsnprintf(r->sentence, sizeof r->sentence, format, args);
    va_end(args);
    return OTK_EINVAL;
}

/* A comment goes on to the end of its line. */
static void skip_blanks(struct reader *r)
{
    r->at += strspn(r->at, " \t\r");
    if (*r->at == '#')
        r->at += strcspn(r->at, "\n");
}

static void skip_lines(struct reader *r)
{
    while (skip_blanks(r), *r->at == '\n')
        r->at++;
}

static bool ends_track(const struct reader *r)
{
    return *r->at == '\0' || *r->at == '\n' || *r->at == ';';
}

/* The inside of quotes; `\` stands before a quote or itself. */
static int read_quoted(struct reader *r, struct token *t)
{
    const char *start = r->at++;
    char *text = otk_arena_alloc(r->arena, strcspn(r->at, "\n") + 1);
    size_t size = 0;
    if (!text)
        return OTK_ENOMEM;
    for (; *r->at != '"'; r->at++) {
        if (*r->at == '\0' || *r->at == '\n')
            return wrong(r, start, 1, "this quote is not closed");
        if (*r->at == '\\' && (r->at[1] == '"' || r->at[1] == '\\'))
            r->at++;
        if ((unsigned char)*r->at < 0x20 || *r->at == 0x7f)
            return wrong(r, r->at, 1, "a control character cannot be in an answer");
        text[size++] = *r->at;
    }
    r->at++;
    t->value = (otk_string){text, size};
    t->quoted = true;
    return 0;
}

static int read_token(struct reader *r, struct token *t)
{
    *t = (struct token){.name = {r->at, strcspn(r->at, " \t\r\n,;=\"")}, .value = {"", 0}};
    if (!t->name.size)
        return wrong(r, r->at, 1, "a word is missing here");
    r->at += t->name.size;
    if (*r->at == '=') {
        t->value_at = ++r->at;
        if (*r->at == '"') {
            int rc = read_quoted(r, t);
            if (rc)
                return rc;
        } else {
            t->value = (otk_string){r->at, strcspn(r->at, " \t\r\n,;\"")};
            r->at += t->value.size;
        }
    }
    t->end = r->at;
    if (*r->at && !strchr(" \t\r\n,;", *r->at))
        return wrong(r, r->at, 1, "a quote cannot begin here; it comes right after a =");
    return 0;
}

/* ---- Values ---------------------------------------------------------- */

static int wrong_value(struct reader *r, const struct word *w, const struct token *t, const char *wanted)
{
    if (!t->value_at)
        return wrong(r, t->name.data, t->name.size, "%s needs %s", w->name, wanted);
    return wrong(r, t->value_at, (size_t)(t->end - t->value_at), "%s needs %s", w->name, wanted);
}

static int keep_text(struct reader *r, otk_string text, const char **out)
{
    *out = otk_arena_string(r->arena, text.data, text.size);
    return *out ? 0 : OTK_ENOMEM;
}

static bool starts_with(otk_string text, const char *what)
{
    return text.size >= strlen(what) && memcmp(text.data, what, strlen(what)) == 0;
}

static otk_string behind(otk_string text, size_t size)
{
    return (otk_string){text.data + size, text.size - size};
}

/* Bytes in a second: 10KiB/s. */
static bool read_rate(otk_string text, uint64_t *out)
{
    if (text.size < 2 || memcmp(text.data + text.size - 2, "/s", 2) != 0)
        return false;
    return otk_size_read((otk_string){text.data, text.size - 2}, out);
}

/* Seconds, date+2s, or whatever stands in quotes. */
static int read_retry_after(struct reader *r, const struct word *w, const struct token *t, struct otk_fault_step *step)
{
    uint64_t seconds;
    step->retry_after_is_date = !t->quoted && starts_with(t->value, "date+");
    if (step->retry_after_is_date) {
        if (!otk_duration_read(behind(t->value, strlen("date+")), &step->retry_after_ms) ||
            step->retry_after_ms > w->most * 1000)
            return wrong_value(r, w, t, "a date such as date+2s");
    } else if (!t->quoted && (!otk_count_read(t->value, &seconds) || seconds > w->most)) {
        return wrong_value(r, w, t, "seconds, a date such as date+2s, or any text in quotes");
    }
    return keep_text(r, t->value, &step->retry_after);
}

static int read_when(struct reader *r, const struct word *w, const struct token *t, uint64_t *out)
{
    static const char *const names[] = {
        [OTK_FAULT_AFTER] = "after", [OTK_FAULT_WHILE] = "while", [OTK_FAULT_BEFORE] = "before"};
    for (uint64_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!t->value_at || (t->value.size == strlen(names[i]) && starts_with(t->value, names[i]))) {
            *out = i;
            return 0;
        }
    return wrong_value(r, w, t, "before, while or after, which is when the body is read");
}

static int read_number(struct reader *r, const struct word *w, const struct token *t, uint64_t *out)
{
    static const struct {
        bool (*read)(otk_string text, uint64_t *out);
        const char *wanted;
        uint64_t least;
    } numbers[] = {
        [VALUE_COUNT] = {otk_count_read, "a number, such as 3", 0},
        [VALUE_TIME] = {otk_duration_read, "a time from 1ms to 10m", 1},
        [VALUE_SIZE] = {otk_size_read, "a size from 1B to 8MiB", 1},
        [VALUE_RATE] = {read_rate, "a rate such as 10KiB/s", 1},
        [VALUE_CUT] = {otk_size_read, "a number of bytes, or nothing", 0},
    };
    uint64_t value;
    if (t->quoted || !numbers[w->value].read(t->value, &value) || value < numbers[w->value].least || value > w->most)
        return wrong_value(r, w, t, numbers[w->value].wanted);
    *out = value;
    return 0;
}

static int read_value(struct reader *r, const struct word *w, const struct token *t, struct otk_fault_step *step)
{
    void *to = (char *)step + w->at;
    switch (w->value) {
    case VALUE_NONE:
        if (t->value_at)
            return wrong(r, t->value_at, (size_t)(t->end - t->value_at), "%s takes no value", w->name);
        if (w->at)
            *(bool *)to = true;
        return 0;
    case VALUE_TEXT:
        return t->value.size ? keep_text(r, t->value, to) : wrong_value(r, w, t, "a text");
    case VALUE_RETRY_AFTER:
        return t->value_at ? read_retry_after(r, w, t, step) : wrong_value(r, w, t, "seconds, such as 1");
    case VALUE_WHEN:
        return read_when(r, w, t, to);
    case VALUE_CUT:
        step->cuts = true;
        step->cut = OTK_FAULT_HALF;
        return t->value_at ? read_number(r, w, t, to) : 0;
    default:
        return read_number(r, w, t, to);
    }
}

/* ---- Steps ----------------------------------------------------------- */

/* The words of a step so far. */
struct said {
    const struct word *words[WORD_COUNT];
    size_t count;
    bool act, times;
};

static int check_fit(struct reader *r, const struct said *said, const struct word *w, const struct token *t)
{
    if (w->part == PART_ACT && said->act)
        return wrong(r, t->name.data, t->name.size, "a step has one of status, ok, partial, hang and reset, not two");
    for (size_t i = 0; i < said->count; i++) {
        const struct word *before = said->words[i];
        if (before == w)
            return wrong(r, t->name.data, t->name.size, "%s was said already", w->name);
        if ((before->alone_in & w->part) || (w->alone_in & before->part))
            return wrong(r, t->name.data, t->name.size, "%s cannot be together with %s", w->name, before->name);
    }
    return 0;
}

static int read_status(struct reader *r, const struct token *t, struct said *said, struct otk_fault_step *step)
{
    static const struct word status = {"status", VALUE_NONE, PART_ACT, 0, OTK_FAULT_STATUS, 0, 0};
    int rc = check_fit(r, said, &status, t);
    if (rc)
        return rc;
    said->act = true;
    if (t->value_at || !otk_count_read(t->name, &step->status) || step->status < 200 || step->status > 599)
        return wrong(r, t->name.data, (size_t)(t->end - t->name.data), "a status is a number from 200 to 599");
    step->act = step->status == 200 ? OTK_FAULT_SERVE : OTK_FAULT_STATUS;
    return 0;
}

static bool is_times(const struct token *t)
{
    return t->name.data[0] == 'x' && t->name.size > 1 && strchr("*0123456789", t->name.data[1]) && !t->value_at;
}

static int read_times(struct reader *r, const struct token *t, struct said *said, struct otk_fault_step *step)
{
    otk_string count = behind(t->name, 1);
    bool forever = count.size == 1 && *count.data == '*';
    if (said->times)
        return wrong(r, t->name.data, t->name.size, "how often was said already");
    said->times = true;
    step->times = 0;
    if (forever || (otk_count_read(count, &step->times) && step->times && step->times <= TIMES_MAX))
        return 0;
    return wrong(r, t->name.data, t->name.size, "how often is x1 to x%d, or x* for ever", TIMES_MAX);
}

static int read_word(struct reader *r, const struct token *t, struct said *said, struct otk_fault_step *step)
{
    if (is_times(t))
        return read_times(r, t, said, step);
    if (*t->name.data >= '0' && *t->name.data <= '9')
        return read_status(r, t, said, step);
    for (const struct word *w = words; w < words + WORD_COUNT; w++) {
        if (t->name.size != strlen(w->name) || !starts_with(t->name, w->name))
            continue;
        int rc = check_fit(r, said, w, t);
        if (rc)
            return rc;
        said->words[said->count++] = w;
        said->act = said->act || w->part == PART_ACT;
        step->act = w->part == PART_ACT ? w->act : step->act;
        return read_value(r, w, t, step);
    }
    return wrong(r, t->name.data, t->name.size, "no such word; there is " WORDS);
}

static int read_step(struct reader *r, struct otk_fault_step *step)
{
    struct said said = {0};
    struct token t = {.end = r->at};
    const char *start = r->at;
    int rc = 0;
    *step = (struct otk_fault_step){.times = 1};
    if (ends_track(r) || *r->at == ',')
        return wrong(r, r->at, 1, "a step is missing here");
    for (; !rc && !ends_track(r) && *r->at != ','; skip_blanks(r)) {
        rc = read_token(r, &t);
        if (!rc)
            rc = read_word(r, &t, &said, step);
    }
    if (!rc && step->reset != OTK_FAULT_AFTER && (step->delay_ms || step->slow))
        rc = wrong(r, start, (size_t)(t.end - start),
                   "before its end a request is reset at once, not slow or with a delay");
    return rc ? rc : keep_text(r, (otk_string){start, (size_t)(t.end - start)}, &step->text);
}

/* ---- Tracks ---------------------------------------------------------- */

/* `traces:` or `/v1/traces:` in front, if there is one. */
static int read_target(struct reader *r, struct track *track)
{
    size_t size = strcspn(r->at, ": \t\r\n,;=\"");
    otk_string name = {r->at, size};
    track->of = "";
    if (r->at[size] != ':')
        return 0;
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++)
        if (size == strlen(signals[i]) && starts_with(name, signals[i])) {
            track->has_signal = true;
            track->signal = (otk_signal)i;
        }
    if (!track->has_signal && !starts_with(name, "/"))
        return wrong(r, r->at, size, "what stands before a : is traces, metrics, logs or a path such as /v1/traces");
    r->at += size + 1;
    skip_blanks(r);
    return keep_text(r, name, &track->of);
}

static int read_steps(struct reader *r, struct step **last)
{
    for (;;) {
        *last = otk_arena_alloc(r->arena, sizeof **last);
        if (!*last)
            return OTK_ENOMEM;
        int rc = read_step(r, &(*last)->step);
        if (rc || *r->at != ',')
            return rc;
        last = &(*last)->next;
        r->at++;
        skip_lines(r);
    }
}

static int read_tracks(struct reader *r, struct track **last)
{
    while (skip_lines(r), *r->at) {
        if (*r->at == ';') {
            r->at++;
            continue;
        }
        struct track *track = otk_arena_alloc(r->arena, sizeof *track);
        if (!track)
            return OTK_ENOMEM;
        int rc = read_target(r, track);
        if (!rc)
            rc = read_steps(r, &track->steps);
        if (rc)
            return rc;
        *last = track;
        last = &track->next;
    }
    return 0;
}

/* `into` is empty before, and to be cleared in any case. */
static int read_script(struct reader *r, const char *text, struct script *into)
{
    size_t size = strlen(text);
    *r = (struct reader){.text = text, .at = text, .arena = &into->arena};
    if (size > SCRIPT_MAX)
        return wrong(r, text, 1, "a script is 64KiB at most");
    size_t valid = otk_utf8_valid((const uint8_t *)text, size);
    if (valid != size)
        return wrong(r, text + valid, 1, "this is not UTF-8");
    int rc = read_tracks(r, &into->tracks);
    if (!rc && !into->tracks)
        return wrong(r, text, 1, "the script is empty");
    return rc;
}

int otk_fault_script_check(const char *text, struct otk_fault_mistake *out)
{
    struct script read = {0};
    struct reader r;
    int rc = read_script(&r, text, &read);
    otk_arena_clear(&read.arena);
    if (rc != OTK_EINVAL)
        return rc;
    *out = (struct otk_fault_mistake){(size_t)(r.wrong_at - text), r.wrong_size, ""};
    memcpy(out->sentence, r.sentence, sizeof r.sentence);
    return rc;
}

int otk_fault_step_read(const char *text, struct otk_arena *arena, const struct otk_fault_step **out)
{
    struct reader r = {.text = text, .at = text, .arena = arena};
    struct otk_fault_step *step = *text ? otk_arena_alloc(arena, sizeof *step) : NULL;
    *out = NULL;
    if (!step)
        return *text ? OTK_ENOMEM : 0;
    int rc = read_step(&r, step);
    if (!rc && !*r.at)
        *out = step;
    return rc == OTK_ENOMEM ? rc : 0;
}

static size_t column(const struct reader *r)
{
    size_t at = 1;
    for (const char *p = r->wrong_at; p > r->text && p[-1] != '\n'; p--)
        at += (p[-1] & 0xc0) != 0x80;
    return at;
}

/* ---- The faults ------------------------------------------------------ */

struct otk_faults *otk_faults_new(void)
{
    struct otk_faults *f = calloc(1, sizeof *f);
    if (f)
        pthread_mutex_init(&f->lock, NULL);
    return f;
}

void otk_faults_free(struct otk_faults *f)
{
    if (!f)
        return;
    otk_faults_clear(f);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void replace(struct otk_faults *f, struct script script)
{
    pthread_mutex_lock(&f->lock);
    struct script before = f->script;
    f->script = script;
    pthread_mutex_unlock(&f->lock);
    if (script.tracks && !before.tracks)
        atomic_fetch_add(&scripts, 1);
    else if (!script.tracks && before.tracks)
        atomic_fetch_sub(&scripts, 1);
    otk_arena_clear(&before.arena);
}

int otk_faults_set(struct otk_faults *f, const char *script, otk_error *error)
{
    struct script read = {0};
    struct reader r;
    int rc = read_script(&r, script, &read);
    if (!rc) {
        replace(f, read);
        return 0;
    }
    if (error) {
        error->code = rc;
        if (rc == OTK_EINVAL)
            snprintf(error->message, sizeof error->message, "fault script, column %zu: %s", column(&r), r.sentence);
        else
            snprintf(error->message, sizeof error->message, "out of memory");
    }
    otk_arena_clear(&read.arena);
    return rc;
}

void otk_faults_clear(struct otk_faults *f)
{
    replace(f, (struct script){0});
}

static bool is_about(const struct track *track, otk_string path, const otk_signal *signal)
{
    if (track->has_signal)
        return signal && *signal == track->signal;
    return !*track->of || (path.size == strlen(track->of) && starts_with(path, track->of));
}

static struct otk_fault_step *take(struct track *track)
{
    struct otk_fault_step *step = &track->steps->step;
    if (step->times && ++track->taken == step->times) {
        track->steps = track->steps->next;
        track->taken = 0;
    }
    return step;
}

static bool copy_text(struct otk_arena *arena, const char **text)
{
    if (*text)
        *text = otk_arena_string(arena, *text, strlen(*text));
    return *text;
}

/* The script may be replaced while its step is being played. */
static const struct otk_fault_step *copy(struct otk_arena *arena, const struct otk_fault_step *step)
{
    struct otk_fault_step *c = otk_arena_alloc(arena, sizeof *c);
    if (!c)
        return NULL;
    *c = *step;
    const char **texts[] = {&c->text, &c->message, &c->type, &c->location, &c->retry_after};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i] && !copy_text(arena, texts[i]))
            return NULL;
    return c;
}

bool otk_faults_are_set(void)
{
    return atomic_load(&scripts) > 0;
}

int otk_faults_next(struct otk_faults *f, otk_string path, const otk_signal *signal, struct otk_arena *arena,
                    const struct otk_fault_step **out)
{
    int rc = 0;
    *out = NULL;
    pthread_mutex_lock(&f->lock);
    struct track *track = f->script.tracks;
    while (track && (!track->steps || !is_about(track, path, signal)))
        track = track->next;
    if (track) {
        *out = copy(arena, take(track));
        rc = *out ? 0 : OTK_ENOMEM;
    }
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static void write_step(struct otk_buffer *out, const struct track *track, const struct step *s, bool first)
{
    const struct otk_fault_step *step = &s->step;
    uint64_t taken = s == track->steps ? track->taken : 0;
    otk_buffer_text(out, first ? "{\"of\":" : ",{\"of\":");
    otk_json_string(out, track->of, strlen(track->of));
    otk_buffer_text(out, ",\"step\":");
    otk_json_string(out, step->text, strlen(step->text));
    if (step->times)
        otk_buffer_printf(out, ",\"left\":%" PRIu64, step->times - taken);
    otk_buffer_text(out, "}");
}

int otk_faults_write(struct otk_faults *f, struct otk_buffer *out)
{
    bool first = true;
    pthread_mutex_lock(&f->lock);
    otk_buffer_text(out, "[");
    for (const struct track *track = f->script.tracks; track; track = track->next)
        for (const struct step *s = track->steps; s; s = s->next, first = false)
            write_step(out, track, s, first);
    otk_buffer_text(out, "]");
    pthread_mutex_unlock(&f->lock);
    return out->failed;
}

/* ---- Public ---------------------------------------------------------- */

int otk_receiver_faults_set(otk_receiver *rx, const char *script, otk_error *error)
{
    return otk_faults_set(otk_receiver_faults(rx), script, error);
}

void otk_receiver_faults_clear(otk_receiver *rx)
{
    otk_faults_clear(otk_receiver_faults(rx));
}

char *otk_receiver_faults_left(otk_receiver *rx)
{
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    otk_faults_write(otk_receiver_faults(rx), &out);
    if (!otk_buffer_string(&out))
        otk_buffer_clear(&out);
    return (char *)out.data;
}

char *otk_faults_explain(const char *script)
{
    struct otk_fault_mistake fault;
    struct otk_buffer out = OTK_BUFFER_INIT(SIZE_MAX);
    if (otk_fault_script_check(script, &fault) != OTK_EINVAL)
        return NULL;
    otk_buffer_text(&out, fault.sentence);
    otk_caret_write(&out, script, fault.at, fault.size);
    if (!otk_buffer_string(&out))
        otk_buffer_clear(&out);
    return (char *)out.data;
}
