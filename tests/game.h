/* game.h - attacks measured: in each trial a person is among the evaluator's customers or is not, the
 * attacker sees what the product's own code lets out, and says which. tests/README.md, Attacks.
 *
 * It decides by the logarithm of the likelihood ratio, at 0, which no trial has chosen. Advantage
 * is how much more often it says "there" when the person is there. Each game prints one row. */
#ifndef PT_TESTS_GAME_H
#define PT_TESTS_GAME_H

#include "crypto/prf.h"

enum { GAME_TRIALS = 250, GAME_TRIALS_MAX = 10000000 };

enum game_end {
    GAME_WITHIN,   /* not above the bound beyond all chance (proto/attack.h: broken) */
    GAME_ATTAINED, /* nor below it: the attack is as good as any can be */
    GAME_OVER,     /* above it beyond all chance: a defence was taken out */
    GAME_WON       /* advantage above 0.8: likewise */
};
struct game {
    const char *name;
    double bound;
    enum game_end end;
    void *self;
    /* One trial. seed: secret randomness of this trial's nodes. > 0: the attacker says "there". */
    double (*look)(void *self, bool there, const struct key32 *seed);
    uint64_t trials; /* 0: game_trials() */
};
/* Of each world: PATTO_ATTACK_TRIALS, which is not fewer, or GAME_TRIALS. */
uint64_t game_trials(void);
/* Fewer unless it says so: for games of many answers. */
uint64_t game_trials_few(void);
/* Plays and prints; fails the test when it does not end so. */
void game_play(const struct game *g);
/* The same for hits that were counted elsewhere: out is judged (proto/attack.h). */
struct attack_out;
void game_report(const char *name, const struct attack_out *out, uint64_t trials,
                 enum game_end end);
/* An attack that met a refusal: a row, too. `by` names it. */
void game_refused(const char *attack, const char *by);
/* 2 Phi(mu / 2) - 1 of rho, Gaussian noise; and for any noise of that zCDP (Pinsker): sqrt(rho / 2). */
double game_bound(uint64_t rho_nano);
double game_bound_any(uint64_t rho_nano);

#endif
