#include "attempts.h"

#include "digest.h"
#include "fault.h"
#include "http_date.h"
#include "inflate.h"
#include "quantity.h"
#include "store.h"

#include <stdlib.h>

#define FIRST_SLOTS 64
#define INFLATED_MAX ((size_t)64 << 20)

/* Timers of clients are allowed to be so early. */
#define TOLERANCE_NS 20000000u

struct payload {
    otk_payload pub; /* first, so that the public pointer is this one */
    struct otk_digest digest;
    otk_attempt *attempts;
    size_t capacity;
    size_t wrong;
    bool final; /* one of the attempts was answered for good */
};

struct otk_attempts {
    struct otk_digest key;
    struct payload *payloads;
    size_t count, capacity;
    size_t *slots; /* by digest: a position in payloads and one, or 0 */
    size_t slot_count;
    struct capture **cut; /* requests that were cut off, and have not come again */
    size_t cut_count, cut_capacity;
    struct otk_attempts_sum sum;
    struct otk_arena arena;
};

otk_attempts *otk_attempts_new(void)
{
    otk_attempts *a = calloc(1, sizeof *a);
    if (a)
        a->key = otk_digest_key();
    return a;
}

void otk_attempts_free(otk_attempts *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        free(a->payloads[i].attempts);
    for (size_t i = 0; i < a->cut_count; i++)
        otk_capture_free(a->cut[i]);
    free(a->payloads);
    free(a->slots);
    free(a->cut);
    otk_arena_clear(&a->arena);
    free(a);
}

/* Room for one more item. */
static int reserve(void *items, size_t count, size_t *capacity, size_t item_size)
{
    void **array = items;
    if (count < *capacity)
        return 0;
    size_t larger = *capacity ? *capacity * 2 : 4;
    void *moved = reallocarray(*array, larger, item_size);
    if (!moved)
        return OTK_ENOMEM;
    *array = moved;
    *capacity = larger;
    return 0;
}

/* ---- What was to be done after an answer ----------------------------- */

/* RX-RESP-17. No answer is like an answer that never came. */
static const struct {
    unsigned from, to;
    otk_retry retry;
} rules[] = {
    {0, 0, OTK_RETRY_BACKOFF},     {300, 399, OTK_RETRY_MAY}, {429, 429, OTK_RETRY_BACKOFF},
    {502, 504, OTK_RETRY_BACKOFF}, {201, 299, OTK_RETRY_MAY},
};

static otk_retry rule_of(unsigned status)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (status >= rules[i].from && status <= rules[i].to)
            return rules[i].retry;
    return OTK_RETRY_FINAL;
}

static bool is_late(const struct otk_fault_step *fault)
{
    return fault->delay_ms || fault->stall_ms || fault->slow;
}

/* The instant that a Retry-After names, seconds (RX-RESP-19) or a date. */
static bool read_retry_after(const char *text, uint64_t from_ns, uint64_t *out)
{
    time_t date;
    uint64_t seconds;
    if (otk_count_read((otk_string){text, strlen(text)}, &seconds) && seconds < UINT32_MAX) {
        *out = from_ns + seconds * 1000000000u;
        return true;
    }
    if (!otk_http_date_read(text, &date) || date < 0)
        return false;
    *out = (uint64_t)date * 1000000000u;
    return true;
}

static void settle_retry(otk_attempt *t, const struct capture *c)
{
    const char *after = otk_headers_get(&c->pub.answer_headers, "Retry-After");
    t->retry = rule_of(c->fault && c->fault->cuts ? 0 : t->status);
    if (t->retry == OTK_RETRY_FINAL && c->fault && (c->fault->garbage || c->fault->type || is_late(c->fault)))
        t->retry = OTK_RETRY_MAY;
    if (t->retry == OTK_RETRY_BACKOFF && t->status && after &&
        read_retry_after(after, t->time_unix_nano, &t->not_before_unix_nano))
        t->retry = OTK_RETRY_AFTER;
}

/* ---- One payload ----------------------------------------------------- */

static const char *what_is_wrong(const struct payload *p, size_t i)
{
    const otk_attempt *t = &p->attempts[i], *before = &p->attempts[i - 1];
    if (p->final)
        return "an answer before it was final";
    if (before->retry == OTK_RETRY_AFTER && t->time_unix_nano + TOLERANCE_NS < before->not_before_unix_nano)
        return "it came before the Retry-After had passed";
    return "";
}

/* Judges the attempts from position `i` on. */
static void judge(struct payload *p, size_t i)
{
    for (; i < p->pub.attempt_count; i++) {
        otk_attempt *t = &p->attempts[i];
        uint64_t before_ns = i ? t[-1].time_unix_nano : t->time_unix_nano;
        t->gap_nano = t->time_unix_nano > before_ns ? t->time_unix_nano - before_ns : 0;
        t->wrong = i ? what_is_wrong(p, i) : "";
        p->wrong += *t->wrong != '\0';
        p->final = p->final || t->retry == OTK_RETRY_FINAL;
    }
}

