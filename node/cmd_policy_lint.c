/* patto policy lint: what to look at twice before signing. */
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/policy_file.h"
#include "node/wrap.h"
#include "policy/lint.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 6 };

static const struct cli_option OPTIONS[] = {
    {"rules", NULL, "list all rules instead, a line each", false, false},
    {"strict", NULL, "warnings fail too", false, false},
    {"json", NULL, "print the findings as JSON", false, false},
    {"sarif", NULL, "print them as SARIF 2.1.0, for review tools", false, false},
    {0},
};

/* ---- rules ---- */

static void print_rules(FILE *out)
{
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const struct lint_rule *r = lint_rule_at(i);
        fprintf(out, "%s  %-8s %s\n", r->id, lint_severity_name(r->severity), r->title);
    }
}

static json_t *rules_json(void)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < lint_rule_count(); i++) {
        const struct lint_rule *r = lint_rule_at(i);
        json_array_append_new(rules, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", r->id, "severity",
                                               lint_severity_name(r->severity), "title", r->title,
                                               "advice", r->advice, "source", r->source));
    }
    return rules;
}

/* ---- findings ---- */

static void print_paragraph(FILE *out, const char *words)
{
    struct wrap w = {.out = out, .indent = INDENT};

    w.at = fprintf(out, "%*s", INDENT - 1, "");
    wrap_words(&w, words);
    wrap_end(&w);
}

static void print_finding(FILE *out, const struct lint_finding *f)
{
    char words[LINT_WORDS_MAX + 200];
    char line[24] = "";

    if (f->line > 0)
        snprintf(line, sizeof line, "line %" PRIu32, f->line);
    fprintf(out, "%s  %-8s %-9s %s\n", f->rule->id, lint_severity_name(f->rule->severity), line,
            f->rule->title);
    print_paragraph(out, f->what);
    snprintf(words, sizeof words, "-> %s [%s]", f->rule->advice, f->rule->source);
    print_paragraph(out, words);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_text(FILE *out, const char *path, const struct lint_report *r)
{
    for (int severity = LINT_ERROR; severity >= LINT_NOTE; severity--)
        for (size_t i = 0; i < r->count; i++)
            if ((int)r->findings[i].rule->severity == severity)
                print_finding(out, &r->findings[i]);
    fprintf(out, "%s%s: %zu error%s, %zu warning%s, %zu note%s (%zu rules)\n",
            r->count > 0 ? "\n" : "", path, r->errors, plural(r->errors), r->warnings,
            plural(r->warnings), r->notes, plural(r->notes), lint_rule_count());
}

static json_t *findings_json(const struct lint_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->count; i++) {
        const struct lint_finding *f = &r->findings[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "id", f->rule->id,
                                        "severity", lint_severity_name(f->rule->severity), "line",
                                        f->line > 0 ? json_integer(f->line) : json_null(), "title",
                                        f->rule->title, "what", f->what, "advice", f->rule->advice,
                                        "source", f->rule->source));
    }
    return list;
}

static enum pt_code print_json(FILE *out, const char *path, const struct lint_report *r,
                               struct pt_err *err)
{
    return cmd_json_print(out,
                          json_pack("{s:s, s:I, s:I, s:I, s:o}", "file", path, "errors",
                                    (json_int_t)r->errors, "warnings", (json_int_t)r->warnings,
                                    "notes", (json_int_t)r->notes, "findings", findings_json(r)),
                          err);
}

/* ---- SARIF 2.1.0 (OASIS) ---- */

static json_t *sarif_rules(void)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < lint_rule_count(); i++) {
        const struct lint_rule *r = lint_rule_at(i);
        json_array_append_new(rules, json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}}", "id", r->id,
                                               "shortDescription", "text", r->title, "help", "text",
                                               r->advice, "defaultConfiguration", "level",
                                               lint_severity_name(r->severity)));
    }
    return rules;
}

