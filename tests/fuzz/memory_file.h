/* A file that never touches a disk, with a name that may be opened. */
#ifndef TESTS_MEMORY_FILE_H
#define TESTS_MEMORY_FILE_H

#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory_file {
    int fd;
    char path[64];
};

static inline struct memory_file memory_file_of(const uint8_t *data, size_t size)
{
    struct memory_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    must(f.fd >= 0 && (!size || write(f.fd, data, size) == (ssize_t)size));
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

static inline void memory_file_close(struct memory_file *f)
{
    close(f->fd);
}

#endif
