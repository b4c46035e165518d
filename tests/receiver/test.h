/* What every test of this folder needs: cmocka, and data to send. */
#ifndef OTLPKIT_TEST_H
#define OTLPKIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <otlpkit/receiver.h>
#include <stdlib.h>

/* Long enough for any machine; a test that waits that long has failed. */
#define PATIENCE_MS 10000

#endif
