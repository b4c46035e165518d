/* What one item is asked: types, absence, arrays, events, ids, regular expressions. docs/selector.md has the plain ones. */
#include "match.h"
#include "shop.h"

struct fixture {
    otk_capture *shop[OTK_SIGNAL_COUNT];
};

static int load_shop(void **state)
{
    static struct fixture f;
    shop_load(f.shop);
    *state = &f;
    return 0;
}

static int forget_shop(void **state)
{
    shop_forget(((struct fixture *)*state)->shop);
    return 0;
}

static const struct {
    const char *selector;
    uint64_t count;
} questions[] = {
    /* int and double are numbers; strings, booleans and durations are not each other */
    {"{ .rows = 4 }", 1},
    {"{ .rows = 4.0 }", 1},
    {"{ .rows = \"4\" }", 0},
    {"{ .rows != \"4\" }", 0},
    {"{ .amount > 19 && .amount < 20 }", 1},
    {"{ .returning = true }", 1},
    {"{ .returning != true }", 5 - 3},
    {"{ .returning = 1 }", 0},
    {"{ duration = 190000000 }", 1},
    {"{ duration >= 1ms && duration < 0.0041s }", 2},
    {"{ .attempt + 1 = 3 && -.attempt = -2 }", 1},
    {"{ .attempt * 2 + 1 > .rows }", 0},
    {"{ 2 ^ 3 ^ 2 = 512 }", 6},
    {"{ -2 ^ 2 = -4 }", 6},
    {"{ 7 % 4 = 3 && 1 / 0 > 1e300 }", 6},
    {"{ name >= \"charge\" && name < \"check\" }", 2},
    /* && and || bind alike, from the left */
    {"{ true || true && false }", 0},
    {"{ true || (true && false) }", 6},
    /* absence: each comparison is false, nil asks for it */
    {"{ .nothing != 1 }", 0},
    {"{ !(.nothing = 1) }", 6},
    {"{ .nothing }", 0},
    {"{ !.nothing }", 0},
    {"{ .nothing = nil }", 6},
    {"{ nil != .attempt }", 2},
    {"{ statusMessage = \"\" }", 5},
    {"{ statusMessage = nil }", 5},
    {"{ status = unset }", 4},
    {"{ .attempt = .nothing }", 0},
    {"{ span.nothing[0] = nil && .tags[7] = nil && .tags[\"x\"] = nil && .cart[\"none\"] = nil }", 6},
    /* arrays: one element, or none for != */
    {"{ .tags = \"new\" }", 1},
    {"{ .tags =~ \"v.*\" }", 1},
    {"{ \"vip\" = .tags }", 1},
    {"{ .tags != \"vip\" }", 0},
    {"{ .tags != \"old\" }", 1},
    {"{ .tags !~ \"o.*\" }", 1},
    {"{ .tags = [\"new\"] }", 0},
    {"{ .tags != [\"new\"] }", 1},
    {"{ .cart[\"currency\"] = \"EUR\" }", 1},
    {"{ .cart = \"EUR\" }", 0},
    /* events and links: any of them */
    {"{ event:name = \"cache.hit\" }", 1},
    {"{ event:name != \"cache.hit\" }", 2},
    {"{ event.cache.key = \"user\" && .cache.key = \"basket\" }", 1},
    {"{ event:timeSinceStart > 100ms }", 1},
    {"{ event:name = nil }", 4},
    {"{ link.why = \"queued\" && .why != nil && link:spanID != nil }", 1},
    /* ids are hex, whatever the case */
    {"{ trace:id = \"0102030405060708090A0B0C0D0E0F10\" }", 5},
    {"{ span:id = \"0000000000000011\" && span:parentID = nil }", 1},
    {"{ span:parentID =~ \"0+1\" }", 2},
    /* scopes */
    {"{ span.returning = nil && .returning != nil }", 2},
    {"{ resource.returning = false && span.returning }", 1},
    {"{ instrumentation:name = \"shop.web\" && scope:version = \"1.2\" && instrumentation.team = \"web\" }", 3},
    {"{ parent.resource.host.name = \"a\" && resource.host.name = \"b\" }", 1},
    {"{ parent.span.tags = \"vip\" }", 2},
    {"{ childCount = 2 }", 1},
    {"{ nestedSetParent = -1 }", 2},
    {"{ nestedSetLeft = 1 && nestedSetRight = 10 }", 1},
    {"{ rootServiceName = \"shop\" }", 5},
    /* other signals */
    {"metric{ name =~ \".*e.*\" && unit != nil }", 4},
    {"metric{ value > 20 && type = gauge }", 1},
    {"metric{ temporality = delta }", 2},
    {"metric{ description = \"Requests answered\" && .service.name = \"shop\" }", 2},
    {"metric{ value = nil }", 2},
    {"metric{ point:min = 0.1 && sum = 0.9 && count < 5 }", 1},
    {"metric{ metric:type != sum }", 3},
    {"log{ severity = 18 }", 1},
    {"log{ severity = ERROR2 && severityText = nil }", 1},
    {"log{ severity < warn }", 1},
    {"log{ severityText =~ \"(?i)warn.*\" }", 1},
    {"log{ body = \"payment taken\" && span:id = \"0000000000000003\" }", 1},
    {"log{ body[\"roles\"][0] = \"admin\" }", 1},
};

