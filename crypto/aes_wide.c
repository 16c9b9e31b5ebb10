/* Compiled with VAES and AVX-512 (Makefile, CFLAGS_ARCH), and run only where there are both. */
#include "crypto/aes_wide.h"

#include <assert.h>

#include "crypto/cpu.h"

#ifdef __VAES__

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

enum { VAES_BIT = 1 << 9 }; /* leaf 7, ECX */
enum { ROUNDS = 14, ROWS = 8, ROW_BLOCKS = 4, STEP = 16 * ROW_BLOCKS * ROWS };
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

/* By CPUID itself: clang 14 knows no name for it. That the system keeps the registers is part of the
 * path. Asked once, for hypervisors take their time over it. */
bool aes_wide_usable(void)
{
    static atomic_int answer; /* an answer plus one; racing threads answer alike */
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    if (answer == 0)
        answer = 1 + (cpu_path() == CPU_IFMA && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
                      (c & VAES_BIT) != 0);
    return answer == 2;
}

struct schedule { /* secret; a round key a row, in each of the four blocks */
    __m512i key[ROUNDS + 1];
};
PT_SECRET_TYPE(schedule);

/* FIPS 197 5.2: each word is added to all that follow it in its four, then comes the new one. */
INLINE __m128i next_key(__m128i k, __m128i word)
{
    k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
    k = _mm_xor_si128(k, _mm_slli_si128(k, 8));
    return _mm_xor_si128(k, word);
}
#define EVEN(k0, k1, rcon)                                                                         \
    next_key(k0, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k1, rcon), 0xff))
#define ODD(k1, k2) next_key(k1, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k2, 0), 0xaa))

INLINE void expand(struct schedule *s, const struct key32 *key)
{
    __m128i k[ROUNDS + 1];

    k[0] = _mm_loadu_si128((const __m128i *)(const void *)key->b);
    k[1] = _mm_loadu_si128((const __m128i *)(const void *)(key->b + 16));
    k[2] = EVEN(k[0], k[1], 0x01);
    k[3] = ODD(k[1], k[2]);
    k[4] = EVEN(k[2], k[3], 0x02);
    k[5] = ODD(k[3], k[4]);
    k[6] = EVEN(k[4], k[5], 0x04);
    k[7] = ODD(k[5], k[6]);
    k[8] = EVEN(k[6], k[7], 0x08);
    k[9] = ODD(k[7], k[8]);
    k[10] = EVEN(k[8], k[9], 0x10);
    k[11] = ODD(k[9], k[10]);
    k[12] = EVEN(k[10], k[11], 0x20);
    k[13] = ODD(k[11], k[12]);
    k[14] = EVEN(k[12], k[13], 0x40);
    for (size_t i = 0; i <= ROUNDS; i++)
        s->key[i] = _mm512_broadcast_i32x4(k[i]);
    explicit_bzero(k, sizeof k);
}

/* Blocks `counter` and the 31 after it. */
INLINE void step(uint8_t *out, const struct schedule *s, __m512i counter)
{
    const __m512i four = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    __m512i x[ROWS];

    UNROLL
    for (int i = 0; i < ROWS; i++) {
        x[i] = _mm512_xor_si512(counter, s->key[0]);
        counter = _mm512_add_epi64(counter, four);
    }
    for (int round = 1; round < ROUNDS; round++) {
        UNROLL
        for (int i = 0; i < ROWS; i++)
            x[i] = _mm512_aesenc_epi128(x[i], s->key[round]);
    }
    UNROLL
    for (int i = 0; i < ROWS; i++)
        _mm512_storeu_si512(out + (size_t)64 * (size_t)i,
                            _mm512_aesenclast_epi128(x[i], s->key[ROUNDS]));
}

void aes_wide_stream(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n)
{
    const long long stream = (long long)nonce;
    const __m512i more = _mm512_set_epi64(0, 32, 0, 32, 0, 32, 0, 32);
    __m512i counter = _mm512_set_epi64(stream, 3, stream, 2, stream, 1, stream, 0);
    PT_WIPED(schedule) s;
    uint8_t last[STEP];
    size_t at = 0;

    expand(&s, key);
    for (; n - at >= STEP; at += STEP, counter = _mm512_add_epi64(counter, more))
        step(out + at, &s, counter);
    if (at == n)
        return;
    step(last, &s, counter);
    memcpy(out + at, last, n - at);
    explicit_bzero(last, sizeof last);
}

#else

bool aes_wide_usable(void)
{
    return false;
}

void aes_wide_stream(uint8_t *out, const struct key32 *key, uint64_t nonce, size_t n)
{
    (void)key, (void)nonce;
    memset(out, 0, n);
    assert(false); /* aes_wide_usable() says no */
}

#endif
