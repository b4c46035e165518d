/* Selectors as programs that embed the receiver use them. */
#include "shop.h"
#include "store.h"

static int start(void **state)
{
    otk_capture *shop[OTK_SIGNAL_COUNT];
    otk_receiver *rx = otk_receiver_start(NULL, NULL);
    assert_non_null(rx);
    shop_load(shop);
    for (size_t i = 0; i < OTK_SIGNAL_COUNT; i++)
        assert_int_equal(otk_store_add(otk_receiver_store(rx), otk_capture_of(shop[i])), 0);
    shop_forget(shop);
    *state = rx;
    return 0;
}

static int stop(void **state)
{
    otk_receiver_stop(*state);
    return 0;
}

static void what_came_is_counted(void **state)
{
    otk_error error = {0};
    assert_int_equal(otk_receiver_count(*state, "{ name = \"charge\" }", &error), 2);
    assert_int_equal(otk_receiver_count(*state, "metric{ type = sum }", &error), 2);
    assert_int_equal(otk_receiver_count(*state, "log{ severity = FATAL }", NULL), 0);
    assert_int_equal(error.code, 0);
}

static void a_wrong_selector_is_told(void **state)
{
    otk_error error = {0};
    assert_int_equal(otk_receiver_count(*state, "{ name = 1 }", &error), -1);
    assert_int_equal(error.code, OTK_EINVAL);
    assert_string_equal(error.message,
                        "name is a string and 1 is a number, so they cannot meet, at character 3 of the selector");
    assert_int_equal(otk_receiver_count(*state, "{", NULL), -1);
    assert_int_equal(otk_receiver_write_json_where(*state, "{", stdout, NULL), OTK_EINVAL);
}

static char *json_where(otk_receiver *rx, const char *selector)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    assert_int_equal(otk_receiver_write_json_where(rx, selector, to, NULL), 0);
    fclose(to);
    return text;
}

static void json_has_what_is_selected_and_all_around_it(void **state)
{
    char *text = json_where(*state, "{ name = \"health\" }");
    assert_string_equal(text,
                        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
                        "{\"stringValue\":\"bank\"}},{\"key\":\"host.name\",\"value\":{\"stringValue\":\"b\"}}]},"
                        "\"scopeSpans\":[{\"scope\":{\"name\":\"bank.core\"},\"spans\":[{\"traceId\":"
                        "\"1112131415161718191a1b1c1d1e1f20\",\"spanId\":\"0000000000000011\",\"name\":\"health\","
                        "\"kind\":2,\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":"
                        "\"1700000000001000000\",\"attributes\":[{\"key\":\"http.response.status_code\",\"value\":"
                        "{\"stringValue\":\"200\"}}]}]}]}]}\n");
    free(text);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

static void items_of_several_resources_keep_theirs(void **state)
{
    char *text = json_where(*state, "{ kind = server || name = \"charge\" }");
    assert_int_equal(count_of(text, "\"spanId\":\"00"), 5 + 1); /* and a link */
    assert_int_equal(count_of(text, "\"resource\":"), 2);
    assert_int_equal(count_of(text, "\n"), 1);
    free(text);
    text = json_where(*state, "metric{ point.route != nil }");
    assert_int_equal(count_of(text, "\"name\":\"requests\""), 1);
    assert_int_equal(count_of(text, "\"name\":\"temperature\""), 0);
    free(text);
    text = json_where(*state, "{ name = \"none\" }");
    assert_string_equal(text, "");
    free(text);
}

static void each_failing_allocation_is_told(void **state)
{
    FILE *to = fopen("/dev/null", "w");
    int rc = OTK_ENOMEM;
    for (size_t n = 0; rc; n++) {
        assert_true(n < 200);
        allocations_left = n;
        rc = otk_receiver_write_json_where(*state, "{ name = \"charge\" }", to, NULL);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
    fclose(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_came_is_counted, start, stop),
        cmocka_unit_test_setup_teardown(a_wrong_selector_is_told, start, stop),
        cmocka_unit_test_setup_teardown(json_has_what_is_selected_and_all_around_it, start, stop),
        cmocka_unit_test_setup_teardown(items_of_several_resources_keep_theirs, start, stop),
        cmocka_unit_test_setup_teardown(each_failing_allocation_is_told, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
