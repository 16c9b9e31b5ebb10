/* Goal: keys that are no keys buy nothing. A recipient that encrypts under zero, or all columns under one
 * key, sees exactly the noisy counts that it pays for, also with the largest error that the proof
 * lets it choose; the reply's rerandomiser stays hidden from it. Of token keys, zero and another's
 * are refused.
 * Method: tests/game.h over replies, opened by hand where there is no key. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/gauss.h"
#include "crypto/noise.h"
#include "tests/adversary.h"
#include "tests/proof_bed.h"

/* ---- zero keys, chosen errors ---- */

/* Every column "encrypted" under s = 0, so that c = x: the column, and beside the target an error of two
 * in its direction, in columns that it is not in as well. Nothing in block K: no rerandomiser. */
static void encrypt_under_zero(struct adversary *a)
{
    struct fixture_epoch *e = &a->epoch;
    const struct ring *r = rlwe_ring(e->rlwe);

    for (size_t j = 0; j < e->column_count; j++) {
        memset(e->bytes[j].p, 0, e->bytes[j].n);
        for (size_t t = 0; t < FIXTURE_SLOTS; t++) {
            uint8_t *block = e->bytes[j].p + t / RLWE_DEGREE * rlwe_block_bytes(e->rlwe);
            int64_t x = e->f[j][t] * (int64_t)rlwe_delta(e->rlwe);
            if (t == a->slot)
                x += 2 * a->row_of[0];
            if (x != 0)
                proof_bed_shift_plane(r, block, RLWE_DEGREE, t % RLWE_DEGREE, x);
        }
        reply_column_digest(&e->columns[j].digest, buf_span(&e->bytes[j]));
    }
}

/* v = <A, x> + n: the scalars of a reply, with no key to take off. */
static double scalar_of(const struct adversary *a, const struct buf *row, size_t j)
{
    const struct ring *r = rlwe_ring(a->epoch.rlwe);
    const uint8_t *at = row->p + (RLWE_DEGREE + j) * r->coefficient_bytes;
    uint64_t v = 0;

    for (unsigned i = r->coefficient_bytes; i-- > 0;)
        v = v << 8 | at[i];
    const int64_t centred = v > r->q / 2 ? (int64_t)(v - r->q) : (int64_t)v;
    return (double)centred / rlwe_delta(a->epoch.rlwe);
}

static double ratio(double x, double shift, struct budget_variance v)
{
    const double s = budget_sigma(v);

    return (x * shift - shift * shift / 2) / (s * s);
}

static double opens_without_a_key(void *self, bool there, const struct key32 *seed)
{
    struct adversary *a = self;
    const struct fixture_epoch *e = &a->epoch;
    const double error = 2.0 / rlwe_delta(e->rlwe);
    struct reply reply;
    double sum = 0;

    adversary_lay(a, there);
    adversary_keys(a, seed);
    adversary_make(a, &reply);
    for (size_t i = 0; i < 2 && i < e->row_count; i++) {
        sum += ratio((double)reply.sizes[i] - (double)a->others[i], 1, a->price.margin);
        for (size_t j = 0; j < e->column_count; j++) {
            const bool cell = e->column_count == 1 || (i > 0 && j > 0);
            const double shift = a->row_of[i] * (e->f[j][a->slot] + a->row_of[0] * error);
            const double x =
                scalar_of(a, &reply.rows[i], j) - (double)a->known[i * e->column_count + j];
            sum += ratio(x, shift, cell ? a->price.cell : a->price.margin);
        }
    }
    reply_free(&reply);
    return sum;
}

static void play(const char *name, struct adversary *a,
                 double (*look)(void *, bool, const struct key32 *))
{
    game_play(&(struct game){.name = name,
                             .bound = game_bound(a->price.charge_nano),
                             .end = GAME_ATTAINED,
                             .self = a,
                             .look = look});
}

static void zero_keys(void **state)
{
    static struct adversary a;

    (void)state;
    adversary_init(&a, "overlap", 0);
    encrypt_under_zero(&a);
    play("zero key, chosen error: a count", &a, opens_without_a_key);
    adversary_free(&a);
    adversary_init(&a, "crosstab", DEAR_NANO);
    encrypt_under_zero(&a);
    play("zero keys in every column, dear: a table", &a, opens_without_a_key);
    adversary_free(&a);
}

