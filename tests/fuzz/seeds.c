/* Writes the project's fixtures as inputs of the fuzz targets: OUT/TARGET/NAME.
 *
 *     seeds OUT CASES... -- RECORDING... -- SELECTORS... -- FAULTS... -- CONVERSATIONS...
 */
#include "../proto/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *out_dir;

static const char *const signals[] = {"traces", "metrics", "logs"};

/* One input: a head, and what follows it. */
static void put(const char *target, const char *name, otk_string head, otk_bytes rest)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", out_dir, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", out_dir, target, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(head.data, 1, head.size, file) != head.size ||
        (rest.size && fwrite(rest.data, 1, rest.size, file) != rest.size) || fclose(file)) {
        perror(path);
        exit(2);
    }
}

static void put_request(const char *name, otk_signal signal, const char *type, const char *coding, otk_bytes body)
{
    char head[256];
    int n = snprintf(head, sizeof head, "POST /v1/%s\nContent-Type: application/%s\n%s%s%s\n", signals[signal], type,
                     coding ? "Content-Encoding: " : "", coding ? coding : "", coding ? "\n" : "");
    put("request", name, (otk_string){head, (size_t)n}, body);
}

/* The same as it stands on the wire. */
static void put_http(const char *name, otk_signal signal, const char *type, const char *coding, otk_bytes body)
{
    char head[256];
    int n =
        snprintf(head, sizeof head,
                 "POST /v1/%s HTTP/1.1\r\nHost: a\r\nContent-Type: application/%s\r\n%s%s%sContent-Length: %zu\r\n\r\n",
                 signals[signal], type, coding ? "Content-Encoding: " : "", coding ? coding : "", coding ? "\r\n" : "",
                 body.size);
    put("http", name, (otk_string){head, (size_t)n}, body);
}

static void put_body(const char *name, otk_signal signal, bool is_text, otk_bytes body)
{
    char first = (char)signal;
    otk_string head = {&first, 1};
    const char *type = is_text ? "json" : "x-protobuf";
    put_request(name, signal, type, NULL, body);
    put_http(name, signal, type, NULL, body);
    put("load", name, head, body);
    if (is_text) {
        put("json_in", name, head, body);
    } else {
        put("wire", name, head, body);
        put("json_out", name, head, body);
    }
}

static void put_cases(const char *path)
{
    struct test_cases cases = test_cases_read(path);
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < cases.count; i++) {
        const struct test_case *c = &cases.items[i];
        char name[256];
        snprintf(name, sizeof name, "%.100s-%03zu", slash ? slash + 1 : path, i);
        if (c->input.size < 65536)
            put_body(name, c->signal, c->is_text, (otk_bytes){c->input.data, c->input.size});
    }
    test_cases_free(&cases);
}

static otk_signal signal_of(const char *name)
{
    return strstr(name, "metrics") ? OTK_SIGNAL_METRICS : strstr(name, "logs") ? OTK_SIGNAL_LOGS : OTK_SIGNAL_TRACES;
}

static const struct {
    const char *end; /* of a recording's name */
    const char *coding;
    char way; /* fuzz_inflate's for it */
} codings[] = {{".gz", "gzip", 1}, {".zz", "deflate", 2}, {".zst", "zstd", 3}};

