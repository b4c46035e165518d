#include "carrier.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define PARENT "00-" TRACE "-" SPAN "-01"

/* An SDK that exports nothing, with these propagators (NULL: those of the default). */
static otk_sdk *start(const char *propagators, struct notes *notes)
{
    char setting[64];
    const char *settings[] = {"OTEL_SDK_DISABLED=true", setting, NULL};
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    snprintf(setting, sizeof setting, "OTEL_PROPAGATORS=%s", propagators ? propagators : "");
    options.settings = settings;
    options.ignore_environment = true;
    options.on_warning = note;
    options.on_warning_arg = notes;
    otk_sdk *sdk = otk_sdk_start(&options, NULL);
    assert_non_null(sdk);
    return sdk;
}

static int set_up(void **state)
{
    static struct notes notes;
    notes = (struct notes){0};
    *state = start(NULL, &notes);
    assert_int_equal(notes.count, 0);
    return 0;
}

static int tear_down(void **state)
{
    otk_sdk_stop(*state);
    return 0;
}

static otk_context *extract(otk_sdk *sdk, const char *parent, const char *trace_state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    if (parent)
        set_header(&carrier, "TraceParent", parent);
    if (trace_state)
        set_header(&carrier, "tracestate", trace_state);
    otk_context *context = otk_extract(sdk, get_header, &carrier);
    assert_non_null(context);
    return context;
}

static otk_span_context span_of(const char *trace_state)
{
    otk_span_context span = {.trace_flags = 1, .trace_state = trace_state};
    memset(span.trace_id, 0xab, sizeof span.trace_id);
    memset(span.span_id, 0xcd, sizeof span.span_id);
    return span;
}

#define OURS "00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01"

/* ---- traceparent ----------------------------------------------------- */

/* SDK-TP-06, SDK-CTX-02, SDK-API-16 */
static void test_a_remote_parent_is_extracted(void **state)
{
    char trace_id[33], span_id[17];
    otk_context *context = extract(*state, PARENT, "a=1,b=2");
    const otk_span_context *span = otk_context_span(context);
    otk_span_context_trace_id(span, trace_id);
    otk_span_context_span_id(span, span_id);
    assert_string_equal(trace_id, TRACE);
    assert_string_equal(span_id, SPAN);
    assert_int_equal(span->trace_flags, 1);
    assert_true(span->is_remote);
    assert_string_equal(span->trace_state, "a=1,b=2");
    assert_null(otk_context_baggage(context));
    otk_context_free(context);
}

/* SDK-CTX-03: each header is read for itself. */
static void test_a_bad_parent_does_not_harm_the_baggage(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    set_header(&carrier, "traceparent", "00-nonsense");
    set_header(&carrier, "baggage", "user=ada");
    otk_context *context = otk_extract(*state, get_header, &carrier);
    assert_false(otk_span_context_is_valid(otk_context_span(context)));
    assert_string_equal(otk_baggage_get(otk_context_baggage(context), "user"), "ada");
    otk_context_free(context);
}

/* SDK-TP-03, SDK-TP-04, SDK-TP-05, SDK-CTX-03 */
static void test_malformed_parents_count_as_missing(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-001",
        "00-" TRACE "-" SPAN "-01-",
        "00-" TRACE "-" SPAN "-01-x",
        "00-" TRACE "-" SPAN "-0G",
        "00-" TRACE "-" SPAN "-0A",
        "0-" TRACE "-" SPAN "-01-",
        "ff-" TRACE "-" SPAN "-01",
        "FF-" TRACE "-" SPAN "-01",
        "cc-" TRACE "-" SPAN "-01.what",
        "cc-" TRACE "-" SPAN "-01what",
        "cc-" TRACE "-" SPAN "-1",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319-" SPAN "-01-",
        "00-" TRACE "0-" SPAN "-01",
        "00-" TRACE "-" SPAN "0-01",
        "00-.af7651916cd43dd8448eb211c80319c-" SPAN "-01",
        "00-\xff"
        "af7651916cd43dd8448eb211c80319c-" SPAN "-01",
        "0x-" TRACE "-" SPAN "-01",
        "--------------------------------------------------------",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        otk_context *context = extract(*state, bad[i], "a=1");
        if (otk_span_context_is_valid(otk_context_span(context)))
            fail_msg("taken: %s", bad[i]);
        assert_null(otk_context_span(context)->trace_state);
        otk_context_free(context);
    }
}

