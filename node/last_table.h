/* last_table.h - the table of a question as an earlier epoch had it, for a bubble's renewal.
 *
 * Of each question for a table (its canonical text, with filters, slots and rho; under a policy that
 * names other categories it is another table, which answer_renew() does not compare) the asker's node
 * keeps the answers of two epochs in state.db, the newest and the one before: noisy figures that it
 * was given, and paid for. Nothing here is asked, charged or sent. */
#ifndef PT_LAST_TABLE_H
#define PT_LAST_TABLE_H

#include "node/store.h"
#include "proto/answer.h"

/* Keep a (its epoch must be set), and put its renewal into a bubble. Answers of over STORE_BLOB_MAX
 * bytes are not kept. PT_EIO, PT_ENOMEM. */
PT_MUST_USE enum pt_code last_table(struct answer *a, struct store *s, int64_t now_s,
                                    struct pt_err *err);

#endif
