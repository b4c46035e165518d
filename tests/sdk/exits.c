/* A program that ends without a word to the SDK: told "quiet", it does not want a flush then. */
#include <otlpkit/sdk.h>

int main(int argc, char **argv)
{
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    (void)argv;
    options.no_flush_at_exit = argc > 1;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    otk_span_free(otk_span_start(otk_sdk_tracer(sdk, "t", NULL), "last words", NULL));
    return 0;
}
