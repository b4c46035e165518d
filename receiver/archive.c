#include "archive.h"

#include "fault.h"
#include "visible.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#define HEAD_MAX ((size_t)16 << 20) /* of what stands before a body */

struct otk_archive {
    FILE *file;
    int failed; /* a record was cut; nothing may follow it */
};

static const char REQUEST_TYPE[] = "application/http;msgtype=request";
static const char RESPONSE_TYPE[] = "application/http;msgtype=response";
static const char *const signals[OTK_SIGNAL_COUNT] = {"traces", "metrics", "logs"};

/* What a receiver tells of what it does not have. */
static const struct {
    const char *field;
    size_t at;
} losses[] = {
    {"Otlpkit-Dropped-Requests", offsetof(otk_receiver_counts, dropped_captures)},
    {"Otlpkit-Dropped-Bytes", offsetof(otk_receiver_counts, dropped_bytes)},
    {"Otlpkit-Unreadable-Connections", offsetof(otk_receiver_counts, unreadable_connections)},
    {"Otlpkit-Grpc-Connections", offsetof(otk_receiver_counts, grpc_connections)},
    {"Otlpkit-Tls-Connections", offsetof(otk_receiver_counts, tls_connections)},
};

/* ---- Writing --------------------------------------------------------- */

/* A record: named fields, and a block of three parts. */
struct record {
    struct otk_buffer fields;
    struct otk_buffer head;
    otk_bytes body;
    const char *tail; /* a literal */
};

#define RECORD_INIT                                                                                                    \
    {                                                                                                                  \
        OTK_BUFFER_INIT(HEAD_MAX), OTK_BUFFER_INIT(HEAD_MAX), {NULL, 0}, ""                                            \
    }

static void record_clear(struct record *r)
{
    otk_buffer_clear(&r->fields);
    otk_buffer_clear(&r->head);
}

struct record_id {
    char text[48];
};

