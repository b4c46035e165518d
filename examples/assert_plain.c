/* Asserting without a test framework: otk_expect() returns NULL when what is expected came, else a report. */
#include <otlpkit/receiver.h>
#include <otlpkit/sdk.h>

static void run_checkout(const char *endpoint)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.service_name = "shop";
    options.endpoint = endpoint;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "shop", NULL), "checkout", NULL);
    otk_span_set_string(span, "user.id", "ada");
    otk_span_free(span);
    otk_sdk_stop(sdk);
}

int main(void)
{
    otk_error error;
    otk_receiver *rx = otk_receiver_start(NULL, &error);
    if (!rx) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    run_checkout(otk_receiver_url(rx));

    const otk_condition all[] = {
        otk_seen("{ name = \"checkout\" && span.user.id = \"ada\" && resource.service.name = \"shop\" }"),
        otk_none("{ status = error }", 0),
    };
    otk_report *missing = otk_expect(rx, otk_all_of(all, 2), 5000);
    if (missing)
        fputs(otk_report_text(missing), stderr);
    int rc = missing ? 1 : 0;
    otk_report_free(missing);
    otk_receiver_stop(rx);
    return rc;
}
