#include "connection.h"

#include "fault_answer.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define SESSION_HEADER "X-Otlpkit-Session"
#define SESSIONS_PATH "/otlpkit/sessions/"

/* What a Content-Length may reserve before a byte of it has come. */
#define BODY_ROOM_ON_TRUST ((size_t)1 << 20)

/* Of a question. */
#define QUESTION_BODY_MAX ((size_t)1 << 20)
#define STREAM_BLOCK ((size_t)16 << 10)

/* An answer that surely fits into the socket. */
#define AT_ONCE_MAX ((size_t)16 << 10)

/* ---- Places ---------------------------------------------------------- */

static void move_to(struct otk_conn *n, struct otk_deadlines *q)
{
    if (n->queue)
        otk_deadlines_remove(n->queue, &n->entry);
    n->queue = q;
    otk_deadlines_push(q, &n->entry, n->http->loop.now_ms);
}

void otk_conn_hold(struct otk_conn *n)
{
    MHD_suspend_connection(n->mhd);
    move_to(n, &n->http->held);
}

void otk_conn_go_on(struct otk_conn *n)
{
    move_to(n, &n->http->busy);
    MHD_resume_connection(n->mhd);
    n->http->resumed = true;
}

void otk_conn_shut(struct otk_conn *n)
{
    shutdown(n->fd, SHUT_RDWR);
    move_to(n, &n->http->busy);
}

/* ---- Answers --------------------------------------------------------- */

/* NULL when memory ran out. */
static struct MHD_Response *add_headers(struct MHD_Response *r, otk_headers headers)
{
    for (size_t i = 0; r && i < headers.count; i++) {
        if (MHD_add_response_header(r, headers.items[i].name, headers.items[i].value) == MHD_YES)
            continue;
        MHD_destroy_response(r);
        r = NULL;
    }
    return r;
}

struct MHD_Response *otk_make_response(otk_bytes body, otk_headers headers, enum MHD_ResponseMemoryMode mode)
{
    return add_headers(MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.data, mode), headers);
}

void otk_conn_write_answer(const otk_capture *c, struct otk_buffer *out)
{
    otk_buffer_printf(out, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n", c->status,
                      MHD_get_reason_phrase_for(c->status), c->answer.size);
    for (size_t i = 0; i < c->answer_headers.count; i++)
        otk_buffer_printf(out, "%s: %s\r\n", c->answer_headers.items[i].name, c->answer_headers.items[i].value);
    otk_buffer_text(out, "\r\n");
    otk_buffer_append(out, c->answer.data, c->answer.size);
}

/* Past the daemon, which takes no answer while a body is arriving. */
static void respond_early(struct otk_conn *n, const otk_capture *c)
{
    struct otk_buffer out = OTK_BUFFER_INIT((size_t)1 << 20);
    otk_conn_write_answer(c, &out);
    if (!out.failed && send(n->fd, out.data, out.size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)out.size)
        otk_leaving_add(&n->http->leaving, n->fd);
    otk_buffer_clear(&out);
}

/* Nearly every answer is the same, and made already. */
static bool is_plain_success(const otk_capture *c)
{
    return c->status == 200 && c->answer_headers.count == 1 &&
           c->answer.size == (c->encoding == OTK_ENCODING_JSON ? 2 : 0);
}

static enum MHD_Result respond(struct otk_conn *n, const otk_capture *c, bool telemetry)
{
    if (telemetry && is_plain_success(c))
        return MHD_queue_response(n->mhd, 200, n->http->success[c->encoding]);
    struct MHD_Response *made = otk_make_response(c->answer, c->answer_headers, MHD_RESPMEM_MUST_COPY);
    if (!made) {
        respond_early(n, c);
        return MHD_NO;
    }
    enum MHD_Result rc = MHD_queue_response(n->mhd, c->status, made);
    MHD_destroy_response(made);
    return rc;
}

