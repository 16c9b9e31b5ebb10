#include "crypto/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/cpu.h"
#include "crypto/group_backend.h"
#include "tests/decoded.h"
#include "tests/kat.h"

static const uint8_t ORDER[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
enum { MANY = 2 * BACKEND_CHUNK_MAX };

/* Inputs are the same on every run: a stream under a fixed key. */
static void fixed_bytes(void *out, size_t n, uint8_t tag)
{
    uint8_t seed[randombytes_SEEDBYTES] = {tag};

    randombytes_buf_deterministic(out, n, seed);
}

static struct scalar scalar_from(uint64_t v)
{
    struct scalar s = {{0}};

    store_u64le(s.b, v);
    return s;
}

/* Scalars where recoding, halving and carries could go wrong; the rest uniform. */
static void scalars_of(struct scalar *k, size_t n, uint8_t tag)
{
    static uint8_t wide[64 * MANY];

    assert_true(n <= MANY);
    fixed_bytes(wide, 64 * n, tag);
    for (size_t i = 0; i < n; i++)
        crypto_core_ristretto255_scalar_reduce(k[i].b, wide + 64 * i);
    for (size_t i = 0; i < 20 && i < n; i++) {
        k[i] = scalar_from(i);
        if (i >= 10) { /* q - 1 ... q - 10 */
            memcpy(k[i].b, ORDER, 32);
            k[i].b[0] = (uint8_t)(k[i].b[0] - (i - 9));
        }
    }
    for (size_t i = 20; i < 28 && i < n; i++) {
        memset(k[i].b, i < 24 ? 0x88 : 0x77, 32);
        k[i].b[31] = 0x0f & k[i].b[31];
        k[i].b[i] ^= 0xff;
    }
}

static void points_of(struct point *p, size_t n, uint8_t tag)
{
    static uint8_t wide[64 * MANY];

    assert_true(n <= MANY);
    fixed_bytes(wide, 64 * n, tag);
    for (size_t i = 0; i < n; i++)
        crypto_core_ristretto255_from_hash(p[i].b, wide + 64 * i);
}

/* libsodium refuses to return the identity; here it is all zeros. */
static struct point sodium_mul(const struct scalar *k, const struct point *p)
{
    struct point q = {{0}};

    if (crypto_scalarmult_ristretto255(q.b, k->b, p->b) != 0)
        return (struct point){{0}};
    return q;
}

static void multiples_match_rfc9496(void **state)
{
    struct kat k = kat_open("tests/kat/ristretto_multiples.kat");
    uint64_t i = 0;

    (void)state;
    while (kat_next(&k)) {
        struct scalar s = scalar_from(++i);
        struct point got;
        struct point want;

        group_base_mul(&got, &s);
        kat_into(&k, "point", want.b, 32);
        assert_memory_equal(got.b, want.b, 32);
        assert_true(group_check(&want, 1) == GROUP_ALL_GOOD);
    }
    assert_int_equal(k.seen, 15);
    struct scalar zero = scalar_from(0);
    struct point identity;
    group_base_mul(&identity, &zero);
    assert_true(sodium_is_zero(identity.b, 32));
}

/* Goal: every encoding the RFC calls bad is refused, by each function that decodes, wherever it
 * stands, and nothing is given out. The identity is refused too: PROTOCOL.md 0. */
static void bad_encodings_are_refused(void **state)
{
    struct kat k = kat_open("tests/kat/ristretto_bad.kat");
    static struct point p[40];
    static struct point out[40];
    static struct scalar s[40];
    static const struct point zero[40];

    (void)state;
    scalars_of(s, 40, 1);
    for (bool more = true; more;) {
        struct point bad = {{0}};
        size_t at = k.seen % 40;

        more = kat_next(&k);
        if (more)
            kat_into(&k, "point", bad.b, 32);
        points_of(p, 40, 2);
        p[at] = bad;
        assert_int_equal(group_check(p, 40), at);
        assert_int_equal(group_mul(out, &s[30], p, 40), at);
        assert_memory_equal(out, zero, sizeof zero);
        memset(out, 1, sizeof out);
        assert_int_equal(group_mul_each(out, s, p, 40), at);
        assert_memory_equal(out, zero, sizeof zero);
        memset(out, 1, sizeof out);
        assert_int_equal(group_msm_vartime(out, s, p, 40), at);
        assert_memory_equal(out, zero, sizeof zero[0]);
    }
    assert_int_equal(k.seen, 29);
    /* Bit 255: RFC 9496 refuses it, libsodium 1.0.18 does not. */
    points_of(p, 1, 3);
    assert_true(group_check(p, 1) == GROUP_ALL_GOOD);
    p[0].b[31] |= 0x80;
    assert_int_equal(group_check(p, 1), 0);
}

/* Goal: we refuse just what libsodium refuses, bit 255 and the identity aside.
 * Method: random strings, valid ones about one in sixteen, and small even numbers. */
static void check_agrees_with_libsodium(void **state)
{
    static struct point p[2000];
    size_t good = 0;

    (void)state;
    fixed_bytes(p, sizeof p, 4);
    for (size_t i = 0; i < PT_LEN(p); i++) {
        if (i < 500)
            p[i] = (struct point){{(uint8_t)i, (uint8_t)(i >> 8)}};
        p[i].b[31] &= 0x7f;
        bool want = crypto_core_ristretto255_is_valid_point(p[i].b) == 1 && i != 0;
        assert_int_equal(group_check(&p[i], 1) == GROUP_ALL_GOOD, want);
        good += want;
    }
    assert_in_range(good, 50, 800);
}

static void map_matches_rfc9496(void **state)
{
    struct kat k = kat_open("tests/kat/ristretto_map.kat");

    (void)state;
    while (kat_next(&k)) {
        uint8_t wide[1][64];
        struct point got;
        struct point want;

        kat_into(&k, "wide", wide[0], 64);
        kat_into(&k, "point", want.b, 32);
        group_map(&got, (const uint8_t(*)[64])wide, 1);
        assert_memory_equal(got.b, want.b, 32);
    }
    assert_int_equal(k.seen, 11);
}

/* Goal: products equal libsodium's for edge scalars and random ones, in any batch size.
 * Method: MANY is several chunks and a part of one; group_mul also in place. */
static void products_match_libsodium(void **state)
{
    static struct scalar k[MANY];
    static struct point p[MANY];
    static struct point got[MANY];
    static uint8_t wide[MANY][64];

    (void)state;
    scalars_of(k, MANY, 5);
    points_of(p, MANY, 6);
    assert_true(group_mul_each(got, k, p, MANY) == GROUP_ALL_GOOD);
    for (size_t i = 0; i < MANY; i++) {
        struct point want = sodium_mul(&k[i], &p[i]);
        assert_memory_equal(got[i].b, want.b, 32);
    }
    for (size_t n = 0; n < 70; n += 1 + n / 3) {
        memcpy(got, p, sizeof p);
        assert_true(group_mul(got, &k[n], got, n) == GROUP_ALL_GOOD);
        for (size_t i = 0; i < n; i++) {
            struct point want = sodium_mul(&k[n], &p[i]);
            assert_memory_equal(got[i].b, want.b, 32);
        }
        assert_memory_equal(got[n].b, p[n].b, 32);
    }
    struct group_term *const terms = decoded_of(p, MANY);
    group_mul_terms(got, &k[50], terms, MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct point want = sodium_mul(&k[50], &p[i]);
        assert_memory_equal(got[i].b, want.b, 32);
    }
    group_terms_free(terms);
    fixed_bytes(wide, sizeof wide, 7);
    for (size_t i = 0; i < MANY; i++)
        crypto_core_ristretto255_from_hash(p[i].b, wide[i]);
    group_map(got, (const uint8_t(*)[64])wide, MANY);
    assert_memory_equal(got, p, sizeof p);
}

/* Goal: bytes whose map is no sum by the formula, and all that stand beside them, are mapped like others.
 * Method: libsodium, in a batch of several chunks: halves that are zero, equal, opposite, p (zero too); in the first lane, the last, and in two of one chunk. */
static void every_sum_is_encoded(void **state)
{
    static uint8_t wide[MANY][64];
    static struct point got[MANY];
    const uint8_t p_low[32] = {0xed, [31] = 0x7f};

    (void)state;
    fixed_bytes(wide, sizeof wide, 25);
    memset(wide[0], 0, 64);
    memset(wide[MANY - 1], 0, 64);
    memcpy(wide[5], wide[5] + 32, 32);
    memset(wide[6], 0, 32);
    memset(wide[7] + 32, 0, 32);
    for (size_t half = 0; half < 64; half += 32) {
        memset(wide[8] + half, 0xff, 32);
        wide[8][half] = p_low[0];
        wide[8][half + 31] = p_low[31];
    }
    memset(wide[9], 0, 64);
    wide[9][0] = 1; /* 1 and p - 1 */
    memcpy(wide[9] + 32, wide[8], 32);
    wide[9][32]--;
    for (size_t n = MANY; n > 0; n = n / 2) {
        group_map(got, (const uint8_t(*)[64])wide, n);
        for (size_t i = 0; i < n; i++) {
            struct point want;
            crypto_core_ristretto255_from_hash(want.b, wide[i]);
            assert_memory_equal(got[i].b, want.b, 32);
        }
    }
}

/* a + b, the identity too. */
static struct point point_add(struct point a, struct point b)
{
    assert_int_equal(crypto_core_ristretto255_add(a.b, a.b, b.b), 0);
    return a;
}
static struct point point_sub(struct point a, struct point b)
{
    assert_int_equal(crypto_core_ristretto255_sub(a.b, a.b, b.b), 0);
    return a;
}

/* Goal: blinds of edge scalars and random ones are added and taken away, in any batch size, whatever
 * their base; what is left may be the identity.  Method: libsodium's products and sums. */
static void blinds_match_libsodium(void **state)
{
    static struct scalar r[MANY];
    static struct scalar s[MANY];
    static struct point p[MANY];
    static struct point got[MANY];
    static struct point mapped[MANY];
    static uint8_t wide[MANY][64];
    struct group_table *table[2];
    const struct point identity = {{0}};
    struct point base[2];

    (void)state;
    const struct scalar one = scalar_from(1);
    scalars_of(r, MANY, 21);
    scalars_of(s, MANY, 22);
    points_of(p, MANY, 23);
    base[0] = p[7];
    group_base_mul(&base[1], &one);
    assert_int_equal(group_table_new(&table[0], &base[0]), PT_OK);
    assert_int_equal(group_base_table_new(&table[1]), PT_OK);
    const struct group_blind by_r = {table[0], r};
    const struct group_blind by_s = {table[1], s};
    p[60] = sodium_mul(&r[60], &base[0]); /* nothing but its blind */
    struct group_term *const terms = decoded_of(p, MANY);
    fixed_bytes(wide, sizeof wide, 24);
    for (size_t i = 0; i < MANY; i++)
        crypto_core_ristretto255_from_hash(mapped[i].b, wide[i]);
    for (size_t n = MANY; n > 0; n = n / 3) {
        group_map_blind(got, &by_r, (const uint8_t(*)[64])wide, n);
        for (size_t i = 0; i < n; i++) {
            const struct point want =
                point_add(point_add(mapped[i], mapped[i]), sodium_mul(&r[i], &base[0]));
            assert_memory_equal(got[i].b, want.b, 32);
        }
        group_unblind_mul(got, &s[41], &by_r, terms, n);
        for (size_t i = 0; i < n; i++) {
            const struct point left = point_sub(p[i], sodium_mul(&r[i], &base[0]));
            const struct point want =
                sodium_is_zero(left.b, 32) ? identity : sodium_mul(&s[41], &left);
            assert_memory_equal(got[i].b, want.b, 32);
        }
        group_blind_again(got, &by_r, &by_s, terms, n);
        for (size_t i = 0; i < n; i++) {
            const struct point left = point_sub(p[i], sodium_mul(&r[i], &base[0]));
            const struct point want = point_add(point_add(left, left), sodium_mul(&s[i], &base[1]));
            assert_memory_equal(got[i].b, want.b, 32);
        }
    }
    group_terms_free(terms);
    for (size_t i = 0; i < PT_LEN(table); i++)
        free(table[i]);
    assert_int_equal(group_table_new(&table[0], &identity), PT_EBADMSG);
    assert_null(table[0]);
    base[0].b[31] |= 0x80;
    assert_int_equal(group_table_new(&table[0], &base[0]), PT_EBADMSG);
}

/* Goal: sums equal term by term sums.  Method: libsodium's products and additions, for sizes that
 * choose different windows; then sums that cancel, repeated points, zero scalars. */
static void sums_match_libsodium(void **state)
{
    static struct scalar k[MANY];
    static struct point p[MANY];
    struct point got;

    (void)state;
    scalars_of(k, MANY, 8);
    points_of(p, MANY, 9);
    p[40] = p[41] = p[42];
    for (size_t n = 0; n <= MANY; n += n < 8 ? 1 : 71) {
        struct point want = {{0}};
        for (size_t i = 0; i < n; i++) {
            struct point t = sodium_mul(&k[i], &p[i]);
            assert_int_equal(crypto_core_ristretto255_add(want.b, want.b, t.b), 0);
        }
        assert_true(group_msm_vartime(&got, k, p, n) == GROUP_ALL_GOOD);
        assert_memory_equal(got.b, want.b, 32);
    }
    const struct point same[2] = {p[0], p[0]};
    const struct scalar opposite[2] = {k[3], k[12]}; /* 3 and q - 3 */
    assert_true(group_msm_vartime(&got, opposite, same, 2) == GROUP_ALL_GOOD);
    assert_true(sodium_is_zero(got.b, 32));
}

/* Goal: sums are right where buckets are as unlike as can be: all points in one of each window, all in one of
 * the lowest, one point alone, every other.
 * Method: scalar * (sum of the points) by libsodium. */
static void skewed_sums_match_libsodium(void **state)
{
    static struct scalar k[MANY];
    static struct point p[MANY];
    const struct scalar one = scalar_from(1);
    struct scalar any;

    (void)state;
    scalars_of(k, MANY, 8);
    points_of(p, MANY, 9);
    any = k[MANY - 1];
    for (int kind = 0; kind < 4; kind++) {
        struct point all = {{0}};
        struct point got;
        for (size_t i = 0; i < MANY; i++) {
            const bool in = kind == 2 ? i == MANY - 1 : kind < 2 || i % 2 == 0;
            k[i] = !in ? scalar_from(0) : kind == 0 ? any : one;
            if (in)
                assert_int_equal(crypto_core_ristretto255_add(all.b, all.b, p[i].b), 0);
        }
        const struct point want = sodium_mul(kind == 0 ? &any : &one, &all);
        assert_true(group_msm_vartime(&got, k, p, MANY) == GROUP_ALL_GOOD);
        assert_memory_equal(got.b, want.b, 32);
    }
}

/* Goal: a large sum, where windows are widest, is right.
 * Method: sum over i of k_i * (j_i * B) = (sum k_i * j_i) * B with small multiples of B. */
static void large_sum_is_right(void **state)
{
    enum { N = 20000 };
    struct scalar *k = calloc(N, sizeof *k);
    struct point *p = calloc(N, sizeof *p);
    uint8_t(*wide)[64] = calloc(N, sizeof *wide);
    struct scalar sum = scalar_from(0);
    struct point table[16];
    struct point got;
    struct point want;

    (void)state;
    assert_true(k != NULL && p != NULL && wide != NULL);
    fixed_bytes(wide, N * sizeof *wide, 10);
    for (uint64_t j = 0; j < 16; j++) {
        struct scalar s = scalar_from(j + 1);
        assert_int_equal(crypto_scalarmult_ristretto255_base(table[j].b, s.b), 0);
    }
    for (size_t i = 0; i < N; i++) {
        struct scalar j = scalar_from(1 + i % 16);
        crypto_core_ristretto255_scalar_reduce(k[i].b, wide[i]);
        p[i] = table[i % 16];
        crypto_core_ristretto255_scalar_mul(j.b, j.b, k[i].b);
        crypto_core_ristretto255_scalar_add(sum.b, sum.b, j.b);
    }
    assert_int_equal(crypto_scalarmult_ristretto255_base(want.b, sum.b), 0);
    assert_true(group_msm_vartime(&got, k, p, N) == GROUP_ALL_GOOD);
    assert_memory_equal(got.b, want.b, 32);
    free(k);
    free(p);
    free(wide);
}

static const struct group_backend *const VECTORS[] = {&GROUP_AVX2, &GROUP_IFMA};
static const enum cpu_path VECTOR_PATH[] = {CPU_AVX2, CPU_IFMA};

/* n points of a back-end that takes fewer at once. */
static void mul_in_chunks(const struct group_backend *b, struct point *out, const struct scalar *k,
                          const struct point *in, size_t n)
{
    for (size_t at = 0; at < n; at += b->chunk) {
        const size_t m = n - at < b->chunk ? n - at : b->chunk;
        assert_int_equal(b->mul(out + at, k + at, 1, in + at, m), m);
    }
}

/* A back-end's own tables and terms, for what it computes from them. */
struct tabled {
    const struct group_backend *b;
    const struct scalar *k;
    const uint8_t (*wide)[64];
    struct group_table base[2];
    struct group_term term[MANY];
};

static void tabled_lay(struct tabled *t, const struct group_backend *b, const struct scalar *k,
                       const struct point *p, const uint8_t (*wide)[64])
{
    t->b = b;
    t->k = k;
    t->wide = wide;
    for (size_t i = 0; i < 2; i++)
        assert_true(b->table(&t->base[i], &p[i]));
    assert_int_equal(b->terms_vartime(t->term, p, MANY), MANY);
}

enum { TABLED = 4 };
/* n <= chunk points from the n-th on, in each of TABLED ways. */
static void tabled_run(struct point out[TABLED][BACKEND_CHUNK_MAX], const struct tabled *t,
                       size_t from, size_t n)
{
    const struct group_blind one = {&t->base[0], t->k + from};
    const struct group_blind two = {&t->base[1], t->k + from / 2};

    t->b->mul_terms(out[0], &t->k[from], t->term + from, n);
    t->b->map_blind(out[1], &one, t->wide + from, n);
    t->b->unblind_mul(out[2], &t->k[from], &one, t->term + from, n);
    t->b->blind_again(out[3], &one, &two, t->term + from, n);
}

static void tabled_agree(const struct tabled *t, const struct tabled *ours, size_t n)
{
    static struct point got[TABLED][BACKEND_CHUNK_MAX];
    static struct point want[TABLED][BACKEND_CHUNK_MAX];

    tabled_run(got, t, n, n);
    for (size_t i = 0; i < n; i += n / 3 + 1) {
        const struct group_blind one = {&ours->base[0], ours->k + n + i};
        const struct group_blind two = {&ours->base[1], ours->k + n / 2 + i};
        const struct group_term *in = ours->term + n + i;

        ours->b->mul_terms(want[0], &ours->k[n], in, 1);
        ours->b->map_blind(want[1], &one, ours->wide + n + i, 1);
        ours->b->unblind_mul(want[2], &ours->k[n], &one, in, 1);
        ours->b->blind_again(want[3], &one, &two, in, 1);
        for (size_t way = 0; way < TABLED; way++)
            assert_memory_equal(&got[way][i], &want[way][0], sizeof **want);
    }
}

static void backend_agrees(const struct group_backend *b)
{
    static struct scalar k[2 * BACKEND_CHUNK_MAX];
    static struct point p[2 * BACKEND_CHUNK_MAX];
    static uint8_t wide[2 * BACKEND_CHUNK_MAX][64];
    static struct point want[2 * BACKEND_CHUNK_MAX];
    struct point got[BACKEND_CHUNK_MAX];
    static struct point mapped[2 * BACKEND_CHUNK_MAX];
    static struct tabled ours;
    static struct tabled theirs;

    scalars_of(k, PT_LEN(k), 11);
    points_of(p, PT_LEN(p), 12);
    fixed_bytes(wide, sizeof wide, 13);
    memset(wide[3], 0xff, 64);
    memset(wide[4], 0, 64);
    mul_in_chunks(&GROUP_PORTABLE, want, k, p, PT_LEN(p));
    for (size_t i = 0; i < PT_LEN(p); i++)
        GROUP_PORTABLE.map(&mapped[i], (const uint8_t(*)[64])wide + i, 1);
    assert_in_range(b->chunk, 8, BACKEND_CHUNK_MAX);
    tabled_lay(&ours, &GROUP_PORTABLE, k, p, (const uint8_t(*)[64])wide);
    tabled_lay(&theirs, b, k, p, (const uint8_t(*)[64])wide);
    for (size_t n = 1; n <= b->chunk; n++) {
        const uint8_t(*w)[64] = (const uint8_t(*)[64])wide + n;

        assert_int_equal(b->mul(got, k + n, 1, p + n, n), n);
        assert_memory_equal(got, want + n, n * sizeof *got);
        b->map(got, w, n);
        assert_memory_equal(got, mapped + n, n * sizeof *got);
        tabled_agree(&theirs, &ours, n);
        struct point good = p[2 * n - 1];
        p[2 * n - 1].b[0] ^= 1;
        assert_int_equal(b->check(p + n, n), n - 1);
        assert_int_equal(b->mul(got, k, 0, p + n, n), n - 1);
        p[2 * n - 1] = good;
    }
    struct kat bad = kat_open("tests/kat/ristretto_bad.kat");
    while (kat_next(&bad)) {
        size_t at = bad.seen;
        struct point good = p[at];
        kat_into(&bad, "point", p[at].b, 32);
        assert_int_equal(b->check(p, b->chunk), at);
        p[at] = good;
    }
    assert_int_equal(bad.seen, 29);
}

/* Goal: every back-end that this machine can run gives the same bytes, for every fill of a chunk.
 * Method: chunk by chunk against the portable one, which the tests above tie to libsodium when it
 * is the one chosen (PATTO_CPU=portable); edge scalars, malformed points at every place. */
static void backends_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < PT_LEN(VECTORS); i++) {
        if (cpu_usable(VECTOR_PATH[i]))
            backend_agrees(VECTORS[i]);
        else
            print_message("not on this machine: %s\n", VECTORS[i]->name);
    }
}

