#include "endpoint.h"

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const signal_paths[OTK_SIGNAL_COUNT] = {"v1/traces", "v1/metrics", "v1/logs"};

struct url {
    otk_string whole; /* trimmed */
    otk_string host;
    size_t path_at; /* where the path begins, or would */
};

static bool has_scheme(otk_string url, const char *scheme)
{
    return url.size >= strlen(scheme) && strncasecmp(url.data, scheme, strlen(scheme)) == 0;
}

static bool is_graphic(otk_string text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    return true;
}

/* Without user information in front and port behind; brackets stay. */
static otk_string host_of(otk_string authority)
{
    for (size_t i = authority.size; i > 0; i--) {
        if (authority.data[i - 1] == '@') {
            authority.data += i;
            authority.size -= i;
            break;
        }
    }
    const char *end = authority.size && authority.data[0] == '[' ? memchr(authority.data, ']', authority.size) : NULL;
    if (end)
        return (otk_string){authority.data, (size_t)(end - authority.data) + 1};
    return (otk_string){authority.data, strcspn(authority.data, ":/?#") < authority.size
                                            ? strcspn(authority.data, ":/?#")
                                            : authority.size};
}

/* What stands behind the host: nothing, or a colon and a port, which may be left out. */
static bool is_port(otk_string text)
{
    unsigned port = 0;
    for (size_t i = 1; i < text.size && port <= UINT16_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    return text.size == 0 || (text.data[0] == ':' && port <= UINT16_MAX);
}

static int parse(const char *text, struct url *out)
{
    otk_string whole = otk_text_trim((otk_string){text, strlen(text)});
    size_t scheme = has_scheme(whole, "http://") ? 7 : has_scheme(whole, "https://") ? 8 : 0;
    if (!scheme || !is_graphic(whole))
        return OTK_EINVAL;
    size_t path_at = scheme + strcspn(whole.data + scheme, "/?# \t");
    otk_string host = host_of((otk_string){whole.data + scheme, path_at - scheme});
    const char *port = host.data + host.size;
    if (host.size == 0 || !is_port((otk_string){port, (size_t)(whole.data + path_at - port)}))
        return OTK_EINVAL;
    *out = (struct url){whole, host, path_at};
    return 0;
}

static char *join(otk_string head, const char *middle, const char *path, otk_string tail)
{
    size_t size = head.size + strlen(middle) + strlen(path) + tail.size + 1;
    char *out = malloc(size);
    if (out)
        snprintf(out, size, "%.*s%s%s%.*s", (int)head.size, head.data, middle, path, (int)tail.size, tail.data);
    return out;
}

int otk_endpoint_new(const char *text, bool base, otk_signal signal, char **out)
{
    struct url url;
    int rc = parse(text, &url);
    if (rc)
        return rc;
    char *made;
    if (base) {
        /* A query would end up in the middle of the path; the standard allows to ignore it. */
        otk_string head = {url.whole.data, url.path_at + strcspn(url.whole.data + url.path_at, "?# \t")};
        bool slash = head.data[head.size - 1] == '/';
        made = join(head, slash ? "" : "/", signal_paths[signal], (otk_string){"", 0});
    } else {
        bool has_path = url.path_at < url.whole.size && url.whole.data[url.path_at] == '/';
        otk_string head = {url.whole.data, url.path_at};
        otk_string tail = {url.whole.data + url.path_at, url.whole.size - url.path_at};
        made = join(head, has_path ? "" : "/", "", tail);
    }
    if (!made)
        return OTK_ENOMEM;
    *out = made;
    return 0;
}

bool otk_endpoint_is_loopback(const char *text)
{
    struct url url;
    if (parse(text, &url))
        return false;
    otk_string host = url.host;
    return (host.size == 9 && strncasecmp(host.data, "localhost", 9) == 0) ||
           (host.size > 4 && memcmp(host.data, "127.", 4) == 0 && strspn(host.data, "0123456789.") >= host.size) ||
           (host.size == 5 && memcmp(host.data, "[::1]", 5) == 0);
}
