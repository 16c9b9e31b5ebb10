#include "node/receipt.h"

#include "crypto/base/text.h"
#include "node/audit.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_LINE "patto/event/1"

_Static_assert(AUDIT_VALUE_MAX == 512, "receipt_field()'s room");

/* ---- writing ---- */

static bool print_event(struct buf *out, const struct store_event_row *row)
{
    char salt[65];

    text_hex(salt, row->salt.b, sizeof row->salt.b);
    return buf_printf(out, FIRST_LINE "\n%" PRIu64 "\n%" PRId64 "\n%s\n%s\n%s\n", row->sequence,
                      row->at_s, row->kind, salt, row->fields);
}

enum pt_code receipt_print(struct buf *out, const struct store_event_row *row,
                           const struct merkle_proof *path, struct span note, struct pt_err *err)
{
    struct tlog_proof p = {
        .has_extra = true, .index = row->sequence - 1, .path = *path, .checkpoint = note};
    enum pt_code rc = print_event(&p.extra, row) ? tlog_proof_print(out, &p, err)
                                                 : pt_fail(err, PT_ENOMEM, "a receipt: no memory");

    buf_free(&p.extra);
    return rc;
}

/* ---- reading ---- */

static bool take_line(struct span *line, struct span *rest)
{
    bool found;

    *line = text_cut(rest, '\n', &found);
    return found;
}

/* Believed only because the entry, which is in the tree, is made of it. */
static enum pt_code open_event(struct store_event_row *row, struct span extra, struct pt_err *err)
{
    struct span line[6];
    struct span rest = extra;
    struct buf again = {0};
    uint64_t at_s = 0;

    *row = (struct store_event_row){0};
    for (size_t i = 0; i < PT_LEN(line); i++)
        if (!take_line(&line[i], &rest))
            return pt_fail(err, PT_EPARSE, "the receipt's event is cut short");
    if (rest.n > 0 || !text_eq(line[0], FIRST_LINE) || !text_u64(line[1], &row->sequence) ||
        row->sequence == 0 || !text_u64(line[2], &at_s) || at_s > INT64_MAX ||
        !text_copy(row->kind, sizeof row->kind, line[3]) ||
        !text_unhex(row->salt.b, sizeof row->salt.b, line[4]) ||
        !text_copy(row->fields, sizeof row->fields, line[5]))
        return pt_fail(err, PT_EPARSE, "the receipt does not hold an event of patto");
    row->at_s = (int64_t)at_s;
    /* One way to write it: a receipt is a file that people compare. */
    bool same = print_event(&again, row) && span_eq_vartime(buf_span(&again), extra);
    buf_free(&again);
    return same ? PT_OK
                : pt_fail(err, PT_EPARSE, "the receipt's event is not written as patto does");
}

/* Whose log it is follows from the head's first line. */
static enum pt_code find_owner(uint16_t *out, struct note_key *key, struct span note,
                               const struct policy *p, struct pt_err *err)
{
    struct span rest = note;
    struct span origin;

    if (!take_line(&origin, &rest))
        return pt_fail(err, PT_EPARSE, "the receipt has no checkpoint");
    for (size_t i = 0; i < p->partner_count; i++) {
        if (log_key_make(key, p, i, NOTE_ED25519, err) != PT_OK)
            return err->code;
        if (text_eq(origin, key->name)) {
            *out = (uint16_t)i;
            return PT_OK;
        }
    }
    return pt_fail(err, PT_EDENIED, "the receipt is of the log %.*s, of no partner of this policy",
                   origin.n > 100 ? 100 : (int)origin.n, (const char *)origin.p);
}

static enum pt_code verify(struct receipt *out, const struct tlog_proof *proof,
                           const struct policy *p, struct pt_err *err)
{
    struct note_key log;
    struct note_key witnesses[RECEIPT_PARTNERS_MAX];
    struct note_seal seals[RECEIPT_PARTNERS_MAX] = {{0}};
    size_t partner[RECEIPT_PARTNERS_MAX];
    struct tlog_trust trust = {.keys = {.log = &log, .witnesses = witnesses}};
    struct digest entry;
    struct digest leaf;
    enum pt_code rc = find_owner(&out->owner, &log, proof->checkpoint, p, err);

    for (size_t i = 0; i < p->partner_count && rc == PT_OK; i++) {
        if (i == out->owner)
            continue;
        partner[trust.keys.witness_count] = i;
        rc = log_key_make(&witnesses[trust.keys.witness_count++], p, i, NOTE_COSIGNATURE, err);
    }
    if (rc != PT_OK)
        return rc;
    store_event_entry(&entry, &out->event);
    merkle_leaf(&leaf, span_of(entry.b, sizeof entry.b));
    if (proof->index != out->event.sequence - 1)
        return pt_fail(err, PT_EDENIED, "the receipt's event is not the one at its place");
    if ((rc = tlog_proof_verify(&out->head, seals, proof, &leaf, &trust, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < trust.keys.witness_count; i++) {
        out->signed_by[partner[i]] = seals[i].good;
        if (seals[i].good && partner[i] == out->asker)
            out->signed_s = (int64_t)seals[i].time_s;
    }
    return PT_OK;
}

void receipt_field(char out[512], const struct receipt *r, const char *key)
{
    bool found;

    audit_field(out, &found, r->event.fields, key);
}

/* An answer, to a partner, under this policy. */
static enum pt_code check_event(struct receipt *out, const struct policy *p, struct pt_err *err)
{
    char value[512];
    char ours[65];
    char theirs[80];

    if (strcmp(out->event.kind, "answered") != 0)
        return pt_fail(err, PT_EDENIED, "the receipt is of another event than an answer: %s",
                       out->event.kind);
    receipt_field(value, out, "recipient");
    int asker = policy_find_partner(p, value);
    if (asker < 0)
        return pt_fail(err, PT_EDENIED, "the receipt is for %.40s, no partner of this policy",
                       value);
    out->asker = (uint16_t)asker;
    receipt_field(value, out, "policy");
    text_hex(ours, p->hash.b, sizeof p->hash.b);
    snprintf(theirs, sizeof theirs, "%.70s", value);
    if (strcmp(value, ours) != 0)
        return pt_fail(err, PT_EDENIED,
                       "the answer was given under another policy: sha256:%s, not sha256:%s",
                       theirs, ours);
    return PT_OK;
}

enum pt_code receipt_read(struct receipt *out, struct span text, const struct policy *p,
                          struct pt_err *err)
{
    struct tlog_proof proof = {0};
    enum pt_code rc;

    *out = (struct receipt){0};
    if ((rc = tlog_proof_parse(&proof, text, err)) != PT_OK)
        return rc;
    if (!proof.has_extra)
        rc = pt_fail(err, PT_EPARSE, "the receipt does not open its event");
    if (rc == PT_OK && (rc = open_event(&out->event, buf_span(&proof.extra), err)) == PT_OK &&
        (rc = check_event(out, p, err)) == PT_OK)
        rc = verify(out, &proof, p, err);
    tlog_proof_free(&proof);
    return rc;
}

enum pt_code receipt_note(struct span *note, struct span text, struct pt_err *err)
{
    struct tlog_proof proof = {0};
    enum pt_code rc = tlog_proof_parse(&proof, text, err);

    *note = proof.checkpoint; /* of text */
    tlog_proof_free(&proof);
    return rc;
}
