/* Hostile bodies against a receiver: each gets its answer, costs little, and the next good request gets 200. */
#include "attack.h"
#include "given.h"
#include "wire.h"
#include "writer.h"

#include <malloc.h>
#include <stdio.h>

#define MEBIBYTE ((size_t)1 << 20)

/* In terms of a valid body of the same inflated size. */
#define CPU_RATIO_MAX 5.0

/* Of the valid body, on its way from protobuf. */
#define JSON_GROWTH 4.06

/* The machine may be busy with something else: the best of many counts, and no more of them than it takes. */
#define ROUNDS 30

static struct target target;

static int start(void **state)
{
    (void)state;
    target_start(&target, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    target_stop(&target);
    return 0;
}

static const char *const coding_names[] = {
    [OTK_CODING_GZIP] = "gzip", [OTK_CODING_DEFLATE] = "deflate", [OTK_CODING_ZSTD] = "zstd"};

/* ---- What a request costs -------------------------------------------- */

struct cost {
    uint64_t cpu_ns; /* of the receiver's thread */
    size_t memory;   /* that the process grew by at its peak */
};

static struct cost cost_once(struct post p, unsigned status, const char *says)
{
    struct client c = client_open(target_port(&target));
    malloc_trim(0);
    size_t resident = usage_reset_peak();
    uint64_t before = usage_cpu_ns(target.cpu);
    struct response r = client_post(&c, p);
    struct cost cost = {.cpu_ns = usage_cpu_ns(target.cpu) - before};
    size_t peak = usage_peak();
    if (resident && peak > resident)
        cost.memory = peak - resident;
    if (status != 200)
        assert_refusal(&r, status, says);
    else
        assert_int_equal(r.status, 200);
    response_clear(&r);
    client_close(&c);
    otk_receiver_reset(target.rx);
    return cost;
}

/* A valid request, like `p` in encoding and coding, whose body inflates to about `size`. */
static struct otk_buffer valid_like(struct post p, enum otk_coding coding, size_t size)
{
    bool json = p.type && strstr(p.type, "json");
    struct otk_buffer body = payload_of_size(size);
    if (json) {
        struct otk_buffer protobuf = payload_of_size((size_t)((double)size / JSON_GROWTH));
        otk_buffer_clear(&body);
        body = payload_json(OTK_SIGNAL_TRACES, &protobuf);
        otk_buffer_clear(&protobuf);
    }
    struct otk_buffer coded = payload_coded(coding, body.data, body.size);
    otk_buffer_clear(&body);
    return coded;
}

static void better(struct cost *best, struct cost next)
{
    if (!best->cpu_ns || next.cpu_ns < best->cpu_ns)
        best->cpu_ns = next.cpu_ns;
    if (next.memory > best->memory)
        best->memory = next.memory;
}

struct attack {
    const char *name;
    struct post post;
    enum otk_coding coding;
    size_t inflated;
    unsigned status;
    const char *says;
    double ratio_max;
};

/* Measures it against a valid request and prints both; whether it is bearable. */
static bool is_cheap(const struct attack *a)
{
    struct otk_buffer body = valid_like(a->post, a->coding, a->inflated);
    struct post valid = a->post;
    valid.target = NULL;
    valid.body = body.data;
    valid.size = body.size;
    struct cost cost = {0}, standard = {0};
    for (int i = 0; i < ROUNDS; i++) {
        better(&cost, cost_once(a->post, a->status, a->says));
        better(&standard, cost_once(valid, 200, NULL));
        if (i >= 2 && (double)cost.cpu_ns <= a->ratio_max * (double)standard.cpu_ns)
            break;
        if (!usage_is_meaningful || a->inflated >= 16 * MEBIBYTE)
            break;
    }
    otk_buffer_clear(&body);
    target_serves(&target);
    double ratio = (double)cost.cpu_ns / (double)standard.cpu_ns;
    print_message("%-32s %9zu bytes %8.2f ms CPU, %5.2f of a valid one, %6.1f MiB\n", a->name, a->inflated,
                  (double)cost.cpu_ns / 1e6, ratio, (double)cost.memory / (double)MEBIBYTE);
    return !usage_is_meaningful || (ratio <= a->ratio_max && cost.memory <= 3 * a->inflated + 8 * MEBIBYTE);
}

/* ---- Bodies of every kind -------------------------------------------- */

static const struct {
    const char *name;
    attack_fn *make;
    const char *type;   /* NULL: protobuf */
    const char *target; /* NULL: /v1/traces */
    unsigned status;
    const char *says;
} attacks[] = {
    {"arrays 10,000 deep", attack_arrays_10000_deep, NULL, NULL, 400, "nested deeper than 256 messages"},
    {"arrays 100,000 deep", attack_arrays_100000_deep, NULL, NULL, 400, "nested deeper than 256 messages"},
    {"maps 100,000 deep", attack_maps_100000_deep, NULL, NULL, 400, "nested deeper than 256 messages"},
    {"groups 100,000 deep", attack_groups_100000_deep, NULL, NULL, 400, "groups nested deeper than"},
    {"1 MB of empty spans", attack_empty_spans, NULL, NULL, 200, ""},
    {"1 MB of empty envelopes", attack_empty_envelopes, NULL, NULL, 200, ""},
    {"1 MB of empty attributes", attack_empty_attributes, NULL, NULL, 200, ""},
    {"250,000 resources in one", attack_resources, NULL, NULL, 200, ""},
    {"140,000 with an attribute each", attack_resources_with_attributes, NULL, NULL, 200, ""},
    {"200,000 scopes in one", attack_scopes, NULL, NULL, 200, ""},
    {"1 MB of unknown fields", attack_unknown_fields, NULL, NULL, 200, ""},
    {"1 MB of unpacked counts", attack_unpacked_buckets, NULL, "/v1/metrics", 200, ""},
    {"bad UTF-8 behind 1 MB", attack_bad_utf8_at_the_end, NULL, NULL, 400, "invalid UTF-8 at byte 10000"},
    {"JSON arrays 200,000 deep", attack_json_arrays_200000_deep, "application/json", NULL, 400, "nested deeper than"},
    {"JSON values 200,000 deep", attack_json_values_200000_deep, "application/json", NULL, 400, "nested deeper than"},
    {"JSON objects 200,000 deep", attack_json_objects_200000_deep, "application/json", NULL, 400, "nested deeper than"},
    {"1 MB of empty JSON spans", attack_json_empty_spans, "application/json", NULL, 200, ""},
    {"70,000 JSON resources in one", attack_json_resources, "application/json", NULL, 400, "twice"},
    {"1 MB of unknown JSON keys", attack_json_unknown_keys, "application/json", NULL, 200, ""},
    {"a JSON number of 1 MB", attack_json_digits, "application/json", NULL, 400, ""},
    {"1 MB of JSON escapes", attack_json_escapes, "application/json", NULL, 200, ""},
};

/* RX-LIM-01, RX-LIM-04, RX-PB-02, RX-PB-03, RX-PB-04, RX-PB-13 */
static void test_odd_bodies_cost_little_more_than_valid_ones(void **state)
{
    (void)state;
    bool all_cheap = true;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        struct otk_buffer body = attacks[i].make();
        all_cheap &= is_cheap(&(struct attack){
            .name = attacks[i].name,
            .post = {.target = attacks[i].target, .type = attacks[i].type, .body = body.data, .size = body.size},
            .inflated = body.size,
            .status = attacks[i].status,
            .says = attacks[i].says,
            .ratio_max = CPU_RATIO_MAX,
        });
        otk_buffer_clear(&body);
    }
    assert_true(all_cheap);
}

