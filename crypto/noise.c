/* Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020):
 * algorithm 1 is bernoulli_exp, 2 is laplace, 3 is noise_gauss. Every coin is exact: a probability
 * is a ratio of 256-bit integers, met by a uniform integer below its denominator.
 *
 * Why 256 bits do: num < 2^80 and den < 2^64, so t <= 2^40, den*t^2 < 2^83 and the denominator
 * 2*num*den*t^2 < 2^164; |y| < 2^20*t (see TURNS_MAX), so |y*den*t - num| < 2^103, squared 2^206. */
#include "crypto/noise.h"

/* A geometric with ratio 1/e or less that went on for so long is a broken stream (2^-1.5e6). */
enum { TURNS_MAX = 1 << 20 };

struct wide { /* 256 bits, little end first */
    uint64_t limb[4];
};

static struct wide wide_of(u128 x)
{
    return (struct wide){{(uint64_t)x, (uint64_t)(x >> 64)}};
}

static struct wide wide_mul(struct wide a, uint64_t b)
{
    u128 carry = 0;

    for (size_t i = 0; i < 4; i++) {
        carry += (u128)a.limb[i] * b;
        a.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

static struct wide wide_add(struct wide a, struct wide b)
{
    u128 carry = 0;

    for (size_t i = 0; i < 4; i++) {
        carry += (u128)a.limb[i] + b.limb[i];
        a.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

static struct wide wide_square(u128 x)
{
    struct wide low = wide_mul(wide_of(x), (uint64_t)x);
    struct wide high = wide_mul(wide_of(x), (uint64_t)(x >> 64));

    /* high * 2^64: x < 2^103, so nothing falls off the top. */
    return wide_add(low, (struct wide){{0, high.limb[0], high.limb[1], high.limb[2]}});
}

/* a -= b; true when a was less than b. */
static bool wide_sub(struct wide *a, struct wide b)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < 4; i++) {
        u128 d = (u128)a->limb[i] - b.limb[i] - borrow;
        a->limb[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow != 0;
}

static bool wide_less(struct wide a, struct wide b)
{
    return wide_sub(&a, b);
}

/* Uniform in [0, n), n > 0: as many bits as n-1 has, drawn again until below n. */
static struct wide below(struct draw *d, struct wide n)
{
    struct wide x = {0};
    struct wide top = n;
    size_t last = 3;

    (void)wide_sub(&top, wide_of(1));
    while (last > 0 && top.limb[last] == 0)
        last--;
    if (top.limb[last] == 0) /* n = 1 */
        return x;
    int spare = __builtin_clzll(top.limb[last]);
    do {
        for (size_t i = 0; i <= last; i++)
            x.limb[i] = draw_u64(d);
        x.limb[last] &= UINT64_MAX >> spare;
    } while (!wide_less(x, n) && !d->bad);
    return x;
}

/* True with probability num/den. */
static bool bernoulli(struct draw *d, struct wide num, struct wide den)
{
    return wide_less(below(d, den), num);
}

/* True with probability exp(-num/den), num <= den.  num/den/k must stay a ratio: den*k < 2^256. */
static bool bernoulli_exp_unit(struct draw *d, struct wide num, struct wide den)
{
    uint64_t k = 1;

    while (!d->bad && bernoulli(d, num, wide_mul(den, k)))
        if (++k > TURNS_MAX)
            d->bad = true;
    return (k & 1) != 0;
}

static bool bernoulli_exp_one(struct draw *d)
{
    return bernoulli_exp_unit(d, wide_of(1), wide_of(1));
}

/* True with probability exp(-num/den), any num. */
static bool bernoulli_exp(struct draw *d, struct wide num, struct wide den)
{
    while (!d->bad && wide_less(den, num)) {
        if (!bernoulli_exp_one(d))
            return false;
        (void)wide_sub(&num, den);
    }
    return bernoulli_exp_unit(d, num, den);
}

/* Discrete Laplace of scale t: sign and magnitude u + t*v, u exp(-u/t) on [0,t), v geometric. */
static int64_t laplace(struct draw *d, uint64_t t)
{
    while (!d->bad) {
        uint64_t u = below(d, wide_of(t)).limb[0];
        if (!bernoulli_exp_unit(d, wide_of(u), wide_of(t)))
            continue;
        uint64_t turns = 0;
        while (!d->bad && bernoulli_exp_one(d))
            if (++turns >= TURNS_MAX)
                d->bad = true;
        int64_t y = (int64_t)(u + t * turns);
        bool negative = (draw_u64(d) & 1) != 0;
        if (negative && y == 0)
            continue; /* zero would come twice as often */
        return negative ? -y : y;
    }
    return 0;
}

/* floor(sqrt(x)), x < 2^80. */
static uint64_t root_floor(u128 x)
{
    u128 root = 0;

    for (int bit = 40; bit >= 0; bit--) {
        u128 next = root | (u128)1 << bit;
        if (next * next <= x)
            root = next;
    }
    return (uint64_t)root;
}

static enum pt_code give(int64_t *out, const struct draw *d, int64_t y)
{
    *out = d->bad ? 0 : y;
    return d->bad ? PT_EBUG : PT_OK;
}

enum pt_code noise_gauss(int64_t *out, struct draw *d, struct noise_variance v)
{
    *out = 0;
    if (v.num == 0 || v.den == 0 || v.num >> 80 != 0)
        return PT_ELIMIT;
    uint64_t t = root_floor(v.num / v.den) + 1;
    struct wide den = wide_mul(wide_mul(wide_mul(wide_mul(wide_of(v.num), 2), v.den), t), t);
    int64_t y = 0;
    bool taken = false;
    while (!taken && !d->bad) {
        /* Accept y with probability exp(-(|y| - sigma^2/t)^2 / (2 sigma^2)). */
        y = laplace(d, t);
        u128 far = (u128)(uint64_t)(y < 0 ? -y : y) * v.den * t;
        u128 distance = far > v.num ? far - v.num : v.num - far;
        taken = bernoulli_exp(d, wide_square(distance), den);
    }
    return give(out, d, y);
}

/* Uniform on [-cut, cut], kept with probability exp(-|y|/t): quick while cut <= t. */
static int64_t laplace_narrow(struct draw *d, uint32_t t, uint32_t cut)
{
    while (!d->bad) {
        uint64_t u = below(d, wide_of((u128)cut * 2 + 1)).limb[0];
        int64_t y = (int64_t)u - (int64_t)cut;
        if (bernoulli_exp_unit(d, wide_of((uint64_t)(y < 0 ? -y : y)), wide_of(t)))
            return y;
    }
    return 0;
}

enum pt_code noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut)
{
    int64_t y = 0;

    *out = 0;
    if (t == 0)
        return PT_ELIMIT;
    if (cut <= t)
        return give(out, d, laplace_narrow(d, t, cut));
    do
        y = laplace(d, t);
    while (!d->bad && (y > cut || y < -(int64_t)cut));
    return give(out, d, y);
}
