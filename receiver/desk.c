#include "desk.h"

#include "expect.h"
#include "sessions.h"
#include "store.h"
#include "thread.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

/* How many idle questions, and for a capture of what weight, the storing thread sees to by itself. */
#define AT_ONCE 8
#define AT_ONCE_WEIGHT ((size_t)64 << 10)

#define NICE 5

/* One step's. */
#define OUT_LIMIT ((size_t)64 << 20)

struct otk_desk {
    pthread_mutex_t lock; /* guards all below but for the atomic ones, the seats of questions, and the audiences */
    pthread_cond_t work;
    pthread_t thread;
    bool thread_runs;
    bool stopping;
    struct otk_list queue, answers;
    struct otk_question *all;
    struct otk_audience *audiences; /* that have idle questions */
    uint64_t due_ns;                /* when the first of those may be due, or before */
    uint64_t gathered;              /* the news that were gathered */
    int wake_fd;
    atomic_uint_fast64_t news; /* how often an audience was left to the desk's thread */
    atomic_bool asleep;
};

/* ---- Places ---------------------------------------------------------- */

static void push(struct otk_list *l, struct otk_question *q, enum otk_place place)
{
    q->seat.place = place;
    q->seat.next = NULL;
    q->seat.previous = l->last;
    *(l->last ? &l->last->seat.next : &l->first) = q;
    l->last = q;
}

static void unlink_from(struct otk_list *l, struct otk_question *q)
{
    *(q->seat.previous ? &q->seat.previous->seat.next : &l->first) = q->seat.next;
    *(q->seat.next ? &q->seat.next->seat.previous : &l->last) = q->seat.previous;
}

static void join_audience(struct otk_desk *d, struct otk_question *q)
{
    struct otk_audience *a = otk_receiver_audience(q->rx);
    if (!a->idle.first) {
        a->previous = NULL;
        a->next = d->audiences;
        if (a->next)
            a->next->previous = a;
        d->audiences = a;
        a->heard = q->seat.news;
    }
    push(&a->idle, q, OTK_PLACE_IDLE);
    atomic_fetch_add(&a->count, 1);
    if (q->again_ns < d->due_ns)
        d->due_ns = q->again_ns;
}

static void leave_audience(struct otk_desk *d, struct otk_question *q)
{
    struct otk_audience *a = otk_receiver_audience(q->rx);
    unlink_from(&a->idle, q);
    atomic_fetch_sub(&a->count, 1);
    if (a->idle.first)
        return;
    *(a->previous ? &a->previous->next : &d->audiences) = a->next;
    if (a->next)
        a->next->previous = a->previous;
}

/* Out of the place where it is. */
static void take(struct otk_desk *d, struct otk_question *q)
{
    if (q->seat.place == OTK_PLACE_QUEUE)
        unlink_from(&d->queue, q);
    else if (q->seat.place == OTK_PLACE_ANSWERS)
        unlink_from(&d->answers, q);
    else if (q->seat.place == OTK_PLACE_IDLE)
        leave_audience(d, q);
    q->seat.place = OTK_PLACE_OUTSIDE;
}

static void move_to_queue(struct otk_desk *d, struct otk_question *q)
{
    take(d, q);
    push(&d->queue, q, OTK_PLACE_QUEUE);
}

static void move_to_answers(struct otk_desk *d, struct otk_question *q)
{
    take(d, q);
    push(&d->answers, q, OTK_PLACE_ANSWERS);
}

/* The thread goes to sleep only with the lock. */
static void wake(struct otk_desk *d)
{
    if (!atomic_exchange(&d->asleep, false))
        return;
    pthread_mutex_lock(&d->lock);
    pthread_mutex_unlock(&d->lock);
    pthread_cond_signal(&d->work);
}

static void unlock_and_wake(struct otk_desk *d)
{
    pthread_mutex_unlock(&d->lock);
    wake(d);
}

/* ---- A step ---------------------------------------------------------- */

static void begin_step(struct otk_desk *d, struct otk_question *q)
{
    take(d, q);
    q->seat.place = OTK_PLACE_WORK;
    q->seat.news = atomic_load(&otk_receiver_audience(q->rx)->news);
    q->ending = q->seat.end_asked;
}

/* Without the lock. */
static enum otk_step do_step(struct otk_question *q)
{
    if (q->seat.begun)
        return q->page->step(q);
    q->seat.begun = true;
    q->seat.opened = otk_question_route(q, q->seat.path);
    if (!q->seat.opened || (q->page->open && !q->page->open(q)))
        return OTK_STEP_DONE;
    return q->page->step(q);
}

