#include "proto/reach.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "crypto/shuffle.h"

enum { FIRST, SECOND, THIRD, SEED_BYTES = 32, COUNTED_SEED_BYTES = 40 };

/* ---- the plan ---- */

struct ranked { /* a partner by its place in an order that nobody chose */
    struct digest rank;
    uint16_t partner;
};

static bool before(const struct ranked *a, const struct ranked *b)
{
    return memcmp(a->rank.b, b->rank.b, sizeof a->rank.b) < 0;
}

static void insert(struct ranked *list, size_t n, struct ranked one)
{
    while (n > 0 && before(&one, &list[n - 1])) {
        list[n] = list[n - 1];
        n--;
    }
    list[n] = one;
}

/* Partners of this epoch and neutral nodes, ordered by a hash of the salt and their names. Where
 * there is a neutral node, one at least is among the three: partners who compete are then not
 * alone with each other's shares. */
static enum pt_code choose_nodes(struct reach_plan *out, const struct policy *p,
                                 const struct epoch_header *h, struct pt_err *err)
{
    struct ranked list[REACH_PARTNERS_MAX];
    size_t n = 0;
    size_t neutral;

    for (size_t i = 0; i < p->partner_count && n < REACH_PARTNERS_MAX; i++) {
        const struct policy_partner *who = &p->partners[i];
        const struct span parts[] = {span_of(h->salt.b, sizeof h->salt.b), span_z(who->name)};
        struct ranked one = {.partner = (uint16_t)i};
        if (!who->neutral && epoch_find(h, who->name) < 0)
            continue;
        hash_parts(&one.rank, "patto/reach/node/1", parts, PT_LEN(parts));
        insert(list, n++, one);
    }
    if (n < REACH_NODES)
        return pt_fail(err, PT_EDENIED,
                       "reach over several partners takes three nodes, and of this epoch's "
                       "partners and the policy's neutral nodes there are %zu",
                       n);
    for (neutral = 0; neutral < n && !p->partners[list[neutral].partner].neutral;)
        neutral++;
    if (neutral >= REACH_NODES && neutral < n)
        list[REACH_NODES - 1] = list[neutral];
    for (size_t i = 0; i < REACH_NODES; i++)
        out->node[i] = list[i].partner;
    return PT_OK;
}

/* sigma^2 = 1/rho over two honest nodes, so half of it each; the mean covers a node that scrambles
 * another's dummies by offsets it knows: max(sigma_node^2, 8 sigma_node). */
static void choose_dummies(struct reach_plan *out, uint64_t rho_nano)
{
    double variance = 1e9 / (2.0 * (double)rho_nano);

    out->dummy_variance = (struct noise_variance){.num = 1000000000, .den = 2 * rho_nano};
    out->dummy_mean = (uint32_t)ceil(fmax(variance, 8 * sqrt(variance)));
    out->charge_nano = rho_nano;
}

enum pt_code reach_plan_make(struct reach_plan *out, const struct policy *p,
                             const struct epoch_header *h, const struct question *q,
                             struct pt_err *err)
{
    *out = (struct reach_plan){.parties = question_parties(q), .slot_count = h->slot_count};
    for (size_t i = 0; i < p->partner_count; i++) {
        if ((out->parties >> i & 1) == 0)
            continue;
        out->party_count++;
        if (epoch_find(h, p->partners[i].name) < 0)
            return pt_fail(err, PT_ESTATE,
                           "%s has no part in this epoch: run `patto epoch` when it is back, or "
                           "ask without it",
                           p->partners[i].name);
    }
    if (q->rho_nano < 100000) /* dummies would be too many to send */
        return pt_fail(err, PT_EDENIED,
                       "privacy.cost.reach_rho is below 0.0001: over several partners that takes "
                       "more dummies than there are slots");
    choose_dummies(out, q->rho_nano);
    return choose_nodes(out, p, h, err);
}

bool reach_is_party(const struct reach_plan *plan, uint16_t partner)
{
    return (plan->parties >> partner & 1) != 0;
}

