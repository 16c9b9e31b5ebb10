/* report_surprise.h - what a surprise answer found, as a ranked list with a sentence a pair. */
#ifndef PT_REPORT_SURPRISE_H
#define PT_REPORT_SURPRISE_H

#include "proto/answer.h"

/* Is this pair found, counted or not? */
bool report_surprise_found(const struct answer_cell *c);
/* Append: for each of the asker's categories the pairs found, most missing people first; or why
 * there are none. PT_ENOMEM. */
PT_MUST_USE enum pt_code report_surprise(struct buf *out, const struct answer *a, bool colour,
                                         struct pt_err *err);

#endif
