/* Exports, to where the environment says, one of everything that a message can hold. */
#include <math.h>
#include <otlpkit/sdk.h>

static void record_span(otk_tracer *tracer)
{
    const otk_value list[] = {otk_value_int(-1), otk_value_string(""), otk_value_double(0.25), otk_value_string(NULL)};
    const otk_attribute map[] = {otk_attribute_of("list", otk_value_array(list, 4)), otk_attribute_bool("no", false)};
    const otk_span_context elsewhere = {
        .trace_id = {1}, .span_id = {2}, .trace_flags = 1, .is_remote = true, .trace_state = "vendor=value"};
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.kind = OTK_SPAN_KIND_CONSUMER;
    options.parent = &elsewhere;
    otk_span *span = otk_span_start_with(tracer, "everything \xe2\x82\xac", &options);
    otk_span_set_string(span, "text", "gr\xc3\xbc\xc3\x9f dich, \xff");
    otk_span_set_int(span, "least", INT64_MIN);
    otk_span_set_int(span, "most", INT64_MAX);
    otk_span_set_double(span, "infinite", INFINITY);
    otk_span_set_bytes(span, "bytes", "\0\xff", 2);
    otk_span_set_value(span, "map", otk_value_kvlist(map, 2));
    for (int i = 0; i < 125; i++) {
        char key[] = {'k', (char)('a' + i / 26), (char)('a' + i % 26), '\0'};
        otk_span_set_int(span, key, i);
    }
    otk_span_add_event(span, "happened", OTK_ATTRIBUTES(otk_attribute_int("n", 1)));
    otk_span_add_link(span, &elsewhere, OTK_ATTRIBUTES(otk_attribute_string("why", "because")));
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "went wrong");
    otk_span_update_name(span, "renamed, to something longer than before");
    otk_span_free(span);
}

int main(void)
{
    otk_scope_options scope = OTK_SCOPE_OPTIONS_INIT;
    scope.version = "1.2.3";
    scope.schema_url = "https://example.com/schema";
    scope.attributes = OTK_ATTRIBUTES(otk_attribute_int("scope", 1));
    otk_sdk *sdk = otk_sdk_start(NULL, NULL);
    record_span(otk_sdk_tracer(sdk, "tracer", &scope));
    otk_span_free(otk_span_start(otk_sdk_tracer(sdk, "other", NULL), "plain", NULL));
    otk_logger_log(otk_sdk_logger(sdk, "logger", NULL), OTK_SEVERITY_NUMBER_WARN, "a text", NULL);
    otk_counter_add(otk_meter_counter(otk_sdk_meter(sdk, "meter", NULL), "count", "1", "of things"), 7,
                    OTK_ATTRIBUTES(otk_attribute_string("kind", "thing")));
    int rc = otk_sdk_force_flush(sdk, 10000);
    otk_sdk_stop(sdk);
    return rc ? 1 : 0;
}
