#include "crypto/vole.h"

#include <assert.h>

#include <sodium.h>

#include "crypto/aes_wide.h"
#include "crypto/base/ct.h"
#include "crypto/digit_sum.h"
#include "crypto/prg.h"

enum { STREAM_GAMMA, STREAM_SEEDS }; /* of a side's seed */

struct leaves { /* of each digit's tree, and ciphers keyed by them where aes_wide.h cannot run */
    struct key32 key[VOLE_DIGITS_MAX][GGM_LEAVES];
    struct prg *of[VOLE_DIGITS_MAX][GGM_LEAVES];
};
struct vole_prover {
    const struct ring *ring;
    struct leaves leaves;
};
struct vole_verifier {
    const struct ring *ring;
    struct digest session;
    struct field2 gamma;
    uint8_t digit[VOLE_DIGITS_MAX];
    struct base_ot_receiver transfers;
    struct leaves leaves;
};
struct growth { /* secret: what setting up takes */
    struct ggm_tree tree;
    struct base_ot_keys keys;
    struct key32 learnt[BASE_OT_MAX];
    struct key32 seed[1 + VOLE_DIGITS_MAX]; /* of the transfers, of the trees' roots */
};

static size_t transfer_count(const struct ring *r)
{
    return vole_digit_count(r) * GGM_DEPTH;
}
size_t vole_choices_bytes(const struct ring *r)
{
    return transfer_count(r) * BASE_OT_CHOICE_BYTES;
}
size_t vole_trees_bytes(const struct ring *r)
{
    return BASE_OT_SENDER_BYTES + vole_digit_count(r) * GGM_MESSAGE_BYTES;
}
size_t vole_correction_bytes(const struct ring *r, size_t n, bool drawn)
{
    return (vole_digit_count(r) - (drawn ? 1 : 0)) * residues_bytes(r, n);
}

static void leaves_free(struct leaves *l)
{
    for (size_t d = 0; d < VOLE_DIGITS_MAX; d++)
        for (size_t x = 0; x < GGM_LEAVES; x++)
            prg_free(l->of[d][x]);
}
void vole_prover_free(struct vole_prover *p)
{
    if (p == NULL)
        return;
    leaves_free(&p->leaves);
    sodium_free(p);
}
void vole_verifier_free(struct vole_verifier *v)
{
    if (v == NULL)
        return;
    leaves_free(&v->leaves);
    sodium_free(v);
}
struct field2 vole_gamma(const struct vole_verifier *v)
{
    return v->gamma;
}

static void *secret_new(size_t n)
{
    void *p = sodium_malloc(n);

    if (p != NULL)
        memset(p, 0, n);
    return p;
}

static enum pt_code key_leaves(struct leaves *l, size_t digit, const struct ggm_tree *t)
{
    enum pt_code rc = PT_OK;

    memcpy(l->key[digit], t->key, sizeof t->key);
    for (size_t x = 0; x < GGM_LEAVES && rc == PT_OK && !aes_wide_usable(); x++)
        rc = prg_new(&l->of[digit][x], &t->key[x]);
    return rc;
}

/* Exactly uniform; words that are not below q are thrown away, so that their number may show. */
static enum pt_code draw_gamma(struct vole_verifier *v, const struct prg *g)
{
    const struct ring *r = v->ring;
    uint8_t planes[2 * 6];
    enum pt_code rc = residues_draw(planes, r, g, STREAM_GAMMA, 2);
    uint64_t c[2] = {0};

    if (rc == PT_OK)
        residues_read(c, r, planes, 2);
    v->gamma = (struct field2){c[0], c[1]};
    for (unsigned i = 0; i < r->coefficient_bytes; i++) {
        v->digit[i] = (uint8_t)(c[0] >> 8 * i);
        v->digit[r->coefficient_bytes + i] = (uint8_t)(c[1] >> 8 * i);
    }
    for (size_t i = 0; i < transfer_count(r); i++)
        v->transfers.bit[i] = 1 ^ (v->digit[i / GGM_DEPTH] >> (GGM_DEPTH - 1 - i % GGM_DEPTH) & 1);
    v->transfers.count = transfer_count(r);
    explicit_bzero(planes, sizeof planes);
    explicit_bzero(c, sizeof c);
    return rc;
}

enum pt_code vole_verifier_new(struct vole_verifier **out, uint8_t *choices, const struct ring *r,
                               const struct digest *session, const struct key32 *seed)
{
    struct vole_verifier *v = secret_new(sizeof *v);
    PT_WIPED(key32) transfers = {{0}};
    struct prg *g = NULL;
    enum pt_code rc = v == NULL ? PT_ENOMEM : prg_new(&g, seed);

    *out = NULL;
    if (rc != PT_OK)
        goto out;
    v->ring = r;
    v->session = *session;
    if ((rc = draw_gamma(v, g)) == PT_OK)
        rc = prg_read(g, STREAM_SEEDS, 0, transfers.b, sizeof transfers.b);
    if (rc == PT_OK)
        rc = base_ot_choose(choices, &v->transfers, session, &transfers);
out:
    prg_free(g);
    if (rc == PT_OK)
        *out = v;
    else
        vole_verifier_free(v);
    return rc;
}

