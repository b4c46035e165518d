/* What a receiver is made of.
 *
 * A session is a receiver, too: it has captures, waits and questions of its own, and shares the connections of the one
 * that it is inside of, its root.
 */
#ifndef OTLPKIT_RECEIVER_INSIDE_H
#define OTLPKIT_RECEIVER_INSIDE_H

#include "desk.h"
#include "fault.h"
#include "http.h"
#include "sessions.h"
#include "wait.h"

struct otk_receiver {
    struct otk_store *store;
    struct otk_waits *waits;
    struct otk_baseline *baseline; /* what cumulative metrics had reached at the last reset */
    struct otk_faults *faults;
    struct otk_audience audience;
    struct otk_session session;
    char *url;          /* NULL: it never listened */
    otk_receiver *root; /* itself, when it is no session */

    /* The root's. */
    struct otk_budget budget; /* of all captures together */
    struct otk_store_limits session_limits;
    otk_receiver_options options; /* as it was started; what they point to is not kept */
    struct otk_sessions *sessions;
    atomic_size_t held_conditions; /* of the waits that are asked over HTTP, its sessions' included */
    struct otk_http *http; /* NULL: it never listened */
};

#endif
