/* sha512_lanes.h - SHA-512's compression over LANES messages at once, in vectors of the compiler's
 * own: the includer defines LANES and is compiled for a processor that has them (sha512_x8.c,
 * sha512_x4.c). Constant time: no table but of constants, no branch but on lengths. */
#ifndef PT_SHA512_LANES_H
#define PT_SHA512_LANES_H

#include <string.h>

#include "crypto/base/wipe.h"
#include "crypto/sha512_each.h"
#include "crypto/words_lanes.h"

/* FIPS 180-4 section 4.2.3: cube roots of the first 80 primes. */
static const uint64_t K[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

struct lanes { /* a word of the block or the padding of secret messages */
    word w[16];
    uint8_t end[LANES][2 * SHA512_BLOCK_BYTES];
};
PT_SECRET_TYPE(lanes);

static inline word rotate(word x, int n)
{
    return x >> n | x << (64 - n);
}

/* One round; the caller turns the eight variables. FIPS 180-4 section 6.4.2, step 3. */
static inline __attribute__((always_inline)) void round_of(word v[8], int i, word w)
{
    const word a = v[(80 - i) % 8];
    const word b = v[(81 - i) % 8];
    const word c = v[(82 - i) % 8];
    const word e = v[(84 - i) % 8];
    const word f = v[(85 - i) % 8];
    const word g = v[(86 - i) % 8];
    const word t1 =
        v[(87 - i) % 8] + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + (g ^ (e & (f ^ g))) + w;

    v[(83 - i) % 8] += t1;
    v[(87 - i) % 8] =
        t1 + (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + ((a & b) | (c & (a | b)));
}

static inline word swapped(word x)
{
#define SWAP(at)  (at) + 7, (at) + 6, (at) + 5, (at) + 4, (at) + 3, (at) + 2, (at) + 1, (at)
#define SWAP4(at) SWAP(at), SWAP((at) + 8), SWAP((at) + 16), SWAP((at) + 24)
    const word_bytes b = (word_bytes)x;
#if LANES == 8
    return (word)__builtin_shufflevector(b, b, SWAP4(0), SWAP4(32));
#else
    return (word)__builtin_shufflevector(b, b, SWAP4(0));
#endif
}

static void compress(word state[8], struct lanes *l, const uint8_t *const *row, size_t at)
{
    word v[8];

#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i += LANES) {
#pragma GCC unroll 8
        for (size_t lane = 0; lane < LANES; lane++)
            memcpy(&l->w[i + lane], row[lane] + at + 8 * i, sizeof *l->w);
        transpose(&l->w[i]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        l->w[i] = swapped(l->w[i]);
    memcpy(v, state, sizeof v);
    for (int group = 0; group < 80; group += 16) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            const word x = l->w[(i + 1) % 16];
            const word y = l->w[(i + 14) % 16];

            if (group > 0)
                l->w[i] += l->w[(i + 9) % 16] + (rotate(x, 1) ^ rotate(x, 8) ^ x >> 7) +
                           (rotate(y, 19) ^ rotate(y, 61) ^ y >> 6);
            round_of(v, i, l->w[i] + K[group + i]);
        }
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
    explicit_bzero(v, sizeof v);
}

static void sha512_lanes(uint8_t *const *out, const crypto_hash_sha512_state *start,
                         const uint8_t *const *row, size_t bytes)
{
    PT_WIPED(lanes) l = {0};
    const size_t whole = bytes / SHA512_BLOCK_BYTES * SHA512_BLOCK_BYTES;
    const size_t rest = bytes - whole;
    const size_t end = rest < SHA512_BLOCK_BYTES - 16 ? SHA512_BLOCK_BYTES : 2 * SHA512_BLOCK_BYTES;
    const uint64_t bits = start->count[1] + 8 * (uint64_t)bytes;
    const uint8_t *last[LANES];
    word state[8];

    for (int i = 0; i < 8; i++)
        state[i] = start->state[i] - (word){0};
    for (size_t at = 0; at < whole; at += SHA512_BLOCK_BYTES)
        compress(state, &l, row, at);
    for (int lane = 0; lane < LANES; lane++) {
        memcpy(l.end[lane], row[lane] + whole, rest);
        l.end[lane][rest] = 0x80;
        for (size_t i = 0; i < 8; i++)
            l.end[lane][end - 1 - i] = (uint8_t)(bits >> 8 * i);
        last[lane] = l.end[lane];
    }
    for (size_t at = 0; at < end; at += SHA512_BLOCK_BYTES)
        compress(state, &l, last, at);
    for (int lane = 0; lane < LANES; lane++) {
        for (int i = 0; i < 8; i++) {
            const uint64_t x = __builtin_bswap64(state[i][lane]);
            memcpy(out[lane] + 8 * (size_t)i, &x, sizeof x);
        }
    }
    explicit_bzero(state, sizeof state);
}

#endif
