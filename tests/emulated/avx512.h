/* avx512.h - the AVX-512 instructions that crypto/ uses, in plain C, so that its widest code path is tested
 * on machines without them. Included before a source file (Makefile, EMULATED); slow, and in tests only.
 *
 * What each one does is Intel's, from the pseudo-code of its intrinsics guide. A vector is eight words;
 * `bytes` and `halves` are the same in smaller pieces, little end first. */
#ifndef PT_TESTS_EMULATED_AVX512_H
#define PT_TESTS_EMULATED_AVX512_H

#include <immintrin.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/span.h"

/* All headers are in that look at these or use assembly. The sources keep vectors in registers with it,
 * of which there are none so wide. */
#define __asm__(...)
/* Nor are they worth copies, which take minutes to compile. */
#define always_inline noinline
#undef __AVX512IFMA__
#undef __AVX512VNNI__
#undef __VAES__
#define __AVX512IFMA__ 1
#define __AVX512VNNI__ 1
#define __VAES__       1
/* "avx512...": here, as far as there is AVX2, which the sources use beside it. */
#define __builtin_cpu_supports(x)                                                                  \
    ((x)[3] == '5' ? __builtin_cpu_supports("avx2") : __builtin_cpu_supports(x))

typedef union {
    uint64_t word[8];
    uint32_t half[16];
    uint16_t quarter[32];
    uint8_t byte[64];
    __m128i lane[4];
    __m256i low;
    __m512i v;
} emulated;

#define EMULATED   static __attribute__((noinline, unused))
#define EACH(i, n) for (int i = 0; i < (n); i++)
/* One that takes two vectors word by word. */
#define WORDS(name, expression)                                                                    \
    EMULATED __m512i emulated_##name(__m512i x, __m512i y)                                         \
    {                                                                                              \
        emulated a = {.v = x};                                                                     \
        const emulated b = {.v = y};                                                               \
        EACH(i, 8)                                                                                 \
        a.word[i] = expression;                                                                    \
        return a.v;                                                                                \
    }
WORDS(add_epi64, a.word[i] + b.word[i])
WORDS(sub_epi64, a.word[i] - b.word[i])
WORDS(mullo_epi64, a.word[i] * b.word[i])
WORDS(and_si512, a.word[i] & b.word[i])
WORDS(or_si512, a.word[i] | b.word[i])
WORDS(xor_si512, a.word[i] ^ b.word[i])
WORDS(min_epu64, a.word[i] < b.word[i] ? a.word[i] : b.word[i])
/* By pairs, which are lanes of 128 bits. */
WORDS(unpackhi_epi64, i % 2 == 0 ? a.word[i + 1] : b.word[i])

EMULATED __m512i emulated_unpacklo_epi64(__m512i x, __m512i y)
{
    emulated a = {.v = x};
    const emulated b = {.v = y};

    EACH(i, 4)
    a.word[2 * i + 1] = b.word[2 * i];
    return a.v;
}

EMULATED __m512i emulated_set1_epi64(long long x)
{
    emulated r;

    EACH(i, 8)
    r.word[i] = (uint64_t)x;
    return r.v;
}

EMULATED __m512i emulated_set1_epi8(char x)
{
    emulated r;

    memset(r.byte, x, sizeof r.byte);
    return r.v;
}

EMULATED __m512i emulated_setzero_si512(void)
{
    return emulated_set1_epi64(0);
}

EMULATED __m512i emulated_set_epi64(long long h, long long g, long long f, long long e, long long d,
                                    long long c, long long b, long long a)
{
    const emulated r = {.word = {(uint64_t)a, (uint64_t)b, (uint64_t)c, (uint64_t)d, (uint64_t)e,
                                 (uint64_t)f, (uint64_t)g, (uint64_t)h}};
    return r.v;
}

EMULATED __m512i emulated_loadu_si512(const void *p)
{
    emulated r;

    memcpy(&r, p, sizeof r);
    return r.v;
}

EMULATED void emulated_storeu_si512(void *p, __m512i x)
{
    memcpy(p, &x, sizeof x);
}

EMULATED __m512i emulated_srli_epi64(__m512i x, unsigned n)
{
    emulated a = {.v = x};

    EACH(i, 8)
    a.word[i] = n < 64 ? a.word[i] >> n : 0;
    return a.v;
}

EMULATED __m512i emulated_slli_epi64(__m512i x, unsigned n)
{
    emulated a = {.v = x};

    EACH(i, 8)
    a.word[i] = n < 64 ? a.word[i] << n : 0;
    return a.v;
}

