/* home.h - the folder that is a node: settings, keys, the policy in force, one lock.
 *
 *     node.yaml  keys/  policy/N/  policy/current  state.db  vault/  columns/  log/  lock
 *
 * Secrets live in one block of locked memory, read-only once loaded. A home is opened to look
 * (no keys, no lock), to audit (keys, no lock) or to work (keys, and nobody else may). What is inside vault/ and columns/
 * belongs to others; home_path() tells them where. */
#ifndef PT_HOME_H
#define PT_HOME_H

#include "crypto/prf.h"
#include "crypto/sign.h"
#include "node/config.h"
#include "node/fileio.h"
#include "node/tls.h"
#include "policy/policy.h"

enum { HOME_PATH_MAX = FILEIO_PATH_MAX, HOME_TOKEN_TEXT = 64 };

enum home_use {
    HOME_LOOK,  /* settings only; beside a running daemon too */
    HOME_AUDIT, /* keys, no lock: to read what is sealed, beside a running daemon too */
    HOME_WORK,  /* keys, and the lock until home_close(): "another patto (process 812) uses ..." */
};

struct home_keys { /* secret; in sodium_malloc, read-only */
    struct sign_key node;
    struct key32 oprf;  /* master: home_oprf_seed() gives k_j of one key period */
    struct key32 vault; /* seals what is on disk */
    struct key32 noise; /* PROTOCOL.md 5; shown to nobody */
    struct key32 epoch; /* master: home_epoch_seed() gives the seed of one epoch (PROTOCOL.md 8) */
    char token[HOME_TOKEN_TEXT + 1]; /* the planner's bearer token, hex */
};

struct home {
    char dir[HOME_PATH_MAX]; /* absolute */
    struct config config;
    struct sign_public node;      /* public half of keys->node */
    struct tls_identity identity; /* key_pem is empty when opened to look */
    const struct home_keys *keys; /* NULL when opened to look */
    void *keys_room;              /* the same, for home_close() */
    struct policy *policy;        /* NULL until home_load_policy() */
    struct buf policy_file;       /* its bytes */
    struct digest policy_base;    /* it, or the last before it that all partners have signed */
    uint16_t self;                /* policy->partners[self] is this node */
    int lock_fd;
};

/* No core dumps, no ptrace by others, umask 077. Call before anything secret is in memory. */
PT_MUST_USE enum pt_code home_harden(struct pt_err *err);

/* May others than the owner read what is secret, or write what is trusted? PT_EDENIED says what to
 * do. Asked by home_open() for work. */
PT_MUST_USE enum pt_code home_check_modes(const struct home *h, struct pt_err *err);

/* PT_EIO: not there, not readable; PT_ESTATE: in use, or an unfinished init; PT_EPARSE: node.yaml;
 * PT_EDENIED: a file or folder with a mode that lets others in ("chmod 600 ..."). Free with home_close(). */
PT_MUST_USE enum pt_code home_open(struct home **out, const char *dir, enum home_use use,
                                   struct pt_err *err);
void home_close(struct home *h);

/* Read policy/current and check it again: signatures (of all, or of one where it only tightens the
 * version before, which is kept and checked likewise), dates, this node's place in it.
 *   PT_ESTATE  none joined yet: says how
 *   PT_EDENIED not signed, expired, edited, or it names another key or certificate than ours
 * On PT_EDENIED for dates alone h->policy is set all the same, so that status can show it. */
PT_MUST_USE enum pt_code home_load_policy(struct home *h, int64_t now_s, struct pt_err *err);
/* Put the policy at policy_path, with the signatures beside it (policy_path.NAME.minisig), in
 * force. All checks of home_load_policy() and the succession from the current one; nothing
 * changes on failure, and a crash leaves the old or the new. again: it was in force already. */
struct home_joined {
    bool again;
    bool lifted;             /* the policy before was frozen */
    bool by_one;             /* it only tightens, and not all have signed it */
    bool attributes_changed; /* our own columns: ingest again */
    uint32_t from_version;   /* 0: the first */
};
PT_MUST_USE enum pt_code home_join(struct home_joined *out, struct home *h, const char *policy_path,
                                   int64_t now_s, struct pt_err *err);

/* The policy of that hash that this home once joined, its signatures checked again; dates do not
 * matter. PT_ESTATE: none is kept. policy_free() it. */
PT_MUST_USE enum pt_code home_former_policy(struct policy **out, const struct home *h,
                                            const struct digest *hash, struct pt_err *err);

/* policy_path.NAME.minisig. PT_ELIMIT: too long. */
PT_MUST_USE enum pt_code home_signature_path(char out[HOME_PATH_MAX], const char *policy_path,
                                             const char *name, struct pt_err *err);

/* HOME/name. The name is ours and short: it always fits. */
void home_path(char out[HOME_PATH_MAX], const struct home *h, const char *name);
/* gRPC target of the planner service: "unix:HOME/planner.sock" or host:port. */
void home_planner_target(char out[HOME_PATH_MAX], const struct home *h);
/* The planner's token without the other keys: for the CLI, which is a client of the daemon. */
PT_MUST_USE enum pt_code home_read_token(char out[HOME_TOKEN_TEXT + 1], const struct home *h,
                                         struct pt_err *err);
/* Does somebody hold the lock, and who? *pid is 0 when nobody does. */
PT_MUST_USE enum pt_code home_lock_owner(long *pid, const struct home *h, struct pt_err *err);

/* Seed for oprf_key_derive() in one key period; epoch seed for everything random in one epoch. */
void home_oprf_seed(struct key32 *out, const struct home *h, struct span key_period);
void home_epoch_seed(struct key32 *out, const struct home *h, struct span epoch_label);
/* What comes before an epoch or stands outside it has seeds of its own, under labels of their own:
 * a token batch of this node; proofs for those of partners, one a key period; a neutral node's part
 * in an epoch of others, by the epoch's id. */
void home_batch_seed(struct key32 *out, const struct home *h, struct span batch_label);
void home_proof_seed(struct key32 *out, const struct home *h, struct span key_period);
void home_neutral_seed(struct key32 *out, const struct home *h, const struct digest *epoch);

/* Make a new home: all keys fresh. Built in DIR.new and renamed, so a killed one is never half
 * a home. PT_ESTATE: DIR is there and not empty, or another init is at work. */
PT_MUST_USE enum pt_code home_create(const char *dir, const struct config *c, int64_t now_s,
                                     struct pt_err *err);

#endif