static int append(otk_attempts *a, struct payload *p, const struct capture *c)
{
    int rc = reserve(&p->attempts, p->pub.attempt_count, &p->capacity, sizeof *p->attempts);
    const char *fault = rc ? NULL : otk_arena_string(&a->arena, c->pub.fault, strlen(c->pub.fault));
    if (!fault)
        return OTK_ENOMEM;
    otk_attempt *t = &p->attempts[p->pub.attempt_count];
    *t = (otk_attempt){
        .number = c->pub.number,
        .time_unix_nano = c->pub.time_unix_nano,
        .status = c->pub.status,
        .accepted = c->pub.status == 200,
        .unfinished = c->pub.unfinished,
        .wrong = "",
        .fault = fault,
    };
    settle_retry(t, c);
    p->pub.attempts = p->attempts;
    p->pub.attempt_count++;
    p->pub.accepted_count += t->accepted;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const otk_attempt *)a)->number, y = ((const otk_attempt *)b)->number;
    return (x > y) - (x < y);
}

static void judge_again(struct payload *p)
{
    p->wrong = 0;
    p->final = false;
    qsort(p->attempts, p->pub.attempt_count, sizeof *p->attempts, by_number);
    judge(p, 0);
}

/* Adds to the sum, or takes from it, what this payload stands for. */
static void count(struct otk_attempts_sum *sum, const struct payload *p, bool add)
{
    size_t sign = add ? 1 : SIZE_MAX;
    sum->payloads += sign;
    sum->lost += sign * (p->pub.accepted_count == 0);
    sum->duplicated += sign * (p->pub.accepted_count > 1);
    sum->wrong += sign * p->wrong;
    if (p->pub.attempt_count > sum->most)
        sum->most = p->pub.attempt_count;
}

/* ---- Finding the payload --------------------------------------------- */

static size_t *slot_of(const otk_attempts *a, const struct otk_digest *digest)
{
    for (uint64_t i = digest->half[0];; i++) {
        size_t *slot = &a->slots[i & (a->slot_count - 1)];
        if (!*slot || memcmp(&a->payloads[*slot - 1].digest, digest, sizeof *digest) == 0)
            return slot;
    }
}

static int grow_slots(otk_attempts *a)
{
    if (a->count < a->slot_count / 2)
        return 0;
    size_t *before = a->slots, count = a->slot_count ? a->slot_count * 2 : FIRST_SLOTS;
    size_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return OTK_ENOMEM;
    a->slots = slots;
    a->slot_count = count;
    for (size_t i = 0; i < a->count; i++)
        *slot_of(a, &a->payloads[i].digest) = i + 1;
    free(before);
    return 0;
}

static struct payload *new_payload(otk_attempts *a, const struct capture *c, size_t size)
{
    if (reserve(&a->payloads, a->count, &a->capacity, sizeof *a->payloads))
        return NULL;
    struct payload *p = &a->payloads[a->count];
    *p = (struct payload){.pub = {.has_signal = c->pub.has_signal, .signal = c->pub.signal, .size = size}};
    return p;
}

/* The digest of the inflated body and the signal; and its size. What cannot be inflated is taken as it is. */
static int digest_of(const otk_attempts *a, const struct capture *c, struct otk_digest *out, size_t *size)
{
    char what[128];
    enum otk_coding coding = otk_coding_of(otk_headers_get(&c->pub.headers, "Content-Encoding"));
    struct otk_buffer inflated = OTK_BUFFER_INIT(INFLATED_MAX);
    otk_bytes bytes = c->pub.body;
    int rc = 0;
    if (coding != OTK_CODING_IDENTITY && coding != OTK_CODING_UNKNOWN)
        rc = otk_inflate(&inflated, coding, bytes.data, bytes.size, what);
    if (inflated.data && !rc)
        bytes = (otk_bytes){inflated.data, inflated.size};
    struct otk_digest key = a->key;
    key.half[0] += c->pub.has_signal ? (uint64_t)c->pub.signal + 1 : 0;
    *out = otk_digest_of(key, bytes.data, bytes.size);
    *size = bytes.size;
    otk_buffer_clear(&inflated);
    return rc == OTK_ENOMEM ? rc : 0;
}

/* The payload that `c` is of, new or not. A new one is not yet in the count: *fresh. */
static int find_payload(otk_attempts *a, const struct capture *c, struct payload **out, bool *fresh)
{
    struct otk_digest digest;
    size_t size;
    int rc = digest_of(a, c, &digest, &size);
    if (!rc)
        rc = grow_slots(a);
    if (rc)
        return rc;
    size_t *slot = slot_of(a, &digest);
    *fresh = !*slot;
    *out = *slot ? &a->payloads[*slot - 1] : new_payload(a, c, size);
    if (!*out)
        return OTK_ENOMEM;
    (*out)->digest = digest;
    return 0;
}

