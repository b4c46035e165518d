/* The floor for starting: a bare libmicrohttpd server, in the shape of `otlpkit serve`. */
#include <stdio.h>
#include <unistd.h>

#include "server.h"

int main(void)
{
    int ends[2];
    uint16_t port;
    if (pipe(ends))
        return 2;
    bench_start_null(ends[1]);
    if (read(ends[0], &port, sizeof port) != sizeof port)
        return 2;
    fprintf(stderr, "listening on http://127.0.0.1:%u\n", port);
    for (;;)
        pause();
}
