/* `otlpkit env`: what an environment means. */
#include "process.h"

#include <stdlib.h>
#include <unistd.h>

static void test_its_own_environment_is_explained(void **state)
{
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", 1);
    assert_ends(RUN("env"), 0, "logs         http://collector:4318/v1/logs\n", "");
    assert_ends(RUN("env"), 0,
                "environment  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://collector:4318/v1/logs  "
                "(OTEL_EXPORTER_OTLP_ENDPOINT)\n",
                "");
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", 1);
    assert_ends(RUN("env"), 1, "warning      OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318: ", "");
    unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT");
}

static void test_a_file_of_lines_is_explained(void **state)
{
    (void)state;
    write_file("lines.env", "# of the shop\n\nOTEL_SERVICE_NAME=shop\nOTEL_TRACES_EXPORTER=none");
    assert_ends(RUN("env", "lines.env"), 0, "environment  OTEL_SERVICE_NAME=shop\n", "");
    assert_ends(process_run((const char *const[]){"env", "-", NULL}, "lines.env"), 0,
                "traces       nowhere, its exporter is not otlp\n", "");
    write_file("lines.env", "");
    assert_ends(RUN("env", "lines.env"), 0, "default      OTEL_SERVICE_NAME=\n", "");
    assert_int_equal(unlink("lines.env"), 0);
}

static void test_a_running_programs_environment_is_explained(void **state)
{
    (void)state;
    setenv("OTEL_RESOURCE_ATTRIBUTES", "a=1\nOTEL_SERVICE_NAME=not a line", 1);
    assert_ends(RUN("env", "/proc/self/environ"), 0,
                "environment  OTEL_RESOURCE_ATTRIBUTES=a=1?OTEL_SERVICE_NAME=not a line\n", "");
    unsetenv("OTEL_RESOURCE_ATTRIBUTES");
}

static void test_what_cannot_be_read_is_told(void **state)
{
    (void)state;
    assert_ends(RUN("env", "missing.env"), 2, "", "otlpkit env: cannot read missing.env: No such file or directory\n");
    assert_ends(RUN("env", "."), 2, "", "otlpkit env: cannot read .: Is a directory\n");
    assert_ends(RUN("env", "/dev/zero"), 2, "", "otlpkit env: cannot read /dev/zero: File too large\n");
    assert_ends(RUN("env", "a", "b"), 2, "", "otlpkit env: takes one FILE, but got 'b' too\n");
}

static void test_every_variable_is_listed(void **state)
{
    (void)state;
    assert_ends(RUN("env", "--list"), 0, "OTEL_BSP_SCHEDULE_DELAY=5000\n    milliseconds between two exports\n", "");
}

/* The linker's own list: loading libcurl takes longer than all the command does. */
static void test_libcurl_is_not_loaded_for_it(void **state)
{
    (void)state;
    setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);
    struct process p = RUN("env");
    unsetenv("LD_TRACE_LOADED_OBJECTS");
    assert_has(&p.out_text, "libc.so");
    assert_null(strstr(otk_buffer_string(&p.out_text), "libcurl"));
    process_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_own_environment_is_explained),
        cmocka_unit_test(test_a_file_of_lines_is_explained),
        cmocka_unit_test(test_a_running_programs_environment_is_explained),
        cmocka_unit_test(test_what_cannot_be_read_is_told),
        cmocka_unit_test(test_every_variable_is_listed),
        cmocka_unit_test(test_libcurl_is_not_loaded_for_it),
    };
    return cmocka_run_group_tests(tests, process_enter_folder, process_leave_folder);
}
