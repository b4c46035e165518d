/* What the pages of the HTTP face say, asked step by step. */
#include "given.h"
#include "story.h"

#include "expect.h"
#include "pages.h"

#include <sys/socket.h>

#define TWO_SPANS SPANS(ROOT "," CHILD)
#define A_METRIC                                                                                                       \
    METRICS("{'name':'requests','sum':{'dataPoints':[{'asInt':'1'},{'asInt':'2'}]}},"                                  \
            "{'name':'other','gauge':{'dataPoints':[{'asInt':'3'}]}}")
#define A_LOG LOGS("{'body':{'stringValue':'hello'}}")

/* ---- The clock ------------------------------------------------------- */

uint64_t __real_otk_now_ns(void);
uint64_t __wrap_otk_now_ns(void);

static uint64_t clock_ns; /* what it is said to show, or 0: what it shows */
static uint64_t tick_ns;  /* by which it goes on whenever it is looked at */

uint64_t __wrap_otk_now_ns(void)
{
    if (!clock_ns)
        return __real_otk_now_ns();
    clock_ns += tick_ns;
    return clock_ns;
}

/* ---- Asking ---------------------------------------------------------- */

struct answer {
    struct otk_question q;
    struct otk_buffer text; /* all that was said so far */
    enum otk_step last;
    unsigned steps;
    bool opened;
};

/* "GET /otlpkit/stats" */
static struct answer question(otk_receiver *rx, const char *what)
{
    struct answer a = {.q = {.rx = rx, .status = 200, .content_type = "application/json", .again_ns = UINT64_MAX},
                       .text = OTK_BUFFER_INIT(SIZE_MAX)};
    const char *target = strchr(what, ' ') + 1;
    a.q.out = OTK_BUFFER_INIT(SIZE_MAX);
    a.q.request = otk_capture_new();
    assert_non_null(a.q.request);
    a.q.request->pub.method = otk_arena_string(&a.q.request->arena, what, (size_t)(target - what - 1));
    a.q.request->pub.target = target;
    return a;
}

static void take_out(struct answer *a)
{
    otk_buffer_append(&a->text, a->q.out.data, a->q.out.size);
    a->q.out.size = 0;
}

static void step(struct answer *a)
{
    a->last = a->q.page->step(&a->q);
    a->steps++;
    take_out(a);
}

/* Goes on until the page is done or idle. */
static void go_on(struct answer *a)
{
    do
        step(a);
    while (a->last == OTK_STEP_AGAIN && !a->q.out.failed);
}

static bool is_opened(struct answer *a)
{
    const char *target = a->q.request->pub.target;
    a->last = OTK_STEP_DONE;
    a->opened = otk_question_route(&a->q, (otk_string){target, strcspn(target, "?")});
    return a->opened && (!a->q.page->open || a->q.page->open(&a->q));
}

static void begin(struct answer *a)
{
    if (is_opened(a))
        go_on(a);
    else
        take_out(a);
}

static void end(struct answer *a)
{
    if (a->opened && a->q.page->close)
        a->q.page->close(&a->q);
    otk_buffer_clear(&a->q.out);
    otk_buffer_clear(&a->text);
    otk_capture_free(a->q.request);
}

/* What was said so far, with ' for ", and forgets it. */
static const char *said(struct answer *a)
{
    static char text[1 << 16];
    assert_true(a->text.size < sizeof text);
    for (size_t i = 0; i < a->text.size; i++)
        text[i] = a->text.data[i] == '"' ? '\'' : (char)a->text.data[i];
    text[a->text.size] = '\0';
    a->text.size = 0;
    return text;
}

/* The whole answer at once. */
static const char *asked(otk_receiver *rx, const char *what, unsigned status)
{
    struct answer a = question(rx, what);
    begin(&a);
    assert_int_equal(a.last, OTK_STEP_DONE);
    const char *text = said(&a);
    if (a.q.status != status)
        fail_msg("%s: %u, not %u: %s", what, a.q.status, status, text);
    end(&a);
    return text;
}

static size_t count_in(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

static int start(void **state)
{
    *state = otk_receiver_start(NULL, NULL);
    return *state ? 0 : -1;
}

static int stop(void **state)
{
    otk_receiver_stop(*state);
    return 0;
}

/* ---- Finding a page -------------------------------------------------- */

static void test_a_wrong_path_is_told_the_nearest(void **state)
{
    assert_string_equal(asked(*state, "GET /otlpkit/dmup", 404),
                        "{'code':5,'message':'there is no page /otlpkit/dmup; the nearest is /otlpkit/dump'}");
    assert_non_null(strstr(asked(*state, "GET /otlpkit/spans/", 404), "the nearest is /otlpkit/spans'"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/", 404), "/otlpkit/openapi.json lists those there are"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/nothing-of-this-sort", 404), "openapi.json"));
}

