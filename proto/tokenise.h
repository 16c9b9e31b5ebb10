/* tokenise.h - a batch of blinded points to one peer and back with proofs (PROTOCOL.md 2).
 *
 * The owner opens a session with each peer in name order and passes each verified chunk on to the
 * next. Up to TOKENISE_FLIGHT_MAX chunks are under way at once; the peer answers in order. A cut
 * batch is resumed in a new session at `first_chunk`. Blinding, padding and finishing are the
 * host's (crypto/oprf.h); a peer sees random points and how many. */
#ifndef PT_TOKENISE_H
#define PT_TOKENISE_H

#include "proto/session.h"

enum {
    TOKENISE_CHUNK_POINTS =
        3 << 12, /* default: 384 KiB on the wire; larger ones prove cheaper and take memory */
    TOKENISE_FLIGHT_MAX = 4,
    TOKENISE_POINTS_MAX = 1 << 27,
};

struct tokenise_plan {
    uint64_t point_count; /* of the batch, padding included */
    uint32_t chunk_points;
    uint32_t first_chunk; /* chunks before it are done */
};
/* Points in chunk `number`: chunk_points, fewer in the last; 0 after it. */
size_t tokenise_chunk_size(const struct tokenise_plan *p, uint32_t number);
uint32_t tokenise_chunk_count(const struct tokenise_plan *p);

struct tokenise_flight { /* a chunk on its way: what was sent, to verify what returns */
    struct point *points;
    size_t n;
};
struct tokenise_owner {
    struct session *session;
    int state;
    struct parallel parallel; /* who checks a chunk's parts at once: set it after _begin() */
    struct tokenise_plan plan;
    uint32_t next_send, next_receive;
    struct tokenise_flight flight[TOKENISE_FLIGHT_MAX];
    struct group_term *ready; /* the last verified chunk, decoded; NULL: there is none */
    size_t ready_count;
    uint32_t ready_chunk;
};
/* The session is OPEN with what = WHAT_TOKENISE. Puts Batch into out. */
PT_MUST_USE enum pt_code tokenise_owner_begin(struct tokenise_owner *o, struct session *s,
                                              struct tokenise_plan plan, struct outbox *out,
                                              struct pt_err *err);
void tokenise_owner_free(struct tokenise_owner *o); /* {0} too */
/* May the next chunk (o->next_send) be sent now? */
bool tokenise_owner_can_send(const struct tokenise_owner *o);
/* Exactly tokenise_chunk_size() points. PT_ESTATE when it may not, PT_EBUG on another count. */
PT_MUST_USE enum pt_code tokenise_owner_send(struct tokenise_owner *o, struct span_points points,
                                             struct outbox *out, struct pt_err *err);
struct tokenise_ready {
    uint32_t number;
    struct group_term *points; /* owned: group_terms_free() */
    size_t n;
};
/* After each session_step(): the chunk it verified, if any. After the last the step has queued Finish
 * by itself. */
bool tokenise_owner_take(struct tokenise_owner *o, struct tokenise_ready *out);

struct tokenise_host {
    void *self;
    /* May the peer have so many points evaluated? Count them before saying PT_OK (durably: a cut
     * session still counts). PT_EDENIED: over the quota of the policy. */
    enum pt_code (*quota)(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err);
};
struct tokenise_peer {
    struct session *session;
    int state;
    const struct oprf_key *key;
    struct key32 proof_key;
    struct tokenise_host host;
    struct parallel parallel;
    struct tokenise_plan plan;
    uint32_t next_chunk;
};
/* key: k_j of self.key_period. proof_key: secret; proofs' randomness derives from it and the session. Both outlive p. */
struct tokenise_peer_in {
    const struct oprf_key *key;
    const struct key32 *proof_key;
    struct tokenise_host host;
    struct parallel parallel; /* who evaluates a chunk's parts at once */
};
PT_MUST_USE enum pt_code tokenise_peer_begin(struct tokenise_peer *p, struct session *s,
                                             const struct tokenise_peer_in *in, struct pt_err *err);
void tokenise_peer_wipe(struct tokenise_peer *p);

#endif