/* RX-PB-04: nothing but merging, three messages a level, twice as dear as the rest. */
static void test_values_in_pieces_at_each_level_merge_in_linear_time(void **state)
{
    (void)state;
    struct otk_buffer body = attack_split_values();
    assert_true(is_cheap(&(struct attack){
        .name = "values in pieces, 30 deep",
        .post = {.body = body.data, .size = body.size},
        .inflated = body.size,
        .status = 200,
        .ratio_max = 2 * CPU_RATIO_MAX,
    }));
    otk_buffer_clear(&body);
}

static void explode(enum otk_coding coding, size_t limit)
{
    char name[64], says[64];
    struct otk_buffer bomb = attack_bomb(coding);
    snprintf(name, sizeof name, "%s, %zu kB for 1 GiB", coding_names[coding], bomb.size / 1000);
    snprintf(says, sizeof says, "inflates to more than %zu bytes", limit);
    assert_true(is_cheap(&(struct attack){
        .name = name,
        .post = {.coding = coding_names[coding], .body = bomb.data, .size = bomb.size},
        .coding = coding,
        .inflated = limit,
        .status = 413,
        .says = says,
        .ratio_max = CPU_RATIO_MAX,
    }));
    otk_buffer_clear(&bomb);
}

/* RX-LIM-01, RX-RESP-20. Sanitizers are too slow for valid requests of the default limit. */
static void test_bombs_stop_at_the_limit(void **state)
{
    (void)state;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    if (!usage_is_meaningful)
        options.max_request_bytes = 8 * MEBIBYTE;
    target_start(&target, &options);
    for (enum otk_coding coding = OTK_CODING_GZIP; coding <= OTK_CODING_ZSTD; coding++)
        explode(coding, options.max_request_bytes);
    target_stop(&target);
}