static enum pt_code grow_all(struct vole_prover *p, uint8_t *trees, struct growth *w,
                             const struct digest *session)
{
    enum pt_code rc = PT_OK;

    for (size_t d = 0; d < vole_digit_count(p->ring) && rc == PT_OK; d++) {
        ggm_grow(&w->tree, trees + BASE_OT_SENDER_BYTES + d * GGM_MESSAGE_BYTES,
                 (struct ggm_name){session, (uint8_t)d}, &w->seed[1 + d],
                 (const struct key32(*)[2])w->keys.of + d * GGM_DEPTH);
        rc = key_leaves(&p->leaves, d, &w->tree);
    }
    return rc;
}

enum pt_code vole_prover_new(struct vole_prover **out, uint8_t *trees, const struct ring *r,
                             const struct digest *session, struct span choices,
                             const struct key32 *seed)
{
    struct vole_prover *p = NULL;
    struct growth *w = NULL;
    struct prg *g = NULL;
    enum pt_code rc;

    *out = NULL;
    if (choices.n != vole_choices_bytes(r))
        return PT_EBADMSG;
    p = secret_new(sizeof *p);
    w = secret_new(sizeof *w);
    rc = p == NULL || w == NULL ? PT_ENOMEM : prg_new(&g, seed);
    if (rc != PT_OK)
        goto out;
    p->ring = r;
    if ((rc = prg_read(g, STREAM_SEEDS, 0, w->seed, sizeof w->seed)) == PT_OK)
        rc = base_ot_send(&w->keys, trees, choices, session, &w->seed[0]);
    if (rc == PT_OK)
        rc = grow_all(p, trees, w, session);
out:
    prg_free(g);
    sodium_free(w);
    if (rc == PT_OK)
        *out = p;
    else
        vole_prover_free(p);
    return rc;
}

enum pt_code vole_verifier_accept(struct vole_verifier *v, bool *consistent, struct span trees)
{
    struct growth *w = NULL;
    enum pt_code rc;

    *consistent = false;
    if (trees.n != vole_trees_bytes(v->ring))
        return PT_EBADMSG;
    w = secret_new(sizeof *w);
    rc = w == NULL ? PT_ENOMEM : base_ot_receive(w->learnt, &v->transfers, trees.p, &v->session);
    bool good = rc == PT_OK;
    for (size_t d = 0; d < vole_digit_count(v->ring) && rc == PT_OK; d++) {
        const uint8_t *message = trees.p + BASE_OT_SENDER_BYTES + d * GGM_MESSAGE_BYTES;
        good &= ggm_recover(&w->tree, span_of(message, GGM_MESSAGE_BYTES),
                            (struct ggm_name){&v->session, (uint8_t)d}, v->digit[d],
                            w->learnt + d * GGM_DEPTH);
        rc = key_leaves(&v->leaves, d, &w->tree);
    }
    sodium_free(w);
    *consistent = good;
    return rc;
}

/* Digits are shared out over strips, each with room of its own: digit d is strip d mod count's. */
struct strips {
    const struct ring *ring;
    const struct leaves *leaves;
    const uint8_t *hole; /* a digit each; NULL: none */
    const struct vole_job *job;
    struct vole_vector *out;
    struct digit_sum *room;
    enum pt_code rc[VOLE_DIGITS_MAX]; /* a strip each */
    size_t count;
    void (*finish)(const struct strips *s, struct digit_sum *sum, size_t digit);
    uint64_t *x;                  /* the prover's */
    uint8_t *correction;          /* the prover's */
    const uint8_t *correction_in; /* the verifier's */
};

static void run_strip(void *context, size_t i)
{
    struct strips *s = context;

    for (size_t d = i; d < vole_digit_count(s->ring) && s->rc[i] == PT_OK; d += s->count) {
        const struct digit_leaves in = {s->leaves->key[d], s->leaves->of[d],
                                        s->hole == NULL ? GGM_LEAVES : s->hole[d], s->job->number,
                                        s->job->n};
        s->rc[i] = digit_sum(&s->room[i], s->ring, &in);
        if (s->rc[i] == PT_OK)
            s->finish(s, &s->room[i], d);
    }
}

struct vole_room {
    struct digit_sum sum;
};

enum pt_code vole_room_new(struct vole_room **out)
{
    *out = secret_new(sizeof **out);
    return *out != NULL ? PT_OK : PT_ENOMEM;
}

void vole_room_free(struct vole_room *room)
{
    sodium_free(room);
}

static enum pt_code run_strips(struct strips *s)
{
    const size_t width = parallel_width(s->job->parallel);

