/* Goal: a recipient whose column holds a heavy weight on one person would read whether it is a customer
 * through the noise; the proof of the columns refuses every such weight, uncharged, for the epoch.
 * Method: answers to a heavy column as the evaluator's code would compute them without a proof; whole
 * sessions; proofs made for exactly what the heavy column holds (tests/proof_lies.h). */
#include "tests/proof_lies.h"

#include "tests/adversary.h"

/* ---- without the proof ---- */

struct heavy {
    struct adversary a;
    int64_t weight;
};

/* A column of nobody but the target, that often. */
static void heavy_init(struct heavy *h, int64_t weight, uint64_t rho_nano)
{
    struct fixture_epoch *e = &h->a.epoch;

    adversary_init(&h->a, "overlap", rho_nano);
    h->weight = weight;
    memset(e->f[0], 0, sizeof e->f[0]);
    adversary_encrypt(&h->a, 0, 1);
    proof_bed_shift_plane(rlwe_ring(e->rlwe),
                          e->bytes[0].p + h->a.slot / RLWE_DEGREE * rlwe_block_bytes(e->rlwe),
                          RLWE_DEGREE, h->a.slot % RLWE_DEGREE,
                          weight * h->a.row_of[0] * (int64_t)rlwe_delta(e->rlwe));
    reply_column_digest(&e->columns[0].digest, buf_span(&e->bytes[0]));
}

static double weighs(void *self, bool there, const struct key32 *seed)
{
    struct heavy *h = self;
    struct adversary_view v;

    adversary_lay(&h->a, there);
    adversary_keys(&h->a, seed);
    adversary_reply(&h->a, &v);
    return v.values[0] - (double)h->weight / 2;
}

static void without_a_proof(void **state)
{
    static const struct {
        const char *name;
        int64_t weight;
        uint64_t rho_nano;
        enum game_end end;
    } GAMES[] = {{"no proof: a weight of two, dear", 2, DEAR_NANO, GAME_OVER},
                 {"no proof: a weight of a thousand", 1000, 0, GAME_WON}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(GAMES); i++) {
        static struct heavy h;
        heavy_init(&h, GAMES[i].weight, GAMES[i].rho_nano);
        game_play(&(struct game){.name = GAMES[i].name,
                                 .bound = game_bound(h.a.price.charge_nano),
                                 .end = GAMES[i].end,
                                 .self = &h,
                                 .look = weighs,
                                 .trials = 2 * game_trials()});
        adversary_free(&h.a);
    }
}

/* ---- with it ---- */

static void in_session(void **state)
{
    static struct heavy h;
    struct adversary_view v;
    enum refusal why;

    (void)state;
    heavy_init(&h, 2, 0);
    for (int again = 0; again < 2; again++) {
        assert_false(adversary_session(&h.a, &v, &why));
        assert_string_equal(refusal_name(why), "NOT_PROVED");
        adversary_encrypt(&h.a, 0, 2); /* honest from now on, and too late */
    }
    assert_int_equal(h.a.epoch.charges, 0);
    game_refused("heavy weight, in session", "NOT_PROVED");
    adversary_free(&h.a);
}

/* Who stands in more columns than max_per_person shows more than was paid for: so a person in every
 * column would, were it not for the tally, which refuses it in session. */
static void in_every_column(void **state)
{
    static struct adversary a;
    struct adversary_view v;
    enum refusal why;

    (void)state;
    adversary_init(&a, "crosstab", 2 * DEAR_NANO);
    for (size_t j = 1; j < a.epoch.column_count; j++) {
        a.epoch.f[j][a.slot] = a.row_of[0];
        adversary_encrypt(&a, j, (uint8_t)(j + 1));
    }
    for (size_t i = 0; i < a.epoch.row_count; i++)
        for (size_t j = 0; j < a.epoch.column_count; j++)
            a.known[i * a.epoch.column_count + j] = fixture_exact(&a.epoch, i, j);
    game_play(&(struct game){.name = "no proof: a person in every column",
                             .bound = game_bound(a.price.charge_nano),
                             .end = GAME_OVER,
                             .self = &a,
                             .look = adversary_asks_once,
                             .trials = 2 * game_trials()});
    assert_false(adversary_session(&a, &v, &why));
    assert_string_equal(refusal_name(why), "NOT_PROVED");
    assert_int_equal(a.epoch.charges, 0);
    game_refused("a person in every column, in session", "NOT_PROVED");
    adversary_free(&a);
}

static void with_the_proof(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2)
        for (unsigned bits = 0; bits <= RLWE_DELTA_LOG2_MAX; bits++) {
            struct proof_bed b = laid(RLWE_P40);
            const int64_t delta = rlwe_delta(b.c);
            /* 1, 2, 4 ... delta, and one off them: of which only 1 is one. */
            const int64_t weight = ((int64_t)1 << bits) + (bits > 1 && bits % 2 == 1);
            assert_true(weight <= delta + 1);
            hold(&b, bits % 3, sign * weight * delta);
            assert_int_equal(proof_bed_run(&b), weight == 1 ? PT_OK : PT_EBADMSG);
            assert_int_not_equal(lie.told, 0);
            proof_bed_free(&b);
        }
    game_refused("heavy weights, 2 to delta, lied about", "the column proof");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_proof),
        cmocka_unit_test(in_session),
        cmocka_unit_test(in_every_column),
        cmocka_unit_test(with_the_proof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
