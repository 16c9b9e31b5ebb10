/* columns.h - sparse column vectors over an epoch's slots (PROTOCOL.md 3).
 *
 * Placing is done once an epoch: slot, sign and priority of each tokenised row, which record a
 * recipient keeps in each slot, and which values of a set stay when it is longer than
 * max_per_person. After that a vector is one pass over the rows. Every vector here is secret and
 * exact: it leaves only encrypted (recipient) or under noise (evaluator). No policy decisions. */
#ifndef PT_COLUMNS_H
#define PT_COLUMNS_H

#include "crypto/base/wipe.h"
#include "node/vault.h"
#include "policy/question.h"

enum { COLUMNS_SLOTS_MAX = 1 << 27, COLUMNS_FILTERS_MAX = QUESTION_FILTERS_MAX };
enum { COLUMNS_BUCKET = 2048 }; /* slots that columns_view.h moves by */

/* Which of one's own customers a vector is about: all filters on the own partner hold (filters on
 * others are passed over), and, when has_category, the customer has `value` of `attribute`. There,
 * and only there, a set counts as cut to max_per_person; a filter looks at the whole set. With
 * has_number, those of whom that number is known. With has_counter it is instead who has more than
 * `value` values of `attribute`, sets cut likewise. */
struct columns_selector {
    const struct question_filter *filters; /* borrowed */
    size_t filter_count;
    bool has_category, has_counter;
    uint16_t attribute, value; /* of the own partner; category or set */
    bool has_number;
    uint16_t number; /* of the own partner; a number */
};

struct columns_map; /* secret; immutable once placed, so threads may share it */

/* Place the tokenised rows of data. Borrows data and me until columns_free().
 *   partner  me's index in the policy, as filters name it
 *   m        slots: a power of two, at most COLUMNS_SLOTS_MAX
 * PT_ENOMEM; PT_ELIMIT for m; PT_ESTATE when no row has a token. */
struct columns_in {
    const struct vault_data *data;
    const struct policy_partner *me;
    uint16_t partner;
    struct digest salt; /* of the epoch */
    uint64_t m;
};
PT_MUST_USE enum pt_code columns_place(struct columns_map **out, const struct columns_in *in,
                                       struct pt_err *err);
void columns_free(struct columns_map *map); /* wipes */

uint64_t columns_slots(const struct columns_map *map);
/* Tokenised rows: "|R's customers|". Secret but for the padded size announced. */
uint64_t columns_rows(const struct columns_map *map);
/* Records kept, one a slot at most, whatever the question: q = columns_kept / columns_rows. */
uint64_t columns_kept(const struct columns_map *map);
/* ... of them in slots [0, slot_end). */
uint64_t columns_kept_below(const struct columns_map *map, uint64_t slot_end);

/* F: -1, 0 or +1 a slot, from the kept records; packed.h, in whole blocks. PT_EBUG: the selector names what is not
 * there. */
struct columns_sums {  /* secret */
    uint64_t energy;   /* sum of F^2 over slots below slot_end: kept records selected */
    uint64_t audience; /* columns_audience_count() */
};
PT_SECRET_TYPE(columns_sums);
PT_MUST_USE enum pt_code columns_recipient(uint8_t *packed, struct columns_sums *sums,
                                           const struct columns_map *map,
                                           const struct columns_selector *which, uint64_t slot_end);
/* G: values[slot] = sum of signs of all selected records, held within +-127. */
PT_MUST_USE enum pt_code columns_evaluator(int8_t *values, const struct columns_map *map,
                                           const struct columns_selector *which);
/* W: sums of sign * w over the selected records of whom which->number is known, held within +-254, in
 * two limbs of m entries: values[slot] + values[m + slot]. w = v - 50, v in 0..100 what the number is
 * when it is clipped to the policy's bounds and scaled by them, rounded. *square_sum = sum of w^2,
 * exact. PT_EBUG: that is no number. */
PT_MUST_USE enum pt_code columns_numbers(int8_t *values, uint64_t *square_sum,
                                         const struct columns_map *map,
                                         const struct columns_selector *which);
/* One byte a slot: 1 where any selected record falls, else 0 (PROTOCOL.md 6: OR, nothing evicted). */
PT_MUST_USE enum pt_code columns_any(uint8_t *values, const struct columns_map *map,
                                     const struct columns_selector *which);
/* How many tokenised rows are selected. Exact, so secret until noised. */
PT_MUST_USE enum pt_code columns_audience_count(uint64_t *out, const struct columns_map *map,
                                                const struct columns_selector *which);

#endif
