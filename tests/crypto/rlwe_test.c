#include "crypto/rlwe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/inner.h"
#include "tests/kat.h"

static const struct digest PUBLIC = {{42}};

static struct rlwe *made(struct rlwe_shape shape)
{
    struct rlwe *c = NULL;
    struct pt_err err = {0};
    assert_int_equal(rlwe_new(&c, &shape, &PUBLIC, &err), PT_OK);
    return c;
}

static struct rlwe_key *key_made(const struct rlwe *c, uint8_t tag)
{
    struct rlwe_key *k = NULL;
    assert_int_equal(rlwe_key_new(&k, c, &(struct key32){{tag}}), PT_OK);
    return k;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return sodium_is_zero(p, n) == 1;
}

static int8_t trit(size_t i)
{
    return (int8_t)((int)((i * 2654435761U >> 11) % 3) - 1);
}

/* Goal: bytes agree with an independent implementation. Method: tests/kat/lattice.py. */
static void expansion_and_columns_match_vectors(void **state)
{
    struct kat k = kat_open("tests/kat/lattice.kat");
    static uint64_t a[RLWE_DEGREE];
    static uint8_t column[2 * 6 * RLWE_DEGREE];
    static int8_t values[RLWE_DEGREE];
    uint8_t hash[32];

    (void)state;
    for (size_t i = 0; i < 2000; i++)
        values[i] = (int8_t)((int)((i * i + 3 * i) / 2 % 3) - 1);
    while (kat_next(&k)) {
        bool rejection = k.nfields == 4;
        struct rlwe_shape shape = {(enum rlwe_set)(kat_get(&k, "bytes").p[0] - 4), 2000, 10000, 1};
        struct digest public;
        struct pt_err err = {0};
        struct rlwe *c = NULL;
        kat_into(&k, "public", public.b, sizeof public.b);
        uint64_t nonce = rejection ? load_u64le(kat_get(&k, "nonce").p) : 0;
        /* Only a context with that many blocks expands so high a nonce; the stream is the same. */
        shape.slot_count = rejection ? RLWE_DEGREE * (nonce + 1) : 2000;
        assert_int_equal(rlwe_new(&c, &shape, &public, &err), PT_OK);
        assert_int_equal(rlwe_expand(c, nonce, a), PT_OK);
        crypto_hash_sha256(hash, (const uint8_t *)a, sizeof a);
        assert_memory_equal(hash, kat_get(&k, "expanded").p, sizeof hash);
        if (!rejection) {
            struct key32 seed;
            struct rlwe_key *key = NULL;
            kat_into(&k, "column_key", seed.b, sizeof seed.b);
            assert_int_equal(rlwe_key_new(&key, c, &seed), PT_OK);
            assert_int_equal(rlwe_delta(c), 65536);
            for (uint64_t b = 0; b < 2; b++)
                assert_int_equal(rlwe_encrypt_block(column + b * rlwe_block_bytes(c), c, key, b,
                                                    b == 0 ? values : NULL),
                                 PT_OK);
            crypto_hash_sha256(hash, column, rlwe_column_bytes(c));
            assert_memory_equal(hash, kat_get(&k, "column").p, sizeof hash);
            rlwe_key_free(key);
        }
        rlwe_free(c);
    }
    assert_int_equal(k.seen, 5);
}

/* Independent of rlwe.c: PROTOCOL.md 4, "No wrap", in floating point far from the edge's ties. */
static bool fits(double q, double delta, struct rlwe_shape s)
{
    double u = 1;
    while (u * u < (double)s.slot_count * 16384 + 85334)
        u++;
    double noise = delta * (double)s.sigma_max;
    if (noise < (double)inner_noise_min(RLWE_COLUMNS_MAX))
        noise = (double)inner_noise_min(RLWE_COLUMNS_MAX);
    return 2 * (delta * ((double)s.max_abs + 1) + 12 * noise + 12 * u) < q;
}

/* Goal: delta is the largest that fits; one count more and it halves, at last it is refused. */
static void delta_is_the_largest_that_fits(void **state)
{
    static const double Q[] = {4294955009.0, 1099511590913.0, 281474976694273.0};
    struct pt_err err = {0};

    (void)state;
    for (int set = RLWE_P32; set <= RLWE_P48; set++)
        for (unsigned l = 4; l <= 16; l += 3) {
            struct rlwe_shape s = {(enum rlwe_set)set, 4096, 0, 5};
            for (uint64_t bit = (uint64_t)1 << 46; bit > 0; bit >>= 1) {
                s.max_abs |= bit;
                if (!fits(Q[set], (double)((uint64_t)1 << l), s))
                    s.max_abs ^= bit;
            }
            struct rlwe *c = made(s);
            assert_int_equal(rlwe_delta(c), 1 << l);
            rlwe_free(c);
            s.max_abs++;
            enum pt_code rc = rlwe_new(&c, &s, &PUBLIC, &err);
            assert_int_equal(rc, l == 4 ? PT_ELIMIT : PT_OK);
            if (rc == PT_OK)
                assert_int_equal(rlwe_delta(c), 1 << (l - 1));
            else
                assert_non_null(strstr(err.msg, "take a larger set"));
            rlwe_free(c);
        }
}

