/* people.h - the customers of a part of a file: rows of one person merge here.
 *
 * Sets unite, of categories the last wins, numbers combine as the policy says and are clipped to
 * its bounds at the end. One refusal of consent anywhere in the file excludes the person. Knows
 * digests and values, never an identifier (PROTOCOL.md 1). Secret. */
#ifndef PT_PEOPLE_H
#define PT_PEOPLE_H

#include "node/vault.h"

struct people;
PT_MUST_USE enum pt_code people_new(struct people **out, const struct policy_partner *me,
                                    struct pt_err *err);
void people_free(struct people *p); /* wipes; borrows me until then */

/* The person of a digest, new or known. PT_ENOMEM; PT_ELIMIT: VAULT_ROWS_MAX. */
PT_MUST_USE enum pt_code people_add(size_t *person, struct people *p, const struct digest *d);
/* value: an index that attribute has, category or set. */
void people_add_value(struct people *p, size_t person, size_t attribute, uint16_t value);
/* Those of a set whose bits are set: 8 bytes little-endian for each 64 values. */
void people_add_values(struct people *p, size_t person, size_t attribute, const uint8_t *set);
/* number: finite. */
void people_add_number(struct people *p, size_t person, size_t attribute, double number);
void people_refuse(struct people *p, size_t person);

/* All who did not refuse, ascending by digest. Uses p up: only people_free() may follow. *clipped
 * has an entry an attribute: how many numbers
 * lay outside min..max. *refused: how many people. */
struct people_counts {
    uint64_t refused;
    uint64_t clipped[POLICY_ATTRIBUTES_MAX];
};
PT_MUST_USE enum pt_code people_finish(struct vault_data **out, struct people_counts *counts,
                                       struct people *p, struct pt_err *err);

#endif
