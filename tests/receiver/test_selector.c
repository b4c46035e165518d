/* The selector's text: what parses, what does not and what is said then, and that docs/selector.md is true. */
#include "selector.h"
#include "shop.h"

static int parse(const char *text, struct sel_fault *fault)
{
    struct sel_selector *s;
    int rc = otk_selector_parse(&s, text, fault);
    if (!rc)
        otk_selector_free(s);
    return rc;
}

typedef void line_fn(char *line, void *arg);

static void each_line(const char *path, line_fn *fn, void *arg)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    assert_non_null(file);
    while ((n = getline(&line, &room, file)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        fn(line, arg);
    }
    free(line);
    fclose(file);
}

/* ---- What parses ----------------------------------------------------- */

static void must_parse(char *line, void *arg)
{
    struct sel_fault fault = {0};
    size_t *count = arg;
    if (parse(line, &fault))
        fail_msg("%s: %s", line, fault.sentence);
    assert_null(otk_selector_explain(line));
    ++*count;
}

static void valid_selectors_are_taken(void **state)
{
    size_t count = 0;
    (void)state;
    each_line(OTLPKIT_SOURCE_DIR "/fixtures/selectors/valid.txt", must_parse, &count);
    assert_true(count > 30);
}

struct invalid {
    char selector[256];
    size_t count;
};

static char *find_or_end(char *text, const char *part)
{
    char *at = strstr(text, part);
    return at ? at : text + strlen(text);
}

/* Lines come in pairs: the selector, and below it the caret and the sentence. */
static void must_fail(char *line, void *arg)
{
    struct invalid *i = arg;
    struct sel_fault fault = {0};
    if (i->count++ % 2 == 0) {
        snprintf(i->selector, sizeof i->selector, "%s", line);
        return;
    }
    if (parse(i->selector, &fault) != OTK_EINVAL)
        fail_msg("taken: %s", i->selector);
    /* Where in a pattern an error is depends on PCRE2's version. */
    size_t caret = strcspn(line, "^");
    *find_or_end(fault.sentence, " (at character") = '\0';
    *find_or_end(line + caret, " (at character") = '\0';
    assert_string_equal(fault.sentence, line + caret + 2);
    assert_int_equal(fault.place.at, caret);
}

static void invalid_selectors_are_refused_with_sentence_and_place(void **state)
{
    struct invalid invalid = {.count = 0};
    (void)state;
    each_line(OTLPKIT_SOURCE_DIR "/fixtures/selectors/invalid.txt", must_fail, &invalid);
    assert_true(invalid.count > 100);
}

static void an_error_names_the_place_in_one_line(void **state)
{
    struct otk_query *q;
    otk_error error = {0};
    (void)state;
    assert_int_equal(otk_query_new(&q, "{ staus = error }", &error), OTK_EINVAL);
    assert_int_equal(error.code, OTK_EINVAL);
    assert_string_equal(error.message, "unknown name `staus`, did you mean `status`?, at character 3 of the selector");
}

static void a_wrong_selector_is_explained_with_a_caret(void **state)
{
    (void)state;
    char *text = otk_selector_explain("{ staus = error }");
    assert_string_equal(text, "unknown name `staus`, did you mean `status`?\n  { staus = error }\n    ^~~~~\n");
    free(text);
    text = otk_selector_explain("{ name = \"\xc3\xa4\" &&\n  nam = 1 }");
    assert_string_equal(text, "unknown name `nam`, did you mean `name`?\n    nam = 1 }\n    ^~~\n");
    free(text);
}

static void what_is_not_utf8_is_refused_and_does_not_come_back(void **state)
{
    (void)state;
    char *text = otk_selector_explain("{ name = \"\xc3\xa4\x1b\xff\x80\" }");
    assert_string_equal(text, "the selector is not UTF-8 here\n  { name = \"\xc3\xa4???\" }\n              ^\n");
    free(text);
}

/* ---- Bounds ---------------------------------------------------------- */

static char *repeat(const char *head, const char *part, size_t count, const char *tail)
{
    size_t n = strlen(part);
    char *text = malloc(strlen(head) + n * count + strlen(tail) + 1), *to = stpcpy(text, head);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, part);
    strcpy(to, tail);
    return text;
}

static void refused(char *text, const char *sentence)
{
    struct sel_fault fault = {0};
    assert_int_equal(parse(text, &fault), OTK_EINVAL);
    assert_string_equal(fault.sentence, sentence);
    free(text);
}

