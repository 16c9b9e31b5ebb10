#include "crypto/noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DRAWS = 60000, REACH = 1 << 12 };

struct stream {
    struct prg *g;
    struct draw d;
};

static struct stream stream(uint8_t tag)
{
    struct stream s;
    assert_int_equal(prg_new(&s.g, &(struct key32){{tag}}), PT_OK);
    draw_init(&s.d, s.g, 0);
    return s;
}
static void stream_end(struct stream *s)
{
    assert_false(s->d.bad);
    draw_wipe(&s->d);
    prg_free(s->g);
}

/* Chi-square of histogram against mass on [-REACH, REACH], neighbours pooled until a cell expects
 * 20: then not above mean + 5 s.d. + 10, which one honest run in a million exceeds. */
static void check_law(const long *seen, const long double *mass)
{
    long double chi = 0, want = 0, got = 0;
    int cells = 0;

    for (int i = 0; i <= 2 * REACH; i++) {
        want += mass[i] * DRAWS;
        got += seen[i];
        if (want < 20 && i < 2 * REACH)
            continue;
        if (want > 0) {
            chi += (got - want) * (got - want) / (want < 20 ? 20 : want);
            cells++;
        }
        want = got = 0;
    }
    assert_true(cells >= 2);
    assert_true(chi < cells - 1 + 5 * sqrtl(2.0L * cells) + 10);
}

static void count(long *seen, int64_t x)
{
    assert_true(x >= -REACH && x <= REACH);
    seen[x + REACH]++;
}

/* Goal: the discrete Gaussian's exact mass, for variances small and large, integer and not. */
static void gaussians_have_the_exact_law(void **state)
{
    static const struct noise_variance CASES[] = {
        {1, 2},
        {1, 1},
        {25, 1},
        {2001, 2},
        {1, 10},
        {1000000, 999983},
        {8191, 1},
        {(u128)1 << 79, (uint64_t)1 << 63},
        {7, (uint64_t)3 << 60}, /* so narrow that zero is nearly all */
        {((u128)1 << 79) + 12345, UINT64_MAX},
    };
    static long seen[2 * REACH + 1];
    static long double mass[2 * REACH + 1];

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct stream s = stream((uint8_t)(n + 1));
        long double variance = (long double)CASES[n].num / CASES[n].den, total = 0;
        int64_t x;
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < DRAWS; i++) {
            assert_int_equal(noise_gauss(&x, &s.d, CASES[n]), PT_OK);
            count(seen, x);
        }
        for (int i = 0; i <= 2 * REACH; i++) {
            long double v = i - REACH;
            mass[i] = expl(-v * v / (2 * variance));
            total += mass[i];
        }
        for (int i = 0; i <= 2 * REACH; i++)
            mass[i] /= total;
        if (variance > 1e-3L)
            check_law(seen, mass);
        else
            assert_int_equal(seen[REACH], DRAWS); /* another value: 2*exp(-2.4e17) */
        stream_end(&s);
    }
}

/* Goal: wide noise, as replies carry it: variance, mean and the normal's quantiles. At these
 * widths the discrete law is the continuous one to within 2^-20. */
static void wide_gaussians_are_normal(void **state)
{
    static const struct noise_variance CASES[] = {
        {(u128)1 << 56, 1},                /* delta 2^16, sigma 4096 */
        {(u128)1000 << 32, 1},             /* delta 2^16, sigma 31.6 */
        {((u128)1 << 80) - 1, 1},          /* the widest there is */
        {((u128)1 << 80) - 1, 1000000007}, /* a large ratio that does not reduce */
        {(u128)12953 * 12953, 1},
    };
    enum { BINS = 64, N = 20000 };

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct stream s = stream((uint8_t)(50 + n));
        double width = sqrt((double)CASES[n].num / (double)CASES[n].den);
        double sum = 0, squares = 0, chi = 0, seen[BINS] = {0};
        int64_t x;
        for (int i = 0; i < N; i++) {
            assert_int_equal(noise_gauss(&x, &s.d, CASES[n]), PT_OK);
            double z = (double)x / width;
            sum += z;
            squares += z * z;
            seen[(size_t)(BINS * 0.5 * erfc(-z / sqrt(2)))]++;
        }
        for (size_t i = 0; i < BINS; i++)
            chi += (seen[i] - (double)N / BINS) * (seen[i] - (double)N / BINS) * BINS / N;
        assert_true(chi < 63 + 5 * sqrt(126));
        assert_true(fabs(sum / N) < 5 / sqrt(N));
        assert_true(fabs(squares / N - 1) < 5 * sqrt(2. / N));
        stream_end(&s);
    }
}

