/* Holds the reader, merging and JSON against protobuf-c on thousands of inputs, the same in every run: the cases and
 * the recordings, mutations of both, and messages made up. Where protobuf-c is known to differ is shown at the end; the
 * comparison leaves those inputs out (oracle.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "../fuzz/generate.h"
#include "../fuzz/mutate.h"
#include "../fuzz/oracle.h"
#include "cases.h"
#include "wire.h"

#define LIMIT ((size_t)1 << 20)
#define CASE_MAX 4096
#define MUTATIONS 20
#define GENERATED 1500

struct input {
    otk_signal signal;
    struct otk_buffer bytes;
};

static struct {
    struct input *items;
    size_t count;
} inputs;

static struct {
    size_t checked, accepted, compared;
} tally;

static void add_input(otk_signal signal, const void *data, size_t size)
{
    inputs.items = realloc(inputs.items, (inputs.count + 1) * sizeof *inputs.items);
    assert_non_null(inputs.items);
    struct input *input = &inputs.items[inputs.count++];
    *input = (struct input){signal, OTK_BUFFER_INIT(LIMIT)};
    assert_int_equal(otk_buffer_append(&input->bytes, data, size), 0);
}

static void add_cases(const char *path)
{
    struct test_cases cases = test_cases_read(path);
    for (size_t i = 0; i < cases.count; i++)
        if (!cases.items[i].is_text && cases.items[i].input.size <= CASE_MAX)
            add_input(cases.items[i].signal, cases.items[i].input.data, cases.items[i].input.size);
    test_cases_free(&cases);
}

static void add_recording(const char *folder, const char *name)
{
    char path[4096];
    struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    uint8_t *to = otk_buffer_reserve(&b, LIMIT);
    assert_non_null(file);
    assert_non_null(to);
    b.size = fread(to, 1, LIMIT, file);
    fclose(file);
    otk_signal signal = strstr(name, "metrics") ? OTK_SIGNAL_METRICS
                        : strstr(name, "logs")  ? OTK_SIGNAL_LOGS
                                                : OTK_SIGNAL_TRACES;
    add_input(signal, b.data, b.size);
    otk_buffer_clear(&b);
}

static int is_protobuf(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 3 && strcmp(entry->d_name + size - 3, ".pb") == 0;
}

static int read_inputs(void **state)
{
    static const char folder[] = OTLPKIT_SOURCE_DIR "/fixtures/clients";
    struct dirent **entries;
    (void)state;
    add_cases(OTLPKIT_SOURCE_DIR "/fixtures/cases/wire.cases");
    add_cases(OTLPKIT_SOURCE_DIR "/fixtures/cases/json_out.cases");
    int count = scandir(folder, &entries, is_protobuf, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        add_recording(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static int free_inputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < inputs.count; i++)
        otk_buffer_clear(&inputs.items[i].bytes);
    free(inputs.items);
    return 0;
}

static void check(otk_signal signal, const struct otk_buffer *bytes, const char *origin, uint64_t number)
{
    struct oracle_result result;
    const char *wrong = oracle_wire(signal, bytes->data, bytes->size, &result);
    if (wrong)
        fail_msg("%s %llu: %s", origin, (unsigned long long)number, wrong);
    tally.checked++;
    tally.accepted += result.accepted;
    tally.compared += result.compared;
}

/* RX-PB-01 to RX-PB-17, as far as the cases show them */
static void test_reader_agrees_with_protobuf_c_on_cases_and_recordings(void **state)
{
    (void)state;
    for (size_t i = 0; i < inputs.count; i++)
        check(inputs.items[i].signal, &inputs.items[i].bytes, "input", i);
}

static void check_mutations(size_t i)
{
    struct dice dice = DICE_FROM_SEED(i + 1);
    for (unsigned k = 0; k < MUTATIONS; k++) {
        const struct input *input = &inputs.items[i], *other = &inputs.items[roll(&dice, (uint32_t)inputs.count)];
        struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
        otk_buffer_append(&b, input->bytes.data, input->bytes.size);
        mutate(&b, (otk_bytes){other->bytes.data, other->bytes.size}, &dice);
        check(input->signal, &b, "mutations of input", i);
        otk_buffer_clear(&b);
    }
}

