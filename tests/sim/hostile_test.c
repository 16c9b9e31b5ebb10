/* Goal: in bad weather and with a liar among them, nodes end with the right result or a named
 * reason: never a wrong cell, never an answer that was not paid for, never a hang; and afterwards,
 * when all are honest and the weather is fine, with the right result.
 * Method: every conversation, recorded once in quiet. From what federation.proto says that its
 * frames hold follow all deviations: each frame lost, repeated, late, cut, replaced; each field of it
 * changed on the way, or by its sender, who signs that; and a crash of each node at each of its
 * steps. A seed is one of these, or beyond them a run in random weather with two to five nodes.
 * PATTO_SIM_RUNS=n: so many seeds; PATTO_SIM_SEED=n: that one. `make sim` sets them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/sim/sim_ledger.h"

enum { FIELDS_MAX = 64, HANG_S = 60, RUNS = 600, SCENARIO_COUNT = 9 };

static const struct sim_scenario *const SCENARIOS[SCENARIO_COUNT] = {
    &SIM_TOKENS, &SIM_TOKENS_REFUSED, &SIM_ASK,      &SIM_ASK_VALUE, &SIM_ASK_REFUSED,
    &SIM_EPOCH,  &SIM_HEADS,          &SIM_RECEIPTS, &SIM_REACH};
/* How many are in the recorded conversation; the weather has all numbers. */
static const size_t NODES[SCENARIO_COUNT] = {3, 2, 2, 2, 2, 4, 2, 2, 4};

struct plan { /* of one scenario */
    const struct sim_scenario *scenario;
    void *world[SIM_NODES_MAX + 1]; /* by number of nodes */
    struct sim_record said, other;  /* in quiet; in another session */
    struct sim_deviation *list;
    size_t count, cap;
};
static struct plan plans[SCENARIO_COUNT];
static struct sim net;
static char seed_line[96]; /* empty: no seed is under way */

/* ---- the seam, and who says which seed it was ---- */

enum pt_code __real_wire_encode(struct buf *out, const struct frame *f, struct pt_err *err);
enum pt_code __wrap_wire_encode(struct buf *out, const struct frame *f, struct pt_err *err);

enum pt_code sim_encode_real(struct buf *out, const struct frame *f, struct pt_err *err)
{
    return __real_wire_encode(out, f, err);
}
enum pt_code __wrap_wire_encode(struct buf *out, const struct frame *f, struct pt_err *err)
{
    return sim_encode(out, f, err);
}

/* What a killed process wrote is there all the same, so nothing waits for the disk here;
 * node/ledger_test.c kills it at every step. */
int fdatasync(int fd)
{
    (void)fd;
    return 0;
}
int fsync(int fd)
{
    (void)fd;
    return 0;
}

static void say_seed(void)
{
    if (write(STDERR_FILENO, seed_line, strlen(seed_line)) < 0)
        return; /* nobody listens */
}

static void on_signal(int number)
{
    say_seed();
    signal(number, SIG_DFL);
    raise(number);
}

/* ---- one attempt ---- */

static void *world_of(struct plan *p, size_t nodes)
{
    if (p->world[nodes] == NULL)
        p->world[nodes] = p->scenario->make(nodes);
    return p->world[nodes];
}

struct attempt {
    struct plan *plan;
    size_t nodes;
    uint64_t random;
    unsigned rate;
    uint8_t nonce;
    struct sim_deviation deviation;
    struct sim_record *record;
};

/* True: all ended as it should. */
static bool try_once(const struct attempt *a)
{
    void *world = world_of(a->plan, a->nodes);

    net = (struct sim){.scenario = a->plan->scenario,
                       .world = world,
                       .node_count = a->nodes,
                       .random = a->random,
                       .rate = a->rate,
                       .nonce = a->nonce,
                       .deviation = a->deviation,
                       .record = a->record};
    a->plan->scenario->policy(world, &net.policy, &net.nodes);
    sim_running = &net;
    a->plan->scenario->begin(world, &net);
    sim_run(&net);
    bool good = a->plan->scenario->end(world, &net);
    if (a->record != NULL)
        memcpy(a->record->edges, net.edges, sizeof net.edges);
    sim_free(&net);
    return good;
}