/* ---- Sizes ----------------------------------------------------------- */

/* A span whose name makes the request `size` bytes long. */
static struct otk_buffer request_of(size_t size)
{
    struct otk_buffer b = OTK_BUFFER_INIT(128 * MEBIBYTE);
    struct otk_gaps gaps = OTK_GAPS_INIT;
    struct otk_open open[3];
    static const unsigned numbers[] = {1, 2, 2};
    for (size_t i = 0; i < 3; i++)
        open[i] = otk_write_begin(&b, &gaps, numbers[i]);
    size_t around = 4 * 5; /* a tag and four bytes of length, four times */
    uint8_t *name = calloc(1, size);
    assert_non_null(name);
    memset(name, 'n', size);
    otk_write_bytes(&b, 5, name, size - around);
    free(name);
    for (size_t i = 3; i-- > 0;)
        otk_write_end(&b, &gaps, open[i]);
    assert_int_equal(otk_write_finish(&b, &gaps), 0);
    assert_int_equal(b.size, size);
    return b;
}

/* RX-LIM-02, RX-RESP-20 */
static void test_64_mib_pass_and_a_byte_more_does_not(void **state)
{
    (void)state;
    struct otk_buffer body = request_of(64 * MEBIBYTE + 1);
    cost_once((struct post){.body = body.data, .size = body.size}, 413, "larger than 67108864 bytes");
    otk_buffer_clear(&body);
    body = request_of(64 * MEBIBYTE);
    cost_once((struct post){.body = body.data, .size = body.size}, 200, NULL);
    otk_buffer_clear(&body);
    target_serves(&target);
}

