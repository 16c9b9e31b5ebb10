/* patto policy diff: what changes from one version to the next, for whom, and who has to sign. */
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/policy_file.h"
#include "node/wrap.h"
#include "policy/diff.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 8 };

static const struct cli_option OPTIONS[] = {
    {"strict", NULL, "exit status 1 unless all changes are tighter", false, false},
    {"json", NULL, "print the changes as JSON", false, false},
    {0},
};

struct compared {
    struct policy_file before, after;
    struct diff_report report;
    bool follows; /* the new file names the old one as previous */
};

static const char *needs(const struct compared *c)
{
    if (diff_only_tighter(&c->report))
        return "one";
    return c->report.count == 0 && c->before.policy->version == c->after.policy->version ? "none"
                                                                                         : "all";
}

/* ---- text ---- */

static void print_lines(struct wrap *w, const struct diff_change *c)
{
    if (c->old_line == 0)
        wrap_printf(w, "(new: line %" PRIu32 ")", c->new_line);
    else if (c->new_line == 0)
        wrap_printf(w, "(gone: line %" PRIu32 " of the old file)", c->old_line);
    else
        wrap_printf(w, "(line %" PRIu32 ", was %" PRIu32 ")", c->new_line, c->old_line);
}

static void print_change(FILE *out, const struct diff_change *c)
{
    struct wrap w = {.out = out, .indent = INDENT};

    w.at = fprintf(out, "%-7s", diff_effect_name(c->effect));
    wrap_printf(&w, "%s:", c->path);
    if (c->before[0] != '\0' && c->after[0] != '\0')
        wrap_printf(&w, "%s -> %s", c->before, c->after);
    else
        wrap_printf(&w, "%s %s", c->after[0] != '\0' ? "added" : "removed",
                    c->after[0] != '\0' ? c->after : c->before);
    print_lines(&w, c);
    wrap_end(&w);
    w.at = fprintf(out, "%*s", INDENT - 1, "");
    wrap_words(&w, c->reason);
    wrap_end(&w);
}

static void print_signers(FILE *out, const struct compared *c)
{
    struct wrap w = {.out = out};
    const struct policy *old = c->before.policy;
    const struct policy *new = c->after.policy;
    bool one = strcmp(needs(c), "one") == 0;

    if (strcmp(needs(c), "none") == 0)
        return;
    wrap_words(&w, one ? "It only tightens: one officer's signature is enough, of"
                       : "It must be signed by all:");
    for (size_t i = 0; i < new->partner_count; i++)
        wrap_printf(&w, "%s%s", new->partners[i].name,
                    i + 1 < new->partner_count ? (one && i + 2 == new->partner_count ? " or" : ",")
                                               : ".");
    for (size_t i = 0; one && i < old->partner_count; i++)
        if (policy_find_partner(new, old->partners[i].name) < 0)
            wrap_printf(&w, "%s leaves: its own officer must have signed.", old->partners[i].name);
    wrap_end(&w);
}

static void print_text(FILE *out, const struct compared *c)
{
    const struct diff_report *r = &c->report;

    for (int effect = DIFF_LOOSER; effect >= DIFF_NEUTRAL; effect--)
        for (size_t i = 0; i < r->count; i++)
            if ((int)r->changes[i].effect == effect)
                print_change(out, &r->changes[i]);
    fprintf(out, "%sversion %" PRIu32 " to %" PRIu32 ": %zu looser, %zu tighter, %zu neutral\n",
            r->count > 0 ? "\n" : "", c->before.policy->version, c->after.policy->version,
            r->looser, r->tighter, r->neutral);
    print_signers(out, c);
    if (!c->follows)
        fputs(
            "The new file does not name the old one as `previous`: no node would let it follow.\n",
            out);
}

/* ---- JSON ---- */

static json_t *place(const char *shown, uint32_t line)
{
    if (line == 0)
        return json_null();
    return json_pack("{s:s, s:I}", "value", shown, "line", (json_int_t)line);
}

static json_t *side(const struct policy *p)
{
    char hash[72];

    policy_hash_text(hash, &p->hash);
    return json_pack("{s:I, s:s}", "version", (json_int_t)p->version, "hash", hash);
}

static enum pt_code print_json(FILE *out, const struct compared *c, struct pt_err *err)
{
    const struct diff_report *r = &c->report;
    json_t *changes = json_array();

    for (size_t i = 0; i < r->count; i++) {
        const struct diff_change *x = &r->changes[i];
        json_array_append_new(
            changes, json_pack("{s:s, s:s, s:o, s:o, s:s}", "effect", diff_effect_name(x->effect),
                               "path", x->path, "before", place(x->before, x->old_line), "after",
                               place(x->after, x->new_line), "reason", x->reason));
    }
    return cmd_json_print(
        out,
        json_pack("{s:o, s:o, s:b, s:I, s:I, s:I, s:s, s:o}", "before", side(c->before.policy),
                  "after", side(c->after.policy), "follows", (int)c->follows, "looser",
                  (json_int_t)r->looser, "tighter", (json_int_t)r->tighter, "neutral",
                  (json_int_t)r->neutral, "signatures_needed", needs(c), "changes", changes),
        err);
}

/* ---- the command ---- */

static enum pt_code compare(struct compared *c, const struct cli *cli, struct pt_err *err)
{
    enum pt_code rc;

    if ((rc = policy_file_load(&c->before, cli->args[0], err)) != PT_OK ||
        (rc = policy_file_load(&c->after, cli->args[1], err)) != PT_OK)
        return rc;
    const struct policy *p = c->after.policy;
    const struct diff_side before = {c->before.policy, buf_span(&c->before.file)};
    const struct diff_side after = {p, buf_span(&c->after.file)};
    c->follows = p->has_previous && p->version > c->before.policy->version &&
                 memcmp(p->previous.b, c->before.policy->hash.b, sizeof p->previous.b) == 0;
    return diff_run(&c->report, &before, &after, err);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct compared c = {0};
    enum pt_code rc = compare(&c, cli, err);

    if (rc == PT_OK && cli_flag(cli, "json"))
        rc = print_json(cli->out, &c, err);
    else if (rc == PT_OK)
        print_text(cli->out, &c);
    if (rc == PT_OK && cli_flag(cli, "strict") && c.report.looser + c.report.neutral > 0)
        rc =
            pt_fail(err, PT_EDENIED, "%zu change%s not tighter", c.report.looser + c.report.neutral,
                    c.report.looser + c.report.neutral == 1 ? " is" : "s are");
    diff_report_free(&c.report);
    policy_file_free(&c.before);
    policy_file_free(&c.after);
    return rc;
}

const struct command cmd_policy_diff = {
    .name = "policy diff",
    .args = "OLD NEW",
    .summary = "say what changes between two versions, and who must sign",
    .about = "Compares by meaning, not by lines: each change is tighter (nobody can learn\n"
             "more than before), looser, or neutral (texts, which bind people), with the\n"
             "reason and its lines. What cannot be compared is looser. A version that only\n"
             "tightens the one in force needs one officer's signature, every other one all\n"
             "of them; nodes hold to this (`patto join`). Who leaves signs for itself.",
    .example = "patto policy diff policy.yaml policy-2.yaml\n"
               "patto policy diff policy.yaml policy-2.yaml --json",
    .options = OPTIONS,
    .arg_min = 2,
    .arg_max = 2,
    .run = run,
};