/* SDK-TP-05, SDK-TP-02, SDK-TP-06: what comes in, and what goes out for it */
static void test_later_versions_and_unknown_flags_are_passed_on_as_ours(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {PARENT, PARENT},
        {"  " PARENT "\t", PARENT},
        {"00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00"},
        {"00-" TRACE "-" SPAN "-03", "00-" TRACE "-" SPAN "-03"},
        {"00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-03"},
        {"cc-" TRACE "-" SPAN "-01", PARENT},
        {"cc-" TRACE "-" SPAN "-01-", PARENT},
        {"01-" TRACE "-" SPAN "-fd-what-the-future-brings", PARENT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct carrier carrier;
        carrier = (struct carrier){0};
        otk_context *context = extract(*state, cases[i].in, NULL);
        assert_in_range(otk_context_span(context)->trace_flags, 0, 3);
        otk_inject(*state, otk_context_span(context), NULL, set_header, &carrier);
        assert_string_equal(header(&carrier, "traceparent"), cases[i].out);
        assert_null(header(&carrier, "tracestate"));
        otk_context_free(context);
    }
}

static void test_two_parents_are_none(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    set_header(&carrier, "traceparent", PARENT);
    set_header(&carrier, "traceparent", OURS);
    otk_context *context = otk_extract(*state, get_header, &carrier);
    assert_false(otk_span_context_is_valid(otk_context_span(context)));
    otk_context_free(context);
}

/* SDK-TP-01 */
static void test_only_a_valid_span_is_injected(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    otk_span_context span = span_of("a=1");
    otk_inject(*state, NULL, NULL, set_header, &carrier);
    memset(span.span_id, 0, sizeof span.span_id);
    otk_inject(*state, &span, NULL, set_header, &carrier);
    assert_int_equal(carrier.count, 0);
    span = span_of("a=1");
    otk_inject(*state, &span, NULL, set_header, &carrier);
    assert_string_equal(header(&carrier, "traceparent"), OURS);
    assert_string_equal(header(&carrier, "tracestate"), "a=1");
}

/* SDK-TP-02: of a context that a program made up, too */
static void test_only_known_flags_are_injected(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    otk_span_context span = span_of(NULL);
    span.trace_flags = 0xfd;
    otk_inject(*state, &span, NULL, set_header, &carrier);
    assert_string_equal(header(&carrier, "traceparent"), OURS);
}

/* ---- tracestate ------------------------------------------------------ */

/* SDK-TS-01 */
static void test_a_bad_trace_state_does_not_harm_the_parent(void **state)
{
    otk_context *context = extract(*state, PARENT, "NO=1");
    assert_true(otk_span_context_is_valid(otk_context_span(context)));
    assert_null(otk_context_span(context)->trace_state);
    otk_context_free(context);
    context = extract(*state, NULL, "a=1");
    assert_null(otk_context_span(context)->trace_state);
    otk_context_free(context);
}

/* SDK-TS-02 */
static void test_several_trace_states_are_joined_in_order(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    set_header(&carrier, "tracestate", "a=1, b=2");
    set_header(&carrier, "traceparent", PARENT);
    set_header(&carrier, "TraceState", "");
    set_header(&carrier, "tracestate", "c=3");
    otk_context *context = otk_extract(*state, get_header, &carrier);
    assert_string_equal(otk_context_span(context)->trace_state, "a=1,b=2,c=3");
    otk_context_free(context);
}

