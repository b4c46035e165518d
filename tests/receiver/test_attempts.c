/* The retry timeline, from captures out of thin air. */
#include "given.h"

#include "attempts.h"
#include "digest.h"
#include "fault.h"
#include "http_date.h"
#include "inflate.h"

#include <inttypes.h>

#define MS UINT64_C(1000000)
#define BEGIN_NS UINT64_C(1700000000000000000)

static otk_attempts *attempts;
static uint64_t number;

static int begin(void **state)
{
    (void)state;
    attempts = otk_attempts_new();
    number = 0;
    return attempts ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    otk_attempts_free(attempts);
    return 0;
}

/* A request and what it got. */
struct request {
    const char *body;
    uint64_t at_ms;
    unsigned status;
    const char *retry_after;
    otk_signal signal;
    bool gzip;
    bool unfinished;
    const char *length;
    const struct otk_fault_step *fault;
};

static void add_header(struct capture *c, otk_headers *headers, const char *name, const char *value)
{
    otk_header *all = otk_arena_alloc(&c->arena, (headers->count + 1) * sizeof *all);
    assert_non_null(all);
    if (headers->count)
        memcpy(all, headers->items, headers->count * sizeof *all);
    all[headers->count] = (otk_header){name, value};
    *headers = (otk_headers){all, headers->count + 1};
}

static struct capture *make(struct request r)
{
    struct capture *c = otk_capture_new();
    assert_non_null(c);
    if (r.gzip)
        assert_int_equal(otk_gzip(&c->body, r.body, strlen(r.body)), 0);
    else
        assert_int_equal(otk_buffer_append(&c->body, r.body, strlen(r.body)), 0);
    otk_capture_end_body(c);
    c->pub.number = ++number;
    c->pub.method = "POST";
    c->pub.has_signal = true;
    c->pub.signal = r.signal;
    c->pub.time_unix_nano = BEGIN_NS + r.at_ms * MS;
    c->pub.status = r.status;
    c->pub.unfinished = r.unfinished;
    c->fault = r.fault;
    if (r.gzip)
        add_header(c, &c->pub.headers, "Content-Encoding", "gzip");
    if (r.length)
        add_header(c, &c->pub.headers, "Content-Length", r.length);
    if (r.retry_after)
        add_header(c, &c->pub.answer_headers, "Retry-After", r.retry_after);
    return c;
}

static void feed(struct request r)
{
    struct capture *c = make(r);
    assert_int_equal(otk_attempts_feed(attempts, c), 0);
    otk_capture_free(c);
}

/* REQUEST(body, at_ms, status, .member = …) */
#define REQUEST(body_, at_, ...) ((struct request){.body = body_, .at_ms = at_, .status = __VA_ARGS__})
#define FEED(...) feed(REQUEST(__VA_ARGS__))

static const otk_payload *payload(size_t i)
{
    const otk_payload *p = otk_attempts_payload(attempts, i);
    assert_non_null(p);
    return p;
}

static void assert_sum(size_t payloads, size_t lost, size_t duplicated, size_t wrong)
{
    struct otk_attempts_sum sum = otk_attempts_sum(attempts);
    assert_int_equal(sum.payloads, payloads);
    assert_int_equal(sum.lost, lost);
    assert_int_equal(sum.duplicated, duplicated);
    assert_int_equal(sum.wrong, wrong);
}

/* ---- Which payload --------------------------------------------------- */

static void the_same_bytes_are_attempts_of_one_payload(void **state)
{
    (void)state;
    FEED("a", 0, 503);
    FEED("b", 10, 200);
    FEED("a", 100, 503);
    FEED("a", 250, 200);
    assert_sum(2, 0, 0, 0);
    assert_int_equal(payload(0)->attempt_count, 3);
    assert_int_equal(payload(0)->accepted_count, 1);
    assert_int_equal(payload(0)->size, 1);
    assert_int_equal(payload(0)->attempts[0].gap_nano, 0);
    assert_int_equal(payload(0)->attempts[1].gap_nano, 100 * MS);
    assert_int_equal(payload(0)->attempts[2].number, 4);
    assert_int_equal(payload(1)->attempt_count, 1);
    assert_null(otk_attempts_payload(attempts, 2));
}

static void compression_does_not_matter(void **state)
{
    (void)state;
    FEED("payload", 0, 503, .gzip = true);
    FEED("payload", 100, 200);
    assert_sum(1, 0, 0, 0);
    assert_int_equal(payload(0)->size, 7);
}

static void signals_are_told_apart(void **state)
{
    (void)state;
    FEED("a", 0, 200);
    FEED("a", 0, 200, .signal = OTK_SIGNAL_LOGS);
    assert_sum(2, 0, 0, 0);
}

