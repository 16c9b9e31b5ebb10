/* ingest_row.h - a row of a customer file on its way through node/spool.h: digest, consent, and of each
 * attribute what the row says, in a record of one size. Secret.
 *
 *     digest 32, refused 1, then an attribute each: category u16, set 8 a 64 values, number 8 */
#ifndef PT_INGEST_ROW_H
#define PT_INGEST_ROW_H

#include "node/people.h"

struct ingest_row_shape {
    const struct policy_partner *me; /* borrowed */
    size_t bytes;                    /* of a record */
    size_t at[POLICY_ATTRIBUTES_MAX];
};
size_t ingest_row_lay_out(struct ingest_row_shape *s, const struct policy_partner *me); /* bytes */

/* A record of s->bytes bytes that says nothing yet but whose it is. */
void ingest_row_start(uint8_t *row, const struct ingest_row_shape *s, const struct digest *d);
void ingest_row_refuse(uint8_t *row);
/* Of a category the last one counts; of a set all. */
void ingest_row_value(uint8_t *row, const struct ingest_row_shape *s, size_t attribute,
                      uint16_t value);
void ingest_row_number(uint8_t *row, const struct ingest_row_shape *s, size_t attribute,
                       double number);
/* What the row says, of its person in p. PT_ENOMEM; PT_ELIMIT. */
PT_MUST_USE enum pt_code ingest_row_merge(struct people *p, const uint8_t *row,
                                          const struct ingest_row_shape *s);

#endif
