/* patto audit receipt: does this file prove that an answer was given? */
#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/policy_file.h"
#include "node/receipt_answer.h"
#include "node/witness.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"policy", "POLICY", "the policy under which it was given; else the home's", false, false},
    {"answer", "ANSWER", "what `query --json` printed: is the receipt that answer's?", false,
     false},
    {"quorum", NULL, "fail unless as many witnesses signed as audit.quorum asks", false, false},
    {"json", NULL, "print what it proves as JSON", false, false},
    {0},
};

static const struct {
    const char *key, *label;
} SHOWN[] = {
    {"kind", "question"},       {"question", "its id"},
    {"charged", "rho charged"}, {"outcome", "outcome"},
    {"epoch", "epoch"},         {"dataset", "owner's data"},
    {"build", "build"},         {"asker_dataset", "asker's data"},
    {"answer", "answer hash"},
};

/* All that stand in audit.witnesses but the owner itself. */
static size_t missing(char out[256], const struct receipt *r, const struct policy *p)
{
    size_t count = 0;

    out[0] = '\0';
    for (size_t i = 0; i < p->partner_count; i++) {
        size_t at = strlen(out);
        if (i == r->owner || !witness_is(p, i) || r->signed_by[i])
            continue;
        snprintf(out + at, 256 - at, "%s%s", count++ > 0 ? ", " : "", p->partners[i].name);
    }
    return count;
}

static void print_text(FILE *out, const struct receipt *r, const struct policy *p)
{
    char value[512];
    char at[20];
    char names[256];

    clock_time(at, r->event.at_s);
    fprintf(out, "%s answered %s on %s UTC\n", p->partners[r->owner].name,
            p->partners[r->asker].name, at);
    for (size_t i = 0; i < PT_LEN(SHOWN); i++) {
        receipt_field(value, r, SHOWN[i].key);
        if (value[0] != '\0')
            fprintf(out, "  %-13s %s\n", SHOWN[i].label, value);
    }
    fprintf(out, "It is entry %" PRIu64 " of %" PRIu64 " in %s, signed by %s", r->event.sequence,
            r->head.size, r->head.origin, p->partners[r->owner].name);
    for (size_t i = 0; i < p->partner_count; i++)
        if (r->signed_by[i])
            fprintf(out, ", %s", p->partners[i].name);
    fputs(".\n", out);
    if (missing(names, r, p) > 0)
        fprintf(out,
                "Of the policy's witnesses these have not signed this head: %s.\n"
                "(%zu of the %zu that audit.quorum asks for have.)\n",
                names, log_key_signed(p, r->owner, r->signed_by), log_key_quorum(p, r->owner));
}

static enum pt_code print_json(FILE *out, const struct receipt *r, const struct policy *p,
                               struct pt_err *err)
{
    json_t *fields = json_object();
    json_t *signers = json_array();
    char hash[72];
    char at[20];
    char value[512];

    policy_hash_text(hash, &p->hash);
    clock_time(at, r->event.at_s);
    for (size_t i = 0; i < PT_LEN(SHOWN); i++) {
        receipt_field(value, r, SHOWN[i].key);
        json_object_set_new(fields, SHOWN[i].key,
                            value[0] != '\0' ? json_string(value) : json_null());
    }
    json_array_append_new(signers, json_string(p->partners[r->owner].name));
    for (size_t i = 0; i < p->partner_count; i++)
        if (r->signed_by[i])
            json_array_append_new(signers, json_string(p->partners[i].name));
    return cmd_json_print(
        out,
        json_pack("{s:b, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:o, s:{s:I, s:I}}", "good", 1,
                  "owner", p->partners[r->owner].name, "asker", p->partners[r->asker].name, "at",
                  at, "policy", hash, "event", fields, "entry", (json_int_t)r->event.sequence,
                  "size", (json_int_t)r->head.size, "log", r->head.origin, "signed_by", signers,
                  "quorum", "needed", (json_int_t)log_key_quorum(p, r->owner), "had",
                  (json_int_t)log_key_signed(p, r->owner, r->signed_by)),
        err);
}

