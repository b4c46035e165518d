#include <otlpkit/receiver.h>
#include <otlpkit/sdk.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_checkout_is_traced(void **state)
{
    (void)state;
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    otk_sdk *sdk = otk_sdk_start(&(otk_sdk_options){.endpoint = otk_receiver_url(rx)}, NULL);

    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "shop", NULL), "checkout", NULL);
    otk_span_set_string(span, "user.id", "ada");
    otk_span_free(span); /* ends it, too */
    assert_int_equal(otk_sdk_force_flush(sdk, 5000), 0);

    const otk_captured_span *seen = otk_receiver_span(rx, 0);
    assert_string_equal(seen->name, "checkout");
    assert_string_equal(otk_attributes_get(&seen->attributes, "user.id")->as.string_value.data, "ada");
    otk_sdk_stop(sdk);
    otk_receiver_stop(rx);
}

int main(void)
{
    return cmocka_run_group_tests(((const struct CMUnitTest[]){cmocka_unit_test(test_checkout_is_traced)}), NULL, NULL);
}
