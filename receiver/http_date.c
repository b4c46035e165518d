#include "http_date.h"

#include <stdio.h>
#include <string.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void otk_http_date_write(char out[OTK_HTTP_DATE_SIZE], time_t when)
{
    struct tm t = {.tm_mday = 1};
    gmtime_r(&when, &t);
    snprintf(out, OTK_HTTP_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 3 * (t.tm_wday % 7),
             (unsigned)t.tm_mday % 100, months + 3 * (t.tm_mon % 12), (unsigned)(t.tm_year + 1900) % 10000,
             (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
}

bool otk_http_date_read(const char *text, time_t *out)
{
    char month[4], end;
    struct tm t = {0};
    if (strlen(text) != OTK_HTTP_DATE_SIZE - 1 || sscanf(text, "%*3c, %2d %3s %4d %2d:%2d:%2d GM%c", &t.tm_mday, month,
                                                         &t.tm_year, &t.tm_hour, &t.tm_min, &t.tm_sec, &end) != 7)
        return false;
    const char *found = strstr(months, month);
    t.tm_mon = found ? (int)(found - months) / 3 : -1;
    t.tm_year -= 1900;
    *out = timegm(&t);
    return found && (found - months) % 3 == 0 && *out != (time_t)-1;
}
