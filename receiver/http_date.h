/* The date of HTTP headers (RFC 9110, section 5.6.7): Sun, 06 Nov 1994 08:49:37 GMT, in any locale. */
#ifndef OTLPKIT_HTTP_DATE_H
#define OTLPKIT_HTTP_DATE_H

#include <stdbool.h>
#include <time.h>

#define OTK_HTTP_DATE_SIZE 30 /* with its NUL */

void otk_http_date_write(char out[OTK_HTTP_DATE_SIZE], time_t when);

/* Reads what the other writes. */
bool otk_http_date_read(const char *text, time_t *out);

#endif
