/* What is recorded, as protobuf-c reads it out of the bytes that were sent. */
#include "world.h"

#include "clock.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb-c.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb-c.h"

#include <math.h>

/* ---- Spans ----------------------------------------------------------- */

/* SDK-ENC-02, SDK-ENC-03, SDK-ENC-04, SDK-ENC-05, SDK-API-03, SDK-API-04, SDK-API-05, SDK-ID-01 */
static void test_a_plain_span_has_what_every_span_has(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    uint64_t before = otk_clock_read(CLOCK_REALTIME) - OTK_SECOND;
    otk_span *span = otk_span_start(w.tracer, "plain", NULL);
    otk_span_context context = *otk_span_get_context(span);
    const span_message *s = sent(&w, span);
    assert_string_equal(s->name, "plain");
    assert_int_equal(s->trace_id.len, 16);
    assert_memory_equal(s->trace_id.data, context.trace_id, 16);
    assert_int_equal(s->span_id.len, 8);
    assert_memory_equal(s->span_id.data, context.span_id, 8);
    assert_false(s->has_parent_span_id);
    assert_int_equal(s->kind, OTK_SPAN_KIND_INTERNAL);
    assert_int_equal(s->flags, 0x101);
    assert_true(s->start_time_unix_nano >= before);
    assert_true(s->end_time_unix_nano >= s->start_time_unix_nano);
    assert_true(s->end_time_unix_nano < before + 100 * OTK_SECOND);
    assert_null(s->status);
    assert_int_equal(s->n_attributes + s->n_events + s->n_links, 0);
    finish(&w);
}

/* SDK-API-04, SDK-ENC-05, SDK-API-14: the parent's end is not that of its children, of whom there may be more */
static void test_a_child_continues_its_parents_trace(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *parent = otk_span_start(w.tracer, "parent", NULL);
    otk_span *older = otk_span_start(w.tracer, "older", parent);
    otk_span_end(parent);
    assert_true(otk_span_is_recording(older));
    otk_span *child = otk_span_start(w.tracer, "child", parent);
    const otk_span_context *context = otk_span_get_context(parent);
    assert_memory_equal(otk_span_get_context(child)->trace_id, context->trace_id, 16);
    assert_memory_not_equal(otk_span_get_context(child)->span_id, context->span_id, 8);
    otk_span_free(child);
    flush_traces(&w);
    const span_message *s = span_at(&w, 1);
    assert_memory_equal(s->trace_id.data, context->trace_id, 16);
    assert_memory_equal(s->parent_span_id.data, context->span_id, 8);
    assert_int_equal(s->flags, 0x101);
    otk_span_free(older);
    otk_span_free(parent);
    finish(&w);
}

static const otk_span_context remote = {
    .trace_id = {1, 2, 3}, .span_id = {4, 5}, .trace_flags = 0x03, .is_remote = true, .trace_state = "vendor=x"};

/* SDK-ENC-05, SDK-ID-04, SDK-API-04, SDK-API-16 */
static void test_a_remote_parent_shows_in_flags_and_trace_state(void **state)
{
    struct world w;
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    (void)state;
    start(&w);
    options.parent = &remote;
    otk_span *span = otk_span_start_with(w.tracer, "child", &options);
    assert_false(otk_span_get_context(span)->is_remote);
    const span_message *s = sent(&w, span);
    assert_int_equal(s->flags, 0x303);
    assert_string_equal(s->trace_state, "vendor=x");
    assert_memory_equal(s->trace_id.data, remote.trace_id, 16);
    finish(&w);
}

/* SDK-API-03 */
static void test_an_explicit_root_ignores_the_parent(void **state)
{
    struct world w;
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    (void)state;
    start(&w);
    options.parent = &remote;
    options.root = true;
    const span_message *s = sent(&w, otk_span_start_with(w.tracer, "root", &options));
    assert_false(s->has_parent_span_id);
    assert_memory_not_equal(s->trace_id.data, remote.trace_id, 16);
    finish(&w);
}

/* SDK-API-04, SDK-ENC-02: as that of a request that told of none */
static void test_a_parent_that_is_not_valid_is_none(void **state)
{
    static const otk_span_context none, half = {.trace_id = {1}};
    const otk_span_context *const parents[] = {&none, &half};
    (void)state;
    for (size_t i = 0; i < COUNT(parents); i++) {
        struct world w;
        otk_span_options options = OTK_SPAN_OPTIONS_INIT;
        start(&w);
        options.parent = parents[i];
        otk_span *span = otk_span_start_with(w.tracer, "root", &options);
        assert_true(otk_span_context_is_valid(otk_span_get_context(span)));
        const span_message *s = sent(&w, span);
        assert_false(s->has_parent_span_id);
        assert_memory_not_equal(s->trace_id.data, parents[i]->trace_id, 16);
        finish(&w);
    }
}

