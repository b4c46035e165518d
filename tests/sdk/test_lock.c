/* The lock of a span: its owner goes in and out without atomic exchanges, until another thread comes. */
#include "lock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 300, OTHERS = 20 };

struct counter {
    struct otk_own_lock lock;
    atomic_bool done; /* the other thread is */
    unsigned count;   /* covered by the lock */
};

static void add(struct counter *c)
{
    otk_own_lock_take(&c->lock);
    c->count++;
    otk_own_lock_release(&c->lock);
}

static void *add_from_elsewhere(void *arg)
{
    struct counter *c = arg;
    for (unsigned i = 0; i < OTHERS; i++)
        add(c);
    atomic_store(&c->done, true);
    return NULL;
}

/* Whatever was shared before: the next lock has an owner, where the kernel lets it. */
static void forget_sharing(void)
{
    if (atomic_load(&otk_lock_unowned) < OTK_LOCK_NEVER_OWNED)
        atomic_store(&otk_lock_unowned, 0);
}

static void test_owner_and_others_keep_each_other_out(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct counter c = {.count = 0};
        unsigned own = 0;
        pthread_t other;
        forget_sharing();
        otk_own_lock_init(&c.lock);
        assert_int_equal(pthread_create(&other, NULL, add_from_elsewhere, &c), 0);
        for (; !atomic_load_explicit(&c.done, memory_order_relaxed); own++)
            add(&c);
        pthread_join(other, NULL);
        assert_int_equal(c.count, own + OTHERS);
    }
}

static void test_after_one_was_shared_the_next_begin_shared_for_a_while(void **state)
{
    (void)state;
    struct counter c = {.count = 0};
    pthread_t other;
    forget_sharing();
    bool never = atomic_load(&otk_lock_unowned) >= OTK_LOCK_NEVER_OWNED;
    otk_own_lock_init(&c.lock);
    assert_ptr_equal(c.lock.owner, never ? NULL : otk_lock_self());
    if (never)
        return;
    assert_int_equal(pthread_create(&other, NULL, add_from_elsewhere, &c), 0);
    pthread_join(other, NULL);

    unsigned shared = 0;
    for (otk_own_lock_init(&c.lock); !c.lock.owner; otk_own_lock_init(&c.lock))
        shared++;
    assert_int_equal(shared, 1000);
}

struct holder {
    struct otk_own_lock lock;
    pthread_barrier_t barrier;
};

static void *hold(void *arg)
{
    struct holder *h = arg;
    otk_own_lock_init(&h->lock);
    assert_true(otk_own_lock_take(&h->lock));
    pthread_barrier_wait(&h->barrier);
    pthread_barrier_wait(&h->barrier); /* the child is gone */
    otk_own_lock_release(&h->lock);
    return NULL;
}

/* SDK-PROC-15: the thread that was inside is not in the child, which must not wait for it. */
static void test_a_forked_child_does_not_wait_for_a_thread_of_the_parent(void **state)
{
    struct holder h;
    pthread_t thread;
    int status = 0;
    (void)state;
    pthread_barrier_init(&h.barrier, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, hold, &h), 0);
    pthread_barrier_wait(&h.barrier);
    pid_t child = fork();
    if (child == 0)
        _exit(otk_own_lock_take(&h.lock) ? 1 : 42);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    pthread_barrier_wait(&h.barrier);
    pthread_join(thread, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_true(otk_own_lock_take(&h.lock));
    otk_own_lock_release(&h.lock);
    pthread_barrier_destroy(&h.barrier);
}

/* A span of before a fork may be freed in the child, and its memory is used again. */
static void test_a_lock_begins_free_whatever_it_was_before(void **state)
{
    struct counter c = {.lock = {.lock = {true}, .inside = true, .shared = true}};
    pthread_t other;
    (void)state;
    forget_sharing();
    otk_own_lock_init(&c.lock);
    assert_int_equal(pthread_create(&other, NULL, add_from_elsewhere, &c), 0);
    pthread_join(other, NULL);
    assert_int_equal(c.count, OTHERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_and_others_keep_each_other_out),
        cmocka_unit_test(test_after_one_was_shared_the_next_begin_shared_for_a_while),
        cmocka_unit_test(test_a_lock_begins_free_whatever_it_was_before),
        cmocka_unit_test(test_a_forked_child_does_not_wait_for_a_thread_of_the_parent),
    };
    assert_int_equal(otk_forks_watch(), 0);
    otk_lock_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
