#include "crypto/oprf.h"

#include <sodium.h>
#include <stdlib.h>

#include "crypto/base/ct.h"
#include "crypto/dleq.h"
#include "crypto/hash_to_group.h"

/* Records a round: small enough for the stack. Records a part that one thread takes: some three
 * milliseconds, and whole rounds. */
enum { OPRF_BLOCK = 96, OPRF_PART = 480, OPRF_PARTS_MAX = OPRF_CHUNK_MAX / OPRF_PART + 1 };

struct blinds { /* r_i of one block */
    struct scalar r[OPRF_BLOCK];
};
PT_SECRET_TYPE(blinds);
struct wides { /* 64 uniform bytes a record */
    uint8_t b[OPRF_BLOCK][64];
};
PT_SECRET_TYPE(wides);
struct final_items { /* what differs between the inputs of Finalize, and its outputs */
    struct final_item {
        struct digest digest;
        uint8_t point_length[2];
        struct point unblinded;
    } in[OPRF_BLOCK];
    union {                                 /* one after the other */
        struct point unblinded[OPRF_BLOCK]; /* each names a customer */
        uint8_t out[OPRF_BLOCK][OPRF_OUTPUT_BYTES];
    };
};
PT_SECRET_TYPE(final_items);

/* One where x is zero, which uniform scalars are with probability 2^-252: a proof under such a nonce
 * would give the key away. */
static void scalar_not_zero(struct scalar *x)
{
    uint64_t any = 0;

    for (size_t i = 0; i < sizeof x->b; i++)
        any |= x->b[i];
    x->b[0] |= (uint8_t)(ct_mask_zero(any) & 1);
}

enum pt_code oprf_key_derive(struct oprf_key *out, const struct key32 *seed, struct span info)
{
    const uint8_t info_length[2] = {(uint8_t)(info.n >> 8), (uint8_t)info.n};
    static const struct scalar zero;

    *out = (struct oprf_key){0};
    if (info.n > UINT16_MAX)
        return PT_ELIMIT;
    for (unsigned counter = 0; counter < 256; counter++) {
        const uint8_t byte = (uint8_t)counter;
        const struct span parts[] = {span_of(seed->b, sizeof seed->b), span_of(info_length, 2),
                                     info, span_of(&byte, 1)};

        hash_to_scalar(&out->k, HASH_DERIVE_KEY, parts, PT_LEN(parts));
        if (ct_equal(out->k.b, zero.b, sizeof zero.b))
            continue;
        group_base_mul(&out->public_key, &out->k);
        return PT_OK;
    }
    return PT_EBUG;
}

/* r_i = block i of ChaCha20(key, nonce 0) mod q: a ChaCha20 block is 64 bytes, just what an even
 * reduction takes. */
static void blinds_of(struct blinds *out, const struct blind_key *key, size_t first, size_t n)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    PT_WIPED(wides) wide = {0};

    (void)crypto_stream_chacha20_xor_ic(wide.b[0], wide.b[0], n * sizeof wide.b[0], nonce, first,
                                        key->k.b);
    for (size_t i = 0; i < n; i++)
        scalar_reduce(&out->r[i], wide.b[i]);
}

static size_t part_count(size_t n)
{
    return (n + OPRF_PART - 1) / OPRF_PART;
}

/* Records of part i of n. */
static size_t part_size(size_t n, size_t i)
{
    const size_t left = n - i * OPRF_PART;

    return left < OPRF_PART ? left : OPRF_PART;
}

struct blind_job { /* borrowed */
    struct point *out;
    const struct group_table *base;
    const struct blind_key *key;
    struct span prefix;
    const struct digest *in;
    size_t n;
};

static void blind_part(void *context, size_t part)
{
    const struct blind_job *job = context;
    const size_t end = part * OPRF_PART + part_size(job->n, part);
    PT_WIPED(blinds) r = {0};
    PT_WIPED(wides) wide = {0};

    for (size_t at = part * OPRF_PART; at < end; at += OPRF_BLOCK) {
        size_t m = end - at < OPRF_BLOCK ? end - at : OPRF_BLOCK;

        blinds_of(&r, job->key, at, m);
        const struct hash_items items = {.prefix = job->prefix,
                                         .first = job->in[at].b,
                                         .stride = sizeof *job->in,
                                         .bytes = sizeof job->in->b,
                                         .n = m};
        hash_to_wide_each(wide.b, HASH_TO_GROUP, &items);
        const struct group_blind b = {job->base, r.r};
        group_map_blind(job->out + at, &b, (const uint8_t(*)[64])wide.b, m);
    }
}

