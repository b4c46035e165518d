#include "served.h"

otk_receiver_options options;
otk_receiver *rx;
struct client c;

int prepare(void **state)
{
    (void)state;
    options = (otk_receiver_options)OTK_RECEIVER_OPTIONS_INIT;
    return 0;
}

void start(void)
{
    rx = otk_receiver_start(&options, NULL);
    assert_non_null(rx);
    c = client_open(otk_receiver_port(rx));
}

int prepare_and_start(void **state)
{
    prepare(state);
    start();
    return 0;
}

int stop(void **state)
{
    (void)state;
    if (rx)
        client_close(&c);
    otk_receiver_stop(rx);
    rx = NULL;
    return 0;
}

otk_receiver_counts counts(void)
{
    otk_receiver_counts now;
    otk_receiver_counts_get(rx, &now);
    return now;
}
