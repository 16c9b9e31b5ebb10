/* surprise.h - "you who bought this, try that": pairs of categories that few join although those
 * who resemble them do (DESIGN.md, "The questions"; reference/statistics, section 3).
 *
 * Pure arithmetic on a table that is paid for. A pair is found only when chance, the owner's noise
 * and slot sampling together do not explain it: of the pairs found in one table, on average at
 * most a tenth are false (Benjamini and Hochberg 1995). "Own" is the recipient's side. */
#ifndef PT_SURPRISE_H
#define PT_SURPRISE_H

#include "crypto/base/err.h"
#include "proto/estimate.h"

enum {
    SURPRISE_MATCHED_MIN = 30000, /* customers in common at the default noise: below, nothing is
                                     found that is there */
    SURPRISE_EXPECTED_MIN = 100   /* joint customers expected by the margins */
};
#define SURPRISE_FALSE_SHARE   0.1
#define SURPRISE_DEFAULT_SIGMA 54.2 /* of a table at rho 0.002, three categories a person */

/* One pair. missing is a VALUE: found, and so many people; SUPPRESSED: REASON_RARE, found, but the
 * joint count is hidden and would follow; any other reason, not found; REFUSED as everything is. */
struct surprise_cell {
    struct figure
        missing;     /* E (p - r): joint customers that the prediction has and the table not */
    double expected; /* E_ab, by the margins alone: the support; 0 where these are hidden */
    double index;    /* 100 (1 + p_ab): what resemblance predicts; 0 where not computed */
    double z;        /* (p - r) / its standard error under "as predicted" */
};
bool surprise_found(const struct surprise_cell *c);
/* out: row_count x column_count (without margins), by rows. REASON_FEW everywhere when too few
 * are matched, see surprise_matched_min(). PT_ENOMEM. */
PT_MUST_USE enum pt_code surprise_find(struct surprise_cell *out, const struct estimate_in *in);
/* Matched customers that this table's noise asks for: SURPRISE_MATCHED_MIN, more when the noise is
 * wider than the default (a look at a few slots widens it by their share), never fewer. */
double surprise_matched_min(const struct estimate_in *in);

#endif