enum pt_code oprf_blind(struct point *out, const struct blind_key *key, struct span prefix,
                        const struct digest *in, size_t n, const struct parallel *parallel)
{
    struct blind_job job = {.out = out, .key = key, .prefix = prefix, .in = in, .n = n};
    struct group_table *base;
    enum pt_code rc;

    if (n > OPRF_CHUNK_MAX || prefix.n > OPRF_PREFIX_MAX)
        return PT_ELIMIT;
    if ((rc = group_base_table_new(&base)) != PT_OK)
        return rc;
    job.base = base;
    parallel_run(parallel, part_count(n), blind_part, &job);
    free(base);
    return PT_OK;
}

struct entry { /* a point by its first bytes, which are as good as random */
    uint32_t key, index;
};
enum { RADIX_BITS = 11, RADIX_PASSES = 3 };

/* By key, three digits of eleven bits; other is as long as e. Variable time. */
static void sort_entries_vartime(struct entry *e, struct entry *other, size_t n)
{
    for (unsigned pass = 0; pass < RADIX_PASSES; pass++) {
        const unsigned shift = pass * RADIX_BITS;
        const uint32_t mask = (1U << RADIX_BITS) - 1;
        uint32_t at[(1U << RADIX_BITS) + 1] = {0};

        for (size_t i = 0; i < n; i++)
            at[(e[i].key >> shift & mask) + 1]++;
        for (uint32_t i = 0; i < mask; i++)
            at[i + 1] += at[i];
        for (size_t i = 0; i < n; i++)
            other[at[e[i].key >> shift & mask]++] = e[i];
        struct entry *t = e;
        e = other;
        other = t;
    }
}

/* An element that repeats an earlier one (PROTOCOL.md 0), in variable time: they are public.
 * Nobody's honest blinds repeat; a peer that repeats one probes for what we do with it. */
static enum pt_code refuse_repeats_vartime(struct span_points in, size_t *bad_index)
{
    struct entry *all = calloc(2 * in.n, sizeof *all);
    enum pt_code rc = PT_OK;

    if (all == NULL)
        return PT_ENOMEM;
    const struct entry *sorted = all + in.n; /* an odd number of passes */
    for (size_t i = 0; i < in.n; i++)
        all[i] = (struct entry){load_u32le(in.p[i].b + 1), (uint32_t)i};
    sort_entries_vartime(all, all + in.n, in.n);
    /* Equal keys are rare, and many of them would cost a peer 2^32 points for each. */
    for (size_t i = 1; i < in.n && rc == PT_OK; i++) {
        for (size_t j = i; j-- > 0 && sorted[j].key == sorted[i].key && rc == PT_OK;) {
            if (!ct_equal(in.p[sorted[i].index].b, in.p[sorted[j].index].b, sizeof *in.p))
                continue;
            *bad_index = sorted[i].index; /* the sort keeps order: the later of the two */
            rc = PT_EBADMSG;
        }
    }
    free(all);
    return rc;
}

struct decode_job { /* borrowed */
    struct group_term *out;
    struct point *product; /* NULL: only decode */
    const struct scalar *k;
    struct span_points in;
    size_t bad[OPRF_PARTS_MAX]; /* by part, GROUP_ALL_GOOD or an index in it */
};

static void decode_part(void *context, size_t part)
{
    struct decode_job *job = context;
    const size_t at = part * OPRF_PART;
    const size_t n = part_size(job->in.n, part);

    job->bad[part] = group_decode_vartime(job->out + at, job->in.p + at, n);
    if (job->product != NULL && job->bad[part] == GROUP_ALL_GOOD)
        group_mul_terms(job->product + at, job->k, job->out + at, n);
}

