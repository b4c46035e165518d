/* A connection: reads requests whole, has them served, and answers.
 *
 * A request whose answer is not there yet holds its connection: the daemon is told to leave it alone, and it stays in
 * `held`, where no time runs. What is to be said then makes it go on. For the daemon that means: otk_conn_hold() inside
 * the handler of a request that is whole, which returns MHD_YES; later, on the loop's thread, otk_conn_go_on(), upon
 * which the handler is called once more for that request, to queue its response. Inside of a response that is made while
 * it is sent, the same two hold and go on with sending.
 */
#ifndef OTLPKIT_CONNECTION_H
#define OTLPKIT_CONNECTION_H

#include "door.h"
#include "endpoint.h"
#include "leaving.h"
#include "listener.h"
#include "play.h"
#include "receiver_inside.h"

#include <microhttpd.h>
#include <netinet/in.h>

struct otk_http {
    otk_receiver *root;
    struct otk_endpoint endpoint;
    struct otk_desk *desk;
    otk_capture_fn *on_capture;
    void *on_capture_arg;
    otk_notice_fn *on_notice;
    void *on_notice_arg;
    unsigned max_connections;

    struct otk_loop loop;
    struct otk_listener listener;
    struct otk_source listening[OTK_LISTENER_SOCKETS];
    struct otk_source daemon_source;
    struct otk_source wake_source; /* answers are there, or it is to close */
    struct MHD_Daemon *daemon;
    struct MHD_Response *success[OTK_ENCODING_JSON + 1];
    pthread_t thread;
    bool thread_runs;
    atomic_bool close_asked;

    /* The thread's own. */
    bool stopping;
    bool resumed; /* a connection goes on: the daemon does not say so, and is to be run once more */
    uint64_t accept_at_ms; /* 0, or when a paused receiver accepts again */
    unsigned connections;
    unsigned questions; /* connections with one */
    unsigned arriving;  /* accepted, and not yet begun by the daemon: it may put that off to its next round */
    struct otk_door door;
    bool noticed[OTK_SPEECH_TLS + 1];
    struct otk_deadlines idle, busy, held;
    struct otk_leaving leaving;
    struct otk_play *plays; /* of connections whose request met a fault */
};

struct otk_conn {
    struct otk_entry entry; /* in `queue` */
    struct otk_source source;
    struct otk_deadlines *queue; /* `idle`, `busy` or `held` */
    struct otk_http *http;
    struct MHD_Connection *mhd;
    struct capture *capture;       /* the request that is being read, from its first line to the end of its body */
    struct otk_question *question; /* what it became, until it is answered whole */
    size_t taken;                  /* of what the question has in `out` */
    struct otk_play *play;         /* of the fault that the request met, or NULL */
    int fd;
    bool heard;     /* there was a request line, at some time */
    bool begun;     /* the request's headers were read */
    bool streaming; /* the question's answer is sent while it is made */
    bool ended;     /* the client has closed its side */
    char peer[INET6_ADDRSTRLEN + 9];
};

/* NULL when memory ran out. */
struct MHD_Response *otk_make_response(otk_bytes body, otk_headers headers, enum MHD_ResponseMemoryMode mode);

/* The answer as it goes over the wire, head and body. */
void otk_conn_write_answer(const otk_capture *c, struct otk_buffer *out);

struct otk_conn *otk_conn_new(struct otk_http *h, struct MHD_Connection *mhd);
void otk_conn_free(struct otk_conn *n);

/* Ends it, whatever state it is in. */
void otk_conn_shut(struct otk_conn *n);

/* Its request took longer than it may. */
void otk_conn_expire(struct otk_conn *n);

/* The steps of a request: its first line; headers, body and end, as libmicrohttpd's access handler; and that it is over,
 * answered or not. */
void otk_conn_begin(struct otk_conn *n, const char *target);
enum MHD_Result otk_conn_read(struct otk_conn *n, const char *method, const char *version, const char *data,
                              size_t *size);
void otk_conn_complete(struct otk_conn *n);

void otk_conn_hold(struct otk_conn *n);
void otk_conn_go_on(struct otk_conn *n);

#endif
