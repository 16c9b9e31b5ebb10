/* membership.h - what both sides of the column proof sum over one block of 2048 slots: that each
 * x_t is a root of a public polynomial, seen through K_t = M_t + Gamma * x_t in F (field2.h).
 *
 * Prover: coefficients of sum chi_t * prod_r (M_t + (x_t - r) Z), that of Z^15 being zero iff all
 * x_t are roots. Verifier: the same polynomial's value at Gamma, from K_t alone, or rather from
 * L_t = K_t / Gamma = M_t / Gamma + x_t: the roots are symmetric, so that prod_r (K - r Gamma) is a power of Gamma
 * times L * prod (L^2 - r^2), whose constants are public and of F_q.
 * Constant time in M, L, Gamma and x. Code paths agree bit for bit. */
#ifndef PT_MEMBERSHIP_H
#define PT_MEMBERSHIP_H

#include "crypto/cpu.h"
#include "crypto/field2.h"

enum { MEMBERSHIP_DEGREE = 15, MEMBERSHIP_CLASSES = 16, MEMBERSHIP_SQUARES_MAX = 2 };

/* Data: {-2..2} and +-delta + {-2..2}, 15 roots. Rerandomiser: {-2..2}. Secret: {-1,0,1}.
 * Tally: no set but the even polynomial of degree 14 that is 0 on +-delta + {-2..2} and -1 on {-2..2}:
 * one less than how many persons a slot of data holds. */
enum membership_set {
    MEMBERSHIP_DATA,
    MEMBERSHIP_RERANDOMISER,
    MEMBERSHIP_SECRET,
    MEMBERSHIP_TALLY
};
enum { MEMBERSHIP_SET_COUNT = MEMBERSHIP_TALLY + 1 };

struct membership_table { /* public: [d-1][class] the coefficient of M^d Z^(15-d) */
    uint64_t of[MEMBERSHIP_DEGREE][MEMBERSHIP_CLASSES];
    bool flat[MEMBERSHIP_DEGREE]; /* the same for every class that there is */
};
/* Lower degrees are brought to 15 by a power of Z. Classes beyond the set's are zero. */
void membership_table_make(struct membership_table *t, const struct ring *r,
                           enum membership_set set, uint64_t delta);
/* Class of each slot: 5(b + 1) + e + 2; values NULL: e + 2. */
void membership_classes(uint8_t cls[RING_DEGREE], const uint8_t error_bits[RING_DEGREE],
                        const int8_t *values);

/* L is not multiplied by form(), so that to a path's products it stands for L / form(): constants are those
 * of roots as much smaller, and then times form(). membership_lift() makes up for it. */
struct membership_squares { /* -r^2 of the positive roots */
    size_t count;
    uint64_t of[MEMBERSHIP_SQUARES_MAX];
};
/* Of the rerandomiser's set or the secret's. */
void membership_squares_make(struct membership_squares *s, const struct ring *r,
                             enum membership_set set, uint64_t delta);

/* The data's polynomial and the tally's are checked at once. With y = L^2 and s_0 to s_4 for -r^2 of the
 * roots near delta,
 *   U = chi (y + s_0) (y + s_1) (y + s_2) (y + s_3) (y + s_4)
 * is in both; V = U (y + near_0), W = V (y + near_1), L W is the data's product, and the tally's, whose
 * second factor is another one of degree 2 in y, is W + rest_1 V + rest_0 U, since both begin with y^2.
 * Four of the factors of U take two products instead of three, as any such quartic does (Knuth, TAOCP 2,
 * 4.6.4): z = (y + q_0) y + q_1 and (z + y + q_2) z + q_3. */
enum { MEMBERSHIP_SHARED = 5, MEMBERSHIP_NEAR = 2, MEMBERSHIP_QUARTIC = 4 };
struct membership_data { /* all but `rest` times form() */
    uint64_t quartic[MEMBERSHIP_QUARTIC], last, near[MEMBERSHIP_NEAR];
    uint64_t rest[MEMBERSHIP_NEAR];
};
void membership_data_make(struct membership_data *d, const struct ring *r, uint64_t delta);
/* The constants of any polynomials of this kind, from what y has added to it in each: not times form(). The
 * tally's own factor is y^2 + tally_1 y + tally_0. */
struct membership_factors {
    uint64_t shared[MEMBERSHIP_SHARED], near[MEMBERSHIP_NEAR], tally[MEMBERSHIP_NEAR];
};
void membership_data_of(struct membership_data *d, const struct ring *r,
                        const struct membership_factors *f);
struct membership_data_sums { /* secret: over slots, of U, V, W and L W */
    struct field2 of[MEMBERSHIP_NEAR + 2];
};
PT_SECRET_TYPE(membership_data_sums);
/* What verify() would add up for either polynomial. */
struct field2 membership_data_value(const struct membership_data_sums *sums);
struct field2 membership_tally_value(const struct ring *r, const struct membership_data *d,
                                     const struct membership_data_sums *sums);

/* What such a sum is multiplied by, to be the value at Gamma of a polynomial of degree 15. */
struct field2 membership_lift(const struct ring *r, enum membership_set set, uint64_t delta,
                              struct field2 gamma);

struct membership_slots { /* coordinates of M or L, and of chi; all < q */
    const uint64_t *k[2], *chi[2];
};
struct membership_sum { /* what prove() adds to, and of which polynomial */
    struct field2 *to;  /* MEMBERSHIP_DEGREE of them; secret */
    const struct membership_table *table;
};
enum { MEMBERSHIP_SUMS_MAX = 2 };
struct membership_ops {
    /* Montgomery's radix of this path mod q: what constants come multiplied by. */
    uint64_t (*form)(const struct ring *r);
    /* to[d-1] += sum over t of chi_t M_t^d table[d-1][cls_t], for one polynomial or two. */
    void (*prove)(const struct membership_sum *sums, size_t count, const struct ring *r,
                  const struct membership_slots *in, const uint8_t cls[RING_DEGREE]);
    /* *to += sum over t of chi_t L_t prod (L_t^2 - r^2). */
    void (*verify)(struct field2 *to, const struct ring *r, const struct membership_slots *in,
                   const struct membership_squares *squares);
    /* Adds to all four of `to`. */
    void (*verify_data)(struct membership_data_sums *to, const struct ring *r,
                        const struct membership_slots *in, const struct membership_data *d);
    /* l += c, from the planes of a block of a column; both < q. */
    void (*add)(uint64_t *l, const struct ring *r, const uint8_t *planes);
    /* sum a_i b_i mod q of n numbers < q, a multiple of RING_LANES and at most RING_DEGREE. */
    uint64_t (*dot)(const struct ring *r, const uint64_t *a, const uint64_t *b, size_t n);
};

extern const struct membership_ops membership_portable, membership_avx2, membership_ifma;
const struct membership_ops *membership_best(void);
/* NULL: this machine cannot run it. */
const struct membership_ops *membership_of(enum cpu_path path);

#endif