static void test_a_wrong_method_is_told_the_right_ones(void **state)
{
    struct answer a = question(*state, "POST /otlpkit/stats");
    begin(&a);
    assert_int_equal(a.q.status, 405);
    assert_string_equal(a.q.allow, "GET, HEAD");
    assert_string_equal(said(&a), "{'code':12,'message':'this page is asked by GET, HEAD'}");
    end(&a);
    asked(*state, "GET /otlpkit/captures", 405);
    asked(*state, "HEAD /otlpkit/stats", 200);
}

static void test_an_argument_that_is_not_known_is_refused(void **state)
{
    assert_string_equal(asked(*state, "GET /otlpkit/spans?limti=3", 400),
                        "{'code':3,'message':'/otlpkit/spans has no argument limti; did you mean limit?'}");
    assert_non_null(strstr(asked(*state, "GET /otlpkit/spans?colour=red", 400), "has no argument colour'"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/spans?limit=3&limit=4", 400), "more than once"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/spans?limit=-1", 400), "limit is a number, not -1"));
    assert_non_null(
        strstr(asked(*state, "GET /otlpkit/spans?limit=%zz", 400), "not UTF-8 text with escapes such as %20"));
}

static void test_a_wrong_selector_is_shown_with_its_place(void **state)
{
    for (const char *const *page = (const char *const[]){"spans", "dump", "stream", NULL}; *page; page++) {
        char what[128];
        snprintf(what, sizeof what, "GET /otlpkit/%s?where=%%7B%%20nmae%%20%%3D%%20%%22a%%22%%20%%7D", *page);
        const char *text = asked(*state, what, 400);
        assert_non_null(strstr(text, "{ nmae = \\'a\\' }\\n    ^~~~\\n','position':3}"));
        assert_non_null(strstr(text, "{'code':3,'message':'"));
    }
}

/* ---- Items ----------------------------------------------------------- */

static void test_items_are_an_array_with_one_a_line(void **state)
{
    assert_string_equal(asked(*state, "GET /otlpkit/spans", 200), "[]\n");
    tell(*state, TWO_SPANS);
    tell(*state, A_LOG);
    tell(*state, A_METRIC);
    const char *text = asked(*state, "GET /otlpkit/spans", 200);
    assert_int_equal(strncmp(text, "[\n{'traceId':'0af7651916cd43dd8448eb211c80319c','spanId':'00000000000000a1',", 70),
                     0);
    assert_int_equal(count_in(text, "},\n{'traceId'"), 1);
    assert_int_equal(count_in(text, "}\n]\n"), 1);
    assert_int_equal(count_in(text, "'service':'shop'"), 2);
    assert_int_equal(count_in(asked(*state, "GET /otlpkit/logs", 200), "'body':'hello'"), 1);
    text = asked(*state, "GET /otlpkit/metrics", 200);
    assert_int_equal(count_in(text, "'request':3"), 2);
    assert_int_equal(count_in(text, "\n{"), 2);
}

static void test_limit_ends_the_array(void **state)
{
    tell(*state, TWO_SPANS);
    tell(*state, TWO_SPANS);
    assert_int_equal(count_in(asked(*state, "GET /otlpkit/spans?limit=3", 200), "\n{"), 3);
    assert_int_equal(count_in(asked(*state, "GET /otlpkit/spans?limit=9", 200), "\n{"), 4);
    assert_string_equal(asked(*state, "GET /otlpkit/spans?limit=0", 200), "[]\n");
    assert_int_equal(count_in(asked(*state, "GET /otlpkit/spans?limit=1&where=%7B%7D", 200), "\n{"), 1);
    assert_int_equal(count_in(asked(*state, "GET /otlpkit/requests?limit=1", 200), "\n{"), 1);
}

static void test_where_narrows_items(void **state)
{
    tell(*state, TWO_SPANS);
    tell(*state, A_METRIC);
    const char *text = asked(*state, "GET /otlpkit/spans?where=%7Bname=%22charge%22%7D", 200);
    assert_int_equal(count_in(text, "\n{"), 1);
    assert_int_equal(count_in(text, "'name':'charge'"), 1);
    text = asked(*state, "GET /otlpkit/spans?where=%7Bname=%22checkout%22%7D%3E%7B%7D", 200);
    assert_int_equal(count_in(text, "'name':'charge'"), 1);
    assert_int_equal(count_in(text, "\n{"), 1);
    text = asked(*state, "GET /otlpkit/metrics?where=metric%7Bname=%22requests%22%7D", 200);
    assert_int_equal(count_in(text, "\n{"), 1); /* though two of its points match */
    assert_non_null(strstr(asked(*state, "GET /otlpkit/logs?where=%7B%7D", 400), "about spans; ask /otlpkit/spans"));
}

