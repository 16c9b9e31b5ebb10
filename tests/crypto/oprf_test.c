#include "crypto/oprf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/dleq.h"
#include "crypto/hash_to_group.h"
#include "tests/decoded.h"
#include "tests/kat.h"

enum { N = 70 }; /* more than one block of the implementation, and not a multiple of one */

static struct oprf_key rfc_key(void)
{
    struct kat k = kat_open("tests/kat/oprf_key.kat");
    struct oprf_key key = {0};
    struct key32 seed;

    while (kat_next(&k)) {
        uint8_t want[32];
        kat_into(&k, "seed", seed.b, 32);
        assert_int_equal(oprf_key_derive(&key, &seed, kat_get(&k, "info")), PT_OK);
        kat_into(&k, "secret", want, 32);
        assert_memory_equal(key.k.b, want, 32);
        kat_into(&k, "public", want, 32);
        assert_memory_equal(key.public_key.b, want, 32);
    }
    assert_int_equal(k.seen, 1);
    return key;
}

/* What oprf_finish() does with one point that came back: k * (p - r * public_key). */
static struct point unblinded(const struct scalar *k, const struct point *public_key,
                              const struct scalar *r, const struct point *p)
{
    struct group_table *table;
    struct group_term *term = decoded_of(p, 1);
    struct point out;

    assert_int_equal(group_table_new(&table, public_key), PT_OK);
    const struct group_blind blind = {table, r};
    group_unblind_mul(&out, k, &blind, term, 1);
    group_terms_free(term);
    free(table);
    return out;
}

/* Goal: each step equals RFC 9497 bit for bit, and blinds that are added lead to the same output.
 * Method: the RFC fixes the blind; the steps are composed here from the functions that oprf.c
 * composes, since its inputs are digests and the RFC's are not. */
static void elements_match_rfc9497(void **state)
{
    struct oprf_key key = rfc_key();
    struct kat k = kat_open("tests/kat/oprf_element.kat");
    struct group_table *base;
    const struct scalar one = {{1}};
    struct scalar half;

    (void)state;
    scalar_half(&half, &one);
    assert_int_equal(group_base_table_new(&base), PT_OK);
    while (kat_next(&k)) {
        struct span input = kat_get(&k, "input");
        struct scalar r;
        struct scalar inverse;
        const struct group_blind blind = {base, &r};
        struct point got;
        struct point want;
        uint8_t wide[1][64];
        uint8_t output[64];
        uint8_t want_output[64];

        kat_into(&k, "blind", r.b, 32);
        hash_to_wide(wide[0], HASH_TO_GROUP, &input, 1);
        group_map(&got, (const uint8_t(*)[64])wide, 1);
        assert_true(group_mul(&got, &r, &got, 1) == GROUP_ALL_GOOD);
        kat_into(&k, "blinded", want.b, 32);
        assert_memory_equal(got.b, want.b, 32);
        assert_true(group_mul(&got, &key.k, &want, 1) == GROUP_ALL_GOOD);
        kat_into(&k, "evaluated", want.b, 32);
        assert_memory_equal(got.b, want.b, 32);
        scalar_invert(&inverse, &r);
        assert_true(group_mul(&got, &inverse, &want, 1) == GROUP_ALL_GOOD);
        oprf_output(output, input, (struct span){0}, &got);
        kat_into(&k, "output", want_output, 64);
        assert_memory_equal(output, want_output, 64);

        group_map_blind(&got, &blind, (const uint8_t(*)[64])wide, 1);
        assert_true(group_mul(&got, &key.k, &got, 1) == GROUP_ALL_GOOD);
        got = unblinded(&half, &key.public_key, &r, &got);
        oprf_output(output, input, (struct span){0}, &got);
        assert_memory_equal(output, want_output, 64);
    }
    assert_int_equal(k.seen, 3);
    free(base);
}