unsigned reach_bit(const struct reach_plan *plan, uint16_t partner)
{
    assert(reach_is_party(plan, partner));
    return (unsigned)__builtin_popcount(plan->parties & ((1U << partner) - 1));
}

int reach_role(const struct reach_plan *plan, uint16_t partner)
{
    for (int i = 0; i < REACH_NODES; i++)
        if (plan->node[i] == partner)
            return i;
    return -1;
}

void reach_regions(struct regions_in *out, const struct reach_plan *plan, const int64_t *counts)
{
    *out = (struct regions_in){.party_count = plan->party_count,
                               .slot_count = (double)plan->slot_count,
                               .counts = counts,
                               .dummy_mean = REACH_NODES * (double)plan->dummy_mean,
                               .dummy_variance = reach_dummy_variance(plan)};
}

double reach_dummy_variance(const struct reach_plan *plan)
{
    return REACH_NODES * (double)plan->dummy_variance.num / (double)plan->dummy_variance.den;
}

static size_t cells(const struct reach_plan *plan)
{
    return (size_t)1 << plan->party_count;
}

static uint8_t bits(const struct reach_plan *plan)
{
    return (uint8_t)(cells(plan) - 1);
}

uint64_t reach_item_max(const struct reach_plan *plan, enum reach_stage stage)
{
    uint64_t dummies = (uint64_t)cells(plan) * 2 * plan->dummy_mean;

    switch (stage) {
    case REACH_SEED:
    case REACH_KEY:
        return SEED_BYTES;
    case REACH_DUMMY_SEED:
        return COUNTED_SEED_BYTES;
    case REACH_VECTOR:
        return plan->slot_count;
    case REACH_DUMMIES:
        return dummies;
    case REACH_FIRST:
    case REACH_SECOND:
    case REACH_THIRD:
    case REACH_CHECK:
        return plan->slot_count + REACH_NODES * dummies;
    case REACH_STAGE_COUNT:
        break;
    }
    return 0;
}

bool reach_route(const struct reach_plan *plan, enum reach_stage stage, uint16_t from, uint16_t to)
{
    enum { ANY_PARTY = -1, ANY_NODE = -2 };
    static const struct {
        enum reach_stage stage;
        int from, to; /* roles */
    } ROUTES[] = {
        {REACH_SEED, ANY_PARTY, FIRST},      {REACH_VECTOR, ANY_PARTY, SECOND},
        {REACH_DUMMY_SEED, ANY_NODE, FIRST}, {REACH_DUMMIES, ANY_NODE, SECOND},
        {REACH_KEY, FIRST, SECOND},          {REACH_KEY, SECOND, THIRD},
        {REACH_KEY, THIRD, FIRST},           {REACH_FIRST, FIRST, THIRD},
        {REACH_SECOND, SECOND, FIRST},       {REACH_THIRD, FIRST, THIRD},
        {REACH_CHECK, THIRD, FIRST},
    };
    int role = reach_role(plan, from);

    for (size_t i = 0; i < PT_LEN(ROUTES); i++) {
        if (ROUTES[i].stage != stage || plan->node[ROUTES[i].to] != to)
            continue;
        return ROUTES[i].from == ANY_PARTY  ? from < 32 && reach_is_party(plan, from)
               : ROUTES[i].from == ANY_NODE ? role >= 0
                                            : role == ROUTES[i].from;
    }
    return false;
}

void reach_item_free(struct reach_item *i)
{
    buf_free(&i->bytes);
    *i = (struct reach_item){0};
}

/* ---- a party ---- */

enum pt_code reach_party(struct reach_item out[2], const struct reach_plan *plan, uint16_t self,
                         struct buf *vector, const struct key32 *seed)
{
    uint8_t bit = (uint8_t)(1U << reach_bit(plan, self));
    enum pt_code rc;

