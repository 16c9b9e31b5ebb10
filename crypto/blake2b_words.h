/* blake2b_words.h - BLAKE2b's compression (RFC 7693 section 3.2) on words of whatever kind: one message's,
 * or a vector with one of each of several messages. The includer has defined the type `word`, and may
 * define ROTATE32, ROTATE24, ROTATE16 and ROTATE63 where it knows better than shifts. */
#ifndef PT_BLAKE2B_WORDS_H
#define PT_BLAKE2B_WORDS_H

#include <stddef.h>
#include <stdint.h>

#ifndef ROTATE32
#define ROTATE32(x) ((x) >> 32 | (x) << 32)
#define ROTATE24(x) ((x) >> 24 | (x) << 40)
#define ROTATE16(x) ((x) >> 16 | (x) << 48)
#define ROTATE63(x) ((x) >> 63 | (x) << 1)
#endif

/* SHA-512's, FIPS 180-4 section 5.3.5. */
static const uint64_t BLAKE2B_IV[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                       0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                       0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

static inline __attribute__((always_inline)) void blake2b_mix(word v[16], const int at[4], word x,
                                                              word y)
{
    word a = v[at[0]] + x;
    word b = v[at[1]];
    word c = v[at[2]];
    word d = v[at[3]];

    a += b;
    d = ROTATE32(d ^ a);
    c += d;
    b = ROTATE24(b ^ c);
    a += b + y;
    d = ROTATE16(d ^ a);
    c += d;
    v[at[0]] = a;
    v[at[1]] = ROTATE63(b ^ c);
    v[at[2]] = c;
    v[at[3]] = d;
}

/* h becomes what it is after block m, of which v holds h, IV, counter and flags. */
static inline __attribute__((always_inline)) void blake2b_rounds(word h[8], word v[16],
                                                                 const word m[16])
{
    static const int AT[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
                                 {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14}};
    static const uint8_t SIGMA[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                          {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                          {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                          {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                          {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                          {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                          {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                          {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                          {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                          {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

#pragma GCC unroll 12
    for (size_t round = 0; round < 12; round++)
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            blake2b_mix(v, AT[i], m[SIGMA[round % 10][2 * i]], m[SIGMA[round % 10][2 * i + 1]]);
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

#endif
