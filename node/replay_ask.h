/* replay_ask.h - questions made again, from either side: the asker's columns are encrypted anew from
 * seed and vault, the owner's rows, noise and replies computed anew; and what was charged stands in
 * the ledger where the answer says, before it. */
#ifndef PT_REPLAY_ASK_H
#define PT_REPLAY_ASK_H

#include "node/blobs.h"
#include "node/columns_view.h"
#include "node/proof_columns.h"
#include "node/replay_home.h"
#include "proto/ask.h"

struct replay_ask { /* too large for the stack */
    struct replay_home *bed;
    struct replay_facts *facts;
    struct session *session;
    struct pt_err gone;
    struct ask_recipient recipient;
    struct question question;
    struct epoch_pair pair;
    struct rlwe *rlwe;
    struct ask_column asked[WIRE_COLUMNS_MAX];
    struct buf names[WIRE_COLUMNS_MAX];
    void *blank; /* a part of zeros, in place of ciphertexts whose digest says what they are */
    struct proof_columns proof;
    struct ask_evaluator evaluator;
    struct blob_map maps[WIRE_COLUMNS_MAX];
    bool needed[WIRE_COLUMNS_MAX];
    struct columns_view *view; /* of the rows being made */
    struct digest key;         /* of the answer, once charged */
};
struct replay_host replay_ask_host(struct replay_ask *a, struct replay_home *bed,
                                   struct replay_facts *facts);
/* After a replay that found all the same: the event says what was answered. PT_EBADMSG: not. */
PT_MUST_USE enum pt_code replay_ask_check(struct replay_ask *a, struct pt_err *err);
void replay_ask_free(struct replay_ask *a);

#endif