/* RX-RESP-20: nothing of it needs to be sent. */
static void test_70_mib_announced_get_413_at_once(void **state)
{
    (void)state;
    struct response r;
    struct client c = client_open(target_port(&target));
    client_print(&c,
                 "POST /v1/traces HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-protobuf\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 70 * MEBIBYTE);
    assert_true(client_read(&c, &r));
    assert_refusal(&r, 413, "larger than 67108864 bytes");
    assert_true(client_sees_end(&c));
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
}

/* RX-LIM-03: nothing told its size. */
static void test_70_mib_in_chunks_get_413_when_the_limit_passes(void **state)
{
    (void)state;
    static char chunk[1 << 20];
    struct response r;
    struct client c = client_open(target_port(&target));
    size_t resident = usage_reset_peak();
    client_print(&c, "POST /v1/traces HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-protobuf\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 70; i++)
        if (!client_print(&c, "%zx\r\n", sizeof chunk) || !client_send(&c, chunk, sizeof chunk) ||
            !client_print(&c, "\r\n"))
            break;
    assert_true(client_read(&c, &r));
    size_t peak = usage_peak();
    assert_refusal(&r, 413, "larger than 67108864 bytes");
    if (usage_is_meaningful && resident)
        assert_in_range(peak, 0, resident + 2 * 64 * MEBIBYTE);
    response_clear(&r);
    client_close(&c);
    target_serves(&target);
}

/* ---- Broken bodies --------------------------------------------------- */

/* RX-PB-12, RX-RESP-15 */
static void test_body_cut_at_every_byte_gets_400_on_a_connection_that_lives_on(void **state)
{
    (void)state;
    struct otk_buffer body = payload_items(OTK_SIGNAL_TRACES, 1, 3);
    struct client c = client_open(target_port(&target));
    for (size_t size = 1; size < body.size; size++) {
        struct response r = client_post(&c, (struct post){.body = body.data, .size = size});
        assert_refusal(&r, 400, "");
        response_clear(&r);
    }
    assert_int_equal(target_counts(&target).refused, body.size - 1);
    client_close(&c);
    otk_buffer_clear(&body);
    target_serves(&target);
}

static struct otk_buffer two_envelopes(otk_signal signal, size_t items)
{
    struct otk_buffer b = payload_items(signal, 1, items), more = payload_items(signal, 1 + items, items);
    assert_int_equal(otk_buffer_append(&b, more.data, more.size), 0);
    otk_buffer_clear(&more);
    return b;
}

/* RX-PB-12: only between its two envelopes a request may end. */
static void test_large_body_cut_at_every_byte_is_refused(void **state)
{
    (void)state;
    for (unsigned signal = 0; signal < OTK_SIGNAL_COUNT; signal++) {
        struct otk_buffer body = two_envelopes((otk_signal)signal, 30);
        for (size_t size = 0; size <= body.size; size++) {
            struct otk_index index = {0};
            struct otk_fault fault = {0};
            uint8_t *cut = malloc(size ? size : 1); /* its end is where sanitizers look */
            assert_non_null(cut);
            memcpy(cut, body.data, size);
            int rc = otk_wire_read(&index, otk_schema((enum otk_message_id)signal), cut, size, &fault);
            bool whole = size == 0 || size == body.size / 2 || size == body.size;
            assert_int_equal(rc, whole ? 0 : OTK_EDATA);
            assert_true(fault.offset <= size);
            otk_index_clear(&index);
            free(cut);
        }
        otk_buffer_clear(&body);
    }
}

/* Truncated streams name themselves as such, wherever they break off. */
static void test_compressed_body_cut_at_every_byte_gets_400(void **state)
{
    (void)state;
    struct otk_buffer body = payload_items(OTK_SIGNAL_TRACES, 1, 3);
    struct client c = client_open(target_port(&target));
    for (enum otk_coding coding = OTK_CODING_GZIP; coding <= OTK_CODING_ZSTD; coding++) {
        struct otk_buffer coded = payload_coded(coding, body.data, body.size);
        for (size_t size = 1; size < coded.size; size++) {
            struct post p = {.coding = coding_names[coding], .body = coded.data, .size = size};
            struct response r = client_post(&c, p);
            assert_refusal(&r, 400, "truncated");
            response_clear(&r);
        }
        otk_buffer_clear(&coded);
    }
    client_close(&c);
    otk_buffer_clear(&body);
    target_serves(&target);
}

static const struct {
    const char *bytes; /* of a span */
    size_t size;
    unsigned status;
    const char *says;
} broken_spans[] = {
    {"\x2e", 1, 400, "wire type 6 does not exist"},                          /* RX-PB-03 */
    {"\x2f", 1, 400, "wire type 7 does not exist"},                          /* RX-PB-03 */
    {"\x0c", 1, 400, "group"},                                               /* RX-PB-03 */
    {"\x02\x00", 2, 400, "field number 0"},                                  /* RX-PB-15 */
    {"\x28\x07", 2, 200, ""},                                                /* RX-PB-15: a name that is a number */
    {"\x3a\x01x", 3, 200, ""},                                               /* RX-PB-15: a time that is text */
    {"\x0a\x03\x61\x62\x63", 5, 400, "3 bytes long instead of"},             /* RX-PB-18: 3 bytes of trace id */
    {"\x12\x03\x61\x62\x63", 5, 400, "3 bytes long instead of"},             /* 3 bytes of span id */
    {"\x22\x03\x61\x62\x63", 5, 400, "3 bytes long instead of"},             /* 3 bytes of parent */
    {"\x2a\x02\xc3\x28", 4, 400, "name: invalid UTF-8 at byte"},             /* RX-PB-13 */
    {"\x2a\x03\xed\xa0\x80", 5, 400, "name: invalid UTF-8 at byte"},         /* RX-PB-13: a surrogate */
    {"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, 400, "varint"}, /* RX-PB-10 */
    {"\x2a\xff\xff\xff\xff\x0f", 6, 400, ""},                                /* RX-PB-12: 4 GiB of name */
    {"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, 400, ""},               /* RX-PB-12: 2^63 of it */
};

static void test_broken_spans_get_400_naming_the_fault(void **state)
{
    (void)state;
    struct client c = client_open(target_port(&target));
    for (size_t i = 0; i < sizeof broken_spans / sizeof *broken_spans; i++) {
        uint8_t body[32] = {0x0a, 0, 0x12, 0, 0x12, 0};
        size_t size = broken_spans[i].size;
        body[1] = (uint8_t)(size + 4);
        body[3] = (uint8_t)(size + 2);
        body[5] = (uint8_t)size;
        memcpy(body + 6, broken_spans[i].bytes, size);
        struct response r = client_post(&c, (struct post){.body = body, .size = size + 6});
        assert_int_equal(r.status, broken_spans[i].status);
        if (r.status != 200)
            assert_refusal(&r, 400, broken_spans[i].says);
        response_clear(&r);
    }
    client_close(&c);
    target_serves(&target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_odd_bodies_cost_little_more_than_valid_ones),
        TEST(test_values_in_pieces_at_each_level_merge_in_linear_time),
        cmocka_unit_test(test_bombs_stop_at_the_limit),
        TEST(test_64_mib_pass_and_a_byte_more_does_not),
        TEST(test_70_mib_announced_get_413_at_once),
        TEST(test_70_mib_in_chunks_get_413_when_the_limit_passes),
        TEST(test_body_cut_at_every_byte_gets_400_on_a_connection_that_lives_on),
        cmocka_unit_test(test_large_body_cut_at_every_byte_is_refused),
        TEST(test_compressed_body_cut_at_every_byte_gets_400),
        TEST(test_broken_spans_get_400_naming_the_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