static void laplaces_have_the_exact_law(void **state)
{
    static const struct {
        uint32_t t, cut;
    } CASES[] = {{1, 1}, {1, 30}, {50, 1100}, {50, 50}, {50, 51}, {50, 7}, {3, 4}, {4000, 100}};
    static long seen[2 * REACH + 1];
    static long double mass[2 * REACH + 1];

    (void)state;
    for (size_t n = 0; n < PT_LEN(CASES); n++) {
        struct stream s = stream((uint8_t)(100 + n));
        long double total = 0;
        int64_t x;
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < DRAWS; i++) {
            assert_int_equal(noise_laplace(&x, &s.d, CASES[n].t, CASES[n].cut), PT_OK);
            assert_true(llabs(x) <= (long long)CASES[n].cut);
            count(seen, x);
        }
        for (int i = 0; i <= 2 * REACH; i++) {
            long v = labs((long)i - REACH);
            mass[i] = v > (long)CASES[n].cut ? 0 : expl(-(long double)v / CASES[n].t);
            total += mass[i];
        }
        for (int i = 0; i <= 2 * REACH; i++)
            mass[i] /= total;
        check_law(seen, mass);
        stream_end(&s);
    }
}

static void extremes_of_laplace(void **state)
{
    struct stream s = stream(9);
    int64_t x = 1;
    int64_t most = 0;

    (void)state;
    assert_int_equal(noise_laplace(&x, &s.d, 1, 0), PT_OK);
    assert_true(x == 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(noise_laplace(&x, &s.d, UINT32_MAX, UINT32_MAX), PT_OK);
        most = llabs(x) > most ? llabs(x) : most;
        assert_true(llabs(x) <= (long long)UINT32_MAX);
    }
    assert_true(most > UINT32_MAX / 2);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(noise_laplace(&x, &s.d, UINT32_MAX / 2, UINT32_MAX), PT_OK);
    x = 1;
    assert_int_equal(noise_laplace(&x, &s.d, 0, 5), PT_ELIMIT);
    assert_true(x == 0);
    stream_end(&s);
}

static void variances_out_of_range_are_refused(void **state)
{
    static const struct noise_variance CASES[] = {
        {0, 1}, {1, 0}, {(u128)1 << 80, 1}, {(u128)1 << 127, 1}, {(u128)1 << 80, UINT64_MAX}};
    struct stream s = stream(10);

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        int64_t x = 1;
        assert_int_equal(noise_gauss(&x, &s.d, CASES[i]), PT_ELIMIT);
        assert_true(x == 0);
    }
    stream_end(&s);
}

/* Goal: fail closed. A stream that breaks, before or midway, ends every sampler, with an error
 * and a zero; it does not hang on the zeros that follow. */
static void broken_streams_yield_no_noise(void **state)
{
    (void)state;
    for (int good = 0; good < 40; good++) { /* the first 512 bytes were read ahead */
        struct stream s = stream(11);
        int64_t x = 1;
        enum pt_code rc = PT_OK;
        for (int i = 0; i < good; i++)
            (void)draw_u64(&s.d);
        (void)draw_u64(&s.d);
        s.d.g = NULL;
        for (int i = 0; i < 1000 && rc == PT_OK; i++)
            rc = i % 3 == 0   ? noise_gauss(&x, &s.d, (struct noise_variance){1000, 1})
                 : i % 3 == 1 ? noise_laplace(&x, &s.d, 50, 1100)
                              : noise_laplace(&x, &s.d, 50, 10);
        assert_int_equal(rc, PT_EBUG);
        assert_true(x == 0);
        x = 1;
        assert_int_equal(noise_gauss(&x, &s.d, (struct noise_variance){1, 1}), PT_EBUG);
        assert_true(x == 0);
        x = 1;
        assert_int_equal(noise_laplace(&x, &s.d, 50, 1100), PT_EBUG);
        assert_true(x == 0);
        x = 1;
        assert_int_equal(noise_laplace(&x, &s.d, 50, 10), PT_EBUG);
        assert_true(x == 0);
        prg_free(s.g);
    }
}

static void one_stream_one_noise(void **state)
{
    (void)state;
    for (int n = 0; n < 100; n++) {
        struct stream a = stream(12), b = stream(12);
        int64_t x, y;
        struct noise_variance v = {(u128)1000 << 32, 1};
        for (int i = 0; i <= n; i++) {
            assert_int_equal(noise_gauss(&x, &a.d, v), PT_OK);
            assert_int_equal(noise_gauss(&y, &b.d, v), PT_OK);
            assert_true(x == y);
        }
        stream_end(&a);
        stream_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaussians_have_the_exact_law),
        cmocka_unit_test(wide_gaussians_are_normal),
        cmocka_unit_test(laplaces_have_the_exact_law),
        cmocka_unit_test(extremes_of_laplace),
        cmocka_unit_test(variances_out_of_range_are_refused),
        cmocka_unit_test(broken_streams_yield_no_noise),
        cmocka_unit_test(one_stream_one_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
