/* noise.h - exact integer samplers (PROTOCOL.md 5): discrete Gaussian after Canonne, Kamath and
 * Steinke 2020 with a rational variance, discrete Laplace cut to an interval. No floating point.
 *
 * The time these take depends on the sample (rejection); callers draw before anything that a peer
 * can time. Randomness comes from a keyed stream, so that one question has one noise. */
#ifndef PT_NOISE_H
#define PT_NOISE_H

#include "crypto/prg.h"

struct noise_variance { /* sigma^2 = num/den, 1 <= num < 2^80, den >= 1: any such, no gcd needed */
    u128 num;
    uint64_t den;
};

/* *out ~ N_Z(0, num/den). PT_EBUG when the stream failed: *out is then 0 and must not be used;
 * PT_ELIMIT when the variance is out of the range above: *out is 0. */
PT_MUST_USE enum pt_code noise_gauss(int64_t *out, struct draw *d, struct noise_variance v);
/* *out ~ discrete Laplace of scale t, conditioned on |out| <= cut. PT_EBUG as above; PT_ELIMIT:
 * t is 0. */
PT_MUST_USE enum pt_code noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut);

#endif