    if (s->job->room != NULL) {
        s->count = 1;
        s->room = &s->job->room->sum;
        run_strip(s, 0);
        return s->rc[0];
    }
    s->count = width < vole_digit_count(s->ring) ? width : vole_digit_count(s->ring);
    s->room = secret_new(s->count * sizeof *s->room);
    if (s->room == NULL)
        return PT_ENOMEM;
    parallel_run(s->job->parallel, s->count, run_strip, s);
    sodium_free(s->room);
    for (size_t i = 0; i < s->count; i++)
        if (s->rc[i] != PT_OK)
            return s->rc[i];
    return PT_OK;
}

/* M_i = -v, and the correction x - u; digit 0 of a drawn vector is what x is. */
static void finish_prover(const struct strips *s, struct digit_sum *sum, size_t digit)
{
    const struct ring *r = s->ring;
    const size_t n = s->job->n;

    for (size_t i = 0; i < n; i++)
        s->out->digit[digit][i] = ring_sub(r, 0, sum->v[i]);
    if (s->job->drawn && digit == 0) {
        memcpy(s->x, sum->u, n * sizeof *s->x);
        return;
    }
    /* x of a drawn vector may not be there yet: vole_commit() comes back to it. */
    memcpy(sum->v, sum->u, n * sizeof *sum->u);
    for (size_t i = 0; i < n && !s->job->drawn; i++)
        sum->v[i] = ring_sub(r, s->x[i], sum->u[i]);
    residues_write(s->correction + (digit - (s->job->drawn ? 1 : 0)) * residues_bytes(r, n), r,
                   sum->v, n);
}

enum pt_code vole_commit(struct vole_vector *m, uint8_t *correction, const struct vole_prover *p,
                         uint64_t *x, const struct vole_job *job)
{
    const struct ring *r = p->ring;
    const size_t bytes = residues_bytes(r, job->n);
    struct strips s = {.ring = r,
                       .leaves = &p->leaves,
                       .job = job,
                       .out = m,
                       .finish = finish_prover,
                       .x = x,
                       .correction = correction};
    assert(job->n <= (job->drawn ? VOLE_DRAWN_MAX : VOLE_LENGTH_MAX));
    enum pt_code rc = run_strips(&s);

    for (size_t d = 1; d < vole_digit_count(r) && rc == PT_OK && job->drawn; d++) {
        uint8_t *at = correction + (d - 1) * bytes;
        uint64_t u[VOLE_DRAWN_MAX];
        residues_read(u, r, at, job->n);
        for (size_t i = 0; i < job->n; i++)
            u[i] = ring_sub(r, x[i], u[i]);
        residues_write(at, r, u, job->n); /* public from here on */
    }
    if (rc != PT_OK)
        explicit_bzero(correction, vole_correction_bytes(r, job->n, job->drawn));
    return rc;
}

/* K_i = digit * (u + d) - v. */
static void finish_verifier(const struct strips *s, struct digit_sum *sum, size_t digit)
{
    const struct ring *r = s->ring;
    const size_t n = s->job->n;
    const size_t skipped = s->job->drawn ? 1 : 0;
    uint64_t *k = s->out->digit[digit];

    memset(k, 0, n * sizeof *k);
    if (digit >= skipped)
        residues_read(k, r, s->correction_in + (digit - skipped) * residues_bytes(r, n), n);
    for (size_t i = 0; i < n; i++) {
        const uint64_t x = ring_add(r, sum->u[i], k[i]);
        k[i] = ring_sub(r, ring_reduce(r, s->hole[digit] * x), sum->v[i]);
    }
}

enum pt_code vole_keys(struct vole_vector *k, const struct vole_verifier *v, struct span correction,
                       const struct vole_job *job)
{
    const struct ring *r = v->ring;
    const size_t bytes = residues_bytes(r, job->n);
    struct strips s = {.ring = r,
                       .leaves = &v->leaves,
                       .hole = v->digit,
                       .job = job,
                       .out = k,
                       .finish = finish_verifier,
                       .correction_in = correction.p};

    if (correction.n != vole_correction_bytes(r, job->n, job->drawn))
        return PT_EBADMSG;
    for (size_t at = 0; at < correction.n; at += bytes)
        if (!residues_valid(r, correction.p + at, job->n))
            return PT_EBADMSG;
    return run_strips(&s);
}

struct field2 vole_join(const struct ring *r, const struct vole_vector *v, size_t i)
{
    struct field2 joined = {0, 0};

    for (unsigned d = r->coefficient_bytes; d-- > 0;) {
        joined.c0 = ring_reduce(r, (joined.c0 << 8) + v->digit[d][i]);
        joined.c1 = ring_reduce(r, (joined.c1 << 8) + v->digit[r->coefficient_bytes + d][i]);
    }
    return joined;
}

uint64_t vole_digit_times(const struct vole_verifier *v, size_t digit, uint64_t x)
{
    return ring_reduce(v->ring, v->digit[digit] * x); /* below 2^56 */
}