EMULATED __m512i emulated_sll_epi64(__m512i x, __m128i n)
{
    return emulated_slli_epi64(x, (unsigned)_mm_cvtsi128_si64(n));
}

EMULATED __m512i emulated_srli_epi16(__m512i x, unsigned n)
{
    emulated a = {.v = x};

    EACH(i, 32)
    a.quarter[i] = (uint16_t)(a.quarter[i] >> n);
    return a.v;
}

EMULATED __m512i emulated_add_epi8(__m512i x, __m512i y)
{
    emulated a = {.v = x};
    const emulated b = {.v = y};

    EACH(i, 64)
    a.byte[i] = (uint8_t)(a.byte[i] + b.byte[i]);
    return a.v;
}

EMULATED __m512i emulated_sub_epi8(__m512i x, __m512i y)
{
    emulated a = {.v = x};
    const emulated b = {.v = y};

    EACH(i, 64)
    a.byte[i] = (uint8_t)(a.byte[i] - b.byte[i]);
    return a.v;
}

EMULATED __m512i emulated_add_epi32(__m512i x, __m512i y)
{
    emulated a = {.v = x};
    const emulated b = {.v = y};

    EACH(i, 16)
    a.half[i] += b.half[i];
    return a.v;
}

/* Within each 128 bits: the lower, or the upper, two of both, by turns. */
EMULATED __m512i emulated_unpack_epi32(__m512i x, __m512i y, int from)
{
    const emulated a = {.v = x};
    const emulated b = {.v = y};
    emulated r;

    EACH(i, 16)
    r.half[i] = (i % 2 == 0 ? &a : &b)->half[i / 4 * 4 + from + i % 4 / 2];
    return r.v;
}
EMULATED __m512i emulated_unpacklo_epi32(__m512i x, __m512i y)
{
    return emulated_unpack_epi32(x, y, 0);
}
EMULATED __m512i emulated_unpackhi_epi32(__m512i x, __m512i y)
{
    return emulated_unpack_epi32(x, y, 2);
}

/* Two lanes of x, then two of y, by two bits of `which` each. */
EMULATED __m512i emulated_shuffle_i64x2(__m512i x, __m512i y, int which)
{
    const emulated a = {.v = x};
    const emulated b = {.v = y};
    emulated r;

    EACH(i, 4)
    r.lane[i] = (i < 2 ? &a : &b)->lane[which >> 2 * i & 3];
    return r.v;
}

/* Words of both, x's first; an index has four bits. */
EMULATED __m512i emulated_permutex2var_epi64(__m512i x, __m512i index, __m512i y)
{
    const emulated both[2] = {{.v = x}, {.v = y}};
    emulated a = {.v = index};

    EACH(i, 8)
    a.word[i] = both[a.word[i] >> 3 & 1].word[a.word[i] & 7];
    return a.v;
}

/* Sixteens of both, x's first; an index has six bits. */
EMULATED __m512i emulated_permutex2var_epi16(__m512i x, __m512i index, __m512i y)
{
    const emulated both[2] = {{.v = x}, {.v = y}};
    emulated a = {.v = index};

    EACH(i, 32)
    a.quarter[i] = both[a.quarter[i] >> 5 & 1].quarter[a.quarter[i] & 31];
    return a.v;
}

/* Bytes of the same 128 bits; none where the index's top bit is set. */
EMULATED __m512i emulated_shuffle_epi8(__m512i x, __m512i index)
{
    const emulated a = {.v = x};
    emulated r = {.v = index};

    EACH(i, 64)
    r.byte[i] = (r.byte[i] & 0x80) != 0 ? 0 : a.byte[i / 16 * 16 + (r.byte[i] & 15)];
    return r.v;
}

/* x + half of the product of the low 52 bits of y and z. */
EMULATED __m512i emulated_madd52(__m512i x, __m512i y, __m512i z, int from)
{
    const uint64_t low52 = ((uint64_t)1 << 52) - 1;
    emulated a = {.v = x};
    const emulated b = {.v = y};
    const emulated c = {.v = z};

    EACH(i, 8)
    a.word[i] += (uint64_t)((u128)(b.word[i] & low52) * (c.word[i] & low52) >> from) & low52;
    return a.v;
}
EMULATED __m512i emulated_madd52lo_epu64(__m512i x, __m512i y, __m512i z)
{
    return emulated_madd52(x, y, z, 0);
}
EMULATED __m512i emulated_madd52hi_epu64(__m512i x, __m512i y, __m512i z)
{
    return emulated_madd52(x, y, z, 52);
}

