/* The receiver that a test is about, to which nobody is connected yet. */
#ifndef OTLPKIT_TEST_LONE_H
#define OTLPKIT_TEST_LONE_H

#include "test.h"

static otk_receiver *rx;

static int start(void **state)
{
    (void)state;
    rx = otk_receiver_start(NULL, NULL);
    return rx ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    otk_receiver_stop(rx);
    return 0;
}

#endif
