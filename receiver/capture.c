#include "capture.h"

#include "inflate.h"
#include "json.h"
#include "merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Offsets in an index have 32 bits. */
#define MESSAGE_LIMIT ((size_t)UINT32_MAX)

/* What JSON can become as protobuf: the two characters of "0," are a fixed64. */
#define JSON_GROWTH_MAX 8

#define NOTES_MAX 4096

/* glibc takes larger pieces of memory fresh from the system. */
#define FRESH_MIN ((size_t)128 << 10)
#define PAGES_AHEAD ((size_t)64 << 10)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; an older one refuses it, and the faults come one by one */
#define MADV_POPULATE_WRITE 23
#endif

struct capture *otk_capture_new(void)
{
    struct capture *c = malloc(sizeof *c); /* glibc's calloc passes by the thread's cache of freed blocks */
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    if (pthread_mutex_init(&c->views_lock, NULL)) {
        free(c);
        return NULL;
    }
    atomic_init(&c->references, 1);
    c->body.limit = c->plain.limit = MESSAGE_LIMIT;
    c->answer.limit = MESSAGE_LIMIT;
    c->pub.method = c->pub.target = c->pub.http_version = c->pub.peer = "";
    c->pub.session = c->pub.notes = c->pub.reason = c->pub.fault = "";
    return c;
}

void otk_capture_free(struct capture *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) > 1)
        return;
    pthread_mutex_destroy(&c->views_lock);
    otk_index_clear(&c->index);
    otk_buffer_clear(&c->body);
    otk_buffer_clear(&c->plain);
    otk_buffer_clear(&c->answer);
    otk_arena_clear(&c->arena);
    free(c);
}