/* No memory even to read the request: an answer that takes none. */
static enum MHD_Result give_up(struct otk_conn *n)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
                                 "Content-Type: application/json\r\nContent-Length: 37\r\n\r\n"
                                 "{\"code\":14,\"message\":\"out of memory\"}";
    otk_store_count(otk_receiver_store(n->http->root),
                    &(otk_receiver_counts){.requests = 1, .refused = 1, .dropped_captures = 1});
    if (send(n->fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof answer - 1)
        otk_leaving_add(&n->http->leaving, n->fd);
    return MHD_NO;
}

/* Makes what a question has to say the answer of its request, the head of it when the rest is still to come. */
static void dress(struct otk_conn *n, struct otk_question *q)
{
    if (q->seat.done) {
        q->request->answer = q->out;
        q->out = OTK_BUFFER_INIT(0);
    }
    otk_endpoint_answer(&n->http->endpoint, q->request, q->status, q->content_type, q->allow);
}

/* ---- Sessions -------------------------------------------------------- */

/* Whom the request is for, with a reference. A session that cannot be leaves it to the root, and tells why. */
static otk_receiver *find_receiver(struct otk_http *h, struct capture *c, int *rc)
{
    otk_string name, path = otk_target_path(c->pub.target, &name);
    otk_receiver *rx = h->root;
    bool about_session = name.data && path.size <= 1 && otk_endpoint_is_question(c);
    const char *header = name.data ? NULL : otk_headers_get(&c->pub.headers, SESSION_HEADER);
    if (header)
        name = (otk_string){header, strlen(header)};
    *rc = name.data && !about_session ? otk_sessions_use(h->root->sessions, name, &rx) : 0;
    if (*rc || rx == h->root)
        return otk_session_hold(h->root);
    const char *kept = otk_arena_string(&c->arena, name.data, name.size);
    if (kept)
        c->pub.session = kept;
    else
        *rc = OTK_ENOMEM;
    return rx;
}

static void refuse_session(struct otk_http *h, struct capture *c, int rc)
{
    otk_endpoint_recognize(&h->endpoint, c);
    otk_endpoint_refuse(&h->endpoint, c, rc == OTK_EINVAL ? 400 : 503, otk_session_refusal(rc));
}

/* ---- Captures -------------------------------------------------------- */

static const char *why_not_stored(int rc, const otk_receiver *rx)
{
    if (rc != OTK_ELIMIT)
        return "out of memory";
    return rx == rx->root
               ? "the receiver is full: it holds as many bytes of captures as max_capture_bytes allows; reset "
                 "it or raise that limit"
               : "the session is full: it holds as many bytes of captures as max_session_bytes allows, or all "
                 "sessions together as many as max_capture_bytes; reset it, delete others, or raise the limit";
}

/* Whether it is a wait that has come to its end, with little to say. */
static bool is_fulfilled(const struct otk_question *q)
{
    return q->seat.waited && q->seat.done && !q->out.failed && q->out.size <= AT_ONCE_MAX &&
           strcmp(q->request->pub.method, "HEAD") != 0;
}

/* Those who waited for a request are told before its sender is, and past the daemon, which would come to them only after
 * this request. Their connections end with that. */
static void answer_at_once(struct otk_http *h)
{
    struct otk_question *q;
    while (h->questions && (q = otk_desk_next_answer(h->desk))) {
        struct otk_conn *n = q->seat.holder;
        if (is_fulfilled(q) && !n->streaming && !n->ended) {
            dress(n, q);
            respond_early(n, &q->request->pub);
            n->ended = true;
        }
        otk_conn_go_on(n);
    }
}

/* Into the store, and if there is no room, with that as its answer. Those who ask for it learn of it last: what
 * on_capture does is done when they are told. */
static void keep(struct otk_http *h, otk_receiver *rx, struct capture *c)
{
    int rc = otk_store_add(rx->store, c);
    if (rc && c->pub.status == 200) {
        otk_endpoint_refuse(&h->endpoint, c, 503, why_not_stored(rc, rx));
        otk_store_add(rx->store, c);
    }
    if (h->on_capture)
        h->on_capture(&c->pub, h->on_capture_arg);
    otk_desk_news(h->desk, rx, c);
    answer_at_once(h);
}

