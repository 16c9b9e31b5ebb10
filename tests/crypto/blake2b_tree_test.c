/* Goal: the tree hash is the specification's, however its bytes are cut, on every code path. Expectations:
 * Python's hashlib (tests/kat/blake2b_tree.py). */
#include "crypto/blake2b_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/cpu.h"
#include "tests/kat.h"

enum { BYTES_MAX = 100000 };
static uint8_t bytes[BYTES_MAX];

static void expect(struct span whole, size_t piece, const uint8_t want[BLAKE2B_TREE_BYTES])
{
    uint8_t got[BLAKE2B_TREE_BYTES];
    struct blake2b_tree h;

    blake2b_tree_begin(&h);
    for (size_t at = 0; at < whole.n; at += piece)
        blake2b_tree_add(&h, span_of(whole.p + at, whole.n - at < piece ? whole.n - at : piece));
    blake2b_tree_add(&h, (struct span){0});
    blake2b_tree_end(got, &h);
    assert_memory_equal(got, want, sizeof got);
}

static void hashes_of_the_specification(void **state)
{
    static const size_t PIECE[] = {1, 127, 128, 896, 897, 1023, 1024, 1025, 1921, 10240, BYTES_MAX};
    struct kat k = kat_open("tests/kat/blake2b_tree.kat");
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(7 * i + (i >> 8));
    for (; kat_next(&k); seen++) {
        const size_t n = load_u32le(kat_get(&k, "bytes").p);
        assert_in_range(n, 0, sizeof bytes);
        for (size_t i = 0; i < PT_LEN(PIECE); i++)
            expect(span_of(bytes, n), PIECE[i], kat_get(&k, "hash").p);
    }
    assert_int_equal(seen, 20);
}

/* Method: states, counters and stripes at random. */
static void back_ends_agree(void **state)
{
    static const struct {
        enum cpu_path path;
        blake2b_tree_run *run;
    } BACK_ENDS[] = {{CPU_AVX2, blake2b_tree_x4}, {CPU_IFMA, blake2b_tree_x8}};
    enum { STRIPES = 5 };

    (void)state;
    for (size_t b = 0; b < PT_LEN(BACK_ENDS); b++) {
        uint64_t want[8][BLAKE2B_TREE_LEAVES];
        uint64_t got[8][BLAKE2B_TREE_LEAVES];
        uint64_t leaf_bytes;
        if (!cpu_usable(BACK_ENDS[b].path)) {
            print_message("not on this machine: %s\n", cpu_path_name(BACK_ENDS[b].path));
            continue;
        }
        for (size_t n = 0; n <= STRIPES; n++) {
            randombytes_buf(bytes, sizeof bytes);
            randombytes_buf(want, sizeof want);
            randombytes_buf(&leaf_bytes, sizeof leaf_bytes);
            memcpy(got, want, sizeof got);
            blake2b_tree_x1(want, leaf_bytes, bytes + n, n);
            BACK_ENDS[b].run(got, leaf_bytes, bytes + n, n);
            assert_memory_equal(got, want, sizeof got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_the_specification),
        cmocka_unit_test(back_ends_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