static void keep_payload(otk_attempts *a, const struct payload *p)
{
    *slot_of(a, &p->digest) = ++a->count;
}

/* ---- What was cut off, by a client, a fault or for want of room ------ */

static bool have_equal_header(const struct capture *a, const struct capture *b, const char *name)
{
    const char *x = otk_headers_get(&a->pub.headers, name), *y = otk_headers_get(&b->pub.headers, name);
    return strcmp(x ? x : "", y ? y : "") == 0;
}

static bool begins_like(const struct capture *cut, const struct capture *whole)
{
    return cut->pub.has_signal == whole->pub.has_signal && cut->pub.signal == whole->pub.signal &&
           cut->pub.body.size <= whole->pub.body.size && have_equal_header(cut, whole, "Content-Encoding") &&
           have_equal_header(cut, whole, "Content-Length") &&
           (!cut->pub.body.size || memcmp(cut->pub.body.data, whole->pub.body.data, cut->pub.body.size) == 0);
}

static int keep_cut(otk_attempts *a, struct capture *c)
{
    if (reserve(&a->cut, a->cut_count, &a->cut_capacity, sizeof *a->cut))
        return OTK_ENOMEM;
    a->cut[a->cut_count++] = c;
    atomic_fetch_add(&c->references, 1);
    return 0;
}

/* Those that begin like `c` become attempts of its payload. `*found`: there are such. */
static int take_cut(otk_attempts *a, struct payload *p, const struct capture *c, bool *found)
{
    int rc = 0;
    size_t kept = 0;
    *found = false;
    for (size_t i = 0; i < a->cut_count; i++) {
        struct capture *cut = a->cut[i];
        bool take = !rc && begins_like(cut, c);
        rc = take ? append(a, p, cut) : rc;
        if (take && !rc) {
            *found = true;
            otk_capture_free(cut);
        } else {
            a->cut[kept++] = cut;
        }
    }
    a->cut_count = kept;
    return rc;
}

/* ---- Feeding --------------------------------------------------------- */

static int add(otk_attempts *a, struct payload *p, const struct capture *c)
{
    bool found;
    size_t before = p->pub.attempt_count;
    int rc = append(a, p, c);
    if (rc)
        return rc;
    rc = take_cut(a, p, c, &found);
    if (found)
        judge_again(p);
    else
        judge(p, before);
    return rc;
}

int otk_attempts_feed(otk_attempts *a, struct capture *c)
{
    struct payload *p;
    bool fresh;
    if (*c->pub.method && strcmp(c->pub.method, "POST") != 0) /* files may have none */
        return 0;
    if (c->pub.unfinished || c->pub.body.size < c->pub.body_size)
        return keep_cut(a, c);
    int rc = find_payload(a, c, &p, &fresh);
    if (rc)
        return rc;
    if (!fresh)
        count(&a->sum, p, false);
    rc = add(a, p, c);
    if (fresh && !p->pub.attempt_count) {
        free(p->attempts);
        return rc;
    }
    if (fresh)
        keep_payload(a, p);
    count(&a->sum, p, true);
    return rc;
}

struct otk_attempts_sum otk_attempts_sum(const otk_attempts *a)
{
    struct otk_attempts_sum sum = a->sum;
    sum.payloads += a->cut_count;
    sum.lost += a->cut_count;
    return sum;
}

static int by_first_number(const void *a, const void *b)
{
    return by_number(((const struct payload *)a)->attempts, ((const struct payload *)b)->attempts);
}

int otk_attempts_finish(otk_attempts *a)
{
    int rc = 0;
    while (!rc && a->cut_count) {
        struct capture *c = a->cut[a->cut_count - 1];
        struct payload *p = new_payload(a, c, 0);
        rc = p ? append(a, p, c) : OTK_ENOMEM;
        if (p && rc)
            free(p->attempts);
        if (rc)
            break;
        count(&a->sum, p, true);
        a->count++;
        a->cut_count--;
        otk_capture_free(c);
    }
    if (a->count)
        qsort(a->payloads, a->count, sizeof *a->payloads, by_first_number);
    return rc;
}

/* ---- Public ---------------------------------------------------------- */

otk_attempts *otk_receiver_attempts(otk_receiver *rx)
{
    otk_attempts *a = otk_attempts_new();
    struct capture *c;
    uint64_t number = 0;
    int rc = a ? 0 : OTK_ENOMEM;
    while (!rc && (c = otk_store_next(otk_receiver_store(rx), number))) {
        number = c->pub.number;
        rc = otk_attempts_feed(a, c);
        otk_capture_free(c);
    }
    if (!rc)
        rc = otk_attempts_finish(a);
    if (!rc)
        return a;
    otk_attempts_free(a);
    return NULL;
}

const otk_payload *otk_attempts_payload(const otk_attempts *a, size_t i)
{
    return i < a->count ? &a->payloads[i].pub : NULL;
}