/* SDK-ENC-03: what is no kind is internal. */
static void test_a_span_has_always_a_kind(void **state)
{
    static const int kinds[] = {OTK_SPAN_KIND_UNSPECIFIED, OTK_SPAN_KIND_CONSUMER + 1, -1};
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct world w;
        otk_span_options options = OTK_SPAN_OPTIONS_INIT;
        start(&w);
        options.kind = (otk_span_kind)kinds[i];
        assert_int_equal(sent(&w, otk_span_start_with(w.tracer, "span", &options))->kind, OTK_SPAN_KIND_INTERNAL);
        finish(&w);
    }
}

/* SDK-SMP-04, SDK-SMP-09, SDK-SMP-01: it has an identity all the same. */
static void test_an_unsampled_parent_has_unsampled_children(void **state)
{
    struct world w;
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    otk_span_context unsampled = remote;
    (void)state;
    start(&w);
    unsampled.trace_flags = 0;
    options.parent = &unsampled;
    otk_span *span = otk_span_start_with(w.tracer, "child", &options);
    assert_false(otk_span_is_recording(span));
    assert_true(otk_span_context_is_valid(otk_span_get_context(span)));
    assert_memory_not_equal(otk_span_get_context(span)->span_id, unsampled.span_id, 8);
    assert_int_equal(otk_span_get_context(span)->trace_flags, 0);
    otk_span_free(span);
    assert_int_equal(traces_of(w.sdk).accepted, 0);
    finish(&w);
}

/* SDK-API-05, SDK-API-14, SDK-API-21 */
static void test_times_and_kind_may_be_given(void **state)
{
    struct world w;
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    (void)state;
    start(&w);
    options.kind = OTK_SPAN_KIND_SERVER;
    options.start_time_unix_nano = 1000;
    otk_span *span = otk_span_start_with(w.tracer, "given", &options);
    otk_span_add_event_at(span, "early", 500, NULL);
    otk_span_end_at(span, 2000);
    const span_message *s = sent(&w, span);
    assert_int_equal(s->kind, OTK_SPAN_KIND_SERVER);
    assert_int_equal(s->start_time_unix_nano, 1000);
    assert_int_equal(s->end_time_unix_nano, 2000);
    assert_int_equal(s->events[0]->time_unix_nano, 500);
    finish(&w);
}

/* SDK-API-21: a clock that is set back between them moves neither event nor end before the start. */
static void test_time_goes_forward_when_the_clock_is_set_back(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "span", NULL);
    uint64_t offset = otk_clock_offset(otk_clock_monotonic());
    atomic_store(&otk_clock_known_offset, offset - 3600 * OTK_SECOND);
    otk_span_add_event(span, "event", NULL);
    const span_message *s = sent(&w, span);
    otk_clock_measure(otk_clock_monotonic());
    assert_true(s->events[0]->time_unix_nano >= s->start_time_unix_nano);
    assert_true(s->end_time_unix_nano >= s->events[0]->time_unix_nano);
    finish(&w);
}

/* SDK-ENC-10, SDK-ENC-11, SDK-LF-03: every kind of AnyValue */
static void test_values_of_every_kind_arrive(void **state)
{
    struct world w;
    const otk_value two[] = {otk_value_int(1), otk_value_string("two")};
    const otk_attribute map[] = {otk_attribute_of("list", otk_value_array(two, 2)), otk_attribute_bool("yes", true)};
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "values", NULL);
    otk_span_set_string(span, "string", "text");
    otk_span_set_string(span, "empty string", "");
    otk_span_set_bool(span, "bool", false);
    otk_span_set_int(span, "int", INT64_MIN);
    otk_span_set_int(span, "zero", 0);
    otk_span_set_double(span, "double", -0.0);
    otk_span_set_double(span, "nan", NAN);
    otk_span_set_bytes(span, "bytes", "\0\xff", 2);
    otk_span_set_bytes(span, "no bytes", NULL, 0);
    otk_span_set_value(span, "array", otk_value_array(NULL, 0));
    otk_span_set_value(span, "empty map", otk_value_kvlist(NULL, 0));
    otk_span_set_value(span, "map", otk_value_kvlist(map, 2));
    otk_span_set_value(span, "nothing", otk_value_string(NULL));
    otk_span_set_value(span, "index", (otk_value){.type = OTK_VALUE_STRING_STRINDEX, .as.string_value_strindex = 7});
    const span_message *s = sent(&w, span);

    assert_int_equal(s->n_attributes, 14);
    assert_text(attribute(s, "string"), "text");
    assert_text(attribute(s, "empty string"), "");
    assert_int_equal(attribute(s, "bool")->value_case, OTK__COMMON__ANY_VALUE__VALUE_BOOL_VALUE);
    assert_true(attribute(s, "int")->int_value == INT64_MIN);
    assert_int_equal(attribute(s, "zero")->value_case, OTK__COMMON__ANY_VALUE__VALUE_INT_VALUE);
    assert_true(signbit(attribute(s, "double")->double_value));
    assert_true(isnan(attribute(s, "nan")->double_value));
    assert_int_equal(attribute(s, "bytes")->bytes_value.len, 2);
    assert_memory_equal(attribute(s, "bytes")->bytes_value.data, "\0\xff", 2);
    assert_int_equal(attribute(s, "no bytes")->value_case, OTK__COMMON__ANY_VALUE__VALUE_BYTES_VALUE);
    assert_int_equal(attribute(s, "array")->value_case, OTK__COMMON__ANY_VALUE__VALUE_ARRAY_VALUE);
    assert_int_equal(attribute(s, "empty map")->value_case, OTK__COMMON__ANY_VALUE__VALUE_KVLIST_VALUE);
    const Otk__Common__KeyValueList *list = attribute(s, "map")->kvlist_value;
    assert_int_equal(list->n_values, 2);
    assert_text(get(list->values, 2, "list")->array_value->values[1], "two");
    assert_int_equal(attribute(s, "nothing")->value_case, OTK__COMMON__ANY_VALUE__VALUE__NOT_SET);
    assert_int_equal(attribute(s, "index")->value_case, OTK__COMMON__ANY_VALUE__VALUE__NOT_SET);
    finish(&w);
}

