/* digestset.h - which digests have been seen, each numbered in order of arrival.
 *
 * An open-addressing table under SipHash with a random key: a column that arrives already hashed is
 * somebody else's bytes, and must not be able to choose collisions. Digests are personal data. */
#ifndef PT_DIGESTSET_H
#define PT_DIGESTSET_H

#include "crypto/prf.h"

enum { DIGESTSET_MAX = 1 << 27 };

struct digestset {          /* {0} is not one: digestset_init() */
    struct digest *digests; /* count of them, by number */
    size_t count, cap;
    uint32_t *table;   /* 1 + number; 0: free */
    size_t table_size; /* a power of two, at least 2 * cap */
    uint8_t key[16];
};

void digestset_init(struct digestset *s);
void digestset_free(struct digestset *s); /* wipes */
/* *number of d, newly given when *added. PT_ENOMEM; PT_ELIMIT: DIGESTSET_MAX are there. */
PT_MUST_USE enum pt_code digestset_add(size_t *number, bool *added, struct digestset *s,
                                       const struct digest *d);
/* The number of d; false, and *number 0, when it is not there. */
bool digestset_find(size_t *number, const struct digestset *s, const struct digest *d);
/* No more questions and additions: the digests stay, the table that finds them goes. */
void digestset_close(struct digestset *s);
bool digestset_has(const struct digestset *s, const struct digest *d);

#endif
