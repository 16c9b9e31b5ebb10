/* Goal: a block's values come back as they were, whatever stands beside them, in a quarter of the bytes.
 * Method: each of the 81 ways in which four values share a byte, at every place of a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/columns_fixture.h"

enum { BLOCKS = 3 };

static void blocks_come_back(void **state)
{
    static int8_t values[BLOCKS * RLWE_DEGREE];
    static uint8_t packed[BLOCKS * PACKED_BLOCK];
    int8_t out[RLWE_DEGREE];

    (void)state;
    for (size_t i = 0; i < sizeof values; i++) {
        const size_t byte = i % PACKED_BLOCK;
        const size_t part = i % RLWE_DEGREE / PACKED_BLOCK;
        static const size_t THREES[] = {1, 3, 9, 27};
        values[i] = (int8_t)((int)((byte + i / RLWE_DEGREE) / THREES[part] % 3) - 1);
    }
    fixture_pack(packed, values, BLOCKS);
    for (uint64_t k = 0; k < BLOCKS; k++) {
        packed_block(out, packed, k);
        assert_memory_equal(out, values + k * RLWE_DEGREE, sizeof out);
    }
}

static void bytes_are_as_described(void **state)
{
    static int8_t values[RLWE_DEGREE];
    uint8_t packed[PACKED_BLOCK];

    (void)state;
    values[7] = -1;
    values[512 + 7] = 1;
    values[1536 + 7] = 1;
    fixture_pack(packed, values, 1);
    for (size_t i = 0; i < sizeof packed; i++)
        assert_int_equal(packed[i], i == 7 ? 0 + (2 << 2) + (1 << 4) + (2 << 6) : 0x55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back),
        cmocka_unit_test(bytes_are_as_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
