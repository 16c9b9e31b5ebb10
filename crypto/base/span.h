/* span.h - the byte types. A pointer and its length never travel apart.
 *
 * span  borrowed, read-only         buf  owned, growable, bounded, wiped when freed
 * rd    cursor over hostile bytes; the first short read sticks
 * Integers on every wire and in every hash are little endian unless a standard says otherwise. */
#ifndef PT_BASE_SPAN_H
#define PT_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/err.h"

__extension__ typedef __int128 i128; /* not in ISO C; both our compilers have it */
__extension__ typedef unsigned __int128 u128;

#define PT_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct span { /* borrowed, read-only; the owner outlives it */
    const uint8_t *p;
    size_t n;
};
struct buf { /* owned, growable; {0} is a valid empty one; buf_free() wipes it */
    uint8_t *p;
    size_t n, cap;
};
struct rd { /* cursor over bytes from outside; the first short read sticks */
    struct span in;
    size_t at;
    bool bad;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){p, n};
}
struct span span_z(const char *z); /* the characters of z, without its NUL */
/* Equal content; not constant time: public bytes only. */
bool span_eq_vartime(struct span a, struct span b);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}
/* Append; false, and *b unchanged, when memory ends or the size overflows.
 * Growth copies into fresh memory and wipes the old, so a buf may hold secrets. */
PT_MUST_USE bool buf_add(struct buf *b, const void *p, size_t n);
PT_MUST_USE bool buf_u8(struct buf *b, uint8_t v);
PT_MUST_USE bool buf_u32le(struct buf *b, uint32_t v);
PT_MUST_USE bool buf_u64le(struct buf *b, uint64_t v);
/* u32le length, then the bytes: the only way variable fields enter a hash or a signature. */
PT_MUST_USE bool buf_field(struct buf *b, struct span s);
PT_MUST_USE bool buf_reserve(struct buf *b, size_t cap);
PT_MUST_USE bool buf_printf(struct buf *b, const char *fmt, ...) PT_PRINTF(2, 3);
void buf_free(struct buf *b);

/* On a short read: sets bad, yields an empty span, and so does every later call. */
static inline struct span rd_take(struct rd *r, size_t n)
{
    if (r->bad || n > r->in.n - r->at) {
        r->bad = true;
        return (struct span){0};
    }
    r->at += n;
    return (struct span){r->in.p + r->at - n, n};
}
uint8_t rd_u8(struct rd *r);
uint32_t rd_u32le(struct rd *r);
uint64_t rd_u64le(struct rd *r);
/* A field written by buf_field(), at most max bytes long. */
struct span rd_field(struct rd *r, size_t max);
/* Exactly n bytes copied to out; out is zeroed when they are not there. */
void rd_into(struct rd *r, void *out, size_t n);

/* True when every read succeeded and nothing is left over. */
static inline bool rd_done(const struct rd *r)
{
    return !r->bad && r->at == r->in.n;
}

/* Whole words at once: a loop over bytes costs five times as much, and compilers see through none. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PT_LE32(v) (v)
#define PT_LE64(v) (v)
#else
#define PT_LE32(v) __builtin_bswap32(v)
#define PT_LE64(v) __builtin_bswap64(v)
#endif
static inline uint32_t load_u32le(const uint8_t *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return PT_LE32(v);
}
static inline uint64_t load_u64le(const uint8_t *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, sizeof v);
    return PT_LE64(v);
}
static inline void store_u32le(uint8_t *p, uint32_t v)
{
    const uint32_t little = PT_LE32(v);
    __builtin_memcpy(p, &little, sizeof little);
}
static inline void store_u64le(uint8_t *p, uint64_t v)
{
    const uint64_t little = PT_LE64(v);
    __builtin_memcpy(p, &little, sizeof little);
}

PT_MUST_USE static inline bool pt_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
PT_MUST_USE static inline bool pt_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif
