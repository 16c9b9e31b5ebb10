/* reach.h - share, shuffle, open between three nodes (PROTOCOL.md 6): who sends what to whom, as
 * steps without I/O. Talk about it is reach_talk.h's, arithmetic on the result regions.h's.
 *
 * Private against any partners and one of the three nodes; two of the nodes together see which
 * slots, and so which customers, everybody shares. The nodes follow from the epoch's salt. Every
 * run has fresh keys, seeds and dummies and is one release: it is charged anew. (Dummies that
 * repeat, over a vector that a party changes by one slot, would show that slot's mask.) */
#ifndef PT_REACH_H
#define PT_REACH_H

#include "crypto/noise.h"
#include "proto/epoch.h"
#include "proto/regions.h"

enum { REACH_NODES = 3, REACH_PARTNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };

struct reach_plan {   /* the same at everybody who knows policy, epoch and question */
    uint32_t parties; /* bit i: partners[i] brings a vector */
    unsigned party_count;
    uint16_t node[REACH_NODES]; /* partner indices of nodes 1, 2, 3 */
    uint64_t slot_count;
    uint32_t dummy_mean; /* of one node, a cell */
    struct noise_variance dummy_variance;
    uint64_t charge_nano; /* rho of the answer, at each party's ledger */
};
/* PT_ESTATE: who is not in the epoch; PT_EDENIED: fewer than three nodes to choose from. */
PT_MUST_USE enum pt_code reach_plan_make(struct reach_plan *out, const struct policy *p,
                                         const struct epoch_header *h, const struct question *q,
                                         struct pt_err *err);
/* Bit of partner in a mask of the histogram: its place among the parties, in the policy's order. */
unsigned reach_bit(const struct reach_plan *plan, uint16_t partner);
bool reach_is_party(const struct reach_plan *plan, uint16_t partner);
int reach_role(const struct reach_plan *plan, uint16_t partner); /* 0, 1, 2; -1: no node */
/* sum of all nodes' dummies: sigma_t^2 = 3/2 of what the answer is charged for. */
double reach_dummy_variance(const struct reach_plan *plan);

/* How the opened counts are to be read; counts are borrowed. minimum_count is the caller's. */
void reach_regions(struct regions_in *out, const struct reach_plan *plan, const int64_t *counts);

/* What travels. Every item has one sender, one receiver and one stage. */
enum reach_stage {
    REACH_SEED,       /* party > 1: 32 bytes */
    REACH_VECTOR,     /* party > 2: M bytes under that seed */
    REACH_DUMMY_SEED, /* node > 1: 32 bytes, and how many dummies */
    REACH_DUMMIES,    /* node > 2: the dummies under that seed */
    REACH_KEY,        /* 1 > 2, 2 > 3, 3 > 1: the pair's key */
    REACH_FIRST,      /* 1 > 3: its share after the pair 1, 2 */
    REACH_SECOND,     /* 2 > 1: its share after the pair 2, 3 */
    REACH_THIRD,      /* 1 > 3: its share after the pair 3, 1 */
    REACH_CHECK,      /* 3 > 1: the other share, to count again */
    REACH_STAGE_COUNT
};
struct reach_item {
    enum reach_stage stage;
    uint16_t from, to; /* partner indices */
    struct buf bytes;  /* owned */
};
void reach_item_free(struct reach_item *i);
/* Most bytes that an item of this stage may have. */
uint64_t reach_item_max(const struct reach_plan *plan, enum reach_stage stage);

/* Does partner `from` send an item of this stage to partner `to`? */
bool reach_route(const struct reach_plan *plan, enum reach_stage stage, uint16_t from, uint16_t to);

/* A party's two items. vector: slot_count bytes, 0 or 1: does any of its records in the slot pass?
 * Taken, and wiped. seed: fresh. PT_ENOMEM, PT_EBUG. */
PT_MUST_USE enum pt_code reach_party(struct reach_item out[2], const struct reach_plan *plan,
                                     uint16_t self, struct buf *vector, const struct key32 *seed);

struct reach_node { /* secret; {0} is a valid empty one */
    const struct reach_plan *plan;
    int role;
    struct key32 pair_key; /* with the next node: ours, sent to it */
    struct key32 dummy_seed;
    struct reach_item got[REACH_STAGE_COUNT][REACH_PARTNERS_MAX]; /* empty: bytes.p NULL */
    bool has[REACH_STAGE_COUNT][REACH_PARTNERS_MAX];
    bool made[REACH_STAGE_COUNT]; /* what we have sent */
    struct buf dummies, share;    /* share: as it is now */
    int64_t counts[REGIONS_MAX];
    bool turned, done, counted;
};
/* random: fresh, 32 bytes for this run alone. */
PT_MUST_USE enum pt_code reach_node_begin(struct reach_node *n, const struct reach_plan *plan,
                                          uint16_t self, const struct key32 *random,
                                          struct pt_err *err);
/* An item that has come, also from this very node; *item is taken. PT_EBADMSG: nobody sends this
 * here, of this size, or twice. */
PT_MUST_USE enum pt_code reach_node_take(struct reach_node *n, struct reach_item *item,
                                         struct pt_err *err);
/* Does this node await such an item now? */
bool reach_node_expects(const struct reach_node *n, enum reach_stage stage, uint16_t from);
/* Work until there is an item to send (*have) or something is missing. Call until *have is false;
 * n->done: nothing more to do, and at nodes 1 and 3 counts[] holds the histogram. */
PT_MUST_USE enum pt_code reach_node_next(struct reach_node *n, struct reach_item *out, bool *have,
                                         struct pt_err *err);
void reach_node_free(struct reach_node *n); /* wipes */

#endif
