#include "crypto/base_ot.h"

#include <sodium.h>

#include "crypto/base/ct.h"
#include "crypto/prg.h"

enum { STREAM_SCALARS, STREAM_POINTS }; /* of a seed */

struct wide { /* uniform bytes that become points or scalars */
    uint8_t b[BASE_OT_MAX][64];
};
PT_SECRET_TYPE(wide);
struct points {
    struct point p[BASE_OT_MAX];
};
PT_SECRET_TYPE(points);

/* H(i, j, r): 64 uniform bytes of a point. j may be secret. */
static void oracle(uint8_t out[64], const struct digest *session, size_t i, uint8_t j,
                   const struct point *r)
{
    static const char LABEL[] = "patto/base-ot/point";
    const uint8_t place[2] = {(uint8_t)i, j};
    crypto_hash_sha512_state h;

    crypto_hash_sha512_init(&h);
    crypto_hash_sha512_update(&h, (const uint8_t *)LABEL, sizeof LABEL);
    crypto_hash_sha512_update(&h, session->b, sizeof session->b);
    crypto_hash_sha512_update(&h, place, sizeof place);
    crypto_hash_sha512_update(&h, r->b, sizeof r->b);
    crypto_hash_sha512_final(&h, out);
    sodium_memzero(&h, sizeof h);
}

/* What the key of transfer i, side j, depends on beside the shared point. */
struct place {
    const struct digest *session;
    const struct point *offered; /* two */
    const uint8_t *answer;
    size_t i;
    uint8_t j;
};
static void key_of(struct key32 *out, const struct point *shared, struct place at)
{
    const uint8_t place[2] = {(uint8_t)at.i, at.j};
    const struct span parts[] = {
        span_of(at.session->b, sizeof at.session->b), span_of(place, sizeof place),
        span_of(at.offered, 2 * sizeof *at.offered), span_of(at.answer, BASE_OT_SENDER_BYTES)};
    PT_WIPED(key32) point;

    memcpy(point.b, shared->b, sizeof point.b);
    prf_derive(out, &point, "patto/base-ot/key", parts, PT_LEN(parts));
}

static void select_point(struct point *out, uint64_t mask, const struct point *yes,
                         const struct point *no)
{
    for (size_t i = 0; i < sizeof out->b; i++)
        out->b[i] = (uint8_t)ct_select(mask, yes->b[i], no->b[i]);
}

/* n * 64 bytes of a stream of a seed. */
static enum pt_code expand(struct wide *out, const struct key32 *seed, uint64_t stream, size_t n)
{
    struct prg *g = NULL;
    enum pt_code rc = prg_new(&g, seed);

    if (rc == PT_OK)
        rc = prg_read(g, stream, 0, out->b, n * sizeof out->b[0]);
    prg_free(g);
    return rc;
}

/* out[i] = k[i] * B. */
static void base_mul_each(struct points *out, const struct scalar *k, size_t n)
{
    static const struct scalar ONE = {{1}};

    group_base_mul(&out->p[0], &ONE);
    for (size_t i = 1; i < n; i++)
        out->p[i] = out->p[0];
    (void)!group_mul_each(out->p, k, out->p, n); /* the generator decodes */
}

enum pt_code base_ot_choose(uint8_t *message, struct base_ot_receiver *o,
                            const struct digest *session, const struct key32 *seed)
{
    PT_WIPED(wide) wide;
    PT_WIPED(points) made;
    PT_WIPED(points) random;
    PT_WIPED(points) hashed;
    const size_t n = o->count;
    enum pt_code rc;

    if ((rc = expand(&wide, seed, STREAM_SCALARS, n)) != PT_OK)
        goto out;
    for (size_t i = 0; i < n; i++)
        scalar_reduce(&o->y[i], wide.b[i]);
    base_mul_each(&made, o->y, n);
    if ((rc = expand(&wide, seed, STREAM_POINTS, n)) != PT_OK)
        goto out;
    group_map(random.p, (const uint8_t(*)[64])wide.b, n);
    for (size_t i = 0; i < n; i++)
        oracle(wide.b[i], session, i, 1 ^ o->bit[i], &random.p[i]);
    group_map(hashed.p, (const uint8_t(*)[64])wide.b, n);
    if (group_sub_each(made.p, made.p, hashed.p, n) != GROUP_ALL_GOOD) {
        rc = PT_EBUG;
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t one = ct_mask_eq(o->bit[i], 1);
        select_point(&o->offered[i][0], one, &random.p[i], &made.p[i]);
        select_point(&o->offered[i][1], one, &made.p[i], &random.p[i]);
    }
    memcpy(message, o->offered, n * sizeof o->offered[0]);
out:
    if (rc != PT_OK)
        base_ot_receiver_wipe(o);
    return rc;
}

