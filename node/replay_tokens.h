/* replay_tokens.h - token batches made again: our points from the vault's digests and the batch's
 * seed, what went on to the next key holder from what the one before returned, and the evaluations
 * of partners' points with their proofs. */
#ifndef PT_REPLAY_TOKENS_H
#define PT_REPLAY_TOKENS_H

#include "node/batch.h"
#include "node/replay_home.h"

struct replay_tokens {
    struct replay_home *bed;
    struct replay_facts *facts;
    const char *before; /* record of the hop before; NULL: there is none, or it is not kept */
    struct session *session;
    struct pt_err gone;
    bool earlier;         /* gone: the batch is of a dataset before the epoch's */
    struct oprf_key *key; /* of the session's key period; borrowed */
    struct key32 proof_seed;
    struct tokenise_owner owner;
    struct tokenise_peer peer;
    struct batch_note note;
    struct batch batch;
    struct replay_file previous; /* read along: its Evaluated are our Points */
    struct point *points;
};
struct replay_tokens_in { /* borrowed */
    struct replay_home *bed;
    struct replay_facts *facts;
    struct oprf_key *key;
    const char *before;
};
struct replay_host replay_tokens_host(struct replay_tokens *t, const struct replay_tokens_in *in);
void replay_tokens_free(struct replay_tokens *t);

#endif
