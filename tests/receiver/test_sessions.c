/* Receivers inside a receiver: nothing crosses. */
#include "served.h"

#include "sessions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define SPAN_JSON "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"%s\"}]}]}]}"


static otk_receiver_counts counts_of(otk_receiver *of)
{
    otk_receiver_counts now;
    otk_receiver_counts_get(of, &now);
    return now;
}

static otk_receiver *session(const char *name)
{
    otk_error error = {0};
    otk_receiver *made = otk_receiver_session(rx, name, &error);
    if (!made)
        fail_msg("%s", error.message);
    return made;
}

/* Posts a span of that name; the answer's status. */
static unsigned post(struct client *from, const char *target, const char *headers, const char *name)
{
    char body[256];
    int size = snprintf(body, sizeof body, SPAN_JSON, name);
    struct response r = client_post(from, (struct post){.target = target,
                                                        .type = "application/json",
                                                        .extra = headers,
                                                        .body = body,
                                                        .size = (size_t)size});
    response_clear(&r);
    return r.status;
}

static void assert_says(unsigned status, const char *says, const char *what, const char *headers)
{
    struct response r = client_ask(&c, what, headers, "");
    assert_int_equal(r.status, status);
    if (says && !strstr(response_text(&r), says))
        fail_msg("%s\ndoes not say: %s", response_text(&r), says);
    response_clear(&r);
}

/* ---- Names and targets ----------------------------------------------- */

static void test_target_tells_session_and_path(void **state)
{
    static const struct {
        const char *target, *session, *path;
    } cases[] = {
        {"/v1/traces", NULL, "/v1/traces"},
        {"/v1/traces?x=1", NULL, "/v1/traces"},
        {"/s/one/v1/traces?x=/s/two", "one", "/v1/traces"},
        {"/s/one", "one", ""},
        {"/s/one/", "one", "/"},
        {"/s/one?x", "one", ""},
        {"/s//v1/traces", "", "/v1/traces"},
        {"/s/", "", ""},
        {"/s", NULL, "/s"},
        {"/spans", NULL, "/spans"},
        {"/s/one/s/two/v1/logs", "one", "/s/two/v1/logs"},
        {"http://localhost:4318/s/one/v1/logs", "one", "/v1/logs"},
        {"http://localhost", NULL, ""},
        {"", NULL, ""},
        {"*", NULL, "*"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        otk_string name, path = otk_target_path(cases[i].target, &name);
        assert_int_equal(path.size, strlen(cases[i].path));
        assert_memory_equal(path.data, cases[i].path, path.size);
        assert_int_equal(name.data != NULL, cases[i].session != NULL);
        assert_int_equal(name.size, cases[i].session ? strlen(cases[i].session) : 0);
        if (name.size)
            assert_memory_equal(name.data, cases[i].session, name.size);
    }
}

#define NAME_64 "0123456789012345678901234567890123456789012345678901234567890123"

static void test_name_is_1_to_64_letters_digits_dots_lines(void **state)
{
    static const char *const good[] = {"a", "A-b_c.9", ".", NAME_64};
    static const char *const bad[] = {"", "a b", "a/b", "\xc3\xa4", "a%20", NAME_64 "4", "a\n"};
    (void)state;
    start();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_non_null(session(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        otk_error error = {0};
        assert_null(otk_receiver_session(rx, bad[i], &error));
        assert_int_equal(error.code, OTK_EINVAL);
        assert_non_null(strstr(error.message, "1 to 64 of the characters"));
    }
}

static void test_bad_name_gets_400_and_is_kept_by_the_receiver(void **state)
{
    (void)state;
    start();
    assert_int_equal(post(&c, "/s/a%20b/v1/traces", NULL, "x"), 400);
    assert_int_equal(post(&c, "/v1/traces", "X-Otlpkit-Session: a b\r\n", "x"), 400);
    assert_int_equal(post(&c, "/s//v1/traces", NULL, "x"), 400);
    assert_int_equal(counts_of(rx).refused, 3);
    assert_non_null(strstr(otk_receiver_request(rx, 0)->reason, "no name for a session"));
    assert_string_equal(otk_receiver_request(rx, 0)->session, "");
    assert_says(400, "no name for a session", "GET /s/a%20b/otlpkit/stats", NULL);
    assert_int_equal(counts_of(rx).requests, 3);
}

/* ---- What a session sees --------------------------------------------- */

static void test_session_is_told_by_path_or_header(void **state)
{
    (void)state;
    start();
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "by path"), 200);
    assert_int_equal(post(&c, "/v1/traces", "x-otlpkit-session: one\r\n", "by header"), 200);
    assert_int_equal(post(&c, "/s/one/v1/traces", "X-Otlpkit-Session: two\r\n", "path before header"), 200);
    assert_int_equal(post(&c, NULL, NULL, "neither"), 200);
    otk_receiver *one = session("one");
    assert_int_equal(counts_of(one).spans, 3);
    assert_int_equal(counts_of(session("two")).requests, 0);
    assert_int_equal(counts_of(rx).spans, 1);
    assert_string_equal(otk_receiver_span(one, 1)->name, "by header");
    assert_null(otk_receiver_span(one, 3));
    assert_string_equal(otk_receiver_request(one, 0)->target, "/s/one/v1/traces");
    assert_string_equal(otk_receiver_request(one, 1)->session, "one");
    assert_int_equal(otk_receiver_request(one, 2)->number, 3);
}

