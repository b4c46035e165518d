/* Captures out of thin air, and memory that runs out. */
#ifndef OTLPKIT_TEST_GIVEN_H
#define OTLPKIT_TEST_GIVEN_H

#include "capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Memory ---------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t allocations_left = SIZE_MAX; /* then one fails */

static bool allocation_fails(void)
{
    if (allocations_left == SIZE_MAX)
        return false;
    return allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(old, size);
}

/* ---- Captures -------------------------------------------------------- */

static inline otk_capture *given_request(otk_signal signal, otk_encoding encoding, const void *body, size_t size)
{
    struct otk_fault fault = {0};
    struct capture *c = otk_capture_new();
    assert_non_null(c);
    assert_int_equal(otk_buffer_append(&c->body, body, size), 0);
    c->pub.number = 1;
    c->pub.method = "POST";
    c->pub.target = signal == OTK_SIGNAL_TRACES    ? "/v1/traces"
                    : signal == OTK_SIGNAL_METRICS ? "/v1/metrics"
                                                   : "/v1/logs";
    c->pub.http_version = "HTTP/1.1";
    c->pub.peer = "127.0.0.1:51234";
    c->pub.time_unix_nano = 1700000000123456789;
    c->pub.body = (otk_bytes){c->body.data, c->body.size};
    c->pub.body_size = size;
    c->pub.has_signal = true;
    c->pub.signal = signal;
    c->pub.encoding = encoding;
    c->pub.status = 200;
    if (otk_capture_decode(c, NULL, (size_t)64 << 20, &fault))
        fail_msg("%s: %s", fault.path, fault.what);
    return &c->pub;
}

/* From OTLP/JSON in which ' stands for ". */
static inline otk_capture *given(otk_signal signal, const char *json)
{
    char *text = strdup(json);
    assert_non_null(text);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    otk_capture *c = given_request(signal, OTK_ENCODING_JSON, text, strlen(text));
    free(text);
    return c;
}

#define SPAN(fields) "{'resourceSpans':[{'scopeSpans':[{'spans':[{" fields "}]}]}]}"
#define METRIC(fields) "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[{" fields "}]}]}]}"
#define LOG(fields) "{'resourceLogs':[{'scopeLogs':[{'logRecords':[{" fields "}]}]}]}"

static inline void forget(const otk_capture *c)
{
    otk_capture_free(otk_capture_of(c));
}

/* ---- Files ----------------------------------------------------------- */

/* A file of its own; the name is free()d by the caller, the file unlinked. */
static inline char *given_file(const void *data, size_t size)
{
    char *path = strdup("otlpkit-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    close(fd);
    return path;
}

static inline void forget_file(char *path)
{
    unlink(path);
    free(path);
}

#endif
