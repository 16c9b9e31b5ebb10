/* Goal: the attacks of inference_test.c and release_test.c are attacks: without the noise each of them is certain.
 * Method: the linker sends every draw of noise here (Makefile), where it is nothing. */
#include "tests/release_games.h"

#include "crypto/noise.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
enum pt_code __wrap_noise_gauss(int64_t *out, struct draw *d, struct noise_variance v);
enum pt_code __wrap_noise_gauss(int64_t *out, struct draw *d, struct noise_variance v)
{
    (void)d;
    (void)v;
    *out = 0;
    return PT_OK;
}
enum pt_code __wrap_noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut);
enum pt_code __wrap_noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut)
{
    (void)d;
    (void)t;
    (void)cut;
    *out = 0;
    return PT_OK;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void play(const char *name, const char *kind,
                 double (*look)(void *, bool, const struct key32 *))
{
    static struct adversary a;

    adversary_init(&a, kind, 0);
    game_play(&(struct game){.name = name,
                             .bound = game_bound(a.price.charge_nano),
                             .end = GAME_WON,
                             .self = &a,
                             .look = look});
    adversary_free(&a);
}

static void without_noise_answers_tell(void **state)
{
    (void)state;
    play("no noise: a count, in session", "overlap", adversary_asks_in_session);
    play("no noise: a table", "crosstab", adversary_asks_once);
    play("no noise: a number", "value", adversary_asks_once);
}

static void without_noise_sizes_tell(void **state)
{
    static struct sizing s;
    static struct adversary a;

    (void)state;
    s.policy = fixture_three();
    game_play(&(struct game){.name = "no noise: size of a token batch",
                             .bound = 0.01,
                             .end = GAME_WON,
                             .self = &s,
                             .look = sees_a_batch});
    policy_free(s.policy);
    adversary_init(&a, "overlap", 0);
    a.policy->privacy.minimum_audience = a.others[0] + 1;
    game_play(&(struct game){.name = "no noise: refused, or not",
                             .bound = game_bound(a.price.charge_nano),
                             .end = GAME_WON,
                             .self = &a,
                             .look = is_refused_or_not});
    adversary_free(&a);
}

static void without_noise_reach_tells(void **state)
{
    static struct opening o;

    (void)state;
    opening_init(&o, 1000000);
    game_play(&(struct game){.name = "no noise: reach over three nodes",
                             .bound = game_bound(o.plan.charge_nano),
                             .end = GAME_WON,
                             .self = &o,
                             .look = opens_a_reach});
    policy_free(o.policy);
}

static void without_noise_a_phone_book_tells(void **state)
{
    static struct phone_book b;

    (void)state;
    phone_book_init(&b, 0);
    game_play(&(struct game){.name = "no noise: phone book",
                             .bound = game_bound(b.a.price.charge_nano),
                             .end = GAME_WON,
                             .self = &b,
                             .look = looks_one_up});
    adversary_free(&b.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_noise_answers_tell),
        cmocka_unit_test(without_noise_sizes_tell),
        cmocka_unit_test(without_noise_reach_tells),
        cmocka_unit_test(without_noise_a_phone_book_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