/* 32-bit sums of four products of bytes, those of y unsigned and of z signed. */
EMULATED __m512i emulated_dpbusd_epi32(__m512i x, __m512i y, __m512i z)
{
    emulated a = {.v = x};
    const emulated b = {.v = y};
    const emulated c = {.v = z};

    EACH(i, 64)
    a.half[i / 4] += (uint32_t)((int32_t)b.byte[i] * (int8_t)c.byte[i]);
    return a.v;
}

EMULATED __m512i emulated_i64gather_epi64(__m512i index, const void *base, int scale)
{
    emulated a = {.v = index};

    EACH(i, 8)
    memcpy(&a.word[i], (const uint8_t *)base + (ptrdiff_t)a.word[i] * scale, sizeof *a.word);
    return a.v;
}

EMULATED void emulated_i64scatter_epi64(void *base, __m512i index, __m512i x, int scale)
{
    const emulated a = {.v = index};
    const emulated b = {.v = x};

    EACH(i, 8)
    memcpy((uint8_t *)base + (ptrdiff_t)a.word[i] * scale, &b.word[i], sizeof *b.word);
}

EMULATED __mmask8 emulated_test_epi64_mask(__m512i x, __m512i y)
{
    const emulated a = {.v = emulated_and_si512(x, y)};
    unsigned mask = 0;

    EACH(i, 8)
    mask |= (unsigned)(a.word[i] != 0) << i;
    return (__mmask8)mask;
}
EMULATED __mmask8 emulated_testn_epi64_mask(__m512i x, __m512i y)
{
    return (__mmask8)~emulated_test_epi64_mask(x, y);
}
EMULATED __mmask8 emulated_cmpneq_epi64_mask(__m512i x, __m512i y)
{
    const __m512i differs = emulated_xor_si512(x, y);

    return emulated_test_epi64_mask(differs, differs);
}

EMULATED __m512i emulated_mask_mov_epi64(__m512i x, __mmask8 mask, __m512i y)
{
    emulated a = {.v = x};
    const emulated b = {.v = y};

    EACH(i, 8)
    a.word[i] = (mask >> i & 1) != 0 ? b.word[i] : a.word[i];
    return a.v;
}

EMULATED __m512i emulated_cvtepu8_epi64(__m128i x)
{
    uint8_t b[16];
    emulated r;

    memcpy(b, &x, sizeof b);
    EACH(i, 8)
    r.word[i] = b[i];
    return r.v;
}

EMULATED __m512i emulated_cvtepi8_epi64(__m128i x)
{
    int8_t b[16];
    emulated r;

    memcpy(b, &x, sizeof b);
    EACH(i, 8)
    r.word[i] = (uint64_t)(int64_t)b[i];
    return r.v;
}

EMULATED __m256i emulated_castsi512_si256(__m512i x)
{
    return ((emulated){.v = x}).low;
}

EMULATED __m256i emulated_extracti64x4_epi64(__m512i x, int half)
{
    const emulated a = {.v = x};

    return _mm256_set_m128i(a.lane[2 * half + 1], a.lane[2 * half]);
}

EMULATED __m512i emulated_broadcast_i32x4(__m128i x)
{
    return ((emulated){.lane = {x, x, x, x}}).v;
}

EMULATED __mmask16 emulated_cmpeq_epi8_mask(__m128i x, __m128i y)
{
    return (__mmask16)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));
}

EMULATED __mmask16 emulated_movepi8_mask(__m128i x)
{
    return (__mmask16)_mm_movemask_epi8(x);
}

EMULATED __m256i emulated_maskz_loadu_epi64(__mmask8 mask, const void *p)
{
    uint64_t word[4] = {0};

    EACH(i, 4)
    if ((mask >> i & 1) != 0)
        memcpy(&word[i], (const uint8_t *)p + 8 * i, sizeof *word);
    return _mm256_loadu_si256((const __m256i *)(const void *)word);
}

EMULATED void emulated_mask_storeu_epi64(void *p, __mmask8 mask, __m256i x)
{
    uint64_t word[4];

    _mm256_storeu_si256((__m256i *)(void *)word, x);
    EACH(i, 4)
    if ((mask >> i & 1) != 0)
        memcpy((uint8_t *)p + 8 * i, &word[i], sizeof *word);
}

