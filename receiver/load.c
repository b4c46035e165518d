#include "load.h"

#include "archive.h"
#include "inflate.h"
#include "json.h"
#include "store.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#define CHUNK ((size_t)256 << 10)
#define RECORD_HEADER_MAX ((size_t)256 << 10) /* a target of 32 kB, escaped, is in it */
#define HTTP_HEAD_MAX ((size_t)1 << 20)

/* A compressed file is inflated as a whole, and may hold this many requests of the largest size. */
#define INFLATED_REQUESTS 16

/* A window on the file: what was read and not yet used stands at `at`. */
struct source {
    int fd; /* -1: all of it is in the window */
    bool ended;
    struct otk_buffer window;
    size_t at;
    uint64_t passed; /* bytes before the window */
};

struct load {
    const char *name;
    otk_load_options options;
    otk_capture_fn *each;
    void *arg;
    otk_receiver_counts *lost; /* or NULL */
    otk_error *error;
    struct source source;
    uint64_t number;
    unsigned signals; /* a bit for each that was seen */
};

__attribute__((format(printf, 3, 4))) static int fail(struct load *l, int code, const char *format, ...)
{
    va_list args;
    size_t size = sizeof l->error->message;
    l->error->code = code;
    int n = snprintf(l->error->message, size, "%s", l->name);
    size_t used = n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
    va_start(args, format);
    vsnprintf(l->error->message + used, size - used, format, args);
    va_end(args);
    return code;
}

static int fail_memory(struct load *l)
{
    return fail(l, OTK_ENOMEM, ": out of memory");
}

static int fail_size(struct load *l, const char *where)
{
    return fail(l, OTK_ELIMIT, "%s: a request larger than %zu bytes", where, l->options.max_request_bytes);
}

/* ---- Source ---------------------------------------------------------- */

static const uint8_t *ready(const struct source *s)
{
    return s->window.data ? s->window.data + s->at : (const uint8_t *)"";
}

static size_t ready_size(const struct source *s)
{
    return s->window.size - s->at;
}

static void consume(struct source *s, size_t n)
{
    s->at += n;
}

static void forget_used(struct source *s)
{
    if (!s->at || s->at < s->window.size / 2)
        return;
    memmove(s->window.data, s->window.data + s->at, s->window.size - s->at);
    s->passed += s->at;
    s->window.size -= s->at;
    s->at = 0;
}

