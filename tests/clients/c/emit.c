/* Exports a span, a metric and a log record; the environment says where and how. */
#include <otlpkit/sdk.h>

int main(void)
{
    otk_sdk *sdk = otk_sdk_start(NULL, NULL);
    otk_span *span = otk_span_start(otk_sdk_tracer(sdk, "emit", NULL), "emit", NULL);
    otk_span_set_string(span, "first", "of two");
    otk_span_set_string(span, "second", "of two");
    otk_counter_add(otk_meter_counter(otk_sdk_meter(sdk, "emit", NULL), "emitted", NULL, NULL), 1, NULL);
    otk_logger_log(otk_sdk_logger(sdk, "emit", NULL), OTK_SEVERITY_NUMBER_INFO, "emitted", span);
    otk_span_free(span);             /* ends it, too */
    otk_sdk_force_flush(sdk, 60000); /* retries, which a shutdown does not wait for */
    otk_sdk_stop(sdk);
}
