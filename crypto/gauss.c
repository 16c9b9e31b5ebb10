#include "crypto/gauss.h"

#include "crypto/base/ct.h"

/* Row k: the halves, high first, of floor(2^128 * P(|x| <= k)). Printed by
 * scripts/gauss_table.py, which `--check`s this file. */
static const struct {
    uint64_t high, low;
} TABLE[GAUSS_CUT] = {
    {0x146d04297691da0a, 0x7308fd0cd622d827}, {0x3c77f7423fb74d32, 0xad0f0515143646fb},
    {0x622df255ba327ad3, 0xadef191aca542d24}, {0x844d3aca626d3d05, 0x94eed8b65e423520},
    {0xa1f751e4665216e2, 0x2258ecab05de029f}, {0xbabe6fefc264a9a2, 0xbec9ae842d7055c8},
    {0xcea0e87df4ca4617, 0x9c23fc9f51ef7ca0}, {0xddf5ec813e5d0160, 0xa0a31276c0ff70fa},
    {0xe951a5a0336f8436, 0xdb757550f52626a7}, {0xf167472b5e123b33, 0x3a789fef69c26dc2},
    {0xf6ee9e698c8465af, 0xb49098d7c77b91ce}, {0xfa90905ffe899893, 0x5d772c537749d6f9},
    {0xfcdb9f8615a463cd, 0x5271c895e25f219f}, {0xfe3fb1498a81ad21, 0xb13ebc3592e16193},
    {0xff0f30fbd0571ed3, 0x3b2d290585715c3d}, {0xff835e9d68ed48a3, 0xd60f4637e8231b4f},
    {0xffc1ddf5c096ab96, 0xfd23e8d8d0a6e247}, {0xffe22b3e2a12045c, 0xbe63d2fa01d9f413},
    {0xfff235a5acf53575, 0xcc378f6f5c384efd}, {0xfff9dcdeaccc5e4d, 0xe15bfff418833c81},
    {0xfffd5efd408c8271, 0xf696e0162881f20a}, {0xfffeea8cabe61ec6, 0xe55da4ff11a5b7eb},
    {0xffff91ef82c84f51, 0x6b32a28e0767317b}, {0xffffd5fd5cafe4ba, 0x8bc4fe770e52afc3},
    {0xfffff092d273a67d, 0x521d58f60d68afe5}, {0xfffffa8cfc9bf6e2, 0x9e9242ca9d70d8b3},
    {0xfffffe26016fea88, 0x8cf5834a7427e73e}, {0xffffff6519133197, 0xef310c774a6a5691},
    {0xffffffcf508709f5, 0xa6f5ade8911cbc97}, {0xfffffff148df09bf, 0xba4fe26f76875950},
    {0xfffffffbb912a1ac, 0xbd81981dff9361f2}, {0xfffffffecdfcbeba, 0x3db6951645920270},
    {0xffffffffadc41c99, 0xb4e5172833c146ce}, {0xffffffffeac0bd90, 0x496188d7fd152259},
    {0xfffffffffab8d6f6, 0x8bfcc23b35ce4328}, {0xfffffffffebd515a, 0x5eb9d131bf4def84},
    {0xffffffffffb5ea54, 0xad4c65347a9b6b27}, {0xffffffffffefa613, 0x09923f7d65c6f0c7},
    {0xfffffffffffc87e1, 0x83fc95b0cdd63b71}, {0xffffffffffff4ade, 0x4a5736144af4ecb1},
    {0xffffffffffffdc7d, 0x7897717c00f35e4c}, {0xfffffffffffff94e, 0xf8f06087fa3a9dde},
    {0xfffffffffffffec9, 0xb916a1c192db331a}, {0xffffffffffffffc9, 0xfb7ffb2720fae43d},
    {0xfffffffffffffff6, 0xf60fbcfdc7164a20}, {0xfffffffffffffffe, 0x8bdb15fb9e6054a9},
    {0xffffffffffffffff, 0xc679fb20112a57ae}, {0xffffffffffffffff, 0xf7744e27bb6fe7e5},
    {0xffffffffffffffff, 0xfec7a528aed65cdf}, {0xffffffffffffffff, 0xffd5238ebe1ddc79},
    {0xffffffffffffffff, 0xfffa5902627265d5}, {0xffffffffffffffff, 0xffff489ccfa6f746},
    {0xffffffffffffffff, 0xffffe9a9ee3bd919}, {0xffffffffffffffff, 0xfffffd62b3890869},
    {0xffffffffffffffff, 0xffffffb4b6b0c749}, {0xffffffffffffffff, 0xfffffff7dc983332},
    {0xffffffffffffffff, 0xffffffff27931e84}, {0xffffffffffffffff, 0xffffffffea651ca6},
    {0xffffffffffffffff, 0xfffffffffded6bb6}, {0xffffffffffffffff, 0xffffffffffcf16b4},
    {0xffffffffffffffff, 0xfffffffffffbaad6}, {0xffffffffffffffff, 0xffffffffffffa19f},
    {0xffffffffffffffff, 0xfffffffffffff852}, {0xffffffffffffffff, 0xffffffffffffff70},
};

enum { SIGN_BYTES = GAUSS_COUNT / 8, BATCH = 256, BLOCK = 16 };

u128 gauss_table(unsigned k)
{
    return (u128)TABLE[k].high << 64 | TABLE[k].low;
}

/* How many rows are at most x: the magnitude. Every row is looked at. */
static uint64_t magnitude(uint64_t high, uint64_t low)
{
    uint64_t count = 0;

    for (size_t k = 0; k < GAUSS_CUT; k++) {
        uint64_t borrow = low < TABLE[k].low;
        uint64_t below = 0;
        uint64_t difference = 0;
        /* x < row, from the carries alone: no branch. */
        below = (uint64_t)__builtin_sub_overflow(high, TABLE[k].high, &difference);
        below |= (uint64_t)__builtin_sub_overflow(difference, borrow, &difference);
        count += below ^ 1;
    }
    return count;
}

/* Stream: signs first, a bit each, little end first; then 16 bytes a coefficient, little endian. */
static enum pt_code draw(int8_t out[GAUSS_COUNT], const struct prg *g, uint64_t nonce,
                         uint8_t wide[BATCH * BLOCK])
{
    uint8_t sign[SIGN_BYTES];
    enum pt_code rc = prg_read(g, nonce, 0, sign, sizeof sign);

    for (size_t at = 0; at < GAUSS_COUNT && rc == PT_OK; at += BATCH) {
        rc = prg_read(g, nonce, SIGN_BYTES / BLOCK + at, wide, (size_t)BATCH * BLOCK);
        for (size_t i = 0; i < BATCH; i++) {
            uint64_t low = load_u64le(wide + i * BLOCK);
            uint64_t high = load_u64le(wide + i * BLOCK + 8);
            uint64_t negative = ct_barrier(0 - (uint64_t)(sign[(at + i) / 8] >> (at + i) % 8 & 1));
            out[at + i] = (int8_t)((magnitude(high, low) ^ negative) - negative);
        }
    }
    explicit_bzero(sign, sizeof sign);
    return rc;
}

enum pt_code gauss_draw(int8_t out[GAUSS_COUNT], const struct prg *g, uint64_t nonce)
{
    uint8_t wide[BATCH * BLOCK];
    enum pt_code rc = draw(out, g, nonce, wide);

    explicit_bzero(wide, sizeof wide);
    if (rc != PT_OK)
        explicit_bzero(out, GAUSS_COUNT);
    return rc;
}
