/* patto policy check: would a node run this file today, and what does it permit? */
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/policy_file.h"
#include "node/policy_text.h"
#include "policy/quorum.h"

#include <inttypes.h>
#include <string.h>

enum signature_state { SIGNATURE_GOOD, SIGNATURE_MISSING, SIGNATURE_WRONG };

static const char *const STATE_NAMES[] = {"signed", "missing", "wrong"};

struct checked {
    struct policy_file f;
    enum signature_state state[POLICY_FILE_SIGNERS];
    size_t good_count;
    struct pt_err dates;  /* code PT_OK: in date */
    bool follows;         /* --follows: compared with the version before */
    struct pt_err change; /* with --follows: may it follow, as it is signed? */
    enum quorum_by by;
};

static const struct cli_option OPTIONS[] = {
    {"follows", "OLD", "the version in force: may FILE follow it, as it is signed?", false, false},
    {"json", NULL, "print the findings as JSON", false, false},
    {0},
};

static enum signature_state state_of(const struct policy_file *f, size_t i)
{
    struct pt_err why = {0};

    if (f->signatures[i].n == 0)
        return SIGNATURE_MISSING;
    return minisign_verify(&f->policy->partners[i].officer, buf_span(&f->file), f->signatures[i],
                           &why) == PT_OK
               ? SIGNATURE_GOOD
               : SIGNATURE_WRONG;
}

/* As a node that runs `old` would judge it; its reasons go to c->change. */
static enum pt_code look_at_change(struct checked *c, const char *old, struct pt_err *err)
{
    struct policy_file before = {0};
    struct buf texts[POLICY_FILE_SIGNERS] = {0};
    struct span leaving[POLICY_FILE_SIGNERS] = {0};
    enum pt_code rc;

    if ((rc = policy_file_load(&before, old, err)) == PT_OK)
        rc = policy_file_leaving(texts, leaving, &c->f, before.policy, err);
    if (rc == PT_OK) {
        const struct quorum_change change = {.policy = c->f.policy,
                                             .file = buf_span(&c->f.file),
                                             .signatures = c->f.signatures,
                                             .current = before.policy,
                                             .current_file = buf_span(&before.file),
                                             .leaving = leaving};
        c->follows = true;
        if (quorum_check_change(&c->by, &change, &c->change) == PT_OK &&
            quorum_check_succession(c->f.policy, before.policy, NULL, &c->change) == PT_OK)
            c->change = (struct pt_err){0};
    }
    for (size_t i = 0; i < POLICY_FILE_SIGNERS; i++)
        buf_free(&texts[i]);
    policy_file_free(&before);
    return rc;
}

static enum pt_code look(struct checked *c, const struct cli *cli, int64_t now_s,
                         struct pt_err *err)
{
    const char *old = cli_value(cli, "follows");
    enum pt_code rc = policy_file_load(&c->f, cli->args[0], err);

    if (rc != PT_OK)
        return rc;
    for (size_t i = 0; i < c->f.policy->partner_count && i < POLICY_FILE_SIGNERS; i++) {
        c->state[i] = state_of(&c->f, i);
        c->good_count += c->state[i] == SIGNATURE_GOOD;
    }
    /* Kept apart: an expired policy is still worth describing. */
    if (quorum_check_dates(c->f.policy, now_s, &c->dates) == PT_OK)
        c->dates = (struct pt_err){0};
    return old == NULL ? PT_OK : look_at_change(c, old, err);
}

static bool would_run(const struct checked *c)
{
    bool voted = c->follows ? c->change.code == PT_OK : c->good_count == c->f.policy->partner_count;

    return voted && c->dates.code == PT_OK;
}

static void print_text(FILE *out, const struct checked *c)
{
    const struct policy *p = c->f.policy;
    char hash[72];
    char from[11];
    char last[11];

    policy_hash_text(hash, &p->hash);
    clock_date(from, p->valid_from_s);
    clock_date(last, p->valid_until_s - 1);
    fprintf(out, "%s, version %" PRIu32 ", valid %s to %s\n%s\n\npartners\n", p->federation,
            p->version, from, last, hash);
    for (size_t i = 0; i < p->partner_count && i < POLICY_FILE_SIGNERS; i++) {
        fprintf(out, "  %-16s %-8s %s%s\n", p->partners[i].name, STATE_NAMES[c->state[i]],
                p->partners[i].endpoint, p->partners[i].neutral ? " (neutral)" : "");
        policy_text_attributes(out, &p->partners[i]);
    }
    if (c->follows && c->change.code == PT_OK)
        fprintf(out, "\n%s\n",
                c->by == QUORUM_ONE ? "it only tightens the version before: signed by enough"
                                    : "signed by all, and follows the version before");
    fputs("\nquestions: the price of each, how many a budget period pays for, and how far noise\n"
          "alone moves a count (95 %). Affinity and profile are readings of a crosstab.\n",
          out);
    policy_text_questions(out, p);
    fputs("\nprivacy\n", out);
    policy_text_privacy(out, &p->privacy);
}

