#include "proto/attack.h"

#include <math.h>
#include <string.h>

#include "crypto/noise.h"
#include "crypto/rlwe.h"
#include "policy/budget.h"

enum { RELEASES_MAX = 64, QUESTIONS_MAX = 4000 };

/* Two-sided 95 %; and 10^-6 over both ends of thirty intervals. */
static const double Z_95 = 1.959964;
static const double Z_SURE = 5.53;

static const struct {
    const char *name, *words;
} NAMES[ATTACK_KINDS] = {
    [ATTACK_ONE] = {"membership", "one count, and the size beside it"},
    [ATTACK_TABLE] = {"table", "every cell, margin and size that the person moves"},
    [ATTACK_VALUE] = {"value", "every count and sum that a number at its bound moves"},
    [ATTACK_REPEATED] = {"repetition", "the same count ten times over"},
    [ATTACK_DIFFERENCE] = {"differencing", "two counts whose filters differ by the person"},
    [ATTACK_PERIOD] = {"a period", "all counts that a period's budget pays for"},
    [ATTACK_EVER] = {"ever", "all counts that the lifetime budget pays for"},
};

const char *attack_name(enum attack_kind k)
{
    return NAMES[k].name;
}

const char *attack_words(enum attack_kind k)
{
    return NAMES[k].words;
}

static enum pt_code gauss(void *self, int64_t *out, struct draw *random, uint64_t num, uint64_t den)
{
    (void)self;
    return noise_gauss(out, random, (struct noise_variance){num, den});
}

const struct attack_noise ATTACK_NOISE = {.draw = gauss};

double attack_bound(uint64_t rho_nano)
{
    /* 2 Phi(mu / 2) - 1 = erf(mu / (2 sqrt 2)), mu = sqrt(2 rho). */
    return erf(sqrt(2.0 * (double)rho_nano * 1e-9) / 2.0 / sqrt(2.0));
}

/* ---- what a question releases of the person ---- */

struct release {
    double shift; /* by which the person moves it */
    struct budget_variance noise;
    unsigned count; /* of such figures */
};
struct releases {
    struct release of[4];
    size_t kinds;
    uint64_t charge_nano;
};

static bool first_askers(struct question *q, const struct policy *p, enum question_kind kind)
{
    const struct policy_rule *r = &p->rule[kind];
    size_t n = 0;

    *q = (struct question){.kind = kind};
    for (uint16_t i = 0; r->present && i < p->partner_count && n < 2; i++)
        if (r->askers & 1U << i) {
            *(n == 0 ? &q->asker : &q->with) = i;
            n++;
        }
    return n == 2;
}

/* The size, with twice the width, tells of the owner's customers too; it is what the charge of 1.25
 * times pays for. */
static bool count_releases(struct releases *r, const struct policy *p)
{
    struct question q;
    struct budget_price price;

    if (!first_askers(&q, p, QUESTION_OVERLAP))
        return false;
    q.rho_nano = p->privacy.count_rho_nano;
    budget_price(&price, p, &q, 1U << RLWE_DELTA_LOG2_MAX);
    *r = (struct releases){.of = {{1, price.cell, 1}, {1, price.margin, 1}},
                           .kinds = 2,
                           .charge_nano = price.charge_nano};
    return true;
}

/* Of the pair in which a person moves most: a x b cells, a + b margins, the total, b + 1 sizes. */
static bool table_releases(struct releases *r, const struct policy *p)
{
    const struct policy_rule *rule = &p->rule[QUESTION_CROSSTAB];
    uint32_t most = 0;

    for (size_t i = 0; rule->present && i < rule->pair_count; i++) {
        struct policy_pair pair = rule->pairs[i];
        struct question q = {.kind = QUESTION_CROSSTAB,
                             .asker = pair.a.partner,
                             .with = pair.b.partner,
                             .rows = pair.a.attribute,
                             .columns = pair.b.attribute,
                             .rho_nano = p->privacy.table_rho_nano};
        uint32_t a = p->partners[q.asker].attributes[q.rows].max_per_person;
        uint32_t b = p->partners[q.with].attributes[q.columns].max_per_person;
        struct budget_price price;
        if (a * b <= most)
            continue;
        most = a * b;
        budget_price(&price, p, &q, 1U << RLWE_DELTA_LOG2_MAX);
        *r = (struct releases){
            .of = {{1, price.cell, a * b}, {1, price.margin, a + b + 1}, {1, price.margin, b + 1}},
            .kinds = 3,
            .charge_nano = price.charge_nano};
    }
    return most > 0;
}

/* Of the groups in which a person may be most often: a counts and a sums; of all the count, the sum and
 * the size; the squares. A sum moves by 50 under noise 50 times as wide: as a count does. */
static bool value_releases(struct releases *r, const struct policy *p)
{
    const struct policy_rule *rule = &p->rule[QUESTION_VALUE];
    uint32_t most = 0;

    for (size_t i = 0; rule->present && i < rule->pair_count; i++) {
        struct policy_pair pair = rule->pairs[i];
        struct question q = {.kind = QUESTION_VALUE,
                             .asker = pair.a.partner,
                             .with = pair.b.partner,
                             .rows = pair.a.attribute,
                             .columns = pair.b.attribute,
                             .rho_nano = p->privacy.table_rho_nano};
        uint32_t a = p->partners[q.asker].attributes[q.rows].max_per_person;
        struct budget_price price;
        if (a <= most)
            continue;
        most = a;
        budget_price(&price, p, &q, 1U << RLWE_DELTA_LOG2_MAX);
        *r = (struct releases){.of = {{1, price.cell, 2 * a},
                                      {1, price.margin, 3},
                                      {BUDGET_NUMBER * BUDGET_NUMBER, price.square, 1}},
                               .kinds = 3,
                               .charge_nano = price.charge_nano};
    }
    return most > 0;
}

