/* Goal: vectors are drawn uniformly below q, as the frozen order says, and what reaches q is seen.
 * Method: the definition, word by word from prg_read(); numbers at both sides of q in every place;
 * streams found by search in which a number has to be replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/residues.h"
#include "tests/inner_bed.h"

static struct ring ring;

static void numbers_at_q_are_seen(void **state)
{
    enum { N = 19 };
    uint8_t planes[6 * N];
    uint64_t in[N];
    uint64_t out[N];

    (void)state;
    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        assert_true(ring_init(&ring, bytes));
        const uint64_t top = ((uint64_t)1 << 8 * bytes) - 1;
        const uint64_t around[] = {0,
                                   ring.q - 1,
                                   ring.q,
                                   ring.q + 1,
                                   top,
                                   ring.q - 255,
                                   ring.q - 256,
                                   ring.q + 255,
                                   ring.q + 256,
                                   top - 0xff,
                                   top - 0xffff,
                                   top - 0x10000};
        for (size_t i = 0; i < N * PT_LEN(around); i++) {
            for (size_t k = 0; k < N; k++)
                in[k] = bed_mixed(k) % ring.q;
            in[i % N] = around[i / N];
            residues_write(planes, &ring, in, N);
            residues_read(out, &ring, planes, N);
            assert_memory_equal(in, out, sizeof in);
            assert_int_equal(residues_valid(&ring, planes, N), around[i / N] < ring.q);
        }
    }
}

/* The definition, one number at a time. */
static bool define(uint64_t *out, const struct prg *g, uint64_t nonce, size_t n)
{
    static uint8_t stream[RESIDUES_PLANES_MAX + 4096];
    const unsigned bytes = ring.coefficient_bytes;
    size_t spare = (bytes * n + 15) / 16 * 16;
    bool replaced = false;

    assert_int_equal(prg_read(g, nonce, 0, stream, sizeof stream), PT_OK);
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (unsigned p = 0; p < bytes; p++)
            out[i] |= (uint64_t)stream[p * n + i] << 8 * p;
        while (out[i] >= ring.q) {
            replaced = true;
            out[i] = 0;
            for (unsigned p = 0; p < bytes; p++)
                out[i] |= (uint64_t)stream[spare++] << 8 * p;
        }
    }
    return replaced;
}

static void draws_are_as_defined(void **state)
{
    static const size_t LENGTHS[] = {1, 7, 32, 2047, 2048};
    static uint64_t want[RESIDUES_MAX], got[RESIDUES_MAX];
    static uint8_t planes[RESIDUES_PLANES_MAX];
    int replaced = 0;

    (void)state;
    for (unsigned bytes = 4; bytes <= 6; bytes++) {
        struct prg *g;
        assert_true(ring_init(&ring, bytes));
        assert_int_equal(prg_new(&g, &(struct key32){{(uint8_t)bytes}}), PT_OK);
        /* 2^32 - q is 12287: of 700 vectors of 2048 numbers four have one to replace */
        for (uint64_t nonce = 0; nonce < (bytes == 4 ? 700 : 5); nonce++) {
            const size_t n = nonce < 5 ? LENGTHS[nonce] : RESIDUES_MAX;
            replaced += define(want, g, nonce, n);
            assert_int_equal(residues_draw(planes, &ring, g, nonce, n), PT_OK);
            residues_read(got, &ring, planes, n);
            assert_memory_equal(want, got, n * sizeof *got);
        }
        prg_free(g);
    }
    assert_true(replaced > 0);
}

static void a_broken_cipher_draws_nothing(void **state)
{
    static const uint8_t zero[5 * 8];
    uint8_t planes[5 * 8] = {1};

    (void)state;
    assert_true(ring_init(&ring, 5));
    assert_int_equal(residues_draw(planes, &ring, NULL, 0, 8), PT_EBUG);
    assert_memory_equal(planes, zero, sizeof zero);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_at_q_are_seen),
        cmocka_unit_test(draws_are_as_defined),
        cmocka_unit_test(a_broken_cipher_draws_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