    out[0] = (struct reach_item){.stage = REACH_SEED, .from = self, .to = plan->node[FIRST]};
    out[1] = (struct reach_item){.stage = REACH_VECTOR, .from = self, .to = plan->node[SECOND]};
    if (vector->n != plan->slot_count)
        return PT_EBUG;
    if (!buf_add(&out[0].bytes, seed->b, sizeof seed->b))
        return PT_ENOMEM;
    out[1].bytes = *vector;
    *vector = (struct buf){0};
    for (size_t i = 0; i < out[1].bytes.n; i++)
        out[1].bytes.p[i] = (uint8_t)(out[1].bytes.p[i] * bit);
    if ((rc = shuffle_mask(out[1].bytes.p, out[1].bytes.n, seed)) != PT_OK) {
        reach_item_free(&out[0]);
        reach_item_free(&out[1]);
        return rc;
    }
    shuffle_bits(out[1].bytes.p, out[1].bytes.n, bits(plan));
    return PT_OK;
}

/* ---- a node ---- */

enum pt_code reach_node_begin(struct reach_node *n, const struct reach_plan *plan, uint16_t self,
                              const struct key32 *random, struct pt_err *err)
{
    const struct shuffle_dummies d = {
        .cells = cells(plan), .mean = plan->dummy_mean, .v = plan->dummy_variance};
    PT_WIPED(key32) dummies = {0};
    enum pt_code rc;

    *n = (struct reach_node){.plan = plan, .role = reach_role(plan, self)};
    if (n->role < 0)
        return pt_fail(err, PT_EBUG, "reach: this node is none of the three");
    prf_derive(&n->pair_key, random, "patto/reach/pair/1", NULL, 0);
    prf_derive(&n->dummy_seed, random, "patto/reach/dummy-seed/1", NULL, 0);
    prf_derive(&dummies, random, "patto/reach/dummies/1", NULL, 0);
    if ((rc = shuffle_dummies(&n->dummies, &d, &dummies)) != PT_OK)
        return pt_fail(err, rc, "reach: the dummies could not be drawn");
    return PT_OK;
}

static bool sends(const struct reach_node *n, enum reach_stage stage, uint16_t from)
{
    return reach_route(n->plan, stage, from, n->plan->node[n->role]);
}

bool reach_node_expects(const struct reach_node *n, enum reach_stage stage, uint16_t from)
{
    return (unsigned)stage < REACH_STAGE_COUNT && from < REACH_PARTNERS_MAX && !n->done &&
           sends(n, stage, from) && !n->has[stage][from];
}

static bool size_fits(const struct reach_node *n, const struct reach_item *item)
{
    uint64_t most = reach_item_max(n->plan, item->stage);

    if (item->stage == REACH_DUMMIES || item->stage >= REACH_FIRST)
        return item->bytes.n <= most && item->bytes.n > 0;
    return item->bytes.n == most;
}

enum pt_code reach_node_take(struct reach_node *n, struct reach_item *item, struct pt_err *err)
{
    if (!reach_node_expects(n, item->stage, item->from))
        return pt_fail(err, PT_EBADMSG, "reach: stage %d is not to come from partner %u",
                       (int)item->stage, (unsigned)item->from);
    if (!size_fits(n, item))
        return pt_fail(err, PT_EBADMSG, "reach: stage %d of %zu bytes", (int)item->stage,
                       item->bytes.n);
    /* A tag in a bit that no party has would be read when the slots are opened. */
    if (item->stage == REACH_VECTOR || item->stage == REACH_DUMMIES || item->stage >= REACH_FIRST)
        shuffle_bits(item->bytes.p, item->bytes.n, bits(n->plan));
    n->got[item->stage][item->from] = *item;
    n->has[item->stage][item->from] = true;
    *item = (struct reach_item){0};
    return PT_OK;
}

static enum pt_code give(struct reach_node *n, struct reach_item *out, enum reach_stage stage,
                         int role)
{
    *out = (struct reach_item){
        .stage = stage, .from = n->plan->node[n->role], .to = n->plan->node[role]};
    n->made[stage] = true;
    return PT_OK;
}