static void equal_keys(void **state)
{
    static struct adversary a;

    (void)state;
    adversary_init(&a, "crosstab", DEAR_NANO);
    for (size_t j = 0; j < a.epoch.column_count; j++)
        adversary_encrypt(&a, j, 7);
    play("equal keys in every column, dear: a table", &a, adversary_asks_once);
    adversary_free(&a);
}

/* ---- what hides the hint ---- */

enum { HINTS = RLWE_COLUMNS_MAX };

struct hinted {
    struct rlwe *c;
    struct inner_hint *hint;
    uint8_t *columns[HINTS];
    struct span spans[HINTS];
    uint64_t width; /* of the noise; 0: none */
};

static void hinted_init(struct hinted *h)
{
    const struct rlwe_shape shape = {RLWE_P40, RLWE_DEGREE, 1000, 20};
    static const int8_t nobody[RLWE_DEGREE];
    const struct inner_row row = {.values = nobody};
    struct pt_err err = {0};

    memset(h, 0, sizeof *h);
    assert_int_equal(rlwe_new(&h->c, &shape, &(struct digest){{1}}, &err), PT_OK);
    assert_int_equal(inner_hint_new(&h->hint, h->c), PT_OK);
    assert_int_equal(inner_hint_add(h->hint, h->c, row, 0, 1), PT_OK);
    /* Zero but for a 2 in block K: what the reply adds is 2 u_0, in every column alike. */
    for (size_t j = 0; j < HINTS; j++) {
        h->columns[j] = calloc(1, rlwe_column_bytes(h->c));
        assert_non_null(h->columns[j]);
        h->columns[j][rlwe_block_bytes(h->c)] = 2;
        h->spans[j] = span_of(h->columns[j], rlwe_column_bytes(h->c));
    }
}

static void hinted_free(struct hinted *h)
{
    for (size_t j = 0; j < HINTS; j++)
        free(h->columns[j]);
    inner_hint_free(h->hint);
    rlwe_free(h->c);
}

/* The first seed after this one under which u_0 is above or below 0. */
static void seed_of(struct key32 *out, const struct key32 *from, bool above)
{
    int8_t u[GAUSS_COUNT] = {0};

    for (uint8_t n = 0; above ? u[0] <= 0 : u[0] >= 0; n++) {
        const struct span part = span_of(&n, 1);
        struct prg *prg = NULL;
        prf_derive(out, from, "patto/test/u/1", &part, 1);
        assert_int_equal(prg_new(&prg, out), PT_OK);
        assert_int_equal(gauss_draw(u, prg, 0), PT_OK);
        prg_free(prg);
    }
}

static void draw_widths(int64_t noise[HINTS], const struct hinted *h, const struct key32 *seed)
{
    const struct noise_variance v = {(u128)h->width * h->width, 1};
    struct prg *prg = NULL;

    memset(noise, 0, HINTS * sizeof *noise);
    assert_int_equal(prg_new(&prg, seed), PT_OK);
    for (size_t j = 0; j < HINTS && h->width > 0; j++) {
        struct draw d;
        draw_init(&d, prg, 1000 + j);
        assert_int_equal(noise_gauss(&noise[j], &d, v), PT_OK);
        draw_wipe(&d);
    }
    prg_free(prg);
}

/* The sum over all columns, which is the best estimate of u_0. */
static double sums_hints(void *self, bool there, const struct key32 *from)
{
    const struct hinted *h = self;
    static uint8_t out[(RLWE_DEGREE + HINTS) * 8];
    const uint64_t dot[HINTS] = {0};
    const uint64_t q = rlwe_ring(h->c)->q;
    int64_t noise[HINTS];
    struct key32 seed;
    double sum = 0;

    seed_of(&seed, from, there);
    draw_widths(noise, h, &seed);
    const struct inner_reply_in in = {h->hint, dot, noise, h->spans, HINTS, NULL};
    assert_int_equal(inner_reply(out, h->c, &in, &seed), PT_OK);
    for (size_t j = 0; j < HINTS; j++) {
        uint64_t v = 0;
        for (size_t i = 5; i-- > 0;)
            v = v << 8 | out[(RLWE_DEGREE + j) * 5 + i];
        sum += v > q / 2 ? -(double)(q - v) : (double)v;
    }
    return sum;
}

/* The sum is 128 u_0 and a normal of width 8 * width: 2 Phi(128 |u_0| / (8 width)) - 1, which is concave, so
 * that the mean of |u_0| bounds it: 4.34 where u_0 is not 0, by the sum over its law. */