/* ---- all deviations ---- */

static void add(struct plan *p, struct sim_deviation d)
{
    if (p->count == p->cap) {
        p->cap = p->cap * 2 + 256;
        p->list = realloc(p->list, p->cap * sizeof *p->list);
        assert_non_null(p->list);
    }
    p->list[p->count++] = d;
}

static bool changes(const struct sim_frame *f, const struct sim_change *c)
{
    struct buf copy = {0};

    assert_true(buf_add(&copy, f->bytes.p, f->bytes.n));
    bool changed = sim_change_apply(&copy, c, 0);
    buf_free(&copy);
    return changed;
}

static void add_values(struct plan *p, const struct sim_frame *f, struct sim_deviation d)
{
    struct sim_field fields[FIELDS_MAX];
    size_t n = sim_fields(fields, FIELDS_MAX, f->kind);

    for (size_t i = 0; i < n; i++) {
        int first = fields[i].whole_list ? SIM_DROP_ONE : SIM_BIT;
        int end = fields[i].whole_list ? SIM_HOWS : SIM_VALUE_HOWS;
        for (int how = first; how < end; how++) {
            d.change.field = fields[i];
            d.change.how = (enum sim_how)how;
            if (!changes(f, &d.change))
                continue;
            d.mode = SIM_ON_THE_WAY;
            add(p, d);
            d.mode = SIM_BY_SENDER;
            add(p, d);
        }
    }
}

/* First, last and one between them of each kind and side have their fields changed. */
static bool stands_for_others(const struct sim_record *r, size_t at)
{
    size_t before = 0;
    size_t after = 0;

    for (size_t i = 0; i < r->count; i++) {
        bool same =
            r->frames[i].kind == r->frames[at].kind && r->frames[i].side == r->frames[at].side;
        before += same && i < at;
        after += same && i > at;
    }
    return before == 0 || after == 0 || before == after || before == after + 1;
}

static void enumerate(struct plan *p)
{
    for (size_t i = 0; i < p->said.count; i++) {
        const struct sim_frame *f = &p->said.frames[i];
        struct sim_deviation d = {.mode = SIM_ON_THE_WAY,
                                  .link = f->link,
                                  .side = f->side,
                                  .seq = f->seq,
                                  .kind = f->kind,
                                  .node = SIM_NOBODY};
        const struct sim_frame *donor = sim_record_find(&p->other, &d);
        d.change.donor = donor != NULL ? buf_span(&donor->bytes) : (struct span){0};
        for (int how = 0; how < SIM_FRAME_HOWS; how++) {
            d.change.how = (enum sim_how)how;
            if (how != SIM_OF_ANOTHER || !span_eq_vartime(d.change.donor, buf_span(&f->bytes)))
                add(p, d);
        }
        if (stands_for_others(&p->said, i))
            add_values(p, f, d);
    }
    for (int node = 0; node < SIM_NODES_MAX; node++)
        for (unsigned edge = 0; edge < p->said.edges[node]; edge++)
            add(p, (struct sim_deviation){.mode = SIM_CRASH, .node = node, .edge = edge});
}

static int make_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < PT_LEN(SCENARIOS); i++) {
        struct plan *p = &plans[i];
        struct attempt a = {.plan = p,
                            .nodes = NODES[i],
                            .random = 1,
                            .nonce = 1,
                            .deviation = {.node = SIM_NOBODY},
                            .record = &p->said};
        p->scenario = SCENARIOS[i];
        p->scenario->fresh(world_of(p, a.nodes));
        assert_true(try_once(&a));
        a.nonce = 2;
        a.record = &p->other;
        p->scenario->fresh(world_of(p, a.nodes));
        assert_true(try_once(&a));
        enumerate(p);
    }
    return 0;
}

