/* estimate.h - from noisy inner products to figures with error bars: pure arithmetic.
 *
 * Formulas and bounds: PROTOCOL.md 3 and 5, DESIGN.md "The questions". All doubles: everything
 * here is already noisy, so it is post-processing and costs no privacy. Values are never clamped
 * (a count may be negative); rounding is for who displays. Knows nothing of ciphertexts,
 * policies, names or wires. "Own" is the recipient's side, "other" the evaluator's. */
#ifndef PT_ESTIMATE_H
#define PT_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>

/* A figure is typed: never an ambiguous zero. Zero-initialised it is a refusal. */
enum figure_status { FIGURE_REFUSED, FIGURE_SUPPRESSED, FIGURE_VALUE };
enum figure_reason {
    REASON_NONE,
    REASON_MINIMUM,  /* value below max(minimum_count, 2.5 standard errors) */
    REASON_EXPECTED, /* index: expected count below that */
    REASON_DERIVED,  /* follows from a suppressed figure */
    REASON_AUDIENCE, /* the other side's noisy size is below minimum_audience */
    REASON_POLICY,   /* a clause of the policy said no */
    REASON_NOISE,    /* surprise: chance and noise explain it */
    REASON_FEW,      /* surprise: too few customers in common to tell it from chance */
    REASON_RARE,     /* surprise: found, but so rare that the count itself is hidden */
    REASON_EARLIER,  /* renewal: no such table of an earlier epoch is kept */
    REASON_COUNT
};
struct figure {
    enum figure_status status;
    enum figure_reason reason;
    double value, half_width; /* 95 %; both 0 unless FIGURE_VALUE */
};
/* "value" | "suppressed" | "refused"; a short clause, "" for REASON_NONE. */
const char *figure_status_name(enum figure_status s);
const char *figure_reason_name(enum figure_reason r);

struct estimate_frame { /* of the pair, the epoch and the policy */
    double slot_count;  /* M, all of them, also where only a prefix is looked at */
    double kept;        /* slots looked at that the recipient fills: q = kept/customers */
    double customers;   /* |R's customers| of the epoch, before any filter */
    double minimum_count, minimum_audience;
    double looked_at; /* f, the share of the slots that raw, energy and kept are of; 0 is all */
};

/* What one question brought home. Rows are the recipient's categories, columns the evaluator's;
 * index 0 of either is "all" (whoever passes that side's filters), so an overlap or a reach is
 * the table of 0 rows and 0 columns. Every array is borrowed. */
struct estimate_in {
    struct estimate_frame frame;
    size_t row_count, column_count; /* categories, "all" not counted */
    /* F.G + noise, in counts: raw[b * (1+row_count) + a], evaluator's rows one after another, as
     * reply_open() gives it. */
    const double *raw;
    const double *energy;          /* 1+row_count: F2 = sum of F[slot]^2 of the encrypted column */
    const double *own_size;        /* 1+row_count: own customers that pass, exact */
    const double *other_size;      /* 1+column_count: evaluator's sizes, noisy */
    const double *scheme_variance; /* 1+column_count: inner_error_variance(); NULL is zero */
    double cell_variance; /* noise of the body; of a 0 x 0 table's only cell (budget_price.cell) */
    double margin_variance; /* noise of margins, total and sizes (budget_price.margin) */
};

/* An unclamped number and its variance; index 0 is "all".
 *   T^ = raw/q
 *   s^2 = (noise + F2 (g^ - (1 - r/q) T_b)/M + q(1-q) T (1 - T/n)) / q^2
 * PROTOCOL.md 3 gives the upper bound F2 g^/M + q(1-q) T, up to 2.2 times the truth where both sides
 * have the same customers. This is DERIVATIONS 1.2's exact variance with what the table releases in
 * place of what it does not know: T_b = T^_0b, the customers in common in the evaluator's column,
 * among whom two of one slot make half a pair, since just one of them was kept:
 *   r = E[1/(2 + Poisson(l))] = (l - 1 + e^-l)/l^2, l = n/M, n the recipient's customers.
 * And given how many are kept they are a sample of n without replacement: 1 - T/n.
 *
 * Of the first f M slots only: raw, F2 and kept are sums over these, and R counts them exactly. Slots are
 * a hash, so that the customers who are kept there are a uniform sample of n, and
 *   q = kept/n, about f times what it is of all slots:  E[raw/q] = T as before.
 * What a kept record meets in its slot is as before, since that depends on how many there are to a
 * slot, g/M = f g/(f M), not on how many slots are summed: only F2 is that of the prefix. r is a property
 * of one slot, too; but it stands beside the share that is kept where a slot is looked at, q/f:
 *   s^2 = (noise + F2 (g^ - (1 - r f/q) T_b)/M + q(1-q) T (1 - T/n)) / q^2
 * The sizes g^ stay those of the whole audience. Verified in tests/proto/prefix_bars_test.c. */
