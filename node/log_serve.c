#include "node/log_serve.h"

#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/receipt.h"
#include "node/witness.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum pt_code add_head(void *self, const struct wire_add_head *w,
                             const struct merkle_proof *proof, struct buf *line, uint64_t *known,
                             struct pt_err *err)
{
    struct log_serve *l = self;
    const struct home *h = l->daemon->home;
    const struct witness us = {.home = h, .store = l->daemon->store};
    const struct witness_head head = {
        .partner = l->session->peer, .note = w->note, .old_size = w->old_size, .proof = proof};
    enum pt_code rc;

    if (!witness_is(h->policy, h->self)) {
        session_because(l->session, REFUSAL_NOT_ALLOWED);
        return pt_fail(err, PT_EDENIED, "audit.witnesses: this node watches over no log");
    }
    rc = witness_cosign(line, known, &us, &head, clock_now_s(), err);
    if (rc == PT_EDENIED)
        daemon_log(l->daemon, "WITNESS: %s", err->msg);
    return rc;
}

/* The answer to this very peer, and to nobody else: a question asked again has another one. */
static enum pt_code find_answer(struct store_event_row *row, const struct log_serve *l,
                                const struct wire_proof_ask *ask, struct pt_err *err)
{
    char id[80];
    char answer[80];
    char value[AUDIT_VALUE_MAX];
    const struct store_event_like like = {.kind = "answered", .one = id, .other = answer};
    char hex[65];
    bool found = false;
    bool named = false;
    enum pt_code rc;

    text_hex(hex, ask->question.b, sizeof ask->question.b);
    snprintf(id, sizeof id, "question=%s", hex);
    text_hex(hex, ask->answer.b, sizeof ask->answer.b);
    snprintf(answer, sizeof answer, "answer=%s", hex);
    if ((rc = store_event_find(row, &found, l->daemon->store, &like, err)) != PT_OK)
        return rc;
    if (found)
        audit_field(value, &named, row->fields, "recipient");
    if (named && strcmp(value, session_peer_name(l->session)) == 0)
        return PT_OK;
    session_because(l->session, REFUSAL_WRONG_PARTY);
    return pt_fail(err, PT_EDENIED, "no such answer was given to %s",
                   session_peer_name(l->session));
}

static enum pt_code proof(void *self, const struct wire_proof_ask *ask, struct buf *text,
                          struct merkle_proof *from_known, struct pt_err *err)
{
    struct log_serve *l = self;
    struct translog *log = l->daemon->translog;
    struct store_event_row row;
    struct merkle_proof path;
    enum pt_code rc;

    if ((rc = find_answer(&row, l, ask, err)) != PT_OK)
        return rc;
    buf_free(&l->given);
    if ((rc = translog_checkpoint(&l->given, log, clock_now_s(), err)) != PT_OK)
        return rc;
    struct merkle_range range = {.old = ask->known_size};
    struct checkpoint c;
    struct note note;
    if ((rc = note_parse(&note, buf_span(&l->given), err)) != PT_OK ||
        (rc = checkpoint_parse(&c, note.text, err)) != PT_OK)
        return rc;
    range.size = c.size;
    if (range.old > range.size) {
        daemon_log(l->daemon,
                   "ROLLBACK: %s has seen %" PRIu64 " entries of this node's log, which has "
                   "%" PRIu64 ": was the home restored from an older copy?",
                   session_peer_name(l->session), range.old, range.size);
        return pt_fail(err, PT_ESTATE, "the partner has seen more of this log than there is");
    }
    if ((rc = translog_inclusion(&path, log, row.sequence - 1, range.size, err)) != PT_OK ||
        (rc = translog_consistency(from_known, log, range, err)) != PT_OK)
        return rc;
    return receipt_print(text, &row, &path, buf_span(&l->given), err);
}

static enum pt_code cosigned(void *self, struct span line, struct pt_err *err)
{
    struct log_serve *l = self;
    const struct policy *p = l->daemon->home->policy;
    struct note_key ours;
    struct note_key theirs;
    struct buf whole = {0};
    enum pt_code rc;

    if ((rc = log_key_make(&ours, p, l->daemon->home->self, NOTE_ED25519, err)) == PT_OK &&
        (rc = log_key_make(&theirs, p, l->session->peer, NOTE_COSIGNATURE, err)) == PT_OK)
        rc = translog_with_line(&whole, buf_span(&l->given), &ours, &theirs, line, err);
    buf_free(&whole);
    if (rc == PT_OK)
        rc = translog_add_line(l->daemon->translog, buf_span(&l->given), &theirs, line, err);
    return rc == PT_ESTATE ? PT_OK
                           : rc; /* a later head is published: theirs counts in their copy */
}

enum pt_code log_serve_begin(struct log_serve *l, struct daemon *d, struct session *s,
                             struct pt_err *err)
{
    const struct log_accept_host host = {
        .self = l, .add_head = add_head, .proof = proof, .cosigned = cosigned};

    *l = (struct log_serve){.daemon = d, .session = s};
    return log_accept_begin(&l->accept, s, &host, err);
}

void log_serve_end(struct log_serve *l)
{
    buf_free(&l->given);
}