/* SDK-ENC-09, SDK-API-06, SDK-API-07: in a map, an event and a link, too */
static void test_a_key_set_again_has_the_later_value(void **state)
{
    struct world w;
    const otk_attributes *twice = OTK_ATTRIBUTES(otk_attribute_int("k", 1), otk_attribute_int("k", 2));
    const otk_attribute map[] = {otk_attribute_int("k", 1), otk_attribute_int("other", 2), otk_attribute_int("k", 3)};
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "again", NULL);
    otk_span_set_string(span, "a", "first, and longer than what follows");
    otk_span_set_int(span, "b", 2);
    otk_span_set_int(span, "a", 3);
    otk_span_set_attributes(span, OTK_ATTRIBUTES(otk_attribute_int("A", 4), otk_attribute_int("", 5)));
    otk_span_set_value(span, "map", otk_value_kvlist(map, 3));
    otk_span_add_event(span, "event", twice);
    otk_span_add_link(span, otk_span_get_context(span), twice);
    const span_message *s = sent(&w, span);
    assert_int_equal(s->n_attributes, 4);
    assert_int_equal(attribute(s, "a")->int_value, 3);
    assert_int_equal(attribute(s, "b")->int_value, 2);
    assert_int_equal(attribute(s, "A")->int_value, 4);
    const Otk__Common__KeyValueList *list = attribute(s, "map")->kvlist_value;
    assert_int_equal(list->n_values, 2);
    assert_int_equal(get(list->values, 2, "k")->int_value, 3);
    assert_int_equal(s->events[0]->n_attributes, 1);
    assert_int_equal(s->events[0]->attributes[0]->value->int_value, 2);
    assert_int_equal(s->links[0]->n_attributes, 1);
    assert_int_equal(s->links[0]->attributes[0]->value->int_value, 2);
    finish(&w);
}

/* SDK-ENC-12 */
static void test_bad_utf8_is_repaired_everywhere(void **state)
{
    struct world w;
    const otk_value list[] = {otk_value_string("l\xff")};
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "n\xff", NULL);
    otk_span_set_string(span, "k\xff", "v\xff");
    otk_span_set_value(span, "list", otk_value_array(list, 1));
    otk_span_add_event(span, "e\xff", OTK_ATTRIBUTES(otk_attribute_string("a", "\xff")));
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "s\xff");
    const span_message *s = sent(&w, span);
    assert_string_equal(s->name, "n\xEF\xBF\xBD");
    assert_text(attribute(s, "k\xEF\xBF\xBD"), "v\xEF\xBF\xBD");
    assert_text(attribute(s, "list")->array_value->values[0], "l\xEF\xBF\xBD");
    assert_string_equal(s->events[0]->name, "e\xEF\xBF\xBD");
    assert_text(s->events[0]->attributes[0]->value, "\xEF\xBF\xBD");
    assert_string_equal(s->status->message, "s\xEF\xBF\xBD");
    finish(&w);
}

/* SDK-API-08, SDK-API-09, SDK-ENC-06 */
static void test_events_and_links_keep_their_order(void **state)
{
    struct world w;
    const otk_link first = {&remote, OTK_ATTRIBUTES(otk_attribute_int("n", 1))};
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    const otk_span_context nowhere = {.trace_flags = 0}, unknown = {.trace_state = "a=1"};
    (void)state;
    start(&w);
    options.links = &first;
    options.link_count = 1;
    otk_span *span = otk_span_start_with(w.tracer, "span", &options);
    otk_span_add_event(span, "one", OTK_ATTRIBUTES(otk_attribute_int("n", 1)));
    otk_span_set_int(span, "between", 1);
    otk_span_add_link(span, otk_span_get_context(span), NULL);
    otk_span_add_link(span, &nowhere, NULL);
    otk_span_add_link(span, &nowhere, OTK_ATTRIBUTES(otk_attribute_int("n", 3)));
    otk_span_add_link(span, &unknown, NULL);
    otk_span_add_event(span, "two", NULL);
    const span_message *s = sent(&w, span);
    assert_int_equal(s->n_events, 2);
    assert_string_equal(s->events[0]->name, "one");
    assert_int_equal(s->events[0]->attributes[0]->value->int_value, 1);
    assert_string_equal(s->events[1]->name, "two");
    assert_true(s->events[0]->time_unix_nano >= s->start_time_unix_nano);
    assert_true(s->events[1]->time_unix_nano <= s->end_time_unix_nano);
    assert_int_equal(s->n_links, 4);
    assert_memory_equal(s->links[0]->trace_id.data, remote.trace_id, 16);
    assert_string_equal(s->links[0]->trace_state, "vendor=x");
    assert_int_equal(s->links[0]->flags, 0x303);
    assert_int_equal(s->links[0]->attributes[0]->value->int_value, 1);
    assert_int_equal(s->links[1]->flags, 0x101);
    assert_int_equal(s->links[2]->attributes[0]->value->int_value, 3);
    assert_string_equal(s->links[3]->trace_state, "a=1");
    finish(&w);
}