static void test_handle_is_the_same_until_it_is_stopped(void **state)
{
    char expected[64];
    (void)state;
    start();
    otk_receiver *one = session("one");
    assert_ptr_equal(session("one"), one);
    assert_ptr_equal(otk_receiver_session(one, "one", NULL), one);
    snprintf(expected, sizeof expected, "%s/s/one", otk_receiver_url(rx));
    assert_string_equal(otk_receiver_url(one), expected);
    assert_int_equal(otk_receiver_port(one), otk_receiver_port(rx));
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    otk_receiver_stop(one);
    assert_int_equal(counts_of(session("one")).requests, 0);
}

static void test_refusals_and_resets_stay_in_their_session(void **state)
{
    (void)state;
    start();
    assert_int_equal(post(&c, "/s/one/v1/nothing", NULL, "x"), 404);
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    assert_int_equal(post(&c, "/s/two/v1/traces", NULL, "x"), 200);
    assert_null(otk_expect_nothing_lost(rx));
    assert_null(otk_expect_nothing_lost(session("two")));
    otk_report *lost = otk_expect_nothing_lost(session("one"));
    assert_non_null(strstr(otk_report_text(lost), "404"));
    otk_report_free(lost);
    otk_receiver_reset(session("one"));
    assert_int_equal(counts_of(session("one")).requests, 0);
    assert_int_equal(counts_of(session("two")).spans, 1);
}

/* What is cut off before it is whole belongs to its session, too. */
static void test_too_large_request_is_kept_in_its_session(void **state)
{
    (void)state;
    options.max_request_bytes = 100;
    start();
    struct response r;
    client_print(&c, "POST /s/one/v1/traces HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n");
    assert_true(client_read(&c, &r));
    assert_int_equal(r.status, 413);
    response_clear(&r);
    assert_int_equal(counts_of(session("one")).refused, 1);
    assert_int_equal(counts_of(rx).requests, 0);
}

static atomic_uint of_one;

static void count_of_one(const otk_capture *capture, void *arg)
{
    (void)arg;
    of_one += strcmp(capture->session, "one") == 0;
}

static void test_on_capture_is_told_the_session(void **state)
{
    (void)state;
    of_one = 0;
    options.on_capture = count_of_one;
    start();
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    assert_int_equal(post(&c, "/s/two/v1/traces", NULL, "x"), 200);
    assert_int_equal(post(&c, "/v1/traces", NULL, "x"), 200);
    assert_int_equal(of_one, 1);
}

/* ---- Limits ---------------------------------------------------------- */

