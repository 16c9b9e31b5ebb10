/* report_value.h - a number's mean and sum by groups (answer.h): a line a group. */
#ifndef PT_REPORT_VALUE_H
#define PT_REPORT_VALUE_H

#include "proto/answer.h"

/* Append people, mean and sum of each group as a table. Means have as many decimals as their half
 * widths make sense of. PT_ENOMEM. */
PT_MUST_USE enum pt_code report_value(struct buf *out, const struct answer *a, bool colour,
                                      struct pt_err *err);

#endif
