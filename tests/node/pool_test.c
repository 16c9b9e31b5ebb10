#include "node/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

enum { PARTS = 1000, JOBS = 4 };

struct counted {
    atomic_int times[PARTS];
    atomic_int now, most; /* parts that run at this moment */
};

static void count_one(void *context, size_t i)
{
    struct counted *c = context;
    int now = atomic_fetch_add(&c->now, 1) + 1;
    int most = atomic_load(&c->most);

    while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
        ;
    atomic_fetch_add(&c->times[i], 1);
    atomic_fetch_sub(&c->now, 1);
}

static void check_once(const struct counted *c, size_t count)
{
    for (size_t i = 0; i < PARTS; i++)
        assert_int_equal(c->times[i], i < count ? 1 : 0);
}

/* Goal: each part runs once, whatever the width, and all are done when run() is back. */
static void each_part_runs_once(void **state)
{
    static const size_t WIDTHS[] = {1, 2, 3, 16};
    static const size_t COUNTS[] = {0, 1, 2, 7, PARTS};
    struct pt_err err = {0};

    (void)state;
    for (size_t w = 0; w < sizeof WIDTHS / sizeof WIDTHS[0]; w++)
        for (size_t n = 0; n < sizeof COUNTS / sizeof COUNTS[0]; n++) {
            struct counted c = {0};
            struct pool *p;
            assert_int_equal(pool_new(&p, WIDTHS[w], &err), PT_OK);
            struct parallel parallel = pool_parallel(p);
            assert_int_equal(parallel_width(&parallel), WIDTHS[w]);
            parallel_run(&parallel, COUNTS[n], count_one, &c);
            check_once(&c, COUNTS[n]);
            assert_true(c.most <= (int)WIDTHS[w]);
            pool_free(p);
        }
}

struct job {
    struct parallel parallel;
    struct counted *c;
};
static void *run_job(void *arg)
{
    struct job *j = arg;

    for (int i = 0; i < 20; i++) {
        struct counted c = {0};
        parallel_run(&j->parallel, PARTS, count_one, &c);
        check_once(&c, PARTS);
    }
    parallel_run(&j->parallel, PARTS, count_one, j->c);
    return NULL;
}

/* Goal: jobs at once share the threads: never more parts at once than width and one a job. */
static void jobs_share_the_threads(void **state)
{
    enum { WIDTH = 3 };
    static struct counted c[JOBS];
    pthread_t thread[JOBS];
    struct job job[JOBS];
    struct pt_err err = {0};
    struct pool *p;

    (void)state;
    assert_int_equal(pool_new(&p, WIDTH, &err), PT_OK);
    for (int i = 0; i < JOBS; i++) {
        job[i] = (struct job){pool_parallel(p), &c[i]};
        assert_int_equal(pthread_create(&thread[i], NULL, run_job, &job[i]), 0);
    }
    for (int i = 0; i < JOBS; i++) {
        pthread_join(thread[i], NULL);
        check_once(&c[i], PARTS);
        assert_true(c[i].most <= WIDTH);
    }
    pool_free(p);
}

static void nothing_is_one_thread(void **state)
{
    struct parallel none = pool_parallel(NULL);
    struct counted c = {0};

    (void)state;
    assert_int_equal(parallel_width(&none), 1);
    assert_int_equal(parallel_width(NULL), 1);
    parallel_run(&none, PARTS, count_one, &c);
    check_once(&c, PARTS);
    assert_int_equal(c.most, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_runs_once),
        cmocka_unit_test(jobs_share_the_threads),
        cmocka_unit_test(nothing_is_one_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
