/* receipt_answer.h - is a receipt (node/receipt.h) that of this answer, as `patto query --json` wrote
 * it? Both name the hash of what the owner signed; the figures themselves were opened by who asked,
 * and no receipt holds them. */
#ifndef PT_RECEIPT_ANSWER_H
#define PT_RECEIPT_ANSWER_H

#include "node/receipt.h"

enum { RECEIPT_ANSWER_BYTES_MAX = 1 << 26 };

/* *first: the answer repeats one that was paid before, and the receipt is that of the first time.
 * PT_EPARSE: not the JSON of an answer. PT_EDENIED: of another one; the sentence says in what. */
PT_MUST_USE enum pt_code receipt_answer_check(bool *first, const struct receipt *r,
                                              const struct policy *p, struct span json,
                                              struct pt_err *err);

#endif