static void test_more_sessions_than_allowed_get_503(void **state)
{
    (void)state;
    options.max_sessions = 2;
    start();
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    assert_int_equal(post(&c, "/s/two/v1/traces", NULL, "x"), 200);
    assert_int_equal(post(&c, "/s/three/v1/traces", NULL, "x"), 503);
    assert_non_null(strstr(otk_receiver_request(rx, 0)->reason, "max_sessions"));
    otk_error error;
    assert_null(otk_receiver_session(rx, "three", &error));
    assert_int_equal(error.code, OTK_ELIMIT);
    assert_says(204, NULL, "DELETE /s/one", NULL);
    assert_int_equal(post(&c, "/s/three/v1/traces", NULL, "x"), 200);
    assert_int_equal(post(&c, "/s/two/v1/traces", NULL, "x"), 200);
}

/* How many posts of some 5 kB are taken. */
static unsigned fill(const char *target)
{
    char name[5000];
    unsigned taken = 0;
    struct otk_buffer body = OTK_BUFFER_INIT(1 << 14);
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    otk_buffer_printf(&body, SPAN_JSON, name);
    for (bool full = false; !full && taken < 1000; taken += !full) {
        struct post p = {.target = target, .type = "application/json", .body = body.data, .size = body.size};
        struct response r = client_post(&c, p);
        full = r.status == 503;
        assert_true(full || r.status == 200);
        response_clear(&r);
    }
    otk_buffer_clear(&body);
    return taken;
}

static void test_full_session_leaves_others_their_room(void **state)
{
    (void)state;
    options.max_session_bytes = 100000;
    start();
    unsigned taken = fill("/s/one/v1/traces");
    assert_in_range(taken, 2, 20);
    assert_int_equal(fill("/s/two/v1/traces"), taken);
    assert_int_equal(post(&c, NULL, NULL, "x"), 200);
    otk_receiver *one = session("one");
    assert_non_null(strstr(otk_receiver_request(one, taken)->reason, "max_session_bytes"));
    assert_int_equal(counts_of(one).refused, 1);
    otk_receiver_reset(one);
    assert_int_equal(fill("/s/one/v1/traces"), taken);
}

static void test_all_sessions_together_stay_within_the_receivers_limit(void **state)
{
    (void)state;
    options.max_capture_bytes = 200000;
    options.max_session_bytes = 150000;
    start();
    unsigned of_first = fill("/s/one/v1/traces"), of_second = fill("/s/two/v1/traces");
    assert_true(of_second < of_first);
    assert_int_equal(post(&c, "/v1/traces", NULL, "x"), 200); /* the refused ones are bounded elsewhere, and this is small */
    assert_says(204, NULL, "DELETE /s/one", NULL);
    assert_true(fill("/s/two/v1/traces") > 0);
}

static void test_full_session_that_drops_forgets_its_own_oldest(void **state)
{
    (void)state;
    options.max_session_bytes = 100000;
    options.drop_oldest = true;
    start();
    assert_int_equal(post(&c, "/s/two/v1/traces", NULL, "stays"), 200);
    assert_int_equal(fill("/s/one/v1/traces"), 1000);
    assert_true(counts_of(session("one")).dropped_captures > 900);
    assert_int_equal(counts_of(session("two")).dropped_captures, 0);
    assert_string_equal(otk_receiver_span(session("two"), 0)->name, "stays");
}

/* ---- Deleting -------------------------------------------------------- */

static void test_deleted_session_is_made_anew_by_its_next_use(void **state)
{
    (void)state;
    start();
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    assert_says(200, "\"one\"", "GET /otlpkit/sessions", NULL);
    assert_says(204, NULL, "DELETE /s/one", NULL);
    assert_says(404, NULL, "DELETE /s/one", NULL);
    assert_says(200, "[", "GET /s/one/otlpkit/spans", NULL);
    assert_int_equal(counts_of(session("one")).requests, 0);
    assert_says(204, NULL, "DELETE /otlpkit/sessions/one", NULL);
}

struct waiting {
    otk_receiver *rx;
    otk_condition condition;
    pthread_t thread;
    int rc;
};

static void *wait_long(void *arg)
{
    struct waiting *w = arg;
    w->rc = otk_receiver_wait(w->rx, &w->condition, 600000, NULL);
    return NULL;
}