/* Nothing was said, and nothing is to be done before something comes. */
static void settle_idle(struct otk_desk *d, struct otk_question *q)
{
    join_audience(d, q);
    q->seat.waited = true;
    if (q->seat.end_asked || atomic_load(&otk_receiver_audience(q->rx)->news) != q->seat.news)
        move_to_queue(d, q); /* it came while the step was done */
}

static void end_step(struct otk_desk *d, struct otk_question *q, enum otk_step step)
{
    struct otk_seat *s = &q->seat;
    s->place = OTK_PLACE_OUTSIDE;
    s->done = step == OTK_STEP_DONE || q->out.failed || (step == OTK_STEP_IDLE && q->ending);
    if (s->left || (step == OTK_STEP_AGAIN && !s->done && !q->out.size))
        move_to_queue(d, q);
    else if (s->done || q->out.size)
        move_to_answers(d, q);
    else
        settle_idle(d, q);
}

/* ---- The thread ------------------------------------------------------ */

static void hear(struct otk_desk *d, struct otk_audience *a)
{
    uint64_t news = atomic_load(&a->news);
    if (a->heard == news)
        return;
    a->heard = news;
    while (a->idle.first)
        move_to_queue(d, a->idle.first);
}

static void gather_news(struct otk_desk *d)
{
    d->gathered = atomic_load(&d->news);
    for (struct otk_audience *a = d->audiences, *next; a; a = next) {
        next = a->next;
        hear(d, a);
    }
}

static void gather_due(struct otk_desk *d, uint64_t now_ns)
{
    d->due_ns = UINT64_MAX;
    for (struct otk_audience *a = d->audiences, *next_audience; a; a = next_audience) {
        next_audience = a->next;
        for (struct otk_question *q = a->idle.first, *next; q; q = next) {
            next = q->seat.next;
            if (q->again_ns <= now_ns)
                move_to_queue(d, q);
            else if (q->again_ns < d->due_ns)
                d->due_ns = q->again_ns;
        }
    }
}

static void gather(struct otk_desk *d)
{
    uint64_t now_ns = otk_now_ns();
    if (atomic_load(&d->news) != d->gathered)
        gather_news(d);
    if (d->due_ns <= now_ns)
        gather_due(d, now_ns);
}

static void sleep_until_due(struct otk_desk *d)
{
    struct timespec until = {(time_t)(d->due_ns / 1000000000), (long)(d->due_ns % 1000000000)};
    atomic_store(&d->asleep, true);
    if (atomic_load(&d->news) != d->gathered)
        atomic_store(&d->asleep, false);
    else if (d->due_ns == UINT64_MAX)
        pthread_cond_wait(&d->work, &d->lock);
    else
        pthread_cond_timedwait(&d->work, &d->lock, &until);
    atomic_store(&d->asleep, false);
}

/* With the lock; without it while it closes. */
static void dispose(struct otk_desk *d, struct otk_question *q)
{
    take(d, q);
    *(q->seat.previous_of_all ? &q->seat.previous_of_all->seat.next_of_all : &d->all) = q->seat.next_of_all;
    if (q->seat.next_of_all)
        q->seat.next_of_all->seat.previous_of_all = q->seat.previous_of_all;
    pthread_mutex_unlock(&d->lock);
    if (q->seat.opened && q->page->close)
        q->page->close(q);
    otk_buffer_clear(&q->out);
    otk_capture_free(q->request);
    otk_session_release(q->rx);
    free(q);
    pthread_mutex_lock(&d->lock);
}

/* Who takes the answers empties the list each time. */
static void work_on(struct otk_desk *d, struct otk_question *q)
{
    if (q->seat.left) {
        dispose(d, q);
        return;
    }
    begin_step(d, q);
    pthread_mutex_unlock(&d->lock);
    enum otk_step step = do_step(q);
    pthread_mutex_lock(&d->lock);
    bool empty = !d->answers.first; /* else it was called already, or is about to look */
    end_step(d, q, step);
    if (empty && d->answers.first)
        eventfd_write(d->wake_fd, 1);
}

