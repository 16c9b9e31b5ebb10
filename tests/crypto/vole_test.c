/* Goal: K = M + Gamma * x for every element and digit; drawn vectors and corrections are uniform, and
 * so are the sums that a digit is made of; what is malformed is refused.
 * Method: both sides, the relation worked out with 128-bit division; chi-square over the upper byte of
 * each number; a digit's sums against their definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/digit_sum.h"
#include "crypto/vole.h"
#include "tests/inner_bed.h"

static const struct digest SESSION = {{3}};
static struct ring ring;
static struct vole_prover *prover;
static struct vole_verifier *verifier;
static struct vole_vector mac, key;
static uint8_t correction[VOLE_DIGITS_MAX * RESIDUES_PLANES_MAX];
static uint64_t x[VOLE_LENGTH_MAX];

static void set_up(unsigned bytes)
{
    static uint8_t choices[BASE_OT_MAX * BASE_OT_CHOICE_BYTES];
    static uint8_t trees[32 + VOLE_DIGITS_MAX * GGM_MESSAGE_BYTES];
    bool consistent = false;

    assert_true(ring_init(&ring, bytes));
    assert_int_equal(vole_verifier_new(&verifier, choices, &ring, &SESSION, &(struct key32){{1}}),
                     PT_OK);
    assert_int_equal(vole_prover_new(&prover, trees, &ring, &SESSION,
                                     span_of(choices, vole_choices_bytes(&ring)),
                                     &(struct key32){{2}}),
                     PT_OK);
    assert_int_equal(
        vole_verifier_accept(verifier, &consistent, span_of(trees, vole_trees_bytes(&ring))),
        PT_OK);
    assert_true(consistent);
}
static void tear_down(void)
{
    vole_prover_free(prover);
    vole_verifier_free(verifier);
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128)a * b % ring.q);
}

static void commit(const struct vole_job *job)
{
    const size_t bytes = vole_correction_bytes(&ring, job->n, job->drawn);

    assert_int_equal(vole_commit(&mac, correction, prover, x, job), PT_OK);
    assert_int_equal(vole_keys(&key, verifier, span_of(correction, bytes), job), PT_OK);
}

static void check_relation(const struct vole_job *job)
{
    const struct field2 gamma = vole_gamma(verifier);

    commit(job);
    for (size_t i = 0; i < job->n; i++) {
        const struct field2 m = vole_join(&ring, &mac, i);
        const struct field2 k = vole_join(&ring, &key, i);
        assert_true(x[i] < ring.q);
        assert_int_equal(k.c0, (m.c0 + product(gamma.c0, x[i])) % ring.q);
        assert_int_equal(k.c1, (m.c1 + product(gamma.c1, x[i])) % ring.q);
        for (size_t d = 0; d < vole_digit_count(&ring); d++)
            assert_int_equal(key.digit[d][i],
                             (mac.digit[d][i] + vole_digit_times(verifier, d, x[i])) % ring.q);
    }
}

/* One after the other in one room, which is not wiped between them, they are the same as in rooms of their own. */
static void check_room(const struct vole_job *job, struct vole_room *room)
{
    static uint8_t want[sizeof correction];
    static struct vole_vector keys;
    struct vole_job in_room = *job;
    const size_t bytes = vole_correction_bytes(&ring, job->n, job->drawn);

    memcpy(want, correction, bytes);
    keys = key;
    in_room.room = room;
    commit(&in_room);
    assert_memory_equal(correction, want, bytes);
    assert_memory_equal(&key, &keys, sizeof keys);
}

static void keys_are_macs_plus_gamma_x(void **state)
{
    static const struct vole_job JOBS[] = {{0, 2048, false, NULL, NULL},
                                           {1, 1, false, NULL, NULL},
                                           {2, 33, false, NULL, NULL},
                                           {3, 32, true, NULL, NULL},
                                           {4, 1, true, NULL, NULL}};

    (void)state;
    for (unsigned bytes = 5; bytes <= 6; bytes++) {
        struct vole_room *room;
        set_up(bytes);
        assert_int_equal(vole_room_new(&room), PT_OK);
        for (size_t j = 0; j < PT_LEN(JOBS); j++) {
            for (size_t i = 0; i < VOLE_LENGTH_MAX; i++)
                x[i] = i == 0 ? ring.q - 1 : i == 1 ? 0 : bed_mixed(i) % ring.q;
            check_relation(&JOBS[j]);
            check_room(&JOBS[j], room);
        }
        vole_room_free(room);
        vole_room_free(NULL);
        tear_down();
    }
}

/* 64 cells by the upper six bits: 63 degrees of freedom, 127.6 has probability 2.5e-6. */
static double chi_square(const uint64_t *v, size_t n)
{
    double cells[64] = {0};
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        cells[v[i] >> (8 * ring.coefficient_bytes - 6)]++;
    for (size_t i = 0; i < 64; i++) {
        const double away = cells[i] - (double)n / 64;
        sum += away * away / ((double)n / 64);
    }
    return sum;
}

