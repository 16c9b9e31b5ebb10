/* replay_home.h - what `audit replay` works from: a home opened to look, one epoch's signed header,
 * and, if it is still there, the data behind it, whose Merkle root and seed are checked against the
 * header before anything is replayed. What the sessions' hosts find out about the whole is gathered
 * here. One thread. */
#ifndef PT_REPLAY_HOME_H
#define PT_REPLAY_HOME_H

#include "node/pool.h"
#include "node/records.h"
#include "node/snapshot.h"
#include "proto/replay.h"

struct replay_digests { /* {0} is a valid empty one */
    struct digest *items;
    size_t count;
};
PT_MUST_USE enum pt_code replay_digests_add(struct replay_digests *l, const struct digest *d,
                                            struct pt_err *err);
bool replay_digests_has(const struct replay_digests *l, const struct digest *d);

struct replay_column {  /* of ours, encrypted again */
    struct digest name; /* of partner and name */
    struct digest digest;
};
struct replay_home {
    struct home *home;
    struct store *store;
    struct pool *pool;
    struct parallel parallel;
    struct salt_result agreed; /* the epoch: header and signatures, checked */
    struct digest id;
    int at;                 /* this node among its participants; -1: it is neutral */
    struct snapshot *epoch; /* NULL: its data are gone, and why */
    struct pt_err no_epoch;
    struct replay_column *columns;
    size_t column_count;
    struct replay_digests questions; /* whose answers are in the record */
    struct replay_digests batches;   /* hashes of the seeds of token batches there */
    struct replay_digests evaluated; /* ids of sessions in which partners' points were */
    struct replay_digests runs;      /* of reach in this epoch */
};
/* home: opened with HOME_AUDIT, its policy loaded; borrowed. PT_ESTATE: no such epoch, or under
 * another policy. PT_EDENIED, PT_EBADMSG: the header, the data or the seed are not what was signed;
 * that is a deviation by itself. */
struct replay_home_in {
    struct home *home;
    uint64_t epoch;
    size_t threads;
};
PT_MUST_USE enum pt_code replay_home_open(struct replay_home *r, const struct replay_home_in *in,
                                          struct pt_err *err);
void replay_home_close(struct replay_home *r); /* wipes; {0} too */

/* A session's record as a source. */
struct replay_file {
    struct records_reader *reader;
};
PT_MUST_USE enum pt_code replay_file_open(struct replay_file *f, const struct replay_home *r,
                                          const char *name, struct pt_err *err);
struct replay_source replay_file_source(struct replay_file *f);
void replay_file_close(struct replay_file *f);

/* One session of the epoch. */
struct replay_session {
    char name[RECORDER_NAME + 1];
    size_t number; /* among the epoch's, from 1 */
    enum session_what what;
    bool opener;
    char peer[POLICY_NAME_MAX + 1];
    struct digest group; /* sessions that belong together: a batch, a run, a round; else zeros */
    uint32_t hop;        /* of a batch */
    bool asks;           /* reach: the question, not a share */
    bool earlier;        /* tokens made over data, or under a policy, before the epoch's: unchecked,
                          * and no part of the epoch's own verdict */
    struct replay_result result;
};
/* Is this session of the epoch? Fills all but number and result. Runs of reach are gathered; whether a
 * share belongs to one is known when all sessions were seen: *of_epoch is then true for now. */
PT_MUST_USE enum pt_code replay_classify(struct replay_session *out, bool *of_epoch,
                                         struct replay_home *r, const char *name,
                                         struct pt_err *err);
/* This node in that session, as its record says it was. */
PT_MUST_USE enum pt_code replay_self(struct session_self *out, struct oprf_key *key,
                                     const struct replay_home *r, const struct record_head *head,
                                     struct pt_err *err);

#endif
