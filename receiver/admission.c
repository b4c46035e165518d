#include "admission.h"

#include "cors.h"
#include "patterns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#define HOST_MAX 256

/* ---- Start ----------------------------------------------------------- */

static int fail_memory(otk_error *error)
{
    *error = (otk_error){.code = OTK_ENOMEM};
    snprintf(error->message, sizeof error->message, "out of memory");
    return OTK_ENOMEM;
}

/* A copy of an option that goes into, or is compared with, a header. */
static int keep_text(struct otk_arena *arena, const char *what, const char *text, const char **out, otk_error *error)
{
    if (!text)
        return 0;
    if (!*text || strpbrk(text, "\r\n\t")) {
        *error = (otk_error){.code = OTK_EINVAL};
        snprintf(error->message, sizeof error->message, "%s '%.200s' cannot be: it is empty or more than a line", what,
                 text);
        return OTK_EINVAL;
    }
    *out = otk_arena_string(arena, text, strlen(text));
    return *out ? 0 : fail_memory(error);
}

/* Names the scheme that is asked for; RFC 9110, section 11.6.1, wants one even where it is none. */
static int write_challenge(struct otk_admission *a, struct otk_arena *arena, otk_error *error)
{
    static const char realm[] = " realm=\"otlpkit\"";
    const char *scheme = "Bearer";
    size_t size = strlen(scheme);
    if (!a->authorization)
        return 0;
    if (strchr(a->authorization, ' ')) {
        scheme = a->authorization;
        size = strcspn(scheme, " ");
    }
    char *value = otk_arena_alloc(arena, size + sizeof realm);
    if (!value)
        return fail_memory(error);
    memcpy(value, scheme, size);
    memcpy(value + size, realm, sizeof realm);
    a->challenge = (otk_header){"WWW-Authenticate", value};
    return 0;
}

int otk_admission_init(struct otk_admission *a, const otk_receiver_options *options, struct otk_arena *arena,
                       otk_error *error)
{
    const struct {
        const char *what, *text;
        const char **out;
    } texts[] = {
        {"the authorization", options->authorization, &a->authorization},
        {"the list of origins", options->cors_origins, &a->cors_origins},
        {"the list of hosts", options->allowed_hosts, &a->allowed_hosts},
        {"the host", options->host, &a->host},
    };
    *a = (struct otk_admission){0};
    int rc = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !rc; i++)
        rc = keep_text(arena, texts[i].what, texts[i].text, texts[i].out, error);
    return rc ? rc : write_challenge(a, arena, error);
}

/* ---- Authorization --------------------------------------------------- */

/* Takes the same time wherever the two begin to differ. */
static bool are_equal(const char *secret, const char *told)
{
    size_t size = strlen(secret), told_size = strlen(told);
    unsigned char difference = size != told_size;
    for (size_t i = 0; i < told_size; i++)
        difference |= (unsigned char)(told[i] ^ secret[size ? i % size : 0]);
    return !difference;
}

bool otk_is_authorized(const struct otk_admission *a, const otk_capture *c)
{
    const char *told = otk_headers_get(&c->headers, "Authorization");
    return !a->authorization || (told && are_equal(a->authorization, told));
}

/* ---- Hosts ----------------------------------------------------------- */

/* The name in a Host header: without its port, the brackets of an IPv6 address, and a dot at the end. */
static bool read_host(char out[HOST_MAX], const char *header)
{
    bool bracket = *header == '[';
    const char *name = header + bracket;
    size_t size = strcspn(name, bracket ? "]" : ":");
    if (!bracket && size && name[size - 1] == '.')
        size--;
    if (!size || size >= HOST_MAX)
        return false;
    memcpy(out, name, size);
    out[size] = '\0';
    return true;
}

/* Whoever knows the number needs no name to resolve to it. */
static bool is_address(const char *host)
{
    struct in6_addr unread;
    return inet_pton(AF_INET, host, &unread) == 1 || inet_pton(AF_INET6, host, &unread) == 1;
}

static bool is_name_of_machine(const char *host)
{
    char name[HOST_MAX] = "";
    return gethostname(name, sizeof name - 1) == 0 && strcasecmp(host, name) == 0;
}

/* A request without a Host is none of a browser. */
bool otk_is_host_known(const struct otk_admission *a, const otk_capture *c)
{
    char host[HOST_MAX];
    const char *header = otk_headers_get(&c->headers, "Host");
    if (!header || !*header)
        return true;
    return read_host(host, header) && (otk_patterns_have("localhost,*.localhost", host) || is_address(host) ||
                                       (a->host && strcasecmp(host, a->host) == 0) ||
                                       otk_patterns_have(a->allowed_hosts, host) || is_name_of_machine(host));
}

/* ---- Origins --------------------------------------------------------- */

bool otk_is_let_in(const struct otk_admission *a, const otk_capture *c)
{
    const char *origin = a->cors_origins ? otk_headers_get(&c->headers, "Origin") : NULL;
    return origin && otk_cors_allows(a->cors_origins, origin);
}

/* Behind a proxy that ends TLS the scheme differs; the host is what tells. */
static bool is_own_origin(const otk_capture *c, const char *origin)
{
    const char *host = otk_headers_get(&c->headers, "Host"), *authority = strstr(origin, "://");
    return host && authority && strcasecmp(authority + 3, host) == 0;
}

bool otk_may_write(const struct otk_admission *a, const otk_capture *c)
{
    const char *origin = otk_headers_get(&c->headers, "Origin");
    return !origin || is_own_origin(c, origin) || otk_is_let_in(a, c);
}
