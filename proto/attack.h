/* attack.h - the best known attacks on what a policy permits, played against its own prices and the
 * real noise, so that an officer sees what a bound means.
 *
 * The attacker knows every customer but whether one person is among them, asks what the policy
 * pays for, and decides by the likelihood ratio of all that it saw: no better test exists
 * (Neyman and Pearson). Its advantage is the true-positive rate less the false-positive rate, at a ratio of 1,
 * which no trial has chosen. The bound: noise is Gaussian, so with rho in all it is that of telling
 * N(0, 1) from N(sqrt(2 rho), 1), 2 Phi(sqrt(2 rho) / 2) - 1 (Dong, Roth and Su 2022). zCDP alone
 * would not give as much; the discrete Gaussian's difference is far below what trials can see. */
#ifndef PT_ATTACK_H
#define PT_ATTACK_H

#include "crypto/prg.h"
#include "policy/question.h"

enum attack_kind {
    ATTACK_ONE,   /* one count, and the size beside it */
    ATTACK_TABLE, /* one table: each cell, margins, total and sizes that a person moves */
    ATTACK_VALUE, /* one value: each count and sum that a person moves whose number is at its bound */
    ATTACK_REPEATED,   /* the same count again and again: the same noise, nothing to average */
    ATTACK_DIFFERENCE, /* two counts whose filters differ by that person */
    ATTACK_PERIOD,     /* all counts that a period's budget pays for */
    ATTACK_EVER,       /* all that the lifetime budget pays for */
    ATTACK_KINDS
};
const char *attack_name(enum attack_kind k);
const char *attack_words(enum attack_kind k); /* what it does, in one line */

/* How a noisy release is made; the product's is attack_noise. A test's may be too weak. */
struct attack_noise {
    void *self;
    enum pt_code (*draw)(void *self, int64_t *out, struct draw *random, uint64_t num, uint64_t den);
};
extern const struct attack_noise ATTACK_NOISE;

struct attack_in { /* borrowed */
    const struct policy *policy;
    enum attack_kind kind;
    struct attack_noise noise;
    size_t trials; /* of each world */
};
struct attack_out {
    bool possible;      /* the policy permits such questions */
    uint64_t questions; /* that it asks */
    uint64_t rho_nano;  /* that it pays */
    double advantage;   /* measured */
    double low, high;   /* 95 % */
    /* The same, for verdicts: wrong once in 10^6, over thirty attacks and both ends. */
    double sure_low, sure_high;
    double bound; /* what rho promises */
    bool broken;  /* sure_low > bound */
};
/* Fills in what is measured and, against out->bound, the verdict. hits[0]: "there" was said when the
 * person was there; hits[1]: when not; of `trials` each. */
void attack_judge(struct attack_out *out, const uint64_t hits[2], size_t trials);
/* PT_ENOMEM, PT_EBUG (the stream). */
PT_MUST_USE enum pt_code attack_run(struct attack_out *out, const struct attack_in *in,
                                    struct draw *random, struct pt_err *err);
double attack_bound(uint64_t rho_nano);

#endif
