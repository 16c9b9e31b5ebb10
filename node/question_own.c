/* What names a question by the asker's own columns. */
#include "node/question_internal.h"

#include <stdlib.h>

enum pt_code question_own_name(struct query *q, struct pt_err *err)
{
    struct digest *digests = calloc(q->own.table_count, sizeof *digests);
    struct reply_in in = {.policy = q->policy,
                          .question = &q->question,
                          .pair = q->pair,
                          .rlwe = q->rlwe,
                          .column_digests = digests,
                          .column_count = q->own.table_count};
    struct budget_price price;
    enum pt_code rc;

    if (digests == NULL)
        return pt_fail(err, PT_ENOMEM, "a question: no memory");
    for (size_t i = 0; i < q->own.table_count; i++)
        digests[i] = q->own.columns[i].digest;
    reply_price(&price, &in);
    q->note = (struct question_note){.kind = question_kind_name(q->question.kind),
                                     .peer = q->policy->partners[q->question.with].name,
                                     .rho_nano = price.charge_nano};
    rc = reply_key(&q->note.id, &in, err);
    free(digests);
    return rc;
}