static void other_methods_are_no_attempts(void **state)
{
    (void)state;
    struct capture *c = make((struct request){.status = 204, .body = ""});
    c->pub.method = "OPTIONS";
    assert_int_equal(otk_attempts_feed(attempts, c), 0);
    otk_capture_free(c);
    assert_sum(0, 0, 0, 0);
}

static void what_was_cut_off_belongs_to_what_begins_like_it(void **state)
{
    (void)state;
    FEED("abc", 0, 0, .unfinished = true, .length = "6");
    FEED("abd", 1, 0, .unfinished = true, .length = "6");
    FEED("", 2, 0, .unfinished = true, .length = "6");
    assert_sum(3, 3, 0, 0);
    FEED("abcxyz", 100, 200, .length = "6");
    assert_sum(2, 1, 0, 0);
    assert_int_equal(payload(0)->attempt_count, 3);
    assert_int_equal(payload(0)->attempts[0].number, 1);
    assert_int_equal(payload(0)->attempts[1].number, 3);
    assert_int_equal(payload(0)->attempts[2].number, 4);
    assert_int_equal(payload(0)->attempts[0].retry, OTK_RETRY_BACKOFF);
    assert_int_equal(payload(0)->attempts[1].gap_nano, 2 * MS);
}

static void bodies_that_found_no_room_are_not_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct capture *c = make(REQUEST("", 0, 503, .length = i ? "9" : "8"));
        c->pub.body_size = i ? 9 : 8;
        assert_int_equal(otk_attempts_feed(attempts, c), 0);
        otk_capture_free(c);
    }
    FEED("12345678", 10, 200, .length = "8");
    assert_sum(2, 1, 0, 0);
    assert_int_equal(otk_attempts_finish(attempts), 0);
    assert_int_equal(payload(0)->attempt_count, 2);
    assert_int_equal(payload(1)->attempt_count, 1);
}

static void what_was_cut_off_may_come_between_attempts(void **state)
{
    (void)state;
    FEED("abc", 0, 503, .length = "3");
    FEED("a", 50, 0, .unfinished = true, .length = "3");
    FEED("abc", 100, 400, .length = "3");
    FEED("abc", 200, 200, .length = "3");
    assert_sum(1, 0, 0, 1);
    assert_int_equal(payload(0)->attempts[1].number, 2);
    assert_string_not_equal(payload(0)->attempts[3].wrong, "");
}

/* ---- What was to be done, RX-RESP-17 to 19, SDK-RTY-01 to 08 --------- */

static void each_answer_has_its_rule(void **state)
{
    static const struct otk_fault_step cut = {.cuts = true}, garbage = {.garbage = true}, late = {.delay_ms = 5};
    const struct {
        struct request request;
        otk_retry retry;
    } cases[] = {
        {REQUEST("00", 0, 0), OTK_RETRY_BACKOFF},
        {REQUEST("01", 0, 200), OTK_RETRY_FINAL},
        {REQUEST("02", 0, 202), OTK_RETRY_MAY},
        {REQUEST("03", 0, 308), OTK_RETRY_MAY},
        {REQUEST("04", 0, 400), OTK_RETRY_FINAL},
        {REQUEST("05", 0, 401), OTK_RETRY_FINAL},
        {REQUEST("06", 0, 408), OTK_RETRY_FINAL},
        {REQUEST("07", 0, 413), OTK_RETRY_FINAL},
        {REQUEST("08", 0, 429), OTK_RETRY_BACKOFF},
        {REQUEST("09", 0, 500), OTK_RETRY_FINAL},
        {REQUEST("10", 0, 501), OTK_RETRY_FINAL},
        {REQUEST("11", 0, 502), OTK_RETRY_BACKOFF},
        {REQUEST("12", 0, 503), OTK_RETRY_BACKOFF},
        {REQUEST("13", 0, 504), OTK_RETRY_BACKOFF},
        {REQUEST("14", 0, 505), OTK_RETRY_FINAL},
        {REQUEST("15", 0, 503, .retry_after = "2"), OTK_RETRY_AFTER},
        {REQUEST("16", 0, 429, .retry_after = "Tue, 14 Nov 2023 22:13:22 GMT"), OTK_RETRY_AFTER},
        {REQUEST("17", 0, 503, .retry_after = "soon"), OTK_RETRY_BACKOFF},
        {REQUEST("18", 0, 503, .retry_after = "-1"), OTK_RETRY_BACKOFF},
        {REQUEST("19", 0, 400, .retry_after = "2"), OTK_RETRY_FINAL},
        {REQUEST("20", 0, 200, .fault = &cut), OTK_RETRY_BACKOFF},
        {REQUEST("21", 0, 200, .fault = &garbage), OTK_RETRY_MAY},
        {REQUEST("22", 0, 200, .fault = &late), OTK_RETRY_MAY},
        {REQUEST("23", 0, 503, .fault = &late), OTK_RETRY_BACKOFF},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        feed(cases[i].request);
        assert_int_equal(payload(i)->attempts[0].retry, cases[i].retry);
    }
    assert_int_equal(payload(15)->attempts[0].not_before_unix_nano, BEGIN_NS + 2000 * MS);
    assert_int_equal(payload(16)->attempts[0].not_before_unix_nano, BEGIN_NS + 2000 * MS);
}