/* SDK-API-10, SDK-API-11, SDK-ENC-08: all pairs */
static void test_the_first_ok_is_final_and_unset_changes_nothing(void **state)
{
    enum { UNSET = OTK_STATUS_CODE_UNSET, OK = OTK_STATUS_CODE_OK, ERROR = OTK_STATUS_CODE_ERROR };
    static const struct {
        int first, second, result;
        const char *message;
    } pairs[] = {
        {UNSET, UNSET, UNSET, NULL},    {UNSET, OK, OK, NULL}, {UNSET, ERROR, ERROR, "second"},
        {OK, UNSET, OK, NULL},          {OK, OK, OK, NULL},    {OK, ERROR, OK, NULL},
        {ERROR, UNSET, ERROR, "first"}, {ERROR, OK, OK, NULL}, {ERROR, ERROR, ERROR, "second"},
    };
    struct world w;
    (void)state;
    start(&w);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        otk_span *span = otk_span_start(w.tracer, "status", NULL);
        otk_span_set_status(span, (otk_status_code)pairs[i].first, "first");
        otk_span_set_status(span, (otk_status_code)pairs[i].second, "second");
        const span_message *s = sent(&w, span);
        assert_int_equal(s->status ? s->status->code : 0, pairs[i].result);
        if (pairs[i].message)
            assert_string_equal(s->status->message, pairs[i].message);
        else
            assert_true(!s->status || !s->status->message || !*s->status->message);
    }
    finish(&w);
}

/* SDK-API-12, SDK-API-13, SDK-API-15 */
static void test_an_ended_span_changes_no_more(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "first", NULL);
    otk_span_context before = *otk_span_get_context(span);
    otk_span_update_name(span, "second");
    assert_true(otk_span_is_recording(span));
    otk_span_end(span);
    assert_false(otk_span_is_recording(span));
    otk_span_update_name(span, "third");
    otk_span_set_int(span, "late", 1);
    otk_span_add_event(span, "late", NULL);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, "late");
    otk_span_end(span);
    assert_memory_equal(otk_span_get_context(span)->span_id, before.span_id, 8);
    const span_message *s = sent(&w, span);
    assert_string_equal(s->name, "second");
    assert_int_equal(s->n_attributes + s->n_events, 0);
    assert_null(s->status);
    assert_int_equal(traces_of(w.sdk).accepted, 1);
    finish(&w);
}