static int new_record_id(struct record_id *out)
{
    uint8_t r[16];
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
        return OTK_ESYSTEM;
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(out->text, sizeof out->text,
             "<urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x>", r[0], r[1], r[2], r[3],
             r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
    return 0;
}

/* A field's text: a line break inside would make two fields of it. */
static void put_text(struct otk_buffer *b, const char *text)
{
    for (; *text; text++)
        otk_buffer_byte(b, *text == '\r' || *text == '\n' ? ' ' : (uint8_t)*text);
}

static void put_field(struct otk_buffer *b, const char *name, const char *value)
{
    put_text(b, name);
    otk_buffer_text(b, ": ");
    put_text(b, value);
    otk_buffer_text(b, "\r\n");
}

static void put_uri(struct otk_buffer *b, const otk_capture *c)
{
    const char *host = otk_headers_get(&c->headers, "Host");
    otk_buffer_text(b, "WARC-Target-URI: ");
    if (*c->target == '/' || !*c->target)
        otk_buffer_printf(b, "http://%s", host && *host ? host : "localhost");
    for (const char *p = c->target; *p; p++)
        if ((uint8_t)*p <= ' ' || (uint8_t)*p >= 0x7f)
            otk_buffer_printf(b, "%%%02X", (uint8_t)*p);
        else
            otk_buffer_byte(b, (uint8_t)*p);
    otk_buffer_text(b, "\r\n");
}

static void put_date(struct otk_buffer *b, uint64_t unix_nano)
{
    time_t seconds = (time_t)(unix_nano / 1000000000u);
    struct tm utc;
    char date[32] = "1970-01-01T00:00:00";
    if (gmtime_r(&seconds, &utc))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    otk_buffer_printf(b, "WARC-Date: %s.%09uZ\r\n", date, (unsigned)(unix_nano % 1000000000u));
}

static void put_start(struct otk_buffer *b, const char *type, const struct record_id *id, uint64_t unix_nano,
                      const char *content_type)
{
    otk_buffer_text(b, "WARC/1.1\r\n");
    put_field(b, "WARC-Type", type);
    put_field(b, "WARC-Record-ID", id->text);
    put_date(b, unix_nano);
    put_field(b, "Content-Type", content_type);
}

static void add_piece(struct otk_warc_pieces *p, const void *data, size_t size)
{
    if (size)
        p->items[p->count++] = (otk_bytes){data, size};
}

/* The record is whole: what it wrote belongs to `out` now. */
static int end_record(struct record *r, struct otk_warc_pieces *out)
{
    struct otk_buffer *front = &out->fronts[out->count ? 1 : 0];
    size_t tail = strlen(r->tail);
    otk_buffer_printf(&r->fields, "Content-Length: %zu\r\n\r\n", r->head.size + r->body.size + tail);
    otk_buffer_append(&r->fields, r->head.data, r->head.size);
    int rc = r->head.failed ? r->head.failed : r->fields.failed;
    if (!rc) {
        *front = r->fields;
        r->fields = OTK_BUFFER_INIT(0);
        add_piece(out, front->data, front->size);
        add_piece(out, r->body.data, r->body.size);
        add_piece(out, r->tail, tail);
        add_piece(out, "\r\n\r\n", 4);
    }
    record_clear(r);
    return rc;
}

static void put_headers(struct otk_buffer *b, const otk_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        put_field(b, headers->items[i].name, headers->items[i].value);
    otk_buffer_text(b, "\r\n");
}

static bool is_chunked(const otk_headers *headers)
{
    const char *coding = otk_headers_get(headers, "Transfer-Encoding");
    return coding && strcasestr(coding, "chunked");
}

/* Bodies are kept with their chunks joined. One chunk says so truthfully to who reads the headers; a body that was
 * cut has no last chunk. */
static void put_body(struct record *r, const otk_capture *c)
{
    bool cut = c->body_size > c->body.size, chunked = is_chunked(&c->headers);
    r->body = c->body;
    if (cut)
        put_field(&r->fields, "WARC-Truncated", "length");
    if (!chunked)
        return;
    if (c->body.size)
        otk_buffer_printf(&r->head, "%zx\r\n", c->body.size);
    r->tail = cut ? "" : c->body.size ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
}

static int put_request(struct otk_warc_pieces *out, const otk_capture *c, const struct record_id *id)
{
    struct record r = RECORD_INIT;
    put_start(&r.fields, "request", id, c->time_unix_nano, REQUEST_TYPE);
    put_uri(&r.fields, c);
    put_field(&r.fields, "Otlpkit-Peer", c->peer);
    put_field(&r.fields, "Otlpkit-Signal", c->has_signal ? signals[c->signal] : "none");
    otk_buffer_printf(&r.fields, "Otlpkit-Body-Size: %" PRIu64 "\r\n", c->body_size);
    if (!c->status)
        put_field(&r.fields, "Otlpkit-Reason", c->reason);
    if (*c->fault)
        put_field(&r.fields, "Otlpkit-Fault", c->fault);
    if (c->unfinished)
        put_field(&r.fields, "Otlpkit-Unfinished", "true");
    put_text(&r.head, c->method);
    otk_buffer_byte(&r.head, ' ');
    put_text(&r.head, c->target);
    otk_buffer_byte(&r.head, ' ');
    put_text(&r.head, c->http_version);
    otk_buffer_text(&r.head, "\r\n");
    put_headers(&r.head, &c->headers);
    put_body(&r, c);
    return end_record(&r, out);
}

static const char *status_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

static int put_response(struct otk_warc_pieces *out, const otk_capture *c, const struct record_id *request)
{
    struct record r = RECORD_INIT;
    struct record_id id;
    int rc = new_record_id(&id);
    if (rc)
        return rc;
    put_start(&r.fields, "response", &id, c->time_unix_nano, RESPONSE_TYPE);
    put_uri(&r.fields, c);
    put_field(&r.fields, "WARC-Concurrent-To", request->text);
    if (*c->reason)
        put_field(&r.fields, "Otlpkit-Reason", c->reason);
    if (c->rejected_count)
        otk_buffer_printf(&r.fields, "Otlpkit-Rejected: %zu\r\n", c->rejected_count);
    otk_buffer_printf(&r.head, "HTTP/1.1 %u %s\r\n", c->status, status_phrase(c->status));
    put_headers(&r.head, &c->answer_headers);
    r.body = c->answer;
    return end_record(&r, out);
}

/* A record that is about no request. */
static int begin_record(struct record *r, const char *type)
{
    struct record_id id;
    struct timespec now;
    int rc = new_record_id(&id);
    if (rc)
        return rc;
    clock_gettime(CLOCK_REALTIME, &now);
    put_start(&r->fields, type, &id, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
              "application/warc-fields");
    return 0;
}

int otk_warc_begin(struct otk_warc_pieces *out)
{
    struct record r = RECORD_INIT;
    *out = (struct otk_warc_pieces){0};
    int rc = begin_record(&r, "warcinfo");
    if (rc)
        return rc;
    otk_buffer_printf(&r.head, "software: otlpkit/%s\r\nformat: WARC File Format 1.1\r\n", otk_receiver_version());
    return end_record(&r, out);
}

int otk_warc_capture(struct otk_warc_pieces *out, const otk_capture *c)
{
    struct record_id id;
    *out = (struct otk_warc_pieces){0};
    int rc = new_record_id(&id);
    if (!rc)
        rc = put_request(out, c, &id);
    if (!rc && c->status) /* 0: the client left before there was an answer */
        rc = put_response(out, c, &id);
    return rc;
}

int otk_warc_lost(struct otk_warc_pieces *out, const otk_receiver_counts *counts)
{
    struct record r = RECORD_INIT;
    bool any = false;
    *out = (struct otk_warc_pieces){0};
    int rc = begin_record(&r, "metadata");
    for (size_t i = 0; i < sizeof losses / sizeof *losses && !rc; i++) {
        uint64_t lost;
        memcpy(&lost, (const char *)counts + losses[i].at, sizeof lost);
        if (lost)
            otk_buffer_printf(&r.fields, "%s: %" PRIu64 "\r\n", losses[i].field, lost);
        any = any || lost;
    }
    if (!rc && any)
        return end_record(&r, out);
    record_clear(&r);
    return rc;
}

void otk_warc_pieces_clear(struct otk_warc_pieces *p)
{
    otk_buffer_clear(&p->fronts[0]);
    otk_buffer_clear(&p->fronts[1]);
    p->count = 0;
}

/* ---- A file ---------------------------------------------------------- */

/* Consumes the pieces, which are whole unless `rc` is set. */
static int write_pieces(otk_archive *a, struct otk_warc_pieces *p, int rc)
{
    for (size_t i = 0; i < p->count && !rc; i++)
        if (fwrite(p->items[i].data, 1, p->items[i].size, a->file) != p->items[i].size)
            rc = a->failed = OTK_ESYSTEM;
    if (!rc && fflush(a->file))
        rc = a->failed = OTK_ESYSTEM;
    otk_warc_pieces_clear(p);
    return rc;
}

static void fill_error(otk_error *error, int code, const char *path)
{
    if (!error)
        return;
    error->code = code;
    snprintf(error->message, sizeof error->message, "cannot write %s: %s", path,
             code == OTK_ENOMEM ? "out of memory" : strerror(errno));
}

otk_archive *otk_archive_open(const char *path, otk_error *error)
{
    struct otk_warc_pieces pieces;
    otk_archive *a = calloc(1, sizeof *a);
    int rc = a ? 0 : OTK_ENOMEM;
    if (!rc && !(a->file = fopen(path, "wbe")))
        rc = OTK_ESYSTEM;
    if (!rc)
        rc = write_pieces(a, &pieces, otk_warc_begin(&pieces));
    if (!rc)
        return a;
    fill_error(error, rc, path);
    if (a && a->file)
        fclose(a->file);
    free(a);
    return NULL;
}

int otk_archive_add(otk_archive *archive, const otk_capture *capture)
{
    struct otk_warc_pieces pieces;
    return archive->failed ? archive->failed : write_pieces(archive, &pieces, otk_warc_capture(&pieces, capture));
}

int otk_archive_close(otk_archive *archive)
{
    if (!archive)
        return 0;
    int rc = archive->failed;
    if (fclose(archive->file) && !rc)
        rc = OTK_ESYSTEM;
    free(archive);
    return rc;
}

/* ---- Reading --------------------------------------------------------- */

struct span {
    const char *data;
    size_t size;
};

/* Takes the line at the start of `rest`, without its end. False behind the last whole line. */
static bool take_line(struct span *rest, struct span *line)
{
    const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    if (!end)
        return false;
    *line = (struct span){rest->data, (size_t)(end - rest->data)};
    if (line->size && line->data[line->size - 1] == '\r')
        line->size--;
    rest->size -= (size_t)(end + 1 - rest->data);
    rest->data = end + 1;
    return true;
}

static struct span trimmed(struct span s)
{
    while (s.size && (*s.data == ' ' || *s.data == '\t'))
        s.data++, s.size--;
    while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
        s.size--;
    return s;
}

static int parse_field(struct otk_arena *arena, struct span line, otk_header *out)
{
    const char *colon = memchr(line.data, ':', line.size);
    if (!colon)
        return OTK_EDATA;
    size_t name = (size_t)(colon - line.data);
    struct span value = trimmed((struct span){colon + 1, line.size - name - 1});
    out->name = otk_arena_string(arena, line.data, name);
    out->value = otk_arena_string(arena, value.data, value.size);
    return out->name && out->value ? 0 : OTK_ENOMEM;
}

/* Fields up to and with the empty line. */
static int parse_fields(struct otk_arena *arena, struct span *rest, otk_headers *out)
{
    struct span ahead = *rest, line;
    size_t count = 0;
    while (take_line(&ahead, &line) && line.size)
        count++;
    otk_header *items = otk_arena_alloc(arena, (count + 1) * sizeof *items);
    if (!items)
        return OTK_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        take_line(rest, &line);
        int rc = parse_field(arena, line, &items[i]);
        if (rc)
            return rc;
    }
    *out = (otk_headers){items, count};
    return take_line(rest, &line) ? 0 : OTK_EDATA;
}