static uint8_t *page_of(uint8_t *p)
{
    return p - (uintptr_t)p % (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* Whether it was never written to since the system gave it. */
static bool is_untouched(uint8_t *p)
{
    unsigned char resident;
    return mincore(page_of(p), 1, &resident) == 0 && !(resident & 1);
}

int otk_capture_reserve(struct capture *c, size_t size)
{
    if (size <= c->body.capacity)
        return 0;
    uint8_t *data = realloc(c->body.data, size);
    if (!data)
        return OTK_ENOMEM;
    c->body.data = data;
    c->body.capacity = size;
    c->body_untouched = size >= FRESH_MIN && is_untouched(data + size / 2);
    return 0;
}

/* Fresh memory costs a fault for each page that the body grows into: one call asks for several. Not for all that was
 * announced, since what does not come is to take no memory. */
static void prepare_pages(const struct otk_buffer *b, size_t coming)
{
    size_t end = b->size + coming + PAGES_AHEAD;
    if (b->size && b->size / PAGES_AHEAD == (b->size + coming) / PAGES_AHEAD)
        return;
    uint8_t *from = page_of(b->data + b->size), *to = b->data + (end < b->capacity ? end : b->capacity);
    madvise(from, (size_t)(to - from), MADV_POPULATE_WRITE);
}

int otk_capture_append(struct capture *c, const char *data, size_t size)
{
    if (c->body_untouched)
        prepare_pages(&c->body, size);
    return otk_buffer_append(&c->body, data, size);
}

/* Buffers that grew by doubling give back what they did not need. */
static void trim(struct otk_buffer *b)
{
    if (b->capacity - b->size <= b->size / 16 + 64)
        return;
    uint8_t *data = realloc(b->data, b->size ? b->size : 1);
    if (!data)
        return;
    b->data = data;
    b->capacity = b->size ? b->size : 1;
}

void otk_capture_end_body(struct capture *c)
{
    trim(&c->body);
    c->pub.body = (otk_bytes){c->body.data, c->body.size};
}

void otk_capture_drop_message(struct capture *c)
{
    otk_index_clear(&c->index);
    otk_buffer_clear(&c->plain);
    c->pub.message = (otk_bytes){0};
    c->pub.span_count = c->pub.metric_count = c->pub.data_point_count = c->pub.log_record_count = 0;
    c->pub.unknown_field_count = 0;
}

void otk_capture_drop_body(struct capture *c)
{
    otk_buffer_clear(&c->body);
    c->pub.body = (otk_bytes){0};
}

/* ---- Decoding -------------------------------------------------------- */

static const struct otk_message *schema_of(const struct capture *c)
{
    return otk_schema((enum otk_message_id)c->pub.signal);
}

static int no_such_body(struct otk_fault *fault, const char *what)
{
    *fault = (struct otk_fault){0};
    snprintf(fault->what, sizeof fault->what, "%s", what);
    return OTK_EDATA;
}

/* The body without its coding: the body itself, or what `into` then holds. */
static int undo_coding(struct capture *c, enum otk_coding coding, struct otk_buffer *into, otk_bytes *out,
                       struct otk_fault *fault)
{
    char what[128];
    if (coding == OTK_CODING_IDENTITY) {
        *out = c->pub.body;
        return out->size > into->limit ? OTK_ELIMIT : 0;
    }
    int rc = otk_inflate(into, coding, c->pub.body.data, c->pub.body.size, what);
    if (rc)
        return rc == OTK_EDATA ? no_such_body(fault, what) : rc;
    *out = (otk_bytes){into->data, into->size};
    return 0;
}

static int read_message(struct capture *c, struct otk_fault *fault)
{
    static const uint8_t nothing;
    if (!c->pub.message.data)
        c->pub.message.data = &nothing;
    if (c->pub.message.size >= MESSAGE_LIMIT)
        return OTK_ELIMIT;
    return otk_wire_read(&c->index, schema_of(c), c->pub.message.data, c->pub.message.size, fault);
}

/* The message becomes regular; its bytes then live in `plain`. */
static int make_regular(struct capture *c, struct otk_fault *fault)
{
    struct otk_buffer regular = OTK_BUFFER_INIT(MESSAGE_LIMIT);
    int rc = otk_merge(&regular, schema_of(c), c->pub.message.data, c->pub.message.size);
    if (rc) {
        otk_buffer_clear(&regular);
        return rc;
    }
    otk_buffer_clear(&c->plain);
    c->plain = regular;
    c->pub.message = (otk_bytes){regular.data, regular.size};
    otk_index_clear(&c->index);
    return read_message(c, fault);
}

static void count(struct capture *c)
{
    size_t *items[OTK_SIGNAL_COUNT] = {&c->pub.span_count, &c->pub.metric_count, &c->pub.log_record_count};
    *items[c->pub.signal] = c->index.item_count;
    c->pub.data_point_count = c->index.point_count;
}

/* ---- Notes ----------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void note(struct otk_buffer *notes, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (notes->size)
        otk_buffer_text(notes, "; ");
    otk_buffer_text(notes, sentence);
}

static void note_unknown(struct capture *c, struct otk_buffer *notes)
{
    struct otk_fault place = {0};
    otk_wire_locate(schema_of(c), c->pub.message.data, c->pub.message.size, c->index.unknown_offset, &place);
    note(notes, "%zu unknown field%s, the first at %s", c->index.unknown_count, c->index.unknown_count == 1 ? "" : "s",
         place.path);
}

/* Nearly every request has nothing to note and must not pay for it. */
static int write_notes(struct capture *c, bool regular, const struct otk_json_notes *json)
{
    size_t odd_json = json->unknown_keys + json->enum_names + json->out_of_range + json->oneof_repeats +
                      json->null_values;
    if (regular && !c->index.unknown_count && !c->index.odd_id_count && !odd_json)
        return 0;
    struct otk_buffer notes = OTK_BUFFER_INIT(NOTES_MAX);
    if (c->index.unknown_count)
        note_unknown(c, &notes);
    if (c->index.odd_id_count)
        note(&notes, "%zu id%s of a wrong length", c->index.odd_id_count, c->index.odd_id_count == 1 ? "" : "s");
    if (!regular)
        note(&notes, "records that protobuf says to merge were merged");
    if (odd_json)
        note(&notes, odd_json == 1 ? "%s" : "%s (and %zu more like it)", json->first, odd_json - 1);
    const char *kept = otk_arena_string(&c->arena, (const char *)notes.data, notes.size);
    if (kept)
        c->pub.notes = kept;
    otk_buffer_clear(&notes);
    return kept ? 0 : OTK_ENOMEM;
}

int otk_capture_note(struct capture *c, const char *sentence)
{
    size_t before = strlen(c->pub.notes), added = strlen(sentence);
    char *joined = otk_arena_alloc(&c->arena, before + added + 3);
    if (!joined)
        return OTK_ENOMEM;
    snprintf(joined, before + added + 3, "%s%s%s", c->pub.notes, before ? "; " : "", sentence);
    c->pub.notes = joined;
    return 0;
}

int otk_capture_decode(struct capture *c, const char *content_encoding, size_t max_bytes, struct otk_fault *fault)
{
    enum otk_coding coding = otk_coding_of(content_encoding);
    bool json = c->pub.encoding == OTK_ENCODING_JSON;
    struct otk_json_notes odd = {0};
    struct otk_buffer text = OTK_BUFFER_INIT(max_bytes);
    otk_bytes inflated = {0};

    c->plain.limit = json ? MESSAGE_LIMIT : max_bytes;
    int rc = undo_coding(c, coding, json ? &text : &c->plain, &inflated, fault);
    if (rc)
        goto out;
    c->pub.inflated_size = inflated.size;
    c->pub.message = inflated;
    if (json) {
        size_t most = inflated.size > MESSAGE_LIMIT / JSON_GROWTH_MAX ? MESSAGE_LIMIT : inflated.size * JSON_GROWTH_MAX;
        c->plain.limit = most + 64;
        rc = otk_json_read(&c->plain, schema_of(c), inflated.data ? (const char *)inflated.data : "", inflated.size, &odd,
                           fault);
        c->pub.message = (otk_bytes){c->plain.data, c->plain.size};
    }
    if (!rc)
        rc = read_message(c, fault);
    if (rc)
        goto out;
    bool regular = c->index.regular;
    if (!regular && (rc = make_regular(c, fault)))
        goto out;
    if (c->plain.data) {
        trim(&c->plain);
        c->pub.message.data = c->plain.data;
    }
    c->pub.unknown_field_count = c->index.unknown_count + odd.unknown_keys;
    count(c);
    rc = write_notes(c, regular, &odd);
out:
    otk_buffer_clear(&text);
    if (rc)
        otk_capture_drop_message(c);
    return rc;
}

size_t otk_capture_weight(const struct capture *c)
{
    const struct otk_index *index = &c->index;
    return sizeof *c + c->arena.total + c->body.capacity + c->plain.capacity + c->answer.capacity +
           index->item_capacity * sizeof *index->items + index->scope_capacity * sizeof *index->scopes +
           index->resource_capacity * sizeof *index->resources;
}

size_t otk_capture_items(const struct capture *c)
{
    return c->index.item_count;
}