/* Goal: proofs equal RFC 9497's, for one element and for two. */
static void proofs_match_rfc9497(void **state)
{
    struct oprf_key key = rfc_key();
    struct kat k = kat_open("tests/kat/oprf_proof.kat");

    (void)state;
    while (kat_next(&k)) {
        struct point c[2];
        struct point d[2];
        struct scalar r;
        struct dleq_proof got;
        struct dleq_proof want;
        size_t n = kat_get(&k, "c").n / 32;

        assert_in_range(n, 1, 2);
        kat_into(&k, "c", c, 32 * n);
        kat_into(&k, "d", d, 32 * n);
        kat_into(&k, "r", r.b, 32);
        kat_into(&k, "proof", &want, sizeof want);
        struct group_term *const c_terms = decoded_of(c, n);
        struct group_term *const d_terms = decoded_of(d, n);
        struct dleq_claim claim = {&key.public_key, {c, n}, {d, n}, c_terms, d_terms, NULL};
        assert_int_equal(dleq_prove(&got, &key.k, &r, &claim), PT_OK);
        assert_memory_equal(&got, &want, sizeof want);
        assert_int_equal(dleq_verify(&want, &claim), PT_OK);
        struct oprf_verify_in in = {&key.public_key, claim.c, claim.d, &want, NULL};
        assert_int_equal(oprf_verify(d_terms, &in), PT_OK);
        group_terms_free(c_terms);
        group_terms_free(d_terms);
    }
    assert_int_equal(k.seen, 3);
}

/* A deterministic key, seed or digest: byte `tag`, then the number. */
static struct key32 key32_of(uint8_t tag, uint64_t i)
{
    struct key32 k = {{tag}};

    store_u64le(k.b + 1, i);
    return k;
}

static struct digest digest_of(uint64_t person)
{
    struct digest d;

    crypto_hash_sha256(d.b, (const uint8_t *)&person, sizeof person);
    return d;
}

static struct oprf_key party_key(uint64_t i)
{
    struct oprf_key key;
    struct key32 seed = key32_of('k', i);

    assert_int_equal(oprf_key_derive(&key, &seed, span_z("party")), PT_OK);
    return key;
}

static const struct span PREFIX = {(const uint8_t *)"patto-id-v1 test", 16};

/* Tokens of n digests for party `owner` of `count`, by the protocol: blind, each peer in order
 * evaluates and the owner verifies and blinds again, finish. */
static void tokens_of(struct token *out, const struct digest *in, size_t n, size_t owner,
                      size_t count)
{
    struct point a[N];
    struct point b[N];
    struct oprf_key own = party_key(owner);
    struct blind_key blind = {.k = key32_of('b', owner * 100 + count)};
    struct group_term *decoded;
    struct point public_key = {{0}};
    unsigned holders = 0;

    assert_int_equal(group_terms_new(&decoded, n), PT_OK);
    assert_int_equal(oprf_blind(a, &blind, PREFIX, in, n, NULL), PT_OK);
    for (size_t peer = 0; peer < count; peer++) {
        struct oprf_key key = party_key(peer);
        struct key32 seed = key32_of('p', peer * 1000 + owner);
        struct dleq_proof proof;
        size_t bad;

        if (peer == owner)
            continue;
        if (holders++ > 0) {
            struct blind_key next = {.k = key32_of('n', owner * 100 + peer)};
            struct oprf_again_in again = {&blind, &next, &public_key, decoded, n, NULL};
            assert_int_equal(oprf_blind_again(a, &again), PT_OK);
            blind = next;
        }
        public_key = key.public_key;
        assert_int_equal(oprf_evaluate(b, &proof, &bad,
                                       &(struct oprf_evaluate_in){
                                           .key = &key, .proof_seed = &seed, .points = {a, n}}),
                         PT_OK);
        struct oprf_verify_in check = {&key.public_key, {a, n}, {b, n}, &proof, NULL};
        assert_int_equal(oprf_verify(decoded, &check), PT_OK);
    }
    struct oprf_finish_in fin = {PREFIX, in, decoded, n, &public_key, holders, NULL};
    assert_int_equal(oprf_finish(out, &own, &blind, fin), PT_OK);
    group_terms_free(decoded);
}

/* Goal: with the key split over 2..5 parties, every owner gets the token of the product key.
 * Method: the expectation comes from libsodium alone: from_hash, scalarmult by the product of the
 * keys, Finalize's hash. Equal tokens mean equal inputs: persons 10.. are shared. */