static void a_retry_is_wrong_before_its_time_and_after_a_final_answer(void **state)
{
    (void)state;
    FEED("early", 0, 503, .retry_after = "1");
    FEED("early", 970, 503, .retry_after = "1");
    FEED("early", 1960, 503); /* a timer may be a little early */
    FEED("early", 1961, 200);
    assert_string_equal(payload(0)->attempts[1].wrong, "it came before the Retry-After had passed");
    assert_string_equal(payload(0)->attempts[2].wrong, "");
    assert_string_equal(payload(0)->attempts[3].wrong, "");
    FEED("final", 0, 400);
    FEED("final", 10000, 503);
    FEED("final", 20000, 400);
    assert_string_equal(payload(1)->attempts[1].wrong, "an answer before it was final");
    assert_string_equal(payload(1)->attempts[2].wrong, "an answer before it was final");
    assert_sum(2, 1, 0, 3);
}

static void delivered_twice_is_duplicated_and_not_to_blame_when_the_answer_was_cut(void **state)
{
    static const struct otk_fault_step cut = {.cuts = true};
    (void)state;
    FEED("a", 0, 200);
    FEED("a", 1, 200);
    FEED("b", 0, 200, .fault = &cut);
    FEED("b", 1, 200);
    assert_sum(2, 0, 2, 1);
    assert_int_equal(otk_attempts_sum(attempts).most, 2);
    assert_int_equal(payload(1)->accepted_count, 2);
}

/* ---- Showing --------------------------------------------------------- */

static char *written(int (*write)(const otk_attempts *a, FILE *to))
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_int_equal(write(attempts, to), 0);
    fclose(to);
    return text;
}

static void text_draws_a_time_line(void **state)
{
    (void)state;
    FEED("aa", 0, 503, .retry_after = "1");
    FEED("ok", 5, 200);
    FEED("bbb", 500, 400, .signal = OTK_SIGNAL_LOGS);
    FEED("aa", 1000, 0);
    FEED("aa", 1500, 200);
    FEED("aa", 2000, 200);
    char *text = written(otk_attempts_write_text);
    assert_string_equal(text, "3 payloads: 1 lost, 1 duplicated, 1 attempt wrong; 1 delivered at once\n"
                              "\n"
                              "              0 ms         500 ms        1000 ms       1500 ms       2000 ms\n"
                              "traces #1     x--------------------------?-------------o-------------!  duplicated\n"
                              "logs #3                    X                                            lost\n"
                              "o accepted   x to be sent again   X refused for good   ? no answer   ! wrong\n"
                              "\n"
                              "traces, 2 bytes: duplicated\n"
                              "  #1       0.000 s  503, to be sent again after 1.000 s\n"
                              "  #4      +1.000 s  no answer, to be sent again\n"
                              "  #5      +0.500 s  200\n"
                              "  #6      +0.500 s  200\n"
                              "           wrong: an answer before it was final\n"
                              "\n"
                              "logs, 3 bytes: lost\n"
                              "  #3       0.000 s  400, final\n");
    free(text);
}

static void text_stays_within_100_columns(void **state)
{
    (void)state;
    number = 18000000000000000000u;
    FEED("aa", 0, 503, .retry_after = "1000000");
    FEED("aa", 500000000, 503, .retry_after = "1000000", .signal = OTK_SIGNAL_METRICS);
    FEED("aa", 7000000000, 503, .signal = OTK_SIGNAL_METRICS);
    char *text = written(otk_attempts_write_text);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 100);
    free(text);
}

static void nothing_is_nothing_to_draw(void **state)
{
    (void)state;
    char *text = written(otk_attempts_write_text);
    assert_string_equal(text, "0 payloads: 0 lost, 0 duplicated, 0 attempts wrong; 0 delivered at once\n");
    free(text);
    text = written(otk_attempts_write_json);
    assert_string_equal(text, "{\"lost\":0,\"duplicated\":0,\"wrong\":0,\"payloads\":[]}\n");
    free(text);
}