/* One that was answered before it was whole. Questions are no telemetry. */
static void keep_cut(struct otk_http *h, struct capture *c)
{
    int rc;
    if (otk_endpoint_is_question(c))
        return;
    otk_receiver *rx = find_receiver(h, c, &rc);
    keep(h, rx, c);
    otk_session_release(rx);
}

static void end_body(struct capture *c)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    otk_capture_end_body(c);
    c->pub.time_unix_nano = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Hands over the request that `n` was reading. */
static struct capture *take_capture(struct otk_conn *n)
{
    struct capture *c = n->capture;
    n->capture = NULL;
    n->begun = false;
    end_body(c);
    return c;
}

/* Refuses a request that is not whole, answers at once, and gives the connection up. */
static enum MHD_Result cut(struct otk_conn *n, unsigned status, const char *reason)
{
    struct otk_http *h = n->http;
    struct capture *c = take_capture(n);
    c->pub.unfinished = true;
    otk_endpoint_recognize(&h->endpoint, c);
    otk_endpoint_refuse(&h->endpoint, c, status, reason);
    keep_cut(h, c);
    respond_early(n, &c->pub);
    otk_capture_free(c);
    return MHD_NO;
}

static enum MHD_Result cut_large(struct otk_conn *n)
{
    char reason[160];
    snprintf(reason, sizeof reason, "the body is larger than %zu bytes, the %s", n->capture->body.limit,
             otk_endpoint_is_question(n->capture) ? "limit of a question" : "receiver's limit; send smaller batches");
    return cut(n, 413, reason);
}

/* What came was no HTTP/1.1, or its head was too long or cut: nobody knows what it was to be. */
static void count_unreadable(struct otk_conn *n)
{
    otk_store_count(otk_receiver_store(n->http->root), &(otk_receiver_counts){.unreadable_connections = 1});
}

/* The client went away in the middle of a request: it is kept, with no answer. */
static void keep_unfinished(struct otk_conn *n)
{
    char reason[128];
    bool begun = n->begun;
    struct capture *c = take_capture(n);
    c->pub.unfinished = true;
    if (!begun)
        count_unreadable(n);
    if (begun && !n->http->stopping) {
        otk_endpoint_recognize(&n->http->endpoint, c);
        snprintf(reason, sizeof reason, "the connection closed after %zu bytes of body, before the request was whole",
                 c->pub.body.size);
        const char *kept = otk_arena_string(&c->arena, reason, strlen(reason));
        c->pub.reason = kept ? kept : "the connection closed before the request was whole";
        keep_cut(n->http, c);
    }
    otk_capture_free(c);
}

/* ---- Faults ---------------------------------------------------------- */

/* Settles at the head of a request whether it meets a fault. False when memory ran out. */
static bool meet_fault(struct otk_conn *n, struct capture *c)
{
    int rc;
    if (!otk_faults_are_set() || strcmp(c->pub.method, "POST") != 0 || otk_endpoint_is_question(c))
        return true;
    otk_receiver *rx = find_receiver(n->http, c, &rc);
    otk_endpoint_recognize(&n->http->endpoint, c);
    rc = rc ? 0
            : otk_faults_next(rx->faults, otk_target_path(c->pub.target, NULL),
                              c->pub.has_signal ? &c->pub.signal : NULL, &c->arena, &c->fault);
    otk_session_release(rx);
    if (!rc && c->fault)
        c->pub.fault = c->fault->text;
    return !rc && (!c->fault || otk_play_begin(n));
}

/* Resets the connection before the request is whole. */
static enum MHD_Result break_off(struct otk_conn *n)
{
    struct capture *c = take_capture(n);
    c->pub.unfinished = true;
    otk_fault_answer(&n->http->endpoint, c);
    keep_cut(n->http, c);
    otk_capture_free(c);
    otk_play_reset(n);
    return MHD_NO;
}

