/* record.h - what was said in a session, in bytes that a later audit can replay (PROTOCOL.md 8).
 *
 * A record is a row of entries: a head, then every frame taken and every frame queued, in the
 * order in which the session's tables saw them, then how it ended. Frames that came are kept whole,
 * of a part of a column its place (its digest is in the Question). Of a frame that was sent the
 * running hash is kept, which the peer signs at the end; small ones are kept whole as well, because
 * they say what this node's state was. Sealing and files are the node's (node/recorder.h). */
#ifndef PT_RECORD_H
#define PT_RECORD_H

#include "proto/session.h"

enum {
    RECORD_VERSION = 1,
    RECORD_OVERHEAD = 5, /* of an entry: kind, u32le length */
    RECORD_BODY_MAX = WIRE_FRAME_MAX + 64,
    RECORD_NOTE_MAX = (1 << 29) + 4096, /* rows of a batch that had no token */
};

enum record_kind {
    RECORD_HEAD = 1,
    RECORD_NOTE, /* a fact of one protocol: node/ knows its form */
    RECORD_RECEIVED,
    RECORD_RECEIVED_PART,
    RECORD_SENT,
    RECORD_SENT_WHOLE,
    RECORD_END,
};
struct record_head {
    bool opener;
    enum session_what what; /* opener's; accepter: it is in the Hello */
    char peer[POLICY_NAME_MAX + 1];
    char build[WIRE_BUILD_MAX + 1];
    struct digest nonce; /* ours */
    struct digest policy, epoch_id;
    uint32_t key_period;
    uint64_t began_us; /* since 1970, UTC */
};
struct record_entry {
    enum record_kind kind;
    struct record_head head;
    struct span bytes;           /* NOTE, RECEIVED, SENT_WHOLE: borrowed from the body */
    struct transcript_part part; /* RECEIVED_PART */
    enum frame_kind frame;       /* SENT, SENT_WHOLE */
    struct digest chain;         /* of frames sent, with this one */
    enum session_state state;    /* END */
    enum refusal refusal;
};

/* Append one entry. false: no memory. */
PT_MUST_USE bool record_put(struct buf *out, const struct record_entry *e);
/* What a session's watch sees as an entry; bytes are borrowed. */
void record_of_said(struct record_entry *out, const struct session_said *s);
/* One entry's body. PT_EBADMSG: not as record_put() writes it. */
PT_MUST_USE enum pt_code record_parse(struct record_entry *out, uint8_t kind, struct span body,
                                      struct pt_err *err);
/* Is only the hash of such a frame kept, when we send it? */
bool record_is_bulk(enum frame_kind k);
/* Most bytes of a body of that kind; 0: no such kind. */
size_t record_body_max(uint8_t kind);

#endif