static void test_much_is_shown_in_steps(void **state)
{
    for (int i = 0; i < 100; i++)
        tell(*state, TWO_SPANS);
    static const char *const pages[] = {"spans",
                                        "spans?where=%7Bname=%22charge%22%7D",
                                        "dump",
                                        "requests",
                                        "archive",
                                        "dump?where=%7B%7D",
                                        "spans?where=%7B%7D%7Ccount()%3E0"};
    static const char *const parts[] = {"\n{", "\n{", "}\n", "\n{", "WARC-Type: request", "}\n", "\n{"};
    static const size_t counts[] = {200, 100, 100, 100, 100, 100, 200};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char what[128];
        unsigned steps = 0;
        size_t shown = 0;
        snprintf(what, sizeof what, "GET /otlpkit/%s", pages[i]);
        struct answer a = question(*state, what);
        a.opened = otk_question_route(&a.q, (otk_string){what + 4, strcspn(what + 4, "?")});
        assert_true(a.opened && a.q.page->open(&a.q));
        do {
            a.last = a.q.page->step(&a.q);
            take_out(&a);
            shown += count_in(said(&a), parts[i]);
            steps++;
        } while (a.last == OTK_STEP_AGAIN);
        assert_int_equal(a.last, OTK_STEP_DONE);
        assert_int_equal(shown, counts[i]);
        assert_true(steps > 2);
        end(&a);
    }
}

static void test_what_comes_after_the_question_is_not_in_its_answer(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/spans");
    tell(*state, TWO_SPANS);
    a.opened = otk_question_route(&a.q, (otk_string){"/otlpkit/spans", 14});
    assert_true(a.q.page->open(&a.q));
    tell(*state, TWO_SPANS);
    go_on(&a);
    assert_int_equal(a.last, OTK_STEP_DONE);
    assert_int_equal(count_in(said(&a), "\n{"), 2);
    end(&a);
}

/* ---- Requests, dump, stats ------------------------------------------- */

static void test_dump_is_lines_of_otlp_json(void **state)
{
    tell(*state, TWO_SPANS);
    tell(*state, "{'resourceSpans':7}");
    tell(*state, A_LOG);
    struct answer a = question(*state, "GET /otlpkit/dump");
    begin(&a);
    assert_string_equal(a.q.content_type, "application/x-ndjson");
    assert_string_equal(said(&a), TWO_SPANS "\n" A_LOG "\n");
    end(&a);
    assert_string_equal(asked(*state, "GET /otlpkit/dump?where=%7Bname=%22charge%22%7D", 200), SPANS(CHILD) "\n");
}

/* What an archive of `rx` is opened as. */
static otk_receiver *archived(otk_receiver *rx)
{
    struct answer a = question(rx, "GET /otlpkit/archive");
    otk_error error;
    begin(&a);
    assert_int_equal(a.last, OTK_STEP_DONE);
    assert_string_equal(a.q.content_type, "application/warc");
    char *path = given_file(a.text.data, a.text.size);
    otk_receiver *opened = otk_receiver_open((const char *const[]){path}, 1, NULL, &error);
    if (!opened)
        fail_msg("%s", error.message);
    forget_file(path);
    end(&a);
    return opened;
}

static void assert_judged_alike(otk_receiver *rx, otk_receiver *other, const char *line, int code)
{
    otk_expectations *e = otk_expectations_new();
    otk_report *one, *two;
    assert_int_equal(otk_expectations_add(e, line, "shop.expect", NULL), 0);
    if (otk_receiver_judge(rx, e, 0, &one) != code)
        fail_msg("%s: %s", line, otk_report_text(one));
    assert_int_equal(otk_receiver_judge(other, e, 0, &two), code);
    assert_string_equal(otk_report_json(one), otk_report_json(two));
    otk_report_free(one);
    otk_report_free(two);
    otk_expectations_free(e);
}

static void cut_off(otk_receiver *rx, const char *request)
{
    struct client c = client_open(otk_receiver_port(rx));
    client_print(&c, "%s", request);
    shutdown(c.fd, SHUT_WR);
    assert_true(client_sees_end(&c));
    client_close(&c);
}

static void test_an_archive_is_judged_as_its_receiver(void **state)
{
    static const struct {
        const char *line;
        int code;
    } lines[] = {
        {"{ name = \"charge\" }", 0},
        {"3.. { name = \"charge\" }", OTK_ETIMEOUT},
        {"3.. log{}", OTK_ETIMEOUT},
        {"delivered", OTK_ETIMEOUT},
        {"delivered once", OTK_ETIMEOUT},
        {"retried rightly", OTK_ETIMEOUT},
        {"retried 3", 0},
        {"complete", 0},
    };
    assert_int_equal(otk_receiver_faults_set(*state,
                                             "traces: 503 retry-after=9; logs: 400, 202, 307, partial=2; metrics: cut=0, 200, "
                                             "ok garbage",
                                             NULL),
                     0);
    for (size_t i = 0; i < 4; i++)
        tell(*state, A_LOG);
    for (size_t i = 0; i < 2; i++)
        tell(*state, TWO_SPANS);
    cut_off(*state, "POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    cut_off(*state, "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}");
    cut_off(*state, "PRI * HTTP/2.0\r\n\r\n");
    for (size_t i = 0; i < 2; i++)
        tell(*state, A_METRIC);
    tell(*state, "{'resourceSpans':7}");
    otk_receiver_close(*state);
    otk_receiver *opened = archived(*state);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_judged_alike(*state, opened, lines[i].line, lines[i].code);
    char *attempts = strdup(asked(*state, "GET /otlpkit/attempts", 200));
    assert_string_equal(asked(opened, "GET /otlpkit/attempts", 200), attempts);
    free(attempts);
    otk_receiver_stop(opened);
}

