/* question_games.h - attacks on what makes a question one question. For tests/attack/: include it once. */
#ifndef PT_TESTS_QUESTION_GAMES_H
#define PT_TESTS_QUESTION_GAMES_H

#include <stdio.h>

#include "tests/adversary.h"

/* The same question about two columns, with and without the target. */
static inline void pair_of_ciphertexts(struct adversary_pair *p, uint64_t rho_nano)
{
    for (size_t i = 0; i < PT_LEN(p->of); i++)
        adversary_init(&p->of[i], "overlap", rho_nano);
    p->of[1].epoch.f[0][p->of[1].slot] = 0;
    adversary_encrypt(&p->of[1], 0, 1);
}

/* By a filter on the recipient's own side, of which it says itself who passes. */
static inline void pair_of_questions(struct adversary_pair *p, uint64_t rho_nano)
{
    static const char *const WHERE[] = {"freshmart.segment=new"};
    const struct question_words words = {.kind = "overlap",
                                         .asker = "freshmart",
                                         .with = "drinkco",
                                         .where = WHERE,
                                         .where_count = PT_LEN(WHERE)};
    struct pt_err err = {0};

    pair_of_ciphertexts(p, rho_nano);
    if (question_from_words(&p->of[1].epoch.question, p->of[1].policy, &words, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static inline void adversary_pair_free(struct adversary_pair *p)
{
    for (size_t i = 0; i < PT_LEN(p->of); i++)
        adversary_free(&p->of[i]);
}

struct renaming { /* one question under many names */
    struct adversary a;
    size_t count;
};

/* Everybody spends at least so many hundredths. */
static inline void renaming_ask(struct renaming *r, size_t name)
{
    char where[64];
    const char *const list[] = {where};
    const struct question_words words = {.kind = "overlap",
                                         .asker = "freshmart",
                                         .with = "drinkco",
                                         .where = list,
                                         .where_count = 1};
    struct pt_err err = {0};

    snprintf(where, sizeof where, "drinkco.spend>=%zu.%02zu", name / 100, name % 100);
    if (question_from_words(&r->a.epoch.question, r->a.policy, &words, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static inline double asks_under_all_names(void *self, bool there, const struct key32 *seed)
{
    struct renaming *r = self;
    double sum = 0;

    for (size_t i = 0; i < r->count; i++) {
        renaming_ask(r, i);
        sum += adversary_asks_once(&r->a, there, seed);
    }
    return sum;
}

#endif
