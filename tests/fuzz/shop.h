/* A receiver that holds a fixed trace, metrics and a log, for what is asked about them. */
#ifndef TESTS_SHOP_H
#define TESTS_SHOP_H

#include "otlpkit/receiver.h"

/* The same each time; stopped at exit. */
otk_receiver *given_receiver(void);

bool is_text(const char *text);

/* The report is there, has that code, and can be written in every format. Frees it. */
void check_report(otk_report *report, int code);

#endif