static bool parse_size(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

/* 0 where it is not told. */
static uint64_t number_of(const struct otk_warc_record *record, const char *name)
{
    uint64_t number = 0;
    const char *text = otk_headers_get(&record->fields, name);
    return text && parse_size(text, &number) ? number : 0;
}

static enum otk_warc_type type_of(const otk_headers *fields)
{
    const char *type = otk_headers_get(fields, "WARC-Type");
    const char *content = otk_headers_get(fields, "Content-Type");
    if (!type || !content || strncasecmp(content, "application/http", strlen("application/http")) != 0)
        return OTK_WARC_OTHER;
    return strcasecmp(type, "request") == 0    ? OTK_WARC_REQUEST
           : strcasecmp(type, "response") == 0 ? OTK_WARC_RESPONSE
                                               : OTK_WARC_OTHER;
}

int otk_warc_header(struct otk_warc_record *out, struct otk_arena *arena, const char *text, size_t size)
{
    struct span rest = {text, size}, version;
    if (!take_line(&rest, &version) || version.size < 5 || memcmp(version.data, "WARC/", 5) != 0)
        return OTK_EDATA;
    int rc = parse_fields(arena, &rest, &out->fields);
    if (rc)
        return rc;
    const char *length = otk_headers_get(&out->fields, "Content-Length");
    out->type = type_of(&out->fields);
    return length && parse_size(length, &out->block_size) ? 0 : OTK_EDATA;
}

/* 2026-01-02T03:04:05.678Z as nanoseconds; 0 when it is something else. */
static uint64_t parse_date(const char *text)
{
    struct tm utc = {0};
    const char *p = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    if (!p)
        return 0;
    uint64_t nanos = 0, unit = 100000000;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            nanos += (uint64_t)(*p - '0') * unit;
    time_t seconds = timegm(&utc);
    return seconds < 0 ? 0 : (uint64_t)seconds * 1000000000u + nanos;
}

/* METHOD target HTTP/1.1 */
static int parse_request_line(struct capture *c, struct span line)
{
    const char *end = line.data + line.size;
    const char *first = line.size ? memchr(line.data, ' ', line.size) : NULL;
    const char *last = first ? memrchr(line.data, ' ', line.size) : NULL;
    if (!first || first == last)
        return OTK_EDATA;
    c->pub.method = otk_arena_string(&c->arena, line.data, (size_t)(first - line.data));
    c->pub.target = otk_arena_string(&c->arena, first + 1, (size_t)(last - first - 1));
    c->pub.http_version = otk_arena_string(&c->arena, last + 1, (size_t)(end - last - 1));
    return c->pub.method && c->pub.target && c->pub.http_version ? 0 : OTK_ENOMEM;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The size that a chunk's first line tells: 0 also when it tells none. */
static size_t chunk_size(struct span line)
{
    size_t size = 0;
    for (; line.size && hex_digit(*line.data) >= 0; line.data++, line.size--) {
        if (size > SIZE_MAX >> 4)
            return 0;
        size = size << 4 | (size_t)hex_digit(*line.data);
    }
    return size;
}

/* Joins chunks; one that is cut gives what there is. */
static int join_chunks(struct otk_buffer *out, struct span rest)
{
    struct span line;
    size_t size;
    while (take_line(&rest, &line) && (size = chunk_size(line))) {
        size_t have = size < rest.size ? size : rest.size;
        int rc = otk_buffer_append(out, rest.data, have);
        if (rc)
            return rc;
        rest = (struct span){rest.data + have, rest.size - have};
        take_line(&rest, &line);
    }
    return 0;
}

/* The body behind an HTTP head. Content-Length may say less than there is. */
static int parse_body(struct otk_buffer *out, otk_bytes *view, const otk_headers *headers, struct span rest)
{
    *out = OTK_BUFFER_INIT(rest.size + 1);
    const char *length = otk_headers_get(headers, "Content-Length");
    uint64_t size;
    if (!is_chunked(headers) && length && parse_size(length, &size) && size < rest.size)
        rest.size = (size_t)size;
    int rc = is_chunked(headers) ? join_chunks(out, rest) : otk_buffer_append(out, rest.data, rest.size);
    *view = (otk_bytes){out->data, out->size};
    return rc;
}

static bool has_media_type(const char *value, const char *type)
{
    size_t size = strlen(type);
    return value && strncasecmp(value, type, size) == 0 && (!value[size] || strchr("; \t", value[size]));
}

static void find_encoding(otk_capture *c)
{
    const char *type = otk_headers_get(&c->headers, "Content-Type");
    if (has_media_type(type, "application/x-protobuf"))
        c->encoding = OTK_ENCODING_PROTOBUF;
    else if (has_media_type(type, "application/json"))
        c->encoding = OTK_ENCODING_JSON;
}

static void find_signal_by_path(otk_capture *c)
{
    static const char *const paths[] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
    size_t size = strcspn(c->target, "?");
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++) {
        size_t n = strlen(paths[i]);
        if (size < n || memcmp(c->target + size - n, paths[i], n) != 0)
            continue;
        c->has_signal = strcmp(c->method, "POST") == 0;
        c->signal = (otk_signal)i;
    }
}

/* Our own archives tell it: a receiver may take telemetry at any path. */
static void find_signal(otk_capture *c, const char *told)
{
    if (!told)
        find_signal_by_path(c);
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT && told && !c->has_signal; i++) {
        c->has_signal = strcmp(told, signals[i]) == 0;
        c->signal = (otk_signal)i;
    }
}