static int free_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < PT_LEN(plans); i++) {
        struct plan *p = &plans[i];
        for (size_t k = 0; k <= SIM_NODES_MAX; k++)
            if (p->world[k] != NULL)
                p->scenario->destroy(p->world[k]);
        sim_record_free(&p->said);
        sim_record_free(&p->other);
        free(p->list);
    }
    sim_ledgers_remove();
    return 0;
}

/* ---- one seed ---- */

static size_t case_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < PT_LEN(plans); i++)
        n += plans[i].count;
    return n;
}

static void describe(char *out, size_t cap, const struct attempt *a)
{
    const struct sim_deviation *d = &a->deviation;
    char field[96] = "";

    if (d->change.how >= SIM_FRAME_HOWS)
        sim_field_name(field, sizeof field, d->kind, &d->change.field);
    if (d->mode == SIM_CRASH)
        snprintf(out, cap, "%s: node %d dies at step %u", a->plan->scenario->name, d->node,
                 d->edge);
    else if (d->mode == SIM_WEATHER)
        snprintf(out, cap, "%s: %zu nodes, one frame of %u disturbed", a->plan->scenario->name,
                 a->nodes, a->rate);
    else
        snprintf(out, cap, "%s: %s %s, link %zu: %s %s", a->plan->scenario->name,
                 frame_name(d->kind), d->mode == SIM_BY_SENDER ? "of a liar" : "on the way",
                 d->link, field, sim_how_name(d->change.how));
}

static struct attempt weather_of(uint64_t seed)
{
    static const unsigned rates[] = {6, 12, 30, 100};
    uint64_t dice = seed;
    struct plan *p = &plans[sim_mix(&dice) % PT_LEN(plans)];
    size_t more = p->scenario->nodes_max - p->scenario->nodes_min + 1;
    struct attempt a = {.plan = p,
                        .nodes = p->scenario->nodes_min + sim_mix(&dice) % more,
                        .rate = rates[sim_mix(&dice) % PT_LEN(rates)],
                        .random = seed,
                        .nonce = 3,
                        .deviation = {.mode = SIM_WEATHER, .node = SIM_NOBODY}};

    if (sim_mix(&dice) % 3 == 0) {
        a.deviation.node = (int)(sim_mix(&dice) % a.nodes);
        a.deviation.edge = sim_mix(&dice) % 30;
    }
    return a;
}

static struct attempt of_seed(uint64_t seed)
{
    uint64_t at = seed;

    for (size_t i = 0; i < PT_LEN(plans); i++) {
        struct plan *p = &plans[i];
        if (at < p->count)
            return (struct attempt){
                .plan = p, .nodes = NODES[i], .random = 1, .nonce = 1, .deviation = p->list[at]};
        at -= p->count;
    }
    return weather_of(seed);
}

/* Frames after which nothing is heard any more may come twice. Of each two sums in ProofTrees the verifier
 * can read one (ggm.h): a prover that spoils the other has changed nothing, and who spoils one of them to
 * learn which is read is caught half the time (crypto/column_verify.h). Results must be right all the same. */
static bool may_pass(const struct sim_deviation *d)
{
    if (d->mode == SIM_BY_SENDER)
        return d->kind == FRAME_PROOF_TREES && d->change.how == SIM_BIT &&
               d->change.field.in_body == 0; /* data */
    return d->mode == SIM_ON_THE_WAY && d->change.how == SIM_TWICE &&
           (d->kind == FRAME_FINISH || d->kind == FRAME_RECEIPT || d->kind == FRAME_REFUSAL);
}

struct tally {
    unsigned right, stopped;
};

static bool somebody_died(void)
{
    for (size_t i = 0; i < SIM_NODES_MAX; i++)
        if (net.down[i])
            return true;
    return false;
}

