#include "given.h"

#include "archive.h"
#include "inflate.h"

static const otk_header REQUEST_HEADERS[] = {
    {"Host", "127.0.0.1:4318"},
    {"content-type", "application/json; charset=utf-8"},
    {"X-Odd", "a: b"},
};
static const otk_header ANSWER_HEADERS[] = {{"Content-Type", "application/json"}};

static otk_capture *given_exchange(void)
{
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'name':'x'"));
    c->headers = (otk_headers){REQUEST_HEADERS, 3};
    c->answer_headers = (otk_headers){ANSWER_HEADERS, 1};
    c->answer = (otk_bytes){(const uint8_t *)"{}", 2};
    return c;
}

static otk_capture *given_chunked_exchange(void)
{
    static const otk_header headers[] = {{"Content-Type", "application/json"}, {"Transfer-Encoding", "chunked"}};
    otk_capture *c = given_exchange();
    c->headers = (otk_headers){headers, 2};
    return c;
}

static otk_capture *given_refusal(void)
{
    otk_capture *c = given_exchange();
    c->status = 413;
    c->target = "/v1/traces?x=1 2";
    c->reason = "too large";
    c->fault = "503 cut";
    c->unfinished = true;
    c->body.size = 5;
    c->body_size = 70000000;
    return c;
}

/* A new archive of one capture, which it forgets. */
static char *archive_of(otk_capture *c)
{
    char *path = given_file("", 0);
    otk_error error;
    otk_archive *a = otk_archive_open(path, &error);
    assert_non_null(a);
    assert_int_equal(otk_archive_add(a, c), 0);
    assert_int_equal(otk_archive_close(a), 0);
    forget(c);
    return path;
}

static struct otk_buffer content(const char *path)
{
    struct otk_buffer all = OTK_BUFFER_INIT((size_t)1 << 20);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    all.size = fread(otk_buffer_reserve(&all, (size_t)1 << 16), 1, (size_t)1 << 16, file);
    fclose(file);
    assert_non_null(otk_buffer_string(&all));
    return all;
}

static void count(const otk_capture *c, void *arg)
{
    (void)c;
    ++*(size_t *)arg;
}

static void check_exchange(const otk_capture *c, void *arg)
{
    ++*(size_t *)arg;
    assert_string_equal(c->method, "POST");
    assert_string_equal(c->target, "/v1/traces");
    assert_string_equal(c->http_version, "HTTP/1.1");
    assert_string_equal(c->peer, "127.0.0.1:51234");
    assert_true(c->time_unix_nano == 1700000000123456789);
    assert_string_equal(otk_headers_get(&c->headers, "x-odd"), "a: b");
    assert_int_equal(c->headers.count, 3);
    assert_int_equal(c->encoding, OTK_ENCODING_JSON);
    assert_int_equal(c->status, 200);
    assert_string_equal(otk_headers_get(&c->answer_headers, "Content-Type"), "application/json");
    assert_int_equal(c->answer.size, 2);
    assert_memory_equal(c->answer.data, "{}", 2);
    assert_int_equal(c->span_count, 1);
    assert_string_equal(otk_capture_span(c, 0)->name, "x");
}

static void test_a_request_comes_back_as_it_was(void **state)
{
    (void)state;
    char *path = archive_of(given_exchange());
    otk_error error;
    size_t seen = 0;
    assert_int_equal(otk_load(path, NULL, check_exchange, &seen, &error), 0);
    assert_int_equal(seen, 1);
    forget_file(path);
}

static void check_told(const otk_capture *c, void *arg)
{
    ++*(size_t *)arg;
    assert_string_equal(c->target, "/shop/spans");
    assert_int_equal(c->signal, OTK_SIGNAL_TRACES);
    assert_int_equal(c->span_count, 1);
    assert_int_equal(c->rejected_count, 3);
}

static void test_what_the_bytes_do_not_tell_comes_back(void **state)
{
    otk_capture *c = given_exchange();
    size_t seen = 0;
    (void)state;
    c->target = "/shop/spans";
    c->rejected_count = 3;
    char *path = archive_of(c);
    assert_int_equal(otk_load(path, NULL, check_told, &seen, NULL), 0);
    assert_int_equal(seen, 1);
    forget_file(path);
}

