#include <string.h>

#include "crypto/dleq.h"
#include "crypto/oprf.h"
#include "tests/ct/secret.h"

enum { N = 3 };
static struct digest digests[N];
static struct blind_key blind;
static struct oprf_key key;
static struct key32 seed;
static struct point sent[N], back[N];
static struct dleq_proof proof;
static struct token tokens[N];
static struct group_term *sent_terms, *back_terms;
static struct point public_key;
static const struct span PREFIX = {(const uint8_t *)"patto-id-v1", 11};

static void prepare(void)
{
    size_t bad;

    for (size_t i = 0; i < N; i++)
        digests[i].b[0] = (uint8_t)i;
    (void)!oprf_key_derive(&key, &seed, PREFIX);
    (void)!oprf_blind(sent, &blind, PREFIX, digests, N, NULL);
    (void)!oprf_evaluate(
        back, &proof, &bad,
        &(struct oprf_evaluate_in){.key = &key, .proof_seed = &seed, .points = {sent, N}});
    group_terms_free(sent_terms);
    group_terms_free(back_terms);
    (void)!group_terms_new(&sent_terms, N);
    (void)!group_terms_new(&back_terms, N);
    (void)!group_decode_vartime(sent_terms, sent, N);
    (void)!group_decode_vartime(back_terms, back, N);
    public_key = key.public_key;
}

static void finish(void)
{
    (void)!oprf_finish(
        tokens, &key, &blind,
        (struct oprf_finish_in){PREFIX, digests, back_terms, N, &public_key, 1, NULL});
}

static void again_blinds(void)
{
    prepare();
    struct blind_key next = blind;
    ct_secret(&blind, sizeof blind);
    ct_secret(&next, sizeof next);
    (void)!oprf_blind_again(
        sent, &(struct oprf_again_in){&blind, &next, &public_key, back_terms, N, NULL});
}

static void key_seed(void)
{
    ct_secret(&seed, sizeof seed);
    (void)!oprf_key_derive(&key, &seed, PREFIX);
}

static void blind_digest(void)
{
    prepare();
    ct_secret(digests, sizeof digests);
    (void)!oprf_blind(sent, &blind, PREFIX, digests, N, NULL);
}

static void blind_blind(void)
{
    prepare();
    ct_secret(&blind, sizeof blind);
    (void)!oprf_blind(sent, &blind, PREFIX, digests, N, NULL);
}

static void evaluate_key(void)
{
    size_t bad;

    prepare();
    ct_secret(&key.k, sizeof key.k);
    key.k.b[31] &= 0x0f;
    (void)!oprf_evaluate(
        back, &proof, &bad,
        &(struct oprf_evaluate_in){.key = &key, .proof_seed = &seed, .points = {sent, N}});
}

static void evaluate_seed(void)
{
    size_t bad;

    prepare();
    ct_secret(&seed, sizeof seed);
    (void)!oprf_evaluate(
        back, &proof, &bad,
        &(struct oprf_evaluate_in){.key = &key, .proof_seed = &seed, .points = {sent, N}});
}

static void prove(const struct scalar *r)
{
    const struct dleq_claim claim = {&public_key, {sent, N}, {back, N}, sent_terms, NULL, NULL};

    (void)!dleq_prove(&proof, &key.k, r, &claim);
}

static void prove_key(void)
{
    const struct scalar r = {{5}};

    prepare();
    ct_secret(&key.k, sizeof key.k);
    key.k.b[31] &= 0x0f;
    prove(&r);
}

static void prove_nonce(void)
{
    struct scalar r;

    prepare();
    ct_secret(&r, sizeof r);
    r.b[31] &= 0x0f;
    prove(&r);
}

static void finish_key(void)
{
    prepare();
    ct_secret(&key.k, sizeof key.k);
    key.k.b[31] &= 0x0f;
    finish();
}

static void finish_blind(void)
{
    prepare();
    ct_secret(&blind, sizeof blind);
    finish();
}

static void finish_digest(void)
{
    prepare();
    ct_secret(digests, sizeof digests);
    finish();
}

int main(int argc, char **argv)
{
    static const struct ct_case CASES[] = {
        {"key-seed", key_seed},           {"blind-digest", blind_digest},
        {"blind-blind", blind_blind},     {"evaluate-key", evaluate_key},
        {"evaluate-seed", evaluate_seed}, {"prove-key", prove_key},
        {"prove-nonce", prove_nonce},     {"finish-key", finish_key},
        {"finish-blind", finish_blind},   {"finish-digest", finish_digest},
        {"again-blinds", again_blinds},
    };

    return ct_main(argc, argv, CASES, sizeof CASES / sizeof CASES[0]);
}
