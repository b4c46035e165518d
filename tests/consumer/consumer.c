/* A program outside the project, in C11 and C++17 alike: both libraries in one process, a span from one to the other. */
#include <otlpkit/receiver.h>
#include <otlpkit/sdk.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 1;
}

static void send_span(const char *endpoint)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.service_name = "consumer";
    options.endpoint = endpoint;
    options.ignore_environment = true;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "tests/consumer", NULL), "checkout", NULL);
    otk_span_set_int(span, "items", 3);
    otk_span_end(span);
    otk_span_free(span);
    otk_sdk_stop(sdk);
}

static int check_span(const otk_captured_span *span)
{
    const otk_value *items = otk_attributes_get(&span->attributes, "items");
    if (strcmp(span->name, "checkout") != 0 || strcmp(span->resource->service_name, "consumer") != 0)
        return fail("another span arrived");
    if (!items || items->type != OTK_VALUE_INT || items->as.int_value != 3)
        return fail("the attribute did not arrive");
    return 0;
}

int main(void)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    otk_error error;
    otk_receiver *rx = otk_receiver_start(&options, &error);
    if (!rx)
        return fail(error.message);
    send_span(otk_receiver_url(rx));
    int rc = otk_receiver_wait_spans(rx, 1, 10000) ? fail("no span arrived") : check_span(otk_receiver_span(rx, 0));
    otk_receiver_stop(rx);
    if (strcmp(otk_receiver_version(), otk_sdk_version()) != 0)
        rc = fail("the libraries are of two versions");
    return rc;
}
