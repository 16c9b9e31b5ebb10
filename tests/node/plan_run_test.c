/* Goal: the runner asks in the cheapest order, never past the plan's budget, never twice, and one
 * failure does not lose the others.
 * Method: a host that answers from a script and writes down what it was asked. */
#include "node/plan_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/policy_fixture.h"

enum { LOG_MAX = 64 };

struct bed {
    struct policy *policy;
    struct plan *plan;
    struct plan_forecast forecast;
    struct plan_run run;
    /* The host. */
    size_t asked[LOG_MAX], kept[LOG_MAX];
    size_t asked_count, kept_count;
    uint64_t first[LOG_MAX];      /* what an earlier run paid for question i */
    bool known[LOG_MAX];          /* there is an answer of an earlier run */
    enum pt_code fails[LOG_MAX];  /* what ask() says of question i; PT_OK: it answers */
    bool free[LOG_MAX];           /* the partner has answered it before, and charges nothing */
    const char *refuses[LOG_MAX]; /* the refusal in its answer */
    enum pt_code keep_fails;
};

static void answer(struct answer *out, const struct bed *b, size_t i, uint64_t charged_nano)
{
    struct buf text = {0};
    struct pt_err err;

    *out = (struct answer){.kind = b->forecast.outcomes[i].kind,
                           .charged_rho_nano = charged_nano,
                           .cells = calloc(1, sizeof *out->cells),
                           .cell_count = 1};
    assert_non_null(out->cells);
    assert_int_equal(question_print(&text, b->policy, &b->forecast.outcomes[i].question, &err),
                     PT_OK);
    snprintf(out->question, sizeof out->question, "%.*s", (int)text.n, (const char *)text.p);
    buf_free(&text);
    if (b->refuses[i] != NULL)
        snprintf(out->refusal, sizeof out->refusal, "%s", b->refuses[i]);
}

static enum pt_code host_kept(void *self, struct answer *out, bool *found, size_t i,
                              struct pt_err *err)
{
    struct bed *b = self;

    (void)err;
    *found = b->known[i];
    if (b->known[i])
        answer(out, b, i, 700000);
    return PT_OK;
}

/* As an owner's ledger does: the same question again is free. */
static enum pt_code host_paid(void *self, uint64_t *nano, size_t i, struct pt_err *err)
{
    const struct bed *b = self;

    (void)err;
    *nano = b->first[i];
    return PT_OK;
}

static enum pt_code host_ask(void *self, struct answer *out, size_t i, struct pt_err *err)
{
    struct bed *b = self;
    bool again = false;

    assert_true(b->asked_count < LOG_MAX);
    if (b->fails[i] != PT_OK)
        return pt_fail(err, b->fails[i], "drinkco is away");
    answer(out, b, i, 0);
    for (size_t k = 0; k < b->asked_count; k++)
        again = again || strcmp(b->run.steps[b->asked[k]].answer.question, out->question) == 0;
    out->charged_rho_nano = again || b->free[i] || out->refusal[0] != '\0'
                                ? 0
                                : b->forecast.outcomes[i].charge_nano + 100;
    b->asked[b->asked_count++] = i;
    return PT_OK;
}

static enum pt_code host_keep(void *self, const struct plan_run *run, size_t i, struct pt_err *err)
{
    struct bed *b = self;

    assert_true(run->steps[i].answer.cell_count == 1);
    b->kept[b->kept_count++] = i;
    return b->keep_fails == PT_OK ? PT_OK : pt_fail(err, b->keep_fails, "the disk is full");
}

/* 0 count, 1 affinity, 2 count of others, 3 profile of the table of 1, 4 another table. */
static const char QUESTIONS[] =
    "questions:\n"
    "  - {id: q0, ask: overlap, with: drinkco}\n"
    "  - {id: q1, ask: affinity, with: drinkco, rows: buys, columns: drinkco.buys}\n"
    "  - {id: q2, ask: overlap, with: homeware, where: [segment=new]}\n"
    "  - {id: q3, ask: profile, with: drinkco, rows: buys, columns: drinkco.buys}\n"
    "  - {id: q4, ask: crosstab, with: drinkco, rows: buys, columns: drinkco.segment}\n";

static struct bed laid(const char *budget, const char *questions)
{
    struct bed b = {.policy = fixture_policy(3)};
    struct buf text = {0};
    struct pt_err err = {0};

