/* The wire reader and merging, held against protobuf-c. First byte: the signal, and whether the rest is the request's
 * bytes or the dice that make one up. */
#include "fuzz.h"
#include "generate.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t way = take_byte(&data, &size) % (2 * OTK_SIGNAL_COUNT);
    otk_signal signal = (otk_signal)(way % OTK_SIGNAL_COUNT);
    struct oracle_result result;
    if (way < OTK_SIGNAL_COUNT) {
        must_hold(oracle_wire(signal, data, size, &result));
        return 0;
    }
    struct otk_buffer bytes = OTK_BUFFER_INIT((size_t)1 << 20);
    struct dice dice = DICE_FROM_BYTES(data, size);
    generate_message(&bytes, otk_schema((enum otk_message_id)signal), &dice);
    must_hold(oracle_wire(signal, bytes.data, bytes.size, &result));
    otk_buffer_clear(&bytes);
    return 0;
}