/* Both nodes of the question have signed, or it is the word of one. */
static enum pt_code judge(const struct receipt *r, const struct policy *p, bool quorum,
                          struct pt_err *err)
{
    const size_t had = log_key_signed(p, r->owner, r->signed_by);
    const size_t needed = log_key_quorum(p, r->owner);

    if (r->signed_s > 0 && quorum && had < needed)
        return pt_fail(err, PT_EDENIED,
                       "of its witnesses %zu have signed, and audit.quorum asks for %zu", had,
                       needed);
    if (r->signed_s > 0)
        return PT_OK;
    return pt_fail(err, PT_EDENIED,
                   "%s, who asked, has not signed the head of this receipt: it is the word of %s "
                   "alone",
                   p->partners[r->asker].name, p->partners[r->owner].name);
}

static enum pt_code compare(struct cli *cli, const struct receipt *r, const struct policy *p,
                            struct pt_err *err)
{
    const char *path = cli_value(cli, "answer");
    struct buf text = {0};
    bool first = false;
    enum pt_code rc;

    if (path == NULL)
        return PT_OK;
    if ((rc = fileio_read(&text, path, RECEIPT_ANSWER_BYTES_MAX, err)) == PT_OK)
        rc = receipt_answer_check(&first, r, p, buf_span(&text), err);
    buf_free(&text);
    if (rc != PT_OK)
        return pt_wrap(err, "%s", path);
    if (!cli_flag(cli, "json"))
        fprintf(
            cli->out, "%s: %s\n", path,
            first
                ? "it repeats an answer that was paid before; the receipt is that of the first time"
                : "the receipt is that of this answer");
    return PT_OK;
}

static enum pt_code check(struct cli *cli, const struct policy *p, struct pt_err *err)
{
    struct receipt *r = calloc(1, sizeof *r);
    struct buf text = {0};
    enum pt_code rc = PT_OK;

    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "audit receipt: out of memory");
    if ((rc = fileio_read(&text, cli->args[0], TLOG_PROOF_BYTES_MAX, err)) == PT_OK &&
        (rc = receipt_read(r, buf_span(&text), p, err)) == PT_OK &&
        (rc = judge(r, p, cli_flag(cli, "quorum"), err)) == PT_OK &&
        (rc = compare(cli, r, p, err)) == PT_OK) {
        if (cli_flag(cli, "json"))
            rc = print_json(cli->out, r, p, err);
        else
            print_text(cli->out, r, p);
    }
    buf_free(&text);
    free(r);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "%s", cli->args[0]);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *path = cli_value(cli, "policy");
    struct policy_file f = {0};
    struct home *h = NULL;
    enum pt_code rc;

    if (path != NULL) {
        if ((rc = policy_file_load(&f, path, err)) == PT_OK)
            rc = check(cli, f.policy, err);
        policy_file_free(&f);
        return rc;
    }
    if ((rc = home_open(&h, cli->home, HOME_LOOK, err)) != PT_OK)
        return rc;
    rc = home_load_policy(h, clock_now_s(), err);
    if (rc == PT_EDENIED && h->policy != NULL)
        rc = PT_OK; /* out of date: what it says of keys holds */
    if (rc == PT_OK)
        rc = check(cli, h->policy, err);
    home_close(h);
    return rc;
}

const struct command cmd_audit_receipt = {
    .name = "audit receipt",
    .args = "FILE",
    .summary = "verify the proof of an answer, offline",
    .about = "FILE is a .tlog-proof from the receipts folder of a home: each answer has\n"
             "one. It proves that the owner's record holds this answer, to whom, for how\n"
             "much, under which policy and of which data, with the hash of what was\n"
             "answered; the owner and who asked have signed the head of that record. All\n"
             "it needs is the policy: an auditor can check it without any node. Exit\n"
             "status 1 names what is wrong. With --answer it must also be the receipt of\n"
             "that answer: its hash, policy, epoch and data. The figures in it are as who\n"
             "asked decrypted them; no receipt can vouch for those.",
    .example = "patto audit receipt receipts/drinkco-9f2c...tlog-proof --policy policy.yaml\n"
               "patto --home ./fresh audit receipt ./fresh/receipts/drinkco-9f2c...tlog-proof",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
