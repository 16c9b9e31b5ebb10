#include "crypto/oprf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/hash_to_group.h"
#include "tests/decoded.h"

static const struct span PREFIX = {(const uint8_t *)"patto-id-v1 test", 16};

/* The last part first, as if each had a thread of its own. */
static void backwards(void *self, size_t count, void (*part)(void *, size_t), void *context)
{
    *(size_t *)self += count;
    for (size_t i = count; i-- > 0;)
        part(context, i);
}

/* Goal: a chunk's parts fit together, whoever computes them and in whatever order.
 * Method: more than two parts; tokens at their edges computed by libsodium one by one; each side
 * alone against each side in parts. */
static void parts_are_one_chunk(void **state)
{
    enum { MANY = 1100, BAD = 700 }; /* parts of 480 */
    static const size_t EDGES[] = {0, 479, 480, 959, 960, MANY - 1};
    struct digest *in = calloc(MANY, sizeof *in);
    struct point *sent[2] = {calloc(MANY, sizeof **sent), calloc(MANY, sizeof **sent)};
    struct point *back[2] = {calloc(MANY, sizeof **back), calloc(MANY, sizeof **back)};
    struct token *got = calloc(MANY, sizeof *got);
    struct oprf_key key;
    const struct blind_key blind = {.k = {{1}}};
    const struct key32 seed = {{2}};
    struct dleq_proof proof[2];
    size_t ran = 0;
    size_t bad;
    const struct parallel threads = {&ran, 3, backwards};

    struct group_term *decoded;

    (void)state;
    assert_int_equal(group_terms_new(&decoded, MANY), PT_OK);
    assert_int_equal(oprf_key_derive(&key, &seed, PREFIX), PT_OK);
    for (size_t i = 0; i < MANY; i++)
        store_u64le(in[i].b, i);
    for (size_t i = 0; i < 2; i++) {
        const struct parallel *who = i == 0 ? NULL : &threads;
        const struct oprf_evaluate_in ask = {&key, &seed, {sent[i], MANY}, who};
        assert_int_equal(oprf_blind(sent[i], &blind, PREFIX, in, MANY, who), PT_OK);
        assert_int_equal(oprf_evaluate(back[i], &proof[i], &bad, &ask), PT_OK);
        const struct oprf_verify_in check = {
            &key.public_key, {sent[i], MANY}, {back[i], MANY}, &proof[i], i == 0 ? &threads : NULL};
        assert_int_equal(oprf_verify(decoded, &check), PT_OK);
    }
    /* Blinding, multiplying, decoding twice, weights on both sides: all in parts. */
    assert_int_equal(ran, 6 * 3);
    assert_memory_equal(sent[0], sent[1], MANY * sizeof **sent);
    assert_memory_equal(back[0], back[1], MANY * sizeof **back);
    assert_memory_equal(&proof[0], &proof[1], sizeof proof[0]);
    const struct oprf_finish_in all = {PREFIX, in, decoded, MANY, &key.public_key, 1, &threads};
    assert_int_equal(oprf_finish(got, NULL, &blind, all), PT_OK);
    const struct blind_key next = {.k = {{3}}};
    const struct oprf_again_in again[2] = {
        {&blind, &next, &key.public_key, decoded, MANY, NULL},
        {&blind, &next, &key.public_key, decoded, MANY, &threads}};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(oprf_blind_again(sent[i], &again[i]), PT_OK);
    assert_memory_equal(sent[0], sent[1], MANY * sizeof **sent);
    for (size_t i = 0; i < PT_LEN(EDGES); i++) {
        const struct span parts[] = {PREFIX, span_of(in[EDGES[i]].b, 32)};
        uint8_t wide[64];
        uint8_t output[64];
        struct point h;

        hash_to_wide(wide, HASH_TO_GROUP, parts, 2);
        crypto_core_ristretto255_from_hash(h.b, wide);
        assert_int_equal(crypto_scalarmult_ristretto255(h.b, key.k.b, h.b), 0);
        oprf_output(output, PREFIX, parts[1], &h);
        assert_memory_equal(got[EDGES[i]].b, output, 16);
    }
    /* The first malformed point is named, not the one that was met first. */
    sent[1][BAD].b[0] ^= 1;
    sent[1][MANY - 1].b[0] ^= 1;
    const struct oprf_evaluate_in ask = {&key, &seed, {sent[1], MANY}, &threads};
    assert_int_equal(oprf_evaluate(back[1], &proof[1], &bad, &ask), PT_EBADMSG);
    assert_int_equal(bad, BAD);
    assert_true(sodium_is_zero((const uint8_t *)back[1], MANY * sizeof **back));
    group_terms_free(decoded);
    free(in);
    free(got);
    for (size_t i = 0; i < 2; i++) {
        free(sent[i]);
        free(back[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_one_chunk),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