static json_t *sarif_results(const char *path, const struct lint_report *r)
{
    json_t *results = json_array();

    for (size_t i = 0; i < r->count; i++) {
        const struct lint_finding *f = &r->findings[i];
        uint32_t line = f->line > 0 ? f->line : 1; /* lines count from 1, and one is needed */
        json_array_append_new(
            results, json_pack("{s:s, s:s, s:{s:s}, s:[{s:{s:{s:s}, s:{s:i}}}]}", "ruleId",
                               f->rule->id, "level", lint_severity_name(f->rule->severity),
                               "message", "text", f->what, "locations", "physicalLocation",
                               "artifactLocation", "uri", path, "region", "startLine", (int)line));
    }
    return results;
}

static enum pt_code print_sarif(FILE *out, const char *path, const struct lint_report *r,
                                struct pt_err *err)
{
    return cmd_json_print(out,
                          json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:o}]}", "$schema",
                                    "https://json.schemastore.org/sarif-2.1.0.json", "version",
                                    "2.1.0", "runs", "tool", "driver", "name", "patto policy lint",
                                    "version", PATTO_VERSION, "rules", sarif_rules(), "results",
                                    sarif_results(path, r)),
                          err);
}

/* ---- the command ---- */

static enum pt_code verdict(const struct cli *cli, const struct lint_report *r, struct pt_err *err)
{
    bool strict = cli_flag(cli, "strict");

    if (r->errors == 0 && (!strict || r->warnings == 0))
        return PT_OK;
    return pt_fail(err, PT_EDENIED,
                   "%s: %zu error%s%s: mend them, or know why not, before you sign", cli->args[0],
                   r->errors, plural(r->errors), strict && r->warnings > 0 ? " and warnings" : "");
}

static enum pt_code lint_file(struct cli *cli, struct pt_err *err)
{
    struct policy_file f = {0};
    struct lint_report r = {0};
    enum pt_code rc = policy_file_load(&f, cli->args[0], err);

    if (rc == PT_OK) {
        const struct lint_in in = {.policy = f.policy,
                                   .file = buf_span(&f.file),
                                   .signatures = f.signatures,
                                   .now_s = clock_now_s()};
        rc = lint_run(&r, &in, err);
    }
    if (rc == PT_OK && cli_flag(cli, "sarif"))
        rc = print_sarif(cli->out, cli->args[0], &r, err);
    else if (rc == PT_OK && cli_flag(cli, "json"))
        rc = print_json(cli->out, cli->args[0], &r, err);
    else if (rc == PT_OK)
        print_text(cli->out, cli->args[0], &r);
    if (rc == PT_OK)
        rc = verdict(cli, &r, err);
    lint_report_free(&r);
    policy_file_free(&f);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    bool rules = cli_flag(cli, "rules");

    if (rules == (cli->arg_count > 0))
        return pt_fail(err, PT_EUSAGE, "give a policy FILE, or --rules alone");
    if (cli_flag(cli, "json") && cli_flag(cli, "sarif"))
        return pt_fail(err, PT_EUSAGE, "--json or --sarif, not both");
    if (!rules)
        return lint_file(cli, err);
    if (cli_flag(cli, "json"))
        return cmd_json_print(cli->out, rules_json(), err);
    print_rules(cli->out);
    return PT_OK;
}

const struct command cmd_policy_lint = {
    .name = "policy lint",
    .args = "[FILE]",
    .summary = "say what to look at twice before signing",
    .about = "Runs a table of rules over the policy: signatures and dates, thresholds, prices\n"
             "and budgets, attributes, matching, law, witnesses. Each finding has its line,\n"
             "the numbers at hand and what to write instead. A policy with findings is valid;\n"
             "to sign it is the officer's decision. Exit status 1 when there are errors, with\n"
             "--strict also for warnings.",
    .example = "patto policy lint policy.yaml\n"
               "patto policy lint policy.yaml --sarif > policy.sarif\n"
               "patto policy lint --rules",
    .options = OPTIONS,
    .arg_min = 0,
    .arg_max = 1,
    .run = run,
};