static void test_a_long_target_of_odd_bytes_comes_back(void **state)
{
    static char target[32 << 10];
    otk_capture *c = given_exchange();
    size_t seen = 0;
    otk_error error = {0};
    (void)state;
    memset(target, 0xfe, sizeof target - 1);
    target[0] = '/';
    c->target = target;
    char *path = archive_of(c);
    int rc = otk_load(path, NULL, count, &seen, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(rc, 0);
    assert_int_equal(seen, 1);
    forget_file(path);
}

static void check_not_taken(const otk_capture *c, void *arg)
{
    ++*(size_t *)arg;
    assert_int_equal(c->status, 202);
    assert_int_equal(c->span_count, 0);
}

static void test_what_was_refused_with_a_2xx_is_not_taken(void **state)
{
    otk_capture *c = given_exchange();
    size_t seen = 0;
    (void)state;
    c->status = 202;
    c->reason = "as the fault script says: 202";
    char *path = archive_of(c);
    assert_int_equal(otk_load(path, NULL, check_not_taken, &seen, NULL), 0);
    assert_int_equal(seen, 1);
    forget_file(path);
}

static void test_what_a_receiver_has_lost_is_in_its_archive(void **state)
{
    static const otk_receiver_counts none = {.requests = 7};
    static const otk_receiver_counts some = {.dropped_captures = 3, .unreadable_connections = 2, .tls_connections = 1};
    struct otk_warc_pieces pieces;
    otk_receiver_counts counts;
    (void)state;
    assert_int_equal(otk_warc_lost(&pieces, &none), 0);
    assert_int_equal(pieces.count, 0);
    assert_int_equal(otk_warc_lost(&pieces, &some), 0);
    char *path = given_file(pieces.items[0].data, pieces.items[0].size);
    otk_warc_pieces_clear(&pieces);
    otk_receiver *rx = otk_receiver_open((const char *const[]){path, path}, 2, NULL, NULL);
    assert_non_null(rx);
    otk_receiver_counts_get(rx, &counts);
    assert_int_equal(counts.dropped_captures, 6);
    assert_int_equal(counts.unreadable_connections, 4);
    assert_int_equal(counts.grpc_connections, 0);
    assert_int_equal(counts.tls_connections, 2);
    assert_int_equal(counts.requests, 0);
    otk_receiver_stop(rx);
    forget_file(path);
}

static void check_chunked(const otk_capture *c, void *arg)
{
    ++*(size_t *)arg;
    assert_int_equal(c->body_size, c->body.size);
    assert_int_equal(c->span_count, 1);
}

static void test_a_chunked_body_is_one_chunk(void **state)
{
    (void)state;
    char *path = archive_of(given_chunked_exchange());
    struct otk_buffer all = content(path);
    size_t seen = 0;
    assert_non_null(strstr((char *)all.data, "\r\n\r\n3d\r\n{\"resource"));
    assert_non_null(strstr((char *)all.data, "]}\r\n0\r\n\r\n\r\n\r\n"));
    assert_int_equal(otk_load(path, NULL, check_chunked, &seen, NULL), 0);
    assert_int_equal(seen, 1);
    otk_buffer_clear(&all);
    forget_file(path);
}

static void check_refusal(const otk_capture *c, void *arg)
{
    ++*(size_t *)arg;
    assert_int_equal(c->status, 413);
    assert_string_equal(c->reason, "too large");
    assert_string_equal(c->fault, "503 cut");
    assert_true(c->unfinished);
    assert_string_equal(c->target, "/v1/traces?x=1 2");
    assert_int_equal(c->body_size, 70000000);
    assert_int_equal(c->message.size, 0);
}

static void test_a_refused_request_is_kept_and_its_cut_body_marked(void **state)
{
    (void)state;
    char *path = archive_of(given_refusal());
    struct otk_buffer all = content(path);
    size_t seen = 0;
    assert_non_null(strstr((char *)all.data, "\r\nWARC-Truncated: length\r\n"));
    assert_non_null(strstr((char *)all.data, "\r\nWARC-Target-URI: http://127.0.0.1:4318/v1/traces?x=1%202\r\n"));
    assert_non_null(strstr((char *)all.data, "\r\n\r\nHTTP/1.1 413 Content Too Large\r\n"));
    assert_int_equal(otk_load(path, NULL, check_refusal, &seen, NULL), 0);
    assert_int_equal(seen, 1);
    otk_buffer_clear(&all);
    forget_file(path);
}

static otk_capture *given_unfinished(void)
{
    otk_capture *c = given_exchange();
    c->status = 0;
    c->reason = "the connection closed";
    c->body.size = 5;
    c->body_size = 5;
    return c;
}

static void check_unfinished(const otk_capture *c, void *arg)
{
    assert_int_equal(c->status, 0);
    assert_string_equal(c->reason, "the connection closed");
    assert_int_equal(c->body.size, 5);
    assert_int_equal(c->answer.size, 0);
    assert_int_equal(c->message.size, 0);
    ++*(size_t *)arg;
}

static void test_a_request_that_was_not_whole_has_no_answer(void **state)
{
    size_t calls = 0;
    char *path = archive_of(given_unfinished());
    (void)state;
    assert_int_equal(otk_load(path, NULL, check_unfinished, &calls, NULL), 0);
    assert_int_equal(calls, 1);
    forget_file(path);
}

static void test_records_have_what_warc_asks_for(void **state)
{
    static const char *const lines[] = {
        "\r\nWARC-Type: request\r\n",
        "\r\nWARC-Type: response\r\n",
        "\r\nWARC-Date: 2023-11-14T22:13:20.123456789Z\r\n",
        "\r\nContent-Type: application/http;msgtype=request\r\n",
        "\r\nContent-Type: application/http;msgtype=response\r\n",
        "\r\nContent-Type: application/warc-fields\r\n",
        "\r\nWARC-Concurrent-To: <urn:uuid:",
    };
    (void)state;
    char *path = archive_of(given_exchange());
    struct otk_buffer all = content(path);
    assert_memory_equal(all.data, "WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:", 57);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr((char *)all.data, lines[i]));
    otk_buffer_clear(&all);
    forget_file(path);
}