/* A body that is larger than a step. */
static void test_an_archive_has_large_bodies_whole(void **state)
{
    static char text[3 * PAGE_STEP_BYTES];
    int front = sprintf(text, "{'resourceLogs':[],'a':'");
    memset(text + front, 'x', sizeof text - 64);
    sprintf(text + front + sizeof text - 64, "'}");
    tell(*state, text);
    otk_receiver *opened = archived(*state);
    const otk_capture *one = otk_receiver_request(*state, 0), *two = otk_receiver_request(opened, 0);
    assert_int_equal(one->status, 200);
    assert_int_equal(two->body.size, one->body.size);
    assert_memory_equal(two->body.data, one->body.data, one->body.size);
    otk_receiver_stop(opened);
}

static void test_requests_show_what_was_sent_and_answered(void **state)
{
    tell_as(otk_receiver_port(*state), "/v1/logs", "Authorization: secret\r\nX-A: \xff\r\n", A_LOG);
    tell(*state, "{'resourceSpans':7}");
    const char *text = asked(*state, "GET /otlpkit/requests", 200);
    assert_non_null(strstr(text, "[\n{'number':1,'timeUnixNano':'"));
    assert_non_null(strstr(text, "'method':'POST','target':'/v1/logs','httpVersion':'HTTP/1.1','peer':'127.0.0.1:"));
    assert_non_null(strstr(text, "{'name':'Authorization','value':'secret'},{'name':'X-A','value':'\xef\xbf\xbd'}"));
    assert_non_null(strstr(text, "'signal':'logs','encoding':'json','bodySize':"));
    assert_non_null(strstr(text,
                           "'logRecords':1,'unknownFields':0,'rejected':0,'notes':'','status':200,'reason':'',"
                           "'answer':{'status':200,'headers':[{'name':'Content-Type','value':'application/json'}],"
                           "'bodySize':2,'body':'{}'}}"));
    assert_non_null(strstr(text, "'status':400,'reason':'"));
    assert_non_null(strstr(text, "'body':'{\\'code\\':3,"));
}

static void test_stats_count_all(void **state)
{
    tell(*state, TWO_SPANS);
    tell(*state, TWO_SPANS);
    tell(*state, "{'resourceSpans':7}");
    const char *text = asked(*state, "GET /otlpkit/stats", 200);
    assert_non_null(strstr(text, "{'version':'"));
    assert_non_null(strstr(text, "'url':'http://127.0.0.1:"));
    assert_non_null(strstr(text, "'counts':{'requests':3,'refused':1,'repeatedRequests':1,'spans':4,'metrics':0,"
                                 "'dataPoints':0,'logRecords':0,'rejected':0,'unknownFields':0,'bodyBytes':"));
    assert_non_null(strstr(text, "'droppedRequests':0,'droppedBytes':0,'unreadableConnections':0,'grpcConnections':0,"
                                 "'tlsConnections':0}"));
    assert_non_null(strstr(text, "'limits':{'maxRequestBytes':67108864,'maxResponseBytes':4194304,"
                                 "'maxCaptureBytes':1073741824,'dropOldest':false,'maxConnections':"));
}

static void test_captures_are_forgotten(void **state)
{
    tell(*state, TWO_SPANS);
    assert_string_equal(asked(*state, "DELETE /otlpkit/captures", 204), "");
    assert_string_equal(asked(*state, "GET /otlpkit/spans", 200), "[]\n");
}

/* ---- Sessions -------------------------------------------------------- */

