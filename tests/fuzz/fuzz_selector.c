/* Selectors as people and HTTP queries write them, asked about a fixed trace, metrics and a log: wrong ones are refused
 * with a sentence, the others get a verdict and a report. */
#include "fuzz.h"
#include "shop.h"

#include <stdlib.h>

static void check_wait(otk_condition condition, int *rc)
{
    otk_report *report = NULL;
    *rc = otk_receiver_wait(given_receiver(), &condition, 0, &report);
    must(*rc == 0 || *rc == OTK_ETIMEOUT || *rc == OTK_EINVAL || *rc == OTK_ELIMIT);
    check_report(report, *rc);
}

static void check_find(const char *selector, bool possible)
{
    otk_error error = {0};
    otk_found found;
    int rc = otk_receiver_find(given_receiver(), selector, 0, &found, &error);
    must(rc == 0 || (error.code == rc && *error.message && is_text(error.message)));
    must(possible == (rc != OTK_EINVAL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int seen, none;
    char *selector = malloc(size + 1);
    must(selector != NULL);
    if (size)
        memcpy(selector, data, size);
    selector[size] = '\0';
    check_wait(otk_seen(selector), &seen);
    check_wait(otk_none(selector, 0), &none);
    must((seen == OTK_EINVAL) == (none == OTK_EINVAL));
    check_find(selector, seen != OTK_EINVAL);
    free(selector);
    return 0;
}