static void items_are_asked_as_written(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        uint64_t count = count_in(f->shop, OTK_SIGNAL_COUNT, questions[i].selector, NULL);
        if (count != questions[i].count)
            print_error("%s: %llu instead of %llu\n", questions[i].selector, (unsigned long long)count,
                        (unsigned long long)questions[i].count);
        assert_int_equal(count, questions[i].count);
    }
}

/* ---- Numbers beyond what doubles tell apart -------------------------- */

static void large_integers_are_exact(void **state)
{
    (void)state;
    otk_capture *c =
        given(OTK_SIGNAL_TRACES, SPAN("'attributes':[{'key':'n','value':{'intValue':'9007199254740993'}}]"));
    assert_int_equal(count_in(&c, 1, "{ .n = 9007199254740993 }", NULL), 1);
    assert_int_equal(count_in(&c, 1, "{ .n = 9007199254740992 }", NULL), 0);
    assert_int_equal(count_in(&c, 1, "{ .n = 9007199254740992.0 }", NULL), 0);
    assert_int_equal(count_in(&c, 1, "{ .n > 9007199254740992.0 }", NULL), 1);
    forget(c);
}

static void the_first_of_two_equal_keys_counts(void **state)
{
    (void)state;
    otk_capture *c = given(OTK_SIGNAL_TRACES, SPAN("'attributes':[{'key':'n','value':{'intValue':'1'}},"
                                                   "{'key':'n','value':{'intValue':'2'}}]"));
    assert_int_equal(count_in(&c, 1, "{ .n = 1 }", NULL), 1);
    assert_int_equal(count_in(&c, 1, "{ .n = 2 }", NULL), 0);
    forget(c);
}

/* ---- Regular expressions --------------------------------------------- */

static int match(const char *pattern, const char *text)
{
    struct otk_regex *r;
    char sentence[160];
    size_t offset;
    if (otk_regex_new(&r, (otk_string){pattern, strlen(pattern)}, sentence, sizeof sentence, &offset))
        fail_msg("%s: %s", pattern, sentence);
    int rc = otk_regex_match(r, (otk_string){text, strlen(text)});
    otk_regex_free(r);
    return rc;
}

static void patterns_fit_the_whole_text(void **state)
{
    (void)state;
    assert_int_equal(match("a", "a"), 1);
    assert_int_equal(match("a", "ab"), 0);
    assert_int_equal(match("a|ab", "ab"), 1);
    assert_int_equal(match("", ""), 1);
    assert_int_equal(match("a.c", "a\nc"), 0);
    assert_int_equal(match("(?s)a.c", "a\nc"), 1);
    assert_int_equal(match("a$", "a\n"), 0);
    assert_int_equal(match("\xc3\xa4+", "\xc3\xa4\xc3\xa4"), 1);
    assert_int_equal(match(".", "\xf0\x9f\x98\x80"), 1);
    assert_int_equal(match("[+]+\\++", "+++"), 1);
    assert_int_equal(match("[[:alpha:]+]+", "a+b"), 1);
    assert_int_equal(match("\\p{Lu}\\pL+\\x{e4}+\\x41+", "A\xc3\xa4\xc3\xa4\xc3\xa4"
                                                         "AA"),
                     1);
    assert_int_equal(match("(?P<year>\\d{4})-(?:\\d+?)", "2024-12"), 1);
}

/* These take a backtracking matcher until the end of time. */
static void patterns_that_explode_elsewhere_do_not_here(void **state)
{
    static const char *const patterns[] = {
        "(a+)+$",   "(a|a)*b",   "(a|aa)+b",   "(a*)*b",    "(.*)*(.*)*(.*)*x",           "([a-z]+)*!",
        "(a+a+)+y", "((a*)*)*b", "(a|b|ab)*c", "(.*a){20}", "^(([a-z])+.)+[A-Z]([a-z])+$"};
    (void)state;
    char *text = malloc(50001);
    memset(text, 'a', 50000);
    strcpy(text + 49999, "?");
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        assert_int_equal(match(patterns[i], text), 0);
    free(text);
}

static void a_pattern_with_too_many_states_is_told(void **state)
{
    (void)state;
    otk_error error;
    struct otk_query *q;
    char *text = malloc(60000), *to = stpcpy(text, "{'resourceSpans':[{'scopeSpans':[{'spans':[{'name':'");
    memset(to, 'a', 50000);
    strcpy(to + 50000, "'}]}]}]}");
    otk_capture *c = given(OTK_SIGNAL_TRACES, text);
    assert_int_equal(otk_query_new(&q, "{ name =~ \".*a.{400}\" }", &error), 0);
    assert_int_equal(otk_query_feed(q, otk_capture_of(c)), OTK_ELIMIT);
    otk_query_free(q);
    forget(c);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_are_asked_as_written, load_shop, forget_shop),
        cmocka_unit_test(large_integers_are_exact),
        cmocka_unit_test(the_first_of_two_equal_keys_counts),
        cmocka_unit_test(patterns_fit_the_whole_text),
        cmocka_unit_test(patterns_that_explode_elsewhere_do_not_here),
        cmocka_unit_test(a_pattern_with_too_many_states_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
