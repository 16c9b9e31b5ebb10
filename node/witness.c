#include "node/witness.h"

#include "crypto/base/text.h"
#include "node/logdir.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SEEN_BYTES = 8 + 32, NAME_BYTES = NOTE_NAME_MAX + 16 };

bool witness_is(const struct policy *p, size_t partner)
{
    return (p->witnesses >> partner & 1U) != 0;
}

static void name_of(char out[NAME_BYTES], const struct note_key *key)
{
    snprintf(out, NAME_BYTES, "witness/%s", key->name);
}

static enum pt_code read_seen(struct witness_seen *out, struct store *s, const struct note_key *key,
                              struct pt_err *err)
{
    char name[NAME_BYTES];
    struct buf value = {0};
    bool found;
    enum pt_code rc;

    *out = (struct witness_seen){0};
    name_of(name, key);
    if ((rc = store_fact_find(&value, &found, s, name, err)) == PT_OK && found) {
        if (value.n != SEEN_BYTES)
            rc = pt_fail(err, PT_EBADMSG, "state.db: what was seen of %s is damaged", key->name);
        else {
            out->size = load_u64le(value.p);
            memcpy(out->root.b, value.p + 8, sizeof out->root.b);
        }
    }
    buf_free(&value);
    return rc;
}

static enum pt_code write_seen(struct store *s, const struct note_key *key,
                               const struct checkpoint *c, struct pt_err *err)
{
    char name[NAME_BYTES];
    uint8_t value[SEEN_BYTES];

    name_of(name, key);
    store_u64le(value, c->size);
    memcpy(value + 8, c->root.b, sizeof c->root.b);
    return store_fact_put(s, name, span_of(value, sizeof value), err);
}

enum pt_code witness_seen(struct witness_seen *out, const struct witness *w, uint16_t partner,
                          struct pt_err *err)
{
    struct note_key key;

    *out = (struct witness_seen){0};
    if (log_key_make(&key, w->home->policy, partner, NOTE_ED25519, err) != PT_OK)
        return err->code;
    return read_seen(out, w->store, &key, err);
}

enum pt_code witness_signatures(struct witness_signed *out, const struct policy *p, size_t owner,
                                struct span note, struct pt_err *err)
{
    struct note_key log;
    struct note_key keys[WITNESS_PARTNERS_MAX];
    struct note_seal seals[WITNESS_PARTNERS_MAX] = {{0}};
    size_t partner[WITNESS_PARTNERS_MAX];
    struct checkpoint_trust trust = {.log = &log, .witnesses = keys};
    enum pt_code rc = log_key_make(&log, p, owner, NOTE_ED25519, err);