/* RX-PB-12: nothing that is cut off or changed at random makes the two disagree */
static void test_reader_agrees_with_protobuf_c_on_mutations(void **state)
{
    (void)state;
    tally.accepted = 0;
    for (size_t i = 0; i < inputs.count; i++)
        check_mutations(i);
    assert_true(tally.accepted > inputs.count);
}

/* RX-PB-01 RX-PB-02 RX-PB-04 RX-PB-05 RX-PB-06: order, unknown fields, split and repeated ones, packed or not */
static void test_reader_agrees_with_protobuf_c_on_made_up_messages(void **state)
{
    (void)state;
    tally.accepted = tally.compared = 0;
    for (uint64_t seed = 1; seed <= GENERATED; seed++) {
        otk_signal signal = (otk_signal)(seed % OTK_SIGNAL_COUNT);
        struct dice dice = DICE_FROM_SEED(seed * UINT64_C(0x9e3779b97f4a7c15));
        struct otk_buffer b = OTK_BUFFER_INIT(LIMIT);
        generate_message(&b, otk_schema((enum otk_message_id)signal), &dice);
        check(signal, &b, "seed", seed);
        otk_buffer_clear(&b);
    }
    assert_true(tally.accepted > GENERATED / 4);
    assert_true(tally.compared > tally.accepted / 4);
}

/* ---- Where protobuf-c differs ---------------------------------------- */

static bool reader_takes(const uint8_t *bytes, size_t size)
{
    struct otk_index index;
    struct otk_fault fault;
    bool ok = otk_wire_read(&index, otk_schema(OTK_MESSAGE_TRACES_REQUEST), bytes, size, &fault) == 0;
    if (ok)
        otk_index_clear(&index);
    return ok;
}

#define assert_only_reader_takes(...)                                                                                  \
    do {                                                                                                               \
        static const uint8_t bytes_[] = {__VA_ARGS__};                                                                 \
        assert_true(reader_takes(bytes_, sizeof bytes_));                                                              \
        assert_false(oracle_unpacks(OTK_SIGNAL_TRACES, bytes_, sizeof bytes_));                                        \
    } while (0)

#define assert_only_protobuf_c_takes(...)                                                                              \
    do {                                                                                                               \
        static const uint8_t bytes_[] = {__VA_ARGS__};                                                                 \
        assert_false(reader_takes(bytes_, sizeof bytes_));                                                             \
        assert_true(oracle_unpacks(OTK_SIGNAL_TRACES, bytes_, sizeof bytes_));                                         \
    } while (0)

/* RX-PB-03 */
static void test_protobuf_c_refuses_groups(void **state)
{
    (void)state;
    assert_only_reader_takes(0x9b, 0x01, 0x9c, 0x01);
}

/* RX-PB-15 */
static void test_protobuf_c_refuses_known_fields_of_another_wire_type(void **state)
{
    (void)state;
    assert_only_reader_takes(0x08, 0x01);
}

/* RX-PB-10 */
static void test_protobuf_c_refuses_tags_and_lengths_of_more_than_five_bytes(void **state)
{
    (void)state;
    assert_only_reader_takes(0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00);
    assert_only_reader_takes(0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
}

/* RX-PB-10 RX-PB-15 */
static void test_protobuf_c_takes_numbers_that_cannot_be(void **state)
{
    (void)state;
    assert_only_protobuf_c_takes(0x80, 0x00, 0x00);
    assert_only_protobuf_c_takes(0x98, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
}

/* RX-PB-13 */
static void test_protobuf_c_takes_strings_that_are_no_utf8(void **state)
{
    (void)state;
    assert_only_protobuf_c_takes(0x0a, 0x03, 0x1a, 0x01, 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_agrees_with_protobuf_c_on_cases_and_recordings),
        cmocka_unit_test(test_reader_agrees_with_protobuf_c_on_mutations),
        cmocka_unit_test(test_reader_agrees_with_protobuf_c_on_made_up_messages),
        cmocka_unit_test(test_protobuf_c_refuses_groups),
        cmocka_unit_test(test_protobuf_c_refuses_known_fields_of_another_wire_type),
        cmocka_unit_test(test_protobuf_c_refuses_tags_and_lengths_of_more_than_five_bytes),
        cmocka_unit_test(test_protobuf_c_takes_numbers_that_cannot_be),
        cmocka_unit_test(test_protobuf_c_takes_strings_that_are_no_utf8),
    };
    return cmocka_run_group_tests(tests, read_inputs, free_inputs);
}
