/* proof_lies.h - a prover that lies consistently, in a program linked with LIES of the Makefile: the
 * linker sends the prover's calls for classes, tables and secrets here, so that a proof is made for
 * exactly the x that the ciphertext holds. Include it once. */
#ifndef PT_TESTS_PROOF_LIES_H
#define PT_TESTS_PROOF_LIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/proof_bed.h"

enum { SLOTS = 5000, COLUMNS = 2, CHEAT = 1, SLOT = 77 };

/* Test state: the seam has no other way in. */
static struct {
    bool classes;   /* the next call for this set's classes gives SLOT the class beyond all */
    uint64_t calls; /* how many calls to let pass */
    int told;       /* how often that was done */
    enum membership_set set;
    int64_t x; /* what that class stands for */
    int8_t secret[RLWE_DEGREE];
    const struct rlwe_key *of; /* whose secret is another */
} lie;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
void __real_membership_classes(uint8_t *cls, const uint8_t *bits, const int8_t *values);
void __wrap_membership_classes(uint8_t *cls, const uint8_t *bits, const int8_t *values);
void __wrap_membership_classes(uint8_t *cls, const uint8_t *bits, const int8_t *values)
{
    __real_membership_classes(cls, bits, values);
    if (!lie.classes || lie.calls-- != 0)
        return;
    cls[SLOT] = MEMBERSHIP_CLASSES - 1;
    lie.told++;
}
void __real_membership_table_make(struct membership_table *t, const struct ring *r,
                                  enum membership_set set, uint64_t delta);
void __wrap_membership_table_make(struct membership_table *t, const struct ring *r,
                                  enum membership_set set, uint64_t delta);
/* The coefficients of prod (M + (x - root) Z), root by root, for an x that is none of them. */
void __wrap_membership_table_make(struct membership_table *t, const struct ring *r,
                                  enum membership_set set, uint64_t delta)
{
    const int64_t bound = set == MEMBERSHIP_SECRET ? 1 : 2;
    const int64_t weights = set == MEMBERSHIP_DATA ? 1 : 0;
    const size_t last = set == MEMBERSHIP_SECRET ? 3 : MEMBERSHIP_CLASSES - 1;
    uint64_t by_z[MEMBERSHIP_DEGREE + 1] = {1};
    size_t roots = 0;

    __real_membership_table_make(t, r, set, delta);
    if (set != lie.set)
        return;
    for (int64_t b = -weights; b <= weights; b++)
        for (int64_t e = -bound; e <= bound; e++) {
            const int64_t away = lie.x - b * (int64_t)delta - e;
            for (size_t z = ++roots; z > 0; z--)
                by_z[z] =
                    ring_add(r, by_z[z], ring_mul(r, by_z[z - 1], ring_reduce_signed(r, away)));
        }
    for (size_t d = 1; d <= roots; d++)
        t->of[d - 1][last] = by_z[roots - d];
}
const int8_t *__real_rlwe_key_secret(const struct rlwe_key *k);
const int8_t *__wrap_rlwe_key_secret(const struct rlwe_key *k);
const int8_t *__wrap_rlwe_key_secret(const struct rlwe_key *k)
{
    return k == lie.of ? lie.secret : __real_rlwe_key_secret(k);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static inline struct proof_bed laid(enum rlwe_set set)
{
    memset(&lie, 0, sizeof lie);
    return proof_bed_laid((struct proof_bed_kind){set, SLOTS, COLUMNS});
}

/* SLOT of block k of the last column holds x, and the proof is made for that. */
static inline void hold(struct proof_bed *b, uint64_t k, int64_t x)
{
    /* The prover takes blocks together, and of each column all of these. */
    const uint64_t first = k / PROOF_TOGETHER * PROOF_TOGETHER;
    const uint64_t left = rlwe_block_count(b->c) + 1 - first;
    const uint64_t together = left < PROOF_TOGETHER ? left : PROOF_TOGETHER;

    proof_bed_shift(b, CHEAT, k, SLOT, x - proof_bed_x(b, CHEAT, k, SLOT));
    lie.classes = true;
    lie.calls = first * COLUMNS + CHEAT * together + (k - first);
    lie.set = k == rlwe_block_count(b->c) ? MEMBERSHIP_RERANDOMISER : MEMBERSHIP_DATA;
    lie.x = x;
}

#endif
