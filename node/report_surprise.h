/* report_surprise.h - what a surprise answer found, as a ranked list with a sentence a pair. */
#ifndef PT_REPORT_SURPRISE_H
#define PT_REPORT_SURPRISE_H

#include "proto/answer.h"

enum { REPORT_SURPRISE_MAX = ANSWER_SENTENCE_MAX + 4 * ANSWER_WORD_MAX };

/* Is this pair found, counted or not? */
bool report_surprise_found(const struct answer_cell *c);
/* A found pair in words. */
void report_surprise_sentence(char out[REPORT_SURPRISE_MAX], const struct answer *a,
                              const struct answer_cell *c);
/* Append: for each of the asker's categories the pairs found, most missing people first; or why
 * there are none. PT_ENOMEM. */
PT_MUST_USE enum pt_code report_surprise(struct buf *out, const struct answer *a, bool colour,
                                         struct pt_err *err);

#endif
