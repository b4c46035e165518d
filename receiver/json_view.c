#include "json_view.h"

#include "json.h"
#include "store.h"
#include "view.h"

/* One byte of a message becomes 27 characters at most: a key such as "droppedAttributesCount" takes two. */
#define JSON_GROWTH 32
#define JSON_SLACK 1024

struct otk_buffer otk_json_buffer(size_t message_size)
{
    size_t limit =
        message_size > (SIZE_MAX - JSON_SLACK) / JSON_GROWTH ? SIZE_MAX : message_size * JSON_GROWTH + JSON_SLACK;
    return OTK_BUFFER_INIT(limit);
}

int otk_json_append(struct otk_buffer *out, const otk_capture *c)
{
    return otk_json_write(out, otk_schema((enum otk_message_id)c->signal), c->message.data, c->message.size);
}

int otk_json_append_line(struct otk_buffer *out, const otk_capture *c)
{
    if (!otk_capture_accepted(c))
        return 0;
    int rc = otk_json_append(out, c);
    return rc ? rc : otk_buffer_byte(out, '\n');
}

int otk_capture_write_json(const otk_capture *capture, FILE *to)
{
    struct otk_buffer line = otk_json_buffer(capture->message.size);
    int rc = otk_json_append_line(&line, capture);
    if (!rc && line.size && fwrite(line.data, 1, line.size, to) != line.size)
        rc = OTK_ESYSTEM;
    otk_buffer_clear(&line);
    return rc;
}

int otk_json_visit(otk_receiver *rx, otk_json_visit_fn *visit, void *arg)
{
    struct otk_store *store = otk_receiver_store(rx);
    uint64_t number = 0;
    struct capture *c;
    int rc = 0;
    while (!rc && (c = otk_store_next(store, number))) {
        number = c->pub.number;
        rc = visit(&c->pub, arg);
        otk_capture_free(c);
    }
    return rc;
}

static int visit_file(const otk_capture *c, void *arg)
{
    return otk_capture_write_json(c, arg);
}

int otk_receiver_write_json(otk_receiver *rx, FILE *to)
{
    int rc = otk_json_visit(rx, visit_file, to);
    return rc ? rc : fflush(to) ? OTK_ESYSTEM : 0;
}

static int visit_buffer(const otk_capture *c, void *arg)
{
    return otk_json_append_line(arg, c);
}

char *otk_receiver_json(otk_receiver *rx, size_t *size)
{
    struct otk_buffer all = otk_json_buffer(SIZE_MAX);
    if (otk_json_visit(rx, visit_buffer, &all) || !otk_buffer_string(&all)) {
        otk_buffer_clear(&all);
        return NULL;
    }
    if (size)
        *size = all.size;
    return (char *)all.data;
}