static void shapes_out_of_range_are_refused(void **state)
{
    static const struct {
        struct rlwe_shape shape;
        enum pt_code rc;
        const char *says;
    } CASES[] = {
        {{RLWE_P40, 0, 1, 1}, PT_ELIMIT, "0 slots"},
        {{RLWE_P40, ((uint64_t)1 << 27) + 1, 1, 1}, PT_ELIMIT, "choose 1 to 2^27"},
        {{RLWE_P40, UINT64_MAX, 1, 1}, PT_ELIMIT, "choose 1 to 2^27"},
        {{RLWE_P48, 1, (uint64_t)1 << 48, 1}, PT_ELIMIT, "under 2^48"},
        {{RLWE_P48, 1, UINT64_MAX, 1}, PT_ELIMIT, "under 2^48"},
        {{RLWE_P48, 1, 1, UINT64_MAX}, PT_ELIMIT, "under 2^48"},
        {{RLWE_P48, 1, 1, (uint64_t)1 << 47}, PT_ELIMIT, "take a larger set"},
        {{(enum rlwe_set)3, 1, 1, 1}, PT_EBUG, "no parameter set"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct rlwe *c = (struct rlwe *)&c;
        struct pt_err err = {0};
        assert_int_equal(rlwe_new(&c, &CASES[i].shape, &PUBLIC, &err), CASES[i].rc);
        assert_non_null(strstr(err.msg, CASES[i].says));
        assert_null(c);
    }
    rlwe_free(NULL);
    rlwe_key_free(NULL);
}

static void sizes_follow_the_slots(void **state)
{
    static const struct {
        uint64_t slots, blocks;
    } CASES[] = {{1, 1}, {2047, 1}, {2048, 1}, {2049, 2}, {1 << 16, 32}, {1 << 27, 1 << 16}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct rlwe *c = made((struct rlwe_shape){RLWE_P48, CASES[i].slots, 1, 1});
        assert_int_equal(rlwe_slot_count(c), CASES[i].slots);
        assert_int_equal(rlwe_block_count(c), CASES[i].blocks);
        assert_int_equal(rlwe_block_bytes(c), 6 * 2048);
        assert_int_equal(rlwe_column_bytes(c), (CASES[i].blocks + 1) * 6 * 2048);
        rlwe_free(c);
    }
}

/* s, coefficient by coefficient: its products with the monomials. */
static void read_secret(int8_t s[RLWE_DEGREE], const struct rlwe *c, const struct rlwe_key *k)
{
    static uint64_t unit[RLWE_DEGREE];

    for (size_t i = 0; i < RLWE_DEGREE; i++) {
        unit[i] = 1;
        uint64_t v = rlwe_key_product(c, k, unit);
        s[i] = (int8_t)(v == 0 ? 0 : v == 1 ? 1 : -1);
        assert_true(v <= 1 || v == rlwe_ring(c)->q - 1);
        unit[i] = 0;
    }
}

/* error[i] = c_i - (a*s)_i - delta*b_i, centred. */
static void read_errors(int *error, const struct rlwe *c, uint64_t block, const int8_t *s,
                        struct span bytes, const int8_t *values)
{
    static uint64_t a[RLWE_DEGREE], product[RLWE_DEGREE];
    const struct ring *r = rlwe_ring(c);

    assert_int_equal(rlwe_expand(c, block, a), PT_OK);
    ring_lift(r, product, s);
    ring_ntt(r, product);
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        product[i] = (uint64_t)((u128)product[i] * a[i] % r->q);
    ring_ntt_inverse(r, product);
    for (size_t i = 0; i < RLWE_DEGREE; i++) {
        i128 v = 0;
        for (size_t p = 0; p < r->coefficient_bytes; p++)
            v |= (i128)bytes.p[p * RLWE_DEGREE + i] << 8 * p;
        v -= (i128)product[i] + (i128)rlwe_delta(c) * (values == NULL ? 0 : values[i]);
        v %= (i128)r->q;
        v = v < 0 ? v + (i128)r->q : v;
        error[i] = (int)(v > (i128)r->q / 2 ? v - (i128)r->q : v);
    }
}

static void check_errors(const double seen[5], double total)
{
    static const double MASS[] = {1 / 16., 4 / 16., 6 / 16., 4 / 16., 1 / 16.};
    double chi = 0;

    for (size_t i = 0; i < 5; i++)
        chi += (seen[i] - MASS[i] * total) * (seen[i] - MASS[i] * total) / (MASS[i] * total);
    assert_true(chi < 33.4);
}

static void check_trits(const int8_t s[RLWE_DEGREE])
{
    double seen[3] = {0}, chi = 0;

    for (size_t i = 0; i < RLWE_DEGREE; i++)
        seen[s[i] + 1]++;
    for (size_t i = 0; i < 3; i++)
        chi += (seen[i] - RLWE_DEGREE / 3.) * (seen[i] - RLWE_DEGREE / 3.) * 3 / RLWE_DEGREE;
    assert_true(chi < 27.7);
}

enum { ERROR_BLOCKS = 16 };

static void check_set(enum rlwe_set set, const int8_t values[ERROR_BLOCKS * RLWE_DEGREE])
{
    static int8_t s[RLWE_DEGREE];
    static uint8_t out[6 * RLWE_DEGREE];
    static int error[RLWE_DEGREE], before[RLWE_DEGREE];
    const uint64_t slots = (uint64_t)ERROR_BLOCKS * RLWE_DEGREE;
    struct rlwe *c = made((struct rlwe_shape){set, slots, 10000, 1});
    struct rlwe_key *k = key_made(c, (uint8_t)(1 + (int)set));
    double seen[5] = {0};

    read_secret(s, c, k);
    for (uint64_t b = 0; b <= ERROR_BLOCKS; b++) {
        const int8_t *block = b == ERROR_BLOCKS ? NULL : values + b * RLWE_DEGREE;
        struct span bytes = {out, rlwe_block_bytes(c)};
        assert_int_equal(rlwe_encrypt_block(out, c, k, b, block), PT_OK);
        assert_true(rlwe_blocks_valid(c, bytes));
        read_errors(error, c, b, s, bytes, block);
        assert_memory_not_equal(error, before, sizeof error);
        memcpy(before, error, sizeof error);
        for (size_t i = 0; i < RLWE_DEGREE; i++) {
            assert_true(error[i] >= -2 && error[i] <= 2);
            seen[error[i] + 2]++;
        }
    }
    check_errors(seen, (ERROR_BLOCKS + 1) * (double)RLWE_DEGREE);
    check_trits(s);
    rlwe_key_free(k);
    rlwe_free(c);
}

/* Goal: c - a*s - delta*b is centred binomial with eta 2, s uniform ternary, blocks independent.
 * Method: chi-square against the exact masses, 99.9999 % points for 4 and 2 degrees. */
static void ciphertexts_have_the_stated_errors(void **state)
{
    static int8_t values[ERROR_BLOCKS * RLWE_DEGREE];

    (void)state;
    for (size_t i = 0; i < sizeof values; i++)
        values[i] = trit(i);
    for (int set = RLWE_P32; set <= RLWE_P48; set++)
        check_set((enum rlwe_set)set, values);
}

static void a_block_is_encrypted_once(void **state)
{
    static int8_t values[RLWE_DEGREE];
    static uint8_t out[5 * RLWE_DEGREE], first[5 * RLWE_DEGREE];
    struct rlwe *c = made((struct rlwe_shape){RLWE_P40, (uint64_t)200 * RLWE_DEGREE, 100, 1});
    struct rlwe_key *k = key_made(c, 1);
    struct rlwe_key *again = key_made(c, 1);

    (void)state;
    for (uint64_t b = 0; b < 3; b++) { /* 64 and 128 share a bit's place with 0, not its word */
        assert_int_equal(rlwe_encrypt_block(out, c, k, 64 * b, values), PT_OK);
        assert_int_equal(rlwe_encrypt_block(first, c, again, 64 * b, values), PT_OK);
        assert_memory_equal(out, first, sizeof out); /* the same seed, the same bytes */
        assert_int_equal(rlwe_encrypt_block(out, c, k, 64 * b, values), PT_ESTATE);
        assert_true(all_zero(out, sizeof out));
    }
    assert_int_equal(rlwe_encrypt_block(out, c, k, 200, NULL), PT_OK);
    assert_int_equal(rlwe_encrypt_block(out, c, k, 200, NULL), PT_ESTATE);
    rlwe_key_free(k);
    k = key_made(c, 2);
    assert_int_equal(rlwe_encrypt_block(out, c, k, 128, values), PT_OK);
    assert_memory_not_equal(out, first, sizeof out); /* another seed, other bytes */
    rlwe_key_free(k);
    rlwe_key_free(again);
    rlwe_free(c);
}

static void wrong_blocks_and_values_are_refused(void **state)
{
    static int8_t values[RLWE_DEGREE];
    static uint8_t out[6 * RLWE_DEGREE];
    struct rlwe *c = made((struct rlwe_shape){RLWE_P40, (uint64_t)2 * RLWE_DEGREE, 100, 1});
    struct rlwe *other_set = made((struct rlwe_shape){RLWE_P48, (uint64_t)2 * RLWE_DEGREE, 100, 1});
    struct rlwe *other_size =
        made((struct rlwe_shape){RLWE_P40, (uint64_t)3 * RLWE_DEGREE, 100, 1});
    struct rlwe_key *k = key_made(c, 1);
    const struct {
        const struct rlwe *c;
        uint64_t block;
        const int8_t *values;
        enum pt_code rc;
    } cases[] = {
        {c, 3, values, PT_ELIMIT},       {c, UINT64_MAX, NULL, PT_ELIMIT},
        {c, 2, values, PT_EBUG},         {c, 0, NULL, PT_EBUG},
        {other_set, 0, values, PT_EBUG}, {other_size, 0, values, PT_EBUG},
    };
    static const int8_t BAD[] = {2, -2, 3, 4, -3, 127, -128};

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        memset(out, 0xa5, sizeof out);
        assert_int_equal(rlwe_encrypt_block(out, cases[i].c, k, cases[i].block, cases[i].values),
                         cases[i].rc);
        assert_true(all_zero(out, rlwe_block_bytes(cases[i].c)));
    }
    for (size_t i = 0; i < PT_LEN(BAD); i++) {
        values[i * 300] = BAD[i];
        memset(out, 0xa5, sizeof out);
        assert_int_equal(rlwe_encrypt_block(out, c, k, 0, values), PT_ELIMIT);
        assert_true(all_zero(out, rlwe_block_bytes(c)));
        values[i * 300] = 0;
    }
    assert_int_equal(rlwe_encrypt_block(out, c, k, 0, values), PT_OK); /* refusals cost nothing */
    rlwe_key_free(k);
    rlwe_free(c);
    rlwe_free(other_set);
    rlwe_free(other_size);
}