    assert_true(
        buf_printf(&text, "patto-plan: 1\nname: test\nasker: freshmart\n%s%s", budget, questions));
    if (plan_parse(&b.plan, buf_span(&text), &err) != PT_OK)
        fail_msg("%s", err.msg);
    buf_free(&text);
    assert_int_equal(plan_forecast_decide(&b.forecast, b.policy, b.plan, &err), PT_OK);
    return b;
}

static enum pt_code go(struct bed *b, struct pt_err *err)
{
    const struct plan_host host = {b, host_kept, host_paid, host_ask, host_keep};

    plan_run_free(&b->run);
    b->asked_count = b->kept_count = 0;
    return plan_run(&b->run, &b->forecast, &host, err);
}

static void freed(struct bed *b)
{
    plan_run_free(&b->run);
    plan_forecast_free(&b->forecast);
    plan_free(b->plan);
    policy_free(b->policy);
}

static void asked_are(const struct bed *b, const char *want)
{
    char got[LOG_MAX + 1] = "";

    for (size_t i = 0; i < b->asked_count; i++)
        got[i] = (char)('0' + b->asked[i]);
    assert_string_equal(got, want);
}

/* Goal: a reading follows the question that pays for its table; everything is kept as it comes. */
static void readings_follow_their_table(void **state)
{
    struct bed b = laid("", QUESTIONS);
    struct pt_err err;

    (void)state;
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "01324");
    assert_memory_equal(b.kept, b.asked, sizeof b.asked[0] * 5);
    assert_int_equal(plan_run_count(&b.run, PLAN_ANSWERED), 5);
    /* Two counts and two tables: 1.25 * 0.0005 each, 0.002 each, as the policy prices them (with
     * the lattice's factor); 100 nano a question is the host's. */
    assert_true(b.run.charged_nano >= 5250000 + 400 && b.run.charged_nano < 5260000);
    freed(&b);
}

/* Goal: what would go over the budget is not asked, nor is anything after it that costs; what is
 * paid for already is. */
static void budget_is_never_exceeded(void **state)
{
    static const struct {
        const char *budget, *asked;
        size_t over;
    } CASES[] = {
        {"budget_rho: 0.0006\n", "", 5},
        {"budget_rho: 0.0007\n", "0", 4},   /* q2 would fit had it come first: plans stop */
        {"budget_rho: 0.0027\n", "013", 2}, /* q3 reads what q1 paid for */
        {"budget_rho: 0.0033\n", "0132", 1},
        {"budget_rho: 0.0053\n", "01324", 0},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct bed b = laid(CASES[i].budget, QUESTIONS);
        struct pt_err err;
        assert_int_equal(go(&b, &err), PT_OK);
        asked_are(&b, CASES[i].asked);
        assert_int_equal(plan_run_count(&b.run, PLAN_OVER_BUDGET), CASES[i].over);
        assert_true(b.run.charged_nano <= b.plan->budget_nano);
        freed(&b);
    }
}

/* Goal: run again, only what is missing is asked; kept answers count against the budget. */
static void it_goes_on_where_it_was(void **state)
{
    struct bed b = laid("budget_rho: 0.0033\n", QUESTIONS);
    struct pt_err err;

    (void)state;
    b.known[1] = true; /* cost 0.0007 then */
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "023"); /* q3 is free, for q1 is there; q4 would be too much */
    assert_int_equal(b.run.steps[1].state, PLAN_KEPT);
    assert_int_equal(b.run.steps[4].state, PLAN_OVER_BUDGET);
    assert_true(b.run.charged_nano >= 700000 + 1250000 && b.run.charged_nano < 1960000);
    memset(b.known, true, sizeof b.known);
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "");
    assert_int_equal(plan_run_count(&b.run, PLAN_KEPT), 5);
    freed(&b);
}

/* Goal: reach over several partners, too, is paid for once: the asker's node keeps what it was told. */
static void reach_is_paid_once(void **state)
{
    struct bed b = laid("budget_rho: 0.0015\n",
                        "questions:\n  - {id: a, ask: reach, with: [drinkco, homeware]}\n"
                        "  - {id: b, ask: reach, with: [drinkco, homeware]}\n");
    struct pt_err err;

    (void)state;
    assert_true(b.forecast.outcomes[1].again);
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "01");
    freed(&b);
}

/* Goal: a refusal or an absent partner ends that question only; our own fault ends the run, and what
 * was answered stays. */
