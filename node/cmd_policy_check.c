/* patto policy check: would a node run this file today, and what does it permit? */
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/policy_text.h"
#include "policy/quorum.h"

#include <inttypes.h>
#include <string.h>

enum { SIGNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };
enum signature_state { SIGNATURE_GOOD, SIGNATURE_MISSING, SIGNATURE_WRONG };

static const char *const STATE_NAMES[] = {"signed", "missing", "wrong"};

struct checked {
    struct policy *policy;
    struct buf file;
    enum signature_state state[SIGNERS_MAX];
    size_t good_count;
    struct pt_err dates; /* code PT_OK: in date */
};

static const struct cli_option OPTIONS[] = {
    {"json", NULL, "print the findings as JSON", false, false},
    {0},
};

static enum pt_code check_signature(enum signature_state *out, const struct checked *c,
                                    const char *path, size_t i, struct pt_err *err)
{
    char file[HOME_PATH_MAX];
    struct buf text = {0};
    struct pt_err why = {0};
    const struct policy_partner *partner = &c->policy->partners[i];
    enum pt_code rc;

    *out = SIGNATURE_MISSING;
    if ((rc = home_signature_path(file, path, partner->name, err)) != PT_OK)
        return rc;
    if (!fileio_exists(file))
        return PT_OK;
    if ((rc = fileio_read(&text, file, MINISIGN_TEXT_MAX, err)) == PT_OK)
        *out =
            minisign_verify(&partner->officer, buf_span(&c->file), buf_span(&text), &why) == PT_OK
                ? SIGNATURE_GOOD
                : SIGNATURE_WRONG;
    buf_free(&text);
    return rc;
}

static enum pt_code look(struct checked *c, const char *path, int64_t now_s, struct pt_err *err)
{
    if (fileio_read(&c->file, path, POLICY_FILE_MAX, err) != PT_OK)
        return err->code;
    if (policy_parse(&c->policy, buf_span(&c->file), err) != PT_OK)
        return pt_wrap(err, "%s", path);
    for (size_t i = 0; i < c->policy->partner_count && i < SIGNERS_MAX; i++) {
        if (check_signature(&c->state[i], c, path, i, err) != PT_OK)
            return err->code;
        c->good_count += c->state[i] == SIGNATURE_GOOD;
    }
    /* Kept apart: an expired policy is still worth describing. */
    if (quorum_check_dates(c->policy, now_s, &c->dates) != PT_OK)
        return PT_OK;
    c->dates = (struct pt_err){0};
    return PT_OK;
}

static void print_text(FILE *out, const struct checked *c)
{
    const struct policy *p = c->policy;
    char hash[72];
    char from[11];
    char last[11];

    policy_hash_text(hash, &p->hash);
    clock_date(from, p->valid_from_s);
    clock_date(last, p->valid_until_s - 1);
    fprintf(out, "%s, version %" PRIu32 ", valid %s to %s\n%s\n\npartners\n", p->federation,
            p->version, from, last, hash);
    for (size_t i = 0; i < p->partner_count && i < SIGNERS_MAX; i++) {
        fprintf(out, "  %-16s %-8s %s%s\n", p->partners[i].name, STATE_NAMES[c->state[i]],
                p->partners[i].endpoint, p->partners[i].neutral ? " (neutral)" : "");
        policy_text_attributes(out, &p->partners[i]);
    }
    fputs("\nquestions: the price of each, how many a budget period pays for, and how far noise\n"
          "alone moves a count (95 %). Affinity and profile are readings of a crosstab.\n",
          out);
    policy_text_questions(out, p);
    fputs("\nprivacy\n", out);
    policy_text_privacy(out, &p->privacy);
}

static enum pt_code print_json(FILE *out, const struct checked *c, struct pt_err *err)
{
    const struct policy *p = c->policy;
    json_t *partners = json_array();
    json_t *questions = json_array();
    char hash[72];
    char from[11];
    char last[11];

    policy_hash_text(hash, &p->hash);
    clock_date(from, p->valid_from_s);
    clock_date(last, p->valid_until_s - 1);
    for (size_t i = 0; i < p->partner_count && i < SIGNERS_MAX; i++)
        json_array_append_new(
            partners, json_pack("{s:s, s:s, s:s, s:b}", "name", p->partners[i].name, "signature",
                                STATE_NAMES[c->state[i]], "endpoint", p->partners[i].endpoint,
                                "neutral", (int)p->partners[i].neutral));
    for (int kind = 0; kind < QUESTION_KIND_COUNT; kind++)
        if (p->rule[kind].present)
            json_array_append_new(questions,
                                  json_string(question_kind_name((enum question_kind)kind)));
    bool runs = c->good_count == p->partner_count && c->dates.code == PT_OK;
    return cmd_json_print(out,
                          json_pack("{s:s, s:I, s:s, s:{s:s, s:s, s:b}, s:o, s:o, s:b}",
                                    "federation", p->federation, "version", (json_int_t)p->version,
                                    "hash", hash, "valid", "from", from, "until", last, "now",
                                    (int)(c->dates.code == PT_OK), "partners", partners,
                                    "questions", questions, "would_run", (int)runs),
                          err);
}

/* Exit status 1 with the first reason why not, and what to do. */
static enum pt_code verdict(const struct checked *c, const char *path, struct pt_err *err)
{
    const struct policy *p = c->policy;

    for (size_t i = 0; i < p->partner_count && i < SIGNERS_MAX; i++) {
        const char *name = p->partners[i].name;
        if (c->state[i] == SIGNATURE_WRONG)
            return pt_fail(err, PT_EDENIED,
                           "it would not run: %s.%s.minisig is not a signature of this file by the "
                           "officer on line %" PRIu32 ": sign it again",
                           path, name, p->partners[i].line);
        if (c->state[i] == SIGNATURE_MISSING)
            return pt_fail(err, PT_EDENIED,
                           "it would not run yet: %zu of %zu signatures, %s's is missing: patto "
                           "policy sign %s --key KEY --as %s",
                           c->good_count, p->partner_count, name, path, name);
    }
    if (c->dates.code == PT_OK)
        return PT_OK;
    return pt_fail(err, c->dates.code, "it would not run: %.400s", c->dates.msg);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct checked c = {0};
    enum pt_code rc;

    if ((rc = look(&c, cli->args[0], clock_now_s(), err)) == PT_OK) {
        if (cli_flag(cli, "json"))
            rc = print_json(cli->out, &c, err);
        else
            print_text(cli->out, &c);
    }
    if (rc == PT_OK)
        rc = verdict(&c, cli->args[0], err);
    policy_free(c.policy);
    buf_free(&c.file);
    return rc;
}

const struct command cmd_policy_check = {
    .name = "policy check",
    .args = "FILE",
    .summary = "say what a policy permits, and if a node would run it",
    .about = "Reads the policy exactly as a node does, checks the signatures beside it\n"
             "(FILE.NAME.minisig) and the dates, and prints who may ask what, for how much.\n"
             "Exit status 0 means that a node would run it today.",
    .example = "patto policy check policy.yaml\npatto policy check policy.yaml --json",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
