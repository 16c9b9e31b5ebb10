#include "node/log_export.h"

#include "crypto/base/text.h"
#include "crypto/base64.h"
#include "node/logdir.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "the export of the audit record: no memory");
}

/* ---- writing ---- */

struct writing {
    struct translog *log;
    const char *partner;
    uint64_t size;
    json_t *events;
    size_t count;
};

static json_t *json_proof(const struct merkle_proof *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->count; i++) {
        struct buf text = {0};
        if (base64_print(&text, span_of(p->hash[i].b, sizeof p->hash[i].b)))
            json_array_append_new(list, json_stringn((const char *)text.p, text.n));
        buf_free(&text);
    }
    return list;
}

static enum pt_code add_event(void *self, const struct store_event_row *row, struct pt_err *err)
{
    struct writing *w = self;
    struct merkle_proof proof;
    char salt[65];

    if (row->sequence > w->size || !audit_concerns(row, w->partner))
        return PT_OK;
    if (w->count++ == LOG_EXPORT_EVENTS_MAX)
        return pt_fail(err, PT_ELIMIT, "over %d events for one partner", LOG_EXPORT_EVENTS_MAX);
    if (translog_inclusion(&proof, w->log, row->sequence - 1, w->size, err) != PT_OK)
        return err->code;
    text_hex(salt, row->salt.b, sizeof row->salt.b);
    if (json_array_append_new(w->events,
                              json_pack("{s:I, s:I, s:s, s:s, s:s, s:o}", "event",
                                        (json_int_t)row->sequence, "at", (json_int_t)row->at_s,
                                        "kind", row->kind, "fields", row->fields, "salt", salt,
                                        "proof", json_proof(&proof))) != 0)
        return no_memory(err);
    return PT_OK;
}

static int add_text(const char *p, size_t n, void *out)
{
    return buf_add(out, p, n) ? 0 : -1;
}

static enum pt_code print(struct buf *out, const struct writing *w, struct span note, int64_t now_s,
                          struct pt_err *err)
{
    json_t *root = json_pack("{s:i, s:s, s:I, s:s%, s:O}", "patto_audit_export", VERSION, "for",
                             w->partner, "made", (json_int_t)now_s, "checkpoint",
                             (const char *)note.p, note.n, "events", w->events);
    int rc = root == NULL
                 ? -1
                 : json_dump_callback(root, add_text, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);

    json_decref(root);
    return rc == 0 && buf_u8(out, '\n') ? PT_OK : no_memory(err);
}

static enum pt_code write_all(struct buf *out, struct writing *w, const struct audit *a,
                              int64_t now_s, struct pt_err *err)
{
    struct checkpoint c;
    struct note_key key;
    struct buf note = {0};
    bool found;
    enum pt_code rc;

    if ((rc = log_key_make(&key, a->home->policy, a->home->self, NOTE_ED25519, err)) != PT_OK ||
        (rc = translog_read(&note, &found, w->log, err)) != PT_OK)
        goto out;
    if (!found) {
        rc = pt_fail(err, PT_ESTATE,
                     "nothing of the audit record is signed yet: `patto serve` does");
        goto out;
    }
    const struct checkpoint_trust trust = {.log = &key};
    if ((rc = checkpoint_open(&c, NULL, buf_span(&note), &trust, err)) != PT_OK)
        goto out;
    w->size = c.size;
    if (w->size > translog_size(w->log)) /* signed while we were reading */
        rc = pt_fail(err, PT_ESTATE, "the node is writing its record just now: try again");
    if (rc == PT_OK && (rc = audit_each(a, 0, add_event, w, err)) == PT_OK)
        rc = print(out, w, buf_span(&note), now_s, err);
out:
    buf_free(&note);
    return rc;
}

enum pt_code log_export_write(struct buf *out, size_t *count, const struct audit *a,
                              const char *partner, int64_t now_s, struct pt_err *err)
{
    struct writing w = {.partner = partner, .events = json_array()};
    enum pt_code rc;

    *out = (struct buf){0};
    if ((rc = translog_open(&w.log, a->home, a->store, err)) == PT_OK)
        rc = write_all(out, &w, a, now_s, err);
    *count = w.count;
    translog_close(w.log);
    json_decref(w.events);
    if (rc != PT_OK)
        buf_free(out);
    return rc;
}

/* ---- reading ---- */

void log_export_free(struct log_export *e)
{
    free(e->events);
    *e = (struct log_export){0};
}

struct reading {
    const char *to, *note;
    size_t note_bytes;
    json_int_t version, made;
    json_t *events; /* borrowed */
};

static enum pt_code not_one(struct pt_err *err)
{
    return pt_fail(err, PT_EPARSE,
                   "not an export of a partner's audit record: `patto audit export` makes one");
}

static bool unpack(struct reading *r, json_t *root)
{
    return json_unpack(root, "{s:I, s:s, s:I, s:s%, s:o !}", "patto_audit_export", &r->version,
                       "for", &r->to, "made", &r->made, "checkpoint", &r->note, &r->note_bytes,
                       "events", &r->events) == 0 &&
           r->version == VERSION && json_is_array(r->events) &&
           json_array_size(r->events) <= LOG_EXPORT_EVENTS_MAX;
}

