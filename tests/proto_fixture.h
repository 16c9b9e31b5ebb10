/* proto_fixture.h - nodes of tests/policy/three.yaml talking in memory: greeted sessions, frames
 * carried from one to the other, and the data of a small epoch. */
#ifndef PT_TESTS_PROTO_FIXTURE_H
#define PT_TESTS_PROTO_FIXTURE_H

#include "proto/ask.h"
#include "proto/salt.h"
#include "proto/tokenise.h"
#include "tests/policy_fixture.h"

enum { FIXTURE_SLOTS = 4096, FIXTURE_PEOPLE = 1500, FIXTURE_COLUMNS_MAX = 16, FIXTURE_KINDS = 38 };

struct fixture_node {
    struct fixture_partner partner;
    struct session_self self;
    struct oprf_key oprf;
};
/* nodes[i] is policy partner i. key period 7, no epoch. */
void fixture_nodes(struct fixture_node *nodes, const struct policy *p);
void fixture_nodes_wipe(struct fixture_node *nodes, size_t n);
struct digest fixture_digest(uint8_t fill);

/* Hello and Welcome between nodes: opener and accepter are OPEN, or the test fails. */
struct fixture_link {
    struct session opener, accepter;
    struct outbox to_accepter, to_opener;
};
void fixture_greet(struct fixture_link *l, struct fixture_node *opener,
                   struct fixture_node *accepter, enum session_what what);
/* The same, watched: opener, accepter. */
void fixture_greet_watched(struct fixture_link *l, struct fixture_node *opener,
                           struct fixture_node *accepter, enum session_what what,
                           const struct session_watch watch[2]);
void fixture_link_free(struct fixture_link *l);
/* Give the next frame of `from` to s; false when there is none. rc and err are the step's. */
bool fixture_step(struct session *s, struct outbox *from, struct outbox *answers, enum pt_code *rc,
                  struct pt_err *err);

/* Every kind; and a frame of it that passes the wire, no field at its default. Borrows static data. */
extern const enum frame_kind fixture_kinds[FIXTURE_KINDS];
struct frame fixture_frame(enum frame_kind kind);
void fixture_name(struct epoch_header *h, size_t at, const char *name);

/* An epoch of freshmart and drinkco over FIXTURE_SLOTS slots, in which drinkco evaluates: data that
 * follow from a seed, columns kept as a host keeps them. */
struct fixture_column {
    uint8_t name[WIRE_COLUMN_NAME_MAX];
    size_t name_n;
    struct digest digest;
    struct buf bytes;
    bool bound;
};
struct fixture_epoch {
    const struct policy *policy;
    struct epoch_header header;
    struct epoch_pair pair;
    struct rlwe *rlwe;
    struct question question;
    int8_t f[FIXTURE_COLUMNS_MAX][FIXTURE_SLOTS]; /* recipient's */
    int8_t g[FIXTURE_COLUMNS_MAX][FIXTURE_SLOTS]; /* evaluator's */
    int8_t more[FIXTURE_SLOTS];                   /* of a value's numbers the second limb */
    uint64_t size[FIXTURE_COLUMNS_MAX];
    struct rlwe_key *keys[FIXTURE_COLUMNS_MAX];
    struct ask_column columns[FIXTURE_COLUMNS_MAX];
    struct buf names[FIXTURE_COLUMNS_MAX], bytes[FIXTURE_COLUMNS_MAX];
    size_t column_count, row_count; /* of the table; its counters follow the columns */
    size_t counter_count;
    struct ask_recipient *asking;    /* whose columns are proved: set by who asks */
    struct key32 noise_key, seed[2]; /* recipient's, evaluator's */
    const struct rlwe_key *proving_keys[FIXTURE_COLUMNS_MAX];
    const int8_t *proving[FIXTURE_COLUMNS_MAX];
    int answered; /* challenges */
    /* the evaluator's host */
    struct fixture_column kept[FIXTURE_COLUMNS_MAX];
    size_t kept_count;
    struct fixture_column coming; /* of the session under way */
    struct digest paid[8];
    size_t paid_count;
    int charges;               /* calls of charge() */
    enum pt_code charge_fails; /* PT_OK: it does not */
    uint64_t spent_nano;
    bool charged_before_row;       /* no row() before charge() */
    struct ask_proof_once once[8]; /* challenges that were written down */
    size_t once_count;
    bool barred; /* a proof was refused */
    struct ask_proof_refusal refusal;
};
/* kind "value" needs a policy of fixture_value(). */
void fixture_epoch_init(struct fixture_epoch *e, const struct policy *p, const char *kind);
void fixture_epoch_free(struct fixture_epoch *e);
/* The counters' values, as many as of the table's columns hold somebody in a slot. Not encrypted. */
void fixture_count(struct fixture_epoch *e);
/* Column j again as f[j] is now, under another key: its digest with it. */
void fixture_encrypt(struct fixture_epoch *e, size_t j, const struct key32 *seed);
/* In nodes of the epoch: their self.epoch_id. */
void fixture_epoch_join(const struct fixture_epoch *e, struct fixture_node *nodes);
/* r: whose Need says which columns are to be proved. */
struct ask_recipient_in fixture_recipient_in(struct fixture_epoch *e, struct ask_recipient *r);
struct ask_evaluator_in fixture_evaluator_in(struct fixture_epoch *e);
/* Part of a row as reply.h's host gives it; its size all with the first part. */
void fixture_row(int8_t *values, uint64_t *size, const struct fixture_epoch *e,
                 const struct reply_part *at);
int64_t fixture_exact(const struct fixture_epoch *e, size_t row, size_t column);

#endif