static int copy_field(struct capture *c, const otk_headers *fields, const char *name, const char **out)
{
    const char *value = otk_headers_get(fields, name);
    char *copy = value ? otk_arena_string(&c->arena, value, strlen(value)) : NULL;
    if (value && !copy)
        return OTK_ENOMEM;
    if (copy) {
        otk_make_text(copy);
        *out = copy;
    }
    return 0;
}

int otk_warc_request(struct capture *c, const struct otk_warc_record *record, const char *block, size_t size)
{
    struct span rest = {block, size}, line;
    if (!take_line(&rest, &line))
        return OTK_EDATA;
    int rc = parse_request_line(c, line);
    if (!rc)
        rc = parse_fields(&c->arena, &rest, &c->pub.headers);
    if (!rc)
        rc = parse_body(&c->body, &c->pub.body, &c->pub.headers, rest);
    if (!rc)
        rc = copy_field(c, &record->fields, "Otlpkit-Peer", &c->pub.peer);
    if (!rc)
        rc = copy_field(c, &record->fields, "Otlpkit-Reason", &c->pub.reason);
    if (!rc)
        rc = copy_field(c, &record->fields, "Otlpkit-Fault", &c->pub.fault);
    if (!rc)
        rc = otk_fault_step_read(c->pub.fault, &c->arena, &c->fault);
    if (rc)
        return rc;
    c->pub.unfinished = otk_headers_get(&record->fields, "Otlpkit-Unfinished") != NULL;
    if (*c->pub.reason)
        c->pub.status = 0;
    const char *body_size = otk_headers_get(&record->fields, "Otlpkit-Body-Size");
    if (!body_size || !parse_size(body_size, &c->pub.body_size))
        c->pub.body_size = c->body.size;
    c->pub.time_unix_nano = parse_date(otk_headers_get(&record->fields, "WARC-Date"));
    find_encoding(&c->pub);
    find_signal(&c->pub, otk_headers_get(&record->fields, "Otlpkit-Signal"));
    return 0;
}