static enum pt_code print_json(FILE *out, const struct checked *c, struct pt_err *err)
{
    const struct policy *p = c->f.policy;
    json_t *partners = json_array();
    json_t *questions = json_array();
    char hash[72];
    char from[11];
    char last[11];

    policy_hash_text(hash, &p->hash);
    clock_date(from, p->valid_from_s);
    clock_date(last, p->valid_until_s - 1);
    for (size_t i = 0; i < p->partner_count && i < POLICY_FILE_SIGNERS; i++)
        json_array_append_new(
            partners, json_pack("{s:s, s:s, s:s, s:b}", "name", p->partners[i].name, "signature",
                                STATE_NAMES[c->state[i]], "endpoint", p->partners[i].endpoint,
                                "neutral", (int)p->partners[i].neutral));
    for (int kind = 0; kind < QUESTION_KIND_COUNT; kind++)
        if (p->rule[kind].present)
            json_array_append_new(questions,
                                  json_string(question_kind_name((enum question_kind)kind)));
    return cmd_json_print(out,
                          json_pack("{s:s, s:I, s:s, s:{s:s, s:s, s:b}, s:o, s:o, s:b}",
                                    "federation", p->federation, "version", (json_int_t)p->version,
                                    "hash", hash, "valid", "from", from, "until", last, "now",
                                    (int)(c->dates.code == PT_OK), "partners", partners,
                                    "questions", questions, "would_run", (int)would_run(c)),
                          err);
}

/* Exit status 1 with the first reason why not, and what to do. */
static enum pt_code verdict(const struct checked *c, const char *path, struct pt_err *err)
{
    const struct policy *p = c->f.policy;

    if (c->follows && c->change.code != PT_OK)
        return pt_fail(err, c->change.code, "it would not run: %.450s", c->change.msg);
    for (size_t i = 0; !c->follows && i < p->partner_count && i < POLICY_FILE_SIGNERS; i++) {
        const char *name = p->partners[i].name;
        if (c->state[i] == SIGNATURE_WRONG)
            return pt_fail(err, PT_EDENIED,
                           "it would not run: %s.%s.minisig is not a signature of this file by the "
                           "officer on line %" PRIu32 ": sign it again",
                           path, name, p->partners[i].line);
        if (c->state[i] == SIGNATURE_MISSING)
            return pt_fail(
                err, PT_EDENIED,
                "it would not run yet: %zu of %zu signatures, %s's is missing: patto "
                "policy sign %s --key KEY --as %s%s",
                c->good_count, p->partner_count, name, path, name,
                p->has_previous && c->good_count > 0 ? "; if it only tightens, see --follows" : "");
    }
    if (c->dates.code == PT_OK)
        return PT_OK;
    return pt_fail(err, c->dates.code, "it would not run: %.400s", c->dates.msg);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct checked c = {0};
    enum pt_code rc;

    if ((rc = look(&c, cli, clock_now_s(), err)) == PT_OK) {
        if (cli_flag(cli, "json"))
            rc = print_json(cli->out, &c, err);
        else
            print_text(cli->out, &c);
    }
    if (rc == PT_OK)
        rc = verdict(&c, cli->args[0], err);
    policy_file_free(&c.f);
    return rc;
}

const struct command cmd_policy_check = {
    .name = "policy check",
    .args = "FILE",
    .summary = "say what a policy permits, and if a node would run it",
    .about = "Reads the policy exactly as a node does, checks the signatures beside it\n"
             "(FILE.NAME.minisig) and the dates, and prints who may ask what, for how much.\n"
             "Exit status 0 means that a node would run it today. A new version needs all\n"
             "signatures, or one where it only tightens the version before: say which that is\n"
             "with --follows, and see `patto policy diff`.",
    .example = "patto policy check policy.yaml\n"
               "patto policy check policy-2.yaml --follows policy.yaml",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