/* Goal: exactly the coefficients below q pass, wherever they stand. */
static void coefficients_reach_to_q(void **state)
{
    static uint8_t blocks[2 * 6 * RLWE_DEGREE];

    (void)state;
    for (int set = RLWE_P32; set <= RLWE_P48; set++) {
        struct rlwe *c = made((struct rlwe_shape){(enum rlwe_set)set, 1, 1, 1});
        uint64_t q = rlwe_ring(c)->q;
        unsigned planes = rlwe_ring(c)->coefficient_bytes;
        size_t bytes = rlwe_block_bytes(c);
        const uint64_t tried[] = {q - 1, q, q + 1, ((uint64_t)1 << 8 * planes) - 1, q - 4096};
        static const size_t AT[] = {0, 1000, 2047};
        for (size_t v = 0; v < PT_LEN(tried); v++)
            for (size_t i = 0; i < 2 * PT_LEN(AT); i++) {
                uint8_t *block = blocks + i % 2 * bytes;
                memset(blocks, 0, sizeof blocks);
                for (size_t p = 0; p < planes; p++)
                    block[p * RLWE_DEGREE + AT[i / 2]] = (uint8_t)(tried[v] >> 8 * p);
                assert_int_equal(rlwe_blocks_valid(c, (struct span){blocks, 2 * bytes}),
                                 tried[v] < q);
            }
        memset(blocks, 0, sizeof blocks);
        assert_true(rlwe_blocks_valid(c, (struct span){blocks, 0}));
        assert_false(rlwe_blocks_valid(c, (struct span){blocks, bytes - 1}));
        assert_false(rlwe_blocks_valid(c, (struct span){blocks, bytes + 1}));
        rlwe_free(c);
    }
}

/* That rlwe_key_free() wipes has no case here: sodium_free() wipes and then unmaps the pages, so
 * there is nothing left to look at. The stream within it: prg_test, keys_are_wiped. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expansion_and_columns_match_vectors),
        cmocka_unit_test(delta_is_the_largest_that_fits),
        cmocka_unit_test(shapes_out_of_range_are_refused),
        cmocka_unit_test(sizes_follow_the_slots),
        cmocka_unit_test(ciphertexts_have_the_stated_errors),
        cmocka_unit_test(a_block_is_encrypted_once),
        cmocka_unit_test(wrong_blocks_and_values_are_refused),
        cmocka_unit_test(coefficients_reach_to_q),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