static bool read_proof(struct merkle_proof *out, const json_t *list)
{
    *out = (struct merkle_proof){.count = json_array_size(list)};
    if (!json_is_array(list) || out->count > MERKLE_PROOF_MAX)
        return false;
    for (size_t i = 0; i < out->count; i++) {
        const json_t *s = json_array_get(list, i);
        if (!json_is_string(s) ||
            !base64_parse_exactly(out->hash[i].b, sizeof out->hash[i].b,
                                  span_of(json_string_value(s), json_string_length(s))))
            return false;
    }
    return true;
}

static bool read_row(struct store_event_row *out, struct merkle_proof *proof, json_t *event)
{
    const char *kind;
    const char *fields;
    const char *salt;
    json_t *list;
    json_int_t sequence;
    json_int_t at;

    if (json_unpack(event, "{s:I, s:I, s:s, s:s, s:s, s:o !}", "event", &sequence, "at", &at,
                    "kind", &kind, "fields", &fields, "salt", &salt, "proof", &list) != 0 ||
        sequence <= 0)
        return false;
    out->sequence = (uint64_t)sequence;
    out->at_s = at;
    return text_copy(out->kind, sizeof out->kind, span_z(kind)) &&
           text_copy(out->fields, sizeof out->fields, span_z(fields)) &&
           text_unhex(out->salt.b, sizeof out->salt.b, span_z(salt)) && read_proof(proof, list);
}

/* An event counts when it is in the tree that was signed. */
static enum pt_code take_event(struct log_export *out, json_t *event, struct pt_err *err)
{
    struct store_event_row *row = &out->events[out->count];
    struct merkle_proof proof;
    struct digest entry;
    struct digest leaf;

    if (!read_row(row, &proof, event))
        return not_one(err);
    if (out->count > 0 && row->sequence <= row[-1].sequence)
        return pt_fail(err, PT_EPARSE, "the export's events are not in their order");
    store_event_entry(&entry, row);
    merkle_leaf(&leaf, span_of(entry.b, sizeof entry.b));
    const struct merkle_spot at = {.index = row->sequence - 1, .size = out->checkpoint.size};
    if (!merkle_inclusion_ok(&proof, &leaf, at, &out->checkpoint.root))
        return pt_fail(err, PT_EDENIED,
                       "event %" PRIu64 " of the export is not in the log of %s: it was changed",
                       row->sequence, out->from);
    out->count++;
    return PT_OK;
}

/* Whose log it is follows from the signature, and the other partners' cosignatures are counted. */
static enum pt_code take_checkpoint(struct log_export *out, const struct reading *r,
                                    const struct policy *p, size_t self, struct pt_err *err)
{
    struct note_key witnesses[NOTE_KEYS_MAX - 1];
    struct note_seal seals[NOTE_KEYS_MAX - 1];
    struct note_key key = {0};
    struct checkpoint_trust trust = {.log = &key, .witnesses = witnesses};
    struct span rest = span_of(r->note, r->note_bytes);
    bool found;
    struct span origin = text_cut(&rest, '\n', &found);

    for (size_t i = 0; i < p->partner_count && trust.witness_count < PT_LEN(witnesses); i++) {
        struct note_key k;
        if (log_key_make(&k, p, i, NOTE_ED25519, err) != PT_OK ||
            log_key_make(&witnesses[trust.witness_count], p, i, NOTE_COSIGNATURE, err) != PT_OK)
            return err->code;
        trust.witness_count++;
        if (i == self || !text_eq(origin, k.name))
            continue;
        key = k;
        memcpy(out->from, p->partners[i].name, sizeof out->from);
    }
    if (key.name[0] == '\0')
        return pt_fail(err, PT_EDENIED, "an export of a log of nobody else in our policy");
    if (checkpoint_open(&out->checkpoint, seals, span_of(r->note, r->note_bytes), &trust, err) !=
        PT_OK)
        return pt_wrap(err, "the export's checkpoint");
    for (size_t i = 0; i < trust.witness_count; i++)
        out->cosigned += seals[i].good;
    return PT_OK;
}

static enum pt_code read_all(struct log_export *out, json_t *root, const struct policy *p,
                             size_t self, struct pt_err *err)
{
    struct reading r = {0};
    size_t n;

    if (root == NULL || !unpack(&r, root))
        return not_one(err);
    if (strcmp(r.to, p->partners[self].name) != 0)
        return pt_fail(err, PT_EDENIED, "this export was made for %.40s, not for us", r.to);
    if (take_checkpoint(out, &r, p, self, err) != PT_OK)
        return err->code;
    out->made_s = r.made;
    n = json_array_size(r.events);
    out->events = calloc(n + 1, sizeof *out->events);
    if (out->events == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        if (take_event(out, json_array_get(r.events, i), err) != PT_OK)
            return err->code;
    return PT_OK;
}

enum pt_code log_export_read(struct log_export *out, struct span text, const struct policy *p,
                             size_t self, struct pt_err *err)
{
    *out = (struct log_export){0};
    if (text.n > LOG_EXPORT_BYTES_MAX)
        return pt_fail(err, PT_ELIMIT, "an export of over %d bytes", LOG_EXPORT_BYTES_MAX);
    json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    enum pt_code rc = read_all(out, root, p, self, err);
    json_decref(root);
    if (rc != PT_OK)
        log_export_free(out);
    return rc;
}