static void split_key_is_the_product(void **state)
{
    static struct digest in[2][N];
    static struct token got[2][N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        in[0][i] = digest_of(i);
        in[1][i] = digest_of(i + 10);
    }
    for (size_t count = 2; count <= 5; count++) {
        struct scalar product = {{1}};
        size_t n = count == 2 ? N : 12;

        for (size_t i = 0; i < count; i++) {
            struct oprf_key key = party_key(i);
            crypto_core_ristretto255_scalar_mul(product.b, product.b, key.k.b);
        }
        tokens_of(got[0], in[0], n, 0, count);
        tokens_of(got[1], in[1], n, count - 1, count);
        for (size_t i = 0; i < n; i++) {
            const struct span parts[] = {PREFIX, span_of(in[0][i].b, 32)};
            uint8_t wide[64];
            uint8_t output[64];
            struct point h;

            hash_to_wide(wide, HASH_TO_GROUP, parts, 2);
            crypto_core_ristretto255_from_hash(h.b, wide);
            assert_int_equal(crypto_scalarmult_ristretto255(h.b, product.b, h.b), 0);
            oprf_output(output, PREFIX, parts[1], &h);
            assert_memory_equal(got[0][i].b, output, 16);
            for (size_t j = 0; j < n; j++)
                assert_int_equal(memcmp(got[0][i].b, got[1][j].b, 16) == 0, i == j + 10);
        }
    }
}

/* Goal: blinding differs by key and by position, and repeats under one key. */
static void blinds_follow_their_key(void **state)
{
    struct digest same[3] = {digest_of(1), digest_of(1), digest_of(1)};
    struct blind_key a = {.k = key32_of('b', 1)};
    struct blind_key b = {.k = key32_of('b', 2)};
    struct point x[3];
    struct point y[3];

    (void)state;
    assert_int_equal(oprf_blind(x, &a, PREFIX, same, 3, NULL), PT_OK);
    assert_int_equal(oprf_blind(y, &a, PREFIX, same, 3, NULL), PT_OK);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x[0].b, x[1].b, 32);
    assert_memory_not_equal(x[1].b, x[2].b, 32);
    assert_int_equal(oprf_blind(y, &b, PREFIX, same, 3, NULL), PT_OK);
    assert_memory_not_equal(x[0].b, y[0].b, 32);
}

struct exchange { /* an honest evaluation to tamper with */
    struct oprf_key key;
    struct blind_key blind;
    struct digest in[N];
    struct point sent[N], back[N];
    struct dleq_proof proof;
};

static void exchange_honest(struct exchange *x)
{
    struct key32 seed = key32_of('p', 7);
    size_t bad;

    x->key = party_key(1);
    x->blind = (struct blind_key){.k = key32_of('b', 7)};
    for (size_t i = 0; i < N; i++)
        x->in[i] = digest_of(i);
    assert_int_equal(oprf_blind(x->sent, &x->blind, PREFIX, x->in, N, NULL), PT_OK);
    assert_int_equal(oprf_evaluate(x->back, &x->proof, &bad,
                                   &(struct oprf_evaluate_in){.key = &x->key,
                                                              .proof_seed = &seed,
                                                              .points = {x->sent, N}}),
                     PT_OK);
}

static enum pt_code verify_counts(const struct exchange *x, size_t sent, size_t back)
{
    const struct oprf_verify_in in = {
        &x->key.public_key, {x->sent, sent}, {x->back, back}, &x->proof, NULL};
    struct group_term *decoded;

    assert_int_equal(group_terms_new(&decoded, N), PT_OK);
    enum pt_code rc = oprf_verify(decoded, &in);
    group_terms_free(decoded);
    return rc;
}

static enum pt_code exchange_verify(const struct exchange *x)
{
    return verify_counts(x, N, N);
}

