#include <otlpkit/cmocka.h>
#include <otlpkit/sdk.h>

/* The program under test. */
static void run_checkout(const char *endpoint)
{
    otk_sdk *sdk = otk_sdk_start(&(otk_sdk_options){.service_name = "shop", .endpoint = endpoint}, NULL);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "shop", NULL);
    otk_span *checkout = otk_span_start_with(tracer, "checkout", &(otk_span_options){.kind = OTK_SPAN_KIND_SERVER});
    otk_span *charge = otk_span_start(tracer, "charge", checkout);
    otk_span_set_status(charge, OTK_STATUS_CODE_OK, NULL);
    otk_span_free(charge); /* ends it, too */
    otk_span_free(checkout);
    otk_sdk_stop(sdk);
}

static void checkout_is_traced(void **state)
{
    otk_receiver *rx = *state;
    run_checkout(otk_receiver_url(rx));
    otk_assert_seen(rx, "{ name = \"checkout\" && kind = server } >> { name = \"charge\" && status = ok }");
    otk_assert_none(rx, "{ status = error }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {otk_unit_test(checkout_is_traced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
