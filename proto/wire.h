/* wire.h - frames of the Federation service as plain C structs: the one door to protobuf-c.
 *
 * Decoding is strict: exact sizes, enum ranges, names and texts without NUL, nothing unknown, and
 * the one canonical encoding (a frame that would encode to another length is refused). Memory
 * that a frame can cause is bounded. Meaning is the sessions' business, not looked at here. */
#ifndef PT_WIRE_H
#define PT_WIRE_H

#include "crypto/oprf.h"
#include "crypto/rlwe.h"
#include "policy/question.h"

enum {
    WIRE_FRAME_MAX = 4 << 20,
    WIRE_MEMORY_MAX = 8 << 20, /* what decoding one frame may allocate */
    WIRE_BUILD_MAX = 64,
    WIRE_PARTIES_MAX = POLICY_PARTNERS_MAX,
    WIRE_COLUMNS_MAX = POLICY_VALUES_MAX + 1, /* a question's: every value, and all */
    WIRE_COLUMN_NAME_MAX = 2048,
    WIRE_PART_MAX = 1 << 20,  /* bytes of one ColumnPart */
    WIRE_REPLY_MAX = 1 << 17, /* bytes of one row's replies */
    WIRE_HEADER_MAX = 4096,   /* of an epoch: EPOCH_HEADER_BYTES_MAX */
    WIRE_NOTE_MAX = 1 << 16,  /* NOTE_BYTES_MAX */
    WIRE_NOTE_LINE_MAX = 8192,
    WIRE_PROOF_MAX = 1 << 18,               /* TLOG_PROOF_BYTES_MAX */
    WIRE_HASHES_MAX = 64 * 32,              /* MERKLE_PROOF_MAX */
    WIRE_STAGES_MAX = 9,                    /* REACH_STAGE_COUNT */
    WIRE_SHARE_MAX = (1 << 27) + (1 << 25), /* bytes of one item between nodes */
    WIRE_COUNTS_MAX = 1 << POLICY_PARTNERS_MAX,
    WIRE_COLUMN_PROOF_MAX =
        8192, /* bytes of a message of the column proof that comes in one frame */
};

/* Numbers are federation.proto's. */
enum frame_kind {
    FRAME_NONE = 0,
    FRAME_HELLO = 2,
    FRAME_WELCOME,
    FRAME_REFUSAL,
    FRAME_FINISH,
    FRAME_RECEIPT,
    FRAME_BATCH = 10,
    FRAME_POINTS,
    FRAME_EVALUATED,
    FRAME_PROPOSE = 20,
    FRAME_COMMIT,
    FRAME_COMMITS,
    FRAME_REVEAL,
    FRAME_REVEALS,
    FRAME_HEADER_SIGNATURE,
    FRAME_HEADER_SIGNATURES,
    FRAME_EPOCH_DONE,
    FRAME_QUESTION = 30,
    FRAME_NEED,
    FRAME_COLUMN_PART,
    FRAME_REPLY,
    FRAME_ANSWER,
    FRAME_ADD_HEAD = 40,
    FRAME_HEAD_COSIGNED,
    FRAME_HEAD_CONFLICT,
    FRAME_PROOF_ASK,
    FRAME_EVENT_PROOF,
    FRAME_REACH_QUESTION = 50,
    FRAME_REACH_READY,
    FRAME_REACH_GO,
    FRAME_REACH_DONE,
    FRAME_REACH_SHARE,
    FRAME_REACH_PART,
    FRAME_PROOF_CHOICES = 60,
    FRAME_PROOF_TREES,
    FRAME_PROOF_COMMIT,
    FRAME_PROOF_PART,
    FRAME_PROOF_CHALLENGE,
    FRAME_PROOF_ANSWER,
    FRAME_KINDS_END,
};
const char *frame_name(enum frame_kind k); /* "Hello" */

enum session_what { WHAT_TOKENISE = 1, WHAT_EPOCH, WHAT_ASK, WHAT_LOG, WHAT_REACH };

enum refusal {
    REFUSAL_NONE = 0,
    REFUSAL_POLICY_MISMATCH,
    REFUSAL_NOT_SIGNED,
    REFUSAL_EXPIRED,
    REFUSAL_VERSION,
    REFUSAL_NOT_ALLOWED,
    REFUSAL_BUDGET_EXHAUSTED,
    REFUSAL_AUDIENCE_TOO_SMALL,
    REFUSAL_QUOTA,
    REFUSAL_BUSY,
    REFUSAL_FROZEN,
    REFUSAL_EPOCH_MISMATCH,
    REFUSAL_WRONG_PARTY,
    REFUSAL_BAD_MESSAGE,
    REFUSAL_INTERNAL,
    REFUSAL_STOPPED_BY_OFFICER,
    REFUSAL_NOT_PROVED,
    REFUSAL_COUNT
};
const char *refusal_name(enum refusal r); /* "POLICY_MISMATCH" */