/* Reads on until `n` bytes are ready; fewer only at the end of the file. */
static int want(struct load *l, size_t n)
{
    struct source *s = &l->source;
    while (ready_size(s) < n && !s->ended) {
        forget_used(s);
        uint8_t *to = otk_buffer_reserve(&s->window, CHUNK);
        if (!to)
            return s->window.failed == OTK_ENOMEM ? fail_memory(l) : fail_size(l, "");
        ssize_t got = read(s->fd, to, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(l, OTK_ESYSTEM, ": cannot be read: %s", strerror(errno));
        s->window.size += (size_t)got;
        s->ended = got == 0;
    }
    return 0;
}

static int want_more(struct load *l, bool *more)
{
    size_t before = ready_size(&l->source);
    int rc = want(l, before + 1);
    *more = ready_size(&l->source) > before;
    return rc;
}

static int want_all(struct load *l)
{
    return want(l, SIZE_MAX);
}

/* What the window may hold at once: a request, its head, and what was read ahead or not yet forgotten. */
static size_t window_limit(size_t max_request_bytes)
{
    size_t slack = 2 * HTTP_HEAD_MAX + 4 * CHUNK;
    return max_request_bytes > SIZE_MAX / 2 - slack ? SIZE_MAX : max_request_bytes * 2 + slack;
}

/* Replaces a compressed file by what it inflates to. */
static int undo_compression(struct load *l)
{
    struct source *s = &l->source;
    enum otk_coding coding = otk_coding_sniff(ready(s), ready_size(s));
    if (coding == OTK_CODING_IDENTITY || coding == OTK_CODING_UNKNOWN)
        return 0;
    int rc = want_all(l);
    if (rc)
        return rc;
    size_t max = l->options.max_request_bytes;
    struct otk_buffer plain = OTK_BUFFER_INIT(max > SIZE_MAX / INFLATED_REQUESTS ? SIZE_MAX : max * INFLATED_REQUESTS);
    char what[128] = "";
    rc = otk_inflate(&plain, coding, ready(s), ready_size(s), what);
    otk_buffer_clear(&s->window);
    *s = (struct source){.fd = s->fd, .ended = true, .window = plain};
    if (rc == OTK_EDATA)
        return fail(l, rc, ": %s", what);
    if (rc == OTK_ELIMIT)
        return fail(l, rc, ": inflates to more than %zu bytes", plain.limit);
    return rc ? fail_memory(l) : 0;
}

/* ---- One request ----------------------------------------------------- */

static int add_note(struct capture *c, const char *note)
{
    struct otk_buffer all = OTK_BUFFER_INIT((size_t)1 << 20);
    otk_buffer_printf(&all, "%s%s%s", c->pub.notes, *c->pub.notes ? "; " : "", note);
    const char *notes = all.failed ? NULL : otk_arena_string(&c->arena, (const char *)all.data, all.size);
    otk_buffer_clear(&all);
    if (!notes)
        return OTK_ENOMEM;
    c->pub.notes = notes;
    return 0;
}

/* The file exporter's format asks for one kind of telemetry a file; what mixes them is shown, and told once. */
static int note_mixture(struct load *l, struct capture *c)
{
    unsigned before = l->signals;
    l->signals |= 1u << c->pub.signal;
    bool first_mixture = before && before != l->signals && !(before & (before - 1));
    return first_mixture ? add_note(c, "the file holds more than one signal, OTLP's file format asks for one") : 0;
}

static int decode(struct load *l, struct capture *c, const char *where)
{
    struct otk_fault fault;
    char sentence[512];
    const char *coding = otk_headers_get(&c->pub.headers, "Content-Encoding");
    int rc = otk_capture_decode(c, coding, l->options.max_request_bytes, &fault);
    if (rc == OTK_EDATA) {
        otk_fault_sentence(&fault, sentence, sizeof sentence);
        return fail(l, rc, "%s: %s", where, sentence);
    }
    return rc == OTK_ELIMIT ? fail_size(l, where) : rc ? fail_memory(l) : 0;
}

static struct capture *new_capture(struct load *l)
{
    struct capture *c = otk_capture_new();
    if (!c)
        return NULL;
    c->pub.number = ++l->number;
    c->pub.status = 200;
    return c;
}

/* A body on its own becomes the request that would have brought it. */
static int deliver_body(struct load *l, otk_encoding encoding, otk_signal signal, size_t size, const char *where)
{
    static const char *const targets[] = {"/v1/traces", "/v1/metrics", "/v1/logs"};
    static const otk_header types[] = {[OTK_ENCODING_PROTOBUF] = {"Content-Type", "application/x-protobuf"},
                                       [OTK_ENCODING_JSON] = {"Content-Type", "application/json"}};
    if (size > l->options.max_request_bytes)
        return fail_size(l, where);
    struct capture *c = new_capture(l);
    if (!c || otk_buffer_append(&c->body, ready(&l->source), size)) {
        otk_capture_free(c);
        return fail_memory(l);
    }
    c->pub.method = "POST";
    c->pub.target = targets[signal];
    c->pub.http_version = "HTTP/1.1";
    c->pub.headers = (otk_headers){&types[encoding], 1};
    c->pub.body = (otk_bytes){c->body.data, c->body.size};
    c->pub.body_size = size;
    c->pub.has_signal = true;
    c->pub.signal = signal;
    c->pub.encoding = encoding;
    int rc = decode(l, c, where);
    if (!rc && note_mixture(l, c))
        rc = fail_memory(l);
    if (!rc)
        l->each(&c->pub, l->arg);
    otk_capture_free(c);
    return rc;
}

/* ---- Protobuf -------------------------------------------------------- */

/* How well bytes fit a signal's request. */
struct fit {
    int rc;
    size_t unknown;
    struct otk_fault fault;
};

static struct fit try_signal(const struct source *s, otk_signal signal)
{
    struct fit fit = {0};
    struct otk_index index = {0};
    fit.rc = otk_wire_read(&index, otk_schema((enum otk_message_id)signal), ready(s), ready_size(s), &fit.fault);
    fit.unknown = index.unknown_count + index.odd_id_count;
    if (!fit.rc)
        otk_index_clear(&index);
    return fit;
}

/* The three requests share their field numbers: a fault excludes one, and what knows more of the fields is likelier. */
static int guess_signal(struct load *l, otk_signal *out)
{
    struct fit best = {.rc = OTK_EDATA};
    unsigned equals = 0;
    for (unsigned i = 0; i < OTK_SIGNAL_COUNT; i++) {
        struct fit fit = try_signal(&l->source, (otk_signal)i);
        if (fit.rc == OTK_ENOMEM)
            return fail_memory(l);
        bool better =
            best.rc ? !fit.rc || fit.fault.offset >= best.fault.offset : !fit.rc && fit.unknown < best.unknown;
        equals = better ? !fit.rc : equals + (!fit.rc && fit.unknown == best.unknown);
        if (better) {
            best = fit;
            *out = (otk_signal)i;
        }
    }
    char sentence[512];
    if (equals == 1)
        return 0;
    if (equals)
        return fail(l, OTK_EINVAL,
                    ": the bytes do not tell which signal they hold, traces, metrics or logs: say it "
                    "with --signal");
    otk_fault_sentence(&best.fault, sentence, sizeof sentence);
    return fail(l, OTK_EDATA, ": neither OTLP/JSON, nor an archive, nor a request in protobuf: %s", sentence);
}

static int load_protobuf(struct load *l)
{
    int rc = want_all(l);
    if (rc)
        return rc;
    size_t size = ready_size(&l->source);
    otk_signal signal = l->options.signal;
    if (size > l->options.max_request_bytes)
        return fail_size(l, "");
    if (!l->options.has_signal && !size)
        return fail(l, OTK_EINVAL, ": empty, which may be a request of any signal: say it with --signal");
    if (!l->options.has_signal)
        rc = guess_signal(l, &signal);
    return rc ? rc : deliver_body(l, OTK_ENCODING_PROTOBUF, signal, size, "");
}

/* ---- JSON ------------------------------------------------------------ */

/* Where an object that starts at the source's position ends. */
struct scan {
    size_t at;
    unsigned depth;
    bool in_string, escaped, ended;
};

static void scan_byte(struct scan *s, uint8_t byte)
{
    if (s->escaped)
        s->escaped = false;
    else if (s->in_string && byte == '\\')
        s->escaped = true;
    else if (byte == '"')
        s->in_string = !s->in_string;
    else if (!s->in_string && (byte == '{' || byte == '['))
        s->depth++;
    else if (!s->in_string && (byte == '}' || byte == ']'))
        s->ended = --s->depth == 0;
}

static void scan_on(struct scan *s, const uint8_t *bytes, size_t size, bool one_line)
{
    while (s->at < size && !s->ended) {
        if (one_line && bytes[s->at] == '\n')
            s->ended = true;
        else
            scan_byte(s, bytes[s->at++]);
    }
}

/* The size of the object that starts here; of all that is left when it does not end. */
static int object_size(struct load *l, bool one_line, const char *where, size_t *out)
{
    struct scan scan = {0};
    bool more = true;
    while (more) {
        scan_on(&scan, ready(&l->source), ready_size(&l->source), one_line);
        if (scan.at > l->options.max_request_bytes)
            return fail_size(l, where);
        if (scan.ended)
            break;
        int rc = want_more(l, &more);
        if (rc)
            return rc;
    }
    *out = scan.at;
    return 0;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static int skip_blanks(struct load *l, size_t *line, bool *more)
{
    struct source *s = &l->source;
    *more = true;
    while (*more) {
        for (; ready_size(s) && is_blank(*ready(s)); consume(s, 1))
            *line += *ready(s) == '\n';
        if (ready_size(s))
            return 0;
        int rc = want_more(l, more);
        if (rc)
            return rc;
    }
    return 0;
}

static size_t count_lines(const uint8_t *bytes, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* An object without any key is a request without telemetry, of whatever signal. */
static bool is_empty_object(const uint8_t *bytes, size_t size)
{
    for (size_t i = 1; i + 1 < size; i++)
        if (!is_blank(bytes[i]))
            return false;
    return size >= 2 && bytes[size - 1] == '}';
}

static int deliver_object(struct load *l, size_t size, const char *where)
{
    const uint8_t *bytes = ready(&l->source);
    otk_signal signal = l->options.signal;
    if (!is_empty_object(bytes, size) && otk_json_signal((const char *)bytes, size, &signal) && !l->options.has_signal)
        return fail(l, OTK_EDATA, "%s: not OTLP/JSON: has none of resourceSpans, resourceMetrics, resourceLogs", where);
    return deliver_body(l, OTK_ENCODING_JSON, signal, size, where);
}

/* One object, over as many lines as it likes; or, when the first one stands on one line, an object a line: then a
 * broken line is that line's fault alone. */
static int load_json(struct load *l)
{
    size_t line = 1;
    bool more, one_line = false;
    int rc = skip_blanks(l, &line, &more);
    while (!rc && more) {
        char where[32];
        size_t size = 0;
        snprintf(where, sizeof where, ", line %zu", line);
        if (*ready(&l->source) != '{')
            return fail(l, OTK_EDATA, "%s: not a JSON object", where);
        rc = object_size(l, one_line, where, &size);
        if (!rc)
            rc = deliver_object(l, size, where);
        if (rc)
            break;
        size_t lines = count_lines(ready(&l->source), size);
        one_line = one_line || !lines;
        line += lines;
        consume(&l->source, size);
        rc = skip_blanks(l, &line, &more);
    }
    return rc;
}

/* ---- Archive --------------------------------------------------------- */

/* A request waits for its answer, which stands in the record behind it. */
struct pending {
    struct capture *capture;
    char id[128];
};

static int deliver_pending(struct load *l, struct pending *pending)
{
    struct capture *c = pending->capture;
    if (!c)
        return 0;
    char where[64];
    snprintf(where, sizeof where, ", request %" PRIu64, c->pub.number);
    int rc = otk_capture_accepted(&c->pub) ? decode(l, c, where) : 0;
    if (!rc)
        l->each(&c->pub, l->arg);
    otk_capture_free(c);
    pending->capture = NULL;
    return rc;
}

static int take_request(struct load *l, struct pending *pending, const struct otk_warc_record *record)
{
    int rc = deliver_pending(l, pending);
    if (rc)
        return rc;
    struct capture *c = new_capture(l);
    if (!c)
        return fail_memory(l);
    const char *id = otk_headers_get(&record->fields, "WARC-Record-ID");
    snprintf(pending->id, sizeof pending->id, "%s", id ? id : "");
    pending->capture = c;
    return otk_warc_request(c, record, (const char *)ready(&l->source), (size_t)record->block_size);
}

static int take_response(struct load *l, struct pending *pending, const struct otk_warc_record *record)
{
    const char *to = otk_headers_get(&record->fields, "WARC-Concurrent-To");
    if (!pending->capture || (to && strcmp(to, pending->id) != 0))
        return 0;
    const char *block = (const char *)ready(&l->source);
    int rc = otk_warc_response(pending->capture, record, block, (size_t)record->block_size);
    return rc ? rc : deliver_pending(l, pending); /* a request has one answer: what comes later is another's */
}

static void take_lost(struct load *l, const struct otk_warc_record *record)
{
    otk_receiver_counts lost = {0};
    otk_warc_read_lost(&lost, record);
    if (l->lost)
        otk_counts_add(l->lost, &lost);
}

static int take_record(struct load *l, struct pending *pending, const struct otk_warc_record *record)
{
    switch (record->type) {
    case OTK_WARC_REQUEST:
        return take_request(l, pending, record);
    case OTK_WARC_RESPONSE:
        return take_response(l, pending, record);
    default:
        take_lost(l, record);
        return 0;
    }
}

/* The size of a record's header, its empty line included; 0 when it does not end in time. */
static int header_size(struct load *l, size_t *out)
{
    int rc = want(l, RECORD_HEADER_MAX);
    const uint8_t *start = ready(&l->source);
    size_t have = ready_size(&l->source);
    const uint8_t *end = memmem(start, have < RECORD_HEADER_MAX ? have : RECORD_HEADER_MAX, "\r\n\r\n", 4);
    *out = end ? (size_t)(end - start) + 4 : 0;
    return rc;
}

static int load_record(struct load *l, struct otk_arena *arena, struct pending *pending, uint64_t offset)
{
    struct otk_warc_record record;
    size_t size;
    int rc = header_size(l, &size);
    if (rc)
        return rc;
    rc = size ? otk_warc_header(&record, arena, (const char *)ready(&l->source), size) : OTK_EDATA;
    if (rc)
        return rc == OTK_EDATA ? fail(l, rc, ": not a WARC record at byte %" PRIu64, offset) : fail_memory(l);
    consume(&l->source, size);
    if (record.block_size > (uint64_t)l->options.max_request_bytes + HTTP_HEAD_MAX)
        return fail_size(l, "");
    rc = want(l, (size_t)record.block_size);
    if (rc)
        return rc;
    if (ready_size(&l->source) < record.block_size)
        return fail(l, OTK_EDATA, ": the record at byte %" PRIu64 " is cut", offset);
    rc = take_record(l, pending, &record);
    consume(&l->source, (size_t)record.block_size);
    if (rc == OTK_EDATA && !l->error->code)
        return fail(l, rc, ": the record at byte %" PRIu64 " holds no HTTP message", offset);
    return rc == OTK_ENOMEM ? fail_memory(l) : rc;
}

static int load_archive(struct load *l)
{
    struct pending pending = {0};
    size_t lines = 0;
    bool more = true;
    int rc = 0;
    while (!rc && more) {
        struct otk_arena arena = {0};
        rc = load_record(l, &arena, &pending, l->source.passed + l->source.at);
        otk_arena_clear(&arena);
        if (!rc)
            rc = skip_blanks(l, &lines, &more);
    }
    if (!rc)
        rc = deliver_pending(l, &pending);
    otk_capture_free(pending.capture);
    return rc;
}

/* ---- Telling the kind ------------------------------------------------ */

static bool starts_with(const struct source *s, const char *text)
{
    size_t size = strlen(text);
    return ready_size(s) >= size && memcmp(ready(s), text, size) == 0;
}

/* An object behind white space. A line feed there is also protobuf's most common first byte, and '{' the size of a
 * message: then it is JSON when no signal's request reads like this. */
static int looks_like_json(struct load *l, bool *out)
{
    const uint8_t *p = ready(&l->source);
    size_t i = 0, size = ready_size(&l->source);
    while (i < size && is_blank(p[i]))
        i++;
    *out = i < size && p[i] == '{';
    if (!*out || !memchr(p, '\n', i))
        return 0;
    int rc = want_all(l);
    for (unsigned signal = 0; !rc && signal < OTK_SIGNAL_COUNT; signal++)
        *out = *out && try_signal(&l->source, (otk_signal)signal).rc;
    return rc;
}

static int load_source(struct load *l)
{
    bool json;
    int rc = want(l, CHUNK);
    if (!rc)
        rc = undo_compression(l);
    if (rc)
        return rc;
    if (starts_with(&l->source, "WARC/"))
        return load_archive(l);
    if (starts_with(&l->source, "\xef\xbb\xbf"))
        consume(&l->source, 3);
    rc = looks_like_json(l, &json);
    return rc ? rc : json ? load_json(l) : load_protobuf(l);
}

int otk_load_all(const char *path, const otk_load_options *options, otk_capture_fn *each, void *arg,
                 otk_receiver_counts *lost, otk_error *error)
{
    static const otk_load_options defaults = OTK_LOAD_OPTIONS_INIT;
    bool is_stdin = strcmp(path, "-") == 0;
    otk_error ignored;
    struct load l = {
        .name = is_stdin ? "standard input" : path,
        .options = options ? *options : defaults,
        .each = each,
        .arg = arg,
        .lost = lost,
        .error = error ? error : &ignored,
    };
    l.error->code = 0;
    if (l.options.max_request_bytes >= UINT32_MAX)
        l.options.max_request_bytes = UINT32_MAX - 1;
    l.source.window = OTK_BUFFER_INIT(window_limit(l.options.max_request_bytes));
    l.source.fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (l.source.fd < 0)
        return fail(&l, OTK_ESYSTEM, ": cannot be read: %s", strerror(errno));
    int rc = load_source(&l);
    otk_buffer_clear(&l.source.window);
    if (!is_stdin)
        close(l.source.fd);
    return rc;
}

int otk_load(const char *path, const otk_load_options *options, otk_capture_fn *each, void *arg, otk_error *error)
{
    return otk_load_all(path, options, each, arg, NULL, error);
}