struct estimate {
    double value, variance;
};
struct estimate estimate_cell(const struct estimate_in *in, size_t row, size_t column);
/* What the errors of two cells share: the persons that both count, and the strangers beside them.
 * With (a, b) the cell of those whom both cells x and y count,
 *   cov = (F2_a (g^_b - (1 - r/q) T_0b)/M + q(1-q) (T_ab - T_x T_y/n)) / q^2     [the same, polarised]
 * 0 where that is no cell: two categories of one side (of a set, those with both are not known; what
 * is left out is positive). The owner's noise is drawn for each cell apart. */
struct estimate_place {
    size_t row, column;
};
double estimate_covariance(const struct estimate_in *in, struct estimate_place x,
                           struct estimate_place y);
/* q; and r f/q as above, at most 1: what is left of the pairs where the other's person is a customer
 * of the recipient too. */
double estimate_kept_share(const struct estimate_frame *f);
double estimate_common_pairs(const struct estimate_frame *f);
/* max(minimum_count, 2.5 s): what a count must reach to be shown. */
double estimate_threshold(const struct estimate_frame *f, double standard_error);

/* Every function below refuses all figures (REASON_AUDIENCE) when other_size[0] is below
 * minimum_audience. The evaluator tests the same and answers nothing; this is the second lock. */

struct estimate_overlap { /* T^; both denominators: own is exact, other carries its noise */
    struct figure overlap, own, other;
};
void estimate_overlap(struct estimate_overlap *out, const struct estimate_in *in);

/* reach = |f| + g^ - T^, s^2 = s_g^2 + s_T^2; own adds |f| - T^; other adds g^ - T^. */
struct estimate_reach {
    struct estimate_overlap base;
    struct figure own_adds, other_adds, reach;
};
void estimate_reach(struct estimate_reach *out, const struct estimate_in *in);

/* out: (1+row_count) x (1+column_count), by rows, margins and total at index 0. */
void estimate_crosstab(struct figure *out, const struct estimate_in *in);

/* The readings below propagate by the delta method with covariances: s^2 = sum d_i d_j cov(T_i, T_j),
 * d the slopes. The counts of one table share customers and slots, so that their errors partly cancel
 * in a ratio. */

/* out as crosstab: share of matched customers of row a who are in column b, p = T_ab/T_a, in 0..1.
 *   d = 1/T_a by T_ab, -p/T_a by T_a. Column 0 is 1 by definition. */
void estimate_profile(struct figure *out, const struct estimate_in *in);

/* out as crosstab: of those in common who are not in the other side's column b, the share in row a:
 * (T_a - T_ab) / (T - T_b). Column 0 is the base to compare with, T_a / T; row 0 is 1 by definition.
 *   d = 1/W by T_a, -1/W by T_ab, -p/W by T, p/W by T_b, W = T - T_b. */
void estimate_absent(struct figure *out, const struct estimate_in *in);

/* T_ab / E_ab, E_ab = T_a T_b / T: 1 is "as often as chance"; its variance as below. */
struct estimate estimate_index(const struct estimate_in *in, size_t row, size_t column);
/* out as crosstab: index = 100 T_ab / E_ab, 100 is "as often as chance".
 *   d = 100/E_ab by T_ab, -index/T_a, -index/T_b, index/T.
 * shown where E_ab >= max(minimum_count, 2.5 s_ab), and where T_ab itself is shown (from the index
 * and the margins it would follow; an officer's minimum_count must hold for what follows too). Row 0 and column 0 are 100 by definition. */
void estimate_affinity(struct figure *out, const struct estimate_in *in);

#endif
