/* Goal: what a question cost when it was first answered survives its answer, and is that of this very
 * question, policy and epoch or nothing.
 * Method: answers kept, damaged and asked for again. */
#include "node/plan_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scratch.h"

/* Answers are large: not for a stack. */
static struct answer first, again, other, read;

static void make(struct answer *a, struct answer_cell *cell, uint64_t charged_nano)
{
    *a = (struct answer){
        .kind = ANSWER_OVERLAP, .charged_rho_nano = charged_nano, .cells = cell, .cell_count = 1};
    snprintf(a->asker, sizeof a->asker, "freshmart");
    snprintf(a->with, sizeof a->with, "drinkco");
    snprintf(a->question, sizeof a->question, "patto-question: 1\noverlap rho=0.0005\n");
    snprintf(a->epoch, sizeof a->epoch, "7");
    memset(a->policy.b, 0x5a, sizeof a->policy.b);
}

static uint64_t price(const struct plan_folder *f, const struct answer *a)
{
    const struct plan_folder_question q = {a->epoch, &a->policy, span_z(a->question)};
    uint64_t nano = 99;
    struct pt_err err;

    assert_int_equal(plan_folder_price(&nano, f, "together", &q, &err), PT_OK);
    return nano;
}

static void the_price_outlives_the_answer(void **state)
{
    struct answer_cell cell = {.row = "overlap", .column = "x"};
    struct plan_folder f;
    struct pt_err err = {0};
    bool found;

    make(&first, &cell, 625039);
    make(&again, &cell, 0);
    assert_int_equal(plan_folder_open(&f, scratch_path(state, "plan"), &err), PT_OK);
    assert_int_equal(price(&f, &first), 0);
    assert_int_equal(plan_folder_keep(&f, "together", &first, &err), PT_OK);
    assert_int_equal(price(&f, &first), 625039);
    scratch_write(scratch_path(state, "plan/answers/together.answer"), span_z("odd"));
    assert_int_equal(plan_folder_read(&read, &found, &f, "together", &err), PT_OK);
    assert_false(found);
    assert_int_equal(price(&f, &first), 625039);
    assert_int_equal(plan_folder_keep(&f, "together", &again, &err), PT_OK);
    assert_int_equal(plan_folder_read(&read, &found, &f, "together", &err), PT_OK);
    assert_true(found && read.charged_rho_nano == 0); /* as the daemon said it */
    answer_free(&read);
    assert_int_equal(price(&f, &again), 625039);

    other = first;
    snprintf(other.epoch, sizeof other.epoch, "8");
    assert_int_equal(price(&f, &other), 0);
    other = first;
    other.policy.b[31] ^= 1;
    assert_int_equal(price(&f, &other), 0);
    other = first;
    other.question[0] = 'q';
    assert_int_equal(price(&f, &other), 0);
    for (size_t i = 0; i < 3; i++) {
        static const char *const ODD[] = {"", "0.5", "many\nepoch 7\n"};
        scratch_write(scratch_path(state, "plan/answers/together.price"), span_z(ODD[i]));
        assert_int_equal(price(&f, &first), 0);
    }
    assert_int_equal(plan_folder_keep(&f, "together", &first, &err), PT_OK);
    assert_int_equal(price(&f, &first), 625039);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_price_outlives_the_answer, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
