/* Writes results full of what the formats give a meaning to, for check_results to read:
 *
 *     show_results tap|junit|github|json
 */
#include <otlpkit/receiver.h>
#include <string.h>

#define SPITEFUL                                                                                                       \
    "a & b <c> \"d\" 'e' ]]> # f \\ g \\# %25 %0A h:i,j ::error::k\n"                                                  \
    "...\n---\n  ok 7 - l\nnot ok 8\n::error::m\n"                                                                     \
    "\x1b[31mn\x07\xff\xed\xa0\x80 \xef\xbf\xbe \xe2\x80\xa8 \xc2\x85 \r o"

static const otk_result items[] = {
    {"passed", "a:b,c%.expect", 3, OTK_PASSED, "", 1500000},
    {SPITEFUL, "a:b,c%.expect", 4, OTK_FAILED, SPITEFUL "\n", 0},
    {"failed without words", NULL, 0, OTK_FAILED, "", 0},
    {"skipped # why", NULL, 0, OTK_SKIPPED, "no # tool\nat all", 0},
    {"", NULL, 0, OTK_PASSED, "", 0},
};

int main(int argc, char **argv)
{
    static const char *const names[] = {"text", "json", "tap", "junit", "github"};
    static const otk_results results = {"a <suite>", items, sizeof items / sizeof *items, SPITEFUL};
    int rc = 1;
    for (unsigned format = OTK_REPORT_JSON; argc == 2 && format <= OTK_REPORT_GITHUB; format++)
        if (strcmp(argv[1], names[format]) == 0)
            rc = otk_results_write(&results, (otk_report_format)format, stdout);
    return rc != 0;
}