/* ---- own key and dummies: what waits for nobody ---- */

static enum pt_code give_key(struct reach_node *n, struct reach_item *out)
{
    (void)!give(n, out, REACH_KEY, (n->role + 1) % REACH_NODES);
    return buf_add(&out->bytes, n->pair_key.b, sizeof n->pair_key.b) ? PT_OK : PT_ENOMEM;
}

static enum pt_code give_dummy_seed(struct reach_node *n, struct reach_item *out)
{
    (void)!give(n, out, REACH_DUMMY_SEED, FIRST);
    return buf_add(&out->bytes, n->dummy_seed.b, sizeof n->dummy_seed.b) &&
                   buf_u64le(&out->bytes, n->dummies.n)
               ? PT_OK
               : PT_ENOMEM;
}

static enum pt_code give_dummies(struct reach_node *n, struct reach_item *out)
{
    enum pt_code rc = shuffle_mask(n->dummies.p, n->dummies.n, &n->dummy_seed);

    if (rc != PT_OK)
        return rc;
    shuffle_bits(n->dummies.p, n->dummies.n, bits(n->plan));
    (void)!give(n, out, REACH_DUMMIES, SECOND);
    out->bytes = n->dummies;
    n->dummies = (struct buf){0};
    return PT_OK;
}

/* ---- the shares ---- */

static bool all_here(const struct reach_node *n, enum reach_stage stage)
{
    for (size_t i = 0; i < REACH_PARTNERS_MAX; i++)
        if (sends(n, stage, (uint16_t)i) && !n->has[stage][i])
            return false;
    return true;
}

static struct buf *from_node(struct reach_node *n, enum reach_stage stage, int role)
{
    return &n->got[stage][n->plan->node[role]].bytes;
}

static struct key32 key_in(const struct buf *b)
{
    struct key32 k;

    memcpy(k.b, b->p, sizeof k.b);
    return k;
}

static void xor_into(uint8_t *x, const uint8_t *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] ^= y[i];
}

/* Node 1: the streams of all seeds, then each node's dummies' stream, in the order of nodes. */
static enum pt_code first_share(struct reach_node *n)
{
    enum pt_code rc = PT_OK;
    size_t at = (size_t)n->plan->slot_count;
    uint64_t total = n->plan->slot_count;
    uint64_t length[REACH_NODES];

    for (int d = 0; d < REACH_NODES; d++) {
        length[d] = load_u64le(from_node(n, REACH_DUMMY_SEED, d)->p + SEED_BYTES);
        if (length[d] < 1 || length[d] > reach_item_max(n->plan, REACH_DUMMIES))
            return PT_EBADMSG;
        total += length[d];
    }
    if (!buf_reserve(&n->share, (size_t)total))
        return PT_ENOMEM;
    memset(n->share.p, 0, (size_t)total);
    n->share.n = (size_t)total;
    for (size_t i = 0; i < REACH_PARTNERS_MAX && rc == PT_OK; i++) {
        if (!n->has[REACH_SEED][i])
            continue;
        PT_WIPED(key32) k = key_in(&n->got[REACH_SEED][i].bytes);
        rc = shuffle_mask(n->share.p, (size_t)n->plan->slot_count, &k);
    }
    for (int d = 0; d < REACH_NODES && rc == PT_OK; d++) {
        PT_WIPED(key32) k = key_in(from_node(n, REACH_DUMMY_SEED, d));
        rc = shuffle_mask(n->share.p + at, (size_t)length[d], &k);
        at += (size_t)length[d];
    }
    return rc;
}

/* Node 2: the masked vectors, then the masked dummies. */
static enum pt_code second_share(struct reach_node *n)
{
    size_t slots = (size_t)n->plan->slot_count;

