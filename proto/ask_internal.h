/* ask_internal.h - for ask*.c alone: what one side of a question signs and the other checks. */
#ifndef PT_ASK_INTERNAL_H
#define PT_ASK_INTERNAL_H

#include "proto/ask.h"

/* What the asker signs: the text, and which ciphertexts it is asked about. false: no memory. */
PT_MUST_USE bool ask_question_body(struct buf *b, struct span text,
                                   const struct wire_column *columns, size_t column_count);
/* What the evaluator signs; the session's id, and with it both greetings, is added to it. */
PT_MUST_USE bool ask_answer_body(struct buf *b, const struct wire_answer *a, struct span text,
                                 const struct buf *rows);
/* What an event and a receipt say of an answer, and tell nobody what it was. */
void ask_answer_hash(struct digest *out, const struct buf *body);

struct ask_group { /* of a question's columns: the table's, then its counters */
    size_t table_count, counter_count;
};
/* What is said of the columns that Need names: a table's values and its counters are proved together,
 * or not at all. false: Need names some of them. */
PT_MUST_USE bool ask_tally(struct proof_tally *out, struct ask_group g, const uint32_t *need,
                           size_t need_count);

#endif
