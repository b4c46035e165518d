#include "given.h"

#include "json.h"

#include <jansson.h>
#include <pthread.h>

static void learn_clock(const otk_capture *capture, void *arg)
{
    struct target *t = arg;
    (void)capture;
    pthread_getcpuclockid(pthread_self(), &t->cpu);
}

void target_start(struct target *t, const otk_receiver_options *options)
{
    otk_receiver_options own = OTK_RECEIVER_OPTIONS_INIT;
    otk_error error = {0};
    if (options)
        own = *options;
    if (!own.on_capture) {
        own.on_capture = learn_clock;
        own.on_capture_arg = t;
    }
    t->rx = otk_receiver_start(&own, &error);
    if (!t->rx)
        fail_msg("%s", error.message);
    target_serves(t);
}

void target_stop(struct target *t)
{
    otk_receiver_stop(t->rx);
    t->rx = NULL;
}

uint16_t target_port(const struct target *t)
{
    return otk_receiver_port(t->rx);
}

otk_receiver_counts target_counts(const struct target *t)
{
    otk_receiver_counts counts;
    otk_receiver_counts_get(t->rx, &counts);
    return counts;
}

void target_serves(const struct target *t)
{
    static const uint8_t one_span[] = {0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 1, 'a'};
    struct client c = client_open(target_port(t));
    uint64_t before = target_counts(t).spans;
    struct response r = client_post(&c, (struct post){.body = one_span, .size = sizeof one_span});
    assert_int_equal(r.status, 200);
    assert_int_equal(target_counts(t).spans, before + 1);
    response_clear(&r);
    client_close(&c);
}

/* The Status in an answer as JSON, whatever it came as. */
static json_t *status_of(const struct response *r)
{
    const struct otk_message *type = otk_schema(OTK_MESSAGE_STATUS);
    struct otk_buffer text = OTK_BUFFER_INIT(1 << 20);
    struct otk_index index = {0};
    struct otk_fault fault;
    const char *content_type = response_header(r, "Content-Type");
    assert_non_null(content_type);
    if (strcmp(content_type, "application/json") == 0)
        return json_loadb((const char *)r->body.data, r->body.size, 0, NULL);
    assert_string_equal(content_type, "application/x-protobuf");
    assert_int_equal(otk_wire_read(&index, type, r->body.data, r->body.size, &fault), 0);
    assert_int_equal(otk_json_write(&text, type, r->body.data, r->body.size), 0);
    json_t *status = json_loadb((const char *)text.data, text.size, 0, NULL);
    otk_index_clear(&index);
    otk_buffer_clear(&text);
    return status;
}

void assert_refusal(const struct response *r, unsigned status, const char *says)
{
    json_t *body = status_of(r);
    const char *message = json_string_value(json_object_get(body, "message"));
    if (r->status != status || !message || !strstr(message, says))
        fail_msg("%u: %s\nis not %u: %s", r->status, message ? message : "(no message)", status, says);
    json_decref(body);
}