    if (!buf_reserve(&n->share, slots))
        return PT_ENOMEM;
    memset(n->share.p, 0, slots);
    n->share.n = slots;
    for (size_t i = 0; i < REACH_PARTNERS_MAX; i++) {
        if (!n->has[REACH_VECTOR][i])
            continue;
        xor_into(n->share.p, n->got[REACH_VECTOR][i].bytes.p, slots);
        buf_free(&n->got[REACH_VECTOR][i].bytes);
    }
    for (int d = 0; d < REACH_NODES; d++) {
        struct buf *b = from_node(n, REACH_DUMMIES, d);
        if (!buf_add(&n->share, b->p, b->n))
            return PT_ENOMEM;
        buf_free(b);
    }
    return PT_OK;
}

/* A pair's permutation, then its mask: both nodes of the pair do the same to their shares. */
static enum pt_code turn(struct reach_node *n, const struct key32 *key)
{
    enum pt_code rc = shuffle_permute(n->share.p, n->share.n, key);

    if (rc == PT_OK)
        rc = shuffle_mask(n->share.p, n->share.n, key);
    if (rc == PT_OK)
        shuffle_bits(n->share.p, n->share.n, bits(n->plan));
    return rc;
}

/* Take over what has come as the present share. */
static void take_share(struct reach_node *n, struct buf *b)
{
    buf_free(&n->share);
    n->share = *b;
    *b = (struct buf){0};
}

static enum pt_code give_share(struct reach_node *n, struct reach_item *out, enum reach_stage stage,
                               int role)
{
    (void)!give(n, out, stage, role);
    return buf_add(&out->bytes, n->share.p, n->share.n) ? PT_OK : PT_ENOMEM;
}

static enum pt_code count(struct reach_node *n, const struct buf *other)
{
    if (other->n != n->share.n)
        return PT_EBADMSG;
    for (size_t i = 0; i < other->n; i++)
        n->counts[n->share.p[i] ^ other->p[i]]++;
    n->done = n->counted = true;
    return PT_OK;
}

/* ---- what each role does, in order; a row runs when all it needs is here ---- */

static enum pt_code node1_first(struct reach_node *n, struct reach_item *out)
{
    enum pt_code rc = first_share(n);

    if (rc == PT_OK)
        rc = turn(n, &n->pair_key);
    return rc == PT_OK ? give_share(n, out, REACH_FIRST, THIRD) : rc;
}

static enum pt_code node1_third(struct reach_node *n, struct reach_item *out)
{
    PT_WIPED(key32) k31 = key_in(from_node(n, REACH_KEY, THIRD));

    if (from_node(n, REACH_SECOND, SECOND)->n != n->share.n)
        return PT_EBADMSG;
    take_share(n, from_node(n, REACH_SECOND, SECOND));
    enum pt_code rc = turn(n, &k31);
    return rc == PT_OK ? give_share(n, out, REACH_THIRD, THIRD) : rc;
}

static enum pt_code node1_count(struct reach_node *n, struct reach_item *out)
{
    (void)out;
    return count(n, from_node(n, REACH_CHECK, THIRD));
}

static enum pt_code node2_second(struct reach_node *n, struct reach_item *out)
{
    PT_WIPED(key32) k12 = key_in(from_node(n, REACH_KEY, FIRST));
    enum pt_code rc = second_share(n);

    if (rc == PT_OK)
        rc = turn(n, &k12);
    if (rc == PT_OK)
        rc = turn(n, &n->pair_key);
    n->done = true;
    return rc == PT_OK ? give_share(n, out, REACH_SECOND, FIRST) : rc;
}

/* While node 1 waits for node 2, so that the turns of both overlap. */
static enum pt_code node3_turn(struct reach_node *n, struct reach_item *out)
{
    PT_WIPED(key32) k23 = key_in(from_node(n, REACH_KEY, SECOND));
    enum pt_code rc;

    (void)out;
    n->turned = true;
    take_share(n, from_node(n, REACH_FIRST, FIRST));
    if ((rc = turn(n, &k23)) != PT_OK)
        return rc;
    return turn(n, &n->pair_key);
}