static void test_sessions_are_listed_and_deleted(void **state)
{
    assert_string_equal(asked(*state, "GET /otlpkit/sessions", 200), "[]\n");
    tell_as(otk_receiver_port(*state), "/s/a/v1/logs", NULL, A_LOG);
    tell_as(otk_receiver_port(*state), "/v1/logs", "X-Otlpkit-Session: b\r\n", A_LOG);
    const char *text = asked(*state, "GET /otlpkit/sessions", 200);
    assert_int_equal(count_in(text, "{'name':'a','url':'http://127.0.0.1:"), 1);
    assert_int_equal(count_in(text, "/s/b','counts':{'requests':1,"), 1);
    otk_receiver *a = otk_receiver_session(*state, "a", NULL);
    text = asked(a, "GET /otlpkit/stats", 200);
    assert_non_null(strstr(text, "/s/a','session':'a','counts':{'requests':1,"));
    assert_non_null(strstr(text, "'maxCaptureBytes':67108864,"));
    assert_non_null(strstr(asked(a, "GET /otlpkit/requests", 200), "'session':'a','peer':'"));
    asked(*state, "DELETE /otlpkit/sessions/b", 204);
    asked(*state, "DELETE /otlpkit/sessions/b", 404);
    asked(*state, "DELETE /otlpkit/sessions/", 404);
    assert_int_equal(count_in(asked(*state, "GET /otlpkit/sessions", 200), "\n{"), 1);
    assert_string_equal(asked(*state, "GET /otlpkit/sessions?limit=0", 200), "[]\n");
}

static void test_every_page_and_argument_is_described(void **state)
{
    char wanted[128];
    const char *document = asked(*state, "GET /otlpkit/openapi.json", 200);
    for (size_t i = 0; otk_pages[i]; i++) {
        snprintf(wanted, sizeof wanted, "\n    '%s", otk_pages[i]->path);
        assert_non_null(strstr(document, wanted));
        for (const char *const *argument = otk_pages[i]->arguments; *argument; argument++) {
            snprintf(wanted, sizeof wanted, "'name': '%s'", *argument);
            if (!strstr(document, wanted))
                fail_msg("%s: %s is not described", otk_pages[i]->path, *argument);
        }
    }
}

/* ---- Wait ------------------------------------------------------------ */

#define CHECKOUT "%7B%20name%20%3D%20%22checkout%22%20%7D"
#define CHARGE "%7B%20name%20%3D%20%22charge%22%20%7D"

static void test_a_wait_holds_at_once(void **state)
{
    tell(*state, TWO_SPANS);
    const char *text = asked(*state, "GET /otlpkit/wait?until=" CHECKOUT "&until=" CHARGE, 200);
    assert_non_null(strstr(text, "{'holds':true,"));
    assert_non_null(strstr(text, "'missing':[]"));
}

static void test_a_wait_is_idle_until_it_holds(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/wait?until=" CHECKOUT);
    begin(&a);
    assert_int_equal(a.last, OTK_STEP_IDLE);
    assert_true(a.q.again_ns < UINT64_MAX);
    tell(*state, A_LOG);
    go_on(&a);
    assert_int_equal(a.last, OTK_STEP_IDLE);
    assert_string_equal(said(&a), "");
    tell(*state, TWO_SPANS);
    go_on(&a);
    assert_int_equal(a.last, OTK_STEP_DONE);
    assert_int_equal(a.q.status, 200);
    assert_non_null(strstr(said(&a), "'holds':true"));
    end(&a);
}

static void test_a_wait_concerns_what_it_looks_at(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/wait?until=" CHECKOUT);
    begin(&a);
    otk_capture *log = given(OTK_SIGNAL_LOGS, LOG("'severityNumber':1"));
    otk_capture *span = given(OTK_SIGNAL_TRACES, SPAN("'name':'a'"));
    assert_false(a.q.page->concerns(&a.q, otk_capture_of(log)));
    assert_true(a.q.page->concerns(&a.q, otk_capture_of(span)));
    forget(log);
    forget(span);
    end(&a);
}

static void test_a_wait_that_is_not_met_reports_it(void **state)
{
    tell(*state, A_LOG);
    const char *text = asked(*state, "GET /otlpkit/wait?timeout=0ms&until=" CHECKOUT, 417);
    assert_non_null(strstr(text, "{'holds':false,"));
    assert_non_null(strstr(text, "'met':[],'missing':[{'condition':'{ name = "));
    struct answer a = question(*state, "GET /otlpkit/wait?timeout=1h&until=" CHECKOUT);
    begin(&a);
    a.q.ending = true;
    go_on(&a);
    assert_int_equal(a.last, OTK_STEP_DONE);
    assert_int_equal(a.q.status, 417);
    end(&a);
}

static void test_a_report_has_the_form_that_is_asked_for(void **state)
{
    otk_header accept = {"Accept", "text/plain, application/json;q=0.5"};
    struct answer a = question(*state, "GET /otlpkit/wait?timeout=0ms&until=" CHECKOUT);
    a.q.request->pub.headers = (otk_headers){&accept, 1};
    begin(&a);
    assert_string_equal(a.q.content_type, "text/plain; charset=utf-8");
    assert_int_equal(strncmp(said(&a), "MISSING: { name = ", 18), 0);
    end(&a);
    assert_int_equal(
        strncmp(asked(*state, "GET /otlpkit/wait?timeout=0ms&report=tap&until=" CHECKOUT, 417), "TAP version 14\n", 15),
        0);
    assert_int_equal(
        strncmp(asked(*state, "GET /otlpkit/wait?timeout=0ms&report=junit&until=" CHECKOUT, 417), "<?xml ", 6), 0);
    assert_int_equal(
        strncmp(asked(*state, "GET /otlpkit/wait?timeout=0ms&report=github&until=" CHECKOUT, 417), "::error", 7), 0);
    assert_non_null(
        strstr(asked(*state, "GET /otlpkit/wait?report=csv&until=" CHECKOUT, 400), "json, text, tap, junit or github"));
}