/* The request is whole, and stored. */
static enum MHD_Result play(struct otk_conn *n, const otk_capture *c)
{
    static const enum MHD_Result results[] = {[OTK_PLAY_HOLD] = MHD_YES, [OTK_PLAY_CLOSE] = MHD_NO};
    enum otk_play_order order = otk_play_next(n);
    return order == OTK_PLAY_ANSWER ? respond(n, c, false) : results[order];
}

/* ---- Questions ------------------------------------------------------- */

/* DELETE /s/NAME is the short form of what it returns. */
static otk_string question_path(struct capture *c)
{
    otk_string name, path = otk_target_path(c->pub.target, &name);
    if (!name.data || path.size > 1)
        return path;
    size_t front = sizeof SESSIONS_PATH - 1;
    char *whole = otk_arena_alloc(&c->arena, front + name.size + 1);
    if (!whole)
        return (otk_string){0};
    memcpy(whole, SESSIONS_PATH, front);
    memcpy(whole + front, name.data, name.size);
    return (otk_string){whole, front + name.size};
}

/* Telemetry always finds a connection. */
static bool has_too_many(const struct otk_http *h)
{
    return h->questions >= h->max_connections - h->max_connections / 4;
}

static enum MHD_Result ask(struct otk_conn *n, otk_receiver *rx, struct capture *c)
{
    struct otk_http *h = n->http;
    otk_string path = question_path(c);
    if (n->ended)
        return MHD_NO;
    if (has_too_many(h))
        otk_endpoint_refuse(&h->endpoint, c, 503,
                            "three quarters of max_connections wait for answers; ask again later, or raise that limit");
    else if (!path.data || !(n->question = otk_desk_ask(h->desk, rx, path, c, n)))
        otk_endpoint_refuse(&h->endpoint, c, 503, "out of memory");
    if (!n->question)
        return respond(n, &c->pub, false);
    h->questions++;
    otk_conn_hold(n);
    return MHD_YES;
}

static void leave_question(struct otk_conn *n)
{
    if (!n->question)
        return;
    otk_desk_leave(n->http->desk, n->question);
    n->question = NULL;
    n->streaming = false;
    n->http->questions--;
}

/* The daemon wants more of an answer that is sent while it is made. */
static ssize_t read_answer(void *arg, uint64_t at, char *to, size_t room)
{
    struct otk_conn *n = arg;
    struct otk_question *q = n->question;
    (void)at;
    if (n->ended || q->out.failed) /* in this order: a client that leaves gives no time to finish a step */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = q->out.size - n->taken;
    if (left) {
        size_t size = left < room ? left : room;
        memcpy(to, q->out.data + n->taken, size);
        n->taken += size;
        move_to(n, &n->http->busy); /* whoever takes something has time for more */
        return (ssize_t)size;
    }
    if (q->seat.done)
        return MHD_CONTENT_READER_END_OF_STREAM;
    n->taken = 0;
    otk_conn_hold(n);
    otk_desk_go_on(n->http->desk, q);
    return 0;
}

static enum MHD_Result respond_streaming(struct otk_conn *n, const otk_capture *c)
{
    struct MHD_Response *made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_answer, n, NULL);
    made = add_headers(made, c->answer_headers);
    if (!made)
        return MHD_NO;
    n->streaming = true;
    n->taken = 0;
    enum MHD_Result rc = MHD_queue_response(n->mhd, c->status, made);
    MHD_destroy_response(made);
    return rc;
}

/* The handler is called again: the question has something to say. */
static enum MHD_Result answer(struct otk_conn *n)
{
    struct otk_question *q = n->question;
    struct capture *c = q->request;
    if (n->ended)
        return MHD_NO;
    if (q->out.failed) {
        otk_endpoint_refuse(&n->http->endpoint, c, 503, "out of memory");
        return respond(n, &c->pub, false);
    }
    dress(n, q);
    return q->seat.done ? respond(n, &c->pub, false) : respond_streaming(n, &c->pub);
}

/* ---- Reading a request ----------------------------------------------- */

