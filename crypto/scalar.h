/* scalar.h - recodings of secret scalars mod q for the ladder of curve_ladder.h and the tables of
 * curve_table.h. Constant time.
 * Arithmetic on scalars is declared in group.h, where callers need it. */
#ifndef PT_SCALAR_H
#define PT_SCALAR_H

#include "crypto/group.h"

enum { SCALAR_DIGITS = 63, SCALAR_WINDOWS = 51, SCALAR_WINDOW_BITS = 5 };
struct scalar_digits { /* sum d[i] * 16^i, -8 <= d[i] < 8 but for the last, which may be 8 */
    int8_t d[SCALAR_DIGITS];
};
PT_SECRET_TYPE(scalar_digits);

/* Digits of k/2 mod q, k < q: of the one of its two representatives that is below q/2 in size. */
void scalar_recode_half(struct scalar_digits *out, const struct scalar *k);

struct scalar_windows { /* sum (d[i] - 16) * 32^i, 0 <= d[i] < 32 */
    uint8_t d[SCALAR_WINDOWS];
};
PT_SECRET_TYPE(scalar_windows);
void scalar_recode_windows(struct scalar_windows *out, const struct scalar *k);

void scalar_negate(struct scalar *out, const struct scalar *k);
/* k > q/2; for scalars that are public. */
bool scalar_is_upper_half_vartime(const struct scalar *k);

#endif
