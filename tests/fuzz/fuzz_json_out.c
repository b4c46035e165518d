/* JSON that goes out, of arbitrary accepted bytes: requests, responses, Status with its details. First byte: the
 * message type, and whether the rest is its bytes, the dice that make one up, or a string. */
#include "fuzz.h"
#include "generate.h"
#include "oracle.h"

static void check_generated(enum otk_message_id id, const uint8_t *data, size_t size)
{
    struct oracle_result result;
    struct otk_buffer bytes = OTK_BUFFER_INIT((size_t)1 << 20);
    struct dice dice = DICE_FROM_BYTES(data, size);
    generate_message(&bytes, otk_schema(id), &dice);
    must_hold(oracle_json_out(id, bytes.data, bytes.size, &result));
    otk_buffer_clear(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t way = take_byte(&data, &size) % (2 * OTK_MESSAGE_COUNT + 1);
    enum otk_message_id id = (enum otk_message_id)(way % OTK_MESSAGE_COUNT);
    struct oracle_result result;
    if (way < OTK_MESSAGE_COUNT)
        must_hold(oracle_json_out(id, data, size, &result));
    else if (way < 2 * OTK_MESSAGE_COUNT)
        check_generated(id, data, size);
    else
        must_hold(oracle_json_string(size ? (const char *)data : "", size));
    return 0;
}
