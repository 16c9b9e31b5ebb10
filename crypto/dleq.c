#include "crypto/dleq.h"

#include <sodium.h>
#include <stdlib.h>

#include "crypto/base/ct.h"
#include "crypto/hash_to_group.h"

static const uint8_t LENGTH_OF_POINT[2] = {0, 32};  /* I2OSP(32, 2) */
static const uint8_t LENGTH_OF_DIGEST[2] = {0, 64}; /* I2OSP(64, 2) */

/* seed = Hash(I2OSP(len(Bm), 2) || Bm || I2OSP(len(seedDST), 2) || seedDST) */
static void composite_seed(uint8_t seed[64], const struct point *public_key)
{
    static const char DST[] = "Seed-" HASH_CONTEXT;
    static const uint8_t dst_length[2] = {0, sizeof DST - 1};
    crypto_hash_sha512_state h;

    crypto_hash_sha512_init(&h);
    crypto_hash_sha512_update(&h, LENGTH_OF_POINT, 2);
    crypto_hash_sha512_update(&h, public_key->b, 32);
    crypto_hash_sha512_update(&h, dst_length, 2);
    crypto_hash_sha512_update(&h, (const uint8_t *)DST, sizeof DST - 1);
    crypto_hash_sha512_final(&h, seed);
}

enum { WEIGHT_BLOCK = 64, WEIGHT_PART = 512 }; /* messages at once; a part that one thread takes */

struct weighed { /* what differs between the messages of two weights */
    uint8_t index[2], c_length[2];
    struct point c;
    uint8_t d_length[2];
    struct point d;
};

struct weights_job { /* borrowed */
    struct scalar *weight;
    const struct dleq_claim *claim;
    uint8_t prefix[2 + 64];
};

/* weight[i] = d_i of ComputeComposites. Its index is two bytes wide: chunks end at 2^16. */
static void weights_part(void *context, size_t part)
{
    struct weights_job *job = context;
    const struct dleq_claim *claim = job->claim;
    const size_t first = part * WEIGHT_PART;
    const size_t end = claim->c.n - first < WEIGHT_PART ? claim->c.n : first + WEIGHT_PART;
    struct weighed item[WEIGHT_BLOCK] = {0};
    uint8_t wide[WEIGHT_BLOCK][64];
    struct hash_items in = {.prefix = span_of(job->prefix, sizeof job->prefix),
                            .first = item[0].index,
                            .stride = sizeof item[0],
                            .bytes = sizeof item[0],
                            .suffix = span_z("Composite")};

    for (size_t at = first; at < end; at += in.n) {
        in.n = end - at < WEIGHT_BLOCK ? end - at : WEIGHT_BLOCK;
        for (size_t i = 0; i < in.n; i++) {
            item[i] = (struct weighed){.index = {(uint8_t)((at + i) >> 8), (uint8_t)(at + i)},
                                       .c_length = {0, 32},
                                       .c = claim->c.p[at + i],
                                       .d_length = {0, 32},
                                       .d = claim->d.p[at + i]};
        }
        hash_to_wide_each(wide, HASH_TO_SCALAR, &in);
        for (size_t i = 0; i < in.n; i++)
            scalar_reduce(&job->weight[at + i], wide[i]);
    }
}

static void composite_weights(struct scalar *weight, const struct dleq_claim *claim)
{
    struct weights_job job = {.weight = weight, .claim = claim};

    memcpy(job.prefix, LENGTH_OF_DIGEST, 2);
    composite_seed(job.prefix + 2, claim->public_key);
    parallel_run(claim->parallel, (claim->c.n + WEIGHT_PART - 1) / WEIGHT_PART, weights_part, &job);
}

/* m = sum d_i*C[i], and z = sum d_i*D[i] unless z is NULL (the prover knows a shorter way). */
static enum pt_code composites(struct point *m, struct point *z, const struct dleq_claim *claim)
{
    size_t n = claim->c.n;
    enum pt_code rc = PT_OK;

    if (n == 0 || n > OPRF_CHUNK_MAX || claim->d.n != n)
        return PT_EBADMSG;
    struct scalar *weight = calloc(n, sizeof *weight);
    if (weight == NULL)
        return PT_ENOMEM;
    composite_weights(weight, claim);
    const struct group_term *const both[2] = {claim->c_terms, claim->d_terms};
    struct point sum[2];
    if (group_sums_vartime(sum, weight, both, z == NULL ? 1 : 2, n) != GROUP_ALL_GOOD)
        rc = PT_ENOMEM;
    *m = sum[0];
    if (z != NULL)
        *z = sum[1];
    free(weight);
    return rc;
}

/* The proof's statement after batching: Z = k*M, with commitments T2 = r*G and T3 = r*M. */
struct dleq_round {
    struct point m, z, t2, t3;
};

static void challenge(struct scalar *c, const struct point *public_key, const struct dleq_round *x)
{
    const struct span parts[] = {
        span_of(LENGTH_OF_POINT, 2), span_of(public_key->b, 32),  span_of(LENGTH_OF_POINT, 2),
        span_of(x->m.b, 32),         span_of(LENGTH_OF_POINT, 2), span_of(x->z.b, 32),
        span_of(LENGTH_OF_POINT, 2), span_of(x->t2.b, 32),        span_of(LENGTH_OF_POINT, 2),
        span_of(x->t3.b, 32),        span_z("Challenge"),
    };
    hash_to_scalar(c, HASH_TO_SCALAR, parts, PT_LEN(parts));
}

enum pt_code dleq_prove(struct dleq_proof *out, const struct scalar *k, const struct scalar *r,
                        const struct dleq_claim *claim)
{
    struct dleq_round x;
    enum pt_code rc;

    *out = (struct dleq_proof){0};
    if ((rc = composites(&x.m, NULL, claim)) != PT_OK)
        return rc;
    /* ComputeCompositesFast: the prover gets Z from M. */
    if (group_mul(&x.z, k, &x.m, 1) != GROUP_ALL_GOOD ||
        group_mul(&x.t3, r, &x.m, 1) != GROUP_ALL_GOOD)
        return PT_EBADMSG;
    group_base_mul(&x.t2, r);
    challenge(&out->c, claim->public_key, &x);
    scalar_mulsub(&out->s, r, &out->c, k);
    return PT_OK;
}

enum pt_code dleq_verify(const struct dleq_proof *proof, const struct dleq_claim *claim)
{
    static const struct scalar one = {{1}};
    const struct scalar weight[2] = {proof->s, proof->c};
    struct point generator;
    struct dleq_round x;
    struct scalar c;
    enum pt_code rc;

    if (!scalar_is_canonical_vartime(&proof->c) || !scalar_is_canonical_vartime(&proof->s))
        return PT_EBADMSG;
    if ((rc = composites(&x.m, &x.z, claim)) != PT_OK)
        return rc;
    group_base_mul(&generator, &one);
    /* t2 = s*G + c*B and t3 = s*M + c*Z */
    const struct point t2[2] = {generator, *claim->public_key};
    const struct point t3[2] = {x.m, x.z};
    size_t bad = group_msm_vartime(&x.t2, weight, t2, 2);
    if (bad == GROUP_ALL_GOOD)
        bad = group_msm_vartime(&x.t3, weight, t3, 2);
    if (bad != GROUP_ALL_GOOD)
        return bad == GROUP_NO_MEMORY ? PT_ENOMEM : PT_EBADMSG;
    challenge(&c, claim->public_key, &x);
    return ct_equal(c.b, proof->c.b, sizeof c.b) ? PT_OK : PT_EBADMSG;
}
