/* What clients may write to their sockets. The receiver answers something or hangs up, in time, and whatever it keeps
 * can be looked at, put in an archive, and loaded again.
 *
 * A line "== wait ==", "== end ==" or "== close ==" ends what one client writes, and another connects. The first waits
 * for its answers, the second ends its side at once and reads, the third leaves at once. The last client of an input
 * waits where there are questions in it, and else ends its side. */
#include "fuzz.h"
#include "look.h"
#include "memory_file.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define QUIET_MS 3 /* nothing more comes without the client's doing */

static otk_receiver *receiver;

static void look(const otk_capture *c, void *arg)
{
    (void)arg;
    look_at_capture(c);
}

static void stop(void)
{
    otk_receiver_stop(receiver);
    receiver = NULL;
}

static void start(void)
{
    static bool stops_at_exit;
    otk_receiver_options options = OTK_RECEIVER_OPTIONS_INIT;
    options.host = "127.0.0.1";
    options.max_request_bytes = (size_t)1 << 20;
    options.max_capture_bytes = (size_t)1 << 26;
    options.cors_origins = "http://a:*";
    options.on_capture = look;
    receiver = otk_receiver_start(&options, NULL);
    must(receiver != NULL);
    if (!stops_at_exit)
        stops_at_exit = atexit(stop) == 0;
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
static void send_all(int fd, otk_bytes bytes)
{
    while (bytes.size) {
        ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (n < 0)
            return;
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
}

enum manner { MANNER_WAIT, MANNER_END, MANNER_CLOSE, MANNER_COUNT };

struct client {
    enum manner manner;
    int fd;
};

static bool is_quiet(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, QUIET_MS) <= 0;
}

/* What is read slowly may take longer than there is time. */
static void read_answers(const struct client *k, bool slow)
{
    char buffer[16384];
    bool open = k->manner == MANNER_WAIT, first = true;
    ssize_t n;
    do {
        if (slow && is_quiet(k->fd))
            return;
        if (open && is_quiet(k->fd)) {
            shutdown(k->fd, SHUT_WR);
            open = false;
        }
        n = recv(k->fd, buffer, sizeof buffer, 0);
        must(!first || n < 7 || memcmp(buffer, "HTTP/1.", 7) == 0);
        first = first && n <= 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    must(n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK));
}

static void leave(const struct client *k, bool slow)
{
    if (k->manner != MANNER_CLOSE)
        read_answers(k, slow);
    close(k->fd);
}

static bool has(otk_bytes in, const char *word)
{
    return memmem(in.data, in.size, word, strlen(word)) != NULL;
}

/* Cuts from `rest` what the next client writes. */
static otk_bytes next_client(otk_bytes *rest, enum manner *manner)
{
    static const char *const ends[MANNER_COUNT] = {"\n== wait ==\n", "\n== end ==\n", "\n== close ==\n"};
    otk_bytes all = *rest, own = all;
    *rest = (otk_bytes){0};
    for (unsigned i = 0; i < MANNER_COUNT; i++) {
        const uint8_t *at = own.size ? memmem(own.data, own.size, ends[i], strlen(ends[i])) : NULL;
        if (!at)
            continue;
        own.size = (size_t)(at - own.data);
        size_t used = own.size + strlen(ends[i]);
        *rest = (otk_bytes){all.data + used, all.size - used};
        *manner = (enum manner)i;
    }
    return own;
}

/* All talk at once; the last to come is the first who is done. True: one may have left before its answers came. */
static bool converse(otk_bytes input, enum manner last)
{
    struct client clients[CLIENTS_MAX];
    size_t count = 0;
    bool slow = input.size && has(input, "slow="), abandoned = slow;
    do {
        struct client *k = &clients[count++];
        k->manner = last;
        otk_bytes own = next_client(&input, &k->manner);
        k->fd = connect_to(otk_receiver_port(receiver));
        send_all(k->fd, own);
        if (k->manner == MANNER_END)
            shutdown(k->fd, SHUT_WR);
        if (k->manner == MANNER_CLOSE)
            leave(&clients[--count], slow);
        abandoned |= k->manner == MANNER_CLOSE;
    } while (input.size && count < CLIENTS_MAX);
    while (count)
        leave(&clients[--count], slow);
    return abandoned;
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

static void check_kept(void)
{
    otk_receiver_counts counts;
    otk_receiver_counts_get(receiver, &counts);
    must(counts.refused <= counts.requests);
    must(!counts.requests || otk_receiver_request(receiver, 0));
    if (counts.requests)
        check_archive();
}

/* Sessions, faults and questions that nobody waits for end with their receiver. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otk_bytes input = {data, size};
    bool asks = size && (has(input, "tlpkit") || has(input, "/s/"));
    if (!receiver)
        start();
    if (!converse(input, asks ? MANNER_WAIT : MANNER_END))
        check_kept();
    if (asks)
        stop();
    else
        otk_receiver_reset(receiver);
    return 0;
}
