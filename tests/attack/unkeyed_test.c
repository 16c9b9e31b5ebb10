/* Goal: the attacks of two_looks_test.c are attacks: where the noise depends on the epoch alone, and not on
 * what is asked, of which ciphertexts and which rows, the difference of two answers is certain.
 * Method: the linker sends what derives the noise's key here (Makefile), which leaves that out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/question_games.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
void __real_hash_parts(struct digest *out, const char *label, const struct span *parts,
                       size_t part_count);
void __wrap_hash_parts(struct digest *out, const char *label, const struct span *parts,
                       size_t part_count);
/* reply_key(): epoch, recipient, evaluator, then what is left out. */
void __wrap_hash_parts(struct digest *out, const char *label, const struct span *parts,
                       size_t part_count)
{
    __real_hash_parts(out, label, parts, strcmp(label, "patto/reply/key/1") == 0 ? 3 : part_count);
}
void __real_prf_derive(struct key32 *out, const struct key32 *key, const char *label,
                       const struct span *parts, size_t part_count);
void __wrap_prf_derive(struct key32 *out, const struct key32 *key, const char *label,
                       const struct span *parts, size_t part_count);
/* row_seed(): the key of the answer, then what is left out: the row's content and its place. */
void __wrap_prf_derive(struct key32 *out, const struct key32 *key, const char *label,
                       const struct span *parts, size_t part_count)
{
    __real_prf_derive(out, key, label, parts,
                      strncmp(label, "patto/reply/", 12) == 0 ? 1 : part_count);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void play(const char *name, void *self, double bound,
                 double (*look)(void *, bool, const struct key32 *))
{
    game_play(
        &(struct game){.name = name, .bound = bound, .end = GAME_WON, .self = self, .look = look});
}

static void ciphertexts(void **state)
{
    static struct adversary_pair p;

    (void)state;
    pair_of_ciphertexts(&p, 0);
    play("noise not of the ciphertext: changed ciphertext", &p,
         game_bound(2 * p.of[0].price.charge_nano), adversary_pair_difference);
    adversary_pair_free(&p);
}

static void questions(void **state)
{
    static struct adversary_pair p;

    (void)state;
    pair_of_questions(&p, 0);
    play("noise not of the question: differencing", &p, game_bound(2 * p.of[0].price.charge_nano),
         adversary_pair_difference);
    adversary_pair_free(&p);
}

static void rows(void **state)
{
    static struct adversary a;

    (void)state;
    adversary_init(&a, "overlap", 0);
    play("noise not of the row: row changed", &a, game_bound(a.price.charge_nano),
         adversary_before_and_after);
    adversary_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphertexts),
        cmocka_unit_test(questions),
        cmocka_unit_test(rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