static void test_a_wrong_wait_is_refused(void **state)
{
    assert_non_null(strstr(asked(*state, "GET /otlpkit/wait", 400), "until is missing"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/wait?until=%7B%20nmae%20%7D", 400), "^~~~"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/wait?until=%7B%7D&timeout=5", 400), "timeout is a duration"));
    assert_non_null(strstr(asked(*state, "GET /otlpkit/wait?until=%7B%7D&timeout=2h", 400), "timeout is a duration"));
}

static struct answer posted(otk_receiver *rx, const char *what, const char *body)
{
    struct answer a = question(rx, what);
    a.q.request->pub.body = (otk_bytes){(const uint8_t *)body, strlen(body)};
    begin(&a);
    return a;
}

/* A clock that is late at every look makes a step of each item. */
static void test_a_report_about_much_is_made_in_steps(void **state)
{
    const char *what = "POST /otlpkit/wait?timeout=0ms&report=text";
    const char *lines = "{ name = \"chekout\" }\nretried\nmetric{ name = \"requests\" && value > 9 }\n";
    for (int i = 0; i < 10; i++)
        tell(*state, i % 2 ? TWO_SPANS : A_METRIC);
    tell(*state, "{'resourceSpans':7}");
    clock_ns = 1000;
    struct answer whole = posted(*state, what, lines);
    assert_int_equal(whole.steps, 1);
    char *text = strdup(said(&whole));
    assert_non_null(strstr(text, "nearest: "));
    assert_non_null(strstr(text, "EXTRA: 25 items"));
    assert_non_null(strstr(text, "REFUSED: 1 of 11 requests"));
    end(&whole);

    tick_ns = UINT64_C(10000000);
    struct answer many = posted(*state, what, lines);
    assert_int_equal(many.last, OTK_STEP_DONE);
    assert_in_range(many.steps, 25, 100);
    assert_string_equal(said(&many), text);
    end(&many);
    struct answer left = question(*state, "GET /otlpkit/wait?timeout=0ms&until=" CHECKOUT);
    assert_true(is_opened(&left));
    step(&left);
    assert_int_equal(left.last, OTK_STEP_AGAIN);
    end(&left);
    clock_ns = tick_ns = 0;
    free(text);
}

/* They would be believed to be played. */
static void test_fault_lines_of_a_wait_are_refused(void **state)
{
    struct answer a = posted(*state, "POST /otlpkit/wait?name=shop.expect", "never { status = error }\nfault 503 x2\n");
    assert_int_equal(a.q.status, 400);
    assert_non_null(strstr(said(&a), "shop.expect:2: a wait plays no faults: POST "));
    end(&a);
    assert_non_null(strstr(asked(*state, "GET /otlpkit/wait?until=fault%20503", 400), "'a wait plays no faults: POST "));
}

/* Each condition that is waited for takes memory of its own. */
static void test_too_many_conditions_get_503_until_there_are_fewer(void **state)
{
    struct answer waits[10], one;
    char lines[1000 * sizeof "retried" + 1] = "";
    for (size_t i = 0; i < 1000; i++)
        strcat(lines, "retried\n");
    for (size_t i = 0; i < 10; i++) {
        waits[i] = posted(*state, "POST /otlpkit/wait", lines);
        assert_int_equal(waits[i].last, OTK_STEP_IDLE);
    }
    one = posted(*state, "POST /otlpkit/wait", "retried");
    assert_int_equal(one.q.status, 503);
    assert_non_null(strstr(said(&one), "more than 10000 conditions wait"));
    end(&one);
    end(&waits[0]);
    one = posted(*state, "POST /otlpkit/wait", "retried");
    assert_int_equal(one.last, OTK_STEP_IDLE);
    end(&one);
    for (size_t i = 1; i < 10; i++)
        end(&waits[i]);
}

static void test_a_file_of_expectations_is_judged_by_its_lines(void **state)
{
    tell(*state, TWO_SPANS);
    struct answer a = posted(*state, "POST /otlpkit/wait?timeout=0ms&name=shop.expect",
                             "{ name = \"checkout\" }\nnever { name = \"charge\" }\n");
    assert_int_equal(a.q.status, 417);
    assert_non_null(strstr(said(&a), "shop.expect:2"));
    end(&a);
    a = posted(*state, "POST /otlpkit/wait", "# nothing\n");
    assert_int_equal(a.q.status, 200);
    end(&a);
    a = posted(*state, "POST /otlpkit/wait?name=shop.expect", "\n{ nmae }\n");
    assert_int_equal(a.q.status, 400);
    assert_non_null(strstr(said(&a), "shop.expect:2"));
    end(&a);
    otk_header coding = {"Content-Encoding", "gzip"};
    a = question(*state, "POST /otlpkit/wait");
    a.q.request->pub.headers = (otk_headers){&coding, 1};
    begin(&a);
    assert_int_equal(a.q.status, 415);
    end(&a);
}