/* In parts. The first bad index of all is that of the first part with one. */
static size_t decode_all(struct decode_job *job, const struct parallel *parallel)
{
    const size_t parts = part_count(job->in.n);

    parallel_run(parallel, parts, decode_part, job);
    for (size_t i = 0; i < parts; i++)
        if (job->bad[i] != GROUP_ALL_GOOD)
            return i * OPRF_PART + job->bad[i];
    return GROUP_ALL_GOOD;
}

enum pt_code oprf_evaluate(struct point *out, struct dleq_proof *proof, size_t *bad_index,
                           const struct oprf_evaluate_in *in)
{
    const size_t n = in->points.n;
    struct dleq_claim claim = {
        &in->key->public_key, in->points, {out, n}, .parallel = in->parallel};
    struct decode_job job = {.product = out, .k = &in->key->k, .in = in->points};
    struct blind_key stream = {.k = *in->proof_seed};
    PT_WIPED(blinds) one = {0};
    enum pt_code rc;

    *proof = (struct dleq_proof){0};
    *bad_index = 0;
    if (n == 0 || n > OPRF_CHUNK_MAX) {
        blind_key_wipe(&stream);
        return PT_ELIMIT;
    }
    blinds_of(&one, &stream, 0, 1);
    blind_key_wipe(&stream);
    scalar_not_zero(&one.r[0]);
    if ((rc = refuse_repeats_vartime(in->points, bad_index)) != PT_OK ||
        (rc = group_terms_new(&job.out, n)) != PT_OK)
        goto out;
    size_t bad = decode_all(&job, in->parallel);
    if (bad != GROUP_ALL_GOOD) {
        *bad_index = bad;
        rc = PT_EBADMSG;
        goto out;
    }
    claim.c_terms = job.out;
    rc = dleq_prove(proof, &in->key->k, &one.r[0], &claim);
out:
    if (rc != PT_OK)
        memset(out, 0, n * sizeof *out);
    group_terms_free(job.out);
    return rc;
}

enum pt_code oprf_verify(struct group_term *decoded, const struct oprf_verify_in *in)
{
    const size_t n = in->sent.n;
    struct group_term *sent = NULL;
    enum pt_code rc;

    if (n == 0 || n > OPRF_CHUNK_MAX || in->back.n != n)
        return PT_EBADMSG;
    if ((rc = group_terms_new(&sent, n)) != PT_OK)
        return rc;
    struct decode_job ours = {.out = sent, .in = in->sent};
    struct decode_job theirs = {.out = decoded, .in = in->back};
    const struct dleq_claim claim = {in->public_key, in->sent, in->back,
                                     sent,           decoded,  in->parallel};
    if (decode_all(&ours, in->parallel) == GROUP_ALL_GOOD &&
        decode_all(&theirs, in->parallel) == GROUP_ALL_GOOD)
        rc = dleq_verify(in->proof, &claim);
    else
        rc = PT_EBADMSG;
    group_terms_free(sent);
    return rc;
}

struct again_job { /* borrowed */
    struct point *out;
    const struct oprf_again_in *in;
    const struct group_table *before, *base;
};

static void again_part(void *context, size_t part)
{
    struct again_job *job = context;
    const struct oprf_again_in *in = job->in;
    const size_t end = part * OPRF_PART + part_size(in->n, part);
    PT_WIPED(blinds) old = {0};
    PT_WIPED(blinds) r = {0};
    const struct group_blind was = {job->before, old.r};
    const struct group_blind is = {job->base, r.r};

    for (size_t at = part * OPRF_PART; at < end; at += OPRF_BLOCK) {
        size_t m = end - at < OPRF_BLOCK ? end - at : OPRF_BLOCK;

        blinds_of(&old, in->old, at, m);
        blinds_of(&r, in->key, at, m);
        group_blind_again(job->out + at, &was, &is, in->points + at, m);
    }
}

enum pt_code oprf_blind_again(struct point *out, const struct oprf_again_in *in)
{
    struct again_job job = {.out = out, .in = in};
    struct group_table *before = NULL;
    struct group_table *base = NULL;
    enum pt_code rc;

