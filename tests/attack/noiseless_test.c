/* Goal: the attacks of inference_test.c are attacks: without the noise each of them is certain.
 * Method: the linker sends every draw of noise here (Makefile), where it is nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/noise.h"
#include "tests/adversary.h"

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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_noise_answers_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
