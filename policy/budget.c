#include "policy/budget.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "crypto/base/text.h"
#include "policy/names.h"

/* The error of the lattice rounding, RLWE_ETA of crypto/rlwe.h: the charge pays for it. */
enum { ETA = 2, RHO_SCALE = 9 };
static const uint64_t SQUARE = (uint64_t)BUDGET_NUMBER * BUDGET_NUMBER;
#define NANO UINT64_C(1000000000)

/* ceil(rho * (1 + eta/delta)^2 * quarters/4), exactly. */
static uint64_t charge(uint64_t rho_nano, uint32_t quarters, uint32_t delta)
{
    u128 widened = (u128)delta + ETA;
    u128 num = (u128)rho_nano * quarters * widened * widened;
    u128 den = (u128)4 * delta * delta;
    u128 v = (num + den - 1) / den;

    assert(v <= UINT64_MAX);
    return (uint64_t)v;
}

void budget_price(struct budget_price *out, const struct policy *p, const struct question *q,
                  uint32_t delta)
{
    uint64_t rho = q->rho_nano;

    out->square = (struct budget_variance){0, 1};
    assert(delta > 0 && rho > 0 && rho <= 100 * NANO);
    if (q->kind == QUESTION_OVERLAP) {
        /* 1/(2 rho), the size beside it at twice the width: a quarter of the price more. */
        out->cell = (struct budget_variance){NANO, 2 * rho};
        out->margin = (struct budget_variance){4 * NANO, 2 * rho};
        out->charge_nano = charge(rho, 5, delta);
    } else if (q->kind == QUESTION_REACH) {
        /* Overlap and size alike at 1/rho, half of the price each. */
        out->cell = (struct budget_variance){NANO, rho};
        out->margin = out->cell;
        out->charge_nano = charge(rho, 4, delta);
    } else if (q->kind == QUESTION_VALUE) {
        uint64_t a = p->partners[q->asker].attributes[q->rows].max_per_person;
        uint64_t quarters = 8 * a + 3; /* four times the squared sensitivity, but for squares */
        uint64_t den = UINT64_C(8) * 19 * rho; /* of 20 parts one goes to the squares */
        out->cell = (struct budget_variance){quarters * 20 * NANO, den};
        out->margin = (struct budget_variance){4 * quarters * 20 * NANO, den};
        out->square = (struct budget_variance){SQUARE * SQUARE * 20 / 2 * NANO, rho};
        out->charge_nano = charge(rho, 4, delta);
    } else {
        uint64_t a = p->partners[q->asker].attributes[q->rows].max_per_person;
        uint64_t b = p->partners[q->with].attributes[q->columns].max_per_person;
        uint64_t quarters = 4 * a * b + a + 2 * b + 2; /* four times the squared sensitivity */
        out->cell = (struct budget_variance){quarters * NANO, 8 * rho};
        out->margin = (struct budget_variance){4 * quarters * NANO, 8 * rho};
        out->charge_nano = charge(rho, 4, delta);
    }
}

double budget_sigma(struct budget_variance v)
{
    return sqrt((double)v.num / (double)v.den);
}

double budget_threshold(const struct policy *p, double standard_error)
{
    return fmax((double)p->privacy.minimum_count, 2.5 * standard_error);
}

/* PROTOCOL.md 5: what rho costs at this alpha = 1 + excess. */
static double epsilon_at(double rho, double delta, double excess)
{
    double alpha = 1.0 + excess;

    return alpha * rho - (log(alpha) + log(delta)) / excess + log1p(-1.0 / alpha);
}

double budget_epsilon(uint64_t rho_nano, double delta)
{
    double rho = (double)rho_nano / (double)NANO;
    double low = log(1e-4);
    double high = log(1e8);

    if (rho_nano == 0)
        return 0.0;
    /* One valley in log(alpha - 1): narrow the bracket by thirds. */
    for (int i = 0; i < 200; i++) {
        double left = low + (high - low) / 3.0;
        double right = high - (high - low) / 3.0;
        if (epsilon_at(rho, delta, exp(left)) < epsilon_at(rho, delta, exp(right)))
            high = right;
        else
            low = left;
    }
    return fmax(0.0, epsilon_at(rho, delta, exp(low)));
}

struct cap {
    const char *name, *remedy;
    uint64_t limit_nano, spent_nano;
};

static uint64_t cap_left(const struct cap *c)
{
    return c->limit_nano > c->spent_nano ? c->limit_nano - c->spent_nano : 0;
}

