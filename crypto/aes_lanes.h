/* aes_lanes.h - AES-256 in counter mode, LANES blocks a register and eight registers at once: the
 * includer defines LANES as 4, 2 or 1 and is compiled for a processor that has them (aes_x4.c, aes_x2.c,
 * aes_x1.c). Constant time: instructions of the processor, no table. */
#ifndef PT_AES_LANES_H
#define PT_AES_LANES_H

#include <immintrin.h>

#include "crypto/aes_wide.h"
#include "crypto/base/wipe.h"

enum { ROUNDS = 14, ROWS = 8, STEP_BLOCKS = LANES * ROWS, STEP = 16 * STEP_BLOCKS };
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

#if LANES == 4
typedef __m512i vec;
INLINE vec all(__m128i x)
{
    return _mm512_broadcast_i32x4(x);
}
#define ADD         _mm512_add_epi64
#define XOR         _mm512_xor_si512
#define STORE(p, x) _mm512_storeu_si512(p, x)
#define ENC         _mm512_aesenc_epi128
#define ENC_LAST    _mm512_aesenclast_epi128
#elif LANES == 2
typedef __m256i vec;
INLINE vec all(__m128i x)
{
    return _mm256_broadcastsi128_si256(x);
}
#define ADD         _mm256_add_epi64
#define XOR         _mm256_xor_si256
#define STORE(p, x) _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define ENC         _mm256_aesenc_epi128
#define ENC_LAST    _mm256_aesenclast_epi128
#else
typedef __m128i vec;
INLINE vec all(__m128i x)
{
    return x;
}
#define ADD         _mm_add_epi64
#define XOR         _mm_xor_si128
#define STORE(p, x) _mm_storeu_si128((__m128i *)(void *)(p), x)
#define ENC         _mm_aesenc_si128
#define ENC_LAST    _mm_aesenclast_si128
#endif

struct schedule { /* secret; a round key a row, in each block */
    vec key[ROUNDS + 1];
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
        s->key[i] = all(k[i]);
    explicit_bzero(k, sizeof k);
}

INLINE vec counters(uint64_t nonce, uint64_t block)
{
    uint64_t words[2 * LANES];
    vec x;

    for (size_t i = 0; i < LANES; i++) {
        words[2 * i] = block + i;
        words[2 * i + 1] = nonce;
    }
    memcpy(&x, words, sizeof x);
    return x;
}

/* Blocks `counter` and those after it. */
INLINE void step(uint8_t *out, const struct schedule *s, vec counter)
{
    const vec more = all(_mm_set_epi64x(0, LANES));
    vec x[ROWS];

    UNROLL
    for (int i = 0; i < ROWS; i++) {
        x[i] = XOR(counter, s->key[0]);
        counter = ADD(counter, more);
    }
    for (int round = 1; round < ROUNDS; round++) {
        UNROLL
        for (int i = 0; i < ROWS; i++)
            x[i] = ENC(x[i], s->key[round]);
    }
    UNROLL
    for (int i = 0; i < ROWS; i++)
        STORE(out + sizeof x[0] * (size_t)i, ENC_LAST(x[i], s->key[ROUNDS]));
}

INLINE void stream(uint8_t *out, const struct key32 *key, uint64_t nonce, uint64_t block, size_t n)
{
    const vec more = all(_mm_set_epi64x(0, STEP_BLOCKS));
    vec counter = counters(nonce, block);
    PT_WIPED(schedule) s;
    uint8_t last[STEP];
    size_t at = 0;

    expand(&s, key);
    for (; n - at >= STEP; at += STEP, counter = ADD(counter, more))
        step(out + at, &s, counter);
    if (at == n)
        return;
    step(last, &s, counter);
    memcpy(out + at, last, n - at);
    explicit_bzero(last, sizeof last);
}

#endif