static void test_a_compressed_archive_is_read(void **state)
{
    (void)state;
    char *path = archive_of(given_exchange());
    struct otk_buffer all = content(path), gzip = OTK_BUFFER_INIT((size_t)1 << 20);
    size_t seen = 0;
    assert_int_equal(otk_gzip(&gzip, all.data, all.size), 0);
    forget_file(path);
    path = given_file(gzip.data, gzip.size);
    assert_int_equal(otk_load(path, NULL, check_exchange, &seen, NULL), 0);
    assert_int_equal(seen, 1);
    otk_buffer_clear(&gzip);
    otk_buffer_clear(&all);
    forget_file(path);
}

static void test_an_archive_cut_anywhere_never_harms(void **state)
{
    (void)state;
    char *path = archive_of(given_chunked_exchange());
    struct otk_buffer all = content(path);
    forget_file(path);
    for (size_t size = 9; size < all.size; size++) {
        size_t seen = 0;
        otk_error error;
        path = given_file(all.data, size);
        int rc = otk_load(path, NULL, count, &seen, &error);
        assert_true(rc == 0 || rc == OTK_EDATA);
        assert_true(seen <= 1);
        forget_file(path);
    }
    otk_buffer_clear(&all);
}

static void test_a_foreign_archive_is_read(void **state)
{
    static const char text[] =
        "WARC/1.0\r\nWARC-Type: request\r\nWARC-Date: 2023-11-14T22:13:20Z\r\n"
        "Content-Type: application/http; msgtype=request\r\nContent-Length: 138\r\n\r\n"
        "POST http://h/x/v1/logs HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;q=1\r\n{\"res\r\n11\r\nourceLogs\":[{}]}\n\r\n0\r\n\r\n"
        "\r\n\r\n"
        "WARC/1.0\r\nWARC-Type: metadata\r\nContent-Length: 2\r\n\r\nxx\r\n\r\n";
    (void)state;
    otk_error error;
    size_t seen = 0;
    char *path = given_file(text, sizeof text - 1);
    int rc = otk_load(path, NULL, count, &seen, &error);
    if (rc)
        fail_msg("%s", error.message);
    assert_int_equal(seen, 1);
    forget_file(path);
}

