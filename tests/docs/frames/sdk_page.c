/* Around the pieces of docs/sdk.md. */
#include <otlpkit/sdk.h>
#include <spawn.h>
#include <stdlib.h>

const char *my_request_header(void *request, const char *name, size_t index);
void my_request_add_header(void *request, const char *name, const char *value);
void pass_on(otk_sdk *sdk, const otk_span *span, void *request);
void pay(otk_sdk *sdk, const otk_span *span, char **argv);
otk_sdk *start_sampled(void);

#include "1"

void pass_on(otk_sdk *sdk, const otk_span *span, void *request)
{
    otk_context_free(otk_extract(sdk, get_header, request));
    otk_inject(sdk, otk_span_get_context(span), NULL, set_header, request);
}

void pay(otk_sdk *sdk, const otk_span *span, char **argv)
{
    pid_t child;
#include "2"
}

#include "3"

otk_sdk *start_sampled(void)
{
    otk_sampler sampler = otk_sampler_parent_based(&servers);
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    options.sampler = &sampler;
    return otk_sdk_start(&options, NULL);
}