static const char *endless(void *arg, const char *name, size_t index)
{
    size_t *asked = arg;
    if (strcmp(name, "traceparent") == 0)
        return index ? NULL : PARENT;
    ++*asked;
    return strcmp(name, "tracestate") == 0 ? "," : "k=v";
}

static void test_a_carrier_without_end_is_left(void **state)
{
    size_t asked = 0;
    otk_context *context = otk_extract(*state, endless, &asked);
    assert_true(otk_span_context_is_valid(otk_context_span(context)));
    assert_true(asked < 1000);
    otk_context_free(context);
}

/* SDK-TS-05 */
static void test_a_long_trace_state_is_passed_on_whole(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    char text[600];
    snprintf(text, sizeof text, "a=%0256d,b=%0256d,c=%d", 1, 2, 3);
    otk_context *context = extract(*state, PARENT, text);
    otk_inject(*state, otk_context_span(context), NULL, set_header, &carrier);
    assert_string_equal(header(&carrier, "tracestate"), text);
    otk_context_free(context);
}

/* SDK-TS-06; what a program made up itself cannot break a request. */
static void test_only_a_good_trace_state_is_injected(void **state)
{
    static const char *const bad[] = {"", "no list", "a=1\r\nX: 1", "A=1"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        static struct carrier carrier;
        carrier = (struct carrier){0};
        otk_span_context span = span_of(bad[i]);
        otk_inject(*state, &span, NULL, set_header, &carrier);
        assert_int_equal(carrier.count, 1);
    }
}

/* ---- Together -------------------------------------------------------- */

/* SDK-CTX-04, SDK-BG-01: both, each on its own */
static void test_trace_and_baggage_travel_together(void **state)
{
    static struct carrier out;
    out = (struct carrier){0};
    otk_span_context span = span_of(NULL);
    otk_baggage *baggage = otk_baggage_set(NULL, "user", "Ada L.", "p=1");
    otk_inject(*state, &span, baggage, set_header, &out);
    otk_baggage_free(baggage);
    assert_string_equal(header(&out, "baggage"), "user=Ada%20L.;p=1");

    otk_context *context = otk_extract(*state, get_header, &out);
    assert_memory_equal(otk_context_span(context)->trace_id, span.trace_id, sizeof span.trace_id);
    assert_string_equal(otk_baggage_get(otk_context_baggage(context), "user"), "Ada L.");
    otk_context_free(context);
}

static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Puts some other bytes into a header, among them those that mean something there. */
static void mutate(char *value, uint32_t *state)
{
    static const char bytes[] = "-,;=% \t0aZz@\xff\xc3\x01\r\n";
    size_t size = strlen(value);
    for (uint32_t i = next_number(state) % 4; i > 0; i--)
        value[next_number(state) % size] = bytes[next_number(state) % (sizeof bytes - 1)];
    if (next_number(state) % 8 == 0)
        value[next_number(state) % size] = '\0';
}

static void pass_on(otk_sdk *sdk, struct carrier *in, struct carrier *out)
{
    out->count = 0;
    otk_context *context = otk_extract(sdk, get_header, in);
    otk_inject(sdk, otk_context_span(context), otk_context_baggage(context), set_header, out);
    otk_context_free(context);
}

/* Whatever comes in: what goes out is clean, and means the same to the next one. */
static void test_mangled_headers_go_out_clean_or_not_at_all(void **state)
{
    static struct carrier in, once, twice;
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        in.count = 0;
        set_header(&in, "traceparent", PARENT);
        set_header(&in, "tracestate", "a=1, b@c=2 3,d=4");
        set_header(&in, "baggage", "k=v%20w;p=1, l = a=b ,k=2,m=%C3%A9");
        for (size_t i = 0; i < in.count; i++)
            mutate(in.headers[i].value, &random);
        pass_on(*state, &in, &once);
        pass_on(*state, &once, &twice);
        assert_int_equal(once.count, twice.count);
        for (size_t i = 0; i < once.count; i++) {
            assert_string_equal(once.headers[i].value, twice.headers[i].value);
            for (const char *c = once.headers[i].value; *c; c++)
                assert_in_range(*c, ' ', '~');
        }
    }
}

