/* replay.h - a recorded session made again by the same code (PROTOCOL.md 8): what came is given to
 * the session's tables once more, and every frame that they send is compared, by its running hash,
 * with what the node sent. The peer signed that hash at the end, so neither record nor node need
 * be believed. Without I/O: data, columns and ledger facts are the host's.
 *
 * A deviation is named by the message's place, its kind, and its row, chunk or column: nothing of
 * what is in it. A Refusal of the node's own ends a replay well: a node may always say no. */
#ifndef PT_REPLAY_H
#define PT_REPLAY_H

#include "proto/record.h"

enum { REPLAY_MADE_MAX = OUTBOX_FRAMES_MAX, REPLAY_WORDS_MAX = 240 };

struct replay_source { /* a record's entries after its head */
    void *self;
    enum pt_code (*next)(void *self, struct record_entry *out, bool *end, struct pt_err *err);
};

/* ---- what a record says of the node's own state ---- */

/* The first frame of each kind that this node sent, and the notes. Filled by replay_scan(). */
struct replay_facts {
    struct record_head head;
    enum session_what what;
    struct buf note;                          /* the first */
    struct buf whole[FRAME_KINDS_END];        /* by kind: bytes; empty: not sent, or bulk */
    struct buf came[FRAME_KINDS_END];         /* the same of what the peer sent */
    uint64_t sent_count[FRAME_KINDS_END];     /* by kind */
    uint64_t received_count[FRAME_KINDS_END]; /* of parts of columns, as of all */
    bool ended;
    enum session_state state;
};
/* All of a record, its head included. PT_EBADMSG: no head, or a Hello that cannot be read. */
PT_MUST_USE enum pt_code replay_scan(struct replay_facts *out, const struct replay_source *source,
                                     struct pt_err *err);
void replay_facts_free(struct replay_facts *f); /* {0} too */

/* ---- the replay ---- */

struct replay_host {
    void *self;
    /* Both have greeted: attach the protocol. */
    enum pt_code (*begin)(void *self, struct session *s, struct outbox *out, struct pt_err *err);
    /* A frame was taken: answer what is ready. */
    enum pt_code (*after)(void *self, struct outbox *out, struct pt_err *err);
    /* The node sent something here that no frame called for: queue it. Nothing queued: it had
     * nothing to send. *blocked: it waits for another session; call replay_run() again later. */
    enum pt_code (*more)(void *self, struct outbox *out, bool *blocked, struct pt_err *err);
    /* Bytes of a part of a column that came. NULL: no column comes. */
    enum pt_code (*part)(void *self, const struct transcript_part *p, struct span *bytes,
                         struct pt_err *err);
    /* Set by the host when what it was asked for is no longer there: then nothing deviates, but
     * nothing can be compared either. */
    const struct pt_err *gone;
};
enum replay_verdict {
    REPLAY_RUNNING,
    REPLAY_SAME,
    REPLAY_DIFFERS,
    REPLAY_UNCHECKED, /* what it is made of is gone: words says what */
};
struct replay_result {
    enum replay_verdict verdict;
    uint64_t message;             /* the one looked at last, from 1, both directions */
    uint64_t sent_count;          /* of those compared */
    bool signed_by_peer;          /* the peer's signature over all of them was checked */
    bool refused;                 /* by either side */
    bool cut;                     /* the record ends before the session did */
    char words[REPLAY_WORDS_MAX]; /* DIFFERS: "Reply row 0 differs" */
};
struct replay_made { /* a frame that the code sends */
    enum frame_kind kind;
    uint64_t number; /* row, chunk or column */
    struct digest chain;
};
struct replay {
    struct session session;
    struct replay_source source;
    struct replay_host host;
    struct outbox out;
    struct replay_made made[REPLAY_MADE_MAX];
    size_t made_first, made_end;
    struct buf question;       /* the last that was made, to say which column differs */
    struct record_entry entry; /* that waits for more */
    bool has_entry, attached, over;
    struct pt_err refused_with; /* why the code refused the last frame; code PT_OK: it did not */
    struct replay_result result;
};
/* self as the node was then: key period, epoch and build of the head. Borrowed, like host.self. */
struct replay_in {
    const struct session_self *self;
    const struct record_head *head;
    struct replay_source source;
    struct replay_host host;
};
PT_MUST_USE enum pt_code replay_begin(struct replay *r, const struct replay_in *in,
                                      struct pt_err *err);
/* Until there is a verdict, or the host is blocked (then still REPLAY_RUNNING). Fails only when the
 * record cannot be read or memory ends. */
PT_MUST_USE enum pt_code replay_run(struct replay *r, struct pt_err *err);
void replay_end(struct replay *r); /* wipes; {0} too */

#endif
