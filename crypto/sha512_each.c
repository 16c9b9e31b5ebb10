#include "crypto/sha512_each.h"

#include "crypto/base/wipe.h"
#include "crypto/cpu.h"

enum { LANES_MAX = 8 };

struct spare { /* digests of lanes that stand in for none */
    uint8_t b[LANES_MAX][SHA512_BYTES];
};
PT_SECRET_TYPE(spare);

static void one_by_one(uint8_t (*out)[SHA512_BYTES], const crypto_hash_sha512_state *start,
                       struct sha512_messages in)
{
    crypto_hash_sha512_state h;

    for (size_t i = 0; i < in.n; i++) {
        h = *start;
        crypto_hash_sha512_update(&h, in.first + i * in.stride, in.bytes);
        crypto_hash_sha512_final(&h, out[i]);
    }
    sodium_memzero(&h, sizeof h);
}

void sha512_each(uint8_t (*out)[SHA512_BYTES], const crypto_hash_sha512_state *start,
                 struct sha512_messages in)
{
    static const struct {
        size_t count;
        void (*run)(uint8_t *const *, const crypto_hash_sha512_state *, const uint8_t *const *,
                    size_t);
    } LANES[CPU_PATH_COUNT] = {[CPU_AVX2] = {4, sha512_x4}, [CPU_IFMA] = {8, sha512_x8}};
    const size_t lanes = LANES[cpu_path()].count;
    PT_WIPED(spare) spare = {0};
    const uint8_t *row[LANES_MAX];
    uint8_t *to[LANES_MAX];

    if (lanes == 0 || in.n == 1) {
        one_by_one(out, start, in);
        return;
    }
    for (size_t at = 0; at < in.n; at += lanes) {
        for (size_t i = 0; i < lanes; i++) {
            const bool real = at + i < in.n;
            row[i] = in.first + (real ? at + i : at) * in.stride;
            to[i] = real ? out[at + i] : spare.b[i];
        }
        LANES[cpu_path()].run(to, start, row, in.bytes);
    }
}
