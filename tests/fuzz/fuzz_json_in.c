/* OTLP/JSON that comes in. First byte: the signal. */
#include "fuzz.h"
#include "json.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otk_signal signal = (otk_signal)(take_byte(&data, &size) % OTK_SIGNAL_COUNT), guess;
    struct oracle_result result;
    const char *text = size ? (const char *)data : "";
    must_hold(oracle_json_in(signal, text, size, &result));
    if (otk_json_signal(text, size, &guess) == 0)
        must(guess < OTK_SIGNAL_COUNT);
    return 0;
}
