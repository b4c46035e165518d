// A C++ program outside the project, with <otlpkit/sdk.hpp>: nothing is ended or stopped by hand.
#include <otlpkit/receiver.h>
#include <otlpkit/sdk.hpp>
#include <stdexcept>
#include <string>

static_assert(!std::is_constructible_v<otlpkit::scope, otlpkit::span>, "a span without a name would be freed at once");

static int fail(const char *what)
{
    std::fprintf(stderr, "%s\n", what);
    return 1;
}

static void pay(const otlpkit::tracer &tracer)
{
    otlpkit::span span = tracer.start("charge");
    try {
        throw std::runtime_error("card refused");
    } catch (const std::exception &error) {
        span.record_error(error, "std::runtime_error");
    }
}

static void send_spans(const char *endpoint)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.endpoint = endpoint;
    options.ignore_environment = true;
    otlpkit::sdk sdk(&options);
    otlpkit::tracer tracer = sdk.tracer("tests/consumer");
    otlpkit::span span = tracer.start("checkout");
    otlpkit::scope scope(span);
    span.set("user", std::string("ada")).set("city", std::string_view("London, UK", 6)).set("route", "/pay");
    span.add_event("retry", otlpkit::attributes(otlpkit::attribute("route", "/pay"), otlpkit::attribute("attempt", 2)));
    span.set("items", 3u).set("price", 2.5f).set("vip", true);
    otlpkit::baggage baggage(otk_baggage_set(nullptr, "user", "ada", nullptr));
    otlpkit::scope with_baggage(baggage.get());
    pay(tracer);
}

static bool has_text(const otk_captured_span *span, const char *key, std::string_view text)
{
    const otk_value *value = otk_attributes_get(&span->attributes, key);
    return value && value->type == OTK_VALUE_STRING &&
           std::string_view(value->as.string_value.data, value->as.string_value.size) == text;
}

static bool same(otk_bytes a, otk_bytes b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static int check_spans(otk_receiver *rx)
{
    const otk_captured_span *child = otk_receiver_span(rx, 0), *parent = otk_receiver_span(rx, 1);
    const otk_value *items = otk_attributes_get(&parent->attributes, "items");
    const otk_value *vip = otk_attributes_get(&parent->attributes, "vip");
    if (child->name != std::string_view("charge") || parent->name != std::string_view("checkout"))
        return fail("other spans arrived");
    if (!same(child->parent_span_id, parent->span_id))
        return fail("the scope's span is not the parent");
    if (!has_text(parent, "user", "ada") || !has_text(parent, "city", "London") || !has_text(parent, "route", "/pay"))
        return fail("the texts did not arrive");
    if (!items || items->as.int_value != 3 || !vip || vip->type != OTK_VALUE_BOOL)
        return fail("the numbers did not arrive");
    if (parent->event_count != 1 || parent->events[0].attributes.count != 2)
        return fail("the event's attributes did not arrive");
    if (child->status_code != OTK_STATUS_CODE_ERROR || child->event_count != 1)
        return fail("the error did not arrive");
    return 0;
}

int main()
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    otk_error error;
    otk_receiver *rx = otk_receiver_start(&options, &error);
    if (!rx)
        return fail(error.message);
    send_spans(otk_receiver_url(rx));
    int rc = otk_receiver_wait_spans(rx, 2, 10000) ? fail("not all spans arrived") : check_spans(rx);
    otk_receiver_stop(rx);
    return rc;
}