    *out = (struct witness_signed){0};
    for (size_t i = 0; i < p->partner_count && rc == PT_OK; i++) {
        if (i == owner)
            continue;
        partner[trust.witness_count] = i;
        rc = log_key_make(&keys[trust.witness_count++], p, i, NOTE_COSIGNATURE, err);
    }
    if (rc != PT_OK || (rc = checkpoint_open(&out->head, seals, note, &trust, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < trust.witness_count; i++) {
        out->by[partner[i]] = seals[i].good;
        out->at_s[partner[i]] = (int64_t)seals[i].time_s;
    }
    out->had = log_key_signed(p, owner, out->by);
    out->needed = log_key_quorum(p, owner);
    return PT_OK;
}

enum pt_code witness_published(struct witness_signed *out, bool *found, const struct home *h,
                               struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct buf note = {0};
    enum pt_code rc;

    *out = (struct witness_signed){0};
    home_path(dir, h, "log");
    rc = logdir_read_checkpoint(&note, found, dir, err);
    if (rc == PT_OK && *found)
        rc = witness_signatures(out, h->policy, h->self, buf_span(&note), err);
    buf_free(&note);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "log/checkpoint");
}

/* Both heads, so that whoever reads the record has the evidence; once a transaction is over. */
static enum pt_code finding(const struct witness *w, const char *peer, const struct checkpoint *c,
                            const struct witness_seen *seen, int64_t now_s, struct pt_err *err)
{
    const struct store_quota quota = {
        .what = "witness", .peer = peer, .count = 1, .limit = WITNESS_FINDINGS_A_DAY};
    const char *what = c->size < seen->size ? "rollback" : "fork";
    struct store_place place;
    struct pt_err later;
    char fields[512];
    char root[65];
    char known[65];
    uint64_t used;

    text_hex(root, c->root.b, sizeof c->root.b);
    text_hex(known, seen->root.b, sizeof seen->root.b);
    snprintf(fields, sizeof fields,
             "peer=%s what=%s size=%" PRIu64 " root=%s seen_size=%" PRIu64 " seen_root=%s", peer,
             what, c->size, root, seen->size, known);
    if (store_quota_take(&used, w->store, &quota, now_s, &later) == PT_OK &&
        store_event(&place, w->store, "witness", fields, now_s, &later) != PT_OK)
        return pt_fail(err, later.code, "%s", later.msg);
    return pt_fail(err, PT_EDENIED,
                   "the log of %s does not continue what was seen of it (%s): %" PRIu64
                   " entries, root %.16s, where %" PRIu64 " were seen, root %.16s",
                   peer, what, c->size, root, seen->size, known);
}

struct opened { /* a head as its log signed it, and what we knew */
    struct note_key key;
    struct checkpoint c;
    struct witness_seen seen;
};

/* *fits false: the head is not a later one of what was seen. */
static enum pt_code remember(bool *fits, struct opened *o, const struct witness *w,
                             const struct witness_head *head, struct pt_err *err)
{
    const struct merkle_range range = {.old = head->old_size, .size = o->c.size};
    enum pt_code rc;

    *fits = true;
    if ((rc = store_begin(w->store, err)) != PT_OK)
        return rc;
    if ((rc = read_seen(&o->seen, w->store, &o->key, err)) != PT_OK)
        goto out;
    /* Another root of the size that was seen needs no proof to be another history. */
    *fits =
        o->c.size > o->seen.size ||
        (o->c.size == o->seen.size && memcmp(o->c.root.b, o->seen.root.b, sizeof o->c.root.b) == 0);
    if (!*fits || head->old_size != o->seen.size)
        goto out;
    *fits = merkle_consistency_ok(head->proof, range, &o->seen.root, &o->c.root);
    if (*fits && (rc = write_seen(w->store, &o->key, &o->c, err)) == PT_OK)
        rc = store_commit(w->store, err); /* before anything is signed */
out:
    store_rollback(w->store);
    return rc;
}

static enum pt_code sign(struct buf *line, const struct witness *w, struct span text, int64_t now_s,
                         struct pt_err *err)
{
    struct note_key key;
    enum pt_code rc = log_key_make(&key, w->home->policy, w->home->self, NOTE_COSIGNATURE, err);

    return rc == PT_OK ? note_cosign(line, &key, &w->home->keys->node, text, (uint64_t)now_s, err)
                       : rc;
}

enum pt_code witness_cosign(struct buf *line, uint64_t *known, const struct witness *w,
                            const struct witness_head *head, int64_t now_s, struct pt_err *err)
{
    const char *peer = w->home->policy->partners[head->partner].name;
    struct opened o = {.c = {.size = 0}};
    const struct checkpoint_trust trust = {.log = &o.key};
    struct note note;
    bool fits;
    enum pt_code rc;

    *known = 0;
    if ((rc = log_key_make(&o.key, w->home->policy, head->partner, NOTE_ED25519, err)) != PT_OK ||
        (rc = checkpoint_open(&o.c, NULL, head->note, &trust, err)) != PT_OK ||
        (rc = note_parse(&note, head->note, err)) != PT_OK ||
        (rc = remember(&fits, &o, w, head, err)) != PT_OK)
        return rc;
    if (!fits)
        return finding(w, peer, &o.c, &o.seen, now_s, err);
    *known = o.seen.size;
    if (o.seen.size != head->old_size)
        return PT_OK;
    return sign(line, w, note.text, now_s, err);
}