/* ---- Stream ---------------------------------------------------------- */

static void test_a_stream_shows_what_comes(void **state)
{
    tell(*state, A_LOG);
    struct answer a = question(*state, "GET /otlpkit/stream");
    begin(&a);
    assert_int_equal(a.last, OTK_STEP_IDLE);
    assert_string_equal(a.q.content_type, "text/event-stream");
    assert_string_equal(said(&a), "retry: 1000\n\n");
    go_on(&a);
    assert_string_equal(said(&a), "");
    tell(*state, TWO_SPANS);
    tell(*state, "{'resourceSpans':7}");
    go_on(&a);
    assert_int_equal(a.last, OTK_STEP_IDLE);
    const char *text = said(&a);
    assert_int_equal(strncmp(text, "event: span\ndata: {'traceId':", 28), 0);
    assert_int_equal(count_in(text, "event: span\ndata: {"), 2);
    assert_int_equal(count_in(text, "event: request\nid: 2\ndata: {'number':2,"), 1);
    assert_int_equal(count_in(text, "event: request\nid: 3\ndata: {'number':3,"), 1);
    assert_int_equal(count_in(text, "}\n\n"), 4);
    end(&a);
}

/* A comment every 15 seconds in which nothing else was said (HTML Standard, 9.2.7 Authoring notes). */
static void test_a_stream_beats(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/stream");
    uint64_t beat_ns = UINT64_C(15000000000);
    clock_ns = 1000;
    begin(&a);
    assert_string_equal(said(&a), "retry: 1000\n\n");
    for (int beat = 0; beat < 2; beat++) {
        assert_int_equal(a.q.again_ns, clock_ns + beat_ns);
        clock_ns += beat_ns - 1;
        go_on(&a);
        assert_string_equal(said(&a), "");
        clock_ns++;
        go_on(&a);
        assert_int_equal(a.last, OTK_STEP_IDLE);
        assert_string_equal(said(&a), ":\n\n");
    }
    tell(*state, A_LOG);
    clock_ns += beat_ns;
    go_on(&a);
    assert_null(strstr(said(&a), ":\n\n"));
    assert_int_equal(a.q.again_ns, clock_ns + beat_ns);
    end(&a);
    clock_ns = 0;
}

static void test_a_stream_goes_on_where_it_was_cut(void **state)
{
    tell(*state, A_LOG);
    tell(*state, TWO_SPANS);
    struct answer a = question(*state, "GET /otlpkit/stream?after=1");
    begin(&a);
    const char *text = said(&a);
    assert_int_equal(count_in(text, "event: "), 3);
    assert_int_equal(count_in(text, "id: 2\n"), 1);
    end(&a);

    otk_header header = {"Last-Event-ID", "0"};
    a = question(*state, "GET /otlpkit/stream?after=1");
    a.q.request->pub.headers = (otk_headers){&header, 1};
    begin(&a);
    assert_int_equal(count_in(said(&a), "event: "), 5);
    end(&a);

    a = question(*state, "GET /otlpkit/stream?after=999"); /* of a receiver before this one */
    begin(&a);
    assert_int_equal(count_in(said(&a), "event: "), 5);
    end(&a);
}

static void test_a_stream_says_what_it_could_not_show(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/stream");
    begin(&a);
    said(&a);
    tell(*state, A_LOG);
    tell(*state, A_LOG);
    otk_receiver_reset(*state);
    tell(*state, A_LOG);
    go_on(&a);
    assert_int_equal(strncmp(said(&a), "event: dropped\ndata: {'requests':2}\n\nevent: log\n", 46), 0);
    end(&a);
}

static void test_a_stream_of_a_selector_shows_its_items_only(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/stream?where=metric%7Bname%20!=%20%22x%22%7D");
    begin(&a);
    said(&a);
    tell(*state, A_LOG);
    tell(*state, A_METRIC);
    tell(*state, A_METRIC);
    go_on(&a);
    const char *text = said(&a);
    assert_int_equal(count_in(text, "event: metric\ndata: {'name':'requests'"), 2);
    assert_int_equal(count_in(text, "event: metric\nid: 2\ndata: {'name':'other'"), 1);
    assert_int_equal(count_in(text, "event: metric\nid: 3\ndata: {'name':'other'"), 1);
    assert_int_equal(count_in(text, "event: "), 4);
    end(&a);
    assert_non_null(strstr(asked(*state, "GET /otlpkit/stream?where=%7B%7D%3E%7B%7D", 400), "whole traces"));
}

