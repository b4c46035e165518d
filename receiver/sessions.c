#include "sessions.h"

#include "receiver_inside.h"

#include <stdlib.h>

#define BUCKETS 1024u /* a power of two */

struct otk_sessions {
    pthread_mutex_t lock; /* guards all below */
    otk_receiver *root;
    otk_receiver *first, *last; /* in the order in which they were made; deleted ones that a program still holds, too */
    otk_receiver *buckets[BUCKETS];
    uint64_t number;
    unsigned count, max; /* of those listed */
};

struct otk_sessions *otk_sessions_new(otk_receiver *root, unsigned max)
{
    struct otk_sessions *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    s->root = root;
    s->max = max;
    return s;
}

void otk_sessions_free(struct otk_sessions *s)
{
    if (!s)
        return;
    while (s->first) {
        otk_receiver *rx = s->first;
        s->first = rx->session.next;
        otk_receiver_free(rx);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *otk_session_refusal(int code)
{
    return code == OTK_EINVAL   ? "that is no name for a session: it takes 1 to 64 of the characters A-Z a-z 0-9 . _ -"
           : code == OTK_ELIMIT ? "there are as many sessions as max_sessions allows; delete some, or raise that limit"
                                : "out of memory";
}

/* ---- The table ------------------------------------------------------- */

/* FNV-1a. */
static otk_receiver **bucket_of(struct otk_sessions *s, otk_string name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    return &s->buckets[(hash ^ hash >> 16) & (BUCKETS - 1)];
}

static bool is_called(const otk_receiver *rx, otk_string name)
{
    return memcmp(rx->session.name, name.data, name.size) == 0 && !rx->session.name[name.size];
}

static otk_string name_of(const otk_receiver *rx)
{
    return (otk_string){rx->session.name, strlen(rx->session.name)};
}

/* Where the table points at the session of that name, or where its chain ends. */
static otk_receiver **find(struct otk_sessions *s, otk_string name)
{
    otk_receiver **at = bucket_of(s, name);
    while (*at && !is_called(*at, name))
        at = &(*at)->session.next_of_hash;
    return at;
}

static int add(struct otk_sessions *s, otk_string name, otk_receiver **at)
{
    otk_receiver *rx = otk_receiver_inside(s->root, name);
    if (!rx)
        return OTK_ENOMEM;
    rx->session.number = ++s->number;
    rx->session.listed = true;
    rx->session.previous = s->last;
    *(s->last ? &s->last->session.next : &s->first) = rx;
    s->last = rx;
    *at = rx;
    s->count++;
    return 0;
}

int otk_sessions_use(struct otk_sessions *s, otk_string name, otk_receiver **out)
{
    if (!otk_is_session_name(name.data, name.size))
        return OTK_EINVAL;
    pthread_mutex_lock(&s->lock);
    otk_receiver **at = find(s, name);
    int rc = *at ? 0 : s->count >= s->max ? OTK_ELIMIT : add(s, name, at);
    if (!rc)
        *out = otk_session_hold(*at);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

otk_receiver *otk_session_after(otk_receiver *rx, uint64_t number)
{
    struct otk_sessions *s = rx->root->sessions;
    pthread_mutex_lock(&s->lock);
    otk_receiver *found = s->first;
    while (found && (found->session.number <= number || !found->session.listed))
        found = found->session.next;
    if (found)
        otk_session_hold(found);
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- Deleting -------------------------------------------------------- */

static void unlink_session(struct otk_sessions *s, otk_receiver *rx)
{
    struct otk_session *x = &rx->session;
    *(x->previous ? &x->previous->session.next : &s->first) = x->next;
    *(x->next ? &x->next->session.previous : &s->last) = x->previous;
}

/* With the lock. Returns whether it was listed. A session of which a program has a handle stays in the list, so that the
 * root's end frees it. */
static bool unlist(struct otk_sessions *s, otk_receiver *rx)
{
    if (!rx->session.listed)
        return false;
    *find(s, name_of(rx)) = rx->session.next_of_hash;
    rx->session.listed = false;
    s->count--;
    if (!rx->session.handed_out)
        unlink_session(s, rx);
    return true;
}

/* Behind unlist(): gives back what the table held. */
static void end_unlisted(otk_receiver *rx)
{
    otk_receiver_end(rx);
    otk_session_release(rx);
}

void otk_session_end(otk_receiver *rx)
{
    struct otk_sessions *s = rx->root->sessions;
    pthread_mutex_lock(&s->lock);
    bool was_listed = unlist(s, rx);
    pthread_mutex_unlock(&s->lock);
    if (was_listed)
        end_unlisted(rx);
}

bool otk_session_delete(otk_receiver *rx, otk_string name)
{
    struct otk_sessions *s = rx->root->sessions;
    if (!otk_is_session_name(name.data, name.size))
        return false;
    pthread_mutex_lock(&s->lock);
    otk_receiver *found = *find(s, name);
    if (found)
        unlist(s, found);
    pthread_mutex_unlock(&s->lock);
    if (found)
        end_unlisted(found);
    return found != NULL;
}

otk_receiver *otk_session_hold(otk_receiver *rx)
{
    atomic_fetch_add(&rx->session.references, 1);
    return rx;
}

void otk_session_release(otk_receiver *rx)
{
    if (atomic_fetch_sub(&rx->session.references, 1) == 1)
        otk_receiver_free(rx);
}

/* A handle is one reference, however often it is asked for. */
bool otk_session_hand_out(otk_receiver *rx)
{
    struct otk_sessions *s = rx->root->sessions;
    pthread_mutex_lock(&s->lock);
    bool listed = rx->session.listed, extra = !listed || rx->session.handed_out;
    rx->session.handed_out |= listed;
    pthread_mutex_unlock(&s->lock);
    if (extra)
        otk_session_release(rx);
    return listed;
}

void otk_session_take_back(otk_receiver *rx)
{
    struct otk_sessions *s = rx->root->sessions;
    otk_session_end(rx);
    pthread_mutex_lock(&s->lock);
    rx->session.handed_out = false;
    unlink_session(s, rx);
    pthread_mutex_unlock(&s->lock);
    otk_session_release(rx);
}