static void tamper_none(struct exchange *x)
{
    (void)x;
}
static void tamper_key(struct exchange *x)
{
    x->key.public_key = party_key(2).public_key;
}
static void tamper_swap(struct exchange *x)
{
    struct point t = x->back[3];
    x->back[3] = x->back[40];
    x->back[40] = t;
}
static void tamper_repeat(struct exchange *x)
{
    x->back[5] = x->back[6];
}
static void tamper_one_other_key(struct exchange *x)
{
    struct oprf_key other = party_key(2);
    assert_true(group_mul(&x->back[9], &other.k, &x->sent[9], 1) == GROUP_ALL_GOOD);
}
static void tamper_bit(struct exchange *x)
{
    x->back[0].b[0] ^= 2;
}
static void tamper_identity(struct exchange *x)
{
    x->back[N - 1] = (struct point){{0}};
}
static void tamper_high_bit(struct exchange *x)
{
    x->back[2].b[31] ^= 0x80; /* libsodium 1.0.18 would let this pass */
}
static void tamper_challenge(struct exchange *x)
{
    x->proof.c.b[0] ^= 1;
}
static void tamper_response(struct exchange *x)
{
    x->proof.s.b[10] ^= 1;
}
/* s + q is the same residue: accepting it would make proofs malleable. */
static void tamper_unreduced(struct exchange *x)
{
    static const uint8_t q[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    sodium_add(x->proof.s.b, q, 32);
}
static void tamper_public_key_identity(struct exchange *x)
{
    x->key.public_key = (struct point){{0}};
}
static void tamper_sent(struct exchange *x)
{
    x->sent[1] = x->sent[2];
}

/* Goal: every deviation of a peer is caught by the owner's verification. */
static void deviations_are_caught(void **state)
{
    static const struct {
        const char *name;
        void (*run)(struct exchange *);
        enum pt_code want;
    } CASES[] = {
        {"honest", tamper_none, PT_OK},
        {"wrong key", tamper_key, PT_EBADMSG},
        {"reordered", tamper_swap, PT_EBADMSG},
        {"duplicated", tamper_repeat, PT_EBADMSG},
        {"one element under another key", tamper_one_other_key, PT_EBADMSG},
        {"altered", tamper_bit, PT_EBADMSG},
        {"identity", tamper_identity, PT_EBADMSG},
        {"bit 255 set", tamper_high_bit, PT_EBADMSG},
        {"challenge", tamper_challenge, PT_EBADMSG},
        {"response", tamper_response, PT_EBADMSG},
        {"response not reduced", tamper_unreduced, PT_EBADMSG},
        {"public key is the identity", tamper_public_key_identity, PT_EBADMSG},
        {"another question", tamper_sent, PT_EBADMSG},
    };
    static struct exchange honest;
    static struct exchange x;

    (void)state;
    exchange_honest(&honest);
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        x = honest;
        CASES[i].run(&x);
        if (exchange_verify(&x) != CASES[i].want)
            fail_msg("%s", CASES[i].name);
    }
    /* Dropped: fewer back than sent, both ways round; and nothing at all. */
    assert_int_equal(verify_counts(&honest, N, N - 1), PT_EBADMSG);
    assert_int_equal(verify_counts(&honest, N - 1, N - 1), PT_EBADMSG);
    assert_int_equal(verify_counts(&honest, 0, 0), PT_EBADMSG);
}

