/* A little shop, traced with OpenTelemetry. Where the spans go is up to OTEL_EXPORTER_OTLP_ENDPOINT. */
#include <otlpkit/sdk.h>

static bool charge(otk_tracer *tracer, const otk_span *checkout, const char *card)
{
    const otk_span_options options = {.kind = OTK_SPAN_KIND_CLIENT, .parent = otk_span_get_context(checkout)};
    otk_span *span = otk_span_start_with(tracer, "charge", &options);
    bool accepted = strcmp(card, "expired") != 0;
    if (!accepted)
        otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "card expired");
    otk_span_free(span); /* ends it, too */
    return accepted;
}

static bool checkout(otk_tracer *tracer, int items, double total, const char *card)
{
    otk_span *span = otk_span_start_with(tracer, "checkout", &(otk_span_options){.kind = OTK_SPAN_KIND_SERVER});
    otk_span_set_int(span, "shop.cart.items", items);
    otk_span_set_double(span, "shop.total", total);
    bool paid = charge(tracer, span, card);
    otk_span_free(span);
    return paid;
}

/* Two customers; the second one's card has expired. */
int main(void)
{
    otk_sdk *sdk = otk_sdk_start(&(otk_sdk_options){.service_name = "shop"}, NULL);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "shop", NULL);
    bool served = checkout(tracer, 3, 25.5, "valid") && !checkout(tracer, 1, 9.5, "expired");
    otk_sdk_stop(sdk);
    return served ? 0 : 1;
}
