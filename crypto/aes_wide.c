#include "crypto/aes_wide.h"

#include "crypto/cpu.h"

#include <assert.h>

#ifdef __x86_64__

#include <cpuid.h>
#include <stdatomic.h>

enum { VAES_BIT = 1 << 9, AES_BIT = 1 << 25 }; /* leaf 7, ECX; leaf 1, ECX */
enum { NONE, ONE, TWO, FOUR, WAYS };
static aes_wide_fn *const STREAM[WAYS] = {[ONE] = aes_x1, [TWO] = aes_x2, [FOUR] = aes_x4};

/* By CPUID itself: clang 14 knows no name for VAES. That the system keeps the registers is part of the
 * path. */
static int find_way(enum cpu_path path)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    if (path == CPU_PORTABLE || __get_cpuid(1, &a, &b, &c, &d) == 0 || (c & AES_BIT) == 0)
        return NONE;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (c & VAES_BIT) == 0)
        return ONE;
    return path == CPU_IFMA ? FOUR : TWO;
}

/* Asked once, for hypervisors take their time over it. */
static aes_wide_fn *best(void)
{
    static atomic_int found; /* a way plus one; racing threads find the same */
    int way = found;

    if (way == 0) {
        way = 1 + find_way(cpu_path());
        found = way;
    }
    return STREAM[way - 1];
}

bool aes_wide_runs(unsigned blocks)
{
    const enum cpu_path path = blocks == 4 ? CPU_IFMA : CPU_AVX2;
    const int way = cpu_usable(path) ? find_way(path) : NONE;

    return blocks == 1 ? way >= ONE : blocks == 2 ? way == TWO : way == FOUR;
}

#else

static aes_wide_fn *best(void)
{
    return NULL;
}
bool aes_wide_runs(unsigned blocks)
{
    (void)blocks;
    return false;
}

#endif

bool aes_wide_usable(void)
{
    return best() != NULL;
}

void aes_wide_stream(uint8_t *out, const struct key32 *key, uint64_t nonce, uint64_t block,
                     size_t n)
{
    aes_wide_fn *const stream = best();

    assert(stream != NULL);
    stream(out, key, nonce, block, n);
}