#ifdef __AES__
EMULATED __m512i emulated_aesenc_epi128(__m512i x, __m512i key)
{
    emulated a = {.v = x};
    const emulated k = {.v = key};

    EACH(i, 4)
    a.lane[i] = _mm_aesenc_si128(a.lane[i], k.lane[i]);
    return a.v;
}
EMULATED __m512i emulated_aesenclast_epi128(__m512i x, __m512i key)
{
    emulated a = {.v = x};
    const emulated k = {.v = key};

    EACH(i, 4)
    a.lane[i] = _mm_aesenclast_si128(a.lane[i], k.lane[i]);
    return a.v;
}
#endif

#undef _mm512_srli_epi64
#undef _mm512_slli_epi64
#undef _mm512_srli_epi16
#undef _mm512_shuffle_i64x2
#undef _mm512_i64gather_epi64
#undef _mm512_i64scatter_epi64
#undef _mm512_extracti64x4_epi64
/* clang-format off */
#define _mm512_add_epi64 emulated_add_epi64
#define _mm512_sub_epi64 emulated_sub_epi64
#define _mm512_mullo_epi64 emulated_mullo_epi64
#define _mm512_and_si512 emulated_and_si512
#define _mm512_or_si512 emulated_or_si512
#define _mm512_xor_si512 emulated_xor_si512
#define _mm512_min_epu64 emulated_min_epu64
#define _mm512_unpackhi_epi64 emulated_unpackhi_epi64
#define _mm512_unpacklo_epi64 emulated_unpacklo_epi64
#define _mm512_set1_epi64 emulated_set1_epi64
#define _mm512_set1_epi8 emulated_set1_epi8
#define _mm512_setzero_si512 emulated_setzero_si512
#define _mm512_set_epi64 emulated_set_epi64
#define _mm512_loadu_si512 emulated_loadu_si512
#define _mm512_storeu_si512 emulated_storeu_si512
#define _mm512_srli_epi64 emulated_srli_epi64
#define _mm512_slli_epi64 emulated_slli_epi64
#define _mm512_sll_epi64 emulated_sll_epi64
#define _mm512_srli_epi16 emulated_srli_epi16
#define _mm512_add_epi8 emulated_add_epi8
#define _mm512_sub_epi8 emulated_sub_epi8
#define _mm512_add_epi32 emulated_add_epi32
#define _mm512_unpacklo_epi32 emulated_unpacklo_epi32
#define _mm512_unpackhi_epi32 emulated_unpackhi_epi32
#define _mm512_shuffle_i64x2 emulated_shuffle_i64x2
#define _mm512_permutex2var_epi64 emulated_permutex2var_epi64
#define _mm512_permutex2var_epi16 emulated_permutex2var_epi16
#define _mm512_shuffle_epi8 emulated_shuffle_epi8
#define _mm512_madd52lo_epu64 emulated_madd52lo_epu64
#define _mm512_madd52hi_epu64 emulated_madd52hi_epu64
#define _mm512_dpbusd_epi32 emulated_dpbusd_epi32
#define _mm512_i64gather_epi64 emulated_i64gather_epi64
#define _mm512_i64scatter_epi64 emulated_i64scatter_epi64
#define _mm512_test_epi64_mask emulated_test_epi64_mask
#define _mm512_testn_epi64_mask emulated_testn_epi64_mask
#define _mm512_cmpneq_epi64_mask emulated_cmpneq_epi64_mask
#define _mm512_mask_mov_epi64 emulated_mask_mov_epi64
#define _mm512_cvtepu8_epi64 emulated_cvtepu8_epi64
#define _mm512_cvtepi8_epi64 emulated_cvtepi8_epi64
#define _mm512_castsi512_si256 emulated_castsi512_si256
#define _mm512_extracti64x4_epi64 emulated_extracti64x4_epi64
#define _mm512_broadcast_i32x4 emulated_broadcast_i32x4
#define _mm_cmpeq_epi8_mask emulated_cmpeq_epi8_mask
#define _mm_movepi8_mask emulated_movepi8_mask
#define _mm256_maskz_loadu_epi64 emulated_maskz_loadu_epi64
#define _mm256_mask_storeu_epi64 emulated_mask_storeu_epi64
#define _mm512_aesenc_epi128 emulated_aesenc_epi128
#define _mm512_aesenclast_epi128 emulated_aesenclast_epi128
#define _mm512_load_si512 emulated_loadu_si512
#define _mm512_store_si512 emulated_storeu_si512
/* clang-format on */

#endif
