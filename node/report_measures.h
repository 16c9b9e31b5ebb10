/* report_measures.h - the measures behind a table (answer.h): a line for each thing measured. */
#ifndef PT_REPORT_MEASURES_H
#define PT_REPORT_MEASURES_H

#include "proto/answer.h"

/* Append them as a table; nothing when the answer has none. PT_ENOMEM. */
PT_MUST_USE enum pt_code report_measures(struct buf *out, const struct answer *a, bool colour,
                                         struct pt_err *err);

#endif
