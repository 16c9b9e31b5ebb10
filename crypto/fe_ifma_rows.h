/* fe_ifma_rows.h - elements of fe_ifma.h from memory where each lane's lie together, and from tables. */
#ifndef PT_FE_IFMA_ROWS_H
#define PT_FE_IFMA_ROWS_H

#include "crypto/fe_ifma.h"

/* Rows to columns: column i holds word i of each row. */
static inline void fe_transpose(__m512i out[8], const __m512i in[8])
{
    __m512i pair[8]; /* even words of two rows side by side, then odd ones */
    __m512i quad[8];

    for (int i = 0; i < 8; i += 2) {
        pair[i / 2] = _mm512_unpacklo_epi64(in[i], in[i + 1]);
        pair[4 + i / 2] = _mm512_unpackhi_epi64(in[i], in[i + 1]);
    }
    for (int i = 0; i < 8; i += 2) {
        quad[i] = _mm512_shuffle_i64x2(pair[i], pair[i + 1], 0x88);
        quad[i + 1] = _mm512_shuffle_i64x2(pair[i], pair[i + 1], 0xdd);
    }
    for (int odd = 0; odd < 2; odd++) {
        const __m512i *q = quad + 4 * odd;
        out[odd] = _mm512_shuffle_i64x2(q[0], q[2], 0x88);
        out[4 + odd] = _mm512_shuffle_i64x2(q[0], q[2], 0xdd);
        out[2 + odd] = _mm512_shuffle_i64x2(q[1], q[3], 0x88);
        out[6 + odd] = _mm512_shuffle_i64x2(q[1], q[3], 0xdd);
    }
}

/* Three elements beside each other in 128 bytes a lane, as limbs; row[i] is lane i. */
static inline void fe_load_rows(struct fe *a, struct fe *b, struct fe *c,
                                const uint8_t *const row[FE_LANES])
{
    __m512i in[8];
    __m512i near[8];
    __m512i far[8];

    for (int i = 0; i < 8; i++)
        in[i] = _mm512_load_si512(row[i]);
    fe_transpose(near, in);
    for (int i = 0; i < 8; i++)
        in[i] = _mm512_load_si512(row[i] + 64);
    fe_transpose(far, in);
    for (int i = 0; i < 5; i++) {
        a->v[i] = near[i];
        b->v[i] = i < 3 ? near[5 + i] : far[i - 3];
        c->v[i] = far[2 + i];
    }
}

static inline void fe_store_rows(uint8_t *const row[FE_LANES], const struct fe *a,
                                 const struct fe *b, const struct fe *c)
{
    __m512i near[8];
    __m512i far[8] = {0};
    __m512i out[8];

    for (int i = 0; i < 5; i++) {
        near[i] = a->v[i];
        *(i < 3 ? &near[5 + i] : &far[i - 3]) = b->v[i];
        far[2 + i] = c->v[i];
    }
    fe_transpose(out, near);
    for (int i = 0; i < 8; i++)
        _mm512_store_si512(row[i], out[i]);
    fe_transpose(out, far);
    for (int i = 0; i < 8; i++)
        _mm512_store_si512(row[i] + 64, out[i]);
}

/* What digits of 0..31 stand for, of a table's window: lane by lane, the elements of its row
 * |digit - 16| - 1, or 1, 1 and 0 for a digit of 16. table[5 * e + i][row] is limb i of element e. Which
 * lanes' digits are below 16 is returned. */
FE_INLINE fe_mask fe_lookup(struct fe *a, struct fe *b, struct fe *c, const uint64_t table[15][16],
                            const uint8_t digit[FE_LANES])
{
    struct fe *const to[3] = {a, b, c};
    const __m512i d = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)digit));
    const __m512i from_16 = _mm512_xor_si512(d, fe_all(16));
    const fe_mask none = _mm512_testn_epi64_mask(from_16, from_16);
    const fe_mask minus = _mm512_testn_epi64_mask(d, fe_all(16));
    const __m512i row = _mm512_mask_mov_epi64(_mm512_sub_epi64(d, fe_all(1)), minus,
                                              _mm512_xor_si512(d, fe_all(15)));

#pragma GCC unroll 15
    for (int i = 0; i < 15; i++) {
        const __m512i low = _mm512_load_si512(table[i]);
        const __m512i high = _mm512_load_si512(table[i] + 8);
        to[i / 5]->v[i % 5] = _mm512_mask_mov_epi64(_mm512_permutex2var_epi64(low, row, high), none,
                                                    fe_all(i == 0 || i == 5));
    }
    return minus;
}

#endif