/* Goal: a peer refuses malformed and repeated requests, names the index and gives nothing out. */
static void requests_are_checked(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte, mask; /* xor into sent[at]; mask 0: make it the identity */
    } BAD[] = {{0, 31, 0x80}, {69, 0, 1}, {33, 0, 0}};
    static struct exchange x;
    static const struct point zero[N];
    struct key32 seed = key32_of('p', 8);
    struct dleq_proof proof;
    size_t bad = 0;

    (void)state;
    for (size_t i = 0; i < PT_LEN(BAD); i++) {
        exchange_honest(&x);
        struct point *p = &x.sent[BAD[i].at];
        if (BAD[i].mask == 0)
            *p = zero[0];
        p->b[BAD[i].byte] ^= BAD[i].mask;
        assert_int_equal(oprf_evaluate(x.back, &proof, &bad,
                                       &(struct oprf_evaluate_in){.key = &x.key,
                                                                  .proof_seed = &seed,
                                                                  .points = {x.sent, N}}),
                         PT_EBADMSG);
        assert_int_equal(bad, BAD[i].at);
        assert_memory_equal(x.back, zero, sizeof zero);
    }
    exchange_honest(&x);
    x.sent[61] = x.sent[17];
    assert_int_equal(oprf_evaluate(x.back, &proof, &bad,
                                   &(struct oprf_evaluate_in){
                                       .key = &x.key, .proof_seed = &seed, .points = {x.sent, N}}),
                     PT_EBADMSG);
    assert_int_equal(bad, 61);
    assert_memory_equal(x.back, zero, sizeof zero);
    /* The search for repeats sorts by four bytes: another element that has them too is none, and
     * hides none. */
    exchange_honest(&x);
    memcpy(x.sent[5].b + 1, x.sent[3].b + 1, 4);
    x.sent[5].b[31] |= 0x80; /* no point any more */
    assert_int_equal(oprf_evaluate(x.back, &proof, &bad,
                                   &(struct oprf_evaluate_in){
                                       .key = &x.key, .proof_seed = &seed, .points = {x.sent, N}}),
                     PT_EBADMSG);
    assert_int_equal(bad, 5);
    x.sent[9] = x.sent[3];
    assert_int_equal(oprf_evaluate(x.back, &proof, &bad,
                                   &(struct oprf_evaluate_in){
                                       .key = &x.key, .proof_seed = &seed, .points = {x.sent, N}}),
                     PT_EBADMSG);
    assert_int_equal(bad, 9);
}

/* Goal: the prover itself refuses what it could not prove, and leaves no half proof. */
static void prover_checks_its_claim(void **state)
{
    static struct exchange x;
    static const struct dleq_proof zero;
    const struct scalar r = {{9}};
    const struct scalar no_key = {{0}};
    struct dleq_proof proof = {.c = {{1}}};

    (void)state;
    exchange_honest(&x);
    struct group_term *const c = decoded_of(x.sent, N);
    struct group_term *const d = decoded_of(x.back, N);
    struct dleq_claim claim = {&x.key.public_key, {x.sent, N}, {x.back, N}, c, d, NULL};
    assert_int_equal(dleq_prove(&proof, &x.key.k, &r, &claim), PT_OK);
    assert_int_equal(dleq_verify(&proof, &claim), PT_OK);
    claim.d.n = N - 1;
    assert_int_equal(dleq_prove(&proof, &x.key.k, &r, &claim), PT_EBADMSG);
    assert_memory_equal(&proof, &zero, sizeof zero);
    claim.d.n = claim.c.n = OPRF_CHUNK_MAX + 1;
    assert_int_equal(dleq_prove(&proof, &x.key.k, &r, &claim), PT_EBADMSG);
    claim.d.n = claim.c.n = N;
    /* A proof made with another key, even zero, proves nothing about this one. */
    assert_int_equal(dleq_prove(&proof, &no_key, &r, &claim), PT_OK);
    assert_int_equal(dleq_verify(&proof, &claim), PT_EBADMSG);
    group_terms_free(c);
    group_terms_free(d);
}

