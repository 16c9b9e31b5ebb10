/* patto audit verify: is this node's own record whole, and what was signed and published? */
#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/witness.h"

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
    bool published;
    struct witness_signed head;
};

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
    return witness_published(&v->head, &v->published, v->audit.home, err);
}

static void print_cosigned(FILE *out, const struct verify *v)
{
    const struct policy *p = v->audit.home->policy;
    size_t cosigned = 0;
    char at[20];

    for (size_t i = 0; i < p->partner_count; i++) {
        if (!v->head.by[i])
            continue;
        clock_time(at, v->head.at_s[i]);
        fprintf(out, "cosigned   %s UTC by %s\n", at, p->partners[i].name);
        cosigned++;
    }
    for (size_t i = 0; i < p->partner_count; i++)
        if (!v->head.by[i] && i != v->audit.home->self && witness_is(p, i))
            fprintf(out, "missing    %s: a witness of the policy, which has not signed this head\n",
                    p->partners[i].name);
    if (cosigned == 0)
        fprintf(out, "cosigned   by nobody: only this node vouches for this tree head\n");
    fprintf(out, "quorum     %zu of the %zu witnesses that the policy asks for%s\n", v->head.had,
            v->head.needed, v->head.had < v->head.needed ? ": not enough yet" : "");
}

static void print_text(FILE *out, const struct verify *v)
{
    char root[65];

    fprintf(out, "events     %" PRIu64 ": the chain and every leaf hold\n", v->events.sequence);
    if (!v->published) {
        fprintf(out, "log        nothing is published yet: `patto serve` signs it\n");
        return;
    }
    text_hex(root, v->head.head.root.b, sizeof v->head.head.root.b);
    fprintf(out, "log        %" PRIu64 " entries published and signed by %s: every tile holds\n",
            v->head.head.size, v->head.head.origin);
    fprintf(out, "tree head  %s\n", root);
    print_cosigned(out, v);
}

static json_t *json_cosigned(const struct verify *v)
{
    json_t *list = json_array();
    char at[20];

    for (size_t i = 0; i < PT_LEN(v->head.by); i++) {
        if (!v->head.by[i])
            continue;
        clock_time(at, v->head.at_s[i]);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "by", v->audit.home->policy->partners[i].name, "at", at));
    }
    return list;
}

static enum pt_code print_json(FILE *out, const struct verify *v, const struct pt_err *why,
                               struct pt_err *err)
{
    char root[65] = "";

    if (v->published && why == NULL)
        text_hex(root, v->head.head.root.b, sizeof v->head.head.root.b);
    return cmd_json_print(
        out,
        json_pack("{s:b, s:s?, s:I, s:I, s:s, s:s, s:o, s:{s:I, s:I}}", "good", why == NULL,
                  "reason", why != NULL ? why->msg : NULL, "events", (json_int_t)v->events.sequence,
                  "published", (json_int_t)v->head.head.size, "root", root, "log",
                  v->head.head.origin, "cosigned", json_cosigned(v), "quorum", "needed",
                  (json_int_t)v->head.needed, "had", (json_int_t)v->head.had),
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