static void what_travels_is_uniform(void **state)
{
    const struct vole_job job = {0, VOLE_LENGTH_MAX, false, NULL, NULL};
    static uint64_t numbers[64 * 32];
    static uint64_t joined[2][VOLE_LENGTH_MAX];

    (void)state;
    set_up(5);
    memset(x, 0, sizeof x); /* the least uniform vector there is */
    commit(&job);
    for (size_t d = 0; d < vole_digit_count(&ring); d++) {
        residues_read(numbers, &ring, correction + d * residues_bytes(&ring, job.n), job.n);
        assert_true(chi_square(numbers, job.n) < 127.6);
        assert_true(chi_square(mac.digit[d], job.n) < 127.6);
    }
    for (size_t i = 0; i < job.n; i++) {
        joined[0][i] = vole_join(&ring, &mac, i).c0;
        joined[1][i] = vole_join(&ring, &mac, i).c1;
    }
    assert_true(chi_square(joined[0], job.n) < 127.6 && chi_square(joined[1], job.n) < 127.6);
    /* drawn vectors, which become masks */
    for (size_t k = 0; k < 64; k++) {
        commit(&(struct vole_job){1 + k, 32, true, NULL, NULL});
        memcpy(numbers + 32 * k, x, 32 * sizeof *x);
    }
    assert_true(chi_square(numbers, PT_LEN(numbers)) < 127.6);
    tear_down();
}

static void gamma_is_what_the_digits_make(void **state)
{
    (void)state;
    set_up(5);
    const struct field2 gamma = vole_gamma(verifier);
    uint64_t c[2] = {0, 0};
    for (size_t d = 0; d < 10; d++)
        c[d / 5] += vole_digit_times(verifier, d, 1) << 8 * (d % 5);
    assert_int_equal(c[0], gamma.c0);
    assert_int_equal(c[1], gamma.c1);
    tear_down();
}

static void malformed_corrections_are_refused(void **state)
{
    const struct vole_job job = {0, 32, true, NULL, NULL};

    (void)state;
    set_up(5);
    const size_t bytes = vole_correction_bytes(&ring, job.n, true);
    assert_int_equal(bytes, 1440);
    assert_int_equal(vole_commit(&mac, correction, prover, x, &job), PT_OK);
    assert_int_equal(vole_keys(&key, verifier, span_of(correction, bytes - 1), &job), PT_EBADMSG);
    assert_int_equal(vole_keys(&key, verifier, span_of(correction, bytes + 160), &job), PT_EBADMSG);
    for (unsigned p = 0; p < 5; p++)
        correction[8 * 160 + p * 32 + 31] = (uint8_t)(ring.q >> 8 * p);
    assert_int_equal(vole_keys(&key, verifier, span_of(correction, bytes), &job), PT_EBADMSG);
    correction[8 * 160 + 31]--; /* q - 1 */
    assert_int_equal(vole_keys(&key, verifier, span_of(correction, bytes), &job), PT_OK);
    tear_down();
}

static struct prg *leaves[GGM_LEAVES];
static struct key32 keys[GGM_LEAVES];

/* sum P_l and sum l P_l over the leaves but the hole. How many leaves drew a number that was too large. */
static size_t check_sums(size_t n, unsigned hole)
{
    static struct digit_sum sum;
    static uint8_t planes[RESIDUES_PLANES_MAX];
    static uint64_t one[RESIDUES_MAX], u[RESIDUES_MAX], v[RESIDUES_MAX];
    struct digit_leaves in = {NULL, leaves, hole, 17, n};
    size_t replaced = 0;

    memset(u, 0, sizeof u);
    memset(v, 0, sizeof v);
    for (size_t l = 0; l < GGM_LEAVES; l++) {
        assert_int_equal(prg_read(leaves[l], 17, 0, planes, residues_bytes(&ring, n)), PT_OK);
        replaced += !residues_valid(&ring, planes, n);
        assert_int_equal(residues_draw(planes, &ring, leaves[l], 17, n), PT_OK);
        residues_read(one, &ring, planes, n);
        for (size_t i = 0; i < n && l != hole; i++) {
            u[i] = (u[i] + one[i]) % ring.q;
            v[i] = (v[i] + product(l, one[i])) % ring.q;
        }
    }
    for (int wide = 0; wide < 2; wide++) { /* by ciphers, and by keys where the machine can */
        in.keys = wide ? keys : NULL;
        assert_int_equal(digit_sum(&sum, &ring, &in), PT_OK);
        assert_memory_equal(sum.u, u, n * sizeof *u);
        assert_memory_equal(sum.v, v, n * sizeof *v);
    }
    return replaced;
}

static void digits_are_the_sums_they_are_said_to_be(void **state)
{
    (void)state;
    for (size_t l = 0; l < GGM_LEAVES; l++) {
        keys[l] = (struct key32){{(uint8_t)l, 1}};
        assert_int_equal(prg_new(&leaves[l], &keys[l]), PT_OK);
    }
    assert_true(ring_init(&ring, 6));
    for (unsigned hole = 0; hole <= GGM_LEAVES; hole += 64)
        (void)check_sums(40, hole);
    /* 2^32 - q is 12287: some of half a million numbers are replaced. */
    assert_true(ring_init(&ring, 4));
    assert_true(check_sums(RESIDUES_MAX, 255) > 0);
    for (size_t l = 0; l < GGM_LEAVES; l++)
        prg_free(leaves[l]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_macs_plus_gamma_x),
        cmocka_unit_test(what_travels_is_uniform),
        cmocka_unit_test(gamma_is_what_the_digits_make),
        cmocka_unit_test(malformed_corrections_are_refused),
        cmocka_unit_test(digits_are_the_sums_they_are_said_to_be),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
