/* The code that the SDK brings into a program: its own, and that of proto/, which the linker takes what it needs from. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 150000 };

/* Of all sections and members that hold code. */
static unsigned long text_bytes(const char *archive)
{
    char command[4096], line[512], section[256];
    unsigned long size, sum = 0;
    snprintf(command, sizeof command, "size -A '%s'", archive);
    FILE *sizes = popen(command, "r");
    while (sizes && fgets(line, sizeof line, sizes))
        if (sscanf(line, "%255s %lu", section, &size) == 2 && strncmp(section, ".text", 5) == 0)
            sum += size;
    if (!sizes || pclose(sizes) || !sum)
        exit(2);
    return sum;
}

int main(void)
{
    unsigned long sdk = text_bytes(OTLPKIT_SDK), proto = text_bytes(OTLPKIT_PROTO);
    bench_row("text of the SDK", "bytes / 150,000", (double)(sdk + proto) / TEXT_MAX, true, 1);
    printf("  (libotlpkit-sdk %lu, libotlpkit-proto %lu)\n", sdk, proto);
    return bench_exit();
}
