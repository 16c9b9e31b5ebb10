/* group.h - ristretto255 (RFC 9496) in batches, behind one dispatch.
 *
 * Points travel encoded; every decoding is canonical and the identity is refused. Operations
 * are constant time in scalars and in point values; which input is malformed is public.
 * Back-ends agree bit for bit: portable, AVX2 and AVX-512 IFMA, behind this header. */
#ifndef PT_GROUP_H
#define PT_GROUP_H

#include "crypto/base/err.h"
#include "crypto/base/span.h"
#include "crypto/base/wipe.h"

struct point { /* canonical encoding; public once sent */
    uint8_t b[32];
};
struct scalar { /* little endian, < group order; secret */
    uint8_t b[32];
};
PT_SECRET_TYPE(scalar);

enum { GROUP_BATCH_MAX = 1 << 16 };
#define GROUP_ALL_GOOD  ((size_t)-1)
#define GROUP_NO_MEMORY ((size_t)-2) /* sums only */

/* out = 64 uniform bytes mod q. Zero with probability 2^-252: callers that forbid it check. */
void scalar_reduce(struct scalar *out, const uint8_t wide[64]);
void scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b);
/* out = a + b*c; out = a - b*c */
void scalar_muladd(struct scalar *out, const struct scalar *a, const struct scalar *b,
                   const struct scalar *c);
void scalar_mulsub(struct scalar *out, const struct scalar *a, const struct scalar *b,
                   const struct scalar *c);
void scalar_half(struct scalar *out, const struct scalar *k); /* k/2 mod q */
/* out = 1/a; zero for zero. */
void scalar_invert(struct scalar *out, const struct scalar *a);
bool scalar_is_canonical_vartime(const struct scalar *a); /* < q; for scalars that are public */

/* k * B, the standard generator. */
void group_base_mul(struct point *out, const struct scalar *k);

/* Are all n encodings canonical and none the identity? GROUP_ALL_GOOD, or the index of the
 * first that is not. Public. */
size_t group_check(const struct point *in, size_t n);

/* out[i] = k * in[i].  One scalar for all: a peer's evaluation.
 * Returns GROUP_ALL_GOOD or the first bad index, and then all of out is zero. n <= BATCH_MAX. */
PT_MUST_USE size_t group_mul(struct point *out, const struct scalar *k, const struct point *in,
                             size_t n);
/* out[i] = k[i] * in[i]. */
PT_MUST_USE size_t group_mul_each(struct point *out, const struct scalar *k, const struct point *in,
                                  size_t n);
/* Decoded points, for more than one use of them, as the back-end likes them. Public: variable time. */
enum { GROUP_TERM_BYTES = 128, GROUP_SUMS_MAX = 2 };
struct group_term {
    _Alignas(64) uint8_t b[GROUP_TERM_BYTES];
};
/* Memory of its own. What was given back is kept for the next, a few chunks of it; the rest goes back to the system. */
PT_MUST_USE enum pt_code group_terms_new(struct group_term **out, size_t n);
void group_terms_free(struct group_term *t); /* NULL too */
/* GROUP_ALL_GOOD or the first index that is not a canonical point, or is the identity. */
PT_MUST_USE size_t group_decode_vartime(struct group_term *out, const struct point *in, size_t n);
/* out[i] = k * in[i]. k and the products may be secret. */
void group_mul_terms(struct point *out, const struct scalar *k, const struct group_term *in,
                     size_t n);
/* out = sum k[i] * in[i], by buckets. Variable time: scalars and points are public here
 * (the weights of a batched proof). Returns as above, or GROUP_NO_MEMORY (out is zero). The sum
 * may be the identity: all zeros. */
PT_MUST_USE size_t group_msm_vartime(struct point *out, const struct scalar *k,
                                     const struct point *in, size_t n);
/* out[v] = sum k[i] * in[v][i] for v < count <= GROUP_SUMS_MAX: one sorting of the scalars serves all.
 * GROUP_ALL_GOOD or GROUP_NO_MEMORY. */
PT_MUST_USE size_t group_sums_vartime(struct point *out, const struct scalar *k,
                                      const struct group_term *const *in, size_t count, size_t n);
/* out[i] = Map(wide[i]): one-way map of 64 uniform bytes, RFC 9496 s4.3.4. */
void group_map(struct point *out, const uint8_t (*wide)[64], size_t n);

/* Blinds r_i * base that are added to points, for a base that is public: a fraction of a multiplication
 * each, by a table. Points come out doubled where doubling saves the root that encoding takes. */
struct group_table;
struct group_blind { /* borrowed */
    const struct group_table *table;
    const struct scalar *r; /* one a point, secret */
};
/* PT_EBADMSG: base is malformed or the identity. PT_ENOMEM. Free with free(). */
PT_MUST_USE enum pt_code group_table_new(struct group_table **out, const struct point *base);
PT_MUST_USE enum pt_code group_base_table_new(struct group_table **out); /* of B */
/* out[i] = 2 * Map(wide[i]) + r[i] * base */
void group_map_blind(struct point *out, const struct group_blind *b, const uint8_t (*wide)[64],
                     size_t n);
/* out[i] = k * (in[i] - r[i] * base) */
void group_unblind_mul(struct point *out, const struct scalar *k, const struct group_blind *b,
                       const struct group_term *in, size_t n);
/* out[i] = 2 * (in[i] - r_old[i] * base_old) + r[i] * base */
void group_blind_again(struct point *out, const struct group_blind *old,
                       const struct group_blind *b, const struct group_term *in, size_t n);

/* out[i] = a[i] + b[i]; out[i] = a[i] - b[i]. out may be a or b. Returns as group_mul() does, the
 * index being that of the first that is not canonical, identities allowed; out is zero then. */
PT_MUST_USE size_t group_add_each(struct point *out, const struct point *a, const struct point *b,
                                  size_t n);
PT_MUST_USE size_t group_sub_each(struct point *out, const struct point *a, const struct point *b,
                                  size_t n);

/* Name of the back-end chosen at start: "portable" (PATTO_CPU forces one). */
const char *group_backend(void);

#endif