/* Its own share leaves only when node 1's is here: node 1 cannot fit its share to ours. */
static enum pt_code node3_check(struct reach_node *n, struct reach_item *out)
{
    enum pt_code rc = give_share(n, out, REACH_CHECK, FIRST);

    return rc == PT_OK ? count(n, from_node(n, REACH_THIRD, FIRST)) : rc;
}

#define NEEDS(stage) (1U << (stage))
static const struct work {
    int role;
    unsigned needs;         /* stages of which everything must be here */
    enum reach_stage makes; /* REACH_STAGE_COUNT: nothing to send */
    enum pt_code (*run)(struct reach_node *, struct reach_item *);
} WORK[] = {
    {FIRST, NEEDS(REACH_SEED) | NEEDS(REACH_DUMMY_SEED), REACH_FIRST, node1_first},
    {FIRST, NEEDS(REACH_SECOND) | NEEDS(REACH_KEY), REACH_THIRD, node1_third},
    {FIRST, NEEDS(REACH_CHECK), REACH_STAGE_COUNT, node1_count},
    {SECOND, NEEDS(REACH_VECTOR) | NEEDS(REACH_DUMMIES) | NEEDS(REACH_KEY), REACH_SECOND,
     node2_second},
    {THIRD, NEEDS(REACH_FIRST) | NEEDS(REACH_KEY), REACH_STAGE_COUNT, node3_turn},
    {THIRD, NEEDS(REACH_THIRD), REACH_CHECK, node3_check},
};

/* Steps of one node follow each other: what is made before, and not twice. */
static bool in_turn(const struct reach_node *n, const struct work *w)
{
    if (w->makes < REACH_STAGE_COUNT && n->made[w->makes])
        return false;
    if (w->run == node1_third)
        return n->made[REACH_FIRST];
    if (w->run == node1_count)
        return n->made[REACH_THIRD];
    if (w->run == node3_turn)
        return !n->turned;
    return w->run != node3_check || n->turned;
}

static bool can_run(const struct reach_node *n, const struct work *w)
{
    if (w->role != n->role || !in_turn(n, w))
        return false;
    for (unsigned s = 0; s < REACH_STAGE_COUNT; s++)
        if ((w->needs >> s & 1) != 0 && !all_here(n, (enum reach_stage)s))
            return false;
    return true;
}

static enum pt_code run_next(struct reach_node *n, struct reach_item *out, bool *have)
{
    if (!n->made[REACH_KEY])
        return *have = true, give_key(n, out);
    if (!n->made[REACH_DUMMY_SEED])
        return *have = true, give_dummy_seed(n, out);
    if (!n->made[REACH_DUMMIES])
        return *have = true, give_dummies(n, out);
    enum pt_code rc = PT_OK;
    for (size_t i = 0; i < PT_LEN(WORK) && !n->done && !*have && rc == PT_OK; i++)
        if (can_run(n, &WORK[i])) {
            *have = WORK[i].makes < REACH_STAGE_COUNT;
            rc = WORK[i].run(n, out);
        }
    return rc;
}

enum pt_code reach_node_next(struct reach_node *n, struct reach_item *out, bool *have,
                             struct pt_err *err)
{
    *have = false;
    *out = (struct reach_item){0};
    enum pt_code rc = run_next(n, out, have);
    if (rc == PT_OK)
        return PT_OK;
    *have = false;
    n->done = false;
    reach_item_free(out);
    return pt_fail(err, rc, "reach: %s",
                   rc == PT_EBADMSG ? "shares of different lengths" : "a step failed");
}

void reach_node_free(struct reach_node *n)
{
    for (size_t s = 0; s < REACH_STAGE_COUNT; s++)
        for (size_t i = 0; i < REACH_PARTNERS_MAX; i++)
            buf_free(&n->got[s][i].bytes);
    buf_free(&n->dummies);
    buf_free(&n->share);
    explicit_bzero(n, sizeof *n);
}
