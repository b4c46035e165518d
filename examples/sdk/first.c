#include <otlpkit/sdk.h>

int main(void)
{
    otk_sdk *sdk = otk_sdk_start(NULL, NULL);
    otk_tracer *tracer = otk_sdk_tracer(sdk, "shop", NULL);
    otk_span *span = otk_span_start(tracer, "checkout", NULL);
    otk_span_set_string(span, "user.id", "ada");
    otk_span_free(span); /* ends it, too */
    otk_sdk_stop(sdk);
}
