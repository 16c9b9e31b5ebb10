/* Goal: a run takes what it awaits, once and of its size, from whom it awaits it; few runs at once.
 * Method: runs opened and fed by hand; what is a node's work is tested in reach_test, what is a
 * daemon's in tests/e2e/reach.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/reach_desk.h"

/* Partners 0, 1, 2 are parties and nodes 1, 2, 3; 3 to 6 are neither. */
static struct reach_run_in run_of(uint8_t fill, uint16_t self, uint16_t asker)
{
    struct reach_run_in in = {.self = self, .asker = asker};

    memset(in.run.b, fill, sizeof in.run.b);
    in.plan = (struct reach_plan){.parties = 7,
                                  .party_count = 3,
                                  .node = {0, 1, 2},
                                  .slot_count = 1024,
                                  .dummy_mean = 50,
                                  .dummy_variance = {25, 1}};
    return in;
}

static enum pt_code expect(struct reach_desk *d, const struct reach_run_in *in,
                           enum reach_stage stage, uint16_t from, uint64_t bytes)
{
    struct reach_item item = {.stage = stage, .from = from};
    struct pt_err err = {0};
    return reach_desk_expect(d, &in->run, &item, bytes, &err);
}

static void only_what_is_awaited_is_taken(void **state)
{
    struct reach_desk *d = NULL;
    struct reach_run *r = NULL;
    struct pt_err err = {0};
    const struct reach_run_in in = run_of(1, 1, 0);
    const struct reach_run_in unknown = run_of(2, 1, 0);

    (void)state;
    assert_int_equal(reach_desk_new(&d, &err), PT_OK);
    assert_int_equal(reach_run_open(&r, d, &in, &err), PT_OK);
    assert_int_equal(expect(d, &unknown, REACH_VECTOR, 0, 1024), PT_EBADMSG);
    assert_int_equal(expect(d, &in, REACH_SEED, 0, 32), PT_EBADMSG);       /* node 1's */
    assert_int_equal(expect(d, &in, REACH_VECTOR, 1, 1024), PT_EBADMSG);   /* our own */
    assert_int_equal(expect(d, &in, REACH_VECTOR, 3, 1024), PT_EBADMSG);   /* no party */
    assert_int_equal(expect(d, &in, REACH_VECTOR, 40, 1024), PT_EBADMSG);  /* nobody */
    assert_int_equal(expect(d, &in, REACH_VECTOR, 0, 1025), PT_EBADMSG);   /* too large */
    assert_int_equal(expect(d, &in, REACH_STAGE_COUNT, 0, 1), PT_EBADMSG); /* no stage */
    assert_int_equal(expect(d, &in, REACH_VECTOR, 0, 1024), PT_OK);
    assert_int_equal(expect(d, &in, REACH_VECTOR, 0, 1024), PT_EBADMSG); /* twice */
    assert_int_equal(expect(d, &in, REACH_KEY, 0, 32), PT_OK);
    assert_int_equal(expect(d, &in, REACH_KEY, 2, 32), PT_EBADMSG); /* goes to node 1 */
    reach_run_close(r);
    assert_int_equal(expect(d, &in, REACH_VECTOR, 2, 1024), PT_EBADMSG); /* closed */
    reach_desk_free(d);
}

/* What arrives after the run has gone is dropped, and freed: leaks show under ASan. */
static void late_items_are_dropped(void **state)
{
    struct reach_desk *d = NULL;
    struct reach_run *r = NULL;
    struct pt_err err = {0};
    const struct reach_run_in in = run_of(1, 1, 0);

    (void)state;
    assert_int_equal(reach_desk_new(&d, &err), PT_OK);
    assert_int_equal(reach_run_open(&r, d, &in, &err), PT_OK);
    for (int late = 0; late < 2; late++) {
        struct reach_item item = {.stage = REACH_VECTOR};
        assert_true(buf_printf(&item.bytes, "slots"));
        reach_desk_put(d, &in.run, &item);
        assert_null(item.bytes.p);
        reach_run_close(late == 0 ? r : NULL);
    }
    reach_desk_free(d);
}

static void runs_are_few_and_one_an_asker(void **state)
{
    struct reach_desk *d = NULL;
    struct reach_run *runs[REACH_RUNS_MAX + 1] = {NULL};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(reach_desk_new(&d, &err), PT_OK);
    for (uint8_t i = 0; i < REACH_RUNS_MAX; i++) {
        struct reach_run_in in = run_of(i, 5, i);
        assert_int_equal(reach_run_open(&runs[i], d, &in, &err), PT_OK);
    }
    struct reach_run_in in = run_of(99, 5, 7);
    assert_int_equal(reach_run_open(&runs[REACH_RUNS_MAX], d, &in, &err), PT_EPEER);
    assert_null(runs[REACH_RUNS_MAX]);
    in = run_of(2, 5, 7);
    assert_int_equal(reach_run_open(&runs[REACH_RUNS_MAX], d, &in, &err), PT_EDENIED);
    reach_run_close(runs[0]);
    in = run_of(99, 5, 3); /* another of asker 3 */
    assert_int_equal(reach_run_open(&runs[0], d, &in, &err), PT_EPEER);
    in = run_of(99, 5, 0);
    assert_int_equal(reach_run_open(&runs[0], d, &in, &err), PT_OK);
    for (size_t i = 0; i < REACH_RUNS_MAX; i++)
        reach_run_close(runs[i]);
    reach_desk_free(d);
}

/* Goal: no two runs share randomness, whatever an asker repeats; and a run's can be had again.
 * Method: one field changed at a time. */
static void each_run_has_its_own_randomness(void **state)
{
    struct home_keys keys = {0};
    const struct home h = {.keys = &keys};
    const struct digest a = {{1}};
    const struct digest b = {{2}};
    const struct reach_run_origin origins[] = {
        {&a, &a, &a, span_z("q")}, {&b, &a, &a, span_z("q")}, {&a, &b, &a, span_z("q")},
        {&a, &a, &b, span_z("q")}, {&a, &a, &a, span_z("r")},
    };
    struct key32 out[PT_LEN(origins)];
    struct key32 again;

    (void)state;
    for (size_t i = 0; i < PT_LEN(origins); i++) {
        reach_run_random(&out[i], &h, NULL, &origins[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(out[i].b, out[j].b, sizeof out[i].b);
    }
    reach_run_random(&again, &h, NULL, &origins[0]);
    assert_memory_equal(again.b, out[0].b, sizeof again.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_awaited_is_taken),
        cmocka_unit_test(late_items_are_dropped),
        cmocka_unit_test(runs_are_few_and_one_an_asker),
        cmocka_unit_test(each_run_has_its_own_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
