/* Goal: what a partner sees beside answers to counts and tables tells no more than it is charged for: the
 * padded size of a token batch, a refusal for a small audience, a reach that three nodes open, all
 * that a period and a lifetime pay for.
 * Method: tests/game.h over the code that makes each; noiseless_test.c takes the noise out. */
#include "tests/release_games.h"

#include "node/ledger.h"
#include "proto/attack.h"

static void sizes_of_batches(void **state)
{
    static struct sizing s;

    (void)state;
    s.policy = fixture_three();
    game_play(&(struct game){.name = "size of a token batch",
                             .bound = game_bound_any(LEDGER_PADDING_RHO_NANO),
                             .end = GAME_ATTAINED,
                             .self = &s,
                             .look = sees_a_batch,
                             .trials = 10 * game_trials()});
    policy_free(s.policy);
}

static void refusals(void **state)
{
    static struct adversary a;

    (void)state;
    adversary_init(&a, "overlap", DEAR_NANO);
    a.policy->privacy.minimum_audience = a.others[0] + 1; /* just where the person decides it */
    game_play(&(struct game){.name = "refused for a small audience, or not",
                             .bound = game_bound(a.price.charge_nano),
                             .end = GAME_WITHIN,
                             .self = &a,
                             .look = is_refused_or_not});
    adversary_free(&a);
}

static void a_reach(const char *name, uint64_t rho_nano)
{
    static struct opening o;

    opening_init(&o, rho_nano);
    game_play(&(struct game){.name = name,
                             .bound = game_bound(o.plan.charge_nano),
                             .end = GAME_ATTAINED,
                             .self = &o,
                             .look = opens_a_reach});
    policy_free(o.policy);
}

static void reaches(void **state)
{
    (void)state;
    a_reach("reach over three nodes, one corrupt", 1000000);
    a_reach("the same, 500 times dearer", DEAR_NANO);
}

static void budgets(void **state)
{
    static const struct {
        const char *name;
        enum attack_kind kind;
    } PLANS[] = {{"the same count ten times over", ATTACK_REPEATED},
                 {"every count that a period pays for", ATTACK_PERIOD},
                 {"every count that a lifetime pays for", ATTACK_EVER}};
    struct policy *p = fixture_three();
    struct prg *prg = NULL;
    struct draw draw;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(prg_new(&prg, &(struct key32){{1}}), PT_OK);
    for (size_t i = 0; i < PT_LEN(PLANS); i++) {
        const struct attack_in in = {.policy = p,
                                     .kind = PLANS[i].kind,
                                     .noise = ATTACK_NOISE,
                                     .trials = (size_t)game_trials()};
        struct attack_out out;
        draw_init(&draw, prg, i);
        if (attack_run(&out, &in, &draw, &err) != PT_OK)
            fail_msg("%s", err.msg);
        assert_true(out.possible);
        game_report(PLANS[i].name, &out, in.trials, GAME_ATTAINED);
        draw_wipe(&draw);
    }
    prg_free(prg);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_batches),
        cmocka_unit_test(refusals),
        cmocka_unit_test(reaches),
        cmocka_unit_test(budgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