/* SDK-LIM-01, SDK-LIM-02, SDK-ENC-07, SDK-ENV-14, SDK-ENV-15: within values only texts and bytes are cut. */
static void test_limits_are_kept_and_counted(void **state)
{
    struct world w;
    const otk_attributes *two = OTK_ATTRIBUTES(otk_attribute_int("a", 1), otk_attribute_int("b", 1));
    const otk_attribute map[] = {otk_attribute_int("one", 12345), otk_attribute_string("two", "cut here"),
                                 otk_attribute_bool("three", true)};
    const otk_value list[] = {otk_value_string("gr\xC3\xBC\xC3\x9F"
                                               "e"),
                              otk_value_bytes("12345", 5), otk_value_kvlist(map, COUNT(map))};
    (void)state;
    start_with(&w,
               (const char *const[]){"OTEL_ATTRIBUTE_COUNT_LIMIT=2", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=3",
                                     "OTEL_SPAN_EVENT_COUNT_LIMIT=1", "OTEL_SPAN_LINK_COUNT_LIMIT=1",
                                     "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=0", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT=1", NULL});
    otk_span *span = otk_span_start(w.tracer, "name is no attribute", NULL);
    otk_span_set_value(span, "list", otk_value_array(list, COUNT(list)));
    otk_span_set_int(span, "b", 1);
    otk_span_set_int(span, "c", 1);
    otk_span_set_int(span, "b", 2);
    otk_span_add_event(span, "event", OTK_ATTRIBUTES(otk_attribute_int("n", 1)));
    otk_span_add_event(span, "too many", NULL);
    otk_span_add_link(span, &remote, two);
    otk_span_add_link(span, &remote, NULL);
    const span_message *s = sent(&w, span);
    assert_string_equal(s->name, "name is no attribute");
    assert_int_equal(s->n_attributes, 2);
    assert_int_equal(attribute(s, "b")->int_value, 2);
    const Otk__Common__ArrayValue *values = attribute(s, "list")->array_value;
    assert_int_equal(values->n_values, 3);
    assert_text(values->values[0], "gr\xC3\xBC");
    assert_int_equal(values->values[1]->bytes_value.len, 3);
    const Otk__Common__KeyValueList *inner = values->values[2]->kvlist_value;
    assert_int_equal(inner->n_values, 3);
    assert_int_equal(get(inner->values, 3, "one")->int_value, 12345);
    assert_text(get(inner->values, 3, "two"), "cut");
    assert_int_equal(s->dropped_attributes_count, 1);
    assert_int_equal(s->dropped_events_count, 1);
    assert_int_equal(s->events[0]->dropped_attributes_count, 1);
    assert_int_equal(s->dropped_links_count, 1);
    assert_int_equal(s->links[0]->n_attributes, 1);
    assert_int_equal(s->links[0]->dropped_attributes_count, 1);
    finish(&w);
}

/* SDK-LIM-04: a span's own limits, those for all attributes, and the default of 128 */
static void test_the_limit_that_fits_best_counts(void **state)
{
    struct world w;
    char key[8];
    (void)state;
    start_with(&w, (const char *const[]){"OTEL_ATTRIBUTE_COUNT_LIMIT=3", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2",
                                         "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=3",
                                         "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=2", NULL});
    otk_span *span = otk_span_start(w.tracer, "limits", NULL);
    otk_span_set_string(span, "text", "cut");
    otk_span_add_event(span, "event",
                       OTK_ATTRIBUTES(otk_attribute_int("a", 1), otk_attribute_int("b", 1), otk_attribute_int("c", 1),
                                      otk_attribute_int("d", 1)));
    for (int i = 0; i < 130; i++) {
        snprintf(key, sizeof key, "k%d", i);
        otk_span_set_int(span, key, i);
        otk_span_add_event(span, "event", NULL);
    }
    const span_message *s = sent(&w, span);
    assert_int_equal(s->n_attributes, 2);
    assert_text(attribute(s, "text"), "cu");
    assert_int_equal(s->dropped_attributes_count, 129);
    assert_int_equal(s->events[0]->n_attributes, 3);
    assert_int_equal(s->n_events, 128);
    assert_int_equal(s->dropped_events_count, 3);
    finish(&w);
}

/* SDK-ERR-05: where nothing limits the length of values */
static void test_what_is_too_large_for_a_span_is_dropped(void **state)
{
    static uint8_t large[65 << 20];
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, "span", NULL);
    otk_span_set_int(span, "before", 1);
    otk_span_set_bytes(span, "large", large, sizeof large);
    otk_span_add_event(span, "large", OTK_ATTRIBUTES(otk_attribute_bytes("large", large, sizeof large)));
    otk_span_set_int(span, "after", 2);
    const span_message *s = sent(&w, span);
    assert_int_equal(s->n_attributes, 2);
    assert_int_equal(attribute(s, "after")->int_value, 2);
    assert_int_equal(s->dropped_attributes_count, 1);
    assert_int_equal(s->events[0]->dropped_attributes_count, 1);
    finish(&w);
}

/* SDK-LIM-05, SDK-ERR-03: whatever it is that is dropped */
static void test_drops_are_told_once(void **state)
{
    static const char *const limits[] = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=0", "OTEL_SPAN_EVENT_COUNT_LIMIT=0",
                                         "OTEL_SPAN_LINK_COUNT_LIMIT=0"};
    (void)state;
    for (size_t limit = 0; limit < COUNT(limits); limit++) {
        struct world w;
        start_with(&w, (const char *const[]){limits[limit], NULL});
        for (int i = 0; i < 3; i++) {
            otk_span *span = otk_span_start(w.tracer, "drops", NULL);
            otk_span_set_int(span, "a", 1);
            otk_span_set_int(span, "b", 1);
            otk_span_add_event(span, "event", NULL);
            otk_span_add_link(span, &remote, NULL);
            otk_span_free(span);
        }
        assert_int_equal(w.notes.count, 1);
        assert_noted(&w.notes, "exceed their limits");
        finish(&w);
    }
}

