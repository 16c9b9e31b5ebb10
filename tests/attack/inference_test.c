/* Goal: is one person a customer of the partner's? The best test of all that an answer holds is no
 * better than what was charged promises, and as good: the attack is no straw man.
 * Method: tests/game.h over whole sessions, and over answers alone; at the policy's price, and at a
 * thousand times the price, where the bound is visible. noiseless_test.c takes the noise out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/adversary.h"

static void play(const char *name, const char *kind, uint64_t rho_nano,
                 double (*look)(void *, bool, const struct key32 *))
{
    static struct adversary a;

    adversary_init(&a, kind, rho_nano);
    game_play(&(struct game){.name = name,
                             .bound = game_bound(a.price.charge_nano),
                             .end = GAME_ATTAINED,
                             .self = &a,
                             .look = look});
    adversary_free(&a);
}

static void a_count(void **state)
{
    (void)state;
    play("membership, a count, in session", "overlap", 0, adversary_asks_in_session);
    play("the same, a thousand times dearer", "overlap", DEAR_NANO, adversary_asks_in_session);
}

static void a_table(void **state)
{
    (void)state;
    play("membership, a table", "crosstab", 0, adversary_asks_once);
    play("the same, at 250 times the price", "crosstab", DEAR_NANO, adversary_asks_once);
}

/* All at once: counts, sums, the size and the sum of squares, of a person whose number is at its bound.
 * That the charge is attained says that its parts add up to it, and no more. */
static void a_value(void **state)
{
    (void)state;
    play("membership, a number at its bound", "value", 0, adversary_asks_in_session);
    play("the same, at 250 times the price", "value", DEAR_NANO, adversary_asks_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count),
        cmocka_unit_test(a_table),
        cmocka_unit_test(a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
