#include "crypto/group_msm.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/base/ct.h"
#include "crypto/group_backend.h"
#include "crypto/scalar.h"

/* |k| <= q/2 has 252 bits, the last of them rarely. */
enum { WINDOW_MAX = 14, SCALAR_BITS = 252, HUGE_PAGE = 1 << 21 };

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
    const size_t terms = m->vector_count * m->n * sizeof **m->term;
    const size_t scalars = m->n * sizeof *m->k;
    const size_t starts = (sizes + 1) * sizeof *m->start;
    const size_t events = (m->n + sizes + MSM_LANES_MAX) * sizeof *m->event;
    const size_t digits = m->n * sizeof *m->digit;
    const size_t all = terms + scalars + starts + events + digits;
    const size_t align = all < HUGE_PAGE ? _Alignof(struct msm_term) : HUGE_PAGE;
    uint8_t *p = aligned_alloc(align, (all + align - 1) / align * align);

    if (p == NULL)
        return NULL;
#ifdef MADV_HUGEPAGE
    /* Advice only: thousands of small pages cost more to enter than their points cost to add. */
    if (align == HUGE_PAGE)
        (void)madvise(p, all, MADV_HUGEPAGE);
#endif
    for (size_t v = 0; v < m->vector_count; v++)
        m->term[v] = (struct msm_term *)(void *)p + v * m->n;
    m->k = (struct msm_scalar *)(void *)(p + terms);
    m->start = (uint32_t *)(void *)(p + terms + scalars);
    m->event = (uint32_t *)(void *)(p + terms + scalars + starts);
    m->digit = (int16_t *)(void *)(p + terms + scalars + starts + events);
    return p;
}

static size_t sums(struct point *out, size_t vector_count, const struct scalar *k,
                   const struct point *const *in, size_t n)
{
    const struct group_backend *b = group_backend_of_cpu();
    struct msm m = {.n = n, .vector_count = vector_count, .window_bits = best_window(n)};
    size_t rc = GROUP_ALL_GOOD;

    memset(out, 0, vector_count * sizeof *out);
    if (n == 0)
        return GROUP_ALL_GOOD;
    m.window_count = (SCALAR_BITS - 1) / m.window_bits + 1;
    void *memory = lay_out(&m);
    if (memory == NULL)
        return GROUP_NO_MEMORY;
    for (size_t v = 0; v < vector_count && rc == GROUP_ALL_GOOD; v++) {
        const size_t good = b->terms_vartime(m.term[v], in[v], n);
        rc = good == n ? GROUP_ALL_GOOD : good;
    }
    if (rc == GROUP_ALL_GOOD) {
        for (size_t i = 0; i < n; i++)
            recode(&m, &m.k[i], &k[i]);
        b->sums_vartime(out, &m);
    }
    free(memory);
    return rc;
}

size_t group_msm_vartime(struct point *out, const struct scalar *k, const struct point *in,
                         size_t n)
{
    return sums(out, 1, k, &in, n);
}

size_t group_msm_pair_vartime(struct point out[2], const struct scalar *k,
                              const struct point *const in[2], size_t n)
{
    return sums(out, 2, k, in, n);
}