static void one_failure_is_one_failure(void **state)
{
    struct bed b = laid("", QUESTIONS);
    struct pt_err err = {0};

    (void)state;
    b.fails[0] = PT_EPEER;
    b.refuses[1] = "too few";
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "1324"); /* the reading is not answered by a refusal: it is asked */
    assert_int_equal(b.run.steps[0].state, PLAN_FAILED);
    assert_string_equal(b.run.steps[0].why, "drinkco is away");
    assert_int_equal(b.run.steps[1].state, PLAN_REFUSED);
    assert_string_equal(b.run.steps[1].why, "too few");
    assert_int_equal(plan_run_count(&b.run, PLAN_ANSWERED), 3);

    b.fails[0] = PT_OK;
    b.fails[2] = PT_EIO;
    assert_int_equal(go(&b, &err), PT_EIO);
    assert_string_equal(err.msg, "drinkco is away");
    assert_int_equal(b.run.steps[0].state, PLAN_ANSWERED);
    assert_int_equal(b.run.steps[4].state, PLAN_OPEN);

    b.keep_fails = PT_EIO;
    assert_int_equal(go(&b, &err), PT_EIO);
    asked_are(&b, "0");
    freed(&b);
}

/* Goal: a question that failed may have been charged: what comes after fits without it, or waits. */
static void a_lost_answer_may_have_cost(void **state)
{
    struct bed b = laid("budget_rho: 0.0022\n", QUESTIONS);
    struct pt_err err;

    (void)state;
    b.fails[0] = PT_EPEER; /* 0.000625; the table of q1 costs 0.002 */
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "");
    assert_int_equal(b.run.steps[0].state, PLAN_FAILED);
    assert_int_equal(b.run.steps[1].state, PLAN_OVER_BUDGET);
    assert_int_equal(b.run.charged_nano, 0);
    freed(&b);
}

/* Goal: what was paid for in an earlier run is never forgotten, though its answer was lost and comes
 * again for nothing: it counts against the budget before anything is asked, and is asked though the
 * budget is at its end. */
static void the_first_price_is_remembered(void **state)
{
    struct bed b = laid("budget_rho: 0.0033\n", QUESTIONS);
    struct pt_err err;

    (void)state;
    b.free[1] = b.free[2] = b.free[3] = true; /* the partner has answered them before */
    b.first[2] = 625000;
    b.first[1] = 2000000;
    b.known[0] = true; /* cost 0.0007 then: 0.003325 in all, and the end */
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "132");
    assert_int_equal(b.run.charged_nano, 3325000);
    assert_int_equal(b.run.steps[1].charged_nano, 2000000);
    assert_int_equal(b.run.steps[1].answer.charged_rho_nano, 0);
    assert_int_equal(b.run.steps[4].state, PLAN_OVER_BUDGET);

    /* Lost again, and the partner is away: what was paid stays paid, its reading too. */
    b.fails[1] = PT_EPEER;
    assert_int_equal(go(&b, &err), PT_OK);
    assert_int_equal(b.run.steps[1].state, PLAN_FAILED);
    assert_int_equal(b.run.charged_nano, 3325000);
    assert_int_equal(b.run.doubtful_nano, 0);
    assert_int_equal(b.run.steps[3].state, PLAN_ANSWERED);

    /* An answer kept with its price is not counted twice. */
    b.known[1] = true;
    b.first[1] = 700000;
    assert_int_equal(go(&b, &err), PT_OK);
    assert_int_equal(b.run.charged_nano, 700000 + 700000 + 625000);
    freed(&b);
}

/* Goal: what the policy forbids is never asked, and says why. */
static void the_policy_comes_first(void **state)
{
    struct bed b =
        laid("", "questions:\n  - {id: a, ask: lift, with: drinkco, rows: buys, "
                 "columns: drinkco.segment}\n  - {id: b, ask: overlap, with: drinkco}\n");
    struct pt_err err;

    (void)state;
    assert_int_equal(b.forecast.refused, 1);
    assert_int_equal(plan_forecast_verdict(&b.forecast, &err), PT_EDENIED);
    assert_int_equal(go(&b, &err), PT_OK);
    asked_are(&b, "1");
    assert_int_equal(b.run.steps[0].state, PLAN_REFUSED);
    assert_non_null(strstr(b.run.steps[0].why, "control"));
    freed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_follow_their_table),
        cmocka_unit_test(budget_is_never_exceeded),
        cmocka_unit_test(it_goes_on_where_it_was),
        cmocka_unit_test(reach_is_paid_once),
        cmocka_unit_test(a_lost_answer_may_have_cost),
        cmocka_unit_test(one_failure_is_one_failure),
        cmocka_unit_test(the_policy_comes_first),
        cmocka_unit_test(the_first_price_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
