#include "crypto/residues.h"

void residues_read(uint64_t *out, const struct ring *r, const uint8_t *planes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = planes[i];
    for (unsigned p = 1; p < r->coefficient_bytes; p++)
        for (size_t i = 0; i < n; i++)
            out[i] |= (uint64_t)planes[p * n + i] << 8 * p;
}

void residues_write(uint8_t *planes, const struct ring *r, const uint64_t *in, size_t n)
{
    for (unsigned p = 0; p < r->coefficient_bytes; p++)
        for (size_t i = 0; i < n; i++)
            planes[p * n + i] = (uint8_t)(in[i] >> 8 * p);
}

/* Every q of ring.h ends in two bytes of its own below bytes of ones: a number reaches it when all
 * the upper bytes are ones and the two are not below q's. How many bytes there are is a constant to
 * the compiler and no branch is taken, so that it makes vectors of the loop. */
static inline __attribute__((always_inline)) uint8_t any_reaches(const uint8_t *planes, size_t n,
                                                                 uint64_t q, const unsigned bytes)
{
    const uint8_t low = (uint8_t)q;
    const uint8_t second = (uint8_t)(q >> 8);
    uint8_t found = 0;

    for (size_t i = 0; i < n; i++) {
        const uint8_t next = planes[n + i];
        uint8_t upper = 0xff;
        for (unsigned p = 2; p < bytes; p++)
            upper &= planes[p * n + i];
        const uint8_t above = (uint8_t) - (next > second);
        const uint8_t level = (uint8_t) - (next == second) & (uint8_t) - (planes[i] >= low);
        found |= (uint8_t) - (upper == 0xff) & (above | level);
    }
    return found;
}

bool residues_valid(const struct ring *r, const uint8_t *planes, size_t n)
{
    if (r->coefficient_bytes == 4)
        return any_reaches(planes, n, r->q, 4) == 0;
    if (r->coefficient_bytes == 5)
        return any_reaches(planes, n, r->q, 5) == 0;
    return any_reaches(planes, n, r->q, 6) == 0;
}

static bool reaches_q(const struct ring *r, const uint8_t *planes, size_t n, size_t i)
{
    uint64_t v = 0;

    for (unsigned p = r->coefficient_bytes; p-- > 0;)
        v = v << 8 | planes[p * n + i];
    return v >= r->q;
}

/* Any numbers that reach q are replaced; apart, so that ct.supp can name it. */
static __attribute__((noinline)) bool replace(uint8_t *planes, const struct ring *r,
                                              struct draw *spare, size_t n)
{
    for (size_t i = 0; i < n; i++)
        while (reaches_q(r, planes, n, i)) {
            uint8_t word[8];
            draw_bytes(spare, word, r->coefficient_bytes);
            for (unsigned p = 0; p < r->coefficient_bytes; p++)
                planes[p * n + i] = word[p];
        }
    return !spare->bad;
}

enum pt_code residues_draw(uint8_t *planes, const struct ring *r, const struct prg *g,
                           uint64_t nonce, size_t n)
{
    const size_t bytes = residues_bytes(r, n);

    if (prg_read(g, nonce, 0, planes, bytes) != PT_OK)
        return PT_EBUG;
    if (residues_valid(r, planes, n))
        return PT_OK;
    PT_WIPED(draw) spare;
    draw_init(&spare, g, nonce);
    spare.block = (bytes + 15) / 16;
    if (replace(planes, r, &spare, n))
        return PT_OK;
    explicit_bzero(planes, bytes);
    return PT_EBUG;
}