/* A deviation is noticed, or is one that harms nobody; and who has no result knows why. */
static void judge(const struct attempt *a, bool good, const char *what)
{
    const struct sim_deviation *d = &a->deviation;
    bool one = d->mode == SIM_ON_THE_WAY || d->mode == SIM_BY_SENDER;

    if (one && net.faults == 0)
        fail_msg("%s: nothing was disturbed", what);
    if (one && good && net.failures == 0 && sim_believed(&net) == NULL && !may_pass(d))
        fail_msg("%s: nobody noticed", what);
    if (!good && net.failures == 0 && !somebody_died())
        fail_msg("%s: no result, and no reason", what);
}

static void run_seed(uint64_t seed, struct tally *t)
{
    struct attempt a = of_seed(seed);
    /* Afterwards all start again, honest, in fine weather. */
    const struct attempt again = {.plan = a.plan,
                                  .nodes = a.nodes,
                                  .random = seed,
                                  .nonce = 5,
                                  .deviation = {.node = SIM_NOBODY}};
    char what[256];

    snprintf(seed_line, sizeof seed_line, "SEED=%llu replays it: make sim SEED=%llu\n",
             (unsigned long long)seed, (unsigned long long)seed);
    describe(what, sizeof what, &a);
    if (getenv("PATTO_SIM_SEED") != NULL)
        print_message("%s\n", what);
    alarm(HANG_S);
    a.plan->scenario->fresh(world_of(a.plan, a.nodes));
    bool good = try_once(&a);
    judge(&a, good, what);
    t->right += good;
    t->stopped += !good;
    if (!try_once(&again))
        fail_msg("%s: and it does not go well afterwards", what);
    alarm(0);
    seed_line[0] = '\0';
}

/* ---- the tests ---- */

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* Up to as many seeds as there are deviations, they are spread over all of these, and a third is
 * weather; beyond, all of them come and the rest is weather. */
static uint64_t seed_at(uint64_t i, uint64_t runs)
{
    uint64_t cases = case_count();
    uint64_t of_cases = runs > cases * 3 / 2 ? cases : runs * 2 / 3;

    if (of_cases == 0 || i >= of_cases)
        return cases + i;
    return of_cases == cases ? i : (i * cases + cases / 2) / of_cases;
}

static void right_or_a_named_reason(void **state)
{
    uint64_t runs = number_of("PATTO_SIM_RUNS", RUNS);
    struct tally t = {0};

    (void)state;
    print_message("%zu deviations and crashes; %llu runs\n", case_count(),
                  (unsigned long long)runs);
    if (getenv("PATTO_SIM_SEED") != NULL) {
        run_seed(number_of("PATTO_SIM_SEED", 0), &t);
        return;
    }
    for (uint64_t i = 0; i < runs; i++)
        run_seed(seed_at(i, runs), &t);
    print_message("    %u right, %u stopped by a named reason\n", t.right, t.stopped);
    assert_true(t.right > 20 && t.stopped > 20);
}

/* Every frame that federation.proto has is in one of the conversations, so that it is disturbed. */
static void every_frame_is_said(void **state)
{
    enum frame_kind kind;

    (void)state;
    for (size_t k = 0; (kind = sim_kind(k)) != FRAME_NONE; k++) {
        bool said = false;
        for (size_t i = 0; i < PT_LEN(plans) && !said; i++)
            for (size_t f = 0; f < plans[i].said.count && !said; f++)
                said = plans[i].said.frames[f].kind == kind;
        assert_string_not_equal(frame_name(kind), "no frame");
        if (!said)
            fail_msg("%s is in no conversation: add one to tests/sim/", frame_name(kind));
    }
}

static int after(void **state)
{
    (void)state;
    say_seed(); /* cmocka calls this after a failed test too */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_said),
        cmocka_unit_test_teardown(right_or_a_named_reason, after),
    };
    static const int heard[] = {SIGSEGV, SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL};

    for (size_t i = 0; i < PT_LEN(heard); i++)
        signal(heard[i], on_signal);
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
