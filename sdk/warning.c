#include "warning.h"

#include "hash.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>

static void print_line(const char *message, void *arg)
{
    (void)arg;
    fprintf(stderr, "otlpkit: %s\n", message);
}

void otk_warnings_init(struct otk_warnings *w, otk_warning_fn *handler, void *arg)
{
    *w = (struct otk_warnings){.handler = handler ? handler : print_line, .arg = arg};
    pthread_mutex_init(&w->mutex, NULL);
}

void otk_warnings_clear(struct otk_warnings *w)
{
    pthread_mutex_destroy(&w->mutex);
}

static bool is_news(struct otk_warnings *w, uint64_t hash)
{
    size_t known = w->count < OTK_WARNINGS_REMEMBERED ? w->count : OTK_WARNINGS_REMEMBERED;
    for (size_t i = 0; i < known; i++)
        if (w->told[i] == hash)
            return false;
    w->told[w->count++ % OTK_WARNINGS_REMEMBERED] = hash;
    return true;
}

/* One line of text, whatever a server or the environment put into it, and no half a character at the end. */
static void tidy(char *message)
{
    size_t size = strlen(message);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)message[i] < ' ' || message[i] == 0x7f)
            message[i] = ' ';
    size_t valid = otk_utf8_valid((const uint8_t *)message, size);
    if (size - valid < 4)
        message[valid] = '\0';
}

void otk_warn(struct otk_warnings *w, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tidy(message);

    pthread_mutex_lock(&w->mutex);
    bool news = is_news(w, otk_hash(message, strlen(message)));
    pthread_mutex_unlock(&w->mutex);
    if (news)
        w->handler(message, w->arg);
}
