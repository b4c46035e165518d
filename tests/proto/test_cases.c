/* Runs a file of fixtures/cases: every case is a test of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cases.h"
#include "json.h"
#include "merge.h"

#define LIMIT ((size_t)1 << 28)

struct outcome {
    struct otk_buffer bytes; /* regular protobuf bytes */
    struct otk_json_notes notes;
    struct otk_index index;
    struct otk_fault fault;
    int rc;
};

static int read_regular(struct outcome *o, const struct otk_message *type)
{
    int rc = otk_wire_read(&o->index, type, o->bytes.data, o->bytes.size, &o->fault);
    if (rc || o->index.regular)
        return rc;
    struct otk_buffer merged = OTK_BUFFER_INIT(LIMIT);
    assert_int_equal(otk_merge(&merged, type, o->bytes.data, o->bytes.size), 0);
    otk_buffer_clear(&o->bytes);
    otk_index_clear(&o->index);
    o->bytes = merged;
    rc = otk_wire_read(&o->index, type, o->bytes.data, o->bytes.size, &o->fault);
    assert_int_equal(rc, 0);
    assert_true(o->index.regular);
    return 0;
}

static void take(struct outcome *o, const struct test_case *c)
{
    const struct otk_message *type = otk_schema((enum otk_message_id)c->signal);
    *o = (struct outcome){.bytes = OTK_BUFFER_INIT(LIMIT)};
    if (c->is_text)
        o->rc = otk_json_read(&o->bytes, type, (const char *)c->input.data, c->input.size, &o->notes, &o->fault);
    else
        otk_buffer_append(&o->bytes, c->input.data, c->input.size);
    if (!o->rc)
        o->rc = read_regular(o, type);
}

static void assert_json(struct outcome *o, const struct test_case *c)
{
    struct otk_buffer json = OTK_BUFFER_INIT(LIMIT);
    assert_int_equal(otk_json_write(&json, otk_schema((enum otk_message_id)c->signal), o->bytes.data, o->bytes.size),
                     0);
    assert_string_equal(otk_buffer_string(&json), c->json);
    otk_buffer_clear(&json);
}

static void case_holds(void **state)
{
    const struct test_case *c = *state;
    struct outcome o;
    char sentence[512];
    take(&o, c);
    otk_fault_sentence(&o.fault, sentence, sizeof sentence);
    if (c->fault) {
        assert_int_equal(o.rc, OTK_EDATA);
        assert_string_equal(sentence, c->fault);
    } else {
        assert_string_equal(o.rc ? sentence : "", "");
        assert_int_equal(o.rc, 0);
        assert_json(&o, c);
    }
    if (c->note)
        assert_memory_equal(o.notes.first, c->note, strlen(c->note));
    otk_index_clear(&o.index);
    otk_buffer_clear(&o.bytes);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fprintf(stderr, "usage: %s CASES\n", argv[0]), 2;
    struct test_cases cases = test_cases_read(argv[1]);
    struct CMUnitTest *tests = calloc(cases.count, sizeof *tests);
    for (size_t i = 0; i < cases.count; i++)
        tests[i] = (struct CMUnitTest){cases.items[i].title, case_holds, NULL, NULL, &cases.items[i]};
    int failed = _cmocka_run_group_tests(argv[1], tests, cases.count, NULL, NULL);
    free(tests);
    test_cases_free(&cases);
    return failed || !cases.count;
}