/* HTTP/1.1 200 OK */
static bool parse_status_line(struct span line, unsigned *out)
{
    const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
    if (!space || line.data + line.size - space < 4 || memcmp(line.data, "HTTP/", 5) != 0)
        return false;
    unsigned status = 0;
    for (const char *p = space + 1; p <= space + 3; p++) {
        if (*p < '0' || *p > '9')
            return false;
        status = status * 10 + (unsigned)(*p - '0');
    }
    *out = status;
    return true;
}

int otk_warc_response(struct capture *c, const struct otk_warc_record *record, const char *block, size_t size)
{
    struct span rest = {block, size}, line;
    if (!take_line(&rest, &line) || !parse_status_line(line, &c->pub.status))
        return OTK_EDATA;
    int rc = parse_fields(&c->arena, &rest, &c->pub.answer_headers);
    if (!rc)
        rc = parse_body(&c->answer, &c->pub.answer, &c->pub.answer_headers, rest);
    c->pub.rejected_count = (size_t)number_of(record, "Otlpkit-Rejected");
    return rc ? rc : copy_field(c, &record->fields, "Otlpkit-Reason", &c->pub.reason);
}

void otk_warc_read_lost(otk_receiver_counts *out, const struct otk_warc_record *record)
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        uint64_t lost = number_of(record, losses[i].field);
        memcpy((char *)out + losses[i].at, &lost, sizeof lost);
    }
}