struct wire_greeting { /* Hello, Welcome */
    uint32_t version;
    struct span federation;
    struct digest policy_hash, epoch_id;
    struct span from, to, build;
    enum session_what what;
    struct digest nonce;
    uint32_t key_period;
    struct point oprf_public;
    struct digest hello_hash;
    struct signature signature;
};
struct wire_refusal {
    enum refusal reason;
    bool has_policy_hash;
    struct digest policy_hash;
    struct span statement; /* STOPPED_BY_OFFICER: 1..FREEZE_TEXT_MAX bytes; not yet checked */
};
struct wire_add_head {
    uint64_t old_size;
    struct span proof; /* whole digests, at most WIRE_HASHES_MAX bytes */
    struct span note;  /* 1..WIRE_NOTE_MAX bytes, not yet read */
};
struct wire_proof_ask {
    struct digest question, answer;
    uint64_t known_size;
};
struct wire_event_proof {
    struct span text;  /* 1..WIRE_PROOF_MAX bytes, not yet read */
    struct span proof; /* as above */
};
struct wire_closing { /* Finish, Receipt */
    struct digest sent, received;
    struct signature signature;
};
struct wire_batch {
    uint64_t point_count;
    uint32_t chunk_points, first_chunk;
};
struct wire_chunk { /* Points, Evaluated */
    uint32_t number;
    struct span_points points; /* 1..OPRF_CHUNK_MAX; not yet checked to be on the group */
    bool has_proof;            /* Evaluated; its scalars are canonical or verification fails */
    struct dleq_proof proof;
};
struct wire_propose {
    uint64_t number;
    uint32_t attempt, key_period;
    struct span participants[WIRE_PARTIES_MAX];
    size_t participant_count;
};
struct wire_commit {
    struct span from;
    struct digest commitment, dataset, seed_hash;
    uint64_t padded_size;
    struct signature signature;
};
struct wire_reveal {
    struct span from;
    struct digest share, blind;
    struct signature signature;
};
struct wire_header_signature {
    struct span from;
    struct signature signature;
};
struct wire_commits {
    struct wire_commit items[WIRE_PARTIES_MAX];
    size_t count;
};
struct wire_reveals {
    struct wire_reveal items[WIRE_PARTIES_MAX];
    size_t count;
};
struct wire_header_signatures {
    struct wire_header_signature items[WIRE_PARTIES_MAX];
    size_t count;
};
struct wire_column {
    struct span name;
    struct digest digest;
};
struct wire_question {
    struct span text;
    const struct wire_column *columns; /* borrowed, 1..WIRE_COLUMNS_MAX */
    size_t column_count;
    struct signature signature;
};
struct wire_need {
    const uint32_t *columns; /* borrowed; strictly ascending, < WIRE_COLUMNS_MAX */
    size_t column_count;
};
struct wire_column_part {
    uint32_t column;
    uint64_t offset;
    struct span data;
};
struct wire_reply {
    uint32_t row;
    struct span data;
};
struct wire_answer {
    const int64_t *sizes; /* borrowed, 1..WIRE_COLUMNS_MAX */
    size_t size_count;
    uint64_t charged_nano, left_nano, audit_position;
    struct digest dataset;
    struct signature signature;
};

struct wire_reach_question {
    struct span text;
    struct digest run;
    struct span header;
    struct wire_header_signatures signatures;
    struct signature signature;
};
struct wire_reach_done {
    const int64_t *counts; /* borrowed; 0..WIRE_COUNTS_MAX */
    size_t count;
    uint64_t charged_nano, left_nano, audit_position;
    struct signature signature;
};
struct wire_reach_share {
    struct digest run;
    uint32_t stage; /* below WIRE_STAGES_MAX */
    uint64_t size;  /* 1..WIRE_SHARE_MAX */
};
struct wire_reach_part {
    uint64_t offset;
    struct span data; /* 1..WIRE_PART_MAX */
};

struct wire_proof_commit {
    uint32_t first, count; /* of Need's; count 1..RLWE_COLUMNS_MAX */
    struct digest digest;
    struct signature signature;
};
struct wire_proof_part {
    uint64_t offset;
    struct span data; /* 1..WIRE_PART_MAX */
};

/* Spans and arrays borrow: from the caller when encoding, from a wire_in when decoded. */
struct frame {
    uint32_t seq;
    enum frame_kind kind;
    union {
        struct wire_greeting greeting;
        struct wire_add_head add_head;
        struct span head_line;  /* HeadCosigned: 1..WIRE_NOTE_LINE_MAX bytes, not yet read */
        uint64_t head_conflict; /* HeadConflict: a size */
        struct wire_proof_ask proof_ask;
        struct wire_event_proof event_proof;
        struct wire_refusal refusal;
        struct wire_closing closing;
        struct wire_batch batch;
        struct wire_chunk chunk;
        struct wire_propose propose;
        struct wire_commit commit;
        struct wire_commits commits;
        struct wire_reveal reveal;
        struct wire_reveals reveals;
        struct wire_header_signature header_signature;
        struct wire_header_signatures header_signatures;
        struct digest epoch_id; /* EpochDone */
        struct wire_question question;
        struct wire_need need;
        struct wire_column_part column_part;
        struct wire_reply reply;
        struct wire_answer answer;
        struct wire_reach_question reach_question;
        uint64_t reach_rho_nano; /* ReachReady */
        struct digest reach_run; /* ReachGo */
        struct wire_reach_done reach_done;
        struct wire_reach_share reach_share;
        struct wire_reach_part reach_part;
        struct span
            proof; /* ProofChoices, ProofTrees, ProofAnswer: 1..WIRE_COLUMN_PROOF_MAX bytes */
        struct wire_proof_commit proof_commit;
        struct wire_proof_part proof_part;
        struct digest proof_challenge;
    } u;
};

/* Appends f's bytes to out. PT_ENOMEM; PT_EBUG: over a bound that decoding would refuse. */
PT_MUST_USE enum pt_code wire_encode(struct buf *out, const struct frame *f, struct pt_err *err);

struct wire_in { /* owns what a decoded frame borrows; {0} is a valid empty one */
    void *message;
    void *items;
    struct frame frame;
};
/* in->frame is set on PT_OK and lives until wire_in_free(), which takes the empty value too; in
 * must be empty. bytes need not outlive the call. PT_EBADMSG, PT_ELIMIT, PT_ENOMEM. */
PT_MUST_USE enum pt_code wire_decode(struct wire_in *in, struct span bytes, struct pt_err *err);
void wire_in_free(struct wire_in *in);

#endif
