#include "client.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URL "http://127.0.0.1:4318"
#define CONNECT_MS 5000L
#define SILENCE_S 30 /* beyond what was asked to be waited */

static const struct option options[] = {
    OPTION("url", "URL", OPTION_TEXT, struct client, url,
           "of the running receiver (default $OTLPKIT_URL, else http://127.0.0.1:4318)"),
    OPTION("session", "NAME", OPTION_TEXT, struct client, session, "ask this session of it"),
};

const struct option_group otk_client_options = {options, sizeof options / sizeof *options};

/* libcurl is loaded when there is something to ask. Linked, it and what it brings along would double the time of every
 * start (9 of 17 ms), those of `run` and `serve` too. */
struct curl {
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_perform)(CURL *);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    void (*easy_cleanup)(CURL *);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
};

static const struct {
    const char *name;
    size_t at;
} functions[] = {
    {"curl_easy_init", offsetof(struct curl, easy_init)},
    {"curl_easy_setopt", offsetof(struct curl, easy_setopt)},
    {"curl_easy_perform", offsetof(struct curl, easy_perform)},
    {"curl_easy_getinfo", offsetof(struct curl, easy_getinfo)},
    {"curl_easy_cleanup", offsetof(struct curl, easy_cleanup)},
    {"curl_easy_strerror", offsetof(struct curl, easy_strerror)},
    {"curl_slist_append", offsetof(struct curl, slist_append)},
    {"curl_slist_free_all", offsetof(struct curl, slist_free_all)},
};

static const char *const libraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

/* It stays until the command ends. */
static bool load(struct curl *out)
{
    void *library = NULL;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries && !library; i++)
        library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof functions / sizeof *functions && library; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            return false;
        memcpy((char *)out + functions[i].at, &function, sizeof function);
    }
    return library;
}

/* ---- The question ---------------------------------------------------- */

static void put_escaped(const char *text, FILE *to)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || strchr("-._~", c);
        fprintf(to, plain ? "%c" : "%%%02X", c);
    }
}

static const char *base_url(const struct client *c)
{
    const char *url = getenv("OTLPKIT_URL");
    return c->url ? c->url : url && *url ? url : DEFAULT_URL;
}

/* NULL when memory ran out. */
static char *make_url(const struct client *c, const struct ask *ask)
{
    char *url = NULL;
    size_t size;
    const char *base = base_url(c);
    int base_size = (int)strlen(base);
    FILE *to = open_memstream(&url, &size);
    if (!to)
        return NULL;
    while (base_size && base[base_size - 1] == '/')
        base_size--;
    fprintf(to, "%.*s", base_size, base);
    if (c->session) {
        fputs("/s/", to);
        put_escaped(c->session, to);
    }
    fputs(ask->path, to);
    if (ask->value) {
        fprintf(to, "?%s=", ask->argument);
        put_escaped(ask->value, to);
    }
    if (fclose(to) == 0)
        return url;
    free(url);
    return NULL;
}

static struct curl_slist *make_headers(const struct curl *curl, const struct ask *ask)
{
    char accept[64];
    snprintf(accept, sizeof accept, "Accept: %s", ask->accept ? ask->accept : "*/*");
    struct curl_slist *headers = curl->slist_append(NULL, accept);
    return ask->body ? curl->slist_append(headers, "Content-Type: text/plain") : headers;
}

/* ---- The answer ------------------------------------------------------ */

struct answer {
    const struct curl *curl;
    CURL *easy;
    const struct ask *ask;
    FILE *refusal; /* a stream into memory */
};

static long status_of(const struct answer *a)
{
    long status = 0;
    a->curl->easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    const struct answer *a = arg;
    long status = status_of(a);
    FILE *to = status / 100 == 2 ? a->ask->holds : status == 417 ? a->ask->unmet : a->refusal;
    return to ? fwrite(data, size, count, to) : size * count;
}

/* What the face says in {"code":…,"message":…}, or what somebody else says. */
static void tell_refusal(const struct client *c, long status, const char *body)
{
    json_t *tree = json_loads(body, 0, NULL);
    const char *message = json_string_value(json_object_get(tree, "message"));
    fprintf(stderr, "otlpkit %s: %s answers %ld: %s\n", c->command->name, base_url(c), status,
            message ? message : "is it a receiver?");
    json_decref(tree);
}

static int code_of(long status)
{
    return status / 100 == 2 ? EXIT_HOLDS : status == 417 ? EXIT_UNMET : status / 100 == 4 ? EXIT_USAGE : EXIT_MACHINE;
}

static int perform(const struct client *c, struct answer *a)
{
    char why[CURL_ERROR_SIZE] = "";
    char *refusal = NULL;
    size_t size;
    a->refusal = open_memstream(&refusal, &size);
    a->curl->easy_setopt(a->easy, CURLOPT_ERRORBUFFER, why);
    a->curl->easy_setopt(a->easy, CURLOPT_WRITEFUNCTION, on_body);
    a->curl->easy_setopt(a->easy, CURLOPT_WRITEDATA, a);
    CURLcode rc = a->curl->easy_perform(a->easy);
    long status = status_of(a);
    int code = rc ? EXIT_MACHINE : code_of(status);
    if (a->refusal)
        fclose(a->refusal);
    if (rc)
        fprintf(stderr, "otlpkit %s: %s: %s\n", c->command->name, base_url(c), *why ? why : a->curl->easy_strerror(rc));
    else if (code > EXIT_UNMET)
        tell_refusal(c, status, refusal ? refusal : "");
    free(refusal);
    return code;
}

static void set_question(struct answer *a, const char *url, struct curl_slist *headers)
{
    const struct ask *ask = a->ask;
    a->curl->easy_setopt(a->easy, CURLOPT_URL, url);
    a->curl->easy_setopt(a->easy, CURLOPT_HTTPHEADER, headers);
    if (ask->body)
        a->curl->easy_setopt(a->easy, CURLOPT_POSTFIELDS, ask->body);
    a->curl->easy_setopt(a->easy, CURLOPT_CUSTOMREQUEST, ask->method);
    a->curl->easy_setopt(a->easy, CURLOPT_PROXY, ""); /* a receiver is never behind one */
    a->curl->easy_setopt(a->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    a->curl->easy_setopt(a->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    a->curl->easy_setopt(a->easy, CURLOPT_LOW_SPEED_TIME, (long)(ask->wait_ms / 1000 + SILENCE_S));
}

static int out_of_memory(const struct client *c)
{
    fprintf(stderr, "otlpkit %s: out of memory\n", c->command->name);
    return EXIT_MACHINE;
}

int otk_client_ask(const struct client *c, const struct ask *ask)
{
    struct curl curl;
    if (!load(&curl)) {
        fprintf(stderr, "otlpkit %s: cannot load %s, which asks running receivers\n", c->command->name, libraries[0]);
        return EXIT_MACHINE;
    }
    struct answer a = {&curl, curl.easy_init(), ask, NULL};
    char *url = make_url(c, ask);
    struct curl_slist *headers = make_headers(&curl, ask);
    int code;
    if (a.easy && url && headers) {
        set_question(&a, url, headers);
        code = perform(c, &a);
    } else {
        code = out_of_memory(c);
    }
    curl.slist_free_all(headers);
    free(url);
    if (a.easy)
        curl.easy_cleanup(a.easy);
    return code;
}

int otk_client_dump(const struct client *c, const char *where, FILE *to)
{
    return otk_client_ask(c, &(struct ask){
                                 .method = "GET",
                                 .path = "/otlpkit/dump",
                                 .argument = "where",
                                 .value = where,
                                 .holds = to,
                             });
}
