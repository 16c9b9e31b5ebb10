/* simulate.h - what a question would bring home, on customers that are made up: for planners and
 * officers, before any data is touched.
 *
 * The customers: as many as are given, of whom a share of the smaller side is common; values by
 * Zipf's law in the policy's order, memberships of a set adding up to max_per_person; two
 * attributes lean on each other by 30 % up and down, in turns. The sums of the slots are normal with
 * the variance that estimate.h states, the noise is that of the policy's price, and figures come out of
 * estimate.h as they do from real answers. Of a value the counts by which it is shown or hidden are
 * simulated, and not the number. Nothing here is data. */
#ifndef PT_SIMULATE_H
#define PT_SIMULATE_H

#include "crypto/prg.h"
#include "policy/question.h"
#include "proto/answer.h"

struct simulate_in { /* borrowed */
    const struct policy *policy;
    const struct question *question; /* of two partners */
    enum answer_kind kind;           /* how it is read */
    double own, other;               /* customers */
    double overlap;                  /* share of the smaller side that is common, 0..1 */
    uint64_t slots;                  /* M */
    size_t rounds;
};
struct simulate_out {
    size_t cells;      /* figures a question shows */
    double shown;      /* of these, the share that was not hidden */
    double group;      /* people in common who pass the filters */
    double half_width; /* of the counts that were shown, on average; 0: none was */
    double relative;   /* the same, against the counts */
    double refused;    /* share of rounds in which the audience was too small */
};
/* PT_ENOMEM, PT_EBUG (the stream). */
PT_MUST_USE enum pt_code simulate_question(struct simulate_out *out, const struct simulate_in *in,
                                           struct draw *random, struct pt_err *err);

#endif