/* SDK-LIM-06, SDK-RES-10, SDK-MET-32: the resource and points have no limits, and it is the same for all signals */
static void test_the_resource_is_whole_and_the_same_everywhere(void **state)
{
    struct world w;
    otk_sdk_options options = OTK_SDK_OPTIONS_INIT;
    const otk_attributes *two = OTK_ATTRIBUTES(otk_attribute_string("a", "long"), otk_attribute_int("b", 2));
    (void)state;
    options.settings = (const char *const[]){"OTEL_ATTRIBUTE_COUNT_LIMIT=0", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=1",
                                             "OTEL_RESOURCE_ATTRIBUTES=a=long,b=longer", NULL};
    start_by(&w, options);
    otk_logger_log(otk_sdk_logger(w.sdk, "l", NULL), OTK_SEVERITY_NUMBER_INFO, "a body is no attribute", NULL);
    const Otk__Collector__Logs__ExportLogsServiceRequest *logs =
        flush(&w, &otk__collector__logs__export_logs_service_request__descriptor);
    uint8_t bytes[3][512];
    size_t size = protobuf_c_message_pack(&logs->resource_logs[0]->resource->base, bytes[0]);
    assert_text(logs->resource_logs[0]->scope_logs[0]->log_records[0]->body, "a body is no attribute");
    otk_span_free(otk_span_start(w.tracer, "s", NULL));
    const trace_request *traces = flush_traces(&w);
    const Otk__Resource__Resource *r = traces->resource_spans[0]->resource;
    assert_text(get(r->attributes, r->n_attributes, "b"), "longer");
    assert_int_equal(protobuf_c_message_pack(&r->base, bytes[1]), size);
    assert_memory_equal(bytes[0], bytes[1], size);
    otk_counter_add(otk_meter_counter(otk_sdk_meter(w.sdk, "m", NULL), "count", NULL, NULL), 1, two);
    const Otk__Collector__Metrics__ExportMetricsServiceRequest *metrics =
        flush(&w, &otk__collector__metrics__export_metrics_service_request__descriptor);
    const Otk__Metrics__ResourceMetrics *all = metrics->resource_metrics[0];
    assert_int_equal(protobuf_c_message_pack(&all->resource->base, bytes[2]), size);
    assert_memory_equal(bytes[0], bytes[2], size);
    const Otk__Metrics__NumberDataPoint *point = all->scope_metrics[0]->metrics[0]->sum->data_points[0];
    assert_text(get(point->attributes, point->n_attributes, "a"), "long");
    assert_int_equal(get(point->attributes, point->n_attributes, "b")->int_value, 2);
    finish(&w);
}

/* How many arrays stand in each other, or maps, down to what is neither. */
static unsigned depth_of(const any_value **value)
{
    unsigned depth = 0;
    for (;; depth++) {
        if ((*value)->value_case == OTK__COMMON__ANY_VALUE__VALUE_ARRAY_VALUE)
            *value = (*value)->array_value->values[0];
        else if ((*value)->value_case == OTK__COMMON__ANY_VALUE__VALUE_KVLIST_VALUE)
            *value = (*value)->kvlist_value->values[0]->value;
        else
            return depth;
    }
}

/* SDK-LIM-03: the 65th array or map is an empty value. */
static void test_values_are_cut_at_64_levels(void **state)
{
    struct world w;
    otk_value lists[66], maps[66];
    otk_attribute items[66];
    (void)state;
    start(&w);
    lists[0] = otk_value_array(NULL, 0);
    maps[0] = otk_value_kvlist(NULL, 0);
    for (size_t i = 1; i < COUNT(lists); i++) {
        items[i] = otk_attribute_of("k", maps[i - 1]);
        lists[i] = otk_value_array(&lists[i - 1], 1);
        maps[i] = otk_value_kvlist(&items[i], 1);
    }
    otk_span *span = otk_span_start(w.tracer, "deep", NULL);
    otk_span_set_value(span, "lists", lists[65]);
    otk_span_set_value(span, "maps", maps[65]);
    const span_message *s = sent(&w, span);
    const any_value *values[] = {attribute(s, "lists"), attribute(s, "maps")};
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_int_equal(depth_of(&values[i]), 64);
        assert_int_equal(values[i]->value_case, OTK__COMMON__ANY_VALUE__VALUE__NOT_SET);
    }
    finish(&w);
}

/* SDK-ENC-01, SDK-API-01, SDK-API-02 */
static void test_spans_are_grouped_by_scope(void **state)
{
    struct world w;
    otk_scope_options options = {"1.2", "https://schema", OTK_ATTRIBUTES(otk_attribute_int("n", 1))};
    (void)state;
    start(&w);
    otk_tracer *full = otk_sdk_tracer(w.sdk, "full", &options);
    assert_ptr_equal(full, otk_sdk_tracer(w.sdk, "full", &options));
    options.version = "1.3";
    assert_ptr_not_equal(full, otk_sdk_tracer(w.sdk, "full", &options));
    otk_tracer *nameless = otk_sdk_tracer(w.sdk, NULL, NULL);
    assert_noted(&w.notes, "without a name");
    otk_span_free(otk_span_start(w.tracer, "a", NULL));
    otk_span_free(otk_span_start(full, "b", NULL));
    otk_span_free(otk_span_start(w.tracer, "c", NULL));
    otk_span_free(otk_span_start(nameless, "d", NULL));
    const trace_request *request = flush_traces(&w);
    assert_int_equal(request->n_resource_spans, 1);
    const Otk__Trace__ResourceSpans *resource = request->resource_spans[0];
    assert_text(get(resource->resource->attributes, resource->resource->n_attributes, "service.name"), "tests");
    assert_int_equal(resource->n_scope_spans, 3);
    assert_int_equal(resource->scope_spans[0]->n_spans, 2);
    assert_string_equal(resource->scope_spans[0]->spans[1]->name, "c");
    const Otk__Trace__ScopeSpans *second = resource->scope_spans[1];
    assert_string_equal(second->scope->name, "full");
    assert_string_equal(second->scope->version, "1.2");
    assert_string_equal(second->schema_url, "https://schema");
    assert_int_equal(second->scope->attributes[0]->value->int_value, 1);
    assert_string_equal(resource->scope_spans[2]->scope->name, "");
    finish(&w);
}