/* SDK-ENV-06, SDK-CTX-02 */
static void test_propagators_are_chosen_by_name(void **state)
{
    static const struct {
        const char *names;
        bool trace, baggage;
        unsigned warnings;
        const char *fields[4];
    } cases[] = {
        {NULL, true, true, 0, {"traceparent", "tracestate", "baggage"}},
        {"tracecontext", true, false, 0, {"traceparent", "tracestate"}},
        {"tracecontext,tracecontext", true, false, 0, {"traceparent", "tracestate"}},
        {" Baggage , ", false, true, 0, {"baggage"}},
        {"none", false, false, 0, {NULL}},
        {"b3", false, false, 1, {NULL}},
        {"b3,tracecontext,xray", true, false, 2, {"traceparent", "tracestate"}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct carrier carrier;
        carrier = (struct carrier){0};
        struct notes notes = {0};
        otk_sdk *sdk = start(cases[i].names, &notes);
        otk_span_context span = span_of(NULL);
        otk_baggage *baggage = otk_baggage_set(NULL, "a", "1", NULL);
        otk_inject(sdk, &span, baggage, set_header, &carrier);
        assert_int_equal(header(&carrier, "traceparent") != NULL, cases[i].trace);
        assert_int_equal(header(&carrier, "baggage") != NULL, cases[i].baggage);
        const char *const *fields = otk_propagation_fields(sdk);
        for (size_t k = 0; cases[i].fields[k]; k++, fields++)
            assert_string_equal(*fields, cases[i].fields[k]);
        assert_null(*fields);
        assert_int_equal(notes.count, cases[i].warnings);
        otk_context *context = otk_extract(sdk, get_header, &carrier);
        assert_int_equal(otk_span_context_is_valid(otk_context_span(context)), cases[i].trace);
        otk_context_free(context);
        otk_baggage_free(baggage);
        otk_sdk_stop(sdk);
    }
}

/* SDK-ENV-01, SDK-API-22: a disabled SDK passes the parent's context through. */
static void test_a_disabled_sdk_still_propagates(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    otk_context *context = extract(*state, PARENT, "a=1");
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    options.parent = otk_context_span(context);
    otk_span *span = otk_span_start_with(otk_sdk_tracer(*state, "t", NULL), "s", &options);
    otk_inject(*state, otk_span_get_context(span), NULL, set_header, &carrier);
    assert_string_equal(header(&carrier, "traceparent"), PARENT);
    assert_string_equal(header(&carrier, "tracestate"), "a=1");
    otk_span_free(span);
    otk_context_free(context);
}

/* SDK-CTX-04: without an SDK nothing is propagated. SDK-ERR-01 */
static void test_null_does_nothing(void **state)
{
    static struct carrier carrier;
    carrier = (struct carrier){0};
    otk_span_context span = span_of(NULL);
    otk_inject(NULL, &span, NULL, set_header, &carrier);
    otk_inject(*state, &span, NULL, NULL, NULL);
    assert_int_equal(carrier.count, 0);
    assert_null(*otk_propagation_fields(NULL));
    otk_context *context = otk_extract(NULL, get_header, &carrier);
    assert_false(otk_span_context_is_valid(otk_context_span(context)));
    otk_context_free(context);
    context = otk_extract(*state, NULL, NULL);
    assert_null(otk_context_baggage(context));
    otk_context_free(context);
    assert_false(otk_span_context_is_valid(otk_context_span(NULL)));
    assert_null(otk_context_baggage(NULL));
    otk_context_free(NULL);
}

/* ---- The environment ------------------------------------------------- */

static const char *setting(char **environment, const char *name)
{
    const char *found = NULL;
    for (; *environment; environment++) {
        if (strncmp(*environment, name, strlen(name)) != 0)
            continue;
        assert_null(found);
        found = *environment + strlen(name);
    }
    return found;
}

/* SDK-ENVC-01 */
static void test_a_childs_environment_says_what_is_given(void **state)
{
    otk_span_context span = span_of("a=1");
    otk_baggage *baggage = otk_baggage_set(NULL, "k", "a,b", NULL);
    setenv("TRACEPARENT", PARENT, 1);
    setenv("TRACESTATE", "old=1", 1);
    char **environment = otk_inject_environment(*state, &span, baggage);
    assert_string_equal(setting(environment, "TRACEPARENT="), OURS);
    assert_string_equal(setting(environment, "TRACESTATE="), "a=1");
    assert_string_equal(setting(environment, "BAGGAGE="), "k=a%2Cb");
    assert_string_equal(setting(environment, "PATH="), getenv("PATH"));
    assert_string_equal(getenv("TRACEPARENT"), PARENT);
    free(environment);

    environment = otk_inject_environment(*state, NULL, NULL);
    assert_null(setting(environment, "TRACEPARENT="));
    assert_null(setting(environment, "TRACESTATE="));
    free(environment);
    environment = otk_inject_environment(NULL, &span, NULL);
    assert_string_equal(setting(environment, "TRACEPARENT="), PARENT);
    free(environment);
    otk_baggage_free(baggage);
    unsetenv("TRACEPARENT");
    unsetenv("TRACESTATE");
}

static void test_an_empty_environment_is_one(void **state)
{
    otk_span_context span = span_of(NULL);
    char **before = environ;
    environ = NULL;
    char **environment = otk_inject_environment(*state, &span, NULL);
    environ = before;
    assert_string_equal(environment[0], "TRACEPARENT=" OURS);
    assert_null(environment[1]);
    free(environment);
}

/* SDK-ENVC-01: what a child reads that is this program again */
static void test_a_child_continues_the_trace(void **state)
{
    char *argv[] = {(char[]){"test_sdk_propagation"}, (char[]){"child"}, NULL};
    otk_span_context span = span_of("a=1");
    otk_baggage *baggage = otk_baggage_set(NULL, "user", "Ada", NULL);
    char **environment = otk_inject_environment(*state, &span, baggage);
    pid_t child;
    int status;
    assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, environment), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(environment);
    otk_baggage_free(baggage);
}

