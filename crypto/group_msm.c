#include "crypto/group_msm.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/base/ct.h"
#include "crypto/base/large.h"
#include "crypto/group_backend.h"
#include "crypto/scalar.h"

/* |k| <= q/2 has 252 bits, the last of them rarely. */
enum { WINDOW_MAX = 14, SCALAR_BITS = 252 };

/* Events, and the doublings between windows. */
static unsigned best_window(size_t n)
{
    unsigned best = 2;
    size_t best_cost = SIZE_MAX;

    for (unsigned c = 2; c <= WINDOW_MAX; c++) {
        size_t cost = ((SCALAR_BITS - 1) / c + 1) * (n + ((size_t)1 << (c - 1)) + 12 * (size_t)c);
        if (cost < best_cost) {
            best_cost = cost;
            best = c;
        }
    }
    return best;
}

static void recode(const struct msm *m, struct msm_scalar *out, const struct scalar *k)
{
    u128 t = 0;
    uint64_t half[4] = {0};
    struct scalar size = *k;

    out->minus = scalar_is_upper_half_vartime(k);
    if (out->minus)
        scalar_negate(&size, k);
    for (unsigned w = 0; w < m->window_count; w++) {
        unsigned bit = w * m->window_bits + m->window_bits - 1;
        half[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    for (size_t i = 0; i < 4; i++) {
        t += (u128)half[i] + load_u64le(size.b + 8 * i);
        out->v[i] = (uint64_t)t;
        t >>= 64;
    }
}

/* -2^(c-1) .. 2^(c-1); the last window has no other above it and is not cut. */
static inline int16_t digit_of(const struct msm *m, const struct msm_scalar *k, unsigned window)
{
    const unsigned bit = window * m->window_bits;
    const uint64_t mask = (UINT64_C(2) << m->window_bits) - 1;
    uint64_t v = k->v[bit / 64] >> bit % 64;

    if (bit % 64 + m->window_bits >= 64 && bit < 192)
        v |= k->v[bit / 64 + 1] << 1 << (63 - bit % 64);
    v &= window + 1 == m->window_count ? mask : mask >> 1;
    const int32_t digit = (int32_t)v - (INT32_C(1) << (m->window_bits - 1));
    return (int16_t)(k->minus ? -digit : digit);
}

void msm_sort_vartime(struct msm *m, unsigned window)
{
    const size_t sizes = (size_t)1 << (m->window_bits - 1);
    size_t marks_only;
    uint32_t at = 0;

    memset(m->start, 0, (sizes + 1) * sizeof *m->start);
    for (size_t i = 0; i < m->n; i++)
        m->start[abs(m->digit[i] = digit_of(m, &m->k[i], window))]++;
    m->event_count = m->n - m->start[0] + sizes;
    /* Marks before any point add nothing: they fill up to whole lanes. */
    for (marks_only = 0; (m->event_count + marks_only) % MSM_LANES_MAX != 0; marks_only++)
        m->event[at++] = MSM_MARK;
    m->event_count += marks_only;
    for (size_t size = sizes; size > 0; size--) {
        const uint32_t count = m->start[size];
        m->start[size] = at;
        at += count + 1;
        m->event[at - 1] = MSM_MARK;
    }
    for (size_t i = 0; i < m->n; i++) {
        const int digit = m->digit[i];
        if (digit != 0)
            m->event[m->start[abs(digit)]++] = (uint32_t)i * 4 + (digit < 0);
    }
}

/* One block of memory for everything; nothing in it is secret. */
static void *lay_out(struct msm *m)
{
    const size_t sizes = (size_t)1 << (m->window_bits - 1);
    const size_t scalars = m->n * sizeof *m->k;
    const size_t starts = (sizes + 1) * sizeof *m->start;
    const size_t events = (m->n + sizes + MSM_LANES_MAX) * sizeof *m->event;
    const size_t digits = m->n * sizeof *m->digit;
    uint8_t *p = large_new(scalars + starts + events + digits);

    if (p == NULL)
        return NULL;
    m->k = (struct msm_scalar *)(void *)p;
    m->start = (uint32_t *)(void *)(p + scalars);
    m->event = (uint32_t *)(void *)(p + scalars + starts);
    m->digit = (int16_t *)(void *)(p + scalars + starts + events);
    return p;
}

/* One more than n: the first says how many bytes there are. */
enum pt_code group_terms_new(struct group_term **out, size_t n)
{
    const uint64_t bytes = (n + 1) * sizeof **out;

    *out = NULL;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    /* cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous mapping has for a file */
    struct group_term *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (all == MAP_FAILED)
        return PT_ENOMEM;
    store_u64le(all->b, bytes);
    *out = all + 1;
    /* cppcheck-suppress memleak ; group_terms_free() goes one back */
    return PT_OK;
}

void group_terms_free(struct group_term *t)
{
    if (t == NULL)
        return;
    const uint64_t bytes = load_u64le(t[-1].b);
    munmap(t - 1, bytes);
}

size_t group_decode_vartime(struct group_term *out, const struct point *in, size_t n)
{
    const size_t good = group_backend_of_cpu()->terms_vartime(out, in, n);

    return good == n ? GROUP_ALL_GOOD : good;
}

size_t group_sums_vartime(struct point *out, const struct scalar *k,
                          const struct group_term *const *in, size_t count, size_t n)
{
    struct msm m = {.n = n, .vector_count = count, .term = in, .window_bits = best_window(n)};

    memset(out, 0, count * sizeof *out);
    if (n == 0)
        return GROUP_ALL_GOOD;
    m.window_count = (SCALAR_BITS - 1) / m.window_bits + 1;
    void *memory = lay_out(&m);
    if (memory == NULL)
        return GROUP_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        recode(&m, &m.k[i], &k[i]);
    group_backend_of_cpu()->sums_vartime(out, &m);
    free(memory);
    return GROUP_ALL_GOOD;
}

size_t group_msm_vartime(struct point *out, const struct scalar *k, const struct point *in,
                         size_t n)
{
    struct group_term *term;

    memset(out, 0, sizeof *out);
    if (group_terms_new(&term, n) != PT_OK)
        return GROUP_NO_MEMORY;
    const struct group_term *const one = term;
    size_t rc = group_decode_vartime(term, in, n);
    if (rc == GROUP_ALL_GOOD)
        rc = group_sums_vartime(out, k, &one, 1, n);
    group_terms_free(term);
    return rc;
}