/* SDK-API-02 */
static void test_a_scope_without_a_name_is_told_and_works(void **state)
{
    static const char *const names[] = {NULL, ""};
    (void)state;
    for (size_t i = 0; i < 3 * COUNT(names); i++) {
        struct world w;
        const char *name = names[i % 2];
        start(&w);
        if (i / 2 == 0)
            otk_span_free(otk_span_start(otk_sdk_tracer(w.sdk, name, NULL), "span", NULL));
        else if (i / 2 == 1)
            otk_logger_log(otk_sdk_logger(w.sdk, name, NULL), OTK_SEVERITY_NUMBER_INFO, "text", NULL);
        else
            otk_counter_add(otk_meter_counter(otk_sdk_meter(w.sdk, name, NULL), "count", NULL, NULL), 1, NULL);
        assert_noted(&w.notes, "without a name");
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
        assert_int_equal(server_request_count(w.server), 1);
        finish(&w);
    }
}

/* SDK-API-16 */
static void test_a_context_is_valid_with_both_ids(void **state)
{
    const otk_span_context both = {.trace_id = {[15] = 1}, .span_id = {[7] = 1}};
    otk_span_context trace = both, span = both;
    (void)state;
    memset(trace.span_id, 0, sizeof trace.span_id);
    memset(span.trace_id, 0, sizeof span.trace_id);
    assert_true(otk_span_context_is_valid(&both));
    assert_false(otk_span_context_is_valid(&trace));
    assert_false(otk_span_context_is_valid(&span));
    assert_false(otk_span_context_is_valid(NULL));
}

/* SDK-API-15 */
static void test_ids_are_written_as_lowercase_hex(void **state)
{
    char trace_id[33], span_id[17];
    const otk_span_context context = {.trace_id = {0xAB, 1}, .span_id = {0xFF}};
    (void)state;
    otk_span_context_trace_id(&context, trace_id);
    otk_span_context_span_id(&context, span_id);
    assert_string_equal(trace_id, "ab010000000000000000000000000000");
    assert_string_equal(span_id, "ff00000000000000");
}

/* ---- Nothing happens ------------------------------------------------- */

/* SDK-ERR-01 */
static void test_null_does_nothing(void **state)
{
    otk_sdk_stats stats;
    (void)state;
    otk_span *span = otk_span_start(NULL, "none", NULL);
    otk_span_set_string(span, "k", "v");
    otk_span_add_link(span, NULL, NULL);
    otk_span_end(span);
    assert_false(otk_span_context_is_valid(otk_span_get_context(span)));
    otk_span_free(span);
    otk_span_set_value(NULL, NULL, otk_value_int(1));
    otk_span_add_event(NULL, NULL, NULL);
    otk_span_set_status(NULL, OTK_STATUS_CODE_OK, NULL);
    otk_span_update_name(NULL, NULL);
    otk_span_end(NULL);
    otk_span_free(NULL);
    assert_non_null(otk_span_get_context(NULL));
    otk_counter_add(otk_meter_counter(otk_sdk_meter(NULL, NULL, NULL), NULL, NULL, NULL), 1, NULL);
    otk_logger_log(otk_sdk_logger(NULL, NULL, NULL), 0, NULL, NULL);
    otk_logger_emit(NULL, NULL);
    otk_sdk_stats_get(NULL, &stats);
    assert_int_equal(otk_sdk_force_flush(NULL, 0), 0);
    assert_int_equal(otk_sdk_shutdown(NULL, 0), 0);
    otk_sdk_stop(NULL);
}

/* SDK-ERR-01: on a span that lives, too. */
static void test_null_arguments_do_no_harm(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    otk_span *span = otk_span_start(w.tracer, NULL, NULL);
    otk_span_set_string(span, NULL, "v");
    otk_span_set_string(span, "k", NULL);
    otk_span_set_bytes(span, "b", NULL, 0);
    otk_span_add_event(span, NULL, NULL);
    otk_span_set_status(span, OTK_STATUS_CODE_ERROR, NULL);
    otk_span_update_name(span, NULL);
    const span_message *s = sent(&w, span);
    assert_string_equal(s->name, "");
    assert_int_equal(s->n_attributes, 2);
    assert_int_equal(s->n_events, 1);
    assert_int_equal(s->status->code, OTK_STATUS_CODE_ERROR);
    finish(&w);
}