/* Goal: sizes end where the protocol ends; nothing is read or written beyond. */
static void sizes_are_bounded(void **state)
{
    static uint8_t long_prefix[OPRF_PREFIX_MAX + 1];
    struct span long_span = span_of(long_prefix, sizeof long_prefix);
    struct digest d = digest_of(1);
    struct blind_key blind = {.k = key32_of('b', 1)};
    struct key32 seed = key32_of('p', 1);
    struct oprf_key key = party_key(1);
    struct dleq_proof proof;
    struct point p;
    struct token t;
    size_t bad;

    (void)state;
    assert_int_equal(oprf_blind(&p, &blind, PREFIX, &d, OPRF_CHUNK_MAX + 1, NULL), PT_ELIMIT);
    assert_int_equal(oprf_blind(&p, &blind, long_span, &d, 1, NULL), PT_ELIMIT);
    assert_int_equal(oprf_blind(&p, &blind, PREFIX, &d, 0, NULL), PT_OK);
    long_span.n = OPRF_PREFIX_MAX;
    assert_int_equal(oprf_blind(&p, &blind, long_span, &d, 1, NULL), PT_OK);
    long_span.n++;
    assert_int_equal(oprf_evaluate(&p, &proof, &bad,
                                   &(struct oprf_evaluate_in){.key = &key,
                                                              .proof_seed = &seed,
                                                              .points = {&p, OPRF_CHUNK_MAX + 1}}),
                     PT_ELIMIT);
    assert_int_equal(oprf_evaluate(&p, &proof, &bad,
                                   &(struct oprf_evaluate_in){
                                       .key = &key, .proof_seed = &seed, .points = {&p, 0}}),
                     PT_ELIMIT);
    struct group_term *const term = decoded_of(&key.public_key, 1);
    const struct oprf_finish_in fits = {PREFIX, &d, term, 1, &key.public_key, 1, NULL};
    struct oprf_finish_in in[4] = {fits, fits, fits, fits};
    in[0].n = OPRF_CHUNK_MAX + 1;
    in[1].prefix = long_span;
    in[2].holders = 0;
    in[3].holders = OPRF_HOLDERS_MAX + 1;
    assert_int_equal(oprf_finish(&t, NULL, &blind, fits), PT_OK);
    for (size_t i = 0; i < PT_LEN(in); i++)
        assert_int_equal(oprf_finish(&t, NULL, &blind, in[i]), PT_ELIMIT);
    const struct oprf_again_in many = {&blind, &blind, &key.public_key, term, OPRF_CHUNK_MAX + 1,
                                       NULL};
    assert_int_equal(oprf_blind_again(&p, &many), PT_ELIMIT);
    group_terms_free(term);
    uint8_t *info = calloc(1, UINT16_MAX + 1);
    assert_non_null(info);
    assert_int_equal(oprf_key_derive(&key, &seed, span_of(info, UINT16_MAX + 1)), PT_ELIMIT);
    assert_int_equal(oprf_key_derive(&key, &seed, span_of(info, UINT16_MAX)), PT_OK);
    free(info);
}

/* Goal: finish without an own key is RFC 9497's Finalize; under a key that is no point, nothing comes
 * out, here and between two holders. */
static void finish_two_party(void **state)
{
    static struct exchange x;
    static struct token got[N];
    static const struct token zero[N];
    static const struct point identity;

    (void)state;
    exchange_honest(&x);
    struct group_term *const back = decoded_of(x.back, N);
    struct oprf_finish_in in = {PREFIX, x.in, back, N, &x.key.public_key, 1, NULL};
    assert_int_equal(oprf_finish(got, NULL, &x.blind, in), PT_OK);
    for (size_t i = 0; i < N; i++) {
        const struct span parts[] = {PREFIX, span_of(x.in[i].b, 32)};
        uint8_t wide[64];
        uint8_t output[64];
        struct point h;

        hash_to_wide(wide, HASH_TO_GROUP, parts, 2);
        crypto_core_ristretto255_from_hash(h.b, wide);
        assert_int_equal(crypto_scalarmult_ristretto255(h.b, x.key.k.b, h.b), 0);
        oprf_output(output, PREFIX, parts[1], &h);
        assert_memory_equal(got[i].b, output, 16);
    }
    in.public_key = &identity;
    assert_int_equal(oprf_finish(got, NULL, &x.blind, in), PT_EBADMSG);
    assert_memory_equal(got, zero, sizeof zero);
    struct oprf_again_in again = {&x.blind, &x.blind, &identity, back, N, NULL};
    assert_int_equal(oprf_blind_again(x.sent, &again), PT_EBADMSG);
    for (size_t i = 0; i < N; i++)
        assert_memory_equal(&x.sent[i], &identity, sizeof identity);
    group_terms_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_match_rfc9497),   cmocka_unit_test(proofs_match_rfc9497),
        cmocka_unit_test(split_key_is_the_product), cmocka_unit_test(blinds_follow_their_key),
        cmocka_unit_test(deviations_are_caught),    cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(prover_checks_its_claim),  cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(finish_two_party),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
