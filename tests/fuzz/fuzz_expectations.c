/* Expectation files as people write them and HTTP sends them, judged by a fixed trace, metrics and a log: wrong lines are
 * refused with a place, the others get a verdict and a report in every format. */
#include "fuzz.h"
#include "shop.h"

#include <stdlib.h>

static void check_refused(otk_expectations *e, int rc, const otk_error *error)
{
    const char *told = otk_expectations_explain(e);
    otk_report *report = NULL;
    must(rc == OTK_EINVAL || rc == OTK_ELIMIT);
    must(error->code == rc && *error->message && is_text(told));
    must(told[strlen(told) - 1] == '\n');
    must(otk_receiver_judge(given_receiver(), e, 0, &report) == 0);
    check_report(report, 0);
}

static void check_judged(const otk_expectations *e)
{
    otk_report *report = NULL;
    int rc = otk_receiver_judge(given_receiver(), e, 0, &report);
    must(rc == 0 || rc == OTK_ETIMEOUT || rc == OTK_ELIMIT);
    check_report(report, rc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otk_error error;
    otk_expectations *e = otk_expectations_new();
    char *text = malloc(size + 1);
    must(e && text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    int rc = otk_expectations_add(e, text, "a.expect", &error);
    if (rc)
        check_refused(e, rc, &error);
    else
        check_judged(e);
    otk_expectations_free(e);
    free(text);
    return 0;
}