static void additions_match_libsodium(void **state)
{
    enum { N = 9 };
    struct point a[N];
    struct point b[N];
    struct point out[N];
    struct point want;
    static const struct point zero[N];

    (void)state;
    for (size_t i = 0; i < N; i++) {
        crypto_core_ristretto255_random(a[i].b);
        crypto_core_ristretto255_random(b[i].b);
    }
    memset(b[3].b, 0, sizeof b[3].b); /* the identity is a point here */
    b[4] = a[4];
    assert_int_equal(group_add_each(out, a, b, N), GROUP_ALL_GOOD);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(crypto_core_ristretto255_sub(want.b, out[i].b, b[i].b), 0);
        assert_memory_equal(&want, &a[i], sizeof want);
    }
    assert_memory_equal(&out[3], &a[3], sizeof out[3]);
    memcpy(out, a, sizeof out);
    assert_int_equal(group_sub_each(out, out, b, N), GROUP_ALL_GOOD);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(crypto_core_ristretto255_add(want.b, out[i].b, b[i].b), 0);
        assert_memory_equal(&want, &a[i], sizeof want);
    }
    assert_memory_equal(&out[4], &zero[4], sizeof out[4]);
    memset(b[7].b, 0xff, sizeof b[7].b);
    assert_int_equal(group_add_each(out, a, b, N), 7);
    assert_memory_equal(out, zero, sizeof zero);
    assert_int_equal(group_sub_each(out, b, a, N), 7);
    assert_memory_equal(out, zero, sizeof zero);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiples_match_rfc9496),
        cmocka_unit_test(bad_encodings_are_refused),
        cmocka_unit_test(check_agrees_with_libsodium),
        cmocka_unit_test(map_matches_rfc9496),
        cmocka_unit_test(products_match_libsodium),
        cmocka_unit_test(sums_match_libsodium),
        cmocka_unit_test(skewed_sums_match_libsodium),
        cmocka_unit_test(large_sum_is_right),
        cmocka_unit_test(backends_agree),
        cmocka_unit_test(every_sum_is_encoded),
        cmocka_unit_test(additions_match_libsodium),
        cmocka_unit_test(blinds_match_libsodium),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