/* out[i] = alpha * (r_j + H(i, 1-j, r_{1-j})); offered: r_0 and r_1 of transfer 0, 1, ... */
static bool share_points(struct points *out, struct wide *wide, const struct scalar *alpha,
                         const struct point *offered, size_t n, struct place at)
{
    struct points mine;

    for (size_t i = 0; i < n; i++) {
        mine.p[i] = offered[2 * i + at.j];
        oracle(wide->b[i], at.session, i, 1 ^ at.j, &offered[2 * i + (1 ^ at.j)]);
    }
    group_map(out->p, (const uint8_t(*)[64])wide->b, n);
    return group_add_each(out->p, mine.p, out->p, n) == GROUP_ALL_GOOD &&
           group_mul(out->p, alpha, out->p, n) == GROUP_ALL_GOOD;
}

enum pt_code base_ot_send(struct base_ot_keys *keys, uint8_t answer[BASE_OT_SENDER_BYTES],
                          struct span message, const struct digest *session,
                          const struct key32 *seed)
{
    const size_t n = message.n / BASE_OT_CHOICE_BYTES;
    const struct point *offered = (const void *)message.p; /* bytes, as points are */
    PT_WIPED(wide) wide;
    PT_WIPED(points) shared;
    PT_WIPED(scalar) alpha;
    struct point a;
    enum pt_code rc;

    memset(keys, 0, sizeof *keys);
    memset(answer, 0, BASE_OT_SENDER_BYTES);
    if (message.n % BASE_OT_CHOICE_BYTES != 0 || n < 1 || n > BASE_OT_MAX ||
        group_check(offered, 2 * n) != GROUP_ALL_GOOD)
        return PT_EBADMSG;
    if ((rc = expand(&wide, seed, STREAM_SCALARS, 1)) != PT_OK)
        return rc;
    scalar_reduce(&alpha, wide.b[0]);
    group_base_mul(&a, &alpha);
    for (uint8_t j = 0; j < 2; j++) {
        struct place at = {.session = session, .answer = a.b, .j = j};
        if (!share_points(&shared, &wide, &alpha, offered, n, at)) {
            memset(keys, 0, sizeof *keys);
            return PT_EBADMSG;
        }
        for (at.i = 0; at.i < n; at.i++) {
            at.offered = offered + 2 * at.i;
            key_of(&keys->of[at.i][j], &shared.p[at.i], at);
        }
    }
    memcpy(answer, a.b, sizeof a.b);
    return PT_OK;
}

enum pt_code base_ot_receive(struct key32 *out, const struct base_ot_receiver *o,
                             const uint8_t answer[BASE_OT_SENDER_BYTES],
                             const struct digest *session)
{
    PT_WIPED(points) shared;

    memset(out, 0, o->count * sizeof *out);
    for (size_t i = 0; i < o->count; i++)
        memcpy(shared.p[i].b, answer, sizeof shared.p[i].b);
    if (group_check(shared.p, 1) != GROUP_ALL_GOOD ||
        group_mul_each(shared.p, o->y, shared.p, o->count) != GROUP_ALL_GOOD)
        return PT_EBADMSG;
    for (size_t i = 0; i < o->count; i++)
        key_of(&out[i], &shared.p[i], (struct place){session, o->offered[i], answer, i, o->bit[i]});
    return PT_OK;
}