static double hints_bound(uint64_t width)
{
    return erf(HINTS * 2 * 4.4 / (sqrt(HINTS) * (double)width) / sqrt(2));
}

static void hints_on_the_rerandomiser(void **state)
{
    static struct hinted h;

    (void)state;
    hinted_init(&h);
    h.width = inner_noise_min(HINTS);
    struct game g = {.name = "64 zero keys against the rerandomiser",
                     .bound = hints_bound(h.width),
                     .end = GAME_WITHIN,
                     .self = &h,
                     .look = sums_hints};
    game_play(&g);
    h.width = 0;
    g.name = "no noise: 64 zero keys against it";
    g.end = GAME_WON;
    game_play(&g);
    hinted_free(&h);
}

/* ---- token keys ---- */

static enum pt_code any_number(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err)
{
    (void)self;
    (void)peer;
    (void)point_count;
    (void)err;
    return PT_OK;
}

enum token_key { ITS_OWN, ZERO, THE_OWNERS };

/* One chunk to a peer that greets with such a key. Returns what the owner says of it. */
static enum pt_code tokens_from(enum token_key kind, struct pt_err *err)
{
    static const struct key32 proof_key = {{9}};
    struct policy *policy = fixture_three();
    struct fixture_node nodes[3];
    struct fixture_link l = {0};
    struct tokenise_owner owner = {0};
    struct tokenise_peer peer = {0};
    struct point point;
    uint8_t wide[1][64] = {{1}};
    enum pt_code rc = PT_OK;

    fixture_nodes(nodes, policy);
    if (kind == ZERO)
        memset(&nodes[1].self.oprf_public, 0, sizeof nodes[1].self.oprf_public);
    if (kind == THE_OWNERS)
        nodes[1].self.oprf_public = nodes[0].oprf.public_key;
    const struct session_to to = {.peer = 1, .what = WHAT_TOKENISE, .nonce = fixture_digest(1)};
    const struct session_to from = {.peer = 0, .what = WHAT_TOKENISE, .nonce = fixture_digest(2)};
    const struct tokenise_peer_in in = {
        .key = &nodes[1].oprf, .proof_key = &proof_key, .host = {.quota = any_number}};
    assert_int_equal(session_open(&l.opener, &nodes[0].self, to, &l.to_accepter, err), PT_OK);
    session_accept(&l.accepter, &nodes[1].self, from);
    assert_true(fixture_step(&l.accepter, &l.to_accepter, &l.to_opener, &rc, err));
    assert_int_equal(rc, PT_OK);
    assert_true(fixture_step(&l.opener, &l.to_opener, &l.to_accepter, &rc, err));
    if (rc == PT_OK) {
        group_map(&point, (const uint8_t(*)[64])wide, 1);
        assert_int_equal(tokenise_peer_begin(&peer, &l.accepter, &in, err), PT_OK);
        const struct tokenise_plan plan = {1, 1, 0};
        assert_int_equal(tokenise_owner_begin(&owner, &l.opener, plan, &l.to_accepter, err), PT_OK);
        assert_int_equal(
            tokenise_owner_send(&owner, (struct span_points){&point, 1}, &l.to_accepter, err),
            PT_OK);
        while (rc == PT_OK && fixture_step(&l.accepter, &l.to_accepter, &l.to_opener, &rc, err))
            ;
        assert_int_equal(rc, PT_OK);
        while (rc == PT_OK && fixture_step(&l.opener, &l.to_opener, &l.to_accepter, &rc, err))
            ;
    }
    if (rc != PT_OK)
        assert_string_equal(refusal_name(l.opener.refusal), "BAD_MESSAGE");
    tokenise_owner_free(&owner);
    tokenise_peer_wipe(&peer);
    fixture_link_free(&l);
    fixture_nodes_wipe(nodes, PT_LEN(nodes));
    policy_free(policy);
    return rc;
}

static void token_keys(void **state)
{
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(tokens_from(ITS_OWN, &err), PT_OK);
    assert_int_equal(tokens_from(ZERO, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "its token key is not a point of the group"));
    game_refused("token key of zero", "BAD_MESSAGE");
    assert_int_equal(tokens_from(THE_OWNERS, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "freshmart did not prove"));
    game_refused("token key equal to the owner's", "BAD_MESSAGE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_keys),
        cmocka_unit_test(equal_keys),
        cmocka_unit_test(hints_on_the_rerandomiser),
        cmocka_unit_test(token_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