struct gathering {
    struct otk_arena *arena;
    otk_header *items;
    size_t count, capacity;
};

static enum MHD_Result gather(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct gathering *g = arg;
    (void)kind;
    if (g->count == g->capacity)
        return MHD_NO;
    otk_header *header = &g->items[g->count];
    header->name = otk_arena_string(g->arena, name, strlen(name));
    header->value = otk_arena_string(g->arena, value ? value : "", value ? strlen(value) : 0);
    if (!header->name || !header->value)
        return MHD_NO;
    g->count++;
    return MHD_YES;
}

static bool keep_text(struct capture *c, const char **out, const char *text)
{
    const char *kept = otk_arena_string(&c->arena, text, strlen(text));
    if (kept)
        *out = kept;
    return kept != NULL;
}

static bool read_headers(struct otk_conn *n, struct capture *c)
{
    int count = MHD_get_connection_values(n->mhd, MHD_HEADER_KIND, NULL, NULL);
    if (count <= 0)
        return true;
    struct gathering g = {.arena = &c->arena, .capacity = (size_t)count};
    g.items = otk_arena_alloc(&c->arena, g.capacity * sizeof *g.items);
    if (g.items)
        MHD_get_connection_values(n->mhd, MHD_HEADER_KIND, gather, &g);
    c->pub.headers = (otk_headers){g.items, g.count};
    return g.items && g.count == g.capacity;
}

static bool read_head(struct otk_conn *n, struct capture *c, const char *method, const char *version)
{
    return keep_text(c, &c->pub.method, method) && keep_text(c, &c->pub.http_version, version) &&
           keep_text(c, &c->pub.peer, n->peer) && read_headers(n, c);
}

static enum MHD_Result begin(struct otk_conn *n, const char *method, const char *version)
{
    struct capture *c = n->capture;
    size_t limit = n->http->endpoint.max_request_bytes;
    n->begun = true;
    if (!read_head(n, c, method, version))
        return cut(n, 503, "out of memory");
    if (limit > QUESTION_BODY_MAX && otk_endpoint_is_question(c))
        limit = QUESTION_BODY_MAX;
    c->body.limit = limit;
    const char *length = otk_headers_get(&c->pub.headers, "Content-Length");
    unsigned long long announced = length ? strtoull(length, NULL, 10) : 0;
    if (announced > limit)
        return cut_large(n);
    if (announced && otk_capture_reserve(c, announced < BODY_ROOM_ON_TRUST ? (size_t)announced : BODY_ROOM_ON_TRUST))
        return cut(n, 503, "out of memory");
    if (!meet_fault(n, c))
        return cut(n, 503, "out of memory");
    return otk_play_breaks(n, OTK_FAULT_BEFORE) ? break_off(n) : MHD_YES;
}

static enum MHD_Result read_body(struct otk_conn *n, const char *data, size_t size)
{
    struct capture *c = n->capture;
    size_t room = c->body.limit - c->body.size;
    c->pub.body_size += size;
    if (otk_capture_append(c, data, size < room ? size : room))
        return cut(n, 503, "out of memory");
    if (size > room)
        return cut_large(n);
    return otk_play_breaks(n, OTK_FAULT_WHILE) ? break_off(n) : MHD_YES;
}

static enum MHD_Result serve(struct otk_conn *n, otk_receiver *rx, struct capture *c)
{
    enum otk_served served = otk_endpoint_serve(&n->http->endpoint, c);
    if (served == OTK_SERVED_QUESTION)
        return ask(n, rx, c);
    if (served == OTK_SERVED_PAGE)
        return respond(n, &c->pub, false);
    if (c->fault)
        otk_fault_answer(&n->http->endpoint, c);
    keep(n->http, rx, c);
    return c->fault ? play(n, &c->pub) : respond(n, &c->pub, true);
}