    if (in->n > OPRF_CHUNK_MAX)
        return PT_ELIMIT;
    if ((rc = group_table_new(&before, in->public_key)) == PT_OK &&
        (rc = group_base_table_new(&base)) == PT_OK) {
        job.before = before;
        job.base = base;
        parallel_run(in->parallel, part_count(in->n), again_part, &job);
    } else {
        memset(out, 0, in->n * sizeof *out);
    }
    free(before);
    free(base);
    return rc;
}

void oprf_output(uint8_t out[OPRF_OUTPUT_BYTES], struct span prefix, struct span rest,
                 const struct point *unblinded)
{
    const size_t n = prefix.n + rest.n;
    const uint8_t input_length[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    static const uint8_t point_length[2] = {0, 32};
    crypto_hash_sha512_state h;

    crypto_hash_sha512_init(&h);
    crypto_hash_sha512_update(&h, input_length, 2);
    crypto_hash_sha512_update(&h, prefix.p, prefix.n);
    crypto_hash_sha512_update(&h, rest.p, rest.n);
    crypto_hash_sha512_update(&h, point_length, 2);
    crypto_hash_sha512_update(&h, unblinded->b, 32);
    crypto_hash_sha512_update(&h, (const uint8_t *)"Finalize", 8);
    crypto_hash_sha512_final(&h, out);
    sodium_memzero(&h, sizeof h);
}

struct finish_job { /* borrowed */
    struct token *out;
    const struct scalar *own; /* k_o / 2^holders */
    const struct group_table *base;
    const struct blind_key *key;
    const struct oprf_finish_in *in;
    struct span prefix; /* two bytes of length before it */
};

static void finish_part(void *context, size_t part)
{
    struct finish_job *job = context;
    const struct oprf_finish_in *in = job->in;
    const size_t end = part * OPRF_PART + part_size(in->n, part);
    PT_WIPED(blinds) r = {0};
    PT_WIPED(final_items) f = {0};

    for (size_t at = part * OPRF_PART; at < end; at += OPRF_BLOCK) {
        size_t m = end - at < OPRF_BLOCK ? end - at : OPRF_BLOCK;

        blinds_of(&r, job->key, at, m);
        const struct group_blind b = {job->base, r.r};
        group_unblind_mul(f.unblinded, job->own, &b, in->evaluated + at, m);
        for (size_t i = 0; i < m; i++)
            f.in[i] = (struct final_item){in->digests[at + i], {0, 32}, f.unblinded[i]};
        const struct hash_items items = {.prefix = job->prefix,
                                         .first = f.in[0].digest.b,
                                         .stride = sizeof f.in[0],
                                         .bytes = sizeof f.in[0],
                                         .n = m,
                                         .suffix = span_z("Finalize")};
        hash_each(f.out, &items);
        for (size_t i = 0; i < m; i++)
            memcpy(job->out[at + i].b, f.out[i], sizeof job->out->b);
    }
}

enum pt_code oprf_finish(struct token *out, const struct oprf_key *own, const struct blind_key *key,
                         struct oprf_finish_in in)
{
    uint8_t prefix[2 + OPRF_PREFIX_MAX];
    PT_WIPED(scalar) k = {{1}};
    struct group_table *base;
    struct finish_job job = {.out = out, .own = &k, .key = key, .in = &in};
    enum pt_code rc;

    if (in.n > OPRF_CHUNK_MAX || in.prefix.n > OPRF_PREFIX_MAX || in.holders == 0 ||
        in.holders > OPRF_HOLDERS_MAX)
        return PT_ELIMIT;
    if ((rc = group_table_new(&base, in.public_key)) != PT_OK) {
        explicit_bzero(out, in.n * sizeof *out);
        return rc;
    }
    if (own != NULL)
        k = own->k;
    for (unsigned i = 0; i < in.holders; i++) /* each got the points doubled */
        scalar_half(&k, &k);
    const size_t input_bytes = in.prefix.n + sizeof *in.digests;
    prefix[0] = (uint8_t)(input_bytes >> 8);
    prefix[1] = (uint8_t)input_bytes;
    if (in.prefix.n > 0)
        memcpy(prefix + 2, in.prefix.p, in.prefix.n);
    job.prefix = span_of(prefix, 2 + in.prefix.n);
    job.base = base;
    parallel_run(in.parallel, part_count(in.n), finish_part, &job);
    free(base);
    return PT_OK;
}
