/* patto audit compare: a partner's export beside this node's own record. */
#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/log_export.h"
#include "node/reconcile.h"

#include <inttypes.h>
#include <string.h>

/* Clocks of two companies differ, and a session takes a while. */
enum { SLACK_S = 300 };

static const struct cli_option OPTIONS[] = {
    {"json", NULL, "print the comparison as JSON", false, false},
    {0},
};

struct compare {
    struct audit audit;
    struct log_export theirs;
    struct reconcile r;
    size_t counts[RECONCILE_AMOUNT + 1];
};

static enum pt_code own_event(void *self, const struct store_event_row *row, struct pt_err *err)
{
    struct compare *c = self;

    return reconcile_add(&c->r, row, true, c->theirs.from, err);
}

static enum pt_code compare(struct compare *c, const char *path, struct pt_err *err)
{
    const struct home *h = c->audit.home;
    struct store_place head;
    struct buf text = {0};
    enum pt_code rc;

    if ((rc = store_event_verify(&head, c->audit.store, err)) != PT_OK ||
        (rc = fileio_read(&text, path, LOG_EXPORT_BYTES_MAX, err)) != PT_OK)
        goto out;
    if ((rc = log_export_read(&c->theirs, buf_span(&text), h->policy, h->self, err)) != PT_OK) {
        rc = pt_wrap(err, "%s", path);
        goto out;
    }
    rc = audit_each(&c->audit, 0, own_event, c, err);
    for (size_t i = 0; rc == PT_OK && i < c->theirs.count; i++)
        rc = reconcile_add(&c->r, &c->theirs.events[i], false, h->policy->partners[h->self].name,
                           err);
    const struct reconcile_shown shown = {.entries = c->theirs.checkpoint.size,
                                          .until_s = c->theirs.made_s - SLACK_S};
    reconcile_judge(&c->r, shown);
    for (size_t i = 0; i < c->r.count; i++)
        c->counts[c->r.lines[i].verdict]++;
out:
    buf_free(&text);
    return rc;
}

/* Amounts as each side has them, the asker's price and the owner's charge; "-" for none. */
static void amounts(char here[32], char there[32], const struct reconcile_line *l)
{
    char *const asker = l->ours ? here : there;
    char *const owner = l->ours ? there : here;

    snprintf(asker, 32, "-");
    snprintf(owner, 32, "-");
    if (l->asked || l->paid)
        text_put_decimal(asker, l->paid ? l->paid_nano : l->asked_nano, 9);
    if (l->charged)
        text_put_decimal(owner, l->charged_nano, 9);
}

static void print_text(FILE *out, const struct compare *c)
{
    char here[32];
    char there[32];
    char at[20];
    char id[13];

    clock_time(at, c->theirs.made_s);
    fprintf(out,
            "%s's export of %s UTC: log of %" PRIu64 " entries, its signature and all proofs hold, "
            "%zu cosignatures\n\n",
            c->theirs.from, at, c->theirs.checkpoint.size, c->theirs.cosigned);
    if (c->r.count > 0)
        fprintf(out, "%-12s  %-8s  %-5s  %12s  %12s  %s\n", "question", "kind", "asker", "rho here",
                "rho there", "verdict");
    for (size_t i = 0; i < c->r.count; i++) {
        const struct reconcile_line *l = &c->r.lines[i];
        amounts(here, there, l);
        text_hex(id, l->id.b, 6);
        fprintf(out, "%-12s  %-8s  %-5s  %12s  %12s  %s\n", id, l->kind, l->ours ? "we" : "they",
                here, there, reconcile_name(l->verdict));
    }
    fprintf(out,
            "\n%zu questions equal on both sides, %zu asked and never charged, %zu newer than the "
            "export\n",
            c->counts[RECONCILE_EQUAL], c->counts[RECONCILE_FREE], c->counts[RECONCILE_NEWER]);
}

static json_t *json_line(const struct reconcile_line *l)
{
    char here[32];
    char there[32];
    char id[65];

    text_hex(id, l->id.b, sizeof l->id.b);
    amounts(here, there, l);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "question", id, "kind", l->kind,
                     "asker", l->ours ? "we" : "they", "rho_here", here, "rho_there", there,
                     "verdict", reconcile_name(l->verdict), "event_here", (json_int_t)l->our_event,
                     "event_there", (json_int_t)l->their_event);
}

static enum pt_code print_json(FILE *out, const struct compare *c, struct pt_err *err)
{
    json_t *lines = json_array();
    char at[20];

    clock_time(at, c->theirs.made_s);
    for (size_t i = 0; i < c->r.count; i++)
        json_array_append_new(lines, json_line(&c->r.lines[i]));
    return cmd_json_print(out,
                          json_pack("{s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "good",
                                    c->counts[RECONCILE_MISSING] + c->counts[RECONCILE_AMOUNT] == 0,
                                    "partner", c->theirs.from, "made", at, "entries",
                                    (json_int_t)c->theirs.checkpoint.size, "cosigned",
                                    (json_int_t)c->theirs.cosigned, "equal",
                                    (json_int_t)c->counts[RECONCILE_EQUAL], "never_charged",
                                    (json_int_t)c->counts[RECONCILE_FREE], "newer",
                                    (json_int_t)c->counts[RECONCILE_NEWER], "questions", lines),
                          err);
}

/* The first question that does not fit. */
static enum pt_code verdict(const struct compare *c, struct pt_err *err)
{
    for (size_t i = 0; i < c->r.count; i++) {
        const struct reconcile_line *l = &c->r.lines[i];
        char id[65];
        char here[32];
        char there[32];
        if (!reconcile_bad(l->verdict))
            continue;
        text_hex(id, l->id.b, sizeof l->id.b);
        amounts(here, there, l);
        return pt_fail(err, PT_EBADMSG,
                       "question %s (%s, asked by %s): rho %s in our record (event %" PRIu64
                       "), rho %s in %s's (event %" PRIu64
                       "; 0: none). One of the two is not complete: talk to their officer",
                       id, l->kind, l->ours ? "us" : c->theirs.from, here, l->our_event, there,
                       c->theirs.from, l->their_event);
    }
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct compare c = {0};
    enum pt_code rc;

    if ((rc = audit_open(&c.audit, cli->home, err)) == PT_OK &&
        (rc = compare(&c, cli->args[0], err)) == PT_OK) {
        if (cli_flag(cli, "json"))
            rc = print_json(cli->out, &c, err);
        else
            print_text(cli->out, &c);
        if (rc == PT_OK)
            rc = verdict(&c, err);
    }
    reconcile_free(&c.r);
    log_export_free(&c.theirs);
    audit_close(&c.audit);
    return rc;
}

const struct command cmd_audit_compare = {
    .name = "audit compare",
    .args = "PEER_LOG",
    .summary = "lay a partner's record beside ours, question by question",
    .about = "PEER_LOG is what the partner wrote with `patto audit export`. Its signature is\n"
             "checked against the policy's key, every event's proof against its log. Then\n"
             "every question must stand on both sides with the same charge: what they charged\n"
             "us for we must have asked, and what we charged them for they must have asked.\n"
             "Exit status 1 names the first that does not fit. Questions asked after the\n"
             "export was made are listed as newer. Reads only, also beside a running node.",
    .example = "patto --home ./fresh audit compare drink-for-fresh.json\n"
               "patto --home ./fresh audit compare drink-for-fresh.json --json",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
