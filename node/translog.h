/* translog.h - this node's transparency log: the events of state.db as an RFC 6962 tree, signed.
 *
 * The events are the truth; HOME/log/ (logdir.h) is derived from them after they are committed and
 * made again from them where it is missing or wrong. A tree head is in state.db before it is
 * signed, and every later one must continue it: a state.db that was rolled back, or a second
 * history, is found when the log is opened, and nothing is signed.
 *
 * Any thread may call. Never between store_begin() and store_commit(): the log's lock comes before
 * the store's. */
#ifndef PT_TRANSLOG_H
#define PT_TRANSLOG_H

#include "crypto/checkpoint.h"
#include "crypto/merkle_proof.h"
#include "node/home.h"
#include "node/store.h"

struct translog;

/* Both are borrowed and outlive the log; h has its policy loaded, and keys if the log is to sign.
 * Reads the tree, checks every head that was ever signed against it, and the published checkpoint.
 *   PT_EDENIED  state.db holds less than was signed: an older copy of it
 *   PT_EBADMSG  it holds another history than was signed, or log/checkpoint is not ours */
PT_MUST_USE enum pt_code translog_open(struct translog **out, const struct home *h, struct store *s,
                                       struct pt_err *err);
void translog_close(struct translog *log);
/* Entries in the tree as far as it was read: at open, and by each checkpoint. */
uint64_t translog_size(struct translog *log);
/* The size that log/checkpoint had at open or has since; 0: none was published. */
uint64_t translog_published(struct translog *log);

/* Sign a checkpoint over all committed events and publish it: tiles first. *note is owned by the
 * caller and has our signature only. Without a new event the same note comes again.
 * PT_ESTATE: no event yet, or no keys. PT_EIO: the disk; called again it goes on. */
PT_MUST_USE enum pt_code translog_checkpoint(struct buf *note, struct translog *log, int64_t now_s,
                                             struct pt_err *err);
/* Publish a note with cosignatures in place of the checkpoint of the same size; one that was
 * overtaken by a larger is left out silently. PT_EDENIED: not of this log. */
PT_MUST_USE enum pt_code translog_cosigned(struct translog *log, struct span note,
                                           struct pt_err *err);
/* Add a witness's line to the published checkpoint, whose text it must be under; one that is there
 * already stays. PT_ESTATE: a later one is published. PT_EDENIED: not a good line of that key. */
PT_MUST_USE enum pt_code translog_add_line(struct translog *log, struct span note,
                                           const struct note_key *witness, struct span line,
                                           struct pt_err *err);
/* note with that line below it, when it is a good one of that witness. PT_EDENIED. */
PT_MUST_USE enum pt_code translog_with_line(struct buf *out, struct span note,
                                            const struct note_key *log,
                                            const struct note_key *witness, struct span line,
                                            struct pt_err *err);
/* What is published. *found false: nothing yet. */
PT_MUST_USE enum pt_code translog_read(struct buf *note, bool *found, struct translog *log,
                                       struct pt_err *err);

/* Proofs; sizes at most translog_size(). The event of sequence n stands at index n - 1. */
PT_MUST_USE enum pt_code translog_inclusion(struct merkle_proof *out, struct translog *log,
                                            uint64_t index, uint64_t size, struct pt_err *err);
PT_MUST_USE enum pt_code translog_consistency(struct merkle_proof *out, struct translog *log,
                                              struct merkle_range range, struct pt_err *err);
/* The 32 bytes that merkle_leaf() takes for the event of that sequence, and what opens them:
 * store_event_entry() of the row is the entry. PT_EUSAGE: no such event. */
PT_MUST_USE enum pt_code translog_event(struct store_event_row *row, struct digest *entry,
                                        struct translog *log, uint64_t sequence,
                                        struct pt_err *err);

/* Compare all files below HOME/log/ with the tree. PT_EBADMSG names the first that differs. */
PT_MUST_USE enum pt_code translog_check(struct translog *log, struct pt_err *err);
/* Write again what translog_check() finds wrong. *was: what it was, code PT_OK when nothing. */
PT_MUST_USE enum pt_code translog_repair(struct pt_err *was, struct translog *log,
                                         struct pt_err *err);

#endif