static void caps(struct cap out[BUDGET_CAPS], const struct policy *p,
                 const struct budget_spent *spent)
{
    out[BUDGET_LIFETIME] = (struct cap){"lifetime", "a new policy must raise lifetime_rho",
                                        p->privacy.lifetime_rho_nano, spent->lifetime_nano};
    out[BUDGET_PERIOD] = (struct cap){"period", "ask again in the next budget period",
                                      p->privacy.budget_rho_nano, spent->period_nano};
    out[BUDGET_DAILY] = (struct cap){"daily", "ask again tomorrow (UTC)", p->privacy.daily_rho_nano,
                                     spent->today_nano};
}

enum pt_code budget_check(const struct policy *p, const struct budget_spent *spent,
                          uint64_t charge_nano, struct pt_err *err)
{
    struct cap all[BUDGET_CAPS];
    char price[32];
    char left[32];
    char limit[32];

    caps(all, p, spent);
    for (size_t i = 0; i < PT_LEN(all); i++) {
        if (charge_nano <= cap_left(&all[i]))
            continue;
        text_put_decimal(price, charge_nano, RHO_SCALE);
        text_put_decimal(left, cap_left(&all[i]), RHO_SCALE);
        text_put_decimal(limit, all[i].limit_nano, RHO_SCALE);
        return pt_fail(err, PT_EDENIED,
                       "privacy.budget, line %" PRIu32
                       ": this answer costs rho %s and %s of the %s budget of %s is left; %s",
                       p->privacy.budget_line, price, left, all[i].name, limit, all[i].remedy);
    }
    return PT_OK;
}

uint64_t budget_left(const struct policy *p, const struct budget_spent *spent)
{
    struct cap all[BUDGET_CAPS];
    uint64_t least = UINT64_MAX;

    caps(all, p, spent);
    for (size_t i = 0; i < PT_LEN(all); i++)
        if (cap_left(&all[i]) < least)
            least = cap_left(&all[i]);
    return least;
}

enum budget_cap budget_binds(const struct policy *p, const struct budget_spent *spent)
{
    struct cap all[BUDGET_CAPS];
    enum budget_cap least = BUDGET_LIFETIME;

    caps(all, p, spent);
    for (enum budget_cap i = BUDGET_LIFETIME; i < BUDGET_CAPS; i++)
        if (cap_left(&all[i]) < cap_left(&all[least]))
            least = i;
    return least;
}

const char *budget_cap_name(enum budget_cap cap)
{
    static const char *const NAMES[BUDGET_CAPS] = {"lifetime_rho", "rho", "daily_rho"};

    assert(cap < BUDGET_CAPS);
    return NAMES[cap];
}

static uint64_t add_held(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void budget_pool(struct budget_spent *out, const struct budget_spent *each, size_t count)
{
    *out = (struct budget_spent){0};
    for (size_t i = 0; i < count; i++) {
        out->period_nano = add_held(out->period_nano, each[i].period_nano);
        out->today_nano = add_held(out->today_nano, each[i].today_nano);
        out->lifetime_nano = add_held(out->lifetime_nano, each[i].lifetime_nano);
    }
}

int64_t budget_period_start_s(const struct policy *p, int64_t now_s)
{
    int64_t period_s = (int64_t)p->privacy.budget_days * NAMES_DAY_S;
    int64_t first_s = p->first_from_s != 0 ? p->first_from_s : p->valid_from_s;
    int64_t since = (now_s - first_s) % period_s;

    return now_s - (since < 0 ? since + period_s : since);
}

int64_t budget_period_end_s(const struct policy *p, int64_t now_s)
{
    return budget_period_start_s(p, now_s) + (int64_t)p->privacy.budget_days * NAMES_DAY_S;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t reserve_of(uint64_t cap_nano, uint64_t refresh_nano, int64_t remaining_s)
{
    const int64_t week_s = 7 * (int64_t)NAMES_DAY_S;
    uint64_t weeks = remaining_s > 0 ? (uint64_t)((remaining_s - 1) / week_s) + 1 : 1;
    uint64_t most = cap_nano / 10;

    if (most < refresh_nano)
        most = least(refresh_nano, cap_nano / 2);
    return weeks > most / refresh_nano ? most : weeks * refresh_nano;
}

void budget_reserve(struct budget_spent *out, const struct policy *p, uint64_t refresh_nano,
                    int64_t now_s)
{
    assert(refresh_nano > 0);
    out->period_nano =
        reserve_of(p->privacy.budget_rho_nano, refresh_nano, budget_period_end_s(p, now_s) - now_s);
    out->today_nano = reserve_of(p->privacy.daily_rho_nano, refresh_nano, NAMES_DAY_S);
    out->lifetime_nano =
        reserve_of(p->privacy.lifetime_rho_nano, refresh_nano, p->valid_until_s - now_s);
}