static void size_and_depth_are_bounded(void **state)
{
    struct sel_fault fault;
    (void)state;
    refused(repeat("{ ", "(", 300, ".a"), "nested deeper than 200 levels");
    refused(repeat("{ ", "!", 300, ".a }"), "nested deeper than 200 levels");
    refused(repeat("", "(", 300, "{}"), "nested deeper than 200 levels");
    refused(repeat("{ .a", " + .a", 300, " = 1 }"), "more than 200 operators in a row");
    refused(repeat("{}", " || {}", 64, ""), "more than 64 pairs of braces");
    refused(repeat("{ .a }", " ", 20000, ""), "the selector is longer than 16384 bytes");
    char *text = repeat("{ ", "(", 150, ".a");
    char *whole = repeat(text, ")", 150, " }");
    assert_int_equal(parse(whole, &fault), 0);
    free(text);
    free(whole);
}

static void a_name_is_read_once_wherever_it_stands(void **state)
{
    struct sel_selector *s;
    struct sel_fault fault;
    (void)state;
    assert_int_equal(otk_selector_parse(&s, "{ .a = 1 || .a = 2 || span:name = \"x\" || name = \"y\" }", &fault), 0);
    assert_int_equal(s->field_count, 2);
    otk_selector_free(s);
}

static void each_failing_allocation_is_told(void **state)
{
    static const char text[] =
        "{ .a =~ \"x+\" && span.\"b c\"[1][\"k\"] = [1, 2] } >> { status = error } | by(.a) | avg(.b) > 1";
    struct sel_fault fault;
    int rc = OTK_ENOMEM;
    (void)state;
    for (size_t n = 0; rc; n++) {
        assert_true(n < 1000);
        allocations_left = n;
        rc = parse(text, &fault);
        allocations_left = SIZE_MAX;
        assert_true(rc == 0 || rc == OTK_ENOMEM);
    }
}

/* ---- Names ----------------------------------------------------------- */

static bool is_documented(const char *page, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = strstr(page, name); at; at = strstr(at + 1, name))
        if (strchr("` .{", at[-1]) && strchr("` .{,=(", at[n]))
            return true;
    return false;
}

static char *read_page(void)
{
    FILE *file = fopen(OTLPKIT_SOURCE_DIR "/docs/selector.md", "r");
    char *page = calloc(1, 65536);
    assert_non_null(file);
    assert_true(fread(page, 1, 65535, file) > 1000);
    fclose(file);
    return page;
}

static void each_name_is_on_the_page(void **state)
{
    char *page = read_page();
    (void)state;
    for (unsigned kind = SEL_WORDS_FIELD; kind <= SEL_WORDS_SCOPE; kind <<= 1) {
        const struct sel_name *name;
        for (size_t i = 0; (name = otk_sel_names((enum sel_kind_of_word)kind, i)); i++) {
            bool is_level = name->type == SEL_SEVERITY && kind == SEL_WORDS_STATIC;
            if (!is_level && !is_documented(page, name->name))
                fail_msg("docs/selector.md does not tell of %s", name->name);
        }
    }
    free(page);
}

/* ---- The page's examples --------------------------------------------- */

struct page {
    otk_capture *shop[OTK_SIGNAL_COUNT];
    bool inside;
    size_t count;
};

static void check_example(struct page *page, char *selector, const char *told)
{
    struct sel_fault fault = {0};
    bool holds;
    page->count++;
    if (strncmp(told, "refused: ", 9) == 0) {
        assert_int_equal(parse(selector, &fault), OTK_EINVAL);
        assert_memory_equal(fault.sentence, told + 9, strlen(told + 9));
        return;
    }
    uint64_t count = count_in(page->shop, OTK_SIGNAL_COUNT, selector, &holds);
    if (count != strtoull(told, NULL, 10))
        fail_msg("%s: selects %llu", selector, (unsigned long long)count);
    if (holds != (count > 0 || strstr(told, "holds")))
        fail_msg("%s: %s", selector, holds ? "holds" : "does not hold");
}

static void read_example(char *line, void *arg)
{
    struct page *page = arg;
    char *told = strstr(line, "  # ");
    if (strncmp(line, "```", 3) == 0) {
        page->inside = strcmp(line, "```selector") == 0;
    } else if (page->inside) {
        assert_non_null(told);
        *told = '\0';
        check_example(page, line, told + 4);
    }
}

static void the_pages_examples_are_true(void **state)
{
    struct page page = {.count = 0};
    (void)state;
    shop_load(page.shop);
    each_line(OTLPKIT_SOURCE_DIR "/docs/selector.md", read_example, &page);
    assert_true(page.count > 40);
    shop_forget(page.shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_selectors_are_taken),
        cmocka_unit_test(invalid_selectors_are_refused_with_sentence_and_place),
        cmocka_unit_test(an_error_names_the_place_in_one_line),
        cmocka_unit_test(a_wrong_selector_is_explained_with_a_caret),
        cmocka_unit_test(what_is_not_utf8_is_refused_and_does_not_come_back),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(a_name_is_read_once_wherever_it_stands),
        cmocka_unit_test(each_failing_allocation_is_told),
        cmocka_unit_test(each_name_is_on_the_page),
        cmocka_unit_test(the_pages_examples_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