/* SDK-ENV-01, SDK-API-22 */
static void test_a_disabled_sdk_passes_the_parent_on(void **state)
{
    struct world w;
    otk_span_options options = OTK_SPAN_OPTIONS_INIT;
    (void)state;
    start_with(&w, (const char *const[]){"OTEL_SDK_DISABLED=true", NULL});
    options.parent = &remote;
    otk_span *root = otk_span_start(w.tracer, "root", NULL);
    otk_span *child = otk_span_start_with(w.tracer, "child", &options);
    assert_false(otk_span_context_is_valid(otk_span_get_context(root)));
    assert_memory_equal(otk_span_get_context(child)->trace_id, remote.trace_id, 16);
    assert_memory_equal(otk_span_get_context(child)->span_id, remote.span_id, 8);
    assert_string_equal(otk_span_get_context(child)->trace_state, "vendor=x");
    otk_span_free(root);
    otk_span_free(child);
    otk_logger_log(otk_sdk_logger(w.sdk, "test", NULL), OTK_SEVERITY_NUMBER_INFO, "text", NULL);
    otk_counter_add(otk_meter_counter(otk_sdk_meter(w.sdk, "test", NULL), "count", NULL, NULL), 1, NULL);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_connection_count(w.server), 0);
    finish(&w);
}

/* SDK-ENV-17 */
static void test_a_signal_exported_nowhere_is_not_sent(void **state)
{
    static const struct {
        const char *setting, *path;
    } cases[] = {{"OTEL_TRACES_EXPORTER=none", "/v1/traces"},
                 {"OTEL_METRICS_EXPORTER=none", "/v1/metrics"},
                 {"OTEL_LOGS_EXPORTER=none", "/v1/logs"}};
    (void)state;
    for (int i = 0; i < OTK_SIGNAL_COUNT; i++) {
        struct world w;
        start_with(&w, (const char *const[]){cases[i].setting, NULL});
        otk_span_free(otk_span_start(w.tracer, "span", NULL));
        otk_logger_log(otk_sdk_logger(w.sdk, "test", NULL), OTK_SEVERITY_NUMBER_INFO, "text", NULL);
        otk_counter_add(otk_meter_counter(otk_sdk_meter(w.sdk, "test", NULL), "count", NULL, NULL), 1, NULL);
        assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
        assert_int_equal(server_request_count(w.server), 2);
        for (size_t k = 0; k < 2; k++)
            assert_null(strstr(server_request(w.server, k)->head, cases[i].path));
        assert_int_equal(stats_of(w.sdk, (otk_signal)i).accepted, 0);
        finish(&w);
    }
}

/* SDK-ENV-17: others may still continue such a trace. */
static void test_traces_exported_nowhere_still_have_ids(void **state)
{
    struct world w;
    (void)state;
    start_with(&w, (const char *const[]){"OTEL_TRACES_EXPORTER=none", NULL});
    otk_span *span = otk_span_start(w.tracer, "root", NULL);
    assert_false(otk_span_is_recording(span));
    assert_true(otk_span_context_is_valid(otk_span_get_context(span)));
    assert_int_equal(otk_span_get_context(span)->trace_flags, 1);
    otk_span_free(span);
    assert_int_equal(otk_sdk_force_flush(w.sdk, PATIENCE_MS), 0);
    assert_int_equal(server_connection_count(w.server), 0);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_span_has_what_every_span_has),
        cmocka_unit_test(test_a_child_continues_its_parents_trace),
        cmocka_unit_test(test_a_remote_parent_shows_in_flags_and_trace_state),
        cmocka_unit_test(test_an_explicit_root_ignores_the_parent),
        cmocka_unit_test(test_a_parent_that_is_not_valid_is_none),
        cmocka_unit_test(test_a_span_has_always_a_kind),
        cmocka_unit_test(test_an_unsampled_parent_has_unsampled_children),
        cmocka_unit_test(test_times_and_kind_may_be_given),
        cmocka_unit_test(test_time_goes_forward_when_the_clock_is_set_back),
        cmocka_unit_test(test_values_of_every_kind_arrive),
        cmocka_unit_test(test_a_key_set_again_has_the_later_value),
        cmocka_unit_test(test_bad_utf8_is_repaired_everywhere),
        cmocka_unit_test(test_events_and_links_keep_their_order),
        cmocka_unit_test(test_the_first_ok_is_final_and_unset_changes_nothing),
        cmocka_unit_test(test_an_ended_span_changes_no_more),
        cmocka_unit_test(test_limits_are_kept_and_counted),
        cmocka_unit_test(test_the_limit_that_fits_best_counts),
        cmocka_unit_test(test_what_is_too_large_for_a_span_is_dropped),
        cmocka_unit_test(test_drops_are_told_once),
        cmocka_unit_test(test_the_resource_is_whole_and_the_same_everywhere),
        cmocka_unit_test(test_values_are_cut_at_64_levels),
        cmocka_unit_test(test_spans_are_grouped_by_scope),
        cmocka_unit_test(test_a_scope_without_a_name_is_told_and_works),
        cmocka_unit_test(test_a_context_is_valid_with_both_ids),
        cmocka_unit_test(test_ids_are_written_as_lowercase_hex),
        cmocka_unit_test(test_null_does_nothing),
        cmocka_unit_test(test_null_arguments_do_no_harm),
        cmocka_unit_test(test_a_disabled_sdk_passes_the_parent_on),
        cmocka_unit_test(test_a_signal_exported_nowhere_is_not_sent),
        cmocka_unit_test(test_traces_exported_nowhere_still_have_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
