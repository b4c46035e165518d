/* Sends a small trace, a metric and two log records to where the OTEL_* variables
 * say (http://localhost:4318 when they say nothing). Exits 0 when all of it was
 * delivered. */
#include <otlpkit/sdk.h>

#include <stdio.h>
#include <stdlib.h>

static void charge(otk_tracer *tracer, otk_logger *logger, const otk_span *parent)
{
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.parent = otk_span_get_context(parent);
    options.kind = OTK_SPAN_KIND_CLIENT;
    otk_span *span = otk_span_start_with(tracer, "charge", &options);
    otk_span_set_string(span, "http.request.method", "POST");
    otk_span_set_int(span, "http.response.status_code", 502);
    otk_span_add_event(span, "retry", OTK_ATTRIBUTES(otk_attribute_int("attempt", 2)));
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "card service unavailable");
    otk_logger_log(logger, OTK_SEVERITY_NUMBER_ERROR, "payment failed", span);
    otk_span_end(span);
    otk_span_free(span);
}

static void checkout(otk_tracer *tracer, otk_logger *logger)
{
    const otk_value items[] = {otk_value_string("tea"), otk_value_string("scones")};
    otk_span *span = otk_span_start(tracer, "checkout", NULL);
    otk_span_set_string(span, "user.id", "ada");
    otk_span_set_double(span, "cart.total", 12.5);
    otk_span_set_bool(span, "cart.gift", false);
    otk_span_set_value(span, "cart.items", otk_value_array(items, 2));
    otk_logger_log(logger, OTK_SEVERITY_NUMBER_INFO, "checkout begins", span);
    charge(tracer, logger, span);
    otk_span_end(span);
    otk_span_free(span);
}

static bool all_delivered(otk_sdk *sdk)
{
    static const char *const names[OTK_SIGNAL_COUNT] = {"spans", "data points", "log records"};
    otk_sdk_stats stats;
    bool all = true;
    otk_sdk_stats_get(sdk, &stats);
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++) {
        const otk_signal_stats *s = &stats.signals[i];
        fprintf(stderr, "%s: %llu of %llu delivered\n", names[i], (unsigned long long)s->delivered,
                (unsigned long long)s->accepted);
        all = all && s->delivered == s->accepted;
    }
    return all;
}

int main(void)
{
    otk_error error;
    otk_sdk *sdk = otk_sdk_start(NULL, &error);
    if (!sdk) {
        fprintf(stderr, "otlpkit-demo: %s\n", error.message);
        return EXIT_FAILURE;
    }
    otk_meter *meter = otk_sdk_meter(sdk, "shop", NULL);
    otk_counter *checkouts = otk_meter_counter(meter, "shop.checkouts", "{checkout}", "Checkouts begun");
    otk_counter_add(checkouts, 1, OTK_ATTRIBUTES(otk_attribute_string("currency", "EUR")));
    checkout(otk_sdk_tracer(sdk, "shop", NULL), otk_sdk_logger(sdk, "shop", NULL));

    otk_sdk_shutdown(sdk, 10000);
    bool all = all_delivered(sdk);
    otk_sdk_stop(sdk);
    return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
