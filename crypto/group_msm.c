#include "crypto/group_msm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/base/ct.h"
#include "crypto/base/large.h"
#include "crypto/group_backend.h"
#include "crypto/scalar.h"

/* |k| <= q/2 has 252 bits, the last of them rarely. */
enum { WINDOW_MAX = 14, SCALAR_BITS = 252 };

static unsigned windows_of(unsigned bits)
{
    return (SCALAR_BITS - 1) / bits + 1;
}

/* In multiplications: eight a point, sixteen more a bucket, and to bring the lanes together. The last window
 * may have few sizes, and then lanes without a bucket. */
static unsigned best_window(size_t n)
{
    unsigned best = 2;
    size_t best_cost = SIZE_MAX;

    for (unsigned c = 2; c <= WINDOW_MAX; c++) {
        const size_t last = (size_t)1 << (SCALAR_BITS - 1 - (windows_of(c) - 1) * c);
        const size_t idle = last < MSM_LANES_MAX ? MSM_LANES_MAX / last - 1 : 0;
        const size_t cost =
            windows_of(c) * (8 * n + ((size_t)16 << (c - 1)) + 208 * (size_t)c) + idle * 8 * n;
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

/* m->order: sizes, those with most points first. */
static void order_sizes(struct msm *m)
{
    const size_t sizes = msm_sizes(m);
    uint32_t most = 0;
    uint32_t at = 0;

    for (size_t size = 1; size <= sizes; size++)
        most = m->count[size] > most ? m->count[size] : most;
    memset(m->with, 0, ((size_t)most + 1) * sizeof *m->with);
    for (size_t size = 1; size <= sizes; size++)
        m->with[m->count[size]]++;
    for (uint32_t count = most + 1;
         count-- > 0;) { /* from how many there are to where they begin */
        const uint32_t many = m->with[count];
        m->with[count] = at;
        at += many;
    }
    for (size_t size = 1; size <= sizes; size++)
        m->order[m->with[m->count[size]]++] = (uint32_t)size;
}

/* Rows of so many lanes, and the events of lanes that have fewer points than the row has steps. */
static void lay_rows(struct msm *m, size_t lanes)
{
    const size_t sizes = msm_sizes(m);
    uint32_t at = 0;

    m->row_count = 0;
    for (size_t first = 0; first < sizes && m->count[m->order[first]] > 0; first += lanes) {
        const uint32_t steps = m->count[m->order[first]];
        m->steps[m->row_count++] = steps;
        for (size_t lane = 0; lane < lanes; lane++) {
            const uint32_t size = first + lane < sizes ? m->order[first + lane] : 0;
            const uint32_t count = size > 0 ? m->count[size] : 0;
            m->size[first + lane] = size;
            m->next[size] = at + (uint32_t)lane;
            for (uint32_t step = count; step < steps; step++)
                m->event[at + step * lanes + lane] = MSM_NO_POINT;
        }
        at += steps * (uint32_t)lanes;
    }
    for (size_t i = 0; i < MSM_AHEAD * lanes; i++)
        m->event[at + i] = MSM_NO_POINT;
}

void msm_sort_vartime(struct msm *m, unsigned window, size_t lanes)
{
    memset(m->count, 0, (msm_sizes(m) + 1) * sizeof *m->count);
    for (size_t i = 0; i < m->n; i++)
        m->count[abs(m->digit[i] = digit_of(m, &m->k[i], window))]++;
    order_sizes(m);
    lay_rows(m, lanes);
    for (size_t i = 0; i < m->n; i++) {
        const int digit = m->digit[i];
        uint32_t *next = &m->next[abs(digit)];
        if (digit == 0)
            continue;
        m->event[*next] = (uint32_t)i * 2 + (digit < 0);
        *next += (uint32_t)lanes;
    }
}

/* One block of memory for everything; nothing in it is secret. Rows after the first have no more steps than
 * the row before has points in each bucket, so that events are n + lanes * n at most; memory that is not
 * used is not touched. */
static void *lay_out(struct msm *m)
{
    const size_t sizes = msm_sizes(m) + MSM_LANES_MAX;
    const size_t events = m->n * (MSM_LANES_MAX + 1) + (size_t)MSM_AHEAD * MSM_LANES_MAX;
    struct {
        uint32_t **to;
        size_t n;
    } const lists[] = {{&m->steps, sizes}, {&m->size, sizes}, {&m->order, sizes},
                       {&m->count, sizes}, {&m->next, sizes}, {&m->with, m->n + 2},
                       {&m->event, events}};
    const size_t buckets = sizes * sizeof *m->bucket;
    const size_t scalars = m->n * sizeof *m->k;
    size_t all = buckets + scalars + m->n * sizeof *m->digit;

    for (size_t i = 0; i < PT_LEN(lists); i++)
        all += lists[i].n * sizeof **lists[i].to;
    uint8_t *const p = large_new(all);
    if (p == NULL)
        return NULL;
    m->bucket = (struct msm_bucket *)(void *)p;
    m->k = (struct msm_scalar *)(void *)(p + buckets);
    uint32_t *list = (uint32_t *)(void *)(p + buckets + scalars);
    for (size_t i = 0; i < PT_LEN(lists); i++) {
        *lists[i].to = list;
        list += lists[i].n;
    }
    m->digit = (int16_t *)(void *)list;
    return p;
}

/* A few that were given back, for the next chunks: pages that are new cost more than decoding to them. They hold
 * public points. */
enum { SPARE_TERMS = 4, SPARE_BYTES_MAX = 1 << 21 };
static _Atomic(struct group_term *) spare_terms[SPARE_TERMS];

static bool take_spare(struct group_term **out, uint64_t bytes)
{
    for (size_t i = 0; i < SPARE_TERMS; i++) {
        struct group_term *t = atomic_exchange(&spare_terms[i], NULL);
        if (t == NULL)
            continue;
        if (load_u64le(t->b) == bytes) {
            *out = t + 1;
            return true;
        }
        munmap(t, load_u64le(t->b));
    }
    return false;
}

static bool keep_spare(struct group_term *t, uint64_t bytes)
{
    bool kept = false;

    for (size_t i = 0; i < SPARE_TERMS && bytes <= SPARE_BYTES_MAX && !kept; i++) {
        struct group_term *none = NULL;
        kept = atomic_compare_exchange_strong(&spare_terms[i], &none, t);
    }
    return kept;
}

/* One more than n: the first says how many bytes there are. */
enum pt_code group_terms_new(struct group_term **out, size_t n)
{
    const uint64_t bytes = (n + 1) * sizeof **out;

    *out = NULL;
    if (take_spare(out, bytes))
        return PT_OK;
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
    if (!keep_spare(t - 1, bytes))
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
    m.window_count = windows_of(m.window_bits);
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