static bool releases_of(struct releases *r, const struct policy *p, enum attack_kind kind)
{
    if (kind == ATTACK_VALUE)
        return value_releases(r, p);
    return kind == ATTACK_TABLE ? table_releases(r, p) : count_releases(r, p);
}

/* ---- trials ---- */

/* The log of the likelihood ratio of one set of releases: there against not there. */
static enum pt_code ratio(double *out, const struct attack_in *in, const struct releases *r,
                          bool there, struct draw *random)
{
    *out = 0;
    for (size_t k = 0; k < r->kinds; k++) {
        const struct release *of = &r->of[k];
        double variance = (double)of->noise.num / (double)of->noise.den;
        for (unsigned i = 0; i < of->count; i++) {
            int64_t noise;
            enum pt_code rc =
                in->noise.draw(in->noise.self, &noise, random, of->noise.num, of->noise.den);
            if (rc != PT_OK)
                return rc;
            double x = (double)noise + (there ? of->shift : 0);
            *out += (x * of->shift - of->shift * of->shift / 2) / variance;
        }
    }
    return PT_OK;
}

static enum pt_code guess(bool *yes, const struct attack_in *in, const struct releases *r,
                          const struct attack_out *plan, bool there, struct draw *random)
{
    double sum = 0;
    double one = 0;
    enum pt_code rc = PT_OK;
    /* Repeated, the noise is the same: ten looks are one. Differing by the person, only one of the
     * two counts has it. */
    uint64_t informative =
        in->kind == ATTACK_REPEATED || in->kind == ATTACK_DIFFERENCE ? 1 : plan->questions;

    for (uint64_t i = 0; i < informative && rc == PT_OK; i++) {
        rc = ratio(&one, in, r, there, random);
        sum += one;
    }
    *yes = sum > 0;
    return rc;
}

/* Wilson's interval of a rate, in halves: centre and reach. */
static void interval(double *centre, double *reach, double hits, double n, double z)
{
    double p = hits / n;

    *centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    *reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
}

/* Of a difference of two rates: Newcombe 1998, method 10. */
static void difference(double *low, double *high, const uint64_t hits[2], double n, double z)
{
    double c[2];
    double r[2];
    double p[2] = {(double)hits[0] / n, (double)hits[1] / n};

    for (int i = 0; i < 2; i++)
        interval(&c[i], &r[i], (double)hits[i], n, z);
    double d = p[0] - p[1];
    *low = d - sqrt(pow(p[0] - (c[0] - r[0]), 2) + pow(c[1] + r[1] - p[1], 2));
    *high = d + sqrt(pow(c[0] + r[0] - p[0], 2) + pow(p[1] - (c[1] - r[1]), 2));
}

void attack_judge(struct attack_out *out, const uint64_t hits[2], size_t trials)
{
    double n = (double)trials;

    out->advantage = ((double)hits[0] - (double)hits[1]) / n;
    difference(&out->low, &out->high, hits, n, Z_95);
    difference(&out->sure_low, &out->sure_high, hits, n, Z_SURE);
    out->broken = out->sure_low > out->bound;
}

static enum pt_code measure(struct attack_out *out, const struct attack_in *in,
                            const struct releases *r, struct draw *random, struct pt_err *err)
{
    uint64_t hits[2] = {0, 0};

    for (size_t i = 0; i < in->trials; i++)
        for (int there = 0; there < 2; there++) {
            bool yes;
            enum pt_code rc = guess(&yes, in, r, out, there == 1, random);
            if (rc != PT_OK)
                return pt_fail(err, rc, "an attack: no randomness");
            hits[there == 1 ? 0 : 1] += yes;
        }
    attack_judge(out, hits, in->trials);
    return PT_OK;
}

static uint64_t affordable(uint64_t budget_nano, uint64_t charge_nano)
{
    uint64_t n = budget_nano / charge_nano;

    return n < QUESTIONS_MAX ? n : QUESTIONS_MAX;
}

enum pt_code attack_run(struct attack_out *out, const struct attack_in *in, struct draw *random,
                        struct pt_err *err)
{
    const struct policy_privacy *v = &in->policy->privacy;
    struct releases r;

    *out = (struct attack_out){.questions = 1};
    out->possible = releases_of(&r, in->policy, in->kind);
    if (!out->possible)
        return PT_OK;
    if (in->kind == ATTACK_REPEATED)
        out->questions = 10;
    if (in->kind == ATTACK_DIFFERENCE)
        out->questions = 2;
    if (in->kind == ATTACK_PERIOD)
        out->questions = affordable(v->budget_rho_nano, r.charge_nano);
    if (in->kind == ATTACK_EVER)
        out->questions = affordable(v->lifetime_rho_nano, r.charge_nano);
    if (out->questions == 0) {
        out->possible = false;
        return PT_OK;
    }
    out->rho_nano = r.charge_nano * (in->kind == ATTACK_REPEATED ? 1 : out->questions);
    out->bound = attack_bound(out->rho_nano);
    return measure(out, in, &r, random, err);
}
