#include "crypto/base/span.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span span_z(const char *z)
{
    return (struct span){(const uint8_t *)z, strlen(z)};
}

bool span_eq_vartime(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i])
            return false;
    return true;
}

bool buf_reserve(struct buf *b, size_t cap)
{
    if (cap <= b->cap)
        return true;
    /* Not realloc: it would leave an unwiped copy behind when it moves. */
    uint8_t *p = malloc(cap);
    if (p == NULL)
        return false;
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    if (b->p != NULL)
        explicit_bzero(b->p, b->cap);
    free(b->p);
    b->p = p;
    b->cap = cap;
    return true;
}

static bool buf_room(struct buf *b, size_t n)
{
    size_t need;
    size_t doubled;

    if (!pt_add(b->n, n, &need))
        return false;
    if (need <= b->cap)
        return true;
    if (!pt_mul(b->cap, 2, &doubled))
        return false;
    if (doubled < 64)
        doubled = 64;
    return buf_reserve(b, need > doubled ? need : doubled);
}

bool buf_add(struct buf *b, const void *p, size_t n)
{
    if (!buf_room(b, n))
        return false;
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return true;
}

bool buf_u8(struct buf *b, uint8_t v)
{
    return buf_add(b, &v, 1);
}

bool buf_u32le(struct buf *b, uint32_t v)
{
    uint8_t le[4];

    store_u32le(le, v);
    return buf_add(b, le, sizeof le);
}

bool buf_u64le(struct buf *b, uint64_t v)
{
    uint8_t le[8];

    store_u64le(le, v);
    return buf_add(b, le, sizeof le);
}

bool buf_field(struct buf *b, struct span s)
{
    size_t was = b->n;

    if (s.n > UINT32_MAX || !buf_u32le(b, (uint32_t)s.n))
        return false;
    if (buf_add(b, s.p, s.n))
        return true;
    b->n = was;
    return false;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !buf_room(b, (size_t)n + 1))
        return false;
    va_start(ap, fmt);
    vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return true;
}

void buf_free(struct buf *b)
{
    if (b->p != NULL)
        explicit_bzero(b->p, b->cap);
    free(b->p);
    *b = (struct buf){0};
}

uint8_t rd_u8(struct rd *r)
{
    struct span s = rd_take(r, 1);
    return s.n < 1 ? 0 : s.p[0];
}

uint32_t rd_u32le(struct rd *r)
{
    struct span s = rd_take(r, 4);
    return s.n < 4 ? 0 : load_u32le(s.p);
}

uint64_t rd_u64le(struct rd *r)
{
    struct span s = rd_take(r, 8);
    return s.n < 8 ? 0 : load_u64le(s.p);
}

struct span rd_field(struct rd *r, size_t max)
{
    uint32_t n = rd_u32le(r);

    if (n > max)
        r->bad = true;
    return rd_take(r, n);
}

void rd_into(struct rd *r, void *out, size_t n)
{
    struct span s = rd_take(r, n);

    if (s.n < n || n == 0)
        memset(out, 0, n);
    else
        memcpy(out, s.p, n);
}
