/* What a client may write to the socket: the input as it is, then the end. The receiver answers something or hangs up,
 * in time, and whatever it keeps can be looked at, put in an archive, and loaded again. */
#include "fuzz.h"
#include "look.h"
#include "memory_file.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static otk_receiver *receiver;

static void look(const otk_capture *c, void *arg)
{
    (void)arg;
    look_at_capture(c);
}

static void stop(void)
{
    otk_receiver_stop(receiver);
}

static void start(void)
{
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.host = "127.0.0.1";
    options.max_request_bytes = (size_t)1 << 20;
    options.max_capture_bytes = (size_t)1 << 26;
    options.cors_origins = "http://a:*";
    options.on_capture = look;
    receiver = otk_receiver_start(&options, NULL);
    must(receiver != NULL);
    atexit(stop);
}

/* Every connection comes from an address of its own: one address has fewer ports than there are inputs. */
static struct sockaddr_in next_address(void)
{
    static uint32_t last;
    last = last % 0xffff00 + 1;
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(UINT32_C(0x7f000000) + last)}};
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in from = next_address();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 8};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    must(bind(fd, (const struct sockaddr *)&from, sizeof from) == 0);
    /* The fuzzer's alarm may ring in the middle. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    must(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return fd;
}

/* The receiver may hang up before it has read all. */
static void send_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0)
            return;
        data += n;
        size -= (size_t)n;
    }
    shutdown(fd, SHUT_WR);
}

static void read_answers(int fd)
{
    char buffer[4096];
    ssize_t n = recv(fd, buffer, 9, MSG_WAITALL);
    must(n < 9 || memcmp(buffer, "HTTP/1.", 7) == 0);
    while (n > 0 || (n < 0 && errno == EINTR))
        n = recv(fd, buffer, sizeof buffer, 0);
    must(n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK));
}

static void count(const otk_capture *c, void *arg)
{
    (void)c;
    ++*(size_t *)arg;
}

static void check_archive(void)
{
    struct memory_file file = memory_file_of(NULL, 0);
    otk_archive *archive = otk_archive_open(file.path, NULL);
    const otk_capture *c;
    size_t kept = 0, loaded = 0;
    must(archive != NULL);
    while ((c = otk_receiver_request(receiver, kept))) {
        must(otk_archive_add(archive, c) == 0);
        kept++;
    }
    must(otk_archive_close(archive) == 0);
    must(otk_load(file.path, NULL, count, &loaded, NULL) == 0);
    must(kept == loaded);
    memory_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otk_receiver_counts counts;
    if (!receiver)
        start();
    int fd = connect_to(otk_receiver_port(receiver));
    send_all(fd, data, size);
    read_answers(fd);
    close(fd);
    otk_receiver_counts_get(receiver, &counts);
    must(counts.refused <= counts.requests);
    must(!counts.requests || otk_receiver_request(receiver, 0));
    if (counts.requests)
        check_archive();
    otk_receiver_reset(receiver);
    return 0;
}