static void check_first_answer(const otk_capture *c, void *arg)
{
    assert_int_equal(c->status, 400);
    assert_int_equal(c->answer.size, 1);
    ++*(size_t *)arg;
}

static void test_only_the_first_answer_counts(void **state)
{
    static const char text[] =
        "WARC/1.1\r\nWARC-Type: request\r\nContent-Type: application/http;msgtype=request\r\nContent-Length: 32\r\n\r\n"
        "POST /v1/logs HTTP/1.1\r\nA: b\r\n\r\n\r\n\r\n"
        "WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http;msgtype=response\r\nContent-Length: "
        "25\r\n\r\n"
        "HTTP/1.1 400 A\r\nA: b\r\n\r\nx\r\n\r\n"
        "WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http;msgtype=response\r\nContent-Length: "
        "26\r\n\r\n"
        "HTTP/1.1 404 A\r\nA: b\r\n\r\nyy\r\n\r\n";
    (void)state;
    otk_error error = {0};
    size_t seen = 0;
    char *path = given_file(text, sizeof text - 1);
    int rc = otk_load(path, NULL, check_first_answer, &seen, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(rc, 0);
    assert_int_equal(seen, 1);
    forget_file(path);
}

static void test_hostile_blocks_are_refused(void **state)
{
    static const char *const blocks[] = {"", "\r\n", "POST\r\n\r\n", "POST / HTTP/1.1\r\nno colon\r\n\r\n",
                                         "POST / HTTP/1.1\r\nA: b\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct otk_warc_record record = {.type = OTK_WARC_REQUEST};
        struct capture *c = otk_capture_new();
        assert_int_equal(otk_warc_request(c, &record, blocks[i], strlen(blocks[i])), OTK_EDATA);
        otk_capture_free(c);
    }
    struct otk_arena arena = {0};
    struct otk_warc_record record;
    static const char overflow[] = "WARC/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n";
    assert_int_equal(otk_warc_header(&record, &arena, overflow, sizeof overflow - 1), OTK_EDATA);
    otk_arena_clear(&arena);
}

static void test_a_place_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    otk_error error;
    assert_null(otk_archive_open("no/such/place.warc", &error));
    assert_int_equal(error.code, OTK_ESYSTEM);
    assert_string_equal(error.message, "cannot write no/such/place.warc: No such file or directory");
    assert_null(otk_archive_open("/dev/full", &error));
    assert_int_equal(error.code, OTK_ESYSTEM);
    assert_int_equal(otk_archive_close(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_comes_back_as_it_was),
        cmocka_unit_test(test_what_the_bytes_do_not_tell_comes_back),
        cmocka_unit_test(test_a_long_target_of_odd_bytes_comes_back),
        cmocka_unit_test(test_what_was_refused_with_a_2xx_is_not_taken),
        cmocka_unit_test(test_what_a_receiver_has_lost_is_in_its_archive),
        cmocka_unit_test(test_a_chunked_body_is_one_chunk),
        cmocka_unit_test(test_a_refused_request_is_kept_and_its_cut_body_marked),
        cmocka_unit_test(test_a_request_that_was_not_whole_has_no_answer),
        cmocka_unit_test(test_records_have_what_warc_asks_for),
        cmocka_unit_test(test_a_compressed_archive_is_read),
        cmocka_unit_test(test_an_archive_cut_anywhere_never_harms),
        cmocka_unit_test(test_a_foreign_archive_is_read),
        cmocka_unit_test(test_only_the_first_answer_counts),
        cmocka_unit_test(test_hostile_blocks_are_refused),
        cmocka_unit_test(test_a_place_that_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