/* The wait ends, and what was seen is still there for who holds the session. */
static void test_deletion_ends_waits_and_leaves_a_handle_what_it_shows(void **state)
{
    (void)state;
    start();
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "seen"), 200);
    struct waiting w = {.rx = session("one"), .condition = otk_seen("{ name = \"never\" }"), .rc = 1};
    const otk_captured_span *seen = otk_receiver_span(w.rx, 0);
    pthread_create(&w.thread, NULL, wait_long, &w);
    assert_says(204, NULL, "DELETE /s/one", NULL);
    pthread_join(w.thread, NULL);
    assert_int_equal(w.rc, OTK_ETIMEOUT);
    assert_string_equal(seen->name, "seen");
    assert_int_equal(otk_receiver_count(w.rx, "{ name = \"seen\" }", NULL), 1);
    assert_int_equal(otk_receiver_wait_spans(w.rx, 2, 600000), OTK_ETIMEOUT);
    otk_receiver *anew = session("one");
    assert_ptr_not_equal(anew, w.rx);
    otk_receiver_stop(w.rx);
    assert_int_equal(counts_of(anew).requests, 0);
}

static void test_deletion_answers_waits_over_http(void **state)
{
    (void)state;
    start();
    struct client other = client_open(otk_receiver_port(rx));
    client_send_question(&other, "GET /s/one/otlpkit/wait?until=%7bname=%22x%22%7d&timeout=10m", NULL, NULL);
    otk_receiver *one;
    while (!(one = otk_session_after(rx, 0))) /* each look is a round trip */
        assert_says(200, NULL, "GET /healthz", NULL);
    otk_session_release(one);
    assert_says(204, NULL, "DELETE /s/one", NULL);
    struct response r;
    assert_true(client_read(&other, &r));
    assert_int_equal(r.status, 417);
    response_clear(&r);
    client_close(&other);
}

/* A test that is over stops its session; what others ask of it then is asked of a new one. */
static void test_stop_ends_a_session_that_is_asked(void **state)
{
    (void)state;
    start();
    struct client other = client_open(otk_receiver_port(rx));
    otk_receiver *one = session("one");
    client_send_question(&other, "GET /s/one/otlpkit/stream", NULL, NULL);
    assert_true(client_sees(&other, "retry:"));
    otk_receiver_stop(one);
    assert_true(client_sees(&other, "0\r\n\r\n"));
    client_close(&other);
}

static void test_closed_session_keeps_what_came_and_gets_nothing_more(void **state)
{
    (void)state;
    start();
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    otk_receiver *one = session("one");
    otk_receiver_close(one);
    assert_int_equal(post(&c, "/s/one/v1/traces", NULL, "x"), 200);
    assert_int_equal(counts_of(one).spans, 1);
    assert_int_equal(otk_receiver_wait_spans(one, 2, 600000), OTK_ETIMEOUT);
}

/* ---- Side by side ---------------------------------------------------- */

#define SESSIONS 50
#define ROUNDS 20

struct tester {
    pthread_t thread;
    unsigned number;
    unsigned wrong;
};

/* Like a test of its own: sends, waits, looks, starts over. */
static void *test_alone(void *arg)
{
    struct tester *t = arg;
    char name[32], target[64], header[64], mine[64];
    struct client own = client_open(otk_receiver_port(rx));
    snprintf(name, sizeof name, "session-%u", t->number);
    snprintf(target, sizeof target, "/s/%s/v1/traces", name);
    snprintf(header, sizeof header, "X-Otlpkit-Session: %s\r\n", name);
    snprintf(mine, sizeof mine, "{ name = \"%s\" }", name);
    otk_receiver *one = otk_receiver_session(rx, name, NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        t->wrong += post(&own, i % 2 ? target : NULL, i % 2 ? NULL : header, name) != 200;
        t->wrong += otk_receiver_wait_spans(one, i % 5 + 1, PATIENCE_MS) != 0;
        t->wrong += otk_receiver_count(one, mine, NULL) != i % 5 + 1;
        t->wrong += counts_of(one).spans != i % 5 + 1;
        if (i % 5 == 4)
            otk_receiver_reset(one);
    }
    if (t->number % 2)
        otk_receiver_stop(one);
    client_close(&own);
    return NULL;
}