static void test_a_stream_concerns_what_it_would_show(void **state)
{
    struct answer a = question(*state, "GET /otlpkit/stream?where=%7B%7D"),
                  all = question(*state, "GET /otlpkit/stream");
    begin(&a);
    begin(&all);
    otk_capture *log = given(OTK_SIGNAL_LOGS, LOG("'severityNumber':1")),
                *span = given(OTK_SIGNAL_TRACES, SPAN("'name':'a'"));
    assert_false(a.q.page->concerns(&a.q, otk_capture_of(log)));
    assert_true(a.q.page->concerns(&a.q, otk_capture_of(span)));
    assert_true(all.q.page->concerns(&all.q, otk_capture_of(log)));
    forget(log);
    forget(span);
    end(&a);
    end(&all);
}

/* ---- Memory ---------------------------------------------------------- */

/* Whatever allocation fails, the question ends without a leak: refused with 503, or cut. */
static void test_every_page_says_when_memory_runs_out(void **state)
{
    static const char *const questions[] = {"GET /otlpkit/spans?where=%7Bname=%22charge%22%7D",
                                            "GET /otlpkit/spans",
                                            "GET /otlpkit/dump",
                                            "GET /otlpkit/dump?where=%7B%7D",
                                            "GET /otlpkit/archive",
                                            "GET /otlpkit/requests",
                                            "GET /otlpkit/stats",
                                            "GET /otlpkit/sessions",
                                            ("GET /otlpkit/wait?until=" CHECKOUT),
                                            "GET /otlpkit/stream?after=0",
                                            "GET /otlpkit/stream?after=0&where=%7B%7D"};
    tell(*state, TWO_SPANS);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        bool whole = false;
        for (size_t left = 0; !whole; left++) {
            struct answer a = question(*state, questions[i]);
            otk_buffer_reserve(&a.text, 8192);
            allocations_left = left;
            begin(&a);
            allocations_left = SIZE_MAX;
            whole = !a.q.out.failed && a.q.status == 200;
            if (!whole && !a.q.out.failed)
                assert_int_equal(a.q.status, 503);
            end(&a);
            assert_true(left < 1000);
        }
    }
}

#define ON_A_RECEIVER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_RECEIVER(test_a_wrong_path_is_told_the_nearest),
        ON_A_RECEIVER(test_a_wrong_method_is_told_the_right_ones),
        ON_A_RECEIVER(test_an_argument_that_is_not_known_is_refused),
        ON_A_RECEIVER(test_a_wrong_selector_is_shown_with_its_place),
        ON_A_RECEIVER(test_items_are_an_array_with_one_a_line),
        ON_A_RECEIVER(test_limit_ends_the_array),
        ON_A_RECEIVER(test_where_narrows_items),
        ON_A_RECEIVER(test_much_is_shown_in_steps),
        ON_A_RECEIVER(test_what_comes_after_the_question_is_not_in_its_answer),
        ON_A_RECEIVER(test_dump_is_lines_of_otlp_json),
        ON_A_RECEIVER(test_an_archive_is_judged_as_its_receiver),
        ON_A_RECEIVER(test_an_archive_has_large_bodies_whole),
        ON_A_RECEIVER(test_requests_show_what_was_sent_and_answered),
        ON_A_RECEIVER(test_stats_count_all),
        ON_A_RECEIVER(test_captures_are_forgotten),
        ON_A_RECEIVER(test_sessions_are_listed_and_deleted),
        ON_A_RECEIVER(test_every_page_and_argument_is_described),
        ON_A_RECEIVER(test_a_wait_holds_at_once),
        ON_A_RECEIVER(test_a_wait_is_idle_until_it_holds),
        ON_A_RECEIVER(test_a_wait_concerns_what_it_looks_at),
        ON_A_RECEIVER(test_a_wait_that_is_not_met_reports_it),
        ON_A_RECEIVER(test_a_report_has_the_form_that_is_asked_for),
        ON_A_RECEIVER(test_a_report_about_much_is_made_in_steps),
        ON_A_RECEIVER(test_a_wrong_wait_is_refused),
        ON_A_RECEIVER(test_fault_lines_of_a_wait_are_refused),
        ON_A_RECEIVER(test_too_many_conditions_get_503_until_there_are_fewer),
        ON_A_RECEIVER(test_a_file_of_expectations_is_judged_by_its_lines),
        ON_A_RECEIVER(test_a_stream_shows_what_comes),
        ON_A_RECEIVER(test_a_stream_beats),
        ON_A_RECEIVER(test_a_stream_goes_on_where_it_was_cut),
        ON_A_RECEIVER(test_a_stream_says_what_it_could_not_show),
        ON_A_RECEIVER(test_a_stream_of_a_selector_shows_its_items_only),
        ON_A_RECEIVER(test_a_stream_concerns_what_it_would_show),
        ON_A_RECEIVER(test_every_page_says_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