static void *work(void *arg)
{
    struct otk_desk *d = arg;
    /* Where cores are few, what comes goes before what is asked. On Linux this is the calling thread's alone. */
    setpriority(PRIO_PROCESS, 0, NICE);
    pthread_mutex_lock(&d->lock);
    while (!d->stopping) {
        gather(d);
        if (d->queue.first)
            work_on(d, d->queue.first);
        else
            sleep_until_due(d);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* ---- Life ------------------------------------------------------------ */

struct otk_desk *otk_desk_new(int wake_fd)
{
    struct otk_desk *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    d->due_ns = UINT64_MAX;
    d->wake_fd = wake_fd;
    return d;
}

void otk_desk_stop(struct otk_desk *d)
{
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    unlock_and_wake(d);
    if (d->thread_runs)
        pthread_join(d->thread, NULL);
    d->thread_runs = false;
    pthread_mutex_lock(&d->lock);
    while (d->all)
        dispose(d, d->all);
    pthread_mutex_unlock(&d->lock);
}

void otk_desk_free(struct otk_desk *d)
{
    if (!d)
        return;
    otk_desk_stop(d);
    pthread_cond_destroy(&d->work);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ---- For connections ------------------------------------------------- */

/* With the lock. Most receivers are never asked. */
static bool has_thread(struct otk_desk *d)
{
    if (!d->thread_runs)
        d->thread_runs = otk_thread_start(&d->thread, work, d) == 0;
    return d->thread_runs;
}

static void add(struct otk_desk *d, struct otk_question *q)
{
    q->seat.next_of_all = d->all;
    if (d->all)
        d->all->seat.previous_of_all = q;
    d->all = q;
    move_to_queue(d, q);
}

struct otk_question *otk_desk_ask(struct otk_desk *d, otk_receiver *rx, otk_string path, struct capture *request,
                                  void *holder)
{
    struct otk_question *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    *q = (struct otk_question){
        .rx = rx,
        .request = request,
        .status = 200,
        .content_type = "application/json",
        .out = OTK_BUFFER_INIT(OUT_LIMIT),
        .again_ns = UINT64_MAX,
        .seat = {.holder = holder, .path = path},
    };
    pthread_mutex_lock(&d->lock);
    if (!has_thread(d)) {
        pthread_mutex_unlock(&d->lock);
        free(q);
        return NULL;
    }
    otk_session_hold(rx);
    atomic_fetch_add(&request->references, 1);
    q->seat.end_asked = otk_store_is_closed(otk_receiver_store(rx));
    add(d, q);
    unlock_and_wake(d);
    return q;
}

struct otk_question *otk_desk_next_answer(struct otk_desk *d)
{
    pthread_mutex_lock(&d->lock);
    struct otk_question *q = d->answers.first;
    if (q)
        take(d, q);
    pthread_mutex_unlock(&d->lock);
    return q;
}

void otk_desk_go_on(struct otk_desk *d, struct otk_question *q)
{
    q->out.size = 0;
    pthread_mutex_lock(&d->lock);
    move_to_queue(d, q);
    unlock_and_wake(d);
}

void otk_desk_leave(struct otk_desk *d, struct otk_question *q)
{
    pthread_mutex_lock(&d->lock);
    q->seat.left = true;
    if (q->seat.place != OTK_PLACE_WORK)
        move_to_queue(d, q);
    unlock_and_wake(d);
}

/* ---- News ------------------------------------------------------------ */

/* Whether this thread has seen to it itself, which spares a question the way through the other. */
static bool see_to(struct otk_desk *d, struct otk_audience *a, const struct capture *c, uint64_t news)
{
    struct otk_question *taken[AT_ONCE];
    enum otk_step steps[AT_ONCE];
    size_t count = 0;
    if (pthread_mutex_trylock(&d->lock))
        return false;
    uint64_t due_ns = d->due_ns;
    bool able = a->heard + 1 == news && atomic_load(&a->count) <= AT_ONCE;
    if (able) {
        a->heard = news;
        for (struct otk_question *q = a->idle.first; q; q = q->seat.next)
            if (!q->page->concerns || q->page->concerns(q, c))
                taken[count++] = q;
    }
    for (size_t i = 0; i < count; i++)
        begin_step(d, taken[i]);
    pthread_mutex_unlock(&d->lock);
    if (!count)
        return able;
    for (size_t i = 0; i < count; i++)
        steps[i] = do_step(taken[i]);
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < count; i++)
        end_step(d, taken[i], steps[i]);
    bool call = d->queue.first || d->due_ns < due_ns;
    pthread_mutex_unlock(&d->lock);
    if (call)
        wake(d);
    return true;
}

void otk_desk_news(struct otk_desk *d, otk_receiver *rx, const struct capture *c)
{
    struct otk_audience *a = otk_receiver_audience(rx);
    uint64_t news = atomic_fetch_add(&a->news, 1) + 1;
    if (!atomic_load(&a->count) || (c && c->weight <= AT_ONCE_WEIGHT && see_to(d, a, c, news)))
        return;
    atomic_fetch_add(&d->news, 1);
    wake(d);
}

void otk_desk_end(struct otk_desk *d, const otk_receiver *rx)
{
    pthread_mutex_lock(&d->lock);
    for (struct otk_question *q = d->all; q; q = q->seat.next_of_all) {
        if (rx && q->rx != rx)
            continue;
        q->seat.end_asked = true;
        if (q->seat.place == OTK_PLACE_IDLE)
            move_to_queue(d, q);
    }
    unlock_and_wake(d);
}
