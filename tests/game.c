#include "tests/game.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "proto/attack.h"

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t n = otherwise;

    if (text != NULL && !text_u64(span_z(text), &n))
        fail_msg("%s is a number", name);
    return n;
}

uint64_t game_trials(void)
{
    uint64_t n = from_environment("PATTO_ATTACK_TRIALS", GAME_TRIALS);

    assert_in_range(n, GAME_TRIALS, GAME_TRIALS_MAX);
    return n;
}

uint64_t game_trials_few(void)
{
    return getenv("PATTO_ATTACK_TRIALS") != NULL ? game_trials() : GAME_TRIALS / 2;
}

double game_bound(uint64_t rho_nano)
{
    return attack_bound(rho_nano);
}

double game_bound_any(uint64_t rho_nano)
{
    return sqrt((double)rho_nano * 1e-9 / 2);
}

/* From a seed that a run may change, the game's name, the trial and the world. */
static void trial_seed(struct key32 *out, const char *name, uint64_t trial, bool there)
{
    struct key32 run = {{0}};
    uint8_t number[9];

    store_u64le(run.b, from_environment("PATTO_ATTACK_SEED", 1));
    store_u64le(number, trial);
    number[8] = there;
    struct span parts[] = {span_z(name), span_of(number, sizeof number)};
    prf_derive(out, &run, "patto/test/game/1", parts, PT_LEN(parts));
}

static const char *end_words(enum game_end e)
{
    return e == GAME_WITHIN     ? "within its bound"
           : e == GAME_ATTAINED ? "at its bound"
           : e == GAME_OVER     ? "over its bound"
                                : "wins";
}

void game_report(const char *name, const struct attack_out *out, uint64_t trials, enum game_end end)
{
    print_message("| %s | %s | %.4f (%.4f to %.4f) of %" PRIu64 " | %.4f |\n", name, end_words(end),
                  out->advantage, out->low, out->high, trials, out->bound);
    if (end == GAME_WITHIN || end == GAME_ATTAINED)
        assert_false(out->broken);
    if (end == GAME_ATTAINED)
        assert_true(out->sure_high >= 0.98 * out->bound);
    if (end == GAME_OVER)
        assert_true(out->broken);
    if (end == GAME_WON)
        assert_true(out->sure_low > 0.8);
}

void game_play(const struct game *g)
{
    const uint64_t trials = g->trials == 0 ? game_trials() : g->trials;
    struct attack_out out = {.bound = g->bound};
    uint64_t hits[2] = {0, 0};

    for (uint64_t i = 0; i < trials; i++)
        for (int there = 0; there < 2; there++) {
            struct key32 seed;
            trial_seed(&seed, g->name, i, there == 1);
            hits[there == 1 ? 0 : 1] += g->look(g->self, there == 1, &seed) > 0;
        }
    attack_judge(&out, hits, (size_t)trials);
    game_report(g->name, &out, trials, g->end);
}

void game_refused(const char *attack, const char *by)
{
    print_message("| %s | refused | %s | |\n", attack, by);
}