static void test_fifty_sessions_at_once_do_not_meet(void **state)
{
    struct tester testers[SESSIONS];
    (void)state;
    start();
    for (unsigned i = 0; i < SESSIONS; i++) {
        testers[i] = (struct tester){.number = i};
        pthread_create(&testers[i].thread, NULL, test_alone, &testers[i]);
    }
    for (unsigned i = 0; i < SESSIONS; i++)
        pthread_join(testers[i].thread, NULL);
    for (unsigned i = 0; i < SESSIONS; i++)
        assert_int_equal(testers[i].wrong, 0);
    assert_int_equal(counts_of(rx).requests, 0);
}

/* Sessions come and go while others are asked for by the same names. */
static void *make_and_delete(void *arg)
{
    struct tester *t = arg;
    struct client own = client_open(otk_receiver_port(rx));
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct response r;
        char target[64];
        snprintf(target, sizeof target, "/s/shared-%u/v1/traces", i % 3);
        t->wrong += post(&own, target, NULL, "x") != 200;
        snprintf(target, sizeof target, "%s /s/shared-%u%s", i % 2 ? "DELETE" : "GET", i % 3,
                 i % 2 ? "" : "/otlpkit/spans");
        r = client_ask(&own, target, NULL, NULL);
        t->wrong += r.status >= 500;
        response_clear(&r);
    }
    client_close(&own);
    return NULL;
}

static void test_sessions_are_deleted_while_they_are_used(void **state)
{
    struct tester testers[8];
    (void)state;
    start();
    for (unsigned i = 0; i < 8; i++) {
        testers[i] = (struct tester){.number = i};
        pthread_create(&testers[i].thread, NULL, make_and_delete, &testers[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        otk_receiver *one = session("shared-1");
        otk_receiver_counts_get(one, &(otk_receiver_counts){0});
        otk_receiver_stop(one);
    }
    for (unsigned i = 0; i < 8; i++)
        pthread_join(testers[i].thread, NULL);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(testers[i].wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_tells_session_and_path),
        cmocka_unit_test_setup_teardown(test_name_is_1_to_64_letters_digits_dots_lines, prepare, stop),
        cmocka_unit_test_setup_teardown(test_bad_name_gets_400_and_is_kept_by_the_receiver, prepare, stop),
        cmocka_unit_test_setup_teardown(test_session_is_told_by_path_or_header, prepare, stop),
        cmocka_unit_test_setup_teardown(test_handle_is_the_same_until_it_is_stopped, prepare, stop),
        cmocka_unit_test_setup_teardown(test_refusals_and_resets_stay_in_their_session, prepare, stop),
        cmocka_unit_test_setup_teardown(test_too_large_request_is_kept_in_its_session, prepare, stop),
        cmocka_unit_test_setup_teardown(test_on_capture_is_told_the_session, prepare, stop),
        cmocka_unit_test_setup_teardown(test_more_sessions_than_allowed_get_503, prepare, stop),
        cmocka_unit_test_setup_teardown(test_full_session_leaves_others_their_room, prepare, stop),
        cmocka_unit_test_setup_teardown(test_all_sessions_together_stay_within_the_receivers_limit, prepare, stop),
        cmocka_unit_test_setup_teardown(test_full_session_that_drops_forgets_its_own_oldest, prepare, stop),
        cmocka_unit_test_setup_teardown(test_deleted_session_is_made_anew_by_its_next_use, prepare, stop),
        cmocka_unit_test_setup_teardown(test_deletion_ends_waits_and_leaves_a_handle_what_it_shows, prepare, stop),
        cmocka_unit_test_setup_teardown(test_deletion_answers_waits_over_http, prepare, stop),
        cmocka_unit_test_setup_teardown(test_stop_ends_a_session_that_is_asked, prepare, stop),
        cmocka_unit_test_setup_teardown(test_closed_session_keeps_what_came_and_gets_nothing_more, prepare, stop),
        cmocka_unit_test_setup_teardown(test_fifty_sessions_at_once_do_not_meet, prepare, stop),
        cmocka_unit_test_setup_teardown(test_sessions_are_deleted_while_they_are_used, prepare, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