static int run_child(void)
{
    struct notes notes = {0};
    otk_sdk *sdk = start(NULL, &notes);
    otk_span_context expected = span_of(NULL);
    otk_context *context = otk_extract_environment(sdk);
    const otk_span_context *span = otk_context_span(context);
    const char *user = otk_baggage_get(otk_context_baggage(context), "user");
    bool good = memcmp(span->trace_id, expected.trace_id, sizeof expected.trace_id) == 0 && span->is_remote &&
                span->trace_state && strcmp(span->trace_state, "a=1") == 0 && user && strcmp(user, "Ada") == 0;
    otk_context_free(context);
    otk_sdk_stop(sdk);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_remote_parent_is_extracted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_parent_does_not_harm_the_baggage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_parents_count_as_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_later_versions_and_unknown_flags_are_passed_on_as_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_parents_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_a_valid_span_is_injected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_known_flags_are_injected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_trace_state_does_not_harm_the_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_trace_states_are_joined_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_carrier_without_end_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_trace_state_is_passed_on_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_a_good_trace_state_is_injected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trace_and_baggage_travel_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mangled_headers_go_out_clean_or_not_at_all, set_up, tear_down),
        cmocka_unit_test(test_propagators_are_chosen_by_name),
        cmocka_unit_test_setup_teardown(test_a_disabled_sdk_still_propagates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_does_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_childs_environment_says_what_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_environment_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_child_continues_the_trace, set_up, tear_down),
    };
    if (argc == 2 && strcmp(argv[1], "child") == 0)
        return run_child();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