static void put_compressed(const char *name, size_t i, otk_bytes body)
{
    const char head[] = {codings[i].way, 0, (char)OTK_SIGNAL_COUNT};
    put("inflate", name, (otk_string){head, 2}, body);
    put("load", name, (otk_string){head + 2, 1}, body);
    const char *type = strstr(name, ".json") ? "json" : "x-protobuf";
    put_request(name, signal_of(name), type, codings[i].coding, body);
    put_http(name, signal_of(name), type, codings[i].coding, body);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static void put_recording(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct otk_buffer b = OTK_BUFFER_INIT((size_t)1 << 20);
    FILE *file = fopen(path, "rb");
    uint8_t *to = otk_buffer_reserve(&b, b.limit);
    if (!file || !to) {
        perror(path);
        exit(2);
    }
    b.size = fread(to, 1, b.limit, file);
    fclose(file);
    otk_bytes body = {b.data, b.size};
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (ends_with(name, codings[i].end))
            put_compressed(name, i, body);
    if (ends_with(name, ".pb") || ends_with(name, ".json"))
        put_body(name, signal_of(name), ends_with(name, ".json"), body);
    if (ends_with(name, ".h1raw"))
        put("http", name, (otk_string){"", 0}, body);
    otk_buffer_clear(&b);
}

/* One selector a line; what follows a tab says what is wrong with it. */
static void put_selectors(const char *path)
{
    char line[4096], name[256];
    const char *slash = strrchr(path, '/');
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    for (unsigned i = 1; fgets(line, sizeof line, file); i++) {
        size_t size = strcspn(line, "\t\n");
        snprintf(name, sizeof name, "%.100s-%03u", slash ? slash + 1 : path, i);
        if (!size || *line == '#')
            continue;
        put("selector", name, (otk_string){line, size}, (otk_bytes){0});
        put("expectations", name, (otk_string){line, size}, (otk_bytes){0});
    }
    fclose(file);
}

/* What a page shows between ```fault and ```, a script a line. */
static void put_scripts(const char *path)
{
    char line[4096], name[32];
    bool inside = false;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    for (unsigned i = 1; fgets(line, sizeof line, file); i++) {
        snprintf(name, sizeof name, "%03u", i);
        if (strncmp(line, "```", 3) == 0)
            inside = strcmp(line, "```fault\n") == 0;
        else if (inside)
            put("faults", name, (otk_string){line, strlen(line)}, (otk_bytes){0});
    }
    fclose(file);
}

/* What becomes one input. */
struct conversation {
    struct otk_buffer requests, headers;
    unsigned number;
};

static void add_request(struct conversation *t, const char *line)
{
    const char *target = strchr(line, ' '), *body = target ? strchr(target + 1, ' ') : NULL;
    size_t start = body ? (size_t)(body - line) : strlen(line);
    otk_buffer_append(&t->requests, line, start);
    otk_buffer_text(&t->requests, " HTTP/1.1\r\n");
    otk_buffer_append(&t->requests, t->headers.data, t->headers.size);
    if (body)
        otk_buffer_printf(&t->requests, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body + 1));
    otk_buffer_printf(&t->requests, "\r\n%s", body ? body + 1 : "");
}

static void add_line(struct conversation *t, const char *line)
{
    if (*line == '=')
        otk_buffer_printf(&t->requests, "\n%s\n", line);
    else if (line[strcspn(line, " :")] == ':')
        otk_buffer_printf(&t->headers, "%s\r\n", line);
    else
        add_request(t, line);
}

static void put_conversation(struct conversation *t)
{
    char name[32];
    if (!t->requests.size)
        return;
    snprintf(name, sizeof name, "conversation-%02u", ++t->number);
    put("http", name, (otk_string){"", 0}, (otk_bytes){t->requests.data, t->requests.size});
    t->requests.size = t->headers.size = 0;
}

/* A paragraph each. */
static void put_conversations(const char *path)
{
    char line[4096];
    struct conversation t = {.requests = OTK_BUFFER_INIT((size_t)1 << 16), .headers = OTK_BUFFER_INIT(4096)};
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (!*line)
            put_conversation(&t);
        else if (*line != '#')
            add_line(&t, line);
    }
    put_conversation(&t);
    fclose(file);
    otk_buffer_clear(&t.requests);
    otk_buffer_clear(&t.headers);
}

int main(int argc, char **argv)
{
    static void (*const groups[])(const char *path) = {put_cases, put_recording, put_selectors, put_scripts,
                                                       put_conversations};
    size_t group = 0;
    if (argc < 3)
        return fprintf(stderr,
                       "usage: %s OUT CASES... -- RECORDING... -- SELECTORS... -- FAULTS... -- CONVERSATIONS...\n",
                       argv[0]),
               2;
    out_dir = argv[1];
    mkdir(out_dir, 0777);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            groups[group](argv[i]);
        else if (++group == sizeof groups / sizeof *groups)
            return fprintf(stderr, "%s: too many groups\n", argv[0]), 2;
    }
    return 0;
}