static enum MHD_Result finish(struct otk_conn *n)
{
    int rc;
    enum MHD_Result result;
    struct otk_http *h = n->http;
    struct capture *c = take_capture(n);
    otk_receiver *rx = find_receiver(h, c, &rc);
    move_to(n, &h->busy);
    if (rc) {
        refuse_session(h, c, rc);
        if (!otk_endpoint_is_question(c))
            keep(h, rx, c);
        result = respond(n, &c->pub, false);
    } else {
        result = serve(n, rx, c);
    }
    otk_session_release(rx);
    otk_capture_free(c);
    return result;
}

/* ---- The steps of a request ------------------------------------------ */

void otk_conn_begin(struct otk_conn *n, const char *target)
{
    otk_play_end(n);
    otk_capture_free(n->capture);
    n->heard = true;
    n->capture = otk_capture_new();
    if (n->capture && !keep_text(n->capture, &n->capture->pub.target, target)) {
        otk_capture_free(n->capture);
        n->capture = NULL;
    }
    move_to(n, &n->http->busy);
}

enum MHD_Result otk_conn_read(struct otk_conn *n, const char *method, const char *version, const char *data,
                              size_t *size)
{
    if (n->question)
        return answer(n);
    if (otk_play_held(n))
        return play(n, otk_play_held(n));
    if (!n->capture)
        return give_up(n);
    if (!n->begun)
        return begin(n, method, version);
    if (*size == 0)
        return finish(n);
    size_t taken = otk_play_pace(n, *size);
    *size -= taken;
    return read_body(n, data, taken);
}

void otk_conn_complete(struct otk_conn *n)
{
    leave_question(n);
    if (n->capture)
        keep_unfinished(n);
    otk_play_complete(n);
    move_to(n, &n->http->idle);
}

void otk_conn_expire(struct otk_conn *n)
{
    if (n->capture && n->begun) {
        char reason[128];
        snprintf(reason, sizeof reason, "the request did not arrive whole within %u ms", n->http->busy.time_ms);
        cut(n, 408, reason);
    }
    otk_conn_shut(n);
}

/* ---- Life ------------------------------------------------------------ */

static void name_peer(struct otk_conn *n, const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    bool is_v6 = address->sa_family == AF_INET6;
    inet_ntop(address->sa_family, is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host,
              sizeof host);
    snprintf(n->peer, sizeof n->peer, "%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

/* The daemon is woken by edges, and misses the end of a connection that came
 * together with its last bytes. This makes a new edge. A connection that is held has none: whoever waits for an answer
 * and closes his side is taken to have gone, as the daemon does itself. */
static void end_reading(struct otk_source *s)
{
    struct otk_conn *n = (struct otk_conn *)(void *)((char *)s - offsetof(struct otk_conn, source));
    shutdown(n->fd, SHUT_RD);
    n->ended = true;
    if (n->question && n->queue == &n->http->held)
        otk_conn_go_on(n);
    otk_play_unattend(n);
}

struct otk_conn *otk_conn_new(struct otk_http *h, struct MHD_Connection *mhd)
{
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct otk_conn *n = calloc(1, sizeof *n);
    if (!n) {
        shutdown(fd, SHUT_RDWR);
        return NULL;
    }
    n->http = h;
    n->mhd = mhd;
    n->fd = fd;
    name_peer(n, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    otk_loop_watch(&h->loop, &n->source, n->fd, EPOLLRDHUP | EPOLLET, end_reading);
    move_to(n, &h->idle);
    h->connections++;
    return n;
}

/* The daemon tells nothing of bytes that it cannot read. The end of a connection counts as one. */
static bool has_sent(const struct otk_conn *n)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(n->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_bytes_received > 1;
}

void otk_conn_free(struct otk_conn *n)
{
    struct otk_http *h = n->http;
    if (!n->heard && has_sent(n))
        count_unreadable(n);
    otk_loop_forget(&h->loop, &n->source);
    otk_deadlines_remove(n->queue, &n->entry);
    leave_question(n);
    otk_play_end(n);
    otk_capture_free(n->capture);
    free(n);
    h->connections--;
    if (h->accept_at_ms)
        h->accept_at_ms = h->loop.now_ms;
}
