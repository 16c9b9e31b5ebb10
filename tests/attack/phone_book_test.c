/* Goal: a company whose customers are a phone book learns of none of them more than a table's charge
 * promises, however many it looks up at once. How many it may look up a day, the quota says:
 * tests/e2e/phone-book.sh.
 * Method: each name in a category of its own; noiseless_test.c takes the noise out. */
#include "tests/release_games.h"

static void play(const char *name, uint64_t rho_nano)
{
    static struct phone_book b;

    phone_book_init(&b, rho_nano);
    game_play(&(struct game){.name = name,
                             .bound = game_bound(b.a.price.charge_nano),
                             .end = GAME_WITHIN,
                             .self = &b,
                             .look = looks_one_up});
    adversary_free(&b.a);
}

static void names_are_looked_up(void **state)
{
    (void)state;
    play("phone book, a name a category", 0);
    play("the same, at 250 times the price", DEAR_NANO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
