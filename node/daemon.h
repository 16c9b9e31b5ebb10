/* daemon.h - the running node: home, policy, store, the epoch in force, two listeners.
 *
 * Threads: one a call (node/rpc_core.h). What they share is here: `epoch` behind `lock`, one
 * job that changes data at a time behind `job`, one large computation at a time behind `compute`
 * (memory is bounded by one table). Everything else is immutable after daemon_start(). */
#ifndef PT_DAEMON_H
#define PT_DAEMON_H

#include "node/blobs.h"
#include "node/columns_made.h"
#include "node/frozen.h"
#include "node/home.h"
#include "node/pool.h"
#include "node/rpc_core.h"
#include "node/snapshot.h"
#include "node/store.h"
#include "node/translog.h"

#include <pthread.h>
#include <stdio.h>

#define DAEMON_BUILD "patto/" PATTO_VERSION

struct daemon {
    struct home *home; /* policy loaded and checked */
    struct store *store;
    struct translog *translog;
    struct pool *pool;         /* threads of large computations */
    struct blobs_seen *seen;   /* columns hashed already */
    struct columns_made *made; /* own ones encrypted already */
    struct reach_desk *reach;  /* questions of reach under way */
    struct log_run *logs;      /* asks witnesses, fetches receipts */
    uint64_t logged_size;      /* behind lock: what log_run was last woken for */
    struct frozen *frozen;     /* an officer's stop */
    pthread_t teller;          /* tells the partners of it */
    bool telling;              /* teller is to be joined */
    struct rpc_server *federation, *planner;
    struct rpc_health *health;
    struct rpc_reflection *reflection;
    FILE *log;
    pthread_mutex_t lock, job, compute;
    struct snapshot *epoch;   /* behind lock; NULL: none */
    int64_t refusal_logged_s; /* behind lock: throttles the log */
    uint64_t refusals_unlogged;
    char epoch_note[512]; /* behind lock: why there is none, for status */
};

struct daemon_in {
    const char *home;
    FILE *log;        /* one line an event, never personal data */
    uint32_t threads; /* 0: as node.yaml says */
};
/* Open the home for work, check everything, load the epoch, listen. Free with daemon_stop(), also after a failure. */
PT_MUST_USE enum pt_code daemon_start(struct daemon **out, const struct daemon_in *in,
                                      struct pt_err *err);
void daemon_stop(struct daemon *d);

/* A counted reference to the epoch in force; NULL when there is none. Give it back with
 * daemon_release(): whoever is the last to leave an epoch gone by removes its columns, so that a
 * question under way is answered from the epoch in which it was asked. */
struct snapshot *daemon_epoch(struct daemon *d);
void daemon_release(struct daemon *d, struct snapshot *s); /* NULL is fine */
/* Put an epoch in force; takes the reference. */
void daemon_set_epoch(struct daemon *d, struct snapshot *s);

/* What this node is in a session that begins now. `epoch` may be NULL. The key of this key
 * period is derived into *key: wipe it. */
struct session_self;
struct oprf_key;
PT_MUST_USE enum pt_code daemon_self(struct session_self *out, struct oprf_key *key,
                                     struct daemon *d, const struct snapshot *epoch,
                                     struct pt_err *err);
/* PT_EDENIED when the policy is not in date now: asked before anything is said or answered. */
PT_MUST_USE enum pt_code daemon_in_date(const struct daemon *d, struct pt_err *err);
/* Sign and publish what the audit record has gained: when a session or a job is over. That it fails
 * is told in the log; the events themselves are safe in the store and are published next time. */
void daemon_publish(struct daemon *d);
PT_PRINTF(2, 3) void daemon_log(struct daemon *d, const char *fmt, ...);

#endif
