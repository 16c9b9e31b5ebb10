/* patto audit verify: is this node's own record whole, and what was signed and published? */
#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/witness.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct cli_option OPTIONS[] = {
    {"json", NULL, "print the findings as JSON", false, false},
    {0},
};

struct verify {
    struct audit audit;
    struct translog *log;
    struct store_place events;
    struct buf note;
    bool published;
    struct checkpoint checkpoint;
    struct note_key witnesses[NOTE_KEYS_MAX - 1]; /* everybody else of the policy */
    struct note_seal seals[NOTE_KEYS_MAX - 1];
    bool named[NOTE_KEYS_MAX - 1]; /* in audit.witnesses */
    size_t witness_count;
};

static enum pt_code witnesses(struct verify *v, struct pt_err *err)
{
    const struct policy *p = v->audit.home->policy;

    for (size_t i = 0; i < p->partner_count && v->witness_count < PT_LEN(v->witnesses); i++) {
        if (i == v->audit.home->self)
            continue;
        v->named[v->witness_count] = witness_is(p, i);
        if (log_key_make(&v->witnesses[v->witness_count++], p, i, NOTE_COSIGNATURE, err) != PT_OK)
            return err->code;
    }
    return PT_OK;
}

static enum pt_code open_checkpoint(struct verify *v, struct pt_err *err)
{
    struct note_key key;
    struct checkpoint_trust trust = {.log = &key, .witnesses = v->witnesses};
    enum pt_code rc;

    if ((rc = witnesses(v, err)) != PT_OK ||
        (rc = log_key_make(&key, v->audit.home->policy, v->audit.home->self, NOTE_ED25519, err)) !=
            PT_OK ||
        (rc = translog_read(&v->note, &v->published, v->log, err)) != PT_OK || !v->published)
        return rc;
    trust.witness_count = v->witness_count;
    rc = checkpoint_open(&v->checkpoint, v->seals, buf_span(&v->note), &trust, err);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "log/checkpoint");
}

/* In this order the first thing that is wrong is the one that explains the others. */
static enum pt_code verify(struct verify *v, const char *home_dir, struct pt_err *err)
{
    enum pt_code rc;

    if ((rc = audit_open(&v->audit, home_dir, err)) != PT_OK ||
        (rc = store_check(v->audit.store, err)) != PT_OK ||
        (rc = store_event_verify(&v->events, v->audit.store, err)) != PT_OK ||
        (rc = translog_open(&v->log, v->audit.home, v->audit.store, err)) != PT_OK ||
        (rc = translog_check(v->log, err)) != PT_OK)
        return rc;
    return open_checkpoint(v, err);
}

static void print_text(FILE *out, const struct verify *v)
{
    char root[65];
    char at[20];
    size_t cosigned = 0;

    fprintf(out, "events     %" PRIu64 ": the chain and every leaf hold\n", v->events.sequence);
    if (!v->published) {
        fprintf(out, "log        nothing is published yet: `patto serve` signs it\n");
        return;
    }
    text_hex(root, v->checkpoint.root.b, sizeof v->checkpoint.root.b);
    fprintf(out, "log        %" PRIu64 " entries published and signed by %s: every tile holds\n",
            v->checkpoint.size, v->checkpoint.origin);
    fprintf(out, "tree head  %s\n", root);
    for (size_t i = 0; i < v->witness_count; i++) {
        if (!v->seals[i].good)
            continue;
        clock_time(at, (int64_t)v->seals[i].time_s);
        fprintf(out, "cosigned   %s UTC by %s\n", at, v->witnesses[i].name);
        cosigned++;
    }
    for (size_t i = 0; i < v->witness_count; i++)
        if (!v->seals[i].good && v->named[i])
            fprintf(out, "missing    %s: a witness of the policy, which has not signed this head\n",
                    v->witnesses[i].name);
    if (cosigned == 0)
        fprintf(out, "cosigned   by nobody: only this node vouches for this tree head\n");
}

static json_t *json_cosigned(const struct verify *v)
{
    json_t *list = json_array();
    char at[20];

    for (size_t i = 0; i < v->witness_count; i++) {
        if (!v->seals[i].good)
            continue;
        clock_time(at, (int64_t)v->seals[i].time_s);
        json_array_append_new(list, json_pack("{s:s, s:s}", "by", v->witnesses[i].name, "at", at));
    }
    return list;
}

static enum pt_code print_json(FILE *out, const struct verify *v, const struct pt_err *why,
                               struct pt_err *err)
{
    char root[65] = "";

    if (v->published && why == NULL)
        text_hex(root, v->checkpoint.root.b, sizeof v->checkpoint.root.b);
    return cmd_json_print(out,
                          json_pack("{s:b, s:s?, s:I, s:I, s:s, s:s, s:o}", "good", why == NULL,
                                    "reason", why != NULL ? why->msg : NULL, "events",
                                    (json_int_t)v->events.sequence, "published",
                                    (json_int_t)v->checkpoint.size, "root", root, "log",
                                    v->checkpoint.origin, "cosigned", json_cosigned(v)),
                          err);
}

static enum pt_code tell(struct cli *cli, const struct verify *v, enum pt_code rc,
                         struct pt_err *err)
{
    struct pt_err printing;

    if (!cli_flag(cli, "json")) {
        if (rc == PT_OK)
            print_text(cli->out, v);
        return rc;
    }
    if (print_json(cli->out, v, rc == PT_OK ? NULL : err, &printing) == PT_OK || rc != PT_OK)
        return rc;
    *err = printing;
    return err->code;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct verify *v = calloc(1, sizeof *v); /* too large for the stack */
    enum pt_code rc;

    if (v == NULL)
        return pt_fail(err, PT_ENOMEM, "audit verify: out of memory");
    rc = verify(v, cli->home, err);
    rc = tell(cli, v, rc, err);
    buf_free(&v->note);
    translog_close(v->log);
    audit_close(&v->audit);
    free(v);
    return rc;
}

const struct command cmd_audit_verify = {
    .name = "audit verify",
    .args = "",
    .summary = "check this node's own audit record from end to end",
    .about = "Recomputes the chain of all events and the commitment of each, the tree over\n"
             "them, every tree head that was ever signed, each file of HOME/log, the node's\n"
             "signature and the witnesses' cosignatures. Exit status 1 names the first thing\n"
             "that is not as it was recorded: a changed or removed event, a tile, an older\n"
             "copy of state.db, a second history. It reads only, also beside a running node.\n"
             "\n"
             "A node whose whole folder was replaced by an older copy can be told only by its\n"
             "partners, who saw more: `patto audit compare`.",
    .example = "patto --home ./fresh audit verify\n"
               "patto --home ./fresh audit verify --json || echo 'tell the privacy officer'",
    .options = OPTIONS,
    .run = run,
};