static void json_tells_each_attempt(void **state)
{
    (void)state;
    FEED("aa", 0, 503, .retry_after = "1");
    FEED("aa", 500, 200);
    char *text = written(otk_attempts_write_json);
    assert_string_equal(
        text, "{\"lost\":0,\"duplicated\":0,\"wrong\":1,\"payloads\":[\n{\"signal\":\"traces\",\"size\":2,"
              "\"outcome\":\"delivered\",\"accepted\":1,\"attempts\":["
              "{\"request\":1,\"timeUnixNano\":\"1700000000000000000\",\"gapNano\":\"0\",\"status\":503,"
              "\"accepted\":false,\"unfinished\":false,\"retry\":\"after\","
              "\"notBeforeUnixNano\":\"1700000001000000000\",\"wrong\":\"\",\"fault\":\"\"},"
              "{\"request\":2,\"timeUnixNano\":\"1700000000500000000\",\"gapNano\":\"500000000\",\"status\":200,"
              "\"accepted\":true,\"unfinished\":false,\"retry\":\"final\","
              "\"wrong\":\"it came before the Retry-After had passed\",\"fault\":\"\"}]}]}\n");
    free(text);
}

/* ---- Inside ---------------------------------------------------------- */

/* The published vectors of SipHash-2-4 with 128 bits: key 00 01 … 0f, data 00 01 …. */
static void digests_are_siphash(void **state)
{
    const struct otk_digest key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    const uint8_t data[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    (void)state;
    struct otk_digest none = otk_digest_of(key, data, 0), all = otk_digest_of(key, data, sizeof data);
    assert_int_equal(none.half[0], 0xe6a825ba047f81a3);
    assert_int_equal(none.half[1], 0x930255c71472f66d);
    assert_int_not_equal(all.half[0], none.half[0]);
}

static void dates_of_http(void **state)
{
    char text[OTK_HTTP_DATE_SIZE];
    time_t date;
    (void)state;
    otk_http_date_write(text, 784111777);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_true(otk_http_date_read(text, &date));
    assert_int_equal(date, 784111777);
    const char *const wrong[] = {"", "now", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 ovD 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 GMT+"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(otk_http_date_read(wrong[i], &date));
}

static void many_payloads_are_found_again(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 1000; i++) {
            char body[16];
            snprintf(body, sizeof body, "%u", i);
            FEED(body, i, round ? 200 : 503);
        }
    assert_sum(1000, 0, 0, 0);
    assert_int_equal(otk_attempts_sum(attempts).most, 2);
}

static void memory_that_runs_out_leaves_it_whole(void **state)
{
    (void)state;
    const struct request requests[] = {REQUEST("abc", 0, 0, .unfinished = true), REQUEST("abcdef", 1, 503),
                                       REQUEST("abcdef", 2, 200, .gzip = true)};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct capture *c = make(requests[i]);
        int rc = OTK_ENOMEM;
        for (size_t n = 0; rc && n < 1000; n++) {
            otk_attempts *fresh = otk_attempts_new();
            allocations_left = n;
            rc = otk_attempts_feed(fresh, c);
            allocations_left = SIZE_MAX;
            otk_attempts_free(fresh);
            assert_true(rc == 0 || rc == OTK_ENOMEM);
        }
        assert_int_equal(rc, 0);
        assert_int_equal(otk_attempts_feed(attempts, c), 0);
        otk_capture_free(c);
    }
    assert_sum(1, 0, 0, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_same_bytes_are_attempts_of_one_payload),
        TEST(compression_does_not_matter),
        TEST(signals_are_told_apart),
        TEST(other_methods_are_no_attempts),
        TEST(what_was_cut_off_belongs_to_what_begins_like_it),
        TEST(bodies_that_found_no_room_are_not_the_same),
        TEST(what_was_cut_off_may_come_between_attempts),
        TEST(each_answer_has_its_rule),
        TEST(a_retry_is_wrong_before_its_time_and_after_a_final_answer),
        TEST(delivered_twice_is_duplicated_and_not_to_blame_when_the_answer_was_cut),
        TEST(text_draws_a_time_line),
        TEST(text_stays_within_100_columns),
        TEST(nothing_is_nothing_to_draw),
        TEST(json_tells_each_attempt),
        TEST(digests_are_siphash),
        TEST(dates_of_http),
        TEST(many_payloads_are_found_again),
        TEST(memory_that_runs_out_leaves_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
